// What the TypeScript compiler takes the types to be at places of JavaScript files.
// In: a JSON list of {path, text, places} on standard input, places in UTF-16 units. Out: a JSON list of lists of types.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../../benchmarks/node/package.json", import.meta.url));
const ts = require("typescript");

const OPTIONS = {
  allowJs: true,
  checkJs: true,
  strict: true,
  noResolve: true,
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  types: [],
};

function innermost(node, at) {
  return ts.forEachChild(node, (child) => (child.getStart() <= at && at < child.end ? innermost(child, at) : undefined)) ?? node;
}

function typesOf({ path, text, places }) {
  const host = ts.createCompilerHost(OPTIONS);
  const onDisk = host.getSourceFile;
  host.getSourceFile = (name, ...rest) =>
    name === path ? ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true) : onDisk(name, ...rest);
  const program = ts.createProgram([path], OPTIONS, host);
  const checker = program.getTypeChecker();
  return places.map((at) => {
    let node = innermost(program.getSourceFile(path), at);
    // A destructured parameter has its type as a whole.
    if (node.parent && ts.isParameter(node.parent)) node = node.parent;
    return checker.typeToString(checker.getTypeAtLocation(node));
  });
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(typesOf)));
