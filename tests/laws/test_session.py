"""Sessions: checkers begun for one answer are there for the next, as long as they look at what there is. They are real ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from typeinfer import session as sessions
from typeinfer.languages.python.watching import Watching
from typeinfer.session import Listener, Session

pytestmark = pytest.mark.usefixtures("own_cache")

TEXT = "def price(amount=1):\n    return amount * 2\n"
MORE = "\n\ndef label(name='x'):\n    return name.upper()\n"

SECONDS = 60.0


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Of a project with one file, without a model."""
    (tmp_path / "shop.py").write_text(TEXT)
    said: list[str] = []
    session = Session(tmp_path, Listener(said=said.append), lambda found: replace(found, use_model=False))
    yield session
    session.close()
    session.join()
    assert not said


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Watching]:
    """The checkers that were begun."""
    found: list[Watching] = []
    begin = Watching._begin

    def noted(watch: Watching, files: object) -> None:
        found.append(watch)
        begin(watch, files)  # pyrefly: ignore

    monkeypatch.setattr(Watching, "_begin", noted)
    return found


def until(is_so: Callable[[], object]) -> None:
    late = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < late
        time.sleep(0.05)


def answered(session: Session, path: str, text: str) -> list[tuple[str, str]]:
    """The returns of a file once all that is shown is about this text."""
    session.put(path, text)
    until(lambda: session._version == session._answered)
    predictions = session.answers[path].run.predictions[path]
    return [
        (one.slot.id.qualname, str(one.best.type)) for one in predictions if one.best and one.slot.id.name == "return"
    ]


def test_what_was_begun_for_one_answer_is_there_for_the_next(session: Session, begun: list[Watching]) -> None:
    (price,) = answered(session, "shop.py", TEXT)
    first = [*begun]
    assert price[0] == "price" and {watch.infers for watch in first} == {True, False}
    assert [name for name, _ in answered(session, "shop.py", TEXT + MORE)] == ["price", "label"]
    assert answered(session, "shop.py", TEXT) == [price]
    assert begun == first


def test_what_was_begun_for_other_files_is_not(session: Session, begun: list[Watching], tmp_path: Path) -> None:
    answered(session, "shop.py", TEXT)
    first = [*begun]
    (tmp_path / "door.py").write_text(MORE)
    assert [name for name, _ in answered(session, "door.py", MORE)] == ["label"]
    assert len(begun) > len(first) and not any(watch.copy.exists() for watch in first)


def test_what_nobody_waits_for_goes(session: Session, begun: list[Watching], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "IDLE", 0.1)
    answered(session, "shop.py", TEXT)
    until(lambda: not any(watch.copy.exists() for watch in begun))
    assert [name for name, _ in answered(session, "shop.py", TEXT + MORE)] == ["price", "label"]


def test_nothing_is_left_of_a_session_that_is_closed(session: Session, begun: list[Watching]) -> None:
    answered(session, "shop.py", TEXT)
    session.close()
    session.join()
    assert begun and not any(watch.copy.exists() for watch in begun)
