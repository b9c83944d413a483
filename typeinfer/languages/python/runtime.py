"""Run time: what reads annotations while a Python program runs, told by decorators and base classes.

In: decorators and bases as values. Out: yes or no. An annotation there changes what the program does, so it is only ever
suggested.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from typeinfer.values.module import Attribute, Call, Name, Value

# Decorators that read the signature of what they decorate: dispatch on it, validate by it, inject or parse by it.
SIGNATURE_READERS = frozenset(
    (
        "register singledispatch singledispatchmethod validate_call validate_arguments validate command "
        "callback typechecked beartype inject provides get post put patch delete head options websocket route "
        "api_route trace tool task flow field_validator model_validator field_serializer strawberry resolver"
    ).split()
)

# Decorators that turn the annotated names of a class body into fields.
FIELD_DECORATORS = frozenset(
    ["dataclass", "dataclasses", "define", "frozen", "mutable", "attrs", "s", "attributes", "struct"]
)

FIELD_BASES = frozenset(
    (
        "NamedTuple TypedDict Protocol BaseModel BaseSettings RootModel SQLModel Struct Enum IntEnum StrEnum "
        "Flag IntFlag ReprEnum Structure Union BigEndianStructure LittleEndianStructure Model Schema "
        "DeclarativeBase Base GenericModel"
    ).split()
)


def last_name(value: Value) -> str:
    """The last component of a dotted name, whatever was called to make it: `functools.wraps(f)` -> `wraps`."""
    while isinstance(value, Call):
        value = value.callee
    if isinstance(value, Attribute | Name):
        return value.name
    return ""


def is_static(decorators: Sequence[Value]) -> bool:
    """Whether a function in a class body takes no receiver. `__new__` and friends take one without saying so."""
    return any(last_name(decorator) == "staticmethod" for decorator in decorators)


def is_overload(decorators: Sequence[Value]) -> bool:
    return any(last_name(decorator) == "overload" for decorator in decorators)


def is_property(decorators: Sequence[Value]) -> bool:
    return any(last_name(decorator) in ("property", "cached_property", "abstractproperty") for decorator in decorators)


def reads_signature(decorators: Sequence[Value]) -> bool:
    return any(last_name(decorator) in SIGNATURE_READERS and not is_patch(decorator) for decorator in decorators)


def is_patch(decorator: Value) -> bool:
    """Whether it is `unittest.mock.patch`, and no route that `@app.patch("/cart")` registers."""
    callee = decorator.callee if isinstance(decorator, Call) else decorator
    if isinstance(callee, Attribute):
        return callee.name == "patch" and last_name(callee.base) == "mock"
    return isinstance(callee, Name) and callee.name == "patch"


def makes_fields(decorators: Sequence[Value], bases: Iterable[Value]) -> bool:
    """Whether the class body's own names have meaning beyond being attributes."""
    decorated = any(last_name(decorator) in FIELD_DECORATORS for decorator in decorators)
    return decorated or any(last_name(base) in FIELD_BASES for base in bases)


def is_setter(name: str, decorators: Iterable[Value]) -> bool:
    """Whether the method of this name is decorated by the setter of the property of the same name."""
    return any(
        isinstance(decorator, Attribute)
        and decorator.name == "setter"
        and isinstance(decorator.base, Name)
        and decorator.base.name == name
        for decorator in decorators
    )
