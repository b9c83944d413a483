"""Stubs: an annotated file in; the text of the `.d.ts` that declares what it holds out.

Kept: imports, exports, types, the signatures of functions and classes. Gone: bodies, initialisers, decorators, comments.
What has no annotation and no evident literal is `any`, as the compiler itself would have it without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tree_sitter import Node

from typeinfer.languages.typescript import parsing
from typeinfer.languages.typescript.refusals import JAVASCRIPT
from typeinfer.languages.typescript.syntax import read
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.source import SourceFile, Span

INDENT = "  "

_TYPES = frozenset({"interface_declaration", "type_alias_declaration"})
_CLASSES = frozenset({"class_declaration", "abstract_class_declaration", "class"})
_FUNCTIONS = frozenset({"function_declaration", "generator_function_declaration", "function_signature"})
_EXPRESSIONS = frozenset({"arrow_function", "function_expression", "generator_function"})
_VARIABLES = frozenset({"lexical_declaration", "variable_declaration"})
_LITERALS = {
    "string": "string",
    "template_string": "string",
    "number": "number",
    "true": "boolean",
    "false": "boolean",
    "regex": "RegExp",
}
_MODIFIERS = ("static", "abstract", "readonly", "accessor")


def stub(annotated: SourceFile) -> str:
    """The declaration file of an annotated file. Parts that don't parse are left out."""
    lines = list(_Stub(annotated).lines())
    return "".join(f"{line}\n" for line in lines)


