"""Published projects: a list of distributions pinned by digest in; folders with the sources as they are published out.

A list is a table by language and set (`[[python.train]]`), so that a project stands in one set as a whole. Reserved projects
are refused. What was downloaded lives in a folder of the caller's, never in the repository. Knows nothing of annotations.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parents[2]

RESERVED = REPOSITORY.parent / "shared" / "reserved.sha256"

# What a project did not write itself, or wrote to test itself.
LEFT_OUT = re.compile(
    r"(^|/)(_?vendor(ed)?|_?tests?|[^/]*\.dist-info|[^/]*\.data)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$"
)

LEFT_OUT_OF_TARBALLS = re.compile(
    r"(^|/)(vendor(ed)?|third_party|node_modules|tests?|__tests__|__mocks__|specs?|fixtures|examples?|bench(marks?)?)/"
    r"|(^|/)[^/]*[.-](test|tests|spec|test-d|bench|min)\.[cm]?[jt]sx?$"
)


# Where what is not whole yet lies: a folder of the caller's may lose it at any time.
PARTIAL = "partial"


class ProjectUnavailable(Exception):
    """A project can't be used; the message is one line that says why and what to do."""


@dataclass(frozen=True)
class Project:
    """One distribution of PyPI as it is published: a wheel, or a source distribution, pinned by its digest."""

    name: str
    version: str
    archive: str
    """The name of the file that is downloaded."""
    sha256: str
    set: str
    licence: str = ""
    """As the distribution declares it; empty in lists that have no use for it."""
    sources: tuple[str, ...] = ()
    """Of a source distribution the folders that are read, those with tests among them."""
    requires: tuple[str, ...] = ()
    """What is installed beside it where it is run, as `name==version`."""

    registry: ClassVar[str] = "pypi"

    @property
    def registered(self) -> str:
        """The name under which it would be reserved."""
        return f"{self.registry}:{re.sub(r'[-_.]+', '-', self.name).lower()}"

    def unpack(self, downloads: Path, root: Path) -> None:
        archive = _archive(self, downloads)
        if self.sources:
            _unpack_sources(self, archive, root)
        else:
            _unpack(archive, root)


@dataclass(frozen=True)
class Package:
    """One package of npm as it is published: a tarball, pinned by the digest that the registry gives.

    `sources`: the folders and files in it that hold what the authors wrote. Where they are not in the tarball themselves,
    they are taken from its source maps.
    """

    name: str
    version: str
    integrity: str
    sources: tuple[str, ...]
    set: str
    licence: str = ""

    registry: ClassVar[str] = "npm"

    @property
    def registered(self) -> str:
        """The name under which it would be reserved."""
        return f"{self.registry}:{self.name}"

    @property
    def archive(self) -> str:
        """The name that npm gives to the file."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"

    def unpack(self, downloads: Path, root: Path) -> None:
        _unpack_tarball(self, _tarball(self, downloads), root)


def pinned_sets(language: str, path: Path) -> tuple[str, ...]:
    """The sets that a list holds for a language."""
    return tuple(_pinned(path).get(language, {}))


def pinned_projects(language: str, chosen: str, path: Path) -> tuple[Project | Package, ...]:
    """The projects of one set of a language, in the order of the file."""
    table = _pinned(path).get(language, {})
    if chosen not in table:
        raise ProjectUnavailable(f"{path}: no set {chosen!r} for {language}; there are: {', '.join(sorted(table))}")
    return tuple(_project(entry, chosen) for entry in table[chosen])


def _pinned(path: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    if not path.is_file():
        raise ProjectUnavailable(f"{path}: not found; the pinned projects come with a checkout of the repository")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _project(entry: dict[str, Any], chosen: str) -> Project | Package:
    rest = {key: value for key, value in entry.items() if key not in ("wheel", "sdist", "sources", "requires")}
    sources = tuple(entry.get("sources", ()))
    archive = entry.get("wheel") or entry.get("sdist")
    return (
        Project(**rest, archive=archive, sources=sources, requires=tuple(entry.get("requires", ())), set=chosen)
        if archive
        else Package(**rest, sources=sources, set=chosen)
    )


def is_reserved(project: Project | Package, path: Path = RESERVED) -> bool:
    """Whether a project is kept for the independent comparison. Without the list nothing is known to be."""
    return is_reserved_name(project.registered, path)


def is_reserved_name(registered: str, path: Path = RESERVED) -> bool:
    """The same of a name such as `pypi:shop`."""
    return hashlib.sha256(registered.encode()).hexdigest() in _reserved(path)


@cache
def _reserved(path: Path) -> frozenset[str]:
    return frozenset(path.read_text(encoding="ascii").split()) if path.is_file() else frozenset()


def root_of(project: Project | Package) -> str:
    """Where the sources of a project lie, below the folder that they were fetched into."""
    # A wheel and a source distribution of one version are two things.
    kind = ".sdist" if project.archive.endswith(".tar.gz") else ""
    return f"src/{project.name.replace('/', '-')}-{project.version}{kind}"


def fetch(project: Project | Package, folder: Path) -> Path:
    """The folder that holds the project's sources, downloaded at most once. Raises `ProjectUnavailable`."""
    if is_reserved(project):
        raise ProjectUnavailable(f"{project.name} is reserved for the independent comparison: skipped")
    return _once(folder, root_of(project), lambda unpacked: project.unpack(folder / "wheels", unpacked))


