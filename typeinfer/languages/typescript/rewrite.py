"""Rewriting TypeScript and JavaScript: types placed at slots in; the edits that write them out, with imports of types.

Every edit is an insertion at a byte, or the replacement of an annotation that is to go, so all else stays as it is;
`erasure.py` proves it of the result. Knows nothing of why a type was chosen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tree_sitter import Node

from typeinfer.languages.typescript import parsing
from typeinfer.languages.typescript.annotations import is_writable, spell
from typeinfer.languages.typescript.doc_blocks import Place, Stated, Unplaceable, edits_of
from typeinfer.languages.typescript.import_lines import ImportedName, ImportLines, Specifiers, style_of
from typeinfer.languages.typescript.refusals import JAVASCRIPT
from typeinfer.languages.typescript.type_names import TypeNames, Unsayable
from typeinfer.values.module import Function, Module, Parameter, ParameterKind
from typeinfer.values.naming import NamesInScope, Wanted
from typeinfer.values.patches import Edit, Placed, Refused, Rewrite, Writer
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.source import Span
from typeinfer.values.typeexpr import NONE, CallableType, Literal, Named, Record, TypeExpr, Union, walk, without


def writer(module: Module, names: NamesInScope) -> Writer:
    """Its edits write the types that it is given, or say of each that can't be written why."""
    return lambda placed: _Rewriting(module, names).run(placed) if placed else Rewrite(())


def import_edits(module: Module, wanted: Sequence[Wanted], names: NamesInScope) -> list[tuple[Edit, ...]]:
    """For each by itself the edits that import it at run time; none for a namespace, of which each file has its own idea, and in a
    file that has modules of another kind."""
    root = parsing.parse(module.file.path, module.file.data).root_node
    specifiers = Specifiers(module, names)
    lines = ImportLines(module, root, style_of(module, root), type_only=False)
    requires = module.file.path.endswith(".cjs") or b"require(" in module.file.data
    found: list[tuple[Edit, ...]] = []
    for one in wanted:
        specifier = specifiers.of(one.module)
        if specifier is None or one.name is None or requires:
            found.append(())
        else:
            found.append(tuple(lines.place([ImportedName(specifier, one.name, one.local)])))
    return found


class _Unwritable(Exception):
    """A type that can't stand at a slot; the message is one line that says why."""


