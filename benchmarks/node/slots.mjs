// Slots: a TypeScript file, parsed by the compiler, in; every slot of it in source order, with the annotation that stands
// there, out. Knows nothing of what is done with them, and shares no code with the reader that it judges.
import ts from "typescript";

export function parse(path, text) {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, /* setParentNodes */ true);
}

export const isDeclarationFile = (path) => /\.d\.([^/.]+\.)?[cm]?ts$/.test(path);

// One slot: { qualname, kind, name, ordinal, type, place, kept, variables }. `qualname` is null where an annotation stands
// at no slot (`const { a }: T = x`). `type` is the annotation or undefined. `kept`: it belongs to the program and not to the
// task (ambient, no body, a predicate). `variables`: the type variables in scope there.
export function slotsOf(file) {
  const walk = new Walk(file);
  walk.children(file, { qualname: "", ambient: file.isDeclarationFile, variables: new Set() });
  return walk.found;
}

class Walk {
  constructor(file) {
    this.file = file;
    this.found = [];
    this.ordinals = new Map();
  }

  children(node, scope) {
    ts.forEachChild(node, (child) => this.visit(child, scope));
  }

  visit(node, scope) {
    if (ts.isFunctionLike(node) && !ts.isTypeNode(node)) return this.function(node, scope);
    if (ts.isClassLike(node)) return this.class(node, scope);
    if (ts.isInterfaceDeclaration(node)) return this.shape(node, node.members, scope);
    if (ts.isTypeAliasDeclaration(node)) {
      return ts.isTypeLiteralNode(node.type) ? this.shape(node, node.type.members, scope) : undefined;
    }
    if (ts.isModuleDeclaration(node)) return this.namespace(node, scope);
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return undefined;
    if (ts.isVariableDeclaration(node)) this.variable(node, scope);
    this.children(node, scope);
  }

  namespace(node, scope) {
    const isGlobal = node.flags & ts.NodeFlags.GlobalAugmentation;
    const inner = {
      ...scope,
      qualname: isGlobal ? scope.qualname : join(scope.qualname, node.name.text),
      ambient: scope.ambient || isDeclared(node),
    };
    if (node.body) this.visit(node.body, inner);
  }

  class(node, scope) {
    const qualname = join(scope.qualname, nameOf(node));
    const inner = withVariables({ ...scope, qualname, ambient: scope.ambient || isDeclared(node) }, node);
    for (const decorator of ts.getDecorators(node) ?? []) this.visit(decorator, inner);
    for (const clause of node.heritageClauses ?? []) this.children(clause, scope);
    for (const member of node.members) {
      if (ts.isPropertyDeclaration(member)) {
        const kept = inner.ambient || has(member, ts.SyntaxKind.DeclareKeyword) || has(member, ts.SyntaxKind.AbstractKeyword);
        this.add(inner, "attribute", memberName(member.name), member, kept);
        this.children(member, inner);
      } else {
        this.visit(member, inner);
      }
    }
  }

  shape(node, members, scope) {
    const qualname = join(scope.qualname, node.name.text);
    const inner = withVariables({ ...scope, qualname, ambient: true }, node);
    for (const member of members) {
      if (ts.isPropertySignature(member)) this.add(inner, "attribute", memberName(member.name), member, true);
      else if (ts.isMethodSignature(member) || ts.isAccessor(member)) this.function(member, inner);
    }
  }

  function(node, scope) {
    if (ts.isIndexSignatureDeclaration(node)) return;
    const qualname = join(scope.qualname, qualifiedName(node));
    const inner = withVariables({ ...scope, qualname, ambient: scope.ambient || isDeclared(node) }, node);
    const kept = inner.ambient || node.body === undefined;
    for (const decorator of (ts.canHaveDecorators(node) && ts.getDecorators(node)) || []) this.visit(decorator, scope);
    if (node.name && ts.isComputedPropertyName(node.name)) this.visit(node.name, scope);
    const parameters = node.parameters.filter((parameter) => !isReceiver(parameter));
    parameters.forEach((parameter, position) => {
      const name = ts.isIdentifier(parameter.name) ? parameter.name.text : `__${position}`;
      this.add(inner, "parameter", name, parameter, kept);
    });
    const hasResult = !ts.isConstructorDeclaration(node) && !ts.isSetAccessorDeclaration(node);
    if (hasResult) this.add(inner, "return", "return", node, kept || isPredicate(node.type));
    for (const parameter of parameters) this.children(parameter, inner);
    if (node.body) this.visit(node.body, inner);
  }