def environment(project: Project | Package, folder: Path) -> Path | None:
    """A virtual environment in as far as packages lie in it as in one: those that a project requires, but for reserved ones,
    downloaded at most once. None where it requires none. Raises `ProjectUnavailable`."""
    requires = project.requires if isinstance(project, Project) else ()
    wanted = [one for one in requires if not is_reserved_name(f"pypi:{one.partition('==')[0]}")]
    if not wanted:
        return None

    def install(unpacked: Path) -> None:
        # Wheels alone: nothing is built, so that nothing of theirs is run.
        flags = ("--quiet", "--no-deps", "--no-compile", "--only-binary", ":all:")
        place = unpacked / "lib" / "python3" / "site-packages"
        command = [sys.executable, "-m", "pip", "install", *flags, "--target", str(place), *wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1:] or ["pip failed"]
            raise ProjectUnavailable(f"what {project.name} requires can't be installed: {reason[0]}")

    return _once(folder, f"environments/{project.name}-{project.version}", install)


def _once(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """What `make` puts into a folder of its own, whole or not at all; made where it isn't there yet."""
    root = folder / name
    if not root.is_dir():
        unpacked = folder / PARTIAL / f"{root.name}.{os.getpid()}"
        try:
            make(unpacked)
            root.parent.mkdir(parents=True, exist_ok=True)
            unpacked.rename(root)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
    return root


def _downloaded(command: list[str], archive: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command that takes a folder last and leaves the archive there; a download that was cut off leaves none."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        done = subprocess.run([*command, folder], capture_output=True, text=True, check=False)
        if (Path(folder) / archive.name).is_file():
            (Path(folder) / archive.name).replace(archive)
    return done


# --- archives of PyPI -----------------------------------------------------------------------------------------------------------


def _archive(project: Project, folder: Path) -> Path:
    archive = folder / project.archive
    if not archive.is_file():
        # What a source distribution depends on is asked of what builds it.
        kind = (
            ["--no-binary", project.name] if project.sources else ["--only-binary", ":all:", "--python-version", "3.11"]
        )
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *kind]
        done = _downloaded([*command, f"{project.name}=={project.version}", "--dest"], archive)
        if done.returncode or not archive.is_file():
            reason = done.stderr.strip().splitlines()[-1:] or [f"pip brought no {project.archive}"]
            raise ProjectUnavailable(f"{project.name}=={project.version} can't be downloaded: {reason[0]}")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != project.sha256:
        raise ProjectUnavailable(
            f"{archive}: SHA-256 {found} is not the pinned {project.sha256}; delete it and try again"
        )
    return archive


PYTHON = re.compile(r"\.py$")


def _unpack(wheel: Path, root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in _python_files(archive):
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))


def _python_files(archive: zipfile.ZipFile) -> Iterator[str]:
    for name in archive.namelist():
        safe = not name.startswith("/") and ".." not in name.split("/")
        if PYTHON.search(name) and safe and not LEFT_OUT.search(name):
            yield name


