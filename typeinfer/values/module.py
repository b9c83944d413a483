"""Module: everything that reading one file tells, as plain facts. Broken code gives fewer facts, never an exception.

Knows no language: what a literal's type is, or that a generator wraps its result, has been said by the reader.
Qualified names inside a module are dotted from its top (`Cart.add`); `""` is the module itself. A function nested in
another is `outer.inner`.

Facts are msgspec structs: as frozen as dataclasses, an order of magnitude cheaper to make (a standard library holds
half a million of them), and the cache stores them without pickle.
"""

from __future__ import annotations

from enum import Enum
from functools import cached_property
from typing import TypeAlias

from msgspec import Struct

from typeinfer.values.slots import Slot, SlotId
from typeinfer.values.source import SourceFile, Span
from typeinfer.values.typeexpr import TypeExpr

# --- expressions, as far as rules need to see into them -------------------------------------------------------------


class Constant(Struct, frozen=True, tag=True, tag_field="node", array_like=True, gc=False):
    """An expression whose type its own form gives away. `form` names why: literal, none, f-string, comparison, ..."""

    type: TypeExpr
    form: str
    span: Span


class Name(Struct, frozen=True, tag=True, tag_field="node", array_like=True, gc=False):
    name: str
    span: Span


class Attribute(Struct, frozen=True, tag=True, tag_field="node", array_like=True):
    base: Value
    name: str
    span: Span


class Argument(Struct, frozen=True, array_like=True):
    """`name` is the keyword, or `*` / `**` for an unpacked one, or None by position."""

    name: str | None
    value: Value


class Call(Struct, frozen=True, tag=True, tag_field="node", array_like=True):
    callee: Value
    arguments: tuple[Argument, ...]
    span: Span


class Display(Struct, frozen=True, tag=True, tag_field="node", array_like=True):
    """A list, set, dict or tuple written out. `parts` holds the values of each type argument (dict: keys, values)."""

    constructor: str
    parts: tuple[tuple[Value, ...], ...]
    span: Span


class Choice(Struct, frozen=True, tag=True, tag_field="node", array_like=True):
    """One of several values: `a if c else b`, `a or b`."""

    options: tuple[Value, ...]
    span: Span


class Awaited(Struct, frozen=True, tag=True, tag_field="node", array_like=True):
    value: Value
    span: Span


class Opaque(Struct, frozen=True, tag=True, tag_field="node", array_like=True, gc=False):
    """An expression that no rule looks into."""

    span: Span


Value: TypeAlias = Constant | Name | Attribute | Call | Display | Choice | Awaited | Opaque

# --- declarations ---------------------------------------------------------------------------------------------------


class ParameterKind(Enum):
    POSITIONAL_ONLY = "positional-only"
    POSITIONAL = "positional"
    VARIADIC = "variadic"
    KEYWORD_ONLY = "keyword-only"
    KEYWORDS = "keywords"


class Parameter(Struct, frozen=True, array_like=True, gc=False):
    """`slot` is None for the receiver (`self`, `cls`). `optional`: marked as one that may be left out (`x?`), so its
    annotation does not repeat that it may be missing."""

    name: str
    kind: ParameterKind
    default: Value | None
    slot: Slot | None
    optional: bool = False


class Usage(Struct, frozen=True, array_like=True, gc=False):
    """One way the body uses a parameter: `form` is the operator or context, `other` the type across the operator.

    Forms: `operator +`, `compare`, `f-string`, `iterate`, `subscript`, `call`, `attribute NAME`, `test`, `isinstance`.
    """

    name: str
    form: str
    other: TypeExpr
    span: Span