class _Rewriting:
    """One file, what has been spelled for it, and what was refused."""

    def __init__(self, module: Module, names: NamesInScope) -> None:
        self.module = module
        self.data = module.file.data
        self.root = parsing.parse(module.file.path, self.data).root_node
        self.javascript = module.file.path.endswith(JAVASCRIPT)
        self.names = TypeNames(module, names, self.root, self.javascript)
        self.style = style_of(module, self.root)
        self.refused: list[Refused] = []
        self.edits: list[Edit] = []
        self.parameter_of = {
            parameter.slot.id: (function, parameter)
            for function in module.functions
            for parameter in function.parameters
            if parameter.slot is not None
        }
        self.result_of = {function.result.id: function for function in module.functions if function.result is not None}

    def run(self, placed: Sequence[Placed]) -> Rewrite:
        spelled: list[tuple[Slot, str]] = []
        for asked in placed:
            before = dict(self.names.planned)
            try:
                spelled.append((asked.slot, self._spell(asked)))
            except (_Unwritable, Unsayable) as reason:
                self.names.planned = before
                self.refused.append(Refused(asked.slot, str(reason)))
        if self.javascript:
            self._write_comments(spelled)
        else:
            self._write_annotations(spelled)
        imports = list(self.names.planned.values())
        if self.edits and imports:
            self.edits += ImportLines(self.module, self.root, self.style).place(imports)
        added = tuple(f"{imported.specifier}.{imported.name}" for imported in imports)
        return Rewrite(tuple(self.edits), added if self.edits else (), tuple(self.refused))

    # --- one type ---------------------------------------------------------------------------------------------------

    def _spell(self, asked: Placed) -> str:
        slot, term = asked.slot, asked.type
        reason = is_writable(term) or self._unannotatable(slot)
        if reason is not None:
            raise _Unwritable(reason)
        _, parameter = self.parameter_of.get(slot.id, (None, None))
        if parameter is not None and parameter.optional and not (self.javascript and slot.written):
            term = without(NONE, term) if isinstance(term, Union) else term
        if parameter is not None and parameter.kind is ParameterKind.VARIADIC:
            term = self._rest(term)
        for part in walk(term):
            match part:
                case Named("this") if not self._has_this_type(slot):
                    raise _Unwritable("the type this is that of a class's own members")
                case Named(name, ()) if self._wants_arguments(name):
                    raise _Unwritable(f"{name.rpartition('.')[2]} needs its type arguments")
        return spell(term, lambda name: self.names.say(name, slot.insert_at))

    def _unannotatable(self, slot: Slot) -> str | None:
        """Why an annotation can't stand there at all, or would be read as something else than one."""
        if self.javascript:
            return None
        node = self._node_at(slot.span)
        held = node.parent if node is not None else None
        # On a line of its own, without a semicolon, such a name is the beginning of the member below it.
        begins = slot.id.kind is SlotKind.ATTRIBUTE and slot.id.name in ("get", "set", "static")
        if begins and held is not None and held.type == "public_field_definition" and held.child_count == 1:
            return f"a field of the name {slot.id.name} may be no field"
        if slot.id.kind is SlotKind.ATTRIBUTE and slot.written is None and self._is_assigned(slot):
            body, _ = _class_around(node)
            if body is None or slot.id.name.startswith("#") or slot.id.name in ("constructor", "prototype"):
                return "no field can be declared for it"
            if slot.id.name in _member_names(body):
                return "the class declares it already"
        if slot.id.kind is SlotKind.RETURN and slot.written is None:
            arrow = self.root.descendant_for_byte_range(slot.insert_at - 1, slot.insert_at)
            while arrow is not None and arrow.type != "arrow_function":
                arrow = arrow.parent
            if arrow is not None and _ends_consequence(arrow, slot.insert_at):
                return "the colon would be read as that of the condition around it"
        return None

    def _rest(self, term: TypeExpr) -> TypeExpr:
        """What is said of `...args`: an array in TypeScript, what it is an array of in JSDoc."""
        match term:
            case Named("Array", (item,)) if self.javascript:
                return item
            case Named("string" | "number" | "boolean" | "None" | "null" | "bigint" | "symbol" | "Map" | "Set"):
                raise _Unwritable("a rest parameter is an array")
            case Union() | CallableType() | Literal() | Record():
                raise _Unwritable("a rest parameter is an array")
            case _ if self.javascript:
                raise _Unwritable("JSDoc says of a rest parameter what it is an array of")
        return term

    def _wants_arguments(self, name: str) -> bool:
        """Whether a name is that of a generic type of this file all of whose parameters must be given."""
        declared = self.module.class_at.get(name.removeprefix(f"{self.module.name}."))
        if declared is None or not declared.type_parameters:
            return False
        found = self.root.descendant_for_byte_range(declared.name_span.start, declared.name_span.end)
        holder = found.parent if found is not None else None
        listed = holder.child_by_field_name("type_parameters") if holder is not None else None
        parameters = listed.named_children if listed is not None else []
        return not parameters or parameters[0].child_by_field_name("value") is None

    def _has_this_type(self, slot: Slot) -> bool:
        here = self._node_at(slot.span)
        while here is not None:
            if here.type in ("function_declaration", "function_expression", "generator_function", "object"):
                return False
            parent = here.parent
            if parent is not None and parent.type in ("class_body", "interface_body"):
                name = here.child_by_field_name("name")
                is_constructor = name is not None and name.text == b"constructor"
                return not is_constructor and all(child.type != "static" for child in here.children)
            here = parent
        return False

    def _node_at(self, span: Span) -> Node | None:
        return self.root.named_descendant_for_byte_range(span.start, span.end)

    # --- annotations ------------------------------------------------------------------------------------------------

    def _write_annotations(self, spelled: Sequence[tuple[Slot, str]]) -> None:
        bare: dict[int, dict[SlotKind, str]] = defaultdict(dict)
        parameters: dict[int, Node] = {}
        for slot, text in spelled:
            at = Span(slot.insert_at, slot.insert_at)
            if slot.written is not None:
                self.edits.append(Edit(slot.written, text))
            elif (name := self._bare_parameter(slot)) is not None:
                bare[name.start_byte][slot.id.kind] = text
                parameters[name.start_byte] = name
            elif slot.id.kind is SlotKind.ATTRIBUTE and self._is_assigned(slot):
                self._declare(slot, text)
            else:
                self.edits.append(Edit(at, f": {text}"))
        for start, texts in bare.items():
            parameter, result = texts.get(SlotKind.PARAMETER), texts.get(SlotKind.RETURN)
            end = parameters[start].end_byte
            behind = (f": {parameter}" if parameter else "") + ")" + (f": {result}" if result else "")
            self.edits += [Edit(Span(start, start), "("), Edit(Span(end, end), behind)]

    def _bare_parameter(self, slot: Slot) -> Node | None:
        """The parameter of an arrow function without parentheses, where the slot is its or the result's."""
        if slot.id.kind not in (SlotKind.PARAMETER, SlotKind.RETURN):
            return None
        node = self._node_at(Span(slot.insert_at - 1, slot.insert_at))
        arrow = node.parent if node is not None else None
        if arrow is None or arrow.type != "arrow_function":
            return None
        parameter = arrow.child_by_field_name("parameter")
        return parameter if parameter == node else None

    def _is_assigned(self, slot: Slot) -> bool:
        """Whether the slot is the `x` of `this.x = ...`, so no field declares it."""
        node = self._node_at(slot.span)
        return node is not None and node.parent is not None and node.parent.type == "member_expression"

    def _declare(self, slot: Slot, text: str) -> None:
        """`declare x: T;` among the first lines of the class, which leaves the JavaScript as it is."""
        body, static = _class_around(self._node_at(slot.span))
        assert body is not None, "what has no class was refused"
        line = f"declare {'static ' if static else ''}{slot.id.name}: {text}"
        opening, first = body.children[0], next((part for part in body.children[1:] if part.type != "comment"), body)
        if first.start_point.row == opening.start_point.row:
            self.edits.append(Edit(Span(opening.end_byte, opening.end_byte), f" {line};"))
            return
        row = self.data[self.data.rfind(b"\n", 0, first.start_byte) + 1 : first.start_byte]
        indent = row.decode() if not row.strip() else "  "
        # Where no semicolon ends it, what follows must not be able to go on: `*all() {}`, `[key] = 1`.
        end = self.style.semicolon or (";" if first.text and first.text[:1] in b"*[(<" else "")
        line_end = self.data.find(b"\n", opening.end_byte)
        at = line_end - 1 if self.data[line_end - 1 : line_end] == b"\r" else line_end
        self.edits.append(Edit(Span(at, at), f"{self.style.newline}{indent}{line}{end}"))

    # --- comments ---------------------------------------------------------------------------------------------------

    def _write_comments(self, spelled: Sequence[tuple[Slot, str]]) -> None:
        stated: dict[int, list[tuple[Slot, Stated]]] = defaultdict(list)
        hosts: dict[int, tuple[Node, Function | None]] = {}
        for slot, text in spelled:
            if slot.written is not None:
                self.edits.append(Edit(slot.written, text))
                continue
            try:
                host, function, one = self._state(slot, text)
            except Unplaceable as reason:
                self.refused.append(Refused(slot, str(reason)))
                continue
            stated[host.start_byte].append((slot, one))
            hosts[host.start_byte] = host, function
        for start, group in stated.items():
            host, function = hosts[start]
            ordered = sorted(group, key=lambda pair: (pair[1].tag != "param", pair[1].position))
            parameters = [parameter.name for parameter in function.parameters] if function is not None else []
            try:
                place = Place.of(self.module.file, host)
                self.edits += edits_of(place, [one for _, one in ordered], parameters)
            except Unplaceable as reason:
                self.refused += [Refused(slot, str(reason)) for slot, _ in ordered]

    def _state(self, slot: Slot, text: str) -> tuple[Node, Function | None, Stated]:
        """The node whose comment states the type, the function that it is of, and the tag."""
        node = self._node_at(slot.span)
        if node is None:
            raise Unplaceable("the place is not to be found")
        if slot.id.kind is SlotKind.RETURN:
            function = self.result_of[slot.id]
            return self._host_of(function), function, Stated("returns", text)
        if slot.id.kind is SlotKind.PARAMETER:
            function, parameter = self.parameter_of[slot.id]
            return self._host_of(function), function, self._parameter(function, parameter, text)
        if slot.id.kind is SlotKind.ATTRIBUTE and self._is_assigned(slot):
            statement = _assignment_statement(node)
            if statement is None:
                raise Unplaceable("the assignment is part of a larger expression")
            return statement, None, Stated("type", text)
        declared = node.parent
        if declared is None:
            raise Unplaceable("the place is not to be found")
        value = declared.child_by_field_name("value")
        if value is not None and _holds_function(value):
            raise Unplaceable("its function's comment says what it is")
        return (
            (_statement_of(declared) if declared.type == "variable_declarator" else declared),
            None,
            Stated("type", text),
        )

    def _parameter(self, function: Function, parameter: Parameter, text: str) -> Stated:
        position = function.parameters.index(parameter)
        nameless = (
            parameter.name.startswith("__") and parameter.slot is not None and not self._is_identifier(parameter.slot)
        )
        name = _free_name(function, position) if nameless else parameter.name
        if parameter.kind is ParameterKind.VARIADIC:
            return Stated("param", f"...{text}", name, position, nameless)
        # Not `[name]` where it has a default: the compiler would add `undefined` to its type.
        return Stated("param", text, name, position, nameless)

    def _is_identifier(self, slot: Slot) -> bool:
        node = self._node_at(slot.span)
        return node is not None and node.type == "identifier"

    def _host_of(self, function: Function) -> Node:
        """The node before which the compiler looks for the comment of a function."""
        node = self._function_node(function)
        if node is None:
            raise Unplaceable("the place is not to be found")
        if node.type == "method_definition":
            return node
        if node.type in ("function_declaration", "generator_function_declaration"):
            return _exported(node)
        parent = node.parent
        match parent.type if parent is not None else "":
            case "variable_declarator" if parent is not None:
                held = parent.parent
                if held is not None and held.named_children[:1] == [parent]:
                    return _exported(held)
                raise Unplaceable(
                    "the compiler reads no comment for a function that is declared behind another variable"
                )
            case "assignment_expression" if parent is not None:
                statement = parent.parent
                if statement is not None and statement.type == "expression_statement":
                    return statement
            case "pair" | "public_field_definition" | "export_statement" if parent is not None:
                return parent
        raise Unplaceable("a function without a name of its own has no comment of its own")

    def _function_node(self, function: Function) -> Node | None:
        here = self.root.descendant_for_byte_range(function.header.start, function.body.end)
        while here is not None and here.child_by_field_name("body") is None:
            here = here.parent
        return here


