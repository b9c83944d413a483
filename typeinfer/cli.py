"""The command line: arguments in; files written, reports on standard output, an exit code out.

Every problem is one line on standard error: `typeinfer: what and where; what to do next`. Knows no language, and
imports what is heavy only inside the command that needs it, so that `--help` is quick.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

import typeinfer
from typeinfer.config import (
    ConfigError,
    Settings,
    parse_budget,
    parse_checker,
    parse_confidence,
    parse_device,
    parse_error,
    parse_jobs,
    parse_js,
    parse_kinds,
    parse_uncovered,
    parse_version,
    with_model,
)
from typeinfer.opening import Opened, open_project
from typeinfer.tracing import recorded, stage

if TYPE_CHECKING:
    from typeinfer.doubting import Doubt
    from typeinfer.engine.engine import Engine
    from typeinfer.evaluation.judge import Judge, Variant
    from typeinfer.languages.language import Language
    from typeinfer.program.changes import Lines
    from typeinfer.program.project import Project
    from typeinfer.program.usages import UnitUsages
    from typeinfer.report import ProgressBar
    from typeinfer.values.outcomes import Changed, Failed, Run
    from typeinfer.values.source import SourceFile
    from typeinfer.values.typeexpr import TypeExpr

OK, WOULD_CHANGE, USAGE, NOT_ALL_DONE, BUG, INTERRUPTED = 0, 1, 2, 3, 4, 130

EXIT_CODES: Mapping[int, str] = {
    OK: "Done. With `annotate --check`: nothing would change. `check`: nothing is missing.",
    WOULD_CHANGE: "`annotate --check`: something would change. `check`: annotations are missing.",
    USAGE: "The command line or the settings can't be used; nothing was done.",
    NOT_ALL_DONE: "Some files could not be done, each for the reason printed; all others were. Wins over 1.",
    BUG: "A bug in typeinfer; nothing was written after it. `--traceback` shows where.",
    INTERRUPTED: "Interrupted by Ctrl-C. Every file is either as it was or fully annotated.",
}

F = TypeVar("F", bound=Callable[..., Any])

TRACEBACK = click.option("--traceback", is_flag=True, help="On a bug, print where it happened.")


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(typeinfer.__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Infers types and writes them as annotations: right, readable, importable, and nothing else changed."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """The whole program, less the exit. Raises nothing."""
    # What was closed before the program began is to be no other file of its own.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    # A file name may hold what the terminal can't show; that must not end the run.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(args=list(arguments), prog_name="typeinfer", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else OK
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted; every file is either as it was or fully annotated")
        return INTERRUPTED
    except (BrokenPipeError, SystemExit) as end:
        # Whoever read the output has seen enough; click ends the program with 1 then, and does so for nothing else.
        if isinstance(end, SystemExit) and end.code != 1:
            raise
        _print_no_more()
        return OK
    except click.ClickException as error:
        complain(_in_one_line(error))
        return USAGE
    except ConfigError as error:
        complain(str(error))
        return USAGE
    except OSError as error:
        if error.filename is not None or error.errno not in NO_ROOM:
            return _report_failure(error, "--traceback" in arguments)
        _print_no_more()
        complain(f"not all could be printed: {error.strerror}; what was to be written into files was")
        return NOT_ALL_DONE
    except Exception as error:
        return _report_failure(error, "--traceback" in arguments)


NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO})


def _print_no_more() -> None:
    """Python would complain once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_failure(error: Exception, traceback: bool) -> int:
    from typeinfer.engine.cache import CacheUnavailable
    from typeinfer.engine.engine import EngineFailed
    from typeinfer.model.folder import NoModel
    from typeinfer.model.runtime import NoDevice
    from typeinfer.program.files import UsageError

    if isinstance(error, UsageError | CacheUnavailable | NoModel | NoDevice | EngineFailed):
        complain(str(error))
        return USAGE
    if traceback:
        import traceback as tracebacks

        tracebacks.print_exception(error)
    text = str(error).partition("\n")[0]
    advice = "please report it, with the above" if traceback else "please report it, with what --traceback prints"
    complain(f"a bug in typeinfer: {type(error).__name__}{': ' if text else ''}{text}; {advice}")
    return BUG


def complain(message: str) -> None:
    print(f"typeinfer: {message}", file=sys.stderr)


def _in_one_line(error: click.ClickException) -> str:
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "typeinfer"
    text = " ".join(error.format_message().split()).rstrip(".")
    return f"{text}; see {command} --help"


# --- annotate -------------------------------------------------------------------------------------------------------


def with_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """The same options on several commands, in the order given."""

    def apply(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


ENGINE = with_options(
    click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who works: the "
                 "processes of this machine, or the machines of a Ray cluster, which takes pip install 'typeinfer[ray]'."),
    click.option("--ray-address", metavar="HOST:PORT", help="Where the cluster is. [default: one of this machine alone]"),
)  # fmt: skip


@contextmanager
def _engine(engine: str, ray_address: str | None, settings: Settings) -> Iterator[Engine | None]:
    """The engine that was asked for; None for this machine."""
    if engine == "local":
        if ray_address is not None:
            raise click.UsageError("--ray-address wants --engine ray")
        yield None
        return
    if settings.device == "cuda":
        raise click.UsageError(f"--engine ray: computes on processors; not with device {settings.device}")
    from typeinfer.engine.ray import Cluster

    with Cluster(ray_address, settings.jobs) as cluster:
        yield cluster


PATHS = click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))

