"""Reading TypeScript and JavaScript: the text of one file in; its `Module` (slots, declarations, values, imports) out.

One query over the tree (`grammars/typescript/facts.scm`), one sweep over what it captured in source order with a stack of
open scopes. Broken code gives partial facts. Knows nothing of other files.

A getter is marked by a decorator `get` and a setter by one `set`, which the language spells as words of its own.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

import tree_sitter
from tree_sitter import Node

from typeinfer.languages import treesitter
from typeinfer.languages.typescript import jsdoc, parsing
from typeinfer.languages.typescript.control_flow import falls_through
from typeinfer.languages.typescript.expressions import WIDTH, call_of, inside, span_of, text_of, value_of
from typeinfer.languages.typescript.modules import exported, imported
from typeinfer.languages.typescript.usages import usage_of
from typeinfer.values.module import (
    Assignment,
    Attribute,
    CallSite,
    Class,
    Function,
    Import,
    Module,
    Name,
    Opaque,
    Parameter,
    ParameterKind,
    Usage,
    Value,
)
from typeinfer.values.slots import Slot, SlotId, SlotKind
from typeinfer.values.source import SourceFile, Span

ANONYMOUS = "<anonymous>"

JAVASCRIPT = (".js", ".jsx", ".mjs", ".cjs")

CLIMB = 16
"""How far up the tree the name of a function is looked for; `a = b = c = function` deeper than this is nameless."""

SIGNATURES = frozenset({"function_signature", "method_signature", "abstract_method_signature"})
WRAPPERS = frozenset(
    "parenthesized_expression as_expression satisfies_expression non_null_expression type_assertion".split()
)
"""Expressions that hand on, under the same name, the function inside them."""


@dataclass(slots=True)
class _Scope:
    """A function, class, interface or namespace while the sweep is inside it."""

    node: Node
    qualname: str
    kind: str
    end: int
    owner: str | None = None
    parameters: frozenset[str] = frozenset()
    declared: dict[str, list[_Variable]] = field(default_factory=dict)
    decorated: bool = False
    declared_fields: frozenset[str] = frozenset()
    assigned_fields: dict[str, Slot] = field(default_factory=dict)
    decorators: dict[int, list[Node]] = field(default_factory=dict)
    """Decorators of a class's members, by the member's node."""
    header: Function | None = None
    returns: list[Value | None] = field(default_factory=list)
    yields: list[Value | None] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Variable:
    """A declared name, its slot if it has one, and the block in which it means this."""

    slot: Slot | None
    block: Span


@dataclass(frozen=True, slots=True)
class _Target:
    """What a function, class or object is called by what it is assigned to."""

    path: str
    name: Node | None
    """The node of the last name; None where the path ends in nothing that could be named."""
    member: bool = False
    """A member of the class that is open: a field's initialiser."""


def grammar(path: str) -> tree_sitter.Language:
    """The grammar that reads a file of this name."""
    return parsing.grammar(path)


def read(file: SourceFile, name: str, is_package: bool) -> Module:
    """All facts of one file. Never raises for what stands in it."""
    return _Reader(file, name, is_package).module()