def _ends_consequence(arrow: Node, header_end: int) -> bool:
    """Whether `a ? (b) => c : d` is what an arrow function stands in, `header_end` being the end of its parameters."""
    listed = arrow.child_by_field_name("parameters") or arrow.child_by_field_name("parameter")
    if listed is None or listed.end_byte != header_end:
        return False
    here, parent = arrow, arrow.parent
    while parent is not None and parent.end_byte == here.end_byte:
        here, parent = parent, parent.parent
    return (
        parent is not None and parent.type == "ternary_expression" and parent.child_by_field_name("consequence") == here
    )


def _exported(node: Node) -> Node:
    return node.parent if node.parent is not None and node.parent.type == "export_statement" else node


def _statement_of(declarator: Node) -> Node:
    """A declaration by its statement, where it is the first of it, else by itself."""
    held = declarator.parent
    return _exported(held) if held is not None and held.named_children[:1] == [declarator] else declarator


def _assignment_statement(name: Node) -> Node | None:
    member = name.parent
    assignment = member.parent if member is not None else None
    statement = assignment.parent if assignment is not None else None
    if assignment is None or statement is None or statement.type != "expression_statement":
        return None
    right = assignment.child_by_field_name("right")
    if right is not None and _holds_function(right):
        raise Unplaceable("its function's comment says what it is")
    return statement


