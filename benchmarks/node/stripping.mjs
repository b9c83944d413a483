// Stripping: a parsed TypeScript file in; its text without the annotations of parameters, results, variables and
// attributes, and the ground truth, out. Everything else stays as it is; in the variant `bare` the imports that only
// removed annotations used go too. Knows no scores.
import ts from "typescript";

import { bareParameters, edited } from "./edits.mjs";
import { isDeclarationFile, parse, slotsOf } from "./slots.mjs";

export const JAVASCRIPT = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  jsx: ts.JsxEmit.Preserve,
  useDefineForClassFields: true,
  removeComments: true,
};

// The JavaScript that a file is compiled to. Imports that are only types are gone from it, as are all annotations; and every
// arrow's parameter stands in parentheses, which an annotation cannot do without.
export function javaScript(path, text) {
  // Of declarations no program is made.
  if (isDeclarationFile(path)) return "";
  const { outputText } = ts.transpileModule(text, { fileName: path, compilerOptions: JAVASCRIPT });
  const insertions = bareParameters(parse("output.jsx", outputText)).flatMap(({ start, end }) => [
    { start, length: 0, text: "(" },
    { start: end, length: 0, text: ")" },
  ]);
  return edited(outputText, insertions);
}

// { text, truth: [{ slot, text }] } or { reason } for a file that has to stay as it is.
export function strip(path, text, variant) {
  const file = parse(path, text);
  if (file.parseDiagnostics.length) return { reason: `does not parse: ${message(file)}` };
  const removed = slotsOf(file).filter((slot) => slot.type && !slot.kept);
  const truth = removed
    .filter((slot) => slot.qualname !== null && !saysNothing(slot.type, slot))
    .map((slot) => ({ slot, text: slot.type.getText(file) }));
  let after = cut(text, removed.map((slot) => annotationCut(file, slot)));
  if (variant === "bare") after = withoutImports(path, after, namesIn(removed.map((slot) => slot.type)));
  if (javaScript(path, after) !== javaScript(path, text)) return { reason: "is other JavaScript without its annotations" };
  return { text: after, truth };
}

export function message(file) {
  return ts.flattenDiagnosticMessageText(file.parseDiagnostics[0].messageText, " ");
}

// `any` and what is made only of it, a bare type variable, `this` alone: no ground truth. A rest parameter's `any[]` and
// `T[]` are the array that the three dots make, of nothing said.
function saysNothing(type, slot) {
  const plain = unwrapped(type);
  const isRest = ts.isParameter(slot.place) && slot.place.dotDotDotToken !== undefined;
  if (isRest && ts.isArrayTypeNode(plain)) return isAny(plain.elementType) || isVariable(plain.elementType, slot);
  return isAny(plain) || isVariable(plain, slot) || plain.kind === ts.SyntaxKind.ThisType;
}

const unwrapped = (type) => (ts.isParenthesizedTypeNode(type) ? unwrapped(type.type) : type);

function isAny(type) {
  const plain = unwrapped(type);
  if (ts.isUnionTypeNode(plain) || ts.isIntersectionTypeNode(plain)) return plain.types.every(isAny);
  return plain.kind === ts.SyntaxKind.AnyKeyword;
}

function isVariable(type, slot) {
  const plain = unwrapped(type);
  return ts.isTypeReferenceNode(plain) && ts.isIdentifier(plain.typeName) && slot.variables.has(plain.typeName.text);
}

// From behind the name and its `?` to the end of the type. A definite `!` goes too: `x!;` would need a type.
function annotationCut(file, { place, type }) {
  if (place.exclamationToken) return [place.exclamationToken.getStart(file), type.end];
  const colon = place.getChildren(file).find((child) => child.kind === ts.SyntaxKind.ColonToken);
  return [colon.pos, type.end];
}

const cut = (text, cuts) => edited(text, cuts.map(([start, end]) => ({ start, length: end - start, text: "" })));

// --- imports that only annotations used ------------------------------------------------------------------------------

function namesIn(types) {
  const names = new Set();
  const visit = (node) => {
    if (ts.isIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  types.forEach(visit);
  return names;
}

function withoutImports(path, text, named) {
  const file = parse(path, text);
  const used = readNames(file);
  const cuts = [];
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !statement.importClause) continue;
    const gone = (local, typeOnly) => !used.has(local.text) && (typeOnly || named.has(local.text));
    cuts.push(...importCuts(file, statement, gone));
  }
  return cut(text, cuts);
}

function importCuts(file, statement, gone) {
  const { name, namedBindings: bindings, isTypeOnly } = statement.importClause;
  const isSpace = bindings !== undefined && ts.isNamespaceImport(bindings);
  const specifiers = bindings === undefined ? [] : isSpace ? [bindings] : [...bindings.elements];
  const kept = specifiers.filter((one) => !gone(one.name, isTypeOnly || one.isTypeOnly));
  const goesDefault = name !== undefined && gone(name, isTypeOnly);
  if (!goesDefault && kept.length === specifiers.length) return [];
  if (kept.length === 0 && (name === undefined || goesDefault)) return [wholeLine(file, statement)];
  if (kept.length === 0) return [[name.end, bindings.end]];
  const defaultCuts = goesDefault ? [[name.getStart(file), bindings.getStart(file)]] : [];
  return [...defaultCuts, ...specifierCuts(file, specifiers, kept)];
}

// Each with the comma behind it; what stands last with the comma before it.
function specifierCuts(file, specifiers, kept) {
  const lastKept = specifiers.indexOf(kept.at(-1));
  const cuts = [];
  specifiers.forEach((one, index) => {
    if (index < lastKept && !kept.includes(one)) cuts.push([one.getStart(file), specifiers[index + 1].getStart(file)]);
  });
  if (lastKept >= 0 && lastKept + 1 < specifiers.length) cuts.push([specifiers[lastKept].end, specifiers.at(-1).end]);
  return cuts;
}

// With its line where it stands alone on it.
function wholeLine(file, statement) {
  const start = statement.getStart(file);
  const lineStart = file.text.lastIndexOf("\n", start - 1) + 1;
  const rest = /[ \t]*(\/\/[^\r\n]*)?(\r\n|\r|\n|$)/y;
  rest.lastIndex = statement.end;
  const found = rest.exec(file.text);
  const alone = found !== null && file.text.slice(lineStart, start).trim() === "";
  return alone ? [lineStart, rest.lastIndex] : [start, statement.end];
}

// Names that a file reads anywhere but in its imports; a name that only stands behind a dot or before a colon is none.
function readNames(file) {
  const names = new Set();
  // Elements are calls of what the file has imported as React.
  if (file.languageVariant === ts.LanguageVariant.JSX) names.add("React");
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) return;
    if (ts.isIdentifier(node) && isRead(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

function isRead(name) {
  const parent = name.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === name;
  if (ts.isQualifiedName(parent)) return parent.left === name;
  if (ts.isExportSpecifier(parent)) return (parent.propertyName ?? parent.name) === name && !parent.parent.parent.moduleSpecifier;
  if (ts.isShorthandPropertyAssignment(parent) || ts.isExportAssignment(parent)) return true;
  if (ts.isBindingElement(parent)) return parent.initializer === name;
  if (ts.isJsxAttribute(parent)) return false;
  // `const x`, `function x`, `x: 1`, `class x`: a declaration's own name is not read by it.
  return parent.name !== name;
}
