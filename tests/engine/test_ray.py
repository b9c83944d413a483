"""The engine of several machines: two nodes of one machine do what this process does, and one that goes away costs nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.laws.test_benchmark import PYTHON, editing, shop
from typeinfer.deciding import Options
from typeinfer.engine.engine import Engine, EngineFailed, Lost, Progress, silent
from typeinfer.engine.local import Local
from typeinfer.engine.ray import Cluster
from typeinfer.evaluation import benchmark
from typeinfer.evaluation.benchmark import evaluate
from typeinfer.evaluation.peers import HUMAN
from typeinfer.pipeline import annotate
from typeinfer.program import parts
from typeinfer.program.changes import EVERY_LINE
from typeinfer.program.files import read_files
from typeinfer.training.corpus import CorpusProject
from typeinfer.training.examples import prepare
from typeinfer.values.outcomes import Changed, Run
from typeinfer.weights import load_model, shipped_model

pytestmark = pytest.mark.slow

STOCKROOM = Path(__file__).parents[1] / "corpus" / "stockroom"

ray = pytest.importorskip("ray", reason="pip install 'typeinfer[ray]'", exc_type=ImportError)


@pytest.fixture(scope="module", autouse=True)
def this_module_travels() -> None:
    """No node can import a test."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head and another node, of a processor each, with a cache of their own."""
    from ray.cluster_utils import Cluster as Nodes

    monkeypatch.setenv("TYPEINFER_CACHE", str(tmp_path / "cache of the nodes"))
    found = Nodes(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    found.add_node(num_cpus=1)
    found.wait_for_nodes()
    try:
        yield found
    finally:
        ray.shutdown()
        found.shutdown()


def squared(number: int) -> int:
    if number == 13:
        raise ValueError("thirteen")
    if number == 27:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def slowly(number: int) -> int:
    time.sleep(0.05)
    return number * number


def adder(number: int) -> Callable[[int], int]:
    return partial(added, number, os.getpid())


def added(number: int, maker: int, other: int) -> int:
    assert maker == os.getpid(), "what was made stays where it was made"
    time.sleep(0.01)
    return number + other


def test_every_item_has_its_result_in_order(nodes: Any) -> None:
    told: list[tuple[str, int, int]] = []
    with Cluster(nodes.address) as cluster:
        found = cluster.run_over("squaring", range(60), squared, lambda *seen: told.append(seen))
    assert [one for number, one in enumerate(found) if number not in (13, 27)] == [
        number * number for number in range(60) if number not in (13, 27)
    ]
    raised, died = found[13], found[27]
    assert isinstance(raised, Lost) and raised.reason.startswith("internal error: ValueError at test_ray.py:")
    assert died == Lost("the process that worked on it died (out of memory?)")
    assert told[0] == ("squaring", 0, 60) and told[-1] == ("squaring", 60, 60)


def test_what_is_held_answers_in_the_order_of_the_questions(nodes: Any) -> None:
    taken: list[int] = []

    def questions() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with Cluster(nodes.address) as cluster:
        answers = cluster.answering(partial(adder, 1000))(questions())
        assert next(answers) == 1000
        assert len(taken) < 12, "few are made in advance"
        assert list(answers) == [1000 + number for number in range(1, 100)]


def test_a_node_that_is_killed_costs_nothing(nodes: Any) -> None:
    with Cluster(nodes.address) as cluster:
        answers = cluster.answering(partial(adder, 1000))(range(300))
        first = [next(answers) for _ in range(20)]
        nodes.remove_node(next(iter(nodes.worker_nodes)), allow_graceful=False)
        assert [*first, *answers] == [1000 + number for number in range(300)]
        nodes.add_node(num_cpus=1)

        def killing(stage: str, done: int, total: int) -> None:
            if done == 40:
                nodes.remove_node(next(iter(nodes.worker_nodes)), allow_graceful=False)

        assert list(cluster.run_over("squaring", range(200), slowly, killing)) == [number**2 for number in range(200)]


def doubled(data: bytes) -> bytes:
    return data + data


def test_more_than_the_object_store_holds_goes_through_it() -> None:
    from ray.cluster_utils import Cluster as Nodes

    small = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80_000_000}
    nodes = Nodes(initialize_head=True, head_node_args=small)
    try:
        with Cluster(nodes.address) as cluster:
            items = [bytes([number]) * 10_000_000 for number in range(20)]
            assert cluster.run_over("doubling", items, doubled) == tuple(item + item for item in items)
            assert list(cluster.answering(partial(partial, doubled))(iter(items))) == [item + item for item in items]
    finally:
        ray.shutdown()
        nodes.shutdown()


