"""Settings: what a pyproject.toml says, and what it is told when it says it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from typeinfer.config import ConfigError, Settings, load_settings
from typeinfer.values.slots import SlotKind


def settings_of(folder: Path, text: str) -> Settings:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return load_settings(folder, folder)


def test_every_key(tmp_path: Path) -> None:
    text = """
    [tool.typeinfer]
    kinds = ["parameter", "return"]
    min-confidence = 0.75
    target-version = "3.8"
    exclude = ["tests/data/", "*_pb2.py"]
    jobs = 3
    replace-any = true
    checker = false
    packages = false
    js = "rename"
    """
    assert settings_of(tmp_path, text) == Settings(
        folder=tmp_path,
        kinds=frozenset({SlotKind.PARAMETER, SlotKind.RETURN}),
        min_confidence=0.75,
        target_version=(3, 8),
        exclude=("tests/data/", "*_pb2.py"),
        jobs=3,
        replace_any=True,
        checker=False,
        packages=False,
        rename=True,
    )


COMPLAINTS = {
    'kinds = ["foo"]': 'kinds = ["foo"]: no such kind; there are: parameter, return, attribute, variable',
    "kinds = []": "kinds = []: names no kind; there are: parameter, return, attribute, variable",
    'kinds = "parameter"': 'kinds = "parameter": must be a list of strings',
    "kinds = [1]": "kinds = [1]: must be a list of strings",
    "min-confidence = 1.5": "min-confidence = 1.5: must be a probability from 0 to 1",
    "min-confidence = nan": "min-confidence = nan: must be a probability from 0 to 1",
    'min-confidence = "high"': 'min-confidence = "high": must be a number',
    "min-confidence = true": "min-confidence = true: must be a number",
    "max-error = 1": "max-error = 1: must be a share of what is written, such as 0.05",
    "max-error = 0.05\nmin-confidence = 0.9": "max-error: can't be kept beside min-confidence; leave one of them out",
    'model = "tinny"': 'model = "tinny": no such folder; name one that holds a model, or none',
    'target-version = "2.7"': 'target-version = "2.7": must be a version from 3.6 to 3.14, such as 3.10',
    'target-version = "py310"': "must be a version from 3.6 to 3.14, such as 3.10",
    "target-version = 3.10": "target-version = 3.1: must be a string",
    "jobs = 0": "jobs = 0: must be 1 or more",
    "jobs = 1.5": "jobs = 1.5: must be a whole number",
    "jobs = true": "jobs = true: must be a whole number",
    'js = "typescript"': 'js = "typescript": must be one of: jsdoc, rename',
    "replace-any = 1": "replace-any = 1: must be true or false",
    "min-confidense = 0.5": "[tool.typeinfer] min-confidense: no such key; did you mean min-confidence?",
    "min_confidence = 0.5": "[tool.typeinfer] min_confidence: no such key; did you mean min-confidence?",
    "zebra = 1": "no such key; there are: kinds, min-confidence, max-error, model, device, "
    "target-version, exclude, jobs, replace-any, checker, packages, check-budget, require-check, uncovered, js",
    'checker = "pylint"': "no such checker; there are: pyrefly, ty, basedpyright, pyright, mypy, tsc",
    'device = "tpu"': "must be one of: cpu, cuda, auto",
    "checker = 1": "must be true or false",
    'uncovered = "blame"': "must be one of: keep, withhold",
    "packages = 1": "packages = 1: must be true or false",
    "check-budget = 1": "must be 2 or more: one check before and one after",
}


@pytest.mark.parametrize("line", COMPLAINTS)
def test_a_complaint_names_file_key_and_what_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as complaint:
        settings_of(tmp_path, f"[tool.typeinfer]\n{line}\n")
    message = str(complaint.value)
    assert message.startswith("pyproject.toml [tool.typeinfer] ")
    assert message.endswith(COMPLAINTS[line])
    assert "\n" not in message


@pytest.mark.parametrize(
    "content",
    [b"[tool.typeinfer\n", b"a = 1\na = 2\n", b"\xff\xfe", b"a = " + b"[" * 100_000, b"tool.typeinfer = 3\n"],
)
def test_a_broken_file_gets_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(ConfigError) as complaint:
        load_settings(tmp_path, tmp_path)
    assert "pyproject.toml" in str(complaint.value) and "\n" not in str(complaint.value)


@pytest.mark.parametrize(
    ("required", "version"),
    [
        (">=3.10", (3, 10)),
        (">=3.8.1,<4", (3, 8)),
        ("~=3.9", (3, 9)),
        ("==3.11.*", (3, 11)),
        (">3.9, !=3.10.*", (3, 9)),
        ("<4", (3, 6)),
        (">=3.4", (3, 6)),
    ],
)
def test_the_oldest_version_that_requires_python_lets_in(
    tmp_path: Path, required: str, version: tuple[int, int]
) -> None:
    assert settings_of(tmp_path, f'[project]\nrequires-python = "{required}"\n').target_version == version


def test_a_set_target_version_wins(tmp_path: Path) -> None:
    text = '[project]\nrequires-python = ">=2.7"\n[tool.typeinfer]\ntarget-version = "3.12"\n'
    assert settings_of(tmp_path, text).target_version == (3, 12)


@pytest.mark.parametrize("required", ['">=2.7"', '"three"', '">=4"', "3"])
def test_a_requires_python_that_says_nothing_usable(tmp_path: Path, required: str) -> None:
    with pytest.raises(ConfigError, match=r"\[project\] requires-python = "):
        settings_of(tmp_path, f"[project]\nrequires-python = {required}\n")


def test_the_nearest_file_counts_and_none_above_the_root(tmp_path: Path) -> None:
    inner = tmp_path / "root" / "package"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.typeinfer]\njobs = 1\n")
    assert load_settings(inner, tmp_path / "root") == Settings(tmp_path / "root")
    (tmp_path / "root" / "pyproject.toml").write_text("[tool.typeinfer]\njobs = 2\n")
    assert load_settings(inner, tmp_path / "root").jobs == 2
    (inner / "pyproject.toml").write_text("[tool.typeinfer]\njobs = 3\n")
    assert load_settings(inner, tmp_path / "root").jobs == 3


def test_a_file_of_its_own_and_package_json_hold_settings_too(tmp_path: Path) -> None:
    inner = tmp_path / "app" / "src"
    inner.mkdir(parents=True)
    (tmp_path / "app" / "package.json").write_text('{"name": "app"}')
    (tmp_path / "package.json").write_text('{"typeinfer": {"jobs": 2, "js": "rename"}}')
    assert load_settings(inner, tmp_path) == Settings(tmp_path, jobs=2, rename=True)
    (tmp_path / "typeinfer.toml").write_text("jobs = 3\n")
    assert load_settings(inner, tmp_path) == Settings(tmp_path, jobs=3)


def test_a_complaint_about_package_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package.json").write_text('{"typeinfer": {"jobs": 0}}')
    with pytest.raises(ConfigError, match=r'^package.json "typeinfer" jobs = 0: must be 1 or more$'):
        load_settings(tmp_path, tmp_path)
    (tmp_path / "package.json").write_text("{")
    assert load_settings(tmp_path, tmp_path) == Settings(tmp_path)