  variable(node, scope) {
    const list = node.parent;
    if (!ts.isVariableDeclarationList(list)) return;
    if (ts.isForInStatement(list.parent) || ts.isForOfStatement(list.parent)) return;
    const kept = scope.ambient || isDeclared(list.parent);
    if (ts.isIdentifier(node.name)) this.add(scope, "variable", node.name.text, node, kept);
    else if (node.type) this.found.push({ qualname: null, type: node.type, place: node, kept, variables: scope.variables });
  }

  add(scope, kind, name, place, kept) {
    const key = JSON.stringify([scope.qualname, kind, name]);
    const ordinal = this.ordinals.get(key) ?? 0;
    this.ordinals.set(key, ordinal + 1);
    this.found.push({ qualname: scope.qualname, kind, name, ordinal, type: place.type, place, kept, variables: scope.variables });
  }
}

const join = (outer, name) => (outer ? `${outer}.${name}` : name);

const has = (node, kind) => ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((made) => made.kind === kind);

const isDeclared = (node) => has(node, ts.SyntaxKind.DeclareKeyword);

const isPredicate = (type) => type !== undefined && ts.isTypePredicateNode(type);

const isReceiver = (parameter) => ts.isIdentifier(parameter.name) && parameter.name.text === "this";

function withVariables(scope, node) {
  const declared = (node.typeParameters ?? []).map((parameter) => parameter.name.text);
  return declared.length ? { ...scope, variables: new Set([...scope.variables, ...declared]) } : scope;
}

function memberName(name) {
  if (ts.isStringLiteralLike(name) || ts.isNumericLiteral(name)) return name.text;
  return name.getText();
}

// `const f = (x) => ...`, `const shop = { run(x) {} }`, `handle = (e) => ...`, `this.go = () => ...`,
// `Foo.prototype.bar = function`, `exports.f = function`: a function is called what it is assigned to.
function qualifiedName(node) {
  if (ts.isConstructorDeclaration(node)) return "constructor";
  if (ts.isMethodDeclaration(node) || ts.isAccessor(node)) {
    const name = memberName(node.name);
    return ts.isObjectLiteralExpression(node.parent) ? join(objectName(node.parent), name) : name;
  }
  if (node.name && !ts.isFunctionExpression(node)) return memberName(node.name);
  return assignedName(node) ?? node.name?.text ?? (isDefault(node) ? "default" : "<anonymous>");
}

function nameOf(node) {
  return assignedName(node) ?? node.name?.text ?? (isDefault(node) ? "default" : "<anonymous>");
}

const isDefault = (node) =>
  has(node, ts.SyntaxKind.DefaultKeyword) || (ts.isExportAssignment(node.parent) && !node.parent.isExportEquals);

function assignedName(node) {
  let inner = node;
  let outer = node.parent;
  while (ts.isParenthesizedExpression(outer) || ts.isAsExpression(outer) || ts.isSatisfiesExpression(outer)) {
    [inner, outer] = [outer, outer.parent];
  }
  if (ts.isVariableDeclaration(outer) && ts.isIdentifier(outer.name)) return outer.name.text;
  if (ts.isPropertyDeclaration(outer) && outer.initializer === inner) return memberName(outer.name);
  if (ts.isPropertyAssignment(outer)) return join(objectName(outer.parent), memberName(outer.name));
  const assigns = ts.isBinaryExpression(outer) && outer.operatorToken.kind === ts.SyntaxKind.EqualsToken;
  return assigns && outer.right === inner ? targetName(outer.left) : undefined;
}

// The members of an object without a name are qualified like what stands inside a nameless function.
function objectName(literal) {
  return assignedName(literal) ?? (isDefault(literal) ? "default" : "<anonymous>");
}

function targetName(target) {
  if (ts.isIdentifier(target)) return target.text;
  if (!ts.isPropertyAccessExpression(target)) return undefined;
  const path = target.expression.getText().split(".");
  if (path[0] === "module") path.shift();
  if (path[0] === "exports" || path[0] === "this") path.shift();
  return [...path.filter((part) => part !== "prototype"), target.name.text].join(".");
}
