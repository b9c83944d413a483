// Annotations: requests about TypeScript files on standard input, the answers on standard output, both as JSON. All files
// of a project in one process. The judge of the benchmark asks; it reads with the compiler and with nothing of ours.
//
//   { command: "strip", variant, files: { path: text } }  -> { files, skipped, truth: [[slot, text]] }
//   { command: "written", files }                         -> { path: [[slot, text]] }, or null where a file does not parse
//   { command: "slots", files }                           -> { path: [[slot, text or null, kept]] }
//   { command: "compiled", files }                        -> { path: JavaScript }, or null where a file does not parse
//   { command: "forms", texts: [text] }                   -> { text: { exact, base, generic } }
//   { command: "origins", files, truth: [[path, text]] }  -> [class of type]
//
// A slot is [path, qualname, kind, name, ordinal].
import fs from "node:fs";

import { formOf } from "./forms.mjs";
import { originsOf } from "./origins.mjs";
import { isDeclarationFile, parse, slotsOf } from "./slots.mjs";
import { javaScript, strip } from "./stripping.mjs";

function stripped({ files, variant }) {
  const answer = { files: {}, skipped: {}, truth: [] };
  for (const [path, text] of Object.entries(files)) {
    const done = isDeclarationFile(path) ? { text, truth: [] } : strip(path, text, variant);
    answer.files[path] = done.text ?? text;
    if (done.reason) answer.skipped[path] = done.reason;
    else answer.truth.push(...done.truth.map(({ slot, text }) => [idOf(path, slot), text]));
  }
  return answer;
}

function written({ files }) {
  return each(files, (path, file) =>
    slotsOf(file)
      .filter((slot) => slot.qualname !== null && slot.type)
      .map((slot) => [idOf(path, slot), slot.type.getText(file)]),
  );
}

function slots({ files }) {
  return each(files, (path, file) =>
    slotsOf(file)
      .filter((slot) => slot.qualname !== null)
      .map((slot) => [idOf(path, slot), slot.type?.getText(file) ?? null, slot.kept]),
  );
}

const compiled = ({ files }) => each(files, (path, file) => javaScript(path, file.text));

const forms = ({ texts }) => Object.fromEntries(texts.map((text) => [text, formOf(text)]));

const origins = ({ files, truth }) => originsOf(files, truth);

const idOf = (path, slot) => [path, slot.qualname, slot.kind, slot.name, slot.ordinal];

function each(files, answer) {
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => {
      const file = parse(path, text);
      return [path, file.parseDiagnostics.length ? null : answer(path, file)];
    }),
  );
}

const ANSWERS = { strip: stripped, written, slots, compiled, forms, origins };

const request = JSON.parse(fs.readFileSync(0, "utf8"));
fs.writeFileSync(1, JSON.stringify(ANSWERS[request.command](request)));
