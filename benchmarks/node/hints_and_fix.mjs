// Both: the compiler's inlay hints written into the files of a folder, then its fix applied to what is still implicitly `any`.
import path from "node:path";

import { ASKED, applyFix } from "./fix.mjs";
import { insertHints } from "./hints.mjs";
import { Service } from "./service.mjs";

const service = new Service(path.resolve(process.argv[2]), ASKED);
insertHints(service);
applyFix(service);
service.write();