def ending() -> Callable[[int], int]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it is dead")


def test_what_ends_every_process_that_makes_it_ends_the_run_in_one_line(
    nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typeinfer.engine.ray.AGAIN", 3)
    with Cluster(nodes.address) as cluster, pytest.raises(EngineFailed, match=r"^--engine ray: the cluster failed \("):
        list(cluster.answering(ending)(range(3)))


def test_no_cluster_is_one_line() -> None:
    with pytest.raises(
        EngineFailed, match=r"^--engine ray: no cluster at 127.0.0.1:1 \(Connection refused\)$"
    ) as raised:
        Cluster("127.0.0.1:1")
    assert "\n" not in str(raised.value)


def test_alone_it_starts_its_own() -> None:
    with Cluster(None, 2) as cluster:
        assert cluster.run_over("squaring", range(20), slowly) == Local(1).run_over("squaring", range(20), slowly)
    assert not ray.is_initialized()


# --- a whole project ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = shutil.copytree(STOCKROOM, tmp_path / "stockroom")
    for number in range(60):
        text = f"def f{number}(path, sep='/'):\n    return path.split(sep)[{number}]\n"
        (root / f"more_{number}.py").write_text(text)
    return root


def annotated(root: Path, engine: Engine, cache: Path, progress: Progress = silent) -> Run:
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    files, _ = read_files(root, names, {".py": "python"})
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TYPEINFER_CACHE", str(cache))
        options = Options(dict.fromkeys(files, (EVERY_LINE,)), checker=False, model=shipped_model(), engine=engine)
        # What it said of a unit before, among others, it would say again, to the last digit.
        load_model.cache_clear()
        return annotate(root, files, options, progress)


def same(one: Run, other: Run) -> bool:
    return (one.outcomes, one.predictions, one.notes) == (other.outcomes, other.predictions, other.notes)


def test_a_project_is_annotated_just_as_by_one_process_whoever_dies(nodes: Any, tree: Path, tmp_path: Path) -> None:
    here = annotated(tree, Local(1), tmp_path / "here")
    assert any(isinstance(outcome, Changed) for outcome in here.outcomes)

    def killing(stage: str, done: int, total: int) -> None:
        if stage == "asking the model" and nodes.worker_nodes:
            nodes.remove_node(next(iter(nodes.worker_nodes)), allow_graceful=False)

    with Cluster(nodes.address) as cluster:
        assert same(annotated(tree, cluster, tmp_path / "there"), here)
        assert same(annotated(tree, cluster, tmp_path / "with one less", killing), here)
        assert not nodes.worker_nodes


def test_parts_of_a_project_go_to_machines_whole(
    nodes: Any, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "ROOM", 2_000)
    monkeypatch.setattr(parts, "GRAIN", 1)
    here = annotated(tree, Local(1), tmp_path / "here")
    told: list[tuple[str, int, int]] = []

    def killing(*seen: Any) -> None:
        told.append(seen)
        if seen[0] == "annotating parts" and nodes.worker_nodes:
            nodes.remove_node(next(iter(nodes.worker_nodes)), allow_graceful=False)

    with Cluster(nodes.address) as cluster:
        there = annotated(tree, cluster, tmp_path / "there", killing)
    assert same(there, here)
    assert ("annotating parts", 2, 2) in told and not nodes.worker_nodes


def test_the_command_line_says_in_one_line_what_is_missing(tree: Path, tmp_path: Path) -> None:
    for flags, said in (
        (
            ["--engine", "ray", "--ray-address", "127.0.0.1:1"],
            "--engine ray: no cluster at 127.0.0.1:1 (Connection refused)",
        ),
        (
            ["--engine", "ray", "--device", "cuda"],
            "--engine ray: computes on processors; not with device cuda; see typeinfer annotate --help",
        ),
        (
            ["--engine", "ray", "--device", "auto", "--ray-address", "127.0.0.1:1"],
            "--engine ray: no cluster at 127.0.0.1:1 (Connection refused)",
        ),
        (["--ray-address", "127.0.0.1:1"], "--ray-address wants --engine ray; see typeinfer annotate --help"),
    ):
        command = [sys.executable, "-m", "typeinfer", "annotate", "--diff", *flags, str(tree)]
        run = subprocess.run(command, capture_output=True, text=True)
        assert (run.returncode, run.stdout) == (2, "") and run.stderr.splitlines()[-1] == f"typeinfer: {said}"


def command_lines() -> Iterator[bytes]:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield place.read_bytes()


def test_where_the_head_dies_nothing_is_written(nodes: Any, tree: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*.py")}
    environment = {**os.environ, "TYPEINFER_CACHE": str(tmp_path / "cache")}
    command = [
        sys.executable,
        "-m",
        "typeinfer",
        "annotate",
        "--engine",
        "ray",
        "--ray-address",
        nodes.address,
        str(tree),
    ]
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not any(b"ray::_Keeper" in line for line in command_lines()):
        assert run.poll() is None, "it ended before"
        time.sleep(0.05)
    nodes.remove_node(nodes.head_node, allow_graceful=False)
    # Ray itself ends the process then.
    printed, _ = run.communicate(timeout=120)
    assert run.returncode not in (0, None) and not printed
    assert {path: path.read_bytes() for path in tree.rglob("*.py")} == before


def test_the_command_line_writes_the_same(tree: Path, tmp_path: Path) -> None:
    printed = []
    for flags in ([], ["--engine", "ray", "--jobs", "2"]):
        # As a user has it: with as many numeric threads as numpy likes.
        usual = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        environment = {**usual, "TYPEINFER_CACHE": str(tmp_path / f"cache-{len(flags)}")}
        command = [sys.executable, "-m", "typeinfer", "annotate", "--diff", "--format", "json", *flags, "."]
        run = subprocess.run(command, capture_output=True, cwd=tree, env=environment)
        assert run.returncode == 0, run.stderr
        printed.append(run.stdout)
    assert printed[0] == printed[1]


# --- evaluating, and what is learnt from -------------------------------------------------------------------------------------


def test_projects_are_judged_there_as_they_are_here(
    nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = [shop(tmp_path, name) for name in ("shop", "mall")]
    monkeypatch.setattr(benchmark, "pinned_projects", lambda language, chosen: pinned)
    tools = [editing("half right", "(self, item, count=1)", "(self, item: bytes, count: int = 1)"), HUMAN]
    tables: list[list[str]] = []
    said: list[list[str]] = []
    with Cluster(nodes.address) as cluster:
        for engine in (None, cluster):
            results, told = tmp_path / f"results of {engine}", []
            table = evaluate(
                PYTHON, "development", "bare", tools, told.append, folder=tmp_path, results=results, engine=engine
            )
            assert results.exists() == (engine is None), "figures of several machines are no row of one"
            tables.append([cell for cell in table.split("|") if not cell.strip().replace(".", "").isdigit()])
            said.append([line.rpartition(",")[0] for line in told])
    assert tables[0] == tables[1] and said[0] == said[1] and len(said[0]) == 4


def test_examples_are_made_where_all_machines_see_them(nodes: Any, tmp_path: Path) -> None:
    corpus, said = tmp_path / "corpus", []
    (corpus / "shop").mkdir(parents=True)
    (corpus / "shop" / "mod.py").write_text("def price(count: int, each: float) -> float:\n    return count * each\n")
    projects = [CorpusProject("shop", "1.0", "python", "train", "MIT", "shop", ("mod.py",))]
    with Cluster(nodes.address) as cluster:
        prepare(projects, corpus, tmp_path / "here", 1, lambda *_: None, said.append)
        prepare(projects, corpus, tmp_path / "there", 1, lambda *_: None, said.append, cluster)
        made = [(tmp_path / place / "projects" / "python-shop.json").read_bytes() for place in ("here", "there")]
        assert made[0] == made[1] and not said
