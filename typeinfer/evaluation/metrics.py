"""Metrics: the ground truth and what a tool wrote in, by slot; the figures of evaluation.md out.

Works on the text of annotations with a normal form of its own, so that it can't share a bug with the types it judges.
Knows no tool, no file and no project but by `origins`.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TypeVar

import numpy as np

from typeinfer.evaluation.written import last_name
from typeinfer.values.slots import SlotId

K = TypeVar("K", bound=Hashable)

SPELLINGS: Mapping[str, str] = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Tuple": "tuple",
    "Type": "type",
    "Deque": "deque",
    "DefaultDict": "defaultdict",
    "Text": "str",
    "ContextManager": "AbstractContextManager",
    "AsyncContextManager": "AbstractAsyncContextManager",
    "NoneType": "None",
}
"""Second spellings of one type. `collections.abc.Set` reads as `set` too: its last component tells no difference."""


# --- normal form ----------------------------------------------------------------------------------------------------


def normal_form(annotation: str) -> str:
    """The spelling that two equal annotations share; text that is no expression stays as it is, less its blanks.

    `Optional["t.List[a.B]"]` -> `None | list[B]`. Members of a union are sorted; a literal of two values is
    a union of two.
    """
    return " | ".join(members(annotation))


def base_form(annotation: str) -> str:
    """The outermost constructor, of a union those of its members: `dict[str, int] | None` -> `None | dict`."""
    return " | ".join(sorted({member.partition("[")[0] for member in members(annotation)}))


def is_generic(annotation: str) -> bool:
    """Whether a constructor has arguments. `int | None` is simple."""
    return any("[" in member for member in members(annotation))


def members(annotation: str) -> list[str]:
    """The alternatives of an annotation in normal form, sorted; of no union the one."""
    tree = _parsed(annotation)
    return sorted(_members(tree)) if tree is not None else ["".join(annotation.split())]


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(f"({text.strip()}\n)", mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _members(node: ast.expr) -> set[str]:
    match node:
        case ast.Constant(value=str(text)):
            quoted = _parsed(text)
            return _members(quoted) if quoted is not None else {"".join(text.split())}
        case ast.Constant(value=None):
            return {"None"}
        case ast.Constant(value=value) if value is Ellipsis:
            return {"..."}
        case ast.Name() | ast.Attribute():
            name = last_name(node)
            return {SPELLINGS.get(name, name)}
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _members(left) | _members(right)
        case ast.Subscript(value=head, slice=inside):
            name = last_name(head)
            parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            if name == "Optional":
                return _members(inside) | {"None"}
            if name == "Union":
                return set().union(*map(_members, parts))
            if name == "Literal":
                return {"None" if _is_none(part) else f"Literal[{ast.unparse(part)}]" for part in parts}
            if name == "Annotated":
                return {f"Annotated[{', '.join([_form(parts[0]), *map(ast.unparse, parts[1:])])}]"}
            return {f"{SPELLINGS.get(name, name)}[{', '.join(map(_form, parts))}]"}
        case ast.List(elts=parts):
            return {f"[{', '.join(map(_form, parts))}]"}
        case ast.Starred(value=value):
            return {f"Unpack[{_form(value)}]"}
    return {ast.unparse(node)}


def _form(node: ast.expr) -> str:
    return " | ".join(sorted(_members(node)))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


# --- counting -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    """Counts over slots of the ground truth; no other slot is judged. The figures are shares from 0 to 1."""

    slots: int = 0
    annotated: int = 0
    exact: int = 0
    base: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.slots + other.slots,
            self.annotated + other.annotated,
            self.exact + other.exact,
            self.base + other.base,
        )

    @property
    def coverage(self) -> float:
        return self.annotated / self.slots if self.slots else 0.0

    @property
    def precision(self) -> float:
        return self.exact / self.annotated if self.annotated else 0.0

    @property
    def recall(self) -> float:
        return self.exact / self.slots if self.slots else 0.0

    @property
    def base_precision(self) -> float:
        return self.base / self.annotated if self.annotated else 0.0


def score(truth: Mapping[SlotId, str], written: Mapping[SlotId, str]) -> Score:
    return sum(score_by(truth, written, lambda slot: None).values(), Score())


def score_by(truth: Mapping[SlotId, str], written: Mapping[SlotId, str], key: Callable[[SlotId], K]) -> dict[K, Score]:
    """The scores of the slots that `key` puts together."""
    scores: dict[K, Score] = {}
    for slot, expected in truth.items():
        actual = written.get(slot)
        one = Score(
            slots=1,
            annotated=int(actual is not None),
            exact=int(actual is not None and normal_form(actual) == normal_form(expected)),
            base=int(actual is not None and base_form(actual) == base_form(expected)),
        )
        group = key(slot)
        scores[group] = scores.get(group, Score()) + one
    return scores


# --- classes of types -----------------------------------------------------------------------------------------------


class Origin(Enum):
    """Where the names of a type come from; a type counts by its farthest name, the last of this list."""

    BUILTIN = "builtin"
    LIBRARY = "standard library"
    THIRD_PARTY = "third party"
    PROJECT = "project-defined"


FORMS = frozenset(
    {"Any", "Union", "Optional", "Literal", "Annotated", "ClassVar", "Final", "None", "Unpack", *SPELLINGS}
)
"""Names of the typing module that are the language's own: `List` is a builtin type in another spelling."""