class _Stub:
    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.module = read(file, "", False)
        self.root = parsing.parse(file.path, file.data).root_node
        written = [slot for slot in self.module.slots if slot.written is not None]
        # A result and a nameless parameter can begin at one byte.
        self.types: Mapping[tuple[int, bool], Slot] = {
            (slot.span.start, slot.id.kind is SlotKind.RETURN): slot for slot in written
        }
        self.results = {one.header.start: one.result for one in self.module.functions}
        self.assigned: dict[str, list[Slot]] = {}
        for slot in self.module.slots:
            if slot.id.kind is SlotKind.ATTRIBUTE and file.data[slot.span.start - 1 : slot.span.start] == b".":
                self.assigned.setdefault(slot.id.qualname, []).append(slot)

    def lines(self) -> Iterator[str]:
        yield from self._statements(self.root, "", "declare ")
        statements = self.root.named_children
        if any(node.type in ("import_statement", "export_statement") for node in statements):
            # Without it a declaration file exports everything that it declares.
            yield "export {};"
        elif self.file.path.endswith(JAVASCRIPT) and self.module.exports:
            yield from self._common_exports(self.module.exports)

    def _common_exports(self, exports: Mapping[str, str]) -> Iterator[str]:
        declared = {fact.qualname for fact in (*self.module.functions, *self.module.classes)}
        declared |= {fact.name for fact in self.module.assignments if not fact.scope}
        if set(exports) == {"default"} and exports["default"] in declared:
            yield f"export = {exports['default']};"
            return
        items = [
            f"{local} as {name}" if local != name else name for name, local in exports.items() if local in declared
        ]
        yield f"export {{ {', '.join(items)} }};"

    # --- statements -------------------------------------------------------------------------------------------------

    def _statements(self, block: Node, indent: str, declare: str, owner: str = "") -> Iterator[str]:
        overloaded = {
            _text(name)
            for node in block.named_children
            for inner in (node, node.child_by_field_name("declaration"))
            if inner is not None and inner.type == "function_signature"
            if (name := inner.child_by_field_name("name")) is not None
        }
        for node in block.named_children:
            if node.has_error:
                continue
            if node.type == "export_statement":
                yield from self._export(node, indent, declare, owner, overloaded)
            elif node.type == "import_statement":
                yield f"{indent}{_closed(_text(node))}"
            else:
                yield from self._declaration(node, indent, declare, owner, overloaded)

    def _export(self, node: Node, indent: str, declare: str, owner: str, overloaded: set[str]) -> Iterator[str]:
        declared, value = node.child_by_field_name("declaration"), node.child_by_field_name("value")
        is_default = any(child.type == "default" for child in node.children)
        if declared is not None:
            word = f"{indent}export {'default ' if is_default else declare}"
            for line in self._declaration(declared, "", "", owner, overloaded):
                # The lines of a class behind its first are inside it.
                yield f"{word}{line}" if not line.startswith((INDENT, "}")) else f"{indent}{line}"
        elif value is not None and value.type != "identifier":
            yield f"{indent}{declare}const _default: {self._value_type(value)};"
            yield f"{indent}export default _default;"
        else:
            yield f"{indent}{_closed(_text(node))}"

    def _declaration(self, node: Node, indent: str, declare: str, owner: str, overloaded: set[str]) -> Iterator[str]:
        inner = node.named_children[0] if node.type == "expression_statement" and node.named_children else node
        name = inner.child_by_field_name("name")
        qualname = f"{owner}.{_text(name)}" if owner and name is not None else _text(name) if name is not None else ""
        if inner.type in _TYPES or inner.type == "import_alias":
            yield f"{indent}{_closed(_text(inner))}"
        elif inner.type == "ambient_declaration":
            text = _text(inner)
            yield f"{indent}{_closed(text if declare else text.removeprefix('declare').lstrip())}"
        elif inner.type == "enum_declaration":
            yield f"{indent}{declare}{_text(inner)}"
        elif inner.type in _FUNCTIONS:
            if inner.type == "function_signature" or _text(name) not in overloaded:
                yield f"{indent}{declare}function {_text(name)}{self._signature(inner)};"
        elif inner.type in _CLASSES:
            yield from self._class(inner, indent, declare, qualname)
        elif inner.type == "internal_module" and (body := inner.child_by_field_name("body")) is not None:
            yield f"{indent}{declare}namespace {_text(name)} {{"
            yield from self._statements(body, indent + INDENT, "", qualname)
            yield f"{indent}}}"
        elif inner.type in _VARIABLES:
            yield from self._variables(inner, indent, declare)

    def _variables(self, node: Node, indent: str, declare: str) -> Iterator[str]:
        word = _text(node.children[0])
        for declarator in node.named_children:
            name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
            if name is None:
                continue
            if name.type != "identifier":
                for bound in _bound_names(name):
                    yield f"{indent}{declare}{word} {bound}: any;"
            elif not (value is not None and _is_require(value)):
                said = self._said(name) or (self._value_type(value) if value is not None else "any")
                yield f"{indent}{declare}{word} {_text(name)}: {said};"
            elif value is not None:
                yield f"{indent}import {_text(name)} = {_text(value)};"

    # --- classes ----------------------------------------------------------------------------------------------------

    def _class(self, node: Node, indent: str, declare: str, qualname: str) -> Iterator[str]:
        body = node.child_by_field_name("body")
        if body is None:
            return
        start = next((child for child in node.children if child.type in ("abstract", "class")), node)
        header = " ".join(self.file.data[start.start_byte : body.start_byte].decode().split())
        yield f"{indent}{declare}{header} {{"
        signatures = {
            (_text(name), _is_static(child))
            for child in body.named_children
            if child.type == "method_signature" and (name := child.child_by_field_name("name")) is not None
        }
        members = [line for child in body.named_children for line in self._member(child, signatures)]
        listed = {_text(name) for child in body.named_children if (name := child.child_by_field_name("name"))}
        fields = [
            f"{slot.id.name}: {self._type_text(slot.written) if slot.written is not None else 'any'};"
            for slot in self.assigned.get(qualname, ())
            if slot.id.name not in listed
        ]
        yield from (f"{indent}{INDENT}{line}" for line in dict.fromkeys([*fields, *members]))
        yield f"{indent}}}"

    def _member(self, node: Node, signatures: set[tuple[str, bool]]) -> Iterator[str]:
        name = node.child_by_field_name("name")
        if node.type == "index_signature":
            yield _closed(_text(node))
            return
        if name is None or node.has_error:
            return
        if name.type == "private_property_identifier":
            yield "#private;"
            return
        signs = [child.type for child in node.children]
        access = next((f"{_text(child)} " for child in node.children if child.type == "accessibility_modifier"), "")
        before = access + "".join(f"{word} " for word in _MODIFIERS if word in signs)
        mark = "?" if "?" in signs else ""
        if node.type == "public_field_definition":
            # What is private is nobody's to know the type of.
            value = node.child_by_field_name("value")
            said = self._said(name) or (self._value_type(value) if value is not None else "any")
            yield f"{before}{_text(name)}{mark}{'' if access == 'private ' else f': {said}'};"
            return
        if node.type == "method_definition" and (_text(name), _is_static(node)) in signatures:
            return
        if _text(name) == "constructor" and "static" not in signs:
            yield from self._parameter_properties(node)
            yield f"{access}constructor{self._parameters(node)};"
        elif access == "private ":
            yield f"{before}{_text(name)}{mark};"
        elif "set" in signs:
            yield f"{before}set {_text(name)}{self._parameters(node)};"
        else:
            word = "get " if "get" in signs else ""
            yield f"{before}{word}{_text(name)}{mark}{self._signature(node)};"

    def _parameter_properties(self, constructor: Node) -> Iterator[str]:
        for parameter in _parameters(constructor):
            words = [
                _text(child)
                for child in parameter.children
                if child.type in ("accessibility_modifier", "readonly", "override_modifier")
            ]
            name = parameter.child_by_field_name("pattern")
            if words and name is not None:
                before = "".join(f"{word} " for word in words if word != "override")
                mark = "?" if parameter.type == "optional_parameter" else ""
                said = "" if "private" in words else f": {self._parameter_type(parameter, name)}"
                yield f"{before}{_text(name)}{mark}{said};"

    # --- signatures -------------------------------------------------------------------------------------------------

    def _signature(self, node: Node, arrow: str = ":") -> str:
        """Type parameters, parameters and result. `x is T` and `asserts x` are results too."""
        generic = node.child_by_field_name("type_parameters")
        result = node.child_by_field_name("return_type")
        if result is not None:
            said = _text(result).removeprefix(":").strip()
        else:
            said = self._result(node) or "any"
        gap = " " if arrow == " =>" else ""
        return f"{_text(generic) if generic is not None else ''}{self._parameters(node)}{arrow}{gap or ' '}{said}"

    def _result(self, node: Node) -> str | None:
        """What JSDoc says that a function returns."""
        slot = self.results.get(node.start_byte)
        return self._type_text(slot.written) if slot is not None and slot.written is not None else None

    def _parameters(self, node: Node) -> str:
        bare = node.child_by_field_name("parameter")
        if bare is not None:
            return f"({_text(bare)}: {self._said(bare) or 'any'})"
        listed = _parameters(node)
        # One that may be left out before one that may not takes `undefined` instead.
        last_required = max((at for at, one in enumerate(listed) if not _may_be_missing(one)), default=-1)
        said = [self._parameter(one, at, at < last_required) for at, one in enumerate(listed)]
        return f"({', '.join(said)})"

    def _parameter(self, node: Node, position: int, must_be_given: bool) -> str:
        pattern = node.child_by_field_name("pattern")
        if pattern is None:
            return f"arg{position}: any"
        rest = pattern.type == "rest_pattern"
        named = pattern.named_children[0] if rest and pattern.named_children else pattern
        name = _text(named) if named.type in ("identifier", "this") else f"arg{position}"
        said = self._parameter_type(node, named)
        if rest:
            return f"...{name}: {'any[]' if said == 'any' else said}"
        if not _may_be_missing(node):
            return f"{name}: {said}"
        return f"{name}: {said} | undefined" if must_be_given else f"{name}?: {said}"

    def _parameter_type(self, node: Node, named: Node) -> str:
        written = node.child_by_field_name("type")
        if written is not None:
            return _text(written).removeprefix(":").strip()
        value = node.child_by_field_name("value")
        said = self._said(named)
        if said is not None and node.children[0].type == "rest_pattern":
            return f"({said})[]"
        return said or (self._value_type(value) if value is not None else "any")

    # --- types ------------------------------------------------------------------------------------------------------

    def _said(self, name: Node) -> str | None:
        """The annotation, or the type in JSDoc, of what is named here."""
        start = name.start_byte + (name.type == "string")
        slot = self.types.get((start, False))
        return self._type_text(slot.written) if slot is not None and slot.written is not None else None

    def _type_text(self, span: Span) -> str:
        text = " ".join(self.file.at(span).split())
        if not self.file.path.endswith(JAVASCRIPT):
            return self.file.at(span)
        # JSDoc has types of its own (`?string`, `*`), which are none of TypeScript's.
        broken = parsing.parse("type.ts", f"type T = {text};".encode()).root_node.has_error
        return "any" if broken or text.startswith(("?", "!", "*")) else text

    def _value_type(self, value: Node) -> str:
        if value.type in _EXPRESSIONS:
            return self._signature(value, " =>")
        if value.type in ("as_expression", "satisfies_expression") and len(value.named_children) == 2:
            return _text(value.named_children[1])
        if value.type == "new_expression":
            made, arguments = value.child_by_field_name("constructor"), value.child_by_field_name("type_arguments")
            return _text(made) + _text(arguments) if made is not None and arguments is not None else "any"
        return _LITERALS.get(value.type, "any")


