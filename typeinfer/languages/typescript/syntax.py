"""Reading TypeScript and JavaScript: the text of one file in; its `Module` (slots, declarations, values, imports) out.

One query over the tree (`grammars/typescript/facts.scm`), one sweep over what it captured in source order with a stack of
open scopes. Broken code gives partial facts. Knows nothing of other files.

The word `get` before a method counts as its decorator `get`, the word `set` as `<name>.setter`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

from msgspec.structs import replace
from tree_sitter import Node

from typeinfer.languages import treesitter
from typeinfer.languages.treesitter import span_of, text_of
from typeinfer.languages.typescript import jsdoc, parsing
from typeinfer.languages.typescript.control_flow import falls_through
from typeinfer.languages.typescript.declarations import (
    accessor_kind,
    annotation_span,
    bases_of,
    block_of,
    bound_names,
    declared_body,
    decorator_value,
    has_decorated_parameter,
    keyword_span,
    members_of,
    name_span,
    names_in,
    required_arguments,
    type_parameters,
    type_value,
    unquoted,
)
from typeinfer.languages.typescript.expressions import call_of, inside, value_of
from typeinfer.languages.typescript.modules import exported, imported, required_exports
from typeinfer.languages.typescript.refusals import JAVASCRIPT
from typeinfer.languages.typescript.targets import ANONYMOUS, Target, is_contextual, statement_of, target_of
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

SIGNATURES = frozenset({"function_signature", "method_signature", "abstract_method_signature"})
METHODS = frozenset({"method_definition", "method_signature", "abstract_method_signature"})
CLASSES = frozenset({"class", "class_declaration", "abstract_class_declaration"})

OVERVIEW = re.compile(r"@(?:file|fileoverview|overview|module|packageDocumentation)\b")


@dataclass(slots=True)
class _Scope:
    """A function, class, interface or namespace while the sweep is inside it."""

    node: Node
    qualname: str
    kind: str
    end: int
    owner: str | None = None
    header: Function | None = None
    parameters: frozenset[str] = frozenset()
    declared: dict[str, list[_Variable]] = field(default_factory=dict)
    decorated: bool = False
    decorators: dict[int, list[Node]] = field(default_factory=dict)
    """Decorators of a class's members, by the member's node."""
    fields: set[str] = field(default_factory=set)
    """Names of a class's attributes that have a declaration, or a first assignment that stands for one."""
    returns: list[Value | None] = field(default_factory=list)
    yields: list[Value | None] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Variable:
    """A declared name, its slot if it has one, and the block in which it means this."""

    slot: Slot | None
    block: Span


@dataclass(frozen=True, slots=True)
class _Placing:
    """What a slot needs to know beyond its own place: whose it is and how it may be written."""

    qualname: str
    visible: bool = False
    local: bool = False


def read(file: SourceFile, name: str, is_package: bool) -> Module:
    """All facts of one file. Never raises for what stands in it."""
    return _Reader(file, name, is_package).module()