def origins(files: Mapping[str, bytes], truth: Mapping[SlotId, str]) -> dict[SlotId, Origin]:
    """The class of every ground truth type, by what its names mean in the annotated files."""
    packages = {path.split("/")[0].removesuffix(".py") for path in files}
    bound = {path: _bound_origins(files[path], packages) for path in {slot.path for slot in truth}}
    return {slot: _origin(written, bound[slot.path]) for slot, written in truth.items()}


def _bound_origins(raw: bytes, packages: set[str]) -> dict[str, Origin]:
    """What each name of a file stands for. What is neither imported nor a builtin was defined in the file."""
    found: dict[str, Origin] = {}
    for node in ast.walk(ast.parse(raw)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = _module_origin(alias.name, packages)
        elif isinstance(node, ast.ImportFrom):
            origin = Origin.PROJECT if node.level else _module_origin(node.module or "", packages)
            for alias in node.names:
                is_form = origin is not Origin.PROJECT and alias.name in FORMS
                found[alias.asname or alias.name] = Origin.BUILTIN if is_form else origin
        elif isinstance(node, ast.ClassDef):
            found.setdefault(node.name, Origin.PROJECT)
    return found


def _module_origin(module: str, packages: set[str]) -> Origin:
    top = module.split(".")[0]
    if top in packages:
        return Origin.PROJECT
    # `typing_extensions` and `_typeshed` hold what the library's own `typing` will or does.
    if top in sys.stdlib_module_names or top in ("typing_extensions", "_typeshed"):
        return Origin.LIBRARY
    return Origin.THIRD_PARTY


def _origin(written: str, bound: Mapping[str, Origin]) -> Origin:
    order = list(Origin)
    found = [Origin.BUILTIN]

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            inner = _parsed(node.value)
            if inner is not None:
                visit(inner)
        elif isinstance(node, ast.Name | ast.Attribute):
            root: ast.expr = node
            while isinstance(root, ast.Attribute):
                root = root.value
            name = root.id if isinstance(root, ast.Name) else ""
            known = bound.get(name) or (Origin.BUILTIN if hasattr(builtins, name) else Origin.PROJECT)
            is_form = isinstance(node, ast.Attribute) and known is Origin.LIBRARY and node.attr in FORMS
            found.append(Origin.BUILTIN if is_form else known)
        elif isinstance(node, ast.Subscript) and last_name(node.value) == "Literal":
            return
        else:
            for child in ast.iter_child_nodes(node):
                visit(child)

    tree = _parsed(written)
    if tree is not None:
        visit(tree)
    return max(found, key=order.index)


# --- probabilities --------------------------------------------------------------------------------------------------
# n predictions, each with a probability and whether it was right


def calibration_error(probabilities: Sequence[float], correct: Sequence[bool], bins: int = 15) -> float:
    """Expected calibration error with bins of equal mass (Nguyen and O'Connor 2015): mean |confidence - accuracy|."""
    p, right = np.asarray(probabilities, float), np.asarray(correct, float)  # [n]
    if not p.size:
        return 0.0
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if part.size]
    return float(sum(part.size * abs(p[part].mean() - right[part].mean()) for part in parts) / p.size)


def brier_score(probabilities: Sequence[float], correct: Sequence[bool]) -> float:
    """The mean squared distance of the probability from what happened (Brier 1950)."""
    p, right = np.asarray(probabilities, float), np.asarray(correct, float)  # [n]
    return float(np.mean((p - right) ** 2)) if p.size else 0.0


def risk_coverage(probabilities: Sequence[float], correct: Sequence[bool], slots: int) -> list[tuple[float, float]]:
    """Points (coverage, risk) as the threshold falls, one a distinct probability: equal ones are accepted together.

    Coverage is over `slots`, those without a prediction included (El-Yaniv and Wiener 2010).
    """
    p, right = np.asarray(probabilities, float), np.asarray(correct, float)  # [n]
    if not p.size:
        return []
    order = np.argsort(-p, kind="stable")
    taken = np.arange(1, p.size + 1)
    risks = 1 - np.cumsum(right[order]) / taken
    last_of_its_value = np.append(np.diff(p[order]) != 0, True)
    return [(float(n / slots), float(risk)) for n, risk in zip(taken, risks, strict=True) if last_of_its_value[n - 1]]


def area_under_risk(curve: Sequence[tuple[float, float]]) -> float:
    """The area under a risk-coverage curve from its first point on, by trapezoids."""
    pairs = pairwise(curve)
    return sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairs)


def coverage_at(precision: float, curve: Sequence[tuple[float, float]]) -> float:
    """The largest coverage at which the share of right predictions is still `precision`."""
    # 1 - 0.95 is a little more than 0.05 in binary: a curve that just reaches it counts.
    return max((coverage for coverage, risk in curve if risk <= 1 - precision + 1e-9), default=0.0)