def _text(node: Node | None) -> str:
    return "" if node is None else (node.text or b"").decode("utf-8")


def _closed(statement: str) -> str:
    return (
        statement
        if statement.endswith((";", "}")) and not statement.startswith("type ")
        else f"{statement.rstrip(';')};"
    )


def _parameters(node: Node) -> Sequence[Node]:
    listed = node.child_by_field_name("parameters")
    children = listed.named_children if listed is not None else []
    return [child for child in children if child.type in ("required_parameter", "optional_parameter")]


def _may_be_missing(parameter: Node) -> bool:
    pattern = parameter.child_by_field_name("pattern")
    is_rest = pattern is not None and pattern.type == "rest_pattern"
    return is_rest or parameter.type == "optional_parameter" or parameter.child_by_field_name("value") is not None


def _is_static(member: Node) -> bool:
    return any(child.type == "static" for child in member.children)


def _is_require(value: Node) -> bool:
    callee = value.child_by_field_name("function") if value.type == "call_expression" else None
    return callee is not None and callee.text == b"require"


def _bound_names(pattern: Node) -> Iterator[str]:
    stack = [pattern]
    while stack:
        here = stack.pop()
        match here.type:
            case "identifier" | "shorthand_property_identifier_pattern":
                yield _text(here)
            case "pair_pattern":
                value = here.child_by_field_name("value")
                stack += [value] if value is not None else []
            case "assignment_pattern" | "object_assignment_pattern":
                left = here.child_by_field_name("left")
                stack += [left] if left is not None else []
            case "object_pattern" | "array_pattern" | "rest_pattern":
                stack += reversed(here.named_children)
