// Globals: the compiler's own library in; the names of the types that every program has in scope, one a line and sorted, out.
// `node globals.mjs > ../../grammars/typescript/globals.txt`. Node's own globals are no part of the compiler and are listed
// here by hand, as @types/node 24 declares them.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const NODE = `
  Buffer BufferEncoding NodeJS NodeModule NodeRequire
  NodeJS.ArrayBufferView NodeJS.AsyncIterator NodeJS.BuiltinIteratorReturn NodeJS.Dict NodeJS.ErrnoException
  NodeJS.Immediate NodeJS.Iterator NodeJS.MemoryUsage NodeJS.Module NodeJS.Platform NodeJS.Process NodeJS.ProcessEnv
  NodeJS.ReadWriteStream NodeJS.ReadableStream NodeJS.Require NodeJS.Signals NodeJS.Timeout NodeJS.Timer
  NodeJS.TypedArray NodeJS.WritableStream NodeJS.WriteStream
`;

// Scripts of Windows, and what only a worker or an audio thread has.
const ELSEWHERE = /scripthost|webworker|audioworklet/;

const folder = dirname(fileURLToPath(import.meta.resolve("typescript")));
const names = new Set(NODE.trim().split(/\s+/));

for (const name of readdirSync(folder)) {
  if (!/^lib\..*\.d\.ts$/.test(name) || ELSEWHERE.test(name)) continue;
  collect(ts.createSourceFile(name, readFileSync(join(folder, name), "utf8"), ts.ScriptTarget.ESNext).statements, "");
}
process.stdout.write([...names].sort().join("\n") + "\n");

function collect(statements, outer) {
  for (const node of statements) {
    if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node) || ts.isTypeAliasDeclaration(node)) {
      names.add(outer + node.name.text);
    } else if (ts.isModuleDeclaration(node) && node.flags & ts.NodeFlags.GlobalAugmentation) {
      collect(node.body.statements, "");
    } else if (ts.isModuleDeclaration(node)) {
      const name = outer + node.name.text;
      const before = names.size;
      collect(node.body.statements, `${name}.`);
      // A namespace of functions alone (Reflect) is no way to a type.
      if (names.size > before) names.add(name);
    }
  }
}
