"""tests/spec/typescript/inferring.md, asked of real compilers; and what must hold whatever the compiler is or does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from typeinfer.languages import wire
from typeinfer.languages.typescript import checker, compiler
from typeinfer.languages.typescript.annotations import write_type
from typeinfer.languages.typescript.compiler import find_compiler
from typeinfer.values.inferred import CheckerFailed, Inference
from typeinfer.values.source import SourceFile, Span, decode
from typeinfer.values.typeexpr import Named, TypeExpr, walk

TOOLS = Path(__file__).parents[2] / "benchmarks" / "node" / "node_modules"
COMPILERS = {5: "typescript", 7: "typescript7"}
CODE = (".ts", ".tsx", ".js", ".mts")

SPEC = Path(__file__).parents[1] / "spec" / "typescript" / "inferring.md"
SECTION = re.compile(r"^## (?P<title>.*)\n(?P<body>(?:(?!^## ).*\n?)*)", re.MULTILINE)
BLOCK = re.compile(r"^```[jt]s\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^// (\S+\.\w+)$", re.MULTILINE)
SAID = re.compile(r" // (.*)$")


@pytest.fixture(params=COMPILERS, ids=lambda major: f"TypeScript {major}")
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An empty project with a compiler in its node_modules."""
    return with_compiler(tmp_path / "project", request.param)


def with_compiler(root: Path, major: int) -> Path:
    package = TOOLS / COMPILERS[major]
    if not package.is_dir():
        pytest.fail("no TypeScript to test with: npm ci --prefix benchmarks/node")
    (root / "node_modules").mkdir(parents=True)
    (root / "node_modules" / "typescript").symlink_to(package, target_is_directory=True)
    return root


def sections() -> dict[str, dict[str, str]]:
    found = {}
    for section in SECTION.finditer(SPEC.read_text(encoding="utf-8")):
        parts = FILE.split("".join(BLOCK.findall(section["body"])))
        found[section["title"]] = {
            name: text.strip("\n") + "\n" for name, text in zip(parts[1::2], parts[2::2], strict=True)
        }
    return found


def written(root: Path, texts: Mapping[str, str]) -> dict[str, SourceFile]:
    """The texts on the disk; those of them that are code."""
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return {name: decode(name, "typescript", text.encode()) for name, text in texts.items() if name.endswith(CODE)}


@pytest.mark.parametrize("title", sections())
def test_the_spec(title: str, project: Path) -> None:
    texts = sections()[title]
    files = written(project, texts)
    inference = checker.infer(project, files)
    said, known = [], []
    errors = checker.diagnose(project, files) if any("// error " in text for text in texts.values()) else ()
    for name, file in files.items():
        for line, row in enumerate(texts[name].splitlines(), 1):
            expected = found.group(1).split("; ") if (found := SAID.search(row)) else []
            said += [(name, line, part) for part in expected]
            known += [(name, line, answered(inference, file, line, part)) for part in expected if "error" not in part]
            here = [error for error in errors if error.path == name and file.line_of(error.span.start) == line]
            known += [(name, line, f"error {error.code}") for error in here]
    assert sorted(known) == sorted(said)


def answered(inference: Inference, file: SourceFile, line: int, part: str) -> str:
    """What the inference says in reply to a part of a comment, in the comment's words."""
    found = inference.of(file.path)
    if (match := re.fullmatch(r"(.+) -> \w+", part)) is not None:
        targets = found.targets.get(span_of(file, line, match[1]), ())
        return f"{match[1]} -> {', '.join(file.at(target.name_span) for target in targets)}"
    if (match := re.fullmatch(r"(\w+(?:\.\w+)*\((\w+).*\)) takes .+", part)) is not None:
        call = span_of(file, line, match[1])
        start = call.start + match[1].index("(") + 1
        return f"{match[1]} takes {shown(found.expected.get(Span(start, start + len(match[2]))))}"
    if (match := re.fullmatch(r"(.+) = .+", part)) is not None:
        here = [span for span in found.expressions if file.line_of(span.start) == line and file.at(span) == match[1]]
        return f"{match[1]} = {shown(found.expressions[here[0]]) if here else '?'}"
    match = re.fullmatch(r"(#?\w+)(\(\))?: .+", part)
    assert match is not None, part
    terms = found.results if match[2] else found.variables
    here = [span for span in terms if file.line_of(span.start) == line and file.at(span) == match[1]]
    return f"{match[1]}{match[2] or ''}: {shown(terms[here[0]]) if here else '?'}"


def span_of(file: SourceFile, line: int, text: str) -> Span:
    start = file.data.index(text.encode(), file.line_starts[line - 1])
    return Span(start, start + len(text.encode()))


def shown(term: TypeExpr | None) -> str:
    return "?" if term is None else write_type(term)


# --- places -------------------------------------------------------------------------------------------------------------


