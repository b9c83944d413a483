// Errors: a folder in; what `tsc --noEmit` reports on every TypeScript file below it, by path, out. The same settings for
// every project and every tool: strict off, so that what has no annotation is `any` and no error. What is not there because
// nothing is installed (packages, Node's own types) is no error either.
import path from "node:path";

import ts from "typescript";

import { settingsOf, sourcesBelow } from "./project.mjs";

// No such module, no declarations for it, a global that stands in the types of Node.js, of a test runner or of React.
const MISSING = new Set([2307, 2792, 7016, 2688, 2580, 2581, 2582, 2591, 2592, 2593, 2874, 2875]);

// The compiler does not say of these that they would come with a package.
const CANNOT_FIND = new Set([2304, 2503, 2552]);
const BROUGHT =
  /name(space)? '(NodeJS|JSX|React|Buffer|BufferEncoding|require|module|exports|process|global|__dirname|__filename|setImmediate|clearImmediate)'/;

const root = path.resolve(process.argv[2]);
const files = sourcesBelow(root);
const program = ts.createProgram(files, { ...settingsOf(root), strict: false, noImplicitAny: false, strictNullChecks: false });
const found = {};
for (const name of files) {
  const file = program.getSourceFile(name);
  found[path.relative(root, name)] = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    .filter((one) => one.category === ts.DiagnosticCategory.Error && !isMissing(one))
    .map((one) => `TS${one.code}: ${ts.flattenDiagnosticMessageText(one.messageText, " ")}`);
}
process.stdout.write(JSON.stringify(found));

function isMissing({ code, messageText }) {
  const text = typeof messageText === "string" ? messageText : messageText.messageText;
  return MISSING.has(code) || (CANNOT_FIND.has(code) && BROUGHT.test(text));
}
