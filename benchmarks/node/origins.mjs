// Origins: annotated files and the types of the ground truth in; where the names of each type come from out. A type counts
// by its farthest name, the last of this list:
//   "builtin" the language's keywords, ECMAScript's and the browser's globals; "standard library" what Node.js brings;
//   "third party" what is imported from packages; "project-defined" all else.
import { builtinModules } from "node:module";
import path from "node:path";

import ts from "typescript";

import { parse } from "./slots.mjs";

const ORDER = ["builtin", "standard library", "third party", "project-defined"];

const OF_NODE = new Set(["NodeJS", "Buffer", "BufferEncoding"]);

export function originsOf(files, truth) {
  const own = new Set(packageNames(files));
  const bound = new Map();
  return truth.map(([file, text]) => {
    if (!bound.has(file)) bound.set(file, boundNames(parse(file, files[file]), own));
    return originOf(text, bound.get(file));
  });
}

function packageNames(files) {
  const manifests = Object.keys(files).filter((file) => path.posix.basename(file) === "package.json");
  return manifests.map((file) => JSON.parse(files[file]).name).filter(Boolean);
}

function boundNames(file, own) {
  const found = new Map();
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) bindImport(node, found, own);
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      found.set(node.name.text, moduleOrigin(node.moduleReference.expression.text, own));
    } else if (declaresType(node)) found.set(node.name.text, "project-defined");
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function declaresType(node) {
  const declares =
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node) ||
    ts.isTypeParameterDeclaration(node);
  return declares && node.name !== undefined;
}

function bindImport(node, found, own) {
  const origin = moduleOrigin(node.moduleSpecifier.text, own);
  const { name, namedBindings } = node.importClause ?? {};
  if (name) found.set(name.text, origin);
  if (namedBindings && ts.isNamespaceImport(namedBindings)) found.set(namedBindings.name.text, origin);
  else for (const one of namedBindings?.elements ?? []) found.set(one.name.text, origin);
}

function moduleOrigin(specifier, own) {
  if (/^([.#~]|@\/)/.test(specifier)) return "project-defined";
  if (specifier.startsWith("node:") || builtinModules.includes(specifier)) return "standard library";
  const name = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  return own.has(name) ? "project-defined" : "third party";
}

function originOf(text, bound) {
  const found = ["builtin"];
  const visit = (node) => {
    if (ts.isImportTypeNode(node)) found.push(moduleOrigin(node.argument.literal?.text ?? "", new Set()));
    const name = ts.isTypeReferenceNode(node) ? node.typeName : ts.isTypeQueryNode(node) ? node.exprName : undefined;
    if (name) found.push(nameOrigin(root(name).text, bound));
    ts.forEachChild(node, visit);
  };
  visit(parse("type.ts", `type It = ${text}\n;`));
  return ORDER[Math.max(...found.map((origin) => ORDER.indexOf(origin)))];
}

function nameOrigin(name, bound) {
  if (bound.has(name)) return bound.get(name);
  if (OF_NODE.has(name)) return "standard library";
  return globals().has(name) ? "builtin" : "project-defined";
}

const root = (name) => (ts.isQualifiedName(name) ? root(name.left) : name);

let globalNames;

// What the compiler's own library declares at the top of its files.
function globals() {
  if (globalNames) return globalNames;
  globalNames = new Set();
  const folder = path.dirname(ts.getDefaultLibFilePath({}));
  for (const file of ts.sys.readDirectory(folder, [".d.ts"], undefined, ["lib.*.d.ts"], 1)) {
    for (const statement of parse(file, ts.sys.readFile(file)).statements) {
      if (statement.name) globalNames.add(statement.name.text);
      for (const one of statement.declarationList?.declarations ?? []) globalNames.add(one.name.text);
    }
  }
  return globalNames;
}