class _Reader:
    def __init__(self, file: SourceFile, name: str, is_package: bool) -> None:
        self.file, self.name, self.is_package = file, name, is_package
        self.javascript = file.path.endswith(JAVASCRIPT)
        self.root = parsing.parse(file.path, file.data).root_node
        self.top = _Scope(self.root, "", "namespace", len(file.data) + 1)
        self.scopes: list[_Scope] = [self.top]
        self.functions: list[Function] = []
        self.classes: list[Class] = []
        self.constructed: set[str] = set()
        self.calls: list[CallSite] = []
        self.imports: list[Import] = []
        self.assignments: list[Assignment] = []
        self.renewed: list[tuple[Node, tuple[_Scope, ...]]] = []
        """Assignments to names, which may stand before the declaration."""
        self.field_values: list[tuple[str, Assignment]] = []
        """Assignments to `this.x` with the class; the declaration of x may follow."""
        self.slots: list[Slot] = []
        self.exports: dict[str, str] = {}
        self.required: dict[str, str] = {}
        self.is_module = False
        self.ordinals: Counter[tuple[str, SlotKind, str]] = Counter()
        self.comments: list[Span] = []
        self.comment_ends: list[int] = []

    def module(self) -> Module:
        captured = treesitter.captures(parsing.grammar(self.file.path), "typescript", "facts", self.root)
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
        self.resolve_names()
        self.resolve_fields()
        return Module(
            file=self.file,
            name=self.name,
            is_package=self.is_package,
            functions=tuple(sorted(self.functions, key=lambda function: function.span)),
            classes=tuple(self.classes),
            assignments=tuple(sorted(self.assignments, key=lambda assignment: assignment.span)),
            calls=tuple(self.calls),
            imports=tuple(self.imports),
            slots=tuple(sorted(self.slots, key=lambda slot: (slot.span, slot.insert_at))),
            errors=tuple(sorted({span_of(node) for node in captured.get("error", ())})),
            docstring=self.overview(),
            exports=self.exports if self.is_module else self.required or None,
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
        qualname = self.inner(unquoted(name))
        # declare module "x" speaks of another module, not of a name in this one.
        if name.type != "string":
            self.declare_class(node, qualname, name, body)
        self.scopes.append(_Scope(node, qualname, "namespace", node.end_byte))

    def enter_class(self, node: Node) -> None:
        body = declared_body(node)
        own = node.child_by_field_name("name")
        if body is None or (own is not None and own.is_missing):
            return
        target = target_of(node) if node.type == "class" else None
        name = target.name if target is not None else own
        qualname = self.inner(target.path if target is not None else text_of(own) if own is not None else ANONYMOUS)
        scope = _Scope(node, qualname, "class" if node.type in CLASSES else "interface", node.end_byte)
        if node.type in CLASSES:
            around = statement_of(node)
            decorators = [child for child in (*around.children, *node.children) if child.type == "decorator"]
            decorators = list({decorator.id: decorator for decorator in decorators}.values())
            scope.decorated = bool(decorators)
            scope.decorators, declared = members_of(body)
            scope.fields = set(declared)
            self.constructed.add(qualname)
            if name is not None:
                self.declare_class(node, qualname, name, body, tuple(map(decorator_value, decorators)), True)
        elif name is not None:
            self.declare_class(node, qualname, name, body)
        self.scopes.append(scope)

    def declare_class(
        self,
        node: Node,
        qualname: str,
        name: Node,
        body: Node,
        decorators: tuple[Value, ...] = (),
        constructs: bool = False,
    ) -> None:
        start = statement_of(node).start_byte
        doc = self.doc_before(start)
        self.classes.append(
            Class(
                qualname=qualname,
                name=unquoted(name),
                span=Span(doc.start if doc else start, node.end_byte),
                header=Span(node.start_byte, body.start_byte),
                name_span=name_span(name),
                decorators=decorators,
                bases=bases_of(node),
                keywords=(),
                docstring=self.file.at(doc) if doc else None,
                type_parameters=type_parameters(node),
                constructs=constructs,
                required_arguments=required_arguments(node),
            )
        )

    def leave(self) -> None:
        scope = self.scopes.pop()
        if scope.header is not None:
            self.functions.append(_with_body(scope.header, scope))

    # --- functions --------------------------------------------------------------------------------------------------

    def enter_function(self, node: Node) -> None:
        is_signature = node.type in SIGNATURES
        if is_signature and not self.is_declared(node):
            return
        own = node.child_by_field_name("name")
        if (own is not None and own.is_missing) or (not is_signature and node.child_by_field_name("body") is None):
            return
        target = None if is_signature else self.target(node, own)
        owner, path, name = self.named(node, target, own)
        scope = _Scope(node, self.inner(path), "function", node.end_byte, owner)
        contextual = not is_signature and owner is None and (name is None or is_contextual(node))
        scope.header = self.header(node, scope, name, contextual)
        scope.parameters = frozenset(bound_names(node))
        self.scopes.append(scope)

    def is_declared(self, signature: Node) -> bool:
        """Whether a signature declares something of its own: a member of what is open, not of a type written inline."""
        held = signature.parent
        if signature.type == "function_signature" or held is None or held.type == "class_body":
            return True
        return held == declared_body(self.scope.node)

    def target(self, node: Node, own: Node | None) -> Target | None:
        if node.type != "method_definition":
            return target_of(node)
        held = node.parent
        return target_of(held, own) if held is not None and held.type == "object" and own is not None else None

    def named(self, node: Node, target: Target | None, own: Node | None) -> tuple[str | None, str, Node | None]:
        """The class that a function is a method of, its dotted name from the open scope on, and the node of the name."""
        in_class = self.scope.kind in ("class", "interface")
        if target is not None:
            owner = self.scope.qualname if target.member and in_class else None
            held = self.inner(target.path.rpartition(".")[0])
            return held if target.prototype and held in self.constructed else owner, target.path, target.name
        is_method = node.type in METHODS and in_class
        return self.scope.qualname if is_method else None, unquoted(own) if own is not None else ANONYMOUS, own

    def header(self, node: Node, scope: _Scope, name: Node | None, contextual: bool) -> Function:
        """All of a function but what its body tells."""
        listed, body = node.child_by_field_name("parameters"), node.child_by_field_name("body")
        decorators = self.decorators_of(node, scope.owner)
        start = min([statement_of(node).start_byte, *(decorator.start_byte for decorator in decorators)])
        # The comment stands before the decorators or behind them.
        doc = self.doc_before(start) or self.doc_before(node.start_byte)
        said = self.tags_of(doc)
        spelled = unquoted(name) if name is not None else ANONYMOUS
        named_at = name_span(name) if name is not None else keyword_span(node)
        is_constructor = spelled == "constructor" and scope.owner is not None
        visible = bool(decorators) or has_decorated_parameter(listed) or (is_constructor and self.scope.decorated)
        placing = _Placing(scope.qualname, visible, contextual)
        kind = accessor_kind(node)
        result = None
        if not is_constructor and kind != "set" and not (listed is not None and listed.has_error):
            result = self.result(node, listed, named_at, said, placing)
        marks = [decorator_value(decorator) for decorator in decorators]
        if kind == "get":
            marks.append(Name("get", named_at))
        elif kind == "set":
            marks.append(Attribute(Name(spelled, named_at), "setter", named_at))
        words = {child.type for child in node.children}
        return Function(
            qualname=scope.qualname,
            name=spelled,
            span=Span(min(start, doc.start) if doc else start, node.end_byte),
            header=Span(node.start_byte, body.start_byte if body is not None else node.end_byte),
            body=span_of(body) if body is not None else Span(node.end_byte, node.end_byte),
            name_span=named_at,
            decorators=tuple(marks),
            parameters=self.parameters(node, listed, said, placing),
            returns=(),
            yields=(),
            result=result,
            docstring=self.file.at(doc) if doc else None,
            usages=(),
            owner=scope.owner,
            is_async="async" in words,
            is_generator="*" in words,
            overloaded=body is None,
        )

    def decorators_of(self, node: Node, owner: str | None) -> list[Node]:
        if owner is None or self.scope.kind != "class":
            return []
        member = node if node.type in METHODS else node.parent
        return self.scope.decorators.get(member.id, []) if member is not None else []

    def result(
        self, node: Node, listed: Node | None, named_at: Span, said: list[jsdoc.Tag], placing: _Placing
    ) -> Slot | None:
        end = listed or node.child_by_field_name("parameter")
        if end is None:
            return None
        written = annotation_span(node.child_by_field_name("return_type"))
        written = written or next((tag.span for tag in said if tag.name == "returns"), None)
        return self.slot(SlotKind.RETURN, "return", named_at, end.end_byte, written, placing)

    def parameters(
        self, node: Node, listed: Node | None, said: list[jsdoc.Tag], placing: _Placing
    ) -> tuple[Parameter, ...]:
        bare = node.child_by_field_name("parameter")
        if bare is not None:  # x => x
            spelled, written = text_of(bare), _said_of(said, text_of(bare), 0)
            slot = self.slot(SlotKind.PARAMETER, spelled, span_of(bare), bare.end_byte, written, placing)
            return (Parameter(spelled, ParameterKind.POSITIONAL, None, slot),)
        found: list[Parameter] = []
        for child in listed.named_children if listed is not None else ():
            pattern = child.child_by_field_name("pattern")
            # `this` is told of, not passed.
            if pattern is not None and not pattern.is_missing and pattern.type != "this":
                found.append(self.parameter(child, pattern, len(found), said, placing))
        return tuple(found)

    def parameter(
        self, node: Node, pattern: Node, position: int, said: list[jsdoc.Tag], placing: _Placing
    ) -> Parameter:
        is_rest = pattern.type == "rest_pattern"
        named = next(iter(inside(pattern)), pattern) if is_rest else pattern
        spelled = text_of(named) if named.type == "identifier" else f"__{position}"
        mark = next((part for part in node.children if part.type == "?"), None)
        written = annotation_span(node.child_by_field_name("type"))
        written = written or _said_of(said, spelled, position) or self.type_before(node.start_byte)
        insert_at = mark.end_byte if mark is not None else named.end_byte
        default = node.child_by_field_name("value")
        left_out = any(tag.optional for tag in said if tag.name == "param" and tag.parameter == spelled)
        return Parameter(
            name=spelled,
            kind=ParameterKind.VARIADIC if is_rest else ParameterKind.POSITIONAL,
            default=value_of(default) if default is not None else None,
            slot=self.slot(SlotKind.PARAMETER, spelled, span_of(named), insert_at, written, placing),
            optional=mark is not None or left_out,
        )

    def slot(
        self, kind: SlotKind, name: str, span: Span, insert_at: int, written: Span | None, placing: _Placing
    ) -> Slot:
        key = (placing.qualname, kind, name)
        ordinal = self.ordinals[key]
        self.ordinals[key] += 1
        slot_id = SlotId(self.file.path, placing.qualname, kind, name, ordinal)
        slot = Slot(slot_id, span, insert_at, written, placing.visible, placing.local)
        self.slots.append(slot)
        return slot

    # --- statements and expressions ---------------------------------------------------------------------------------

    def returned(self, node: Node) -> None:
        if self.scope.header is not None:
            inner = inside(node)
            self.scope.returns.append(value_of(inner[0]) if inner else None)

    def yielded(self, node: Node) -> None:
        if self.scope.header is not None:
            inner = inside(node)
            delegates = any(child.type == "*" for child in node.children)
            # `yield* x` yields what x yields, which no one expression here shows.
            value = None if not inner else Opaque(span_of(inner[0])) if delegates else value_of(inner[0])
            self.scope.yields.append(value)

    def call(self, node: Node) -> None:
        found = call_of(node)
        if found is not None:
            self.calls.append(CallSite(self.scope.qualname, found))

    def identifier(self, node: Node) -> None:
        """The use of a parameter, of this function or of one around it."""
        name = text_of(node)
        for scope in reversed(self.scopes):
            if name in scope.declared:
                return
            if name in scope.parameters:
                if (usage := usage_of(node, name)) is not None:
                    scope.usages.append(usage)
                return

    # --- variables --------------------------------------------------------------------------------------------------

    def declare(self, name: str, slot: Slot | None, block: Span) -> None:
        self.scope.declared.setdefault(name, []).append(_Variable(slot, block))

    def bind(self, name: Node, value: Value | None, span: Span, slot: Slot | None = None) -> None:
        self.assignments.append(Assignment(self.scope.qualname, text_of(name), slot, value, span))

    def declarator(self, node: Node) -> None:
        name, value, statement = node.child_by_field_name("name"), node.child_by_field_name("value"), node.parent
        if name is None or name.is_missing or statement is None:
            return
        block = block_of(statement, self.scope.node)
        brought = imported(value, self.file.path, self.scope.qualname, bound=name) if value is not None else []
        if brought:
            self.imports.extend(brought)
            for bound in names_in(name):
                self.declare(text_of(bound), None, block)
        elif name.type == "identifier":
            self.variable(node, name, value, block)
        else:
            for bound in names_in(name):
                self.declare(text_of(bound), None, block)
                self.bind(bound, Opaque(span_of(bound)), span_of(node))

    def variable(self, node: Node, name: Node, value: Node | None, block: Span) -> None:
        mark = next((child for child in node.children if child.type == "!"), None)
        written = annotation_span(node.child_by_field_name("type")) or self.type_before(statement_of(node).start_byte)
        insert_at = mark.end_byte if mark is not None else name.end_byte
        placing = _Placing(self.scope.qualname, local=self.local)
        slot = self.slot(SlotKind.VARIABLE, text_of(name), span_of(name), insert_at, written, placing)
        self.declare(text_of(name), slot, block)
        self.bind(name, value_of(value) if value is not None else None, span_of(node), slot)

    def loop(self, node: Node) -> None:
        left, is_declared = node.child_by_field_name("left"), node.child_by_field_name("kind") is not None
        for name in names_in(left) if left is not None else ():
            if is_declared:
                self.declare(text_of(name), None, span_of(node))
            self.bind(name, Opaque(span_of(name)), span_of(name))

    def alias(self, node: Node) -> None:
        """`import Item = shop.goods.Item`."""
        inner = inside(node)
        if len(inner) == 2:
            self.bind(inner[0], type_value(inner[1]), span_of(node))

    def assignment(self, node: Node) -> None:
        left = node.child_by_field_name("left")
        if left is None or left.is_missing:
            return
        if left.type == "identifier":
            if node.children[0].type == "using":  # The grammar reads a declaration with `using` as an assignment.
                self.declare(text_of(left), None, block_of(node, self.scope.node))
            self.renewed.append((node, tuple(self.scopes)))
        elif left.type == "member_expression":
            self.assigned_member(node, left)
        else:
            for name in names_in(left):
                self.bind(name, Opaque(span_of(name)), span_of(node))

    def resolve_names(self) -> None:
        """Ties each assignment to a name to the slot of the declaration that it means, now that all are known."""
        for node, scopes in self.renewed:
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left is None:
                continue
            name, meant = text_of(left), _Variable(None, span_of(self.root))
            for scope in reversed(scopes):
                if name in scope.parameters:
                    break
                around = [known for known in scope.declared.get(name, ()) if span_of(node) in known.block]
                if around:
                    meant = max(around, key=lambda known: known.block.start)
                    break
            if name not in scope.parameters:
                value = value_of(right) if right is not None else None
                self.assignments.append(Assignment(scopes[-1].qualname, name, meant.slot, value, span_of(node)))

    # --- attributes -------------------------------------------------------------------------------------------------

    def class_field(self, node: Node) -> None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None or name.is_missing or self.scope.kind != "class" or not unquoted(name):
            return
        decorators = [child for child in node.children if child.type == "decorator"]
        decorators += self.scope.decorators.get(node.id, [])
        start = min([node.start_byte, *(decorator.start_byte for decorator in decorators)])
        written = annotation_span(node.child_by_field_name("type")) or self.type_before(start)
        placing = _Placing(self.scope.qualname, visible=bool(decorators))
        slot = self.attribute(node, name, written, placing)
        value_there = value_of(value) if value is not None else None
        self.assignments.append(Assignment(placing.qualname, unquoted(name), slot, value_there, span_of(node)))

    def member(self, node: Node) -> None:
        """A member of an interface or of an alias of an object type; those of types written inline are nobody's."""
        name, written = node.child_by_field_name("name"), annotation_span(node.child_by_field_name("type"))
        if name is None or name.is_missing or written is None or not unquoted(name):
            return
        if self.scope.kind == "interface" and node.parent == declared_body(self.scope.node):
            self.attribute(node, name, written, _Placing(self.scope.qualname))

    def attribute(self, node: Node, name: Node, written: Span | None, placing: _Placing) -> Slot:
        mark = next((child for child in node.children if child.type in ("?", "!")), name)
        return self.slot(SlotKind.ATTRIBUTE, unquoted(name), name_span(name), mark.end_byte, written, placing)

    def assigned_member(self, node: Node, left: Node) -> None:
        base, name = left.child_by_field_name("object"), left.child_by_field_name("property")
        right = node.child_by_field_name("right")
        if base is None or name is None or name.is_missing:
            return
        if base.type == "this":
            self.assigned_field(node, name, right)
        elif base.text in (b"exports", b"module.exports") or left.text == b"module.exports":
            self.required.update(required_exports(left, name, right))

    def assigned_field(self, node: Node, name: Node, right: Node | None) -> None:
        """`this.x = ...` in a method: a value of the class's attribute, whose slot it holds where nothing declares x."""
        # An arrow function has no `this` of its own, unless it is what a field of the class holds.
        own = (at for at in range(len(self.scopes) - 1, 0, -1) if _has_own_this(self.scopes[at]))
        at = next(own, 0)
        held = self.scopes[at - 1]
        if at == 0 or held.kind != "class" or self.scopes[at].owner != held.qualname:
            return
        spelled = text_of(name)
        if spelled not in held.fields:
            held.fields.add(spelled)
            written = self.type_before(node.start_byte)
            placing = _Placing(held.qualname)
            self.slot(SlotKind.ATTRIBUTE, spelled, span_of(name), name.end_byte, written, placing)
        value = value_of(right) if right is not None else None
        self.field_values.append((held.qualname, Assignment(self.scope.qualname, spelled, None, value, span_of(node))))

    def resolve_fields(self) -> None:
        """Ties each assignment to `this.x` to the slot of x, now that the fields behind the constructor are known."""
        slots = {(slot.id.qualname, slot.id.name): slot for slot in self.slots if slot.id.kind is SlotKind.ATTRIBUTE}
        for qualname, assignment in self.field_values:
            self.assignments.append(replace(assignment, slot=slots.get((qualname, assignment.name))))

    # --- imports and exports ----------------------------------------------------------------------------------------

    def imported(self, node: Node) -> None:
        self.is_module = True
        self.imports.extend(imported(node, self.file.path, self.scope.qualname))

    def exported(self, node: Node) -> None:
        if len(self.scopes) == 1:  # Inside a namespace it exports to the namespace.
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
        is_doc = data.startswith(b"/**", span.start) and span.end - span.start > len("/***/")
        return span if is_doc and not data[span.end : start].strip() else None

    def tags_of(self, doc: Span | None) -> list[jsdoc.Tag]:
        """The tags of a JavaScript comment that hold types, their spans counted in the file: what is written there."""
        if doc is None or not self.javascript:
            return []
        found = (tag for tag in jsdoc.tags(self.file.at(doc)) if tag.type)
        return [_moved(tag, doc.start) for tag in found]

    def type_before(self, start: int) -> Span | None:
        """The type in the `@type` tag that stands before a declaration of a JavaScript file."""
        doc = self.doc_before(start) if self.javascript else None
        return next((tag.span for tag in self.tags_of(doc) if tag.name == "type"), None)

    def overview(self) -> str | None:
        """The comment that speaks of the whole file."""
        first = self.comments[0] if self.comments else None
        if first is None or self.file.data[: first.start].strip():
            return None
        text = self.file.at(first)
        return text if text.startswith("/**") and OVERVIEW.search(text) else None


def _moved(tag: jsdoc.Tag, by: int) -> jsdoc.Tag:
    span = Span(by + tag.span.start, by + tag.span.end)
    return jsdoc.Tag(tag.name, tag.type, span, tag.parameter, tag.optional, tag.variadic)


def _said_of(said: list[jsdoc.Tag], name: str, position: int) -> Span | None:
    """The type that a comment states for a parameter: by name, or by position for one that has no name of its own."""
    whole = [tag for tag in said if tag.name == "param" and "." not in tag.parameter]
    for tag in whole:
        if tag.parameter == name:
            return tag.span
    return whole[position].span if name.startswith("__") and position < len(whole) else None


def _has_own_this(scope: _Scope) -> bool:
    return scope.node.type != "arrow_function" or scope.owner is not None


def _with_body(header: Function, scope: _Scope) -> Function:
    body = scope.node.child_by_field_name("body")
    if body is None:
        return replace(header, body_is_stub=True)
    is_block = body.type == "statement_block"
    return replace(
        header,
        returns=tuple(scope.returns) if is_block else (value_of(body),),
        yields=tuple(scope.yields),
        usages=tuple(scope.usages),
        falls_through=is_block and falls_through(body),
        body_is_stub=is_block and _is_stub(body),
    )


def _is_stub(body: Node) -> bool:
    """Only a `throw`: nothing that tells what an implementation would do. An empty body is one: it does nothing."""
    return [statement.type for statement in inside(body)] == ["throw_statement"]
