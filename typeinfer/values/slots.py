"""Slots: the places of a program that can hold an annotation. Knows nothing of types."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from typeinfer.values.source import Span


class SlotKind(Enum):
    """What a slot annotates, in the field's own words."""

    PARAMETER = "parameter"
    RETURN = "return"
    ATTRIBUTE = "attribute"
    """Instance attributes and class variables; the slot sits at the first assignment."""
    VARIABLE = "variable"
    """Module variables and locals."""


class Place(Enum):
    """Where a slot stands, more finely than its kind tells: authors annotate what a class binds in its body (`ClassVar[str]`)
    otherwise than what its methods bind."""

    PARAMETER = "parameter"
    RETURN = "return"
    CLASS_ATTRIBUTE = "class attribute"
    INSTANCE_ATTRIBUTE = "instance attribute"
    """The annotation stands behind a receiver: `self.x: int = 1`."""
    GLOBAL = "global variable"
    LOCAL = "local variable"


class SlotId(Struct, frozen=True, array_like=True, gc=False):
    """Names a slot so that edits above it change nothing: the key of cache, editor and benchmark rows.

    `qualname` is the dotted name of the function (parameter, return, local), the class (attribute) or empty (module
    variable). `ordinal` counts slots that agree in all else, in source order from 0: overloads, setters, redefinitions.
    """

    path: str
    qualname: str
    kind: SlotKind
    name: str
    ordinal: int = 0

    def __str__(self) -> str:
        where = f"{self.qualname}.{self.name}" if self.qualname else self.name
        return f"{self.path}:{where} ({self.kind.value})"


class Slot(Struct, frozen=True, array_like=True, gc=False):
    """One place for an annotation.

    `span` is the name (for a return: the function's name); `insert_at` the byte where an annotation begins (behind the
    name, or behind the closing parenthesis); `written` the span of the annotation that is there, without colon or arrow.
    `runtime_visible`: something reads the annotation at run time (dataclass field, pydantic, click, singledispatch).
    `local`: a variable inside a function.
    """

    id: SlotId
    span: Span
    insert_at: int
    written: Span | None = None
    runtime_visible: bool = False
    local: bool = False

    @property
    def bare_span(self) -> Span:
        """The name alone: a slot at `self.x` is known to a checker by its `x`."""
        return Span(self.span.end - len(self.id.name.encode("utf-8")), self.span.end)

    @property
    def place(self) -> Place:
        match self.id.kind:
            case SlotKind.ATTRIBUTE:
                return Place.CLASS_ATTRIBUTE if self.span == self.bare_span else Place.INSTANCE_ATTRIBUTE
            case SlotKind.VARIABLE:
                return Place.LOCAL if self.local else Place.GLOBAL
            case SlotKind.PARAMETER:
                return Place.PARAMETER
            case SlotKind.RETURN:
                return Place.RETURN
