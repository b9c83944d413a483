"""Modules: the nodes of import and export statements in; `Import` facts and exported names out."""

from __future__ import annotations

import posixpath
import re

from tree_sitter import Node

from typeinfer.languages.treesitter import span_of, text_of
from typeinfer.languages.typescript.declarations import names_in, unquoted
from typeinfer.languages.typescript.expressions import inside, value_of
from typeinfer.values.module import Import, Name

TYPES = re.compile(rb"export\s+type\s*\*")
SUFFIX = re.compile(r"(?:\.d)?\.(?:[cm]?[jt]s|[jt]sx)$")


def module_of(specifier: str, path: str) -> str:
    """The module that a specifier names in the file of this path; one that is not relative stays as written.

    >>> module_of("./cart.js", "src/shop/main.ts")
    'src/shop/cart'
    """
    if not (specifier.startswith(("./", "../")) or specifier in (".", "..")):
        return specifier
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier))
    whole = SUFFIX.sub("", joined)
    if joined == ".":
        return "index"
    return whole[: -len("/index")] if whole.endswith("/index") else whole


def imported(node: Node, path: str, scope: str, bound: Node | None = None) -> list[Import]:
    """The names that a statement imports or hands on, or that `bound` takes from `require(...)`."""
    if bound is not None:
        return _required(bound, node, path, scope)
    source = _source(node)
    if source is None:
        return []
    module, span = module_of(source, path), span_of(node)
    type_only = _says_type(node)
    found: list[Import] = []
    for part in node.named_children:
        if part.type == "import_require_clause":
            names = [child for child in part.named_children if child.type == "identifier"]
            found.extend(Import(text_of(name), module, None, span, scope, type_only) for name in names[:1])
        elif part.type == "import_clause":
            found.extend(_clause(part, module, node, scope, type_only))
        elif part.type == "export_clause":
            for name, alias, is_type in _specifiers(part):
                found.append(Import(alias, module, name, span, scope, type_only or is_type, passed_on=True))
        elif part.type == "namespace_export":
            found.extend(
                Import(unquoted(name), module, None, span, scope, type_only, passed_on=True) for name in inside(part)
            )
    if node.type == "export_statement" and any(child.type == "*" for child in node.children):
        found.append(Import("*", module, "*", span, scope, type_only, passed_on=True))
    return found


def _clause(clause: Node, module: str, statement: Node, scope: str, type_only: bool) -> list[Import]:
    found: list[Import] = []
    span = span_of(statement)
    for part in clause.named_children:
        if part.type == "identifier":
            found.append(Import(text_of(part), module, "default", span, scope, type_only))
        elif part.type == "namespace_import":
            found.extend(Import(text_of(name), module, None, span, scope, type_only) for name in inside(part))
        elif part.type == "named_imports":
            for name, alias, is_type in _specifiers(part):
                found.append(Import(alias, module, name, span, scope, type_only or is_type))
    return found


def _specifiers(clause: Node) -> list[tuple[str, str, bool]]:
    """Name, alias and whether it is a type, of each `{ type A as B }`."""
    found = []
    for child in clause.named_children:
        name = child.child_by_field_name("name")
        if name is not None and not name.is_missing:
            alias = child.child_by_field_name("alias") or name
            found.append((unquoted(name), unquoted(alias), _says_type(child)))
    return found


def _says_type(node: Node) -> bool:
    # `export type *` the tree shows without its second word.
    return any(child.type in ("type", "typeof") for child in node.children[:2]) or bool(TYPES.match(node.text or b""))


def _source(node: Node) -> str | None:
    source = node.child_by_field_name("source")
    if source is None:
        clause = next((child for child in node.named_children if child.type == "import_require_clause"), None)
        source = clause.child_by_field_name("source") if clause is not None else None
    return unquoted(source) if source is not None else None