def _holds_function(value: Node) -> bool:
    return value.type in ("arrow_function", "function_expression", "generator_function", "class")


def _free_name(function: Function, position: int) -> str:
    """A name for a parameter that has none."""
    taken = {parameter.name for parameter in function.parameters}
    unnamed = sum(parameter.name.startswith("__") for parameter in function.parameters)
    return "options" if unnamed == 1 and "options" not in taken else f"param{position}"


def _class_around(node: Node | None) -> tuple[Node | None, bool]:
    """The body of the class that `this` means at a node, and whether it means the class itself there."""
    static = False
    while node is not None and node.type != "class_body":
        if node.type in ("method_definition", "public_field_definition"):
            static = any(child.type == "static" for child in node.children)
        static = static or node.type == "class_static_block"
        node = node.parent
    return node, static


def _member_names(body: Node) -> set[str]:
    """Every name that a class gives a member, a constructor's parameter properties included."""
    names: set[str] = set()
    for member in body.named_children:
        name = member.child_by_field_name("name")
        if name is not None:
            names.add((name.text or b"").decode().strip("\"'"))
        if name is not None and name.text == b"constructor":
            listed = member.child_by_field_name("parameters")
            for child in listed.named_children if listed is not None else ():
                pattern = child.child_by_field_name("pattern")
                marks = {part.type for part in child.children}
                if pattern is not None and marks & {"accessibility_modifier", "readonly", "override_modifier"}:
                    names.add((pattern.text or b"").decode())
    return names
