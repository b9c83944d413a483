// Fix: a folder of TypeScript files in; the same files with the compiler's own fix "infer types from usage" applied to every
// implicit `any` out. File by file: what is written into one is known in the next. Where it knows no more than `any`, that
// is not written: it would be a wrong answer where the fix has none.
import path from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";

import { Service } from "./service.mjs";

// The fix is offered only where a missing type is an error.
export const ASKED = { noImplicitAny: true };

export function applyFix(service) {
  for (const name of service.files) {
    let changes = [];
    try {
      const format = ts.getDefaultFormatCodeSettings("\n");
      changes = service.compiler.getCombinedCodeFix({ type: "file", fileName: name }, "inferFromUsage", format, {}).changes;
    } catch (error) {
      // The compiler stumbles over some files; the others are still fixed.
      console.error(`${name}: ${error.message}`);
    }
    for (const { fileName, textChanges } of changes) {
      const edits = textChanges.map(({ span, newText }) => ({ start: span.start, length: span.length, text: newText }));
      service.edit(fileName, edits.filter(({ text }) => !/^:\s*any$/.test(text)));
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const service = new Service(path.resolve(process.argv[2]), ASKED);
  applyFix(service);
  service.write();
}