def test_names_are_qualified_by_their_module(project: Path) -> None:
    texts = {
        "shop/cart.ts": "import { Box } from 'box';\nexport namespace Shop { export class Cart {} }\nexport let box: Box;\n",
        "main.ts": "import { Shop, box } from './shop/cart';\nimport { other } from './third';\n"
        "export const cart = [new Shop.Cart()], again = [other()];\n",
        "third.ts": "import type { Box } from 'box';\nimport { Shop } from './shop/cart';\n"
        "export const other = () => new Map<string, Shop.Cart>();\nexport const boxes = (): Box[] => [];\n",
    }
    found = checker.infer(project, written(project, texts)).of("main.ts").variables.values()
    names = {part.name for term in found for part in walk(term) if isinstance(part, Named)}
    assert names == {"Array", "Map", "string", "shop/cart.Shop.Cart"}


def test_a_third_partys_name_is_its_packages(project: Path) -> None:
    package = project / "node_modules" / "boxes"
    package.mkdir()
    (package / "package.json").write_text('{"name": "boxes", "version": "1.0.0", "types": "index.d.ts"}')
    (package / "index.d.ts").write_text("export interface Box { size: number }\nexport function box(): Box;\n")
    texts = {
        "a.ts": "import { box, type Box } from 'boxes';\nexport const held = () => box();\nexport let b: Box;\n",
        "b.ts": "import { held } from './a';\nexport const mine = [held()];\n",
    }
    inference = checker.infer(project, written(project, texts))
    assert list(inference.of("b.ts").variables.values()) == [Named("Array", (Named("boxes.Box"),))]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_places_are_bytes_whatever_stands_before_them(newline: str, project: Path) -> None:
    text = newline.join(["const 😀 = 1;", "/* é😀\u2028é */ export const größe = [1]; let bad: string = größe;", ""])
    files = written(project, {"a.ts": text.replace("const 😀 = 1;", "/* 😀 */")})
    inference = checker.infer(project, files).of("a.ts")
    assert [files["a.ts"].at(span) for span in inference.variables] == ["größe"]
    (error,) = checker.diagnose(project, files)
    assert (error.code, files["a.ts"].at(error.span)) == ("TS2322", "bad")


def test_what_is_in_memory_counts_and_not_what_is_on_the_disk(project: Path) -> None:
    files = written(project, {"a.ts": "export const a: string = 1;\n", "gone.ts": "export const b = [1];\n"})
    changed = files["a.ts"].with_data(b"import { c } from './made';\nexport const a = [c];\n")
    made = SourceFile("made.ts", "typescript", b"export const c = 'c';\n")
    assert checker.diagnose(project, {"a.ts": changed, "made.ts": made}) == ()
    inference = checker.infer(project, {"a.ts": changed, "made.ts": made})
    assert list(inference.of("a.ts").variables.values()) == [Named("Array", (Named("string"),))]


def test_nothing_is_written_into_the_project_and_none_of_its_code_runs(project: Path) -> None:
    plugin = project / "node_modules" / "spy"
    plugin.mkdir()
    (plugin / "package.json").write_text('{"name": "spy", "version": "1.0.0", "main": "index.js"}')
    (plugin / "index.js").write_text(f"require('fs').writeFileSync({json.dumps(str(project / 'ran'))}, '')\n")
    settings = '{"compilerOptions": {"plugins": [{"name": "spy"}, {"name": "./spy"}], "incremental": true}}'
    files = written(project, {"tsconfig.json": settings, "a.ts": "export const a = [1];\n", "b.js": "exports.b = 1;\n"})
    before = sorted(path for path in project.rglob("*") if TOOLS not in path.parents)
    checker.infer(project, files)
    checker.diagnose(project, files)
    assert sorted(path for path in project.rglob("*") if TOOLS not in path.parents) == before


def test_files_that_no_configuration_takes_are_read_all_the_same(project: Path) -> None:
    texts = {
        "tsconfig.json": '{"include": ["src"], "exclude": ["**/*.test.ts"], "files": []}',
        "src/a.ts": "export const a = [1];\n",
        "src/a.test.ts": "export const b = ['b'];\n",
        "tools/build.js": "const c = [1];\nmodule.exports = { c };\n",
        "types.d.ts": "declare const provided: string[];\n",
        "src/c.ts": "export const d = provided.slice();\n",
    }
    inference = checker.infer(project, written(project, texts))
    known = {path: [write_type(term) for term in found.variables.values()] for path, found in inference.files.items()}
    assert {path: terms for path, terms in known.items() if terms} == {
        "src/a.ts": ["number[]"],
        "src/a.test.ts": ["string[]"],
        "tools/build.js": ["number[]"],
        "src/c.ts": ["string[]"],
    }


