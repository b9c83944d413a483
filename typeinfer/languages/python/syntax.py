"""Reading Python: the text of one file in; its `Module` (slots, declarations, values, calls, imports) out.

One query over the tree (`grammars/python/facts.scm`), one sweep over what it captured in source order with a stack of
open scopes. Broken code gives partial facts. Knows nothing of other files.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import tree_sitter
import tree_sitter_python
from msgspec.structs import replace
from tree_sitter import Node

from typeinfer.languages import treesitter
from typeinfer.languages.python import runtime
from typeinfer.languages.python.control_flow import falls_through
from typeinfer.languages.python.expressions import PATH, STR, WIDTH, arguments_of, value_of
from typeinfer.languages.treesitter import span_of, text_of
from typeinfer.values.module import (
    Assignment,
    Call,
    CallSite,
    Class,
    Constant,
    Function,
    Import,
    ItemAssignment,
    Module,
    Opaque,
    Parameter,
    ParameterKind,
    Usage,
    Value,
)
from typeinfer.values.slots import Slot, SlotId, SlotKind
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import UNKNOWN

PYTHON = tree_sitter.Language(tree_sitter_python.language())

LONGEST_CHAIN = 16
"""Targets of one chained assignment (`a = b = 0`) that are followed to the value; a longer one is a test of patience."""


@dataclass(slots=True)
class _Scope:
    """A function, class or lambda while the sweep is inside it."""

    node: Node
    qualname: str
    is_class: bool
    end: int
    fields: bool = False
    receiver: str | None = None
    owner: str | None = None
    parameters: frozenset[str] = frozenset()
    outer_names: dict[str, bool] = field(default_factory=dict)
    """Names of an outer scope that this one binds; True for those of the module."""
    returns: list[Value | None] = field(default_factory=list)
    yields: list[Value | None] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)


@dataclass(slots=True)
class _Binding:
    """An assignment before it is known which one holds the slot."""

    scope: str
    holder: str
    kind: SlotKind
    name: str
    target: Node
    annotation: Node | None
    value: Value | None
    span: Span
    annotatable: bool
    local: bool
    runtime_visible: bool


def read(file: SourceFile, name: str, is_package: bool) -> Module:
    """All facts of one file. Never raises for what stands in it."""
    return _Reader(file, name, is_package).module()


PYTHON_2 = re.compile(
    rb"""`|<>|\bur["']|\b0[0-7]+[lL]?\b|\b[1-9]\d*[lL]\b|^\s*except\b.*,|^\s*raise\b[^(\n]*,|^\s*def\s+\w+\s*\((?:[^()]*,)?\s*\("""
    rb"""|^\s*(?:print|exec)[ ]|^ *\t""",
    re.MULTILINE,
)
"""What may make a line one of Python 2, that the grammar reads nonetheless."""

DEEP = 200
"""Python's own parser ends the program where something nests deep."""


def by_python(file: SourceFile) -> ast.Module:
    """The tree of a file by Python's own parser, which ends the process where something nests deep. Raises what that raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(file.text)


def fault(file: SourceFile) -> Span | None:
    """The line of a file that this grammar reads and that is no Python 3 all the same, as backticks are. What LibCST reads may
    be of another Python than this one; of what it doesn't nothing could be proven."""
    if PYTHON_2.search(file.data) is None or treesitter.below(treesitter.parse(PYTHON, file.data).root_node, DEEP):
        return None
    try:
        by_python(file)
        return None
    except SyntaxError as error:
        line = min(max(error.lineno or 1, 1), len(file.line_starts))
    except (ValueError, MemoryError, RecursionError):
        return None
    import libcst

    try:
        libcst.parse_module(file.text)
    except libcst.ParserSyntaxError:
        start = file.line_starts[line - 1]
        end = file.data.find(b"\n", start)
        return Span(start, len(file.data) if end < 0 else end)
    except Exception:  # whatever else comes of it is told of where it is to be proven
        return None
    return None


class _Reader:
    def __init__(self, file: SourceFile, name: str, is_package: bool) -> None:
        self.file, self.name, self.is_package = file, name, is_package
        self.tree = treesitter.parse(PYTHON, file.data)
        self.scopes: list[_Scope] = []
        self.functions: list[tuple[int, Function]] = []
        self.closed: dict[int, tuple[_Scope, Node]] = {}
        self.classes: list[Class] = []
        self.calls: list[CallSite] = []
        self.item_assignments: list[ItemAssignment] = []
        self.imports: list[Import] = []
        self.bindings: list[_Binding] = []
        self.errors: list[Span] = []
        self.parameter_slots: list[Slot] = []
        self.ordinals: Counter[tuple[str, SlotKind, str]] = Counter()

    def module(self) -> Module:
        captured = treesitter.captures(PYTHON, "python", "facts", self.tree.root_node)
        self.errors = sorted({span_of(node) for kind in ("error", "python2") for node in captured.get(kind, ())})
        handlers = {
            "function": self.enter_function,
            "class": self.enter_class,
            "lambda": self.enter_lambda,
            "assignment": self.assignment,
            "rebound": self.rebound,
            "global": self.outer_name,
            "return": self.returned,
            "yield": self.yielded,
            "call": self.call,
            "import": self.imported,
            "identifier": self.identifier,
        }
        order = {kind: rank for rank, kind in enumerate(handlers)}
        events = [
            (node.start_byte, -node.end_byte, order[kind], node, handler)
            for kind, handler in handlers.items()
            for node in captured.get(kind, ())
        ]
        events.sort(key=lambda event: event[:3])
        for start, _, _, node, handler in events:
            while self.scopes and self.scopes[-1].end <= start:
                self.leave()
            handler(node)
        while self.scopes:
            self.leave()
        assignments, slots = self.place_slots()
        return Module(
            file=self.file,
            name=self.name,
            is_package=self.is_package,
            functions=tuple(function for _, function in sorted(self.functions, key=lambda pair: pair[0])),
            classes=tuple(self.classes),
            assignments=assignments,
            calls=tuple(self.calls),
            imports=tuple(self.imports),
            slots=tuple(sorted((*slots, *self.parameter_slots), key=lambda slot: (slot.span, slot.insert_at))),
            errors=tuple(self.errors),
            docstring=_docstring(self.tree.root_node),
            item_assignments=tuple(self.item_assignments),
        )

    # --- scopes -----------------------------------------------------------------------------------------------------

    @property
    def scope_name(self) -> str:
        return next((scope.qualname for scope in reversed(self.scopes) if scope.qualname), "")

    def inner(self, name: str) -> str:
        return f"{self.scope_name}.{name}" if self.scope_name else name

    def enter_function(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        if name is None or name.is_missing or node.child_by_field_name("body") is None:
            return
        in_class = bool(self.scopes) and self.scopes[-1].is_class
        owner = self.scopes[-1].qualname if in_class else None
        scope = _Scope(node, self.inner(text_of(name)), False, node.end_byte, owner=owner)
        listed = node.child_by_field_name("parameters")
        names = [_parameter_name(child) for child in (listed.named_children if listed else ())]
        scope.parameters = frozenset(text_of(found) for found in names if found)
        decorators = _decorators(node)
        if owner is not None and not runtime.is_static(decorators):
            # def method(*args): the receiver comes in, but under no name of its own.
            first = next(
                (child for child in (listed.named_children if listed else ()) if child.type != "comment"), None
            )
            found = _parameter_name(first) if first is not None and not _stars(first) else None
            scope.receiver = text_of(found) if found is not None else None
        self.declare_function(node, scope, name, decorators, listed)
        self.scopes.append(scope)

    def enter_lambda(self, node: Node) -> None:
        # A lambda has a scope of its own but no name and no slots: returns and yields inside it are nobody's.
        self.scopes.append(_Scope(node, "", False, node.end_byte))

    def enter_class(self, node: Node) -> None:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or name.is_missing or body is None:
            return
        qualname = self.inner(text_of(name))
        listed = node.child_by_field_name("superclasses")
        arguments = arguments_of(listed) if listed else ()
        bases = tuple(argument.value for argument in arguments if argument.name is None)
        decorators = _decorators(node)
        declared = Class(
            qualname=qualname,
            name=text_of(name),
            span=_decorated_span(node),
            header=Span(node.start_byte, _colon(node, body)),
            name_span=span_of(name),
            decorators=decorators,
            bases=bases,
            keywords=tuple(argument for argument in arguments if argument.name is not None),
            docstring=_docstring(body),
            type_parameters=_type_parameters(node),
            fields=runtime.makes_fields(decorators, bases),
        )
        self.classes.append(declared)
        self.scopes.append(_Scope(node, qualname, True, node.end_byte, fields=declared.fields))

    def leave(self) -> None:
        scope = self.scopes.pop()
        if scope.node.id in self.closed:
            self.finish_function(scope)

    # --- functions --------------------------------------------------------------------------------------------------

    def declare_function(
        self, node: Node, scope: _Scope, name: Node, decorators: tuple[Value, ...], listed: Node | None
    ) -> None:
        visible = runtime.reads_signature(decorators)
        parameters: list[Parameter] = []
        after_star, receiver = False, scope.receiver
        for child in listed.named_children if listed else ():
            if child.type == "positional_separator":
                parameters = [_positional_only(parameter) for parameter in parameters]
                continue
            if child.type == "keyword_separator":
                after_star = True
                continue
            found = _parameter_name(child)
            if found is None:
                continue
            stars = _stars(child)
            kind = _KINDS.get(stars) or (ParameterKind.KEYWORD_ONLY if after_star else ParameterKind.POSITIONAL)
            after_star = after_star or stars == "*"
            default, annotation = child.child_by_field_name("value"), child.child_by_field_name("type")
            spelled = text_of(found)
            slot = None
            if receiver is not None and not stars:
                receiver = None
            else:
                slot = self.slot(
                    scope.qualname, SlotKind.PARAMETER, spelled, found, found.end_byte, annotation, visible
                )
                self.parameter_slots.append(slot)
            parameters.append(Parameter(spelled, kind, value_of(default) if default else None, slot))
        result = None
        if listed is not None and not listed.has_error:
            written = node.child_by_field_name("return_type")
            result = self.slot(scope.qualname, SlotKind.RETURN, "return", name, listed.end_byte, written, visible)
            self.parameter_slots.append(result)
        self.closed[node.id] = (scope, node)
        self.functions.append((node.start_byte, _header_only(node, scope, name, decorators, tuple(parameters), result)))
        scope.usages = []

    def finish_function(self, scope: _Scope) -> None:
        _, node = self.closed.pop(scope.node.id)
        index = next(i for i in range(len(self.functions) - 1, -1, -1) if self.functions[i][0] == node.start_byte)
        start, header = self.functions[index]
        body = node.child_by_field_name("body")
        assert body is not None, "enter_function takes no function without a body"
        self.functions[index] = (
            start,
            _with_body(header, scope, falls_through(body), _is_stub(body), _docstring(body)),
        )

    def slot(
        self,
        qualname: str,
        kind: SlotKind,
        name: str,
        node: Node,
        insert_at: int,
        annotation: Node | None,
        visible: bool,
    ) -> Slot:
        ordinal = self.ordinals[qualname, kind, name]
        self.ordinals[qualname, kind, name] += 1
        return Slot(
            id=SlotId(self.file.path, qualname, kind, name, ordinal),
            span=span_of(node),
            insert_at=insert_at,
            written=span_of(annotation) if annotation else None,
            runtime_visible=visible,
        )

    # --- statements and expressions ---------------------------------------------------------------------------------

    def returned(self, node: Node) -> None:
        if self.scopes and not self.scopes[-1].is_class:
            inner = [child for child in node.named_children if child.type != "comment"]
            # `return NotImplemented` hands the operands back to the interpreter: no caller of `a + b` ever sees it.
            if not inner or inner[0].text != b"NotImplemented":
                self.scopes[-1].returns.append(value_of(inner[0]) if inner else None)

    def yielded(self, node: Node) -> None:
        if self.scopes and not self.scopes[-1].is_class:
            inner = [child for child in node.named_children if child.type != "comment"]
            delegates = any(child.type == "from" for child in node.children)
            # `yield from x` yields what x yields, which no one expression here shows.
            value = None if not inner else value_of(inner[0], 0) if delegates else value_of(inner[0])
            self.scopes[-1].yields.append(value)

    def call(self, node: Node) -> None:
        value = value_of(node)
        if isinstance(value, Call):
            self.calls.append(CallSite(self.scope_name, value))

    def outer_name(self, node: Node) -> None:
        if self.scopes:
            of_module = node.type == "global_statement"
            self.scopes[-1].outer_names.update((text_of(child), of_module) for child in node.named_children)

    def rebound(self, node: Node) -> None:
        """A name bound to something that no expression here shows: part of a tuple, an item of a loop, a context."""
        pattern = node.parent
        while pattern is not None and pattern.type in ("pattern_list", "tuple_pattern", "list_pattern"):
            pattern = pattern.parent
        if pattern is not None and pattern.type == "for_in_clause":
            return  # a comprehension's own
        unknown = Opaque(span_of(node))
        if node.type == "identifier":
            self.bind_name(node, None, unknown, span_of(node), False)
        elif node.type == "attribute":
            self.bind_attribute(node, None, unknown, span_of(node), False)

    def identifier(self, node: Node) -> None:
        name = text_of(node)
        if self.scopes and name in self.scopes[-1].parameters and name != self.scopes[-1].receiver:
            usage = _usage(node, name)
            if usage is not None:
                self.scopes[-1].usages.append(usage)

    def assignment(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        # In broken code the parser makes up names of no width to go on.
        if left is None or left.is_missing:
            return
        parent = node.parent
        chained = (right is not None and right.type == "assignment") or (
            parent is not None and parent.type == "assignment"
        )
        value_node = right
        for _ in range(LONGEST_CHAIN):
            if value_node is None or value_node.type != "assignment":
                break
            value_node = value_node.child_by_field_name("right")
        value = value_of(value_node) if value_node else None
        annotation = node.child_by_field_name("type")
        if left.type == "identifier":
            self.bind_name(left, annotation, value, span_of(node), not chained)
        elif left.type == "attribute":
            self.bind_attribute(left, annotation, value, span_of(node), not chained)
        elif left.type == "subscript" and value is not None:
            self.put_under_key(left, value)

    def put_under_key(self, left: Node, value: Value) -> None:
        base, keys = left.child_by_field_name("value"), left.children_by_field_name("subscript")
        if base is not None and len(keys) == 1 and keys[0].type != "slice":
            self.item_assignments.append(ItemAssignment(self.scope_name, value_of(base), value_of(keys[0]), value))

    def bind_name(
        self, left: Node, annotation: Node | None, value: Value | None, span: Span, annotatable: bool
    ) -> None:
        name = text_of(left)
        scope = self.scopes[-1] if self.scopes else None
        if scope is not None and name in scope.outer_names:
            self.bind_outer(name, left, value, span, scope.outer_names[name])
            return
        # Nothing to infer about a name that is only ever thrown away, or that the language itself reads.
        if name == "_" or (name.startswith("__") and name.endswith("__")):
            return
        in_class = scope is not None and scope.is_class
        local = scope is not None and not scope.is_class
        if local and scope is not None and (name in scope.parameters or not scope.qualname):
            return
        self.bindings.append(
            _Binding(
                scope=self.scope_name,
                holder=self.scope_name,
                kind=SlotKind.ATTRIBUTE if in_class else SlotKind.VARIABLE,
                name=name,
                target=left,
                annotation=annotation,
                value=value,
                span=span,
                annotatable=annotatable,
                local=local,
                runtime_visible=scope is not None and scope.fields,
            )
        )

    def bind_outer(self, name: str, target: Node, value: Value | None, span: Span, of_module: bool) -> None:
        """A binding under `global` or `nonlocal`: one more value of the outer name, no place for its annotation."""
        functions = [scope.qualname for scope in self.scopes[:-1] if scope.qualname and not scope.is_class]
        if not of_module and not functions:
            return
        self.bindings.append(
            _Binding(
                scope=self.scope_name,
                holder="" if of_module else functions[-1],
                kind=SlotKind.VARIABLE,
                name=name,
                target=target,
                annotation=None,
                value=value,
                span=span,
                annotatable=False,
                local=not of_module,
                runtime_visible=False,
            )
        )

    def bind_attribute(
        self, left: Node, annotation: Node | None, value: Value | None, span: Span, annotatable: bool
    ) -> None:
        base, name = left.child_by_field_name("object"), left.child_by_field_name("attribute")
        if base is None or name is None or name.is_missing or base.type != "identifier":
            return
        receiver = text_of(base)
        method = next((s for s in reversed(self.scopes) if s.receiver == receiver and s.owner is not None), None)
        if method is None or method.owner is None or any(receiver in s.parameters for s in self.inside(method)):
            return
        spelled = text_of(name)
        if spelled.startswith("__") and spelled.endswith("__"):
            return
        self.bindings.append(
            _Binding(
                scope=self.scope_name,
                holder=method.owner,
                kind=SlotKind.ATTRIBUTE,
                name=spelled,
                target=left,
                annotation=annotation,
                value=value,
                span=span,
                annotatable=annotatable,
                local=False,
                runtime_visible=False,
            )
        )

    def inside(self, method: _Scope) -> list[_Scope]:
        return self.scopes[self.scopes.index(method) + 1 :]

    def imported(self, node: Node) -> None:
        self.imports.extend(_imports(node, self.name, self.is_package, self.scope_name))

    # --- slots of assignments ---------------------------------------------------------------------------------------

    def place_slots(self) -> tuple[tuple[Assignment, ...], list[Slot]]:
        """One slot a name and holder, at the assignment that has the annotation, else at the first that can take one."""
        groups: dict[tuple[str, SlotKind, str], list[_Binding]] = defaultdict(list)
        for binding in self.bindings:
            groups[binding.holder, binding.kind, binding.name].append(binding)
        placed: dict[tuple[str, SlotKind, str], Slot] = {}
        for (holder, kind, name), bindings in groups.items():
            able = [binding for binding in bindings if binding.annotatable]
            chosen = next((binding for binding in able if binding.annotation), able[0] if able else None)
            if chosen is None:
                continue
            placed[holder, kind, name] = Slot(
                id=SlotId(self.file.path, holder, kind, name),
                span=span_of(chosen.target),
                insert_at=chosen.target.end_byte,
                written=span_of(chosen.annotation) if chosen.annotation else None,
                runtime_visible=chosen.runtime_visible,
                local=chosen.local,
            )
        assignments = tuple(
            Assignment(b.scope, b.name, placed.get((b.holder, b.kind, b.name)), b.value, b.span) for b in self.bindings
        )
        return assignments, list(placed.values())


# --- nodes to facts, without state --------------------------------------------------------------------------------

_KINDS = {"*": ParameterKind.VARIADIC, "**": ParameterKind.KEYWORDS}


def _positional_only(parameter: Parameter) -> Parameter:
    return replace(parameter, kind=ParameterKind.POSITIONAL_ONLY)


def _parameter_name(node: Node) -> Node | None:
    """The identifier of a parameter; None for separators and for what is no single name (Python 2's tuples)."""
    match node.type:
        case "identifier":
            return None if node.is_missing else node
        case "default_parameter" | "typed_default_parameter":
            name = node.child_by_field_name("name")
            return _parameter_name(name) if name is not None and name.type == "identifier" else None
        case "typed_parameter" | "list_splat_pattern" | "dictionary_splat_pattern":
            inner = node.named_children
            return _parameter_name(inner[0]) if inner else None
    return None


def _stars(node: Node) -> str:
    if node.type == "typed_parameter" and node.named_children:
        node = node.named_children[0]
    return {"list_splat_pattern": "*", "dictionary_splat_pattern": "**"}.get(node.type, "")


def _header_only(
    node: Node,
    scope: _Scope,
    name: Node,
    decorators: tuple[Value, ...],
    parameters: tuple[Parameter, ...],
    result: Slot | None,
) -> Function:
    body = node.child_by_field_name("body")
    assert body is not None, "enter_function takes no function without a body"
    return Function(
        qualname=scope.qualname,
        name=text_of(name),
        span=_decorated_span(node),
        header=Span(node.start_byte, _colon(node, body)),
        body=span_of(body),
        name_span=span_of(name),
        decorators=decorators,
        parameters=parameters,
        returns=(),
        yields=(),
        result=result,
        docstring=None,
        usages=(),
        owner=scope.owner,
        is_async=node.children[0].type == "async",
        overloaded=runtime.is_overload(decorators),
    )


def _with_body(header: Function, scope: _Scope, falls: bool, stub: bool, docstring: str | None) -> Function:
    return replace(
        header,
        returns=tuple(scope.returns),
        yields=tuple(scope.yields),
        docstring=docstring,
        usages=tuple(scope.usages),
        is_generator=bool(scope.yields),
        falls_through=falls,
        body_is_stub=stub,
    )


def _decorators(node: Node) -> tuple[Value, ...]:
    parent = node.parent
    if parent is None or parent.type != "decorated_definition":
        return ()
    found = [child for child in parent.children if child.type == "decorator" and child.named_children]
    return tuple(value_of(child.named_children[0]) for child in found)


def _decorated_span(node: Node) -> Span:
    parent = node.parent
    return span_of(parent) if parent is not None and parent.type == "decorated_definition" else span_of(node)


def _colon(node: Node, body: Node) -> int:
    return next((child.end_byte for child in reversed(node.children) if child.type == ":"), body.start_byte)


def _type_parameters(node: Node) -> tuple[str, ...]:
    listed = node.child_by_field_name("type_parameters")
    return tuple(text_of(child).partition(":")[0].strip() for child in listed.named_children) if listed else ()


def _first_statement(body: Node) -> Node | None:
    return next((child for child in body.named_children if child.type != "comment"), None)


def _docstring(body: Node) -> str | None:
    first = _first_statement(body)
    if first is None or first.type != "expression_statement" or not first.named_children:
        return None
    literal = first.named_children[0]
    if literal.type != "string":
        return None
    return "".join(text_of(child) for child in literal.named_children if child.type == "string_content")


def _is_stub(body: Node) -> bool:
    """Only a docstring, `...`, `pass`, or a raise: nothing that tells what an implementation would do."""
    for statement in body.named_children:
        if statement.type in ("pass_statement", "comment", "raise_statement"):
            continue
        inner = statement.named_children if statement.type == "expression_statement" else []
        if not inner or inner[0].type not in ("string", "ellipsis", "concatenated_string"):
            return False
    return True


def _imports(node: Node, module: str, is_package: bool, scope: str) -> list[Import]:
    span, type_only = span_of(node), _under_type_checking(node)
    found = []
    if node.type == "future_import_statement":
        return [
            Import(text_of(name), "__future__", text_of(name), span, scope)
            for name in node.children_by_field_name("name")
        ]
    if node.type == "import_statement":
        for name in node.children_by_field_name("name"):
            if name.type == "aliased_import":
                target, alias = name.child_by_field_name("name"), name.child_by_field_name("alias")
                if target and alias:
                    found.append(Import(text_of(alias), text_of(target), None, span, scope, type_only))
            else:
                dotted = text_of(name)
                found.append(Import(dotted.partition(".")[0], dotted, None, span, scope, type_only))
        return found
    source = node.child_by_field_name("module_name")
    if source is None:
        return []
    origin = _absolute(text_of(source), module, is_package)
    if any(child.type == "wildcard_import" for child in node.named_children):
        return [Import("*", origin, "*", span, scope, type_only)]
    for name in node.children_by_field_name("name"):
        if name.type == "aliased_import":
            target, alias = name.child_by_field_name("name"), name.child_by_field_name("alias")
            if target and alias:
                found.append(Import(text_of(alias), origin, text_of(target), span, scope, type_only))
        else:
            found.append(Import(text_of(name), origin, text_of(name), span, scope, type_only))
    return found


def _absolute(written: str, module: str, is_package: bool) -> str:
    """The absolute name of a module as written in an import of `module`: dots count packages upwards (PEP 328)."""
    stripped = written.lstrip(".")
    level = len(written) - len(stripped)
    stripped = stripped.strip()
    if level == 0:
        return stripped
    parents = module.split(".")
    drop = level - 1 if is_package else level
    base = parents[: len(parents) - drop] if drop <= len(parents) else []
    return ".".join([*base, *([stripped] if stripped else [])])


def _under_type_checking(node: Node) -> bool:
    block = node.parent
    holder = block.parent if block is not None else None
    if block is None or holder is None or holder.type != "if_statement":
        return False
    condition = holder.child_by_field_name("condition")
    return (
        condition is not None
        and text_of(condition).rpartition(".")[2] == "TYPE_CHECKING"
        and holder.child_by_field_name("consequence") == block
    )


def _usage(node: Node, name: str) -> Usage | None:
    """How an expression uses a parameter, where the use says something of its type."""
    parent = node.parent
    if parent is None:
        return None
    span = span_of(parent)
    match parent.type:
        case "binary_operator" | "augmented_assignment":
            operator = parent.child_by_field_name("operator")
            left, right = parent.child_by_field_name("left"), parent.child_by_field_name("right")
            other = right if left == node else left
            known = value_of(other, 2) if other is not None else None
            sign = operator.type.rstrip("=") if operator else "?"
            across = known.type if isinstance(known, Constant) else UNKNOWN
            # No text is divided: what is, by a text, is a path.
            across = PATH if sign == "/" and across == STR else across
            return Usage(name, f"operator {sign}" + ("" if left == node else " right"), across, span)
        case "comparison_operator":
            return _comparison_usage(node, name, parent, span)
        case "attribute":
            attribute = parent.child_by_field_name("attribute")
            if attribute is None or attribute == node:
                return None
            outer = parent.parent
            called = outer is not None and outer.type == "call" and outer.child_by_field_name("function") == parent
            return Usage(name, f"{'method' if called else 'attribute'} {text_of(attribute)}", UNKNOWN, span)
        case "subscript":
            if parent.child_by_field_name("value") != node:
                return Usage(name, "index", UNKNOWN, span)
            index = parent.child_by_field_name("subscript")
            known = value_of(index, 2) if index is not None else None
            return Usage(name, "subscript", known.type if isinstance(known, Constant) else UNKNOWN, span)
        case "call":
            return Usage(name, "call", UNKNOWN, span) if parent.child_by_field_name("function") == node else None
        case "for_statement" | "for_in_clause":
            return Usage(name, "iterate", UNKNOWN, span) if parent.child_by_field_name("right") == node else None
        case "await":
            return Usage(name, "await", UNKNOWN, span)
        case "if_statement" | "elif_clause" | "while_statement" | "not_operator" | "conditional_expression":
            return Usage(name, "test", UNKNOWN, span)
        case "interpolation":
            return Usage(name, "f-string", UNKNOWN, span)
        case "argument_list":
            return _argument_usage(node, name, parent)
    return None


def _comparison_usage(node: Node, name: str, parent: Node, span: Span) -> Usage | None:
    if parent.named_child_count > WIDTH:
        return None
    operands = [child for child in parent.named_children if child.type not in ("comment",)]
    operators = [text_of(child) for child in parent.children if not child.is_named]
    if len(operands) != 2 or not operators:
        return None
    other = operands[1] if operands[0] == node else operands[0]
    known = value_of(other, 2)
    side = "" if operands[0] == node else " right"
    return Usage(
        name, f"compare {' '.join(operators)}{side}", known.type if isinstance(known, Constant) else UNKNOWN, span
    )


def _argument_usage(node: Node, name: str, parent: Node) -> Usage | None:
    call = parent.parent
    callee = call.child_by_field_name("function") if call is not None and call.type == "call" else None
    if call is None or callee is None or callee.type not in ("identifier", "attribute"):
        return None
    # Counting to each of 50,000 arguments takes minutes; a generated table tells nothing by its positions.
    if parent.named_child_count > 4 * WIDTH:
        return None
    position = next((at for at, child in enumerate(parent.named_children) if child == node), 0)
    spelled = text_of(callee)
    return Usage(name, f"argument {position} of {spelled}", UNKNOWN, span_of(call)) if len(spelled) < 80 else None