def _unpack_sources(project: Project, archive: Path, root: Path) -> None:
    """The Python files of the folders that are asked for, tests and all."""
    with tarfile.open(archive) as held:
        for member in held.getmembers():
            name = PurePosixPath(*PurePosixPath(member.name).parts[1:]).as_posix()
            inside = any(name.startswith(f"{source}/") for source in project.sources) and ".." not in name.split("/")
            file = held.extractfile(member) if inside and member.isfile() and PYTHON.search(name) else None
            if file is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(file.read())


# --- tarballs of npm ----------------------------------------------------------------------------------------------------

TYPESCRIPT = re.compile(r"\.[cm]?tsx?$")

JAVASCRIPT = re.compile(r"\.[cm]?jsx?$")


def _tarball(package: Package, folder: Path) -> Path:
    tarball = folder / package.archive
    if not tarball.is_file():
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}", "--pack-destination"]
        try:
            done = _downloaded(command, tarball)
        except OSError as error:
            raise ProjectUnavailable(f"npm: {error.strerror}; install Node.js 20") from None
        if done.returncode or not tarball.is_file():
            reason = done.stderr.strip().splitlines()[-1:] or [f"npm brought no {tarball.name}"]
            raise ProjectUnavailable(f"{package.name}@{package.version} can't be downloaded: {reason[0]}")
    found = f"sha512-{base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()}"
    if found != package.integrity:
        raise ProjectUnavailable(
            f"{tarball}: integrity {found} is not the pinned {package.integrity}; delete it and try again"
        )
    return tarball


def _unpack_tarball(package: Package, tarball: Path, root: Path) -> None:
    with tarfile.open(tarball) as archive:
        # npm puts everything into one folder, whatever it is called.
        held = {
            PurePosixPath(*PurePosixPath(member.name).parts[1:]).as_posix(): member
            for member in archive.getmembers()
            if member.isfile()
        }

        def read(name: str) -> bytes:
            file = archive.extractfile(held[name])
            assert file is not None, "only files are listed"
            return file.read()

        written = {name: read(name) for name in held if _is_source(package, name)}
        if not written:
            maps = [read(name) for name in sorted(held) if name.endswith(".map")]
            places = [PurePosixPath(name).parent for name in sorted(held) if name.endswith(".map")]
            mapped = [found for place, raw in zip(places, maps, strict=True) for found in _mapped(place, raw)]
            written = {name: text for name, text in mapped if _is_source(package, name)}
            if not written:
                # Built in a folder other than the one it is published from: what lies above it is counted from the package.
                inside = [(re.sub(r"^(\.\./)+", "", name), text) for name, text in mapped]
                written = {name: text for name, text in inside if _is_source(package, name)}
        if not written:
            raise ProjectUnavailable(f"{tarball}: holds no sources in {', '.join(package.sources)}")
        stems = {TYPESCRIPT.sub("", name) for name in written}
        settings = [name for name in held if re.fullmatch(r"package\.json|tsconfig[^/]*\.json", name)]
        for name, raw in {**written, **{name: read(name) for name in settings}}.items():
            # What the compiler made of a source beside it.
            if re.search(r"\.d\.[cm]?ts$", name) and name.split(".d.")[0] in stems:
                continue
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(raw)


def _is_source(package: Package, name: str) -> bool:
    wanted = JAVASCRIPT if package.set == "migration" else TYPESCRIPT
    inside = any(name == source or name.startswith(f"{source}/") for source in package.sources)
    return (
        inside
        and wanted.search(name) is not None
        and ".." not in name.split("/")
        and not LEFT_OUT_OF_TARBALLS.search(name)
    )


def _mapped(place: PurePosixPath, raw: bytes) -> Iterator[tuple[str, bytes]]:
    """The sources that a map holds, by their path in the package."""
    content = json.loads(raw)
    for source, text in zip(content.get("sources", ()), content.get("sourcesContent") or (), strict=False):
        name = re.sub(r"^webpack://[^/]*/", "/", source)
        path = name.removeprefix("/").removeprefix("./") if name.startswith("/") else posixpath.join(place, name)
        if text is not None:
            yield posixpath.normpath(path), text.encode()
