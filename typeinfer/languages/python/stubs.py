"""Stubs: an annotated file in; the text of the `.pyi` that declares what it holds out.

Kept: imports, classes, signatures, annotated names, aliases, and the conditions on version and platform that a checker
understands. Gone: bodies, docstrings, comments, defaults that are no plain value. What has no annotation stays without
one in a signature; a name or attribute without one is `Incomplete`, as typeshed marks what is still to be said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tree_sitter import Node

from typeinfer.languages import treesitter
from typeinfer.languages.python.syntax import PYTHON, read
from typeinfer.languages.treesitter import text_of
from typeinfer.values.slots import SlotKind
from typeinfer.values.source import SourceFile

INDENT = "    "

_PLAIN_DEFAULTS = frozenset({"integer", "float", "string", "true", "false", "none", "ellipsis", "unary_operator"})
_MAX_DEFAULT = 40
_TYPES_OF_LITERALS = {"integer": "int", "float": "float", "true": "bool", "false": "bool"}
# Calls that make something a checker must see whole.
_MAKE_TYPES = frozenset(
    ["TypeVar", "ParamSpec", "TypeVarTuple", "NewType", "namedtuple", "NamedTuple", "TypedDict", "Enum"]
)
_KEPT_WHOLE = frozenset({"__all__", "__slots__", "__match_args__"})


def stub(annotated: SourceFile) -> str:
    """The interface file of an annotated file. Parts that don't parse are left out."""
    lines = list(_Stub(annotated).module())
    if any(line.endswith(": Incomplete") for line in lines):
        lines.insert(0, "from _typeshed import Incomplete")
    return "".join(f"{line}\n" for line in lines)


