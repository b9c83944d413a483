"""Members: what may stand behind a dot, how likely each is, and what that rests on."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class MemberKind(Enum):
    CALLABLE = "callable"
    CLASS = "class"
    MODULE = "module"
    VALUE = "value"


class Member(Struct, frozen=True, array_like=True):
    """`declared`: as its language declares it, for the eye; empty where nobody told."""

    name: str
    kind: MemberKind
    declared: str = ""


class Suggestion(Struct, frozen=True, array_like=True):
    """A member and how likely it is meant, of all that were offered with it. `of_type`: a type that the receiver may have has it;
    else it is a name that is used."""

    member: Member
    probability: float
    of_type: bool


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


class Offer(Struct, frozen=True, array_like=True):
    """`suggestions` add up to one before the shortest are left out; `begin` to `end` is what is there of the name."""

    begin: int
    end: int
    typed: str
    receiver: str
    ground: Ground
    suggestions: tuple[Suggestion, ...]
