"""Fixtures: a function in; what pytest and `unittest.mock` hand to its parameters, and to whom they hand what it gives, out.

Source: "How to use fixtures", "How to parametrize" and "API Reference: fixtures", pytest 9, and the like of its plugins;
"unittest.mock: patch". Knows one file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from typeinfer.languages.python.expressions import PATH, STR
from typeinfer.languages.python.runtime import is_patch, last_name
from typeinfer.values.handed import Handed
from typeinfer.values.module import Argument, Attribute, Call, Constant, Display, Function, Module, Value
from typeinfer.values.source import SourceFile
from typeinfer.values.typeexpr import Named, TypeExpr

OF_LIBRARIES: Mapping[str, TypeExpr] = {
    **{name: Named("pytest.CaptureFixture", (STR,)) for name in ("capsys", "capfd", "capteesys")},
    **{name: Named("pytest.CaptureFixture", (Named("bytes"),)) for name in ("capsysbinary", "capfdbinary")},
    "cache": Named("pytest.Cache"),
    "caplog": Named("pytest.LogCaptureFixture"),
    "monkeypatch": Named("pytest.MonkeyPatch"),
    "pytestconfig": Named("pytest.Config"),
    "pytester": Named("pytest.Pytester"),
    "recwarn": Named("pytest.WarningsRecorder"),
    "request": Named("pytest.FixtureRequest"),
    "tmp_path": PATH,
    "tmp_path_factory": Named("pytest.TempPathFactory"),
    # Of plugins whose fixtures no other has, by name.
    **{
        f"{scope}mocker": Named("pytest_mock.MockerFixture")
        for scope in ("", "class_", "module_", "package_", "session_")
    },
    "benchmark": Named("pytest_benchmark.fixture.BenchmarkFixture"),
    "faker": Named("faker.Faker"),
    "httpx_mock": Named("pytest_httpx.HTTPXMock"),
    "requests_mock": Named("requests_mock.Mocker"),
    "respx_mock": Named("respx.MockRouter"),
}
"""What a test gets by a name under which the project offers nothing."""

CLASSES = frozenset(term.name for term in OF_LIBRARIES.values() if isinstance(term, Named))
"""What tests have at hand, whatever they import."""

MOCK = Named("unittest.mock.MagicMock")


def handed(module: Module, function: Function) -> Handed | None:
    """None for a function that is no test and no fixture."""
    is_test = function.name.startswith("test") and _holds_tests(PurePosixPath(module.file.path))
    if not is_test and _fixture(function) is None:
        return None
    owner = module.class_at.get(function.owner or "")
    # What has a default is not looked up.
    taken = [one.name for one in function.parameters if one.slot is not None and one.default is None]
    values = {
        name: given
        for decorator in (*function.decorators, *(owner.decorators if owner else ()))
        for name, given in _parametrized(module.file, decorator)
    }
    mocks = sum(_is_mocked(decorator) for decorator in function.decorators)
    asked = [name for name in taken[mocks:] if name not in values]
    fixed = {name: OF_LIBRARIES[name] for name in asked if name in OF_LIBRARIES}
    return Handed(values, fixed | dict.fromkeys(taken[:mocks], MOCK), frozenset(asked))


def offered_as(module: Module, function: Function) -> str | None:
    """None for a function that is no fixture."""
    found = _fixture(function)
    if found is None:
        return None
    named = next((one.value for one in _arguments(found) if one.name == "name"), None)
    return function.name if named is None else _text(module.file, named) or None


def offering(path: str) -> tuple[str, ...]:
    place = PurePosixPath(path)
    above = [(folder / "conftest.py").as_posix() for folder in place.parents] if _holds_tests(place) else []
    return tuple(other for other in above if other != path)


def _holds_tests(place: PurePosixPath) -> bool:
    # Django's are in `tests.py`.
    return place.stem in ("conftest", "tests") or place.stem.startswith("test_") or place.stem.endswith("_test")


def _fixture(function: Function) -> Value | None:
    return next((one for one in function.decorators if last_name(one) in ("fixture", "yield_fixture")), None)


def _arguments(decorator: Value) -> Sequence[Argument]:
    return decorator.arguments if isinstance(decorator, Call) else ()


def _parametrized(file: SourceFile, decorator: Value) -> Iterator[tuple[str, Sequence[Value]]]:
    """The parameters that `pytest.mark.parametrize` names, each with the values that are written for it."""
    if last_name(decorator) != "parametrize":
        return
    by_place = [one.value for one in _arguments(decorator) if one.name is None]
    by_name = {one.name: one.value for one in _arguments(decorator)}
    named, rows = (by_name.get(name) for name in ("argnames", "argvalues"))
    named, rows = by_place[0] if by_place else named, by_place[1] if len(by_place) > 1 else rows
    # Indirect ones go to the fixtures of these names, which make something else of them.
    if named is None or "indirect" in by_name:
        return
    is_one, names = _names(file, named)
    columns: list[list[Value]] = [[] for _ in names]
    for row in _parts(rows):
        if isinstance(row, Call) and last_name(row) == "param":
            cells = [one.value for one in row.arguments if one.name is None]
        else:
            cells = [row] if is_one else list(_parts(row))
        if len(cells) == len(names):
            for column, cell in zip(columns, cells, strict=True):
                column.append(cell)
    yield from zip(names, columns, strict=True)


def _names(file: SourceFile, value: Value) -> tuple[bool, list[str]]:
    """The names of `"a, b"` or `["a", "b"]`, and whether each row is the value of one."""
    if isinstance(value, Display):
        return False, [_text(file, part) for part in _parts(value)]
    names = [name for part in _text(file, value).split(",") if (name := part.strip())]
    return len(names) == 1, names


def _parts(value: Value | None) -> Sequence[Value]:
    """The elements of a list, or of a tuple, of which each has a type of its own."""
    if not isinstance(value, Display) or value.constructor not in ("list", "tuple"):
        return ()
    return [part for parts in value.parts for part in parts]


def _text(file: SourceFile, value: Value) -> str:
    """What a string says that is written out; nothing for anything else."""
    if not isinstance(value, Constant) or value.type != STR:
        return ""
    try:
        said = ast.literal_eval(file.at(value.span))
    except (SyntaxError, ValueError):
        return ""
    return said if isinstance(said, str) else ""


def _is_mocked(decorator: Value) -> bool:
    """Whether a decorator hands over a mock: `patch` does, unless it is told what to put in the place, `patch.dict` never."""
    if not isinstance(decorator, Call):
        return False
    callee = decorator.callee
    on_object = isinstance(callee, Attribute) and callee.name == "object"
    patch = callee.base if isinstance(callee, Attribute) and on_object else callee
    by_place = sum(one.name is None for one in decorator.arguments)
    told = by_place > 1 + on_object or any(one.name in ("new", "new_callable") for one in decorator.arguments)
    return is_patch(patch) and not told
