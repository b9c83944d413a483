"""What is shipped: the declared files, all and no others, and an installed typeinfer that works away from here."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
DATA = {"grammars": {".scm", ".lark", ".txt"}, "models": {".json", ".safetensors", ".svg", ".md"}}


def declared() -> dict[str, object]:
    settings: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    return settings


def sources() -> set[str]:
    """Every file of the tree that belongs into the package, by its name there."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "typeinfer", *DATA],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    inside = {name for name in listed if name.startswith("typeinfer/") and (ROOT / name).exists()}
    beside = {f"typeinfer/{name}" for name in listed if not name.startswith("typeinfer/") and (ROOT / name).exists()}
    return inside | beside


def test_every_folder_with_sources_is_declared() -> None:
    folders = {".".join(Path(name).parent.parts) for name in sources()}
    assert folders == set(declared()["packages"])  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel made from it."""
    work = tmp_path_factory.mktemp("build")
    tree = work / "tree"
    for name in ["pyproject.toml", "README.md", "LICENSE", "typeinfer", *DATA]:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif place.exists():
            tree.mkdir(exist_ok=True)
            shutil.copy(place, tree / name)
    subprocess.run([sys.executable, "-m", "build", "--outdir", work / "dist", tree], check=True, capture_output=True)
    return work / "dist"


@pytest.mark.slow
def test_the_wheel_holds_exactly_the_sources(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert shipped == sources()
    assert {Path(name).suffix for name in shipped if name.startswith("typeinfer/grammars/")} <= DATA["grammars"]


@pytest.mark.slow
def test_the_sdist_holds_what_the_wheel_is_made_from(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    made = {name for name in names if ".egg-info/" in name} | {"PKG-INFO", "setup.cfg"}
    from_tree = {name.removeprefix("typeinfer/") if name.split("/")[1] in DATA else name for name in sources()}
    assert names - made == from_tree | {"LICENSE", "README.md", "pyproject.toml"}


@pytest.mark.slow
def test_the_installed_package_reads_its_grammars_away_from_the_checkout(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "shop.py").write_text("def total(price):\n    return price * 2.0\n")
    done = subprocess.run(
        [sys.executable, "-m", "typeinfer", "slice", "shop.py"],
        cwd=tmp_path / "mine",
        env={"PYTHONPATH": str(tmp_path / "site"), "TYPEINFER_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"unit": "total"' in done.stdout