def _required(bound: Node, value: Node, path: str, scope: str) -> list[Import]:
    """`const x = require("y")`, `const { a, b: c } = require("y")`, `const x = require("y").a`."""
    member = None
    if value.type == "member_expression":
        member, inner = value.child_by_field_name("property"), value.child_by_field_name("object")
        if inner is None or bound.type != "identifier":
            return []
        value = inner
    callee, listed = value.child_by_field_name("function"), value.child_by_field_name("arguments")
    if value.type != "call_expression" or callee is None or callee.text != b"require" or listed is None:
        return []
    arguments = inside(listed)
    if len(arguments) != 1 or arguments[0].type != "string":
        return []
    module, span = module_of(unquoted(arguments[0]), path), span_of(value)
    if bound.type == "identifier":
        return [Import(text_of(bound), module, text_of(member) if member is not None else None, span, scope)]
    found = []
    for part in bound.named_children if bound.type == "object_pattern" else ():
        if part.type == "shorthand_property_identifier_pattern":
            found.append(Import(text_of(part), module, text_of(part), span, scope))
        elif part.type == "pair_pattern":
            key, name = part.child_by_field_name("key"), part.child_by_field_name("value")
            if key is not None and name is not None and name.type == "identifier":
                found.append(Import(text_of(name), module, unquoted(key), span, scope))
    return found


def exported(node: Node) -> dict[str, str]:
    """The names that an export statement hands to other files, and what each is called in this one."""
    if node.child_by_field_name("source") is not None:
        return {}
    is_default = any(child.type == "default" for child in node.children)
    declaration, value = node.child_by_field_name("declaration"), node.child_by_field_name("value")
    if is_default:
        held = declaration or value
        if held is None:
            return {}
        name = held if held.type == "identifier" else held.child_by_field_name("name")
        is_own = name is not None and (held.type == "identifier" or _declares(held))
        return {"default": text_of(name) if name is not None and is_own else "default"}
    if declaration is not None:
        return {name: name for name in _declared_names(declaration)}
    found: dict[str, str] = {}
    for part in node.named_children:
        if part.type == "export_clause":
            found.update({alias: name for name, alias, _ in _specifiers(part)})
        elif part.type == "identifier" and any(child.type == "=" for child in node.children):
            found["default"] = text_of(part)  # export = x
    return found


def _declares(node: Node) -> bool:
    return node.type.endswith(("_declaration", "_signature")) or node.type in (
        "class",
        "function_expression",
        "generator_function",
    )


def _declared_names(declaration: Node) -> list[str]:
    if declaration.type == "ambient_declaration":
        return [name for child in declaration.named_children for name in _declared_names(child)]
    if declaration.type in ("lexical_declaration", "variable_declaration"):
        patterns = [child.child_by_field_name("name") for child in declaration.named_children]
        return [text_of(name) for pattern in patterns if pattern is not None for name in names_in(pattern)]
    if declaration.type == "import_alias":
        return [text_of(child) for child in inside(declaration)[:1]]
    name = declaration.child_by_field_name("name")
    if name is None or name.is_missing or name.type == "string":
        return []
    return [text_of(name).partition(".")[0]]


def required_exports(left: Node, name: Node, right: Node | None) -> dict[str, str]:
    """What `module.exports = ...` and `exports.x = ...` hand to whoever requires this file."""
    value = value_of(right) if right is not None else None
    if left.text != b"module.exports":
        exported = text_of(name)
        return {exported: value.name if isinstance(value, Name) else exported}
    if right is not None and right.type == "object":
        found: dict[str, str] = {}
        for child in right.named_children:
            if child.type == "shorthand_property_identifier":
                found[text_of(child)] = text_of(child)
            elif child.type in ("pair", "method_definition"):
                key = child.child_by_field_name("key") or child.child_by_field_name("name")
                part = child.child_by_field_name("value")
                if key is not None and key.type != "computed_property_name":
                    is_name = part is not None and part.type == "identifier"
                    found[unquoted(key)] = text_of(part) if part is not None and is_name else unquoted(key)
        return found
    if isinstance(value, Name):
        return {"default": value.name}
    own = right.child_by_field_name("name") if right is not None and right.type == "class" else None
    return {"default": text_of(own) if own is not None else "exports"}