def test_an_installed_package_of_the_workspace_is_the_copy(project: Path) -> None:
    texts = {
        "package.json": '{"workspaces": ["packages/*"]}',
        "packages/core/package.json": '{"name": "core", "types": "src/index.ts"}',
        "packages/core/src/index.ts": "export const core = [1];\n",
        "packages/web/main.ts": "import { core } from 'core';\nexport const own = core.slice();\n",
    }
    files = written(project, texts)
    (project / "node_modules" / "core").symlink_to("../packages/core", target_is_directory=True)
    core = "packages/core/src/index.ts"
    files[core] = files[core].with_data(b"export const core = ['a'];\n")
    web = {"main.ts": files["packages/web/main.ts"]}
    inference = checker.infer(project, files)
    assert [write_type(term) for term in inference.of("packages/web/main.ts").variables.values()] == ["string[]"]
    # Asked of the one package alone, the others are as they are on the disk.
    alone = checker.infer(
        project / "packages" / "web", {"main.ts": SourceFile("main.ts", "typescript", web["main.ts"].data)}
    )
    assert [write_type(term) for term in alone.of("main.ts").variables.values()] == ["number[]"]


# --- finding a compiler ---------------------------------------------------------------------------------------------------


def package_of(root: Path, version: str, server: str = "") -> Path:
    """A package that says it is TypeScript, with a script of ours for its server."""
    package = root / "node_modules" / "typescript"
    (package / "lib").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": "typescript", "version": version}))
    (package / "lib" / "tsserver.js").write_text(server)
    return package


def test_the_nearest_compiler_counts(tmp_path: Path) -> None:
    outer = with_compiler(tmp_path, 7)
    inner = outer / "packages" / "old"
    inner.mkdir(parents=True)
    assert find_compiler(inner).major == 7
    assert find_compiler(inner).command[0].endswith(("tsc", "tsc.exe"))
    with_compiler(inner, 5)
    assert find_compiler(inner / "src").major == 5


def test_path_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(CheckerFailed, match=r"^no TypeScript compiler found .* or run with --no-checker$"):
        find_compiler(tmp_path)
    package = with_compiler(tmp_path / "elsewhere", 7) / "node_modules" / "typescript"
    (programs / "tsc").symlink_to(package / "bin" / "tsc")
    assert find_compiler(tmp_path).major == 7
    (programs / "tsc").unlink()
    (programs / "tsc").write_text("#!/bin/sh\necho Version 7.1.0\n")
    (programs / "tsc").chmod(0o755)
    assert find_compiler(tmp_path).version == "7.1.0"
    (programs / "tsc").write_text("#!/bin/sh\necho Version 5.4.2\n")
    with pytest.raises(CheckerFailed, match=r"is TypeScript 5\.4\.2: 5\.0 or later with its tsserver is needed$"):
        find_compiler(tmp_path)


def test_a_compiler_that_is_too_old_is_named(tmp_path: Path) -> None:
    package_of(tmp_path, "4.9.5")
    with pytest.raises(CheckerFailed, match=r"^TypeScript 4\.9\.5 in .* is too old: 5\.0 or later is needed$"):
        find_compiler(tmp_path)


FAILURES = {
    "process.exit(3)": r"^TypeScript 5\.9\.9 ended with status 3$",
    "console.error('out of memory'); process.exit(1)": r"^TypeScript 5\.9\.9 ended with status 1: out of memory$",
    "setInterval(() => {}, 1000)": r"^TypeScript 5\.9\.9 did not answer within 1 s$",
    "console.log('Content-Length: 5\\r\\n\\r\\nwhat?')": r"^TypeScript 5\.9\.9 answers in a shape that is not known \(",
    "console.log('Content-Length: 2\\r\\n\\r\\n[]')": r"^TypeScript 5\.9\.9 answers in a shape that is not known \(",
}


@pytest.mark.parametrize("server", FAILURES)
def test_a_compiler_that_fails_is_one_line_and_is_gone(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "SILENCE", 1)
    started = tmp_path / "pid"
    noted = f"require('fs').writeFileSync({json.dumps(str(started))}, String(process.pid));\n"
    package_of(tmp_path, "5.9.9", noted + server)
    with pytest.raises(CheckerFailed, match=FAILURES[server]) as failure:
        checker.infer(tmp_path, {"a.ts": SourceFile("a.ts", "typescript", b"let a = [1]")})
    assert "\n" not in str(failure.value)
    assert not is_running(int(started.read_text()))


def test_an_interrupt_ends_the_compiler(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, *arguments: object, **named: object) -> None:
            super().__init__(*arguments, **named)  # type: ignore[arg-type, call-overload]
            seen.append(self)

    def interrupted(*_: object) -> Iterator[None]:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Watched)
    monkeypatch.setattr(compiler.Session, "_ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checker.infer(project, {"a.ts": SourceFile("a.ts", "typescript", b"let a = [1]")})
    assert seen and all(process.poll() is not None for process in seen)


def is_running(number: int) -> bool:
    for _ in range(50):
        try:
            os.kill(number, 0)
        except OSError:
            return False
        time.sleep(0.1)
    return True
