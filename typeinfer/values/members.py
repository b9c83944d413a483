"""Members: what may stand behind a dot, or by itself where a name is read, how likely each is, and what that rests on."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from typeinfer.values.patches import Edit


class MemberKind(Enum):
    CALLABLE = "callable"
    CLASS = "class"
    MODULE = "module"
    VALUE = "value"
    PARAMETER = "parameter"
    """of the function that is called, by its name and the sign behind it: `width=`"""
    KEYWORD = "keyword"


class Member(Struct, frozen=True, array_like=True, gc=False):
    """Or a name in scope, or one that is to be imported from `source`. `declared`: as its language declares it, for the eye; empty
    where nobody told."""

    name: str
    kind: MemberKind
    declared: str = ""
    source: str = ""


class Suggestion(Struct, frozen=True, array_like=True, gc=False):
    """A member and how likely it is meant, of all that were offered with it. `of_type`: a type that the receiver may have has it,
    or it is in scope; else it is a name that is used."""

    member: Member
    probability: float
    of_type: bool
    edits: tuple[Edit, ...] = ()
    """What else has to be written for it: its import."""


class Ground(Enum):
    """What stands behind a list of members."""

    KNOWN = "known"
    """the checker knows the type"""
    PREDICTED = "predicted"
    """it knows it by annotations that would be written"""
    BELIEVED = "believed"
    """it knows it by the likeliest of several types"""
    GUESSED = "guessed"
    """nobody knows the type: names that are used"""


class Offer(Struct, frozen=True, array_like=True, gc=False):
    """`suggestions` add up to one before the shortest are left out; `begin` to `end` is what is there of the name. `receiver` is
    empty where no dot stands before it."""

    begin: int
    end: int
    typed: str
    receiver: str
    ground: Ground
    suggestions: tuple[Suggestion, ...]
