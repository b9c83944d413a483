"""Arguments: the calls of a project in; which function each reaches, and which argument which parameter, out.

Only what is certain. Knows no language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from typeinfer.program.project import Project
from typeinfer.values.module import Argument, Attribute, CallSite, Function, Module, Parameter, ParameterKind
from typeinfer.values.source import Span

_BY_POSITION = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL)
_BY_NAME = (ParameterKind.POSITIONAL, ParameterKind.KEYWORD_ONLY)


Reached: TypeAlias = "Mapping[tuple[str, Span], tuple[Module, Function]]"
"""By path and span of a call the function of the project that it reaches; a class's call reaches its constructor."""


def reached(project: Project) -> Reached:
    found: dict[tuple[str, Span], tuple[Module, Function]] = {}
    for module in project.modules.values():
        for qualname, function in module.function_at.items():
            for caller, site in project.callers(f"{module.name}.{qualname}"):
                found[caller.file.path, site.call.span] = (module, function)
    return found


def bind(project: Project, caller: Module, site: CallSite, function: Function) -> Iterator[tuple[Argument, Parameter]]:
    """Each argument of a call whose parameter is certain, in the order of the call."""
    receiver_passed = not _through_class(project, caller, site) or bool(function.decorators)
    taken = [parameter for parameter in function.parameters if parameter.slot is not None or not receiver_passed]
    positional = iter([parameter for parameter in taken if parameter.kind in _BY_POSITION])
    named = {parameter.name: parameter for parameter in taken if parameter.kind in _BY_NAME}
    rest = {parameter.kind: parameter for parameter in taken}
    countable = True
    for argument in site.call.arguments:
        if argument.name is None and countable:
            parameter = next(positional, None) or rest.get(ParameterKind.VARIADIC)
        elif argument.name is None or argument.name.startswith("*"):
            # `f(*rest, last)`: how many parameters `rest` fills is unknown, so no later position is certain.
            countable = countable and argument.name != "*"
            parameter = None
        else:
            parameter = named.get(argument.name) or rest.get(ParameterKind.KEYWORDS)
        if parameter is not None:
            yield argument, parameter


def _through_class(project: Project, caller: Module, site: CallSite) -> bool:
    """Whether a method is called as an attribute of its class: `Cart.add(cart, 3)`.

    It gets its receiver as the first argument then, unless it is decorated: a decorator has made it one that needs no
    object (`@classmethod`). `Cart.Item(3)` is no such call: it makes an object.
    """
    callee = site.call.callee
    if not isinstance(callee, Attribute):
        return False
    holder = project.resolve(caller, site.scope, callee.base)
    if holder is None or project.declared_class(holder) is None:
        return False
    whole = project.resolve(caller, site.scope, callee)
    return whole is None or project.declared_class(whole) is None
