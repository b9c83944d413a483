// Forms: the text of a type in; the spelling that equal types share, its outermost constructor, and whether it has
// arguments, out. What is not listed here stays as written, less its blanks: names of parameters, `?`, the order of members.
import ts from "typescript";

export function formOf(text) {
  const type = parseType(text);
  if (type === undefined) {
    const packed = text.replace(/\s+/g, "");
    return { exact: packed, base: packed, generic: false };
  }
  const parts = members(type);
  const bases = new Set(parts.map(base));
  return { exact: form(type), base: [...bases].sort().join(" | "), generic: parts.some(isGeneric) };
}

function parseType(text) {
  const file = ts.createSourceFile("type.ts", `type It = ${text}\n;`, ts.ScriptTarget.ESNext, true);
  const [alias] = file.statements;
  // A predicate is a type only behind a function.
  return file.parseDiagnostics.length || !ts.isTypeAliasDeclaration(alias) ? undefined : alias.type;
}

// The alternatives of a type; of no union the one.
function members(type) {
  const plain = unwrapped(type);
  return ts.isUnionTypeNode(plain) ? plain.types.flatMap(members) : [plain];
}

const unwrapped = (type) => (ts.isParenthesizedTypeNode(type) ? unwrapped(type.type) : type);

function form(type) {
  const parts = members(type);
  const found = new Set(parts.map((part) => (parts.length > 1 && isLoose(part) ? `(${single(part)})` : single(part))));
  if (found.has("true") && found.has("false")) {
    found.delete("true");
    found.delete("false");
    found.add("boolean");
  }
  return [...found].sort().join(" | ");
}

function single(node) {
  const array = arrayOf(node);
  if (array) return `${array.readonly ? "readonly " : ""}${bracketed(array.element)}[]`;
  if (ts.isTypeReferenceNode(node)) return lastName(node.typeName) + withArguments(node.typeArguments);
  if (ts.isImportTypeNode(node) && node.qualifier && !node.isTypeOf) {
    return lastName(node.qualifier) + withArguments(node.typeArguments);
  }
  if (ts.isLiteralTypeNode(node) && ts.isStringLiteralLike(node.literal)) return JSON.stringify(node.literal.text);
  if (ts.isTypeLiteralNode(node)) return `{ ${node.members.map((member) => tokens(member)).join("; ")} }`;
  if (ts.isIntersectionTypeNode(node)) return node.types.map(bracketed).sort().join(" & ");
  return tokens(node);
}

// Everything else: its tokens in their order, with every type inside in its form.
function tokens(node) {
  if (ts.isStringLiteral(node)) return JSON.stringify(node.text);
  const children = node.getChildren();
  if (children.length === 0) return node.kind === ts.SyntaxKind.SyntaxList ? "" : node.getText();
  const last = children.at(-1);
  const closed = ts.SyntaxKind.CommaToken === last.kind || ts.SyntaxKind.SemicolonToken === last.kind;
  return (closed ? children.slice(0, -1) : children)
    .map((child) => (ts.isTypeNode(child) ? inside(child) : tokens(child)))
    .filter((text) => text !== "")
    .join(" ");
}

// A type where its neighbours bind as tightly as they can keeps the parentheses that it was written with.
const inside = (type) => (ts.isParenthesizedTypeNode(type) ? bracketed(type) : form(type));

function bracketed(type) {
  const [only, ...others] = members(type);
  const spread = ts.isIntersectionTypeNode(only) || ts.isTypeOperatorNode(only) || ts.isInferTypeNode(only);
  const text = form(type);
  return (others.length || isLoose(only) || spread) && text.includes(" ") ? `(${text})` : text;
}

// Whatever stands behind it would become a part of it.
const isLoose = (node) =>
  ts.isFunctionTypeNode(node) || ts.isConditionalTypeNode(node) || ts.isConstructorTypeNode(node);

function arrayOf(node) {
  if (ts.isArrayTypeNode(node)) return { element: node.elementType, readonly: false };
  if (ts.isTypeOperatorNode(node) && node.operator === ts.SyntaxKind.ReadonlyKeyword && ts.isArrayTypeNode(node.type)) {
    return { element: node.type.elementType, readonly: true };
  }
  if (!ts.isTypeReferenceNode(node) || node.typeArguments?.length !== 1 || !ts.isIdentifier(node.typeName)) return undefined;
  const { text } = node.typeName;
  if (text !== "Array" && text !== "ReadonlyArray") return undefined;
  return { element: node.typeArguments[0], readonly: text === "ReadonlyArray" };
}

const withArguments = (types) => (types?.length ? `<${types.map(form).join(", ")}>` : "");

const lastName = (name) => (ts.isQualifiedName(name) ? name.right.text : name.text);

function base(node) {
  const array = arrayOf(node);
  if (array) return array.readonly ? "readonly []" : "[]";
  if (ts.isTypeReferenceNode(node)) return lastName(node.typeName);
  if (ts.isImportTypeNode(node) && node.qualifier) return lastName(node.qualifier);
  if (ts.isTupleTypeNode(node)) return "tuple";
  if (ts.isFunctionTypeNode(node)) return "function";
  if (ts.isTypeLiteralNode(node)) return "object";
  if (ts.isLiteralTypeNode(node) && node.literal.kind !== ts.SyntaxKind.NullKeyword) return "literal";
  return single(node);
}

function isGeneric(node) {
  if (arrayOf(node) || ts.isTupleTypeNode(node) || ts.isFunctionTypeNode(node)) return true;
  return (ts.isTypeReferenceNode(node) || ts.isImportTypeNode(node)) && Boolean(node.typeArguments?.length);
}