class _Reader:
    def __init__(self, file: SourceFile, name: str, is_package: bool) -> None:
        self.file, self.name, self.is_package = file, name, is_package
        self.javascript = file.path.endswith(JAVASCRIPT)
        self.language = parsing.grammar(file.path)
        self.tree = parsing.parse(file.path, file.data)
        self.top = _Scope(self.tree.root_node, "", "namespace", len(file.data) + 1)
        self.scopes: list[_Scope] = [self.top]
        self.functions: list[Function] = []
        self.classes: list[Class] = []
        self.calls: list[CallSite] = []
        self.imports: list[Import] = []
        self.assignments: list[Assignment] = []
        self.later: list[tuple[Node, tuple[_Scope, ...]]] = []
        """Assignments to names, which may stand before the declaration."""
        self.slots: list[Slot] = []
        self.exports: dict[str, str] = {}
        self.common: dict[str, str] = {}
        self.is_module = False
        self.ordinals: Counter[tuple[str, SlotKind, str]] = Counter()
        self.comments: list[Span] = []
        self.comment_ends: list[int] = []

    def module(self) -> Module:
        captured = treesitter.captures(self.language, "typescript", "facts", self.tree.root_node)
        errors = sorted({span_of(node) for node in captured.get("error", ())})
        self.comments = sorted(span_of(node) for node in captured.get("comment", ()))
        self.comment_ends = [span.end for span in self.comments]
        handlers = {
            "export": self.exported,
            "namespace": self.enter_namespace,
            "class": self.enter_class,
            "declarator": self.declarator,
            "assignment": self.assignment,
            "field": self.class_field,
            "member": self.member,
            "function": self.enter_function,
            "block": self.enter_block,
            "alias": self.alias,
            "loop": self.loop,
            "return": self.returned,
            "yield": self.yielded,
            "call": self.call,
            "import": self.imported,
            "identifier": self.identifier,
        }
        events = [
            (node.start_byte, -node.end_byte, rank, node, handler)
            for rank, (kind, handler) in enumerate(handlers.items())
            for node in captured.get(kind, ())
        ]
        events.sort(key=lambda event: event[:3])
        for start, _, _, node, handler in events:
            while self.scopes[-1].end <= start:
                self.leave()
            handler(node)
        while len(self.scopes) > 1:
            self.leave()
        self.resolve_assignments()
        exports = self.exports if self.is_module else self.common or None
        return Module(
            file=self.file,
            name=self.name,
            is_package=self.is_package,
            functions=tuple(sorted(self.functions, key=lambda function: function.span)),
            classes=tuple(self.classes),
            assignments=tuple(self.assignments),
            calls=tuple(self.calls),
            imports=tuple(self.imports),
            slots=tuple(sorted(self.slots, key=lambda slot: (slot.span, slot.insert_at))),
            errors=tuple(errors),
            docstring=self.overview(),
            exports=exports,
        )

    # --- scopes -----------------------------------------------------------------------------------------------------

    @property
    def scope(self) -> _Scope:
        return self.scopes[-1]

    def inner(self, name: str) -> str:
        outer = self.scope.qualname
        return f"{outer}.{name}" if outer else name

    @property
    def local(self) -> bool:
        return any(scope.kind == "function" for scope in self.scopes)

    def enter_block(self, node: Node) -> None:
        # A static block has variables of its own and no name.
        self.scopes.append(_Scope(node, self.scope.qualname, "function", node.end_byte))

    def enter_namespace(self, node: Node) -> None:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or name.is_missing or body is None:
            return
        qualname = self.inner(_unquoted(name))
        if name.type != "string":
            self.classes.append(self.class_fact(node, qualname, name, body.start_byte, (), (), constructs=False))
        self.scopes.append(_Scope(node, qualname, "namespace", node.end_byte))

    def enter_class(self, node: Node) -> None:
        body = node.child_by_field_name("body") or node.child_by_field_name("value")
        target = self.target(node) if node.type == "class" else None
        own = node.child_by_field_name("name")
        name = target.name if target is not None and target.name is not None else own
        if body is None or (name is not None and name.is_missing):
            return
        spelled = target.path if target is not None else text_of(name) if name is not None else ANONYMOUS
        qualname = self.inner(spelled)
        is_real = node.type in ("class", "class_declaration", "abstract_class_declaration")
        decorators = tuple(child for child in _statement(node).children if child.type == "decorator")
        decorators += tuple(child for child in node.children if child.type == "decorator")
        if name is not None:
            bases = _bases(node)
            self.classes.append(self.class_fact(node, qualname, name, body.start_byte, decorators, bases, is_real))
        scope = _Scope(node, qualname, "class" if is_real else "interface", node.end_byte)
        scope.decorated = bool(decorators)
        if is_real:
            scope.decorators, scope.declared_fields = _members(body)
        self.scopes.append(scope)

    def class_fact(
        self,
        node: Node,
        qualname: str,
        name: Node,
        header_end: int,
        decorators: tuple[Node, ...],
        bases: tuple[Value, ...],
        constructs: bool,
    ) -> Class:
        whole = _statement(node)
        doc = self.doc_before(whole.start_byte)
        return Class(
            qualname=qualname,
            name=_unquoted(name),
            span=Span(doc.start if doc else whole.start_byte, node.end_byte),
            header=Span(node.start_byte, header_end),
            name_span=_name_span(name),
            decorators=tuple(map(_decorator, decorators)),
            bases=bases,
            keywords=(),
            docstring=self.file.at(doc) if doc else None,
            type_parameters=_type_parameters(node),
            constructs=constructs,
        )

    def leave(self) -> None:
        scope = self.scopes.pop()
        if scope.header is not None:
            self.functions.append(_with_body(scope.header, scope))

    # --- functions --------------------------------------------------------------------------------------------------

    def enter_function(self, node: Node) -> None:
        signature = node.type in SIGNATURES
        body = node.child_by_field_name("body")
        if signature:
            if not self.is_declared_member(node):
                return
        elif body is None:
            return
        target = None if signature or node.type == "method_definition" else self.target(node)
        own = node.child_by_field_name("name")
        owner, path, name = self.named(node, target, own)
        if name is not None and name.is_missing:
            return
        qualname = self.inner(path)
        contextual = not signature and owner is None and (name is None or _is_contextual(node))
        scope = _Scope(node, qualname, "function", node.end_byte, owner=owner)
        decorators = self.decorators_of(node, owner)
        listed = node.child_by_field_name("parameters")
        scope.header = self.header(node, scope, name, decorators, listed, contextual)
        scope.parameters = frozenset(_bound_names(node))
        self.scopes.append(scope)

    def is_declared_member(self, node: Node) -> bool:
        """Whether a signature declares something of its own: a member of what is open, not of a type written inline."""
        if node.type == "function_signature":
            return True
        held = node.parent
        return held is not None and (held.type == "class_body" or held == _declared_body(self.scope.node))

    def named(self, node: Node, target: _Target | None, own: Node | None) -> tuple[str | None, str, Node | None]:
        """The class that a function is a method of, its dotted name from the open scope on, and the node of the name."""
        here = self.scope
        in_class = here.kind in ("class", "interface")
        if node.type in SIGNATURES or node.type == "method_definition":
            spelled = _unquoted(own) if own is not None else ANONYMOUS
            held = node.parent
            if held is not None and held.type == "object":
                return None, f"{self.object_path(held)}.{spelled}", own
            return here.qualname if in_class and node.type != "function_signature" else None, spelled, own
        if target is not None and target.name is not None:
            owner = here.qualname if target.member and in_class and "." not in target.path else None
            first, _, rest = target.path.rpartition(".")
            if rest and any(
                declared.qualname == self.inner(first) and declared.constructs for declared in self.classes
            ):
                owner = self.inner(first) if ".prototype" in _left_text(node) else owner
            return owner, target.path, target.name
        return None, text_of(own) if own is not None else ANONYMOUS, own

    def header(
        self,
        node: Node,
        scope: _Scope,
        name: Node | None,
        decorators: tuple[Node, ...],
        listed: Node | None,
        contextual: bool,
    ) -> Function:
        whole = _statement(node)
        start = min([whole.start_byte, *(decorator.start_byte for decorator in decorators)])
        doc = self.doc_before(start) or (self.doc_before(node.start_byte) if start < node.start_byte else None)
        said = self.documented(doc)
        kind = _accessor(node)
        spelled = _unquoted(name) if name is not None else ANONYMOUS
        is_constructor = spelled == "constructor" and scope.owner is not None
        visible = bool(decorators) or _has_decorated_parameter(listed)
        if is_constructor and self.scopes[-1].kind == "class":
            visible = visible or self.scopes[-1].decorated
        parameters = self.parameters(node, scope.qualname, listed, said, visible, contextual)
        body = node.child_by_field_name("body")
        name_span = _name_span(name) if name is not None else _headless(node)
        close = listed.end_byte if listed is not None else _bare(node)
        result = None
        broken = listed is not None and listed.has_error
        if not is_constructor and kind != "set" and close is not None and not broken:
            written = _annotation(node.child_by_field_name("return_type"))
            if written is None:
                written = next((tag.span for tag in said if tag.name == "returns"), None)
            result = self.slot(
                scope.qualname, SlotKind.RETURN, "return", name_span, close, written, visible, contextual
            )
        marks = tuple(map(_decorator, decorators))
        if kind:
            marks = (*marks, Name(kind, name_span))
        return Function(
            qualname=scope.qualname,
            name=spelled,
            span=Span(doc.start if doc and doc.start < start else start, node.end_byte),
            header=Span(node.start_byte, body.start_byte if body is not None else node.end_byte),
            body=span_of(body) if body is not None else Span(node.end_byte, node.end_byte),
            name_span=name_span,
            decorators=marks,
            parameters=parameters,
            returns=(),
            yields=(),
            result=result,
            docstring=self.file.at(doc) if doc else None,
            usages=(),
            owner=scope.owner,
            is_async=any(child.type == "async" for child in node.children),
            is_generator=any(child.type == "*" for child in node.children),
            overloaded=body is None,
        )

    def parameters(
        self, node: Node, qualname: str, listed: Node | None, said: list[jsdoc.Tag], visible: bool, contextual: bool
    ) -> tuple[Parameter, ...]:
        bare = node.child_by_field_name("parameter")
        if bare is not None:  # x => x
            tag = _said_of(said, text_of(bare), 0)
            slot = self.slot(
                qualname, SlotKind.PARAMETER, text_of(bare), span_of(bare), bare.end_byte, tag, visible, contextual
            )
            return (Parameter(text_of(bare), ParameterKind.POSITIONAL, None, slot),)
        found: list[Parameter] = []
        for child in listed.named_children if listed is not None else ():
            if child.type not in ("required_parameter", "optional_parameter"):
                continue
            pattern = child.child_by_field_name("pattern")
            if pattern is None or pattern.is_missing or pattern.type == "this":
                continue
            kind, named = ParameterKind.POSITIONAL, pattern
            if pattern.type == "rest_pattern":
                kind, named = ParameterKind.VARIADIC, next(iter(inside(pattern)), pattern)
            spelled = text_of(named) if named.type == "identifier" else f"__{len(found)}"
            mark = next((part for part in child.children if part.type == "?"), None)
            written = _annotation(child.child_by_field_name("type"))
            tag = None
            if written is None and self.javascript:
                tag = _said_of(said, spelled, len(found)) or self.inline_type(child.start_byte)
            default = child.child_by_field_name("value")
            slot = self.slot(
                qualname,
                SlotKind.PARAMETER,
                spelled,
                span_of(named),
                mark.end_byte if mark is not None else named.end_byte,
                written or tag,
                visible,
                contextual,
            )
            is_optional = mark is not None or any(
                said_tag.optional for said_tag in said if said_tag.name == "param" and said_tag.parameter == spelled
            )
            value = value_of(default) if default is not None else None
            found.append(Parameter(spelled, kind, value, slot, is_optional))
        return tuple(found)

    def decorators_of(self, node: Node, owner: str | None) -> tuple[Node, ...]:
        if owner is None or self.scope.kind != "class":
            return ()
        member = node if node.type in SIGNATURES or node.type == "method_definition" else node.parent
        return tuple(self.scope.decorators.get(member.id, ())) if member is not None else ()

    def slot(
        self,
        qualname: str,
        kind: SlotKind,
        name: str,
        span: Span,
        insert_at: int,
        written: Span | None,
        visible: bool,
        local: bool,
    ) -> Slot:
        ordinal = self.ordinals[qualname, kind, name]
        self.ordinals[qualname, kind, name] += 1
        slot = Slot(SlotId(self.file.path, qualname, kind, name, ordinal), span, insert_at, written, visible, local)
        self.slots.append(slot)
        return slot

    # --- what things are assigned to --------------------------------------------------------------------------------

    def target(self, node: Node) -> _Target | None:
        """The name that a function or class expression takes from where it stands, or None: a callback has none."""
        child, parent = node, node.parent
        for _ in range(CLIMB):
            if parent is None:
                return None
            match parent.type:
                case "variable_declarator":
                    name = parent.child_by_field_name("name")
                    is_value = parent.child_by_field_name("value") == child
                    return _Target(text_of(name), name) if name and is_value and name.type == "identifier" else None
                case "assignment_expression" if parent.child_by_field_name("right") == child:
                    return self.assigned_to(parent.child_by_field_name("left"))
                case "public_field_definition":
                    name = parent.child_by_field_name("name")
                    return _Target(_unquoted(name), name, member=True) if name is not None else None
                case "pair":
                    name, held = parent.child_by_field_name("key"), parent.parent
                    if name is None or held is None or held.type != "object":
                        return None
                    return _Target(f"{self.object_path(held)}.{_unquoted(name)}", name)
                case "export_statement":
                    word = next((part for part in parent.children if part.type == "default"), None)
                    own = node.child_by_field_name("name")
                    return _Target("default", word) if word is not None and own is None else None
                case kind if kind in WRAPPERS:
                    child, parent = parent, parent.parent
                case _:
                    return None
        return None

    def assigned_to(self, left: Node | None) -> _Target | None:
        if left is None:
            return None
        if left.type == "identifier":
            return _Target(text_of(left), left)
        parts: list[str] = []
        here: Node | None = left
        last = left.child_by_field_name("property") if left.type == "member_expression" else None
        while here is not None and here.type == "member_expression" and len(parts) < CLIMB:
            name = here.child_by_field_name("property")
            parts.append(text_of(name) if name is not None else "")
            here = here.child_by_field_name("object")
        if last is None or here is None or here.type not in ("identifier", "this"):
            return None
        if here.type == "identifier":
            parts.append(text_of(here))
        parts.reverse()
        if parts[0] == "module" and len(parts) > 2 and parts[1] == "exports":
            parts = parts[2:]
        elif parts[0] in ("module", "exports") and len(parts) > 1:
            parts = parts[1:]
        return _Target(".".join(part for part in parts if part != "prototype") or ANONYMOUS, last)

    def object_path(self, held: Node) -> str:
        """What the members of an object literal are qualified with."""
        names: list[str] = []
        here = held
        for _ in range(CLIMB):
            target = self.target_of_object(here)
            if isinstance(target, str):
                names.append(target)
                break
            if target is None:
                names.append(ANONYMOUS)
                break
            names.append(target[0])
            here = target[1]
        else:
            names.append(ANONYMOUS)
        return ".".join(reversed(names))

    def target_of_object(self, held: Node) -> str | tuple[str, Node] | None:
        """The name of an object, or its key and the object around it."""
        parent = held.parent
        if parent is not None and parent.type == "pair":
            key, around = parent.child_by_field_name("key"), parent.parent
            return (_unquoted(key), around) if key is not None and around is not None else None
        target = self.target(held)
        return target.path if target is not None else None

    # --- statements and expressions ---------------------------------------------------------------------------------

    def function_scope(self) -> _Scope | None:
        here = self.scopes[-1]
        return here if here.header is not None else None

    def returned(self, node: Node) -> None:
        if (scope := self.function_scope()) is not None:
            inner = inside(node)
            scope.returns.append(value_of(inner[0]) if inner else None)

    def yielded(self, node: Node) -> None:
        if (scope := self.function_scope()) is not None:
            inner = inside(node)
            delegates = any(child.type == "*" for child in node.children)
            # `yield* x` yields what x yields, which no one expression here shows.
            value = None if not inner else Opaque(span_of(inner[0])) if delegates else value_of(inner[0])
            scope.yields.append(value)

    def call(self, node: Node) -> None:
        found = call_of(node)
        if found is not None:
            self.calls.append(CallSite(self.scope.qualname, found))

    def identifier(self, node: Node) -> None:
        name = text_of(node)
        for scope in reversed(self.scopes):
            if name in scope.declared:
                return
            if name in scope.parameters:
                if scope.header is not None and (usage := usage_of(node, name)) is not None:
                    scope.usages.append(usage)
                return

    def loop(self, node: Node) -> None:
        left, kind = node.child_by_field_name("left"), node.child_by_field_name("kind")
        if left is None:
            return
        for name in _names_in(left):
            if kind is not None:
                self.declare(text_of(name), None, span_of(node))
            self.assignments.append(
                Assignment(self.scope.qualname, text_of(name), None, Opaque(span_of(name)), span_of(name))
            )

    def alias(self, node: Node) -> None:
        inner = inside(node)
        if len(inner) == 2:
            self.assignments.append(
                Assignment(self.scope.qualname, text_of(inner[0]), None, _type_value(inner[1]), span_of(node))
            )

    # --- variables and fields ---------------------------------------------------------------------------------------

    def declare(self, name: str, slot: Slot | None, block: Span) -> None:
        self.scope.declared.setdefault(name, []).append(_Variable(slot, block))

    def declarator(self, node: Node) -> None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        statement = node.parent
        if name is None or name.is_missing or statement is None:
            return
        if value is not None and self.required(name, value):
            for bound in _names_in(name):
                self.declare(text_of(bound), None, span_of(self.tree.root_node))
            return
        block = _block_of(statement, self.scope.node)
        if name.type != "identifier":
            for bound in _names_in(name):
                self.declare(text_of(bound), None, block)
                self.assignments.append(
                    Assignment(self.scope.qualname, text_of(bound), None, Opaque(span_of(bound)), span_of(node))
                )
            return
        mark = next((child for child in node.children if child.type == "!"), None)
        written = _annotation(node.child_by_field_name("type"))
        if written is None:
            written = self.typed(statement if statement.named_children[:1] == [node] else node)
        slot = self.slot(
            self.scope.qualname,
            SlotKind.VARIABLE,
            text_of(name),
            span_of(name),
            mark.end_byte if mark is not None else name.end_byte,
            written,
            False,
            self.local,
        )
        self.declare(text_of(name), slot, block)
        self.assignments.append(
            Assignment(
                self.scope.qualname, text_of(name), slot, value_of(value) if value is not None else None, span_of(node)
            )
        )

    def required(self, name: Node, value: Node) -> bool:
        """Whether a declaration is an import by another name: `const x = require("y")`."""
        found = imported(value, self.file.path, self.scope.qualname, bound=name)
        self.imports.extend(found)
        return bool(found)

    def class_field(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        if name is None or name.is_missing or self.scope.kind != "class" or not _unquoted(name):
            return
        mark = next((child for child in node.children if child.type in ("?", "!")), None)
        value = node.child_by_field_name("value")
        decorators = [child for child in node.children if child.type == "decorator"]
        decorators += self.scope.decorators.get(node.id, [])
        start = min([node.start_byte, *(decorator.start_byte for decorator in decorators)])
        slot = self.slot(
            self.scope.qualname,
            SlotKind.ATTRIBUTE,
            _unquoted(name),
            _name_span(name),
            mark.end_byte if mark is not None else name.end_byte,
            _annotation(node.child_by_field_name("type")) or self.type_at(start),
            bool(decorators),
            False,
        )
        self.assignments.append(
            Assignment(
                self.scope.qualname,
                _unquoted(name),
                slot,
                value_of(value) if value is not None else None,
                span_of(node),
            )
        )

    def member(self, node: Node) -> None:
        """A member of an interface or of an alias of an object type; those of types written inline are nobody's."""
        name, written = node.child_by_field_name("name"), _annotation(node.child_by_field_name("type"))
        if name is None or name.is_missing or written is None or not _unquoted(name):
            return
        if self.scope.kind != "interface" or node.parent != _declared_body(self.scope.node):
            return
        mark = next((child for child in node.children if child.type == "?"), None)
        insert_at = mark.end_byte if mark is not None else name.end_byte
        self.slot(
            self.scope.qualname,
            SlotKind.ATTRIBUTE,
            _unquoted(name),
            _name_span(name),
            insert_at,
            written,
            False,
            False,
        )

    def assignment(self, node: Node) -> None:
        left = node.child_by_field_name("left")
        if left is None or left.is_missing:
            return
        if left.type == "identifier":
            if node.children[0].type == "using":
                self.declare(text_of(left), None, _block_of(node, self.scope.node))
            self.later.append((node, tuple(self.scopes)))
        elif left.type in ("array_pattern", "object_pattern"):
            for name in _names_in(left):
                self.assignments.append(
                    Assignment(self.scope.qualname, text_of(name), None, Opaque(span_of(name)), span_of(node))
                )
        elif left.type == "member_expression":
            self.assigned_member(node, left)

    def assigned_member(self, node: Node, left: Node) -> None:
        base, name = left.child_by_field_name("object"), left.child_by_field_name("property")
        right = node.child_by_field_name("right")
        if base is None or name is None or name.is_missing:
            return
        if base.type == "this":
            self.assigned_field(node, name, right)
        elif base.text in (b"exports", b"module.exports") or left.text == b"module.exports":
            self.common.update(_common_exports(left, name, right))

    def assigned_field(self, node: Node, name: Node, right: Node | None) -> None:
        """`this.x = ...`: a value of the class's attribute, whose slot it holds where no field declares it."""
        depth = next((at for at in range(len(self.scopes) - 1, -1, -1) if _has_own_this(self.scopes[at])), 0)
        if depth == 0 or self.scopes[depth - 1].kind != "class" or self.scopes[depth].owner is None:
            return
        held, spelled = self.scopes[depth - 1], text_of(name)
        slot = held.assigned_fields.get(spelled)
        if slot is None and spelled not in held.declared_fields:
            statement = node.parent
            written = self.type_at(statement.start_byte) if statement is not None else None
            slot = self.slot(
                held.qualname, SlotKind.ATTRIBUTE, spelled, span_of(name), name.end_byte, written, False, False
            )
            held.assigned_fields[spelled] = slot
        self.later_fields(held, spelled, slot, node, right)

    def later_fields(self, held: _Scope, name: str, slot: Slot | None, node: Node, right: Node | None) -> None:
        value = value_of(right) if right is not None else None
        if slot is None:
            slot = next(
                (
                    found
                    for found in reversed(self.slots)
                    if found.id.kind is SlotKind.ATTRIBUTE
                    and found.id.qualname == held.qualname
                    and found.id.name == name
                ),
                None,
            )
        self.assignments.append(Assignment(self.scope.qualname, name, slot, value, span_of(node)))

    def resolve_assignments(self) -> None:
        """Ties each assignment to a name to the slot of the declaration that it means, now that all are known."""
        for node, scopes in self.later:
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left is None:
                continue
            name, slot = text_of(left), None
            for scope in reversed(scopes):
                if name in scope.parameters:
                    break
                meant = [variable for variable in scope.declared.get(name, ()) if span_of(node) in variable.block]
                if meant:
                    slot = max(meant, key=lambda variable: variable.block.start).slot
                    break
            else:
                scope = self.top
            if name not in scope.parameters:
                value = value_of(right) if right is not None else None
                self.assignments.append(Assignment(scopes[-1].qualname, name, slot, value, span_of(node)))
        self.assignments.sort(key=lambda assignment: assignment.span)

    # --- imports and exports ----------------------------------------------------------------------------------------

    def imported(self, node: Node) -> None:
        self.is_module = True
        self.imports.extend(imported(node, self.file.path, self.scope.qualname))

    def exported(self, node: Node) -> None:
        if len(self.scopes) > 1:
            return
        self.is_module = True
        self.imports.extend(imported(node, self.file.path, ""))
        self.exports.update(exported(node))

    # --- comments ---------------------------------------------------------------------------------------------------

    def doc_before(self, start: int) -> Span | None:
        """The JSDoc comment that stands right before a byte, blanks between them aside."""
        at = bisect_right(self.comment_ends, start) - 1
        if at < 0:
            return None
        span, data = self.comments[at], self.file.data
        is_doc = data.startswith(b"/**", span.start) and span.end - span.start > 4
        return span if is_doc and not data[span.end : start].strip() else None

    def documented(self, doc: Span | None) -> list[jsdoc.Tag]:
        """The tags of a JavaScript function's comment, their spans counted in the file."""
        return self.tags_at(doc) if doc is not None and self.javascript else []

    def tags_at(self, doc: Span) -> list[jsdoc.Tag]:
        return [
            jsdoc.Tag(
                tag.name,
                tag.type,
                Span(doc.start + tag.span.start, doc.start + tag.span.end),
                tag.parameter,
                tag.optional,
                tag.variadic,
            )
            for tag in jsdoc.tags(self.file.at(doc))
            if tag.type
        ]

    def typed(self, statement: Node) -> Span | None:
        return self.type_at(_statement(statement).start_byte)

    def type_at(self, start: int) -> Span | None:
        """The type in the `@type` tag that stands before a declaration of a JavaScript file."""
        doc = self.doc_before(start) if self.javascript else None
        return next((tag.span for tag in self.tags_at(doc) if tag.name == "type"), None) if doc is not None else None

    inline_type = type_at

    def overview(self) -> str | None:
        """The comment that speaks of the whole file."""
        first = self.comments[0] if self.comments else None
        if first is None or self.file.data[: first.start].strip():
            return None
        text = self.file.at(first)
        return text if text.startswith("/**") and OVERVIEW.search(text) else None


OVERVIEW = re.compile(r"@(?:file|fileoverview|overview|module|packageDocumentation)\b")


# --- nodes to facts, without state --------------------------------------------------------------------------------


def _unquoted(name: Node) -> str:
    spelled = text_of(name)
    return spelled[1:-1] if name.type == "string" and len(spelled) > 1 else spelled


def _name_span(name: Node) -> Span:
    if name.type == "string" and name.end_byte - name.start_byte > 2:
        return Span(name.start_byte + 1, name.end_byte - 1)
    return span_of(name)


def _headless(node: Node) -> Span:
    """What stands for the name of a nameless function: its arrow, or the word `function`."""
    sign = "=>" if node.type == "arrow_function" else "function"
    return next((span_of(child) for child in node.children if child.type == sign), span_of(node))


def _bare(node: Node) -> int | None:
    parameter = node.child_by_field_name("parameter")
    return parameter.end_byte if parameter is not None else None


def _annotation(annotation: Node | None) -> Span | None:
    """The type behind a colon. `x is T` and `asserts x` are types too."""
    inner = inside(annotation) if annotation is not None else []
    return span_of(inner[0]) if inner else None


def _accessor(node: Node) -> str:
    """`get` or `set` before the name of a method, else nothing."""
    for child in node.children:
        if child.type in ("get", "set"):
            return child.type
        if child.type in ("property_identifier", "formal_parameters"):
            return ""
    return ""


def _decorator(node: Node) -> Value:
    inner = inside(node)
    return value_of(inner[0]) if inner else Opaque(span_of(node))


def _has_decorated_parameter(listed: Node | None) -> bool:
    return listed is not None and any(
        child.type == "decorator" for parameter in listed.named_children for child in parameter.named_children[:1]
    )


def _statement(node: Node) -> Node:
    """The statement, member or pair that a declaration is the subject of, whose comment is its comment."""
    here = node
    for _ in range(CLIMB):
        parent = here.parent
        if parent is None:
            return here
        match parent.type:
            case (
                "variable_declarator" | "pair" | "public_field_definition" | "export_statement" | "ambient_declaration"
            ):
                here = parent
            case "lexical_declaration" | "variable_declaration" if parent.named_children[:1] == [here]:
                here = parent
            case "assignment_expression" if parent.child_by_field_name("right") == here:
                here = parent
            case "expression_statement" if here.type in ("assignment_expression", "internal_module"):
                here = parent
            case kind if kind in WRAPPERS and here.type not in ("assignment_expression",):
                here = parent
            case _:
                return here
    return here


def _is_contextual(node: Node) -> bool:
    """Whether what stands around a function says what it takes: an argument, a member of one, a typed variable."""
    parent = node.parent
    for _ in range(CLIMB):
        if parent is None:
            return False
        match parent.type:
            case "arguments" | "jsx_expression":
                return True
            case "variable_declarator" | "public_field_definition":
                return parent.child_by_field_name("type") is not None
            case "satisfies_expression":
                return True
            case "as_expression":
                return parent.children[-1].type != "const"
            case "pair" | "object" | "array" | "ternary_expression" | "parenthesized_expression":
                parent = parent.parent
            case _:
                return False
    return False


def _left_text(node: Node) -> str:
    parent = node.parent
    left = parent.child_by_field_name("left") if parent is not None and parent.type == "assignment_expression" else None
    return text_of(left) if left is not None else ""


def _said_of(said: list[jsdoc.Tag], name: str, position: int) -> Span | None:
    """The type that a comment states for a parameter: by name, or by position for one that has no name of its own."""
    whole = [tag for tag in said if tag.name == "param" and "." not in tag.parameter]
    for tag in whole:
        if tag.parameter == name:
            return tag.span
    if name.startswith("__") and position < len(whole):
        return whole[position].span
    return None


def _type_parameters(node: Node) -> tuple[str, ...]:
    listed = node.child_by_field_name("type_parameters")
    names = [child.child_by_field_name("name") for child in (listed.named_children if listed is not None else ())]
    return tuple(text_of(name) for name in names if name is not None)


def _bases(node: Node) -> tuple[Value, ...]:
    """What a class extends and implements, what an interface extends, type arguments aside."""
    found: list[Value] = []
    for child in node.named_children:
        if child.type == "extends_type_clause":
            found.extend(_type_value(part) for part in child.children_by_field_name("type"))
        elif child.type == "class_heritage":
            for clause in child.named_children:
                if clause.type == "extends_clause":
                    value = clause.child_by_field_name("value")
                    found.extend([value_of(value)] if value is not None else [])
                elif clause.type == "implements_clause":
                    found.extend(_type_value(part) for part in inside(clause))
    return tuple(found[:WIDTH])


def _type_value(node: Node) -> Value:
    """A type by name as the value that the name stands for."""
    if node.type == "generic_type":
        name = node.child_by_field_name("name")
        return _type_value(name) if name is not None else Opaque(span_of(node))
    if node.type in ("type_identifier", "identifier"):
        return Name(text_of(node), span_of(node))
    if node.type in ("nested_type_identifier", "nested_identifier", "member_expression"):
        parts = text_of(node).split(".")
        if len(parts) <= CLIMB:
            value: Value = Name(parts[0].strip(), span_of(node))
            for part in parts[1:]:
                value = Attribute(value, part.strip(), span_of(node))
            return value
    return Opaque(span_of(node))


def _members(body: Node) -> tuple[dict[int, list[Node]], frozenset[str]]:
    """The decorators of each member of a class, and the names that its fields, accessors and constructor declare."""
    decorators: dict[int, list[Node]] = {}
    names: set[str] = set()
    pending: list[Node] = []
    for child in body.named_children:
        if child.type == "decorator":
            pending.append(child)
            continue
        if child.type == "comment":
            continue
        if pending:
            decorators[child.id], pending = pending, []
        name = child.child_by_field_name("name")
        if name is None:
            continue
        if child.type == "public_field_definition" or _accessor(child):
            names.add(_unquoted(name))
        elif name.text == b"constructor":
            names.update(_parameter_properties(child))
    return decorators, frozenset(names)


def _parameter_properties(constructor: Node) -> list[str]:
    listed = constructor.child_by_field_name("parameters")
    found = []
    for child in listed.named_children if listed is not None else ():
        pattern = child.child_by_field_name("pattern")
        marks = {part.type for part in child.children}
        if pattern is not None and marks & {"accessibility_modifier", "readonly", "override_modifier"}:
            found.append(text_of(pattern))
    return found


def _bound_names(node: Node) -> list[str]:
    """Every name that the parameters of a function bind."""
    bare = node.child_by_field_name("parameter")
    if bare is not None:
        return [text_of(bare)]
    listed = node.child_by_field_name("parameters")
    patterns = [child.child_by_field_name("pattern") for child in (listed.named_children if listed is not None else ())]
    return [text_of(name) for pattern in patterns if pattern is not None for name in _names_in(pattern)]


def _names_in(pattern: Node) -> list[Node]:
    """The names that a pattern binds; defaults and keys inside it are no names."""
    if pattern.type == "identifier":
        return [] if pattern.is_missing else [pattern]
    found, stack = [], [pattern]
    while stack:
        here = stack.pop()
        match here.type:
            case "identifier" | "shorthand_property_identifier_pattern":
                found.append(here)
            case "object_pattern" | "array_pattern" | "rest_pattern":
                stack.extend(reversed(here.named_children))
            case "pair_pattern":
                value = here.child_by_field_name("value")
                stack.extend([value] if value is not None else [])
            case "assignment_pattern" | "object_assignment_pattern":
                left = here.child_by_field_name("left")
                stack.extend([left] if left is not None else [])
    return found


def _declared_body(node: Node) -> Node | None:
    """The members that an interface or an alias of an object type declares."""
    return node.child_by_field_name("body") or node.child_by_field_name("value")


BLOCKS = frozenset(
    "statement_block program switch_body for_statement for_in_statement class_static_block class_body".split()
)


def _block_of(statement: Node, scope: Node) -> Span:
    """Where a declared name means what it means: the block of `let` and `const`, the function of `var`."""
    if statement.type == "variable_declaration":
        return span_of(scope)
    here = statement.parent
    for _ in range(CLIMB):
        if here is None or here.type in BLOCKS:
            break
        here = here.parent
    return span_of(here) if here is not None else span_of(scope)


def _has_own_this(scope: _Scope) -> bool:
    return scope.kind != "function" or scope.node.type != "arrow_function" or scope.owner is not None


def _common_exports(left: Node, name: Node, right: Node | None) -> dict[str, str]:
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
                    found[_unquoted(key)] = text_of(part) if part is not None and is_name else _unquoted(key)
        return found
    if isinstance(value, Name):
        return {"default": value.name}
    own = right.child_by_field_name("name") if right is not None and right.type == "class" else None
    return {"default": text_of(own) if own is not None else "exports"}


def _with_body(header: Function, scope: _Scope) -> Function:
    body = scope.node.child_by_field_name("body")
    returns, falls = tuple(scope.returns), True
    if body is None:
        falls = True
    elif body.type != "statement_block":
        returns, falls = (value_of(body),), False
    else:
        falls = falls_through(body)
    return Function(
        header.qualname,
        header.name,
        header.span,
        header.header,
        header.body,
        header.name_span,
        header.decorators,
        header.parameters,
        returns,
        tuple(scope.yields),
        header.result,
        header.docstring,
        tuple(scope.usages),
        header.owner,
        header.is_async,
        header.is_generator,
        falls,
        body is None or _is_stub(body),
        header.overloaded,
    )


def _is_stub(body: Node) -> bool:
    """Only a `throw`: nothing that tells what an implementation would do. An empty body is one: it does nothing."""
    statements = inside(body) if body.type == "statement_block" else []
    return bool(statements) and all(statement.type == "throw_statement" for statement in statements[:2])


# --- files that are left alone --------------------------------------------------------------------------------------

DENSE_LINE = 5_000
"""A line of code of more bytes than this was written by a bundler."""
DENSE_MEAN = 200
DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")
HEAD = re.compile(rb"\A(?:#![^\n]*\n)?(?:\s+|//[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
FLOW = re.compile(rb"@(?:no)?flow\b")
UNCHECKED = re.compile(rb"//[ \t]*@ts-nocheck\b")
GENERATED = re.compile(rb"@generated\b|\bDO NOT EDIT\b|\bdo not edit this file\b|\bauto-?generated (?:file|by)\b", re.I)


def refusal(file: SourceFile, module: Module) -> str | None:
    """Why this file must not be rewritten, or None."""
    name = file.path.rpartition("/")[2]
    if name.endswith(DECLARATIONS):
        return "is a declaration file"
    found = HEAD.match(file.data)
    head = found[0] if found is not None else b""
    if file.path.endswith(JAVASCRIPT) and FLOW.search(head):
        return "is Flow; only TypeScript and JavaScript are annotated"
    if ".min." in name or _is_dense(file.data):
        return "is minified"
    if GENERATED.search(head):
        return "is generated"
    if UNCHECKED.search(head):
        return "is not checked: it says @ts-nocheck"
    if module.errors:
        return f"line {file.line_of(module.errors[0].start)} does not parse"
    return None


def _is_dense(data: bytes) -> bool:
    """Whether the text is laid out for machines: lines far longer than people write, and code in them, not one string."""
    lines = data.count(b"\n") + 1
    if len(data) > DENSE_LINE and len(data) / lines > DENSE_MEAN:
        return True
    longest = max(data.split(b"\n"), key=len)
    return len(longest) > DENSE_LINE and longest.count(b";") + longest.count(b",") > len(longest) // 50