class Function(Struct, frozen=True, array_like=True, gc=False):
    """`span` runs from the first decorator to the end of the body, `header` from `def` to the colon.

    `returns` holds the values of every `return` in the body proper (None for a bare one); `yields` likewise.
    `falls_through`: control can reach the end of the body. `body_is_stub`: only a docstring, `...`, `pass` or a raise.
    `overloaded`: an overload declaration without a body of its own.
    """

    qualname: str
    name: str
    span: Span
    header: Span
    body: Span
    name_span: Span
    decorators: tuple[Value, ...]
    parameters: tuple[Parameter, ...]
    returns: tuple[Value | None, ...]
    yields: tuple[Value | None, ...]
    result: Slot | None
    docstring: str | None
    usages: tuple[Usage, ...]
    owner: str | None
    """The qualified name of the class that this is a method of."""
    is_async: bool = False
    is_generator: bool = False
    falls_through: bool = True
    body_is_stub: bool = False
    overloaded: bool = False


class Class(Struct, frozen=True, array_like=True, gc=False):
    """A class, or whatever else declares a type by name: an interface, an enumeration, an alias.

    `keywords` are those of the class header (`metaclass=...`); `fields`: the class is made of its annotated fields.
    `bases` holds interfaces that are implemented too. `constructs`: calling it makes one of it. `required_arguments`: the
    type arguments without which its name is no type.
    """

    qualname: str
    name: str
    span: Span
    header: Span
    name_span: Span
    decorators: tuple[Value, ...]
    bases: tuple[Value, ...]
    keywords: tuple[Argument, ...]
    docstring: str | None
    type_parameters: tuple[str, ...] = ()
    fields: bool = False
    constructs: bool = True
    required_arguments: int = 0


class Assignment(Struct, frozen=True, array_like=True, gc=False):
    """A value bound to a slot (or, with `slot` None, to a name that has none). `scope` is the enclosing function or class."""

    scope: str
    name: str
    slot: Slot | None
    value: Value | None
    span: Span


class CallSite(Struct, frozen=True, array_like=True, gc=False):
    """A call and the innermost function or class it stands in."""

    scope: str
    call: Call


class ItemAssignment(Struct, frozen=True, array_like=True):
    """A value put under a key, `base[key] = value`, and the innermost function or class that this stands in."""

    scope: str
    base: Value
    key: Value
    value: Value


class Import(Struct, frozen=True, array_like=True, gc=False):
    """One name that an import binds. `module` is absolute where it can be told; `name` None for `import module`.

    `import a.b` binds `a` to the module `a` (`alias` "a", `module` "a.b", `name` None). `name` `*` is a star import.
    `passed_on`: the name is handed to whoever imports this module and bound to nothing here (`export { a } from "b"`).
    """

    alias: str
    module: str
    name: str | None
    span: Span
    scope: str
    type_only: bool = False
    passed_on: bool = False


class Module(Struct, frozen=True, array_like=True, dict=True):
    """What one file holds. `name` is its dotted import name within the project; `errors` are byte spans that did not parse.

    `exports`: the names that other files may import and what each is called here; None where that is every name.
    """

    file: SourceFile
    name: str
    is_package: bool
    functions: tuple[Function, ...] = ()
    classes: tuple[Class, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    calls: tuple[CallSite, ...] = ()
    imports: tuple[Import, ...] = ()
    slots: tuple[Slot, ...] = ()
    errors: tuple[Span, ...] = ()
    docstring: str | None = None
    exports: dict[str, str] | None = None
    item_assignments: tuple[ItemAssignment, ...] = ()

    @cached_property
    def function_at(self) -> dict[str, Function]:
        """Functions by qualified name; of several with one name the last, as at run time."""
        return {function.qualname: function for function in self.functions}

    @cached_property
    def function_of(self) -> dict[SlotId, Function]:
        """The function that a parameter or a result is of."""
        return {
            slot.id: function
            for function in self.functions
            for slot in (function.result, *(parameter.slot for parameter in function.parameters))
            if slot is not None
        }

    @cached_property
    def class_at(self) -> dict[str, Class]:
        return {declared.qualname: declared for declared in self.classes}