class _Stub:
    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.root = treesitter.parse(PYTHON, file.data).root_node
        self.attributes: Mapping[str, list[tuple[str, str | None]]] = _instance_attributes(file)

    def module(self) -> Iterator[str]:
        yield from self._block(self.root.named_children, "", "", False)

    def _block(self, nodes: Sequence[Node], indent: str, owner: str, is_enum: bool) -> Iterator[str]:
        overloaded: set[str] = set()
        for node in nodes:
            match node.type:
                case "import_statement" | "import_from_statement":
                    yield indent + self._between(node.start_byte, node.end_byte)
                case "if_statement":
                    yield from self._condition(node, indent, owner, is_enum)
                case "try_statement":
                    yield from self._block(_body(node), indent, owner, is_enum)
                case "decorated_definition" | "function_definition" | "class_definition":
                    yield from self._definition(node, indent, owner, overloaded)
                case "expression_statement" if node.named_children:
                    yield from self._assignment(node.named_children[0], indent, bool(owner), is_enum)
                case "type_alias_statement":
                    yield indent + self._between(node.start_byte, node.end_byte)

    # --- statements that hold statements ----------------------------------------------------------------------------

    def _condition(self, node: Node, indent: str, owner: str, is_enum: bool) -> Iterator[str]:
        condition = node.child_by_field_name("condition")
        written = text_of(condition) if condition is not None else ""
        if "__name__" in written:
            return
        if "sys.version_info" not in written and "sys.platform" not in written:
            # For TYPE_CHECKING and for what is only known at run time alike, the first branch speaks.
            yield from self._block(_body(node), indent, owner, is_enum)
            return
        yield from self._branch(f"if {written}:", _body(node), indent, owner, is_enum)
        for other in node.children_by_field_name("alternative"):
            test = other.child_by_field_name("condition")
            header = f"elif {text_of(test)}:" if test is not None else "else:"
            yield from self._branch(header, _body(other), indent, owner, is_enum)

    def _branch(self, header: str, body: Sequence[Node], indent: str, owner: str, is_enum: bool) -> Iterator[str]:
        yield indent + header
        yield from list(self._block(body, indent + INDENT, owner, is_enum)) or [f"{indent}{INDENT}pass"]

    def _definition(self, node: Node, indent: str, owner: str, overloaded: set[str]) -> Iterator[str]:
        inner = node.child_by_field_name("definition") if node.type == "decorated_definition" else node
        name = inner.child_by_field_name("name") if inner is not None else None
        if inner is None or name is None or inner.child_by_field_name("body") is None:
            return
        written = (child for child in node.children if child.type == "decorator")
        decorators = [self._between(child.start_byte, child.end_byte) for child in written]
        if inner.type == "function_definition":
            if any(decorator.endswith("overload") for decorator in decorators):
                overloaded.add(text_of(name))
            elif text_of(name) in overloaded:
                # The implementation behind overloads is nobody's interface.
                return
        yield from (indent + decorator for decorator in decorators)
        if inner.type == "function_definition":
            yield f"{indent}{self._signature(inner)} ..."
            return
        qualname = f"{owner}.{text_of(name)}" if owner else text_of(name)
        yield from self._class(inner, qualname, indent)

    def _class(self, node: Node, qualname: str, indent: str) -> Iterator[str]:
        bases = node.child_by_field_name("superclasses")
        is_enum = bases is not None and any(word in text_of(bases) for word in ("Enum", "Flag"))
        inside = list(self._block(_body(node), indent + INDENT, qualname, is_enum))
        declared = {line.strip().partition(":")[0].partition(" ")[0] for line in inside}
        for name, written in self.attributes.get(qualname, ()):
            if name not in declared:
                inside.insert(0, f"{indent}{INDENT}{name}: {written or 'Incomplete'}")
        body = node.child_by_field_name("body")
        end = body.start_byte if body is not None else node.end_byte
        header = self._between(node.start_byte, _colon(node, end))
        yield f"{indent}{header}{'' if inside else ' ...'}"
        yield from inside

    def _signature(self, node: Node) -> str:
        """From `def` to the colon on one line, defaults that are no plain value as an ellipsis."""
        body = node.child_by_field_name("body")
        end = _colon(node, body.start_byte if body is not None else node.end_byte)
        listed = node.child_by_field_name("parameters")
        text, position = "", node.start_byte
        for parameter in listed.named_children if listed is not None else ():
            default = parameter.child_by_field_name("value")
            if default is None or (default.type in _PLAIN_DEFAULTS and len(text_of(default)) <= _MAX_DEFAULT):
                continue
            text += self._between(position, default.start_byte, strip=False) + "..."
            position = default.end_byte
        return text + self._between(position, end, strip=False)

    def _between(self, start: int, end: int, strip: bool = True) -> str:
        """The text between two bytes on one line, without the comments in it."""
        comments = [node for node in treesitter.walk(self._around(start, end)) if node.type == "comment"]
        pieces: list[bytes] = []
        position = start
        for comment in comments:
            if start <= comment.start_byte and comment.end_byte <= end:
                pieces.append(self.file.data[position : comment.start_byte])
                position = comment.end_byte
        pieces.append(self.file.data[position:end])
        text = b"".join(pieces).decode()
        if "\n" in text:
            text = " ".join(line.strip().removesuffix("\\").strip() for line in text.splitlines() if line.strip())
            text = text.replace("( ", "(").replace(", )", ")").replace(" )", ")")
        return text.strip() if strip else text

    def _around(self, start: int, end: int) -> Node:
        return self.root.named_descendant_for_byte_range(start, end) or self.root

    # --- names ------------------------------------------------------------------------------------------------------

    def _assignment(self, node: Node, indent: str, in_class: bool, is_enum: bool) -> Iterator[str]:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or left.type != "identifier":
            return
        name, written = text_of(left), node.child_by_field_name("type")
        whole = indent + self._between(node.start_byte, node.end_byte)
        if name in _KEPT_WHOLE:
            yield whole
        elif node.type != "assignment":
            return
        elif written is not None:
            is_alias = text_of(written).rpartition(".")[2] in ("TypeAlias", "Final")
            default = " = ..." if right is not None and in_class else ""
            yield whole if is_alias else f"{indent}{name}: {text_of(written)}{default}"
        elif right is not None and (
            is_enum or _makes_type(right) or right.type in ("identifier", "attribute", "subscript")
        ):
            yield whole if right.type in _PLAIN_DEFAULTS or not is_enum else f"{indent}{name} = ..."
        elif right is not None:
            yield f"{indent}{name}: {_type_of_literal(right)}"


def _instance_attributes(file: SourceFile) -> Mapping[str, list[tuple[str, str | None]]]:
    """Attributes that methods assign, by class, last first, with what their annotation says."""
    found: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for slot in reversed(read(file, "", False).slots):
        if slot.id.kind is SlotKind.ATTRIBUTE and "." in file.at(slot.span):
            written = None if slot.written is None else file.at(slot.written)
            found[slot.id.qualname].append((slot.id.name, written))
    return found


def _body(node: Node) -> Sequence[Node]:
    body = node.child_by_field_name("consequence") or node.child_by_field_name("body")
    return body.named_children if body is not None else ()


def _colon(node: Node, before: int) -> int:
    colons: Iterable[Node] = (child for child in node.children if child.type == ":" and child.end_byte <= before)
    return max((child.end_byte for child in colons), default=before)


def _makes_type(node: Node) -> bool:
    callee = node.child_by_field_name("function") if node.type == "call" else None
    return callee is not None and text_of(callee).rpartition(".")[2] in _MAKE_TYPES


def _type_of_literal(node: Node) -> str:
    if node.type in ("string", "concatenated_string"):
        return "bytes" if text_of(node).lstrip("rR")[:1] in "bB" else "str"
    return _TYPES_OF_LITERALS.get(node.type, "Incomplete")
