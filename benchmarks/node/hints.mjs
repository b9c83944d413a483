// Hints: a folder of TypeScript files in; the same files with the compiler's inlay hints written into them out: what an
// editor's user gets by accepting every hint of a result, a variable, a property or a callback's parameter.
import path from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";

import { bareParameters } from "./edits.mjs";
import { Service } from "./service.mjs";

const PREFERENCES = {
  includeInlayFunctionLikeReturnTypeHints: true,
  includeInlayVariableTypeHints: true,
  includeInlayVariableTypeHintsWhenTypeMatchesName: true,
  includeInlayPropertyDeclarationTypeHints: true,
  includeInlayFunctionParameterTypeHints: true,
};

// All hints are asked before any is written.
export function insertHints(service) {
  const found = service.files.map((name) => [name, hintsOf(service, name)]);
  for (const [name, hints] of found) service.edit(name, insertions(service.texts.get(name), name, hints));
}

function hintsOf(service, name) {
  const whole = { start: 0, length: service.texts.get(name).length };
  return service.compiler
    .provideInlayHints(name, whole, PREFERENCES)
    .filter((hint) => hint.kind === ts.InlayHintKind.Type)
    .map((hint) => ({ at: hint.position, text: hint.text || hint.displayParts.map((part) => part.text).join("") }))
    .filter(({ text }) => isAnnotation(text));
}

// A long type is cut short with three dots; that is none. Nor is `any`, which only says that nothing is known.
function isAnnotation(text) {
  if (!text.startsWith(":") || /^:\s*any$/.test(text) || /\.\.\.(?![\w[(])/.test(text)) return false;
  const file = ts.createSourceFile("hint.ts", `function it()${text} {}`, ts.ScriptTarget.ESNext);
  return file.parseDiagnostics.length === 0;
}

function insertions(text, name, hints) {
  const bare = bareParameters(ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true));
  const startOf = new Map(bare.map(({ start, end }) => [end, start]));
  return hints.flatMap(({ at, text }) => {
    const parameter = startOf.get(at);
    if (parameter === undefined) return [{ start: at, length: 0, text }];
    return [
      { start: parameter, length: 0, text: "(" },
      { start: at, length: 0, text: `${text})` },
    ];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const service = new Service(path.resolve(process.argv[2]));
  insertHints(service);
  service.write();
}
