"""Imports point one way, what is heavy stays in its rooms, and no room but `languages` knows a language."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from typeinfer.languages import LANGUAGES

PACKAGE = Path(__file__).parents[2] / "typeinfer"
ROOMS = [
    "tracing",
    "values",
    "languages",
    "program",
    "model",
    "rewriting",
    "completion",
    "engine",
    "reading",
    "deciding",
    "disposing",
    "doubting",
    "remembering",
    "weights",
    "pipeline",
    "completing",
    "findings",
    "training",
]
ORDER = [*ROOMS, "evaluation", "config", "opening", "session", "report", "lsp", "cli", "cli_reference", "__main__"]
MAY_IMPORT = {
    "libcst": {"languages"},
    "tree_sitter": {"languages", "program", "completion", "training/dots.py"},
    "networkx": {"program", "evaluation"},
    "numpy": {"program", "model", "completion", "training", "evaluation"},
    "tokenizers": {"model", "completion", "training"},
    "safetensors": {"model", "training"},
    # What predicts runs without torch; what trains and predicts with it stands in files of its own.
    "torch": {
        "model/device.py",
        "model/network.py",
        "model/beams.py",
        "model/gpu.py",
        "training/loop.py",
        "training/meeting.py",
        "training/types.py",
        "training/decoder.py",
        "training/members.py",
    },
    "openvino": {"model/encoder.py"},
    "ray": {"engine"},
    "lsprotocol": {"lsp"},
    "pygls": {"lsp"},
}
# The judge reads with the language's own parser and not with ours.
KNOWS_A_LANGUAGE = {"languages", "evaluation"}
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or "."]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_keeps_its_place(path: Path) -> None:
    file = path.relative_to(PACKAGE).as_posix()
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module in imported(path):
        top, _, rest = module.partition(".")
        if top == "typeinfer" and rest:
            assert ORDER.index(rest.partition(".")[0]) <= ORDER.index(room), f"{room} comes before {module}"
        assert MAY_IMPORT.get(top, {room}) & {room, file}, f"{module} may not be imported in {file}"
    assert room in KNOWS_A_LANGUAGE or not names_a_language(path), "languages are told apart in languages/"


def names_a_language(path: Path) -> bool:
    """Whether a module outside the languages' own folders asks for one of them, by its name or by its folder."""
    if any(f"typeinfer.languages.{language.name}" in module for module in imported(path) for language in LANGUAGES):
        return True
    names = {language.name for language in LANGUAGES} | {suffix for one in LANGUAGES for suffix in one.suffixes}
    strings = (node.value for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Constant))
    return any(isinstance(value, str) and value in names for value in strings)