INFERENCE = with_options(
    click.option("--kinds", metavar="KIND,...", help="Slots to annotate: parameter, return, attribute, variable. "
                 "Named, variable takes in locals. [default: all; less locals, and what a value says itself]"),
    click.option("--min-confidence", metavar="P", type=float, help="Write only types at least this probable, 0 to 1."),
    click.option("--max-error", metavar="E", type=float, help="Write only as much as keeps the share of wrong types "
                 "under this, as far as that can be promised."),
    click.option("--model", metavar="FOLDER|none", help="The type model to ask, or none at all. [default: the one shipped]"),
    click.option("--device", metavar="NAME", help="Where the model computes: cpu; cuda for a GPU, which takes "
                 "pip install 'typeinfer[gpu]'; or auto: on a GPU where there is one. [default: cpu]"),
    click.option("--target-version", metavar="X.Y", help="Oldest version that must read the result. "
                 "[default: from requires-python]"),
    click.option("--exclude", metavar="PATTERN", multiple=True, help="Leave out what this gitignore pattern matches, "
                 "counted from the current folder; may be repeated."),
    click.option("--jobs", "-j", metavar="N", type=int, help="Processes to work in. [default: one a processor]"),
    click.option("--replace-any", is_flag=True, default=None, help="Also replace annotations that say only Any."),
    click.option("--checker", metavar="NAME", help="The checker that what would be written is held against: pyrefly, ty, "
                 "basedpyright, pyright, mypy, tsc. [default: the one that the project is set up for, else pyrefly]"),
    click.option("--check-budget", metavar="N", type=int, help="Ask it so many times at most whenever something new would be "
                 "written; what is in doubt then isn't. [default: 120]"),
    click.option("--require-check", is_flag=True, help="Write nothing that could not be checked."),
    click.option("--uncovered", metavar="HOW", help="Write (keep) or don't write (withhold) what has a checker look into a "
                 "function for the first time, where it finds errors of before. [default: keep]"),
    click.option("--no-checker", is_flag=True, help="Ask no type checker; rules and model alone decide."),
    click.option("--no-packages", is_flag=True, help="Look at no package that is installed in the project's environment: "
                 "the same is found on every machine."),
    click.option("--js", metavar="HOW", help="Annotate JavaScript in comments (jsdoc), or rename it to TypeScript "
                 "(rename). [default: jsdoc]"),
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """The flags that come on top of the settings; None where the user said nothing."""

    kinds: str | None = None
    min_confidence: float | None = None
    max_error: float | None = None
    model: str | None = None
    device: str | None = None
    target_version: str | None = None
    exclude: tuple[str, ...] = ()
    jobs: int | None = None
    replace_any: bool | None = None
    checker: str | None = None
    check_budget: int | None = None
    require_check: bool = False
    uncovered: str | None = None
    no_checker: bool = False
    no_packages: bool = False
    js: str | None = None

    def over(self, settings: Settings) -> Settings:
        """Raises `ConfigError` that names the flag."""
        if self.kinds is not None:
            names = tuple(name.strip() for name in self.kinds.split(",") if name.strip())
            settings = replace(settings, kinds=parse_kinds(names, f"--kinds {self.kinds}"))
        if self.min_confidence is not None and self.max_error is not None:
            raise ConfigError("--min-confidence and --max-error exclude each other")
        if self.min_confidence is not None:
            number = parse_confidence(self.min_confidence, f"--min-confidence {self.min_confidence:g}")
            settings = replace(settings, min_confidence=number, max_error=None)
        if self.max_error is not None:
            number = parse_error(self.max_error, f"--max-error {self.max_error:g}")
            settings = replace(settings, max_error=number, min_confidence=None)
        if self.model is not None:
            settings = with_model(settings, self.model, Path.cwd(), f"--model {self.model}")
        if self.device is not None:
            settings = replace(settings, device=parse_device(self.device, f"--device {self.device}"))
        if self.target_version is not None:
            version = parse_version(self.target_version, f"--target-version {self.target_version}")
            settings = replace(settings, target_version=version)
        if self.jobs is not None:
            settings = replace(settings, jobs=parse_jobs(self.jobs, f"--jobs {self.jobs}"))
        if self.replace_any is not None:
            settings = replace(settings, replace_any=self.replace_any)
        if self.no_packages:
            settings = replace(settings, packages=False)
        if self.js is not None:
            settings = replace(settings, rename=parse_js(self.js, f"--js {self.js}"))
        if self.no_checker and (self.checker is not None or self.require_check):
            other = f"--checker {self.checker}" if self.checker is not None else "--require-check"
            raise ConfigError(f"--no-checker and {other} exclude each other")
        if self.checker is not None:
            name = parse_checker(self.checker, f"--checker {self.checker}")
            settings = replace(settings, checked_by=name, checker=True)
        if self.check_budget is not None:
            number = parse_budget(self.check_budget, f"--check-budget {self.check_budget}")
            settings = replace(settings, check_budget=number)
        if self.uncovered is not None:
            withhold = parse_uncovered(self.uncovered, f"--uncovered {self.uncovered}")
            settings = replace(settings, withhold_uncovered=withhold)
        if self.require_check:
            settings = replace(settings, require_check=True, checker=True)
        return replace(settings, checker=False, require_check=False) if self.no_checker else settings


def open_asked(paths: Sequence[Path], asked: Asked) -> Opened:
    return open_project(paths, asked.over, asked.exclude)


@cli.command()
@PATHS
@click.option("--diff", is_flag=True, help="Print the changes as a unified diff; write nothing.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when something would change.")
@click.option("--stubs", metavar="DIR", type=click.Path(path_type=Path), help="Write interface files to this folder "
              "and leave the sources alone.")  # fmt: skip
@click.option("--since", metavar="REV", help="Only functions that changed since this git revision.")
@click.option("--staged", is_flag=True, help="Only functions that git's index changes.")
@INFERENCE
@ENGINE
@click.option("--format", "format_", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True,
              help="How to report on standard output.")  # fmt: skip
@click.option("--explain", is_flag=True, help="Print the evidence for every slot.")
@click.option("--profile", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write what each stage took to "
              "this file, for chrome://tracing or ui.perfetto.dev.")  # fmt: skip
@TRACEBACK
def annotate(
    paths: tuple[Path, ...],
    diff: bool,
    check: bool,
    stubs: Path | None,
    since: str | None,
    staged: bool,
    engine: str,
    ray_address: str | None,
    format_: str,
    explain: bool,
    profile: Path | None,
    traceback: bool,
    **flags: Any,
) -> int:
    """Annotate files in place. The whole project around them is read, since callers elsewhere are evidence."""
    _expect_one(since, staged)
    dry = diff or check
    with _profiled(profile):
        with stage("opening"):
            opened = _open_changed(paths, Asked(**flags), since, staged)
            if since is not None or staged:
                opened = _with_something_open(opened)
        with _engine(engine, ray_address, opened.settings) as workers:
            result = _annotate(opened, workers)
        with stage("writing"):
            if stubs is not None:
                result = result if dry else _write_stubs(result, opened, stubs)
            elif not dry:
                result = _write(result, opened)
    _report(result, opened, format_, explain=explain, diff=diff, would=dry)
    return _exit_code(result, check)


@contextmanager
def _profiled(path: Path | None) -> Iterator[None]:
    """What each stage within this block took goes to a file, if one is named."""
    if path is None:
        yield
        return
    try:
        # Before anything is done: who mistyped the path shouldn't have to wait to be told.
        path.touch()
    except OSError as error:
        raise click.UsageError(f"--profile {path}: can't be written: {error.strerror}") from None
    with recorded() as trace:
        try:
            yield
        finally:
            try:
                path.write_text(trace.events(), encoding="utf-8")
            except OSError as error:
                complain(f"--profile {path}: can't be written: {error.strerror}")


def _expect_one(since: str | None, staged: bool) -> None:
    if since is not None and staged:
        raise click.UsageError("--since and --staged exclude each other")


def _open_changed(paths: Sequence[Path], asked: Asked, since: str | None, staged: bool) -> Opened:
    """The project, asked about what changed alone where a revision or git's index says what that is."""
    from typeinfer.program import changes

    opened = open_asked(paths, asked)
    if since is None and not staged:
        return opened
    root = opened.found.root
    changed = changes.staged(root) if since is None else changes.changed_since(root, since)
    # Who asks about a change waits for what is to be written of it, and for nothing else.
    return replace(opened, only={path: changed[path] for path in opened.only if path in changed}, hasty=True)


def _with_something_open(opened: Opened) -> Opened:
    """The same, less the files where nothing is left to be written: for them nobody should wait."""
    from typeinfer.pipeline import something_open

    return replace(opened, only={path: opened.only[path] for path in something_open(opened.files, opened.options)})


def _annotate(opened: Opened, engine: Engine | None = None) -> Run:
    from typeinfer.values.outcomes import Run

    if not opened.only:
        return Run(opened.found.skipped, {})
    # Heavy, and a command that has nothing to do should not wait for it.
    from typeinfer.pipeline import annotate

    with _progress() as progress:
        options = opened.options
        if engine is not None:
            # Machines have devices and packages of their own, and what is found is to be the same wherever it is.
            options = replace(options, engine=engine, device="cpu", packages=False)
        result = annotate(opened.found.root, opened.files, options, progress)
    outcomes = sorted((*result.outcomes, *opened.found.skipped), key=lambda outcome: outcome.path)
    return replace(result, outcomes=tuple(outcomes))


@contextmanager
def _progress() -> Iterator[ProgressBar]:
    from typeinfer.report import ProgressBar

    with ProgressBar() as progress:
        yield progress


def _write(result: Run, opened: Opened) -> Run:
    """Write every changed file; one that can't be written is `Failed`, and the others are still done."""
    from typeinfer.pipeline import wrote
    from typeinfer.rewriting.safety import NotWritten, write_new
    from typeinfer.values.outcomes import Changed, Failed

    root = opened.found.root
    outcomes = [_written(outcome, root) if isinstance(outcome, Changed) else outcome for outcome in result.outcomes]
    for path, text in result.added.items():
        try:
            write_new(root / path, text.encode("utf-8"))
        except NotWritten as error:
            outcomes.append(Failed(path, str(error)))
    result = replace(result, outcomes=tuple(outcomes))
    wrote(root, opened.files, opened.options, result)
    return result


def _written(changed: Changed, root: Path) -> Changed | Failed:
    from typeinfer.rewriting.safety import NotWritten, rename_atomically, write_atomically
    from typeinfer.values.outcomes import Failed

    result, digest = changed.patch.result(), changed.patch.file.digest
    try:
        if changed.renamed_from is None:
            write_atomically(root / changed.path, result, digest)
        else:
            rename_atomically(root / changed.renamed_from, root / changed.path, result, digest)
    except NotWritten as error:
        return Failed(changed.path, str(error))
    return changed


def _write_stubs(result: Run, opened: Opened, folder: Path) -> Run:
    """An interface file for every named file that could be read, where who looks for the file's module in `folder` finds it."""
    from typeinfer.languages import language_of
    from typeinfer.values.outcomes import Changed, Failed, Unchanged

    outcomes = []
    for outcome in result.outcomes:
        language = language_of(outcome.path)
        if isinstance(outcome, Changed | Unchanged) and language is not None:
            annotated = outcome.patch.result() if isinstance(outcome, Changed) else opened.files[outcome.path]
            place = (folder / _imported(outcome.path, language, opened.files)).with_suffix(language.stub_suffix)
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(language.stub(annotated), encoding="utf-8", newline="")
            except OSError as error:
                outcome = Failed(outcome.path, f"its stub {place} can't be written: {error.strerror}")
        outcomes.append(outcome)
    return replace(result, outcomes=tuple(outcomes))


def _imported(path: str, language: Language, files: Collection[str]) -> str:
    """The path without the folder that imports don't name."""
    top, _, below = path.partition("/")
    is_package = any(f"{top}/{marker}" in files for marker in language.package_markers)
    return below if below and top in language.source_folders and not is_package else path


def _report(result: Run, opened: Opened, format_: str, *, explain: bool, diff: bool, would: bool) -> None:
    from typeinfer import report
    from typeinfer.values.outcomes import Changed

    if format_ == "json":
        _emit(report.as_json(result, spell))
    elif format_ == "sarif":
        _emit(report.as_sarif(result, spell, opened.found.root))
    else:
        for outcome in result.outcomes:
            file = result.files.get(outcome.path)
            if explain and file is not None:
                for line in report.explanation(file, result.predictions.get(outcome.path, ()), spell, opened.shown):
                    click.echo(line)
            if diff and isinstance(outcome, Changed):
                _emit_diff(report.diff(outcome, opened.shown), outcome.patch.file.encoding)
    sys.stdout.flush()
    for line in report.summary_lines(result, would, opened.shown):
        print(line, file=sys.stderr)


def spell(file: SourceFile, term: TypeExpr) -> str:
    """A type as the users of the file's language write it."""
    from typeinfer.languages import language_of

    language = language_of(file.path)
    assert language is not None, f"{file.path} was read, so it has a language"
    return _spelled(language, term)


@lru_cache(65_536)
def _spelled(language: Language, term: TypeExpr) -> str:
    return language.write_type(term)


def _emit(content: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _emit_diff(content: bytes, encoding: str) -> None:
    """To a terminal in colour and as text, to anything else byte for byte."""
    from typeinfer.report import colored

    if not sys.stdout.isatty():
        _emit(content)
    elif "NO_COLOR" in os.environ:
        click.echo(content.decode(encoding, "replace"), nl=False)
    else:
        click.echo(colored(content.decode(encoding, "replace")), nl=False)


def _exit_code(result: Run, check: bool) -> int:
    from typeinfer.values.outcomes import Changed, Failed, Skipped

    if any(isinstance(outcome, Skipped | Failed) for outcome in result.outcomes):
        return NOT_ALL_DONE
    return WOULD_CHANGE if check and any(isinstance(outcome, Changed) for outcome in result.outcomes) else OK


# --- checking -------------------------------------------------------------------------------------------------------


@cli.command()
@PATHS
@click.option("--since", metavar="REV", help="Only functions that changed since this git revision.")
@click.option("--staged", is_flag=True, help="Only functions that git's index changes.")
@click.option("--min-coverage", metavar="C", type=float, help="Pass with at least this share, 0 to 1, of the slots annotated "
              "that are or could be. [default: 1]")  # fmt: skip
@click.option("--baseline", metavar="FILE", type=click.Path(path_type=Path), help="Leave aside what this file knows to be "
              "missing.")  # fmt: skip
@click.option(
    "--write-baseline", is_flag=True, help="Write all that is missing now to the file of --baseline, and pass."
)
@INFERENCE
@click.option("--format", "format_", type=click.Choice(["text", "json", "sarif", "github"]), default="text",
              show_default=True, help="How to report on standard output.")  # fmt: skip
@TRACEBACK
def check(
    paths: tuple[Path, ...],
    since: str | None,
    staged: bool,
    min_coverage: float | None,
    baseline: Path | None,
    write_baseline: bool,
    format_: str,
    traceback: bool,
    **flags: Any,
) -> int:
    """Tell which annotations are missing that `annotate` could write, and warn of those that all evidence speaks against. Writes
    none; fails where any are missing."""
    from typeinfer import findings, report
    from typeinfer.program.files import UsageError

    _expect_one(since, staged)
    if write_baseline and baseline is None:
        raise click.UsageError("--write-baseline wants the file: --baseline FILE")
    if min_coverage is not None and not 0.0 <= min_coverage <= 1.0:
        raise click.UsageError(f"--min-coverage {min_coverage:g}: must be a share from 0 to 1")
    nothing = findings.Baseline({})
    before = findings.load_baseline(baseline) if baseline is not None and not write_baseline else nothing
    opened = _open_changed(paths, Asked(**flags), since, staged)
    result = _annotate(opened)
    if write_baseline and baseline is not None:
        try:
            before = findings.load_baseline(baseline)
        except UsageError:
            before = nothing
        before = findings.baseline_of(result, before, opened.only.keys())
        findings.store_baseline(baseline, before)
    found = findings.find(result, before)
    result = findings.only(result, found)
    doubts = _doubts(opened)
    if format_ == "json":
        _emit(report.as_json(result, spell, doubts))
    elif format_ == "sarif":
        _emit(report.as_sarif(result, spell, opened.found.root, doubts))
    else:
        for line in (report.as_github if format_ == "github" else report.as_lines)(result, spell, opened.shown, doubts):
            click.echo(line)
    sys.stdout.flush()
    for line in report.verdict_lines(result, found, opened.shown, doubts):
        print(line, file=sys.stderr)
    if _exit_code(result, check=False) != OK:
        return NOT_ALL_DONE
    return WOULD_CHANGE if found.count and found.coverage < (1.0 if min_coverage is None else min_coverage) else OK


def _doubts(opened: Opened) -> tuple[Doubt, ...]:
    from typeinfer.pipeline import doubt

    if not opened.only:
        return ()
    with _progress() as progress:
        return doubt(opened.found.root, opened.files, opened.options, progress)


# --- looking without writing ----------------------------------------------------------------------------------------


def parse_place(text: str) -> tuple[Path, int | None]:
    """`PATH` or `PATH:LINE`; a path that exists as it stands is never cut at a colon. Raises `click.UsageError`."""
    if not Path(text).exists():
        path, colon, line = text.rpartition(":")
        if colon and line.isascii() and line.isdigit():
            if int(line) < 1:
                raise click.UsageError(f"{text}: lines count from 1")
            return Path(path), int(line)
    return Path(text), None


@cli.command()
@click.argument("place", metavar="FILE[:LINE]")
@INFERENCE
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="How to print it.")  # fmt: skip
@TRACEBACK
def infer(place: str, format_: str, traceback: bool, **flags: Any) -> int:
    """Print ranked types with probability and evidence for the slots of a file, or of the function at a line."""
    import msgspec

    from typeinfer import report

    path, line = parse_place(place)
    opened = open_asked([path], Asked(**flags))
    opened = replace(opened, only=_at_line(opened, line))
    from typeinfer.pipeline import predict

    with _progress() as progress:
        result = predict(opened.found.root, opened.files, opened.options, progress)
    fields: list[dict[str, object]] = []
    for path_, predictions in sorted(result.predictions.items()):
        file = opened.files[path_]
        if format_ == "text":
            for text in report.explanation(file, predictions, spell, opened.shown):
                click.echo(text)
        fields += [{"path": path_, **report.slot_fields(file, prediction, None, spell)} for prediction in predictions]
    if format_ == "json":
        _emit(msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n")
    elif not fields:
        complain(f"{place}: no open slot here")
    for note in result.notes:
        complain(note)
    for skip in opened.found.skipped:
        complain(f"{opened.shown(skip.path)}: {skip.reason}")
    return NOT_ALL_DONE if opened.found.skipped else OK


def _at_line(opened: Opened, line: int | None) -> Mapping[str, tuple[Lines, ...]]:
    from typeinfer.program.changes import Lines
    from typeinfer.report import counted

    if line is None:
        return opened.only
    for path in opened.only:
        if line > (count := len(opened.files[path].line_starts)):
            raise click.UsageError(f"{opened.shown(path)}:{line}: the file has {counted(count, 'line')}")
    return {path: (Lines(line, line),) for path in opened.only}


def _read(path: Path) -> tuple[Opened, Project]:
    from typeinfer.program.project import read_project

    opened = open_project([path])
    for skip in opened.found.skipped:
        complain(f"{opened.shown(skip.path)}: {skip.reason}")
    return opened, read_project(opened.found.root, opened.files)


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "format_", type=click.Choice(["json", "graphml", "dot"]), default="json", show_default=True,
              help="How to write it.")  # fmt: skip
@TRACEBACK
def graph(path: Path, format_: str, traceback: bool) -> int:
    """Print the program graph of the project that PATH belongs to."""
    from typeinfer.program.graph import build_graph

    opened, project = _read(path)
    built = build_graph(project)
    written = {"json": built.to_json, "graphml": built.to_graphml, "dot": built.to_dot}[format_]()
    click.echo(written, nl=not written.endswith("\n"))
    return NOT_ALL_DONE if opened.found.skipped else OK


@cli.command(name="slice")
@click.argument("place", metavar="PATH[:LINE]")
@click.option("--format", "format_", type=click.Choice(["json", "usages"]), default="json", show_default=True,
              help="The pieces that bear on each slot, or what is done with each object.")  # fmt: skip
@TRACEBACK
def slice_(place: str, format_: str, traceback: bool) -> int:
    """Print, for each function, class or module, the pieces of the program that bear on its types."""
    import msgspec

    path, line = parse_place(place)
    opened, project = _read(path)
    opened = replace(opened, only=_at_line(opened, line))
    write = _usages if format_ == "usages" else _slices
    _emit(msgspec.json.format(msgspec.json.encode(write(project, opened)), indent=2) + b"\n")
    return NOT_ALL_DONE if opened.found.skipped else OK


def _slices(project: Project, opened: Opened) -> object:
    from typeinfer.program.changes import concerned
    from typeinfer.program.graph import build_graph
    from typeinfer.program.slices import slice_as_json, slices_of

    built = build_graph(project)
    asked = {path: concerned(project.modules[path], lines) for path, lines in opened.only.items()}
    return [
        slice_as_json(cut, project)
        for path, slots in asked.items()
        for cut in slices_of(project, built, path)
        if any(slot.id in slots for slot in cut.slots)
    ]


def _usages(project: Project, opened: Opened) -> object:
    from typeinfer.program.changes import EVERY_LINE, touches
    from typeinfer.program.usages import reached, usages_as_json, usages_of

    calls = reached(project)

    def asked(path: str) -> Iterator[UnitUsages]:
        module, lines = project.modules[path], opened.only[path]
        functions = (function for function in module.functions if touches(module.file, function.span, lines))
        touched = {f"{module.name}.{function.qualname}" for function in functions}
        for unit in usages_of(project, path, calls):
            if EVERY_LINE in lines or unit.name in touched:
                yield unit

    return usages_as_json([unit for path in opened.only for unit in asked(path)], project)


# --- completing -----------------------------------------------------------------------------------------------------


PLACE = re.compile(r"(?P<path>.+):(?P<line>\d+):(?P<column>\d+)", re.ASCII)


@cli.command()
@click.argument("place", metavar="FILE:LINE:COL")
@click.option("--k", "count", metavar="N", type=click.IntRange(1), default=5, show_default=True,
              help="How many to print at most.")  # fmt: skip
@click.option("--line", is_flag=True, help="Print how the line may go on, dot or not.")
@click.option("--block", is_flag=True, help="Print the likeliest line, and where it opens a block what is in it.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@TRACEBACK
def complete(place: str, count: int, line: bool, block: bool, as_json: bool, traceback: bool) -> int:
    """Print what may stand behind a dot, or where a name is read, the likeliest first, with its probability; or how a line may go
    on. Lines and columns count from 1; the column is that of a cursor, in characters."""
    import msgspec

    from typeinfer import report

    if line and block:
        raise click.UsageError("--line and --block: a block begins with a line; name one of them")
    found = PLACE.fullmatch(place)
    if found is None or not int(found["line"]) or not int(found["column"]):
        raise click.UsageError(f"{place}: must be FILE:LINE:COL, both counted from 1")
    if Path(found["path"]).is_dir():
        raise click.UsageError(f"{place}: a folder; name a file in it")
    opened = open_project([Path(found["path"])])
    for skip in opened.found.skipped:
        complain(f"{opened.shown(skip.path)}: {skip.reason}")
    if not opened.only:
        raise click.UsageError(f"{place}: not a file that is read here; name a source file of the project")
    path = next(iter(opened.only))
    offset = opened.files[path].offset_of(int(found["line"]), int(found["column"]))
    if offset is None:
        raise click.UsageError(f"{place}: the file has no such place")
    from typeinfer.completing import LEAST_LINE, continue_line
    from typeinfer.completing import complete as completed

    where = int(found["line"]), int(found["column"])
    if line or block:
        asked = (opened.found.root, opened.files, path, offset, count, LEAST_LINE, opened.options)
        with _progress() as progress:
            lines, notes = continue_line(*asked, progress, block)
        for note in notes:
            complain(note)
        if as_json:
            fields = report.line_fields(path, *where, lines)
            _emit(msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n")
        elif not lines:
            complain(f"{place}: nothing is likely enough there")
        else:
            for one in lines:
                click.echo(report.continuation_line(one))
        return OK
    with _progress() as progress:
        offer, notes = completed(opened.found.root, opened.files, path, offset, opened.options, progress)
    for note in notes:
        complain(note)
    if as_json:
        fields = report.offer_fields(path, *where, offer, count)
        _emit(msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n")
    elif offer is None:
        complain(f"{place}: neither member nor name is read at this place")
    else:
        for told in report.offer_lines(offer, count):
            click.echo(told)
    return OK


# --- editors ----------------------------------------------------------------------------------------------------------


@cli.command(name="lsp")
@click.option("--tcp", metavar="HOST:PORT", help="Wait for a client there. [default: standard input and output]")
@TRACEBACK
def serve_editor(tcp: str | None, traceback: bool) -> int:
    """Serve an editor by the Language Server Protocol: hints, hovers, actions, remarks and completions."""
    from typeinfer.lsp import serve

    host, _, port = (tcp or "").rpartition(":")
    if tcp is not None and not (host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise click.UsageError(f"--tcp {tcp}: must be a host and a port, such as 127.0.0.1:2087")
    try:
        serve((host, int(port)) if tcp is not None else None)
    except OSError as error:
        raise click.UsageError(f"--tcp {tcp}: can't listen there ({error.strerror}); choose another port") from None
    return OK


# --- how good it is -----------------------------------------------------------------------------------------------


@cli.command()
@click.option("--language", metavar="NAME", help="The language of the projects: python, typescript. [default: python]")
@click.option("--set", "chosen", type=click.Choice(["development", "calibration"]), default="development",
              show_default=True, help="The pinned projects to run over; they are downloaded once.")  # fmt: skip
@click.option("--only", metavar="NAME", multiple=True, help="Only this project of the set; may be repeated.")
@click.option("--variant", type=click.Choice(["bare", "kept"]), default="bare", show_default=True,
              help="Whether imports that only annotations used are removed too.")  # fmt: skip
@click.option("--tool", "tools", metavar="NAME", multiple=True, help="Only this tool; may be repeated.")
@click.option("--rules", is_flag=True, help="Print for each rule how often it spoke and how often it was exact.")
@click.option("--ranked", is_flag=True, help="Print how often the first type believed of every slot is right, from rules and "
              "checker alone, from the model alone and from all together.")  # fmt: skip
@click.option("--speed", is_flag=True, help="Print what every stage of annotating the projects, as one, takes.")
@click.option(
    "--jobs", "-j", metavar="N", type=click.IntRange(1), help="Processes to work in. [default: one a processor]"
)
@click.option("--model", metavar="FOLDER|none", help="The type model for --ranked. [default: the one shipped]")
@click.option("--fit", metavar="PATH", type=click.Path(path_type=Path),
              help="Fit what to believe and store it here: with the model that this folder holds, or, in a file, with rules "
              "alone. Implies --set calibration.")  # fmt: skip
@ENGINE
@TRACEBACK
def evaluate(
    language: str | None,
    chosen: str,
    only: tuple[str, ...],
    variant: Variant,
    tools: tuple[str, ...],
    rules: bool,
    ranked: bool,
    speed: bool,
    jobs: int | None,
    model: str | None,
    fit: Path | None,
    engine: str,
    ray_address: str | None,
    traceback: bool,
) -> int:
    """Score typeinfer and its peers on projects whose annotations are known. Works on copies."""
    from typeinfer.engine.local import Local, available_processors
    from typeinfer.evaluation import judge_of
    from typeinfer.evaluation.benchmark import evaluate as run_benchmark
    from typeinfer.evaluation.peers import tools_named
    from typeinfer.evaluation.projects import ProjectUnavailable

    def say(line: str) -> None:
        print(f"typeinfer: {line}", file=sys.stderr, flush=True)

    try:
        settings, judge = _settings_for(jobs, model), judge_of(language)
        if fit is not None and not fit.is_dir() and fit.suffix != ".json":
            raise click.UsageError(f"{fit}: is no model's folder, and no .json file for rules alone")
        by_rules = rules if fit is None else not fit.is_dir()
        if by_rules and engine != "local":
            raise click.UsageError(f"--engine {engine}: rules alone are no work for it")
        with _engine(engine, ray_address, settings) as workers:
            here = workers or Local(settings.jobs or available_processors())
            if by_rules:
                told = _evaluated_rules(judge, chosen, only, fit, say)
            elif fit is not None:
                told = _fitted_with_model(judge, only, fit, here, say)
            elif ranked:
                told = _evaluated_ranking(judge, chosen, only, settings, here, say)
            elif speed:
                from typeinfer.evaluation.speed import evaluate_speed

                told = evaluate_speed(judge, chosen, only, here, say)
            else:
                told = run_benchmark(judge, chosen, variant, tools_named(tools, judge.peers), say, only, engine=workers)
        click.echo(told)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except ProjectUnavailable as error:
        raise click.UsageError(str(error)) from None
    return OK


def _settings_for(jobs: int | None, model: str | None) -> Settings:
    place = Path.cwd()
    settings = Settings(place, jobs=jobs)
    return settings if model is None else with_model(settings, model, place, f"--model {model}")


def _evaluated_rules(
    judge: Judge, chosen: str, only: tuple[str, ...], fit: Path | None, say: Callable[[str], None]
) -> str:
    from typeinfer.evaluation.calibration import calibrate, fit_belief, render_rules
    from typeinfer.model.belief import store_belief
    from typeinfer.model.folder import CHECKSUMS
    from typeinfer.weights import load_beliefs

    if fit is None:
        return calibrate(judge, chosen, load_beliefs()[judge.language], say, only)
    if (fit.parent / CHECKSUMS).exists():
        raise click.UsageError(
            f"{fit}: is part of a model; to fit what to believe with it, name its folder: {fit.parent}"
        )
    belief = fit_belief(judge, "calibration", say, only)
    store_belief(fit, belief)
    return render_rules(belief.standings)


def _fitted_with_model(
    judge: Judge, only: tuple[str, ...], folder: Path, engine: Engine, say: Callable[[str], None]
) -> str:
    from typeinfer.evaluation.calibration import fit_with_model, render_fit
    from typeinfer.model.calibration import store_calibration
    from typeinfer.model.ranking import load_ranker
    from typeinfer.weights import load_beliefs

    ranker = load_ranker(folder, engine.jobs, spread=engine.answering)
    belief = fit_with_model(judge, "calibration", load_beliefs()[judge.language], ranker, say, only)
    store_calibration(folder, judge.language, belief)
    return render_fit(belief)


def _evaluated_ranking(
    judge: Judge, chosen: str, only: tuple[str, ...], settings: Settings, engine: Engine, say: Callable[[str], None]
) -> str:
    from typeinfer.evaluation.ranked import evaluate_ranked
    from typeinfer.weights import load_beliefs, load_model, shipped_model

    folder = (settings.model or shipped_model()) if settings.use_model else None
    asked = None if folder is None else load_model(folder, engine)
    return evaluate_ranked(judge, chosen, load_beliefs(), asked, say, only)


# --- what the model learns from ---------------------------------------------------------------------------------------


@cli.group()
def train() -> None:
    """Make what the model is trained on, and train it."""


@train.command()
@click.option("--jobs", "-j", metavar="N", type=click.IntRange(1, 16), default=4, show_default=True,
              help="Projects to fetch and read at once.")  # fmt: skip
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only so many projects of each language.")
@TRACEBACK
def corpus(jobs: int, limit: int | None, traceback: bool) -> int:
    """Fetch the pinned projects to learn from into $TYPEINFER_CORPUS and index their files. Asks pip and npm; may be cut off."""
    from typeinfer.report import ProgressBar
    from typeinfer.training.corpus import build_corpus, corpus_folder
    from typeinfer.training.published import ProjectUnavailable

    try:
        with ProgressBar() as bar:
            built = build_corpus(corpus_folder(), jobs, bar, complain, limit)
    except ProjectUnavailable as error:
        raise click.UsageError(str(error)) from None
    files = sum(len(project.files) for project in built.projects)
    click.echo(
        f"{corpus_folder()}: {len(built.projects)} projects, {files} files; "
        f"{built.copies} near copies left out, {len(built.missing)} projects missing"
    )
    return NOT_ALL_DONE if built.missing else OK


@train.command()
@click.option("--language", "name", metavar="NAME", help="Whose members: python, typescript. [default: python]")  # fmt: skip
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path),
              help="Where the weights go. [default: the place of those that ship]")  # fmt: skip
@click.option("--places", metavar="N", type=click.IntRange(1), default=120, show_default=True, help="Of each project.")
@click.option("--projects", metavar="N", type=click.IntRange(1), default=100, show_default=True,
              help="From which places are taken; habits are those of all.")  # fmt: skip
@click.option("-j", "--jobs", metavar="N", type=click.IntRange(1, 64), default=2, show_default=True,
              help="Projects at once.")  # fmt: skip
@TRACEBACK
def members(name: str | None, out: Path | None, places: int, projects: int, jobs: int, traceback: bool) -> int:
    """Learn to rank what may stand behind a dot, from the corpus and the checker's lists."""
    import msgspec

    from typeinfer.languages import LANGUAGES
    from typeinfer.report import ProgressBar
    from typeinfer.training.corpus import corpus_folder, read_corpus
    from typeinfer.training.published import ProjectUnavailable
    from typeinfer.weights import weights_path

    language = next((one for one in LANGUAGES if name in (None, one.name)), None)
    if language is None:
        raise click.UsageError(f"--language {name}: must be one of {', '.join(one.name for one in LANGUAGES)}")
    try:
        from typeinfer.training.members import learn_members

        found = [one for one in read_corpus() if one.language == language.name and one.split == "train"]
        with ProgressBar() as bar:
            learnt = learn_members(corpus_folder(), found, language, places, projects, jobs, bar)
    except ProjectUnavailable as error:
        raise click.UsageError(str(error)) from None
    except ModuleNotFoundError as error:
        raise click.UsageError(f"training needs {error.name}; install typeinfer[train]") from None
    target = out or weights_path(language.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(msgspec.json.encode(learnt.weights))
    click.echo(f"{target}: {learnt.told}")
    return OK


@train.command()
@click.option(
    "--data",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where the shards go. [default: ~/.cache/typeinfer/units]",
)
@click.option(
    "-j", "--jobs", metavar="N", type=click.IntRange(1, 64), default=2, show_default=True, help="Projects at once."
)
@ENGINE
@TRACEBACK
def examples(data: Path | None, jobs: int, engine: str, ray_address: str | None, traceback: bool) -> int:
    """Make shards of examples from the fetched projects. May be cut off: a project that was read is not read again. The machines of
    a cluster must share the folders of both."""
    from typeinfer.report import ProgressBar
    from typeinfer.training.corpus import corpus_folder, read_corpus
    from typeinfer.training.examples import assemble, prepare
    from typeinfer.training.published import ProjectUnavailable

    folder = data or _cached("units")
    try:
        projects = read_corpus()
    except ProjectUnavailable as error:
        raise click.UsageError(str(error)) from None
    with ProgressBar() as bar, _engine(engine, ray_address, Settings(Path.cwd(), jobs=jobs)) as workers:
        prepare(projects, corpus_folder(), folder, jobs, bar, complain, workers)
    assemble(projects, folder, click.echo)
    return OK


@train.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.option(
    "--data",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The shards that were learnt from. [default: ~/.cache/typeinfer/units]",
)
@TRACEBACK
def ship(run: Path, model: Path, data: Path | None, traceback: bool) -> int:
    """Make a model folder of what a run wrote in the folder RUN. `typeinfer evaluate --fit` fits what is believed of it."""
    from typeinfer.training.shipping import ship

    try:
        ship(data or _cached("units"), run, model)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    return OK


def _cached(name: str) -> Path:
    return Path.home() / ".cache" / "typeinfer" / name


def of_a_run(command: Any) -> Any:
    """The options of every training run."""
    options = (
        click.option("--out", metavar="FOLDER", type=click.Path(path_type=Path), required=True,
                     help="Where weights, log, curves and checkpoints go."),
        click.option("--minutes", metavar="N", type=float, default=80.0, show_default=True, help="Length of the run."),
        click.option("--steps", metavar="N", type=int, default=0, help="Length of the run in steps, instead of minutes."),
        click.option("--words", metavar="N", type=int, default=6000, show_default=True, help="Words, or tokens, of a step."),
        click.option("--rate", metavar="R", type=float, default=2e-3, show_default=True, help="Highest learning rate."),
        click.option("--seed", metavar="N", type=int, default=1, show_default=True,
                     help="What everything random follows from."),
        click.option("--processes", metavar="N", type=click.IntRange(1, 64), default=2, show_default=True,
                     help="One for each core."),
        click.option("--cuda", is_flag=True, help="Train on a GPU."),
        click.option("--resume", is_flag=True, help="Go on from the last checkpoint of --out."),
        click.option("--start-from", metavar="MODEL", type=click.Path(path_type=Path),
                     help="A model folder whose weights the run begins with, instead of chance."),
        click.option("--shape", metavar="NAME=N", multiple=True,
                     help="Width, layers, heads, ... of the model; may be repeated."),
        TRACEBACK,
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@train.command(name="run")
@click.option(
    "--data",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The shards to learn from. [default: ~/.cache/typeinfer/units]",
)
@click.option(
    "--pretrain-minutes",
    metavar="N",
    type=float,
    default=0.0,
    show_default=True,
    help="How many of the minutes, the first, go to hidden words instead of types.",
)
@of_a_run
def train_run(data: Path | None, shape: tuple[str, ...], traceback: bool, **given: Any) -> int:
    """Train the type model on shards of examples. Prints its log; may be cut off and gone on with."""

    def task() -> tuple[Any, Any]:
        from typeinfer.training.types import Config, Types

        return Types, Config

    return _trained(task, data or _cached("units"), shape, given)


@train.command()
@click.option(
    "--data",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where the arrays go. [default: ~/.cache/typeinfer/texts]",
)
@click.option(
    "-j", "--jobs", metavar="N", type=click.IntRange(1, 64), default=2, show_default=True, help="Projects at once."
)
@TRACEBACK
def texts(data: Path | None, jobs: int, traceback: bool) -> int:
    """Make tokens, for the language model, of the fetched projects."""
    from typeinfer.report import ProgressBar
    from typeinfer.training.corpus import corpus_folder, read_corpus
    from typeinfer.training.published import ProjectUnavailable
    from typeinfer.training.texts import prepare

    try:
        projects = read_corpus()
    except ProjectUnavailable as error:
        raise click.UsageError(str(error)) from None
    with ProgressBar() as bar:
        made = prepare(projects, corpus_folder(), data or _cached("texts"), jobs, bar)
    click.echo(made)
    return OK


@train.command()
@click.option(
    "--data",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The arrays to learn from. [default: ~/.cache/typeinfer/texts]",
)
@of_a_run
def decoder(data: Path | None, shape: tuple[str, ...], traceback: bool, **given: Any) -> int:
    """Train the language model that completes lines. Prints its log; may be cut off and gone on with."""

    def task() -> tuple[Any, Any]:
        from typeinfer.training.decoder import Decoding, Shape

        return Decoding, Shape

    return _trained(task, data or _cached("texts"), shape, given)


def _trained(task: Callable[[], tuple[Any, Any]], data: Path, shape: tuple[str, ...], given: dict[str, Any]) -> int:
    """`task`: imports what is to be learnt and the shape of its model, which need torch."""
    try:
        from typeinfer.training.loop import Run, shape_of, train

        of_run, config = task()
    except ModuleNotFoundError as error:
        raise click.UsageError(f"training needs {error.name}; install typeinfer[train]") from None
    try:
        train(Run(data, shape=shape_of(shape, config), **given), of_run)
    except (FileNotFoundError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    return OK


@train.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.option(
    "--data",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The arrays that were learnt from. [default: ~/.cache/typeinfer/texts]",
)
@click.option("--places", metavar="N", type=click.IntRange(1), default=60, show_default=True,
              help="Of each project of the calibration split.")  # fmt: skip
@TRACEBACK
def lines(run: Path, model: Path, data: Path | None, places: int, traceback: bool) -> int:
    """Make a model folder of what `train decoder` wrote in the folder RUN, and fit what its word counts."""
    import msgspec

    from typeinfer.completion.lm import store
    from typeinfer.report import ProgressBar
    from typeinfer.training.corpus import corpus_folder, read_corpus
    from typeinfer.training.lines import fit
    from typeinfer.training.published import ProjectUnavailable
    from typeinfer.training.shipping import lines_of
    from typeinfer.training.texts import Texts
    from typeinfer.weights import load_weights_of

    folder = data or _cached("texts")
    try:
        stored = lines_of(folder, run)
        projects = [one for one in read_corpus() if one.split == "calibration"]
        texts = Texts.load(folder, "development")
        with ProgressBar() as bar:
            trust = fit(stored, texts, corpus_folder(), projects, load_weights_of, places, bar)
        store(model, replace(stored, trust=trust))
    except (OSError, ValueError, ProjectUnavailable) as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{model}: {msgspec.json.encode(trust).decode()}")
    return OK


# --- the program itself ---------------------------------------------------------------------------------------------


@cli.group()
def cache() -> None:
    """Look at or clear what was remembered from earlier runs."""


@cache.command(name="info")
@TRACEBACK
def cache_info_(traceback: bool) -> int:
    """Print where the cache lies and what it holds."""
    from typeinfer.engine.cache import cache_folder, cache_info

    info = cache_info(cache_folder())
    click.echo(f"{info.path}: {info.entries} entries, {info.used_bytes / 1e6:.1f} of {info.limit_bytes / 1e6:.0f} MB")
    return OK


@cache.command()
@TRACEBACK
def clear(traceback: bool) -> int:
    """Delete the cache."""
    from typeinfer.engine.cache import cache_folder, clear_cache

    click.echo(f"{cache_folder()}: {clear_cache(cache_folder()) / 1e6:.1f} MB freed")
    return OK
