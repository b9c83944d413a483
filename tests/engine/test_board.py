"""Who watches several processes sees what each of them is at."""

from __future__ import annotations

import time
from pathlib import Path

from typeinfer.engine import board
from typeinfer.engine.board import Telling, watched_board
from typeinfer.engine.local import Local


def work(place: Path) -> str:
    """Goes from one stage to the next once somebody has had time to look."""
    telling = Telling(place)
    for stage in ("reading", "asking the model"):
        telling(f"{stage} of {place.stem}", 0, 1)
        time.sleep(3 * board.SECONDS)
    telling.close()
    return place.stem


def test_what_each_is_at_is_told_with_how_many_are_done() -> None:
    told: list[tuple[str, int, int]] = []
    with watched_board(lambda *line: told.append(line)) as (folder, telling):
        places = [folder / f"{number}.at" for number in range(3)]
        assert Local(2).run_over("annotating parts", places, work, telling, heavy=True) == ("0", "1", "2")
    assert told[0] == ("annotating parts", 0, 3)
    assert ("annotating parts: asking the model of 0, asking the model of 1", 0, 3) in told
    assert any(stage == "annotating parts: reading of 2" and done == 2 for stage, done, _ in told)
    assert told[-1] == ("annotating parts", 3, 3) and not folder.exists()


def test_where_there_is_no_folder_nothing_is_told(tmp_path: Path) -> None:
    telling = Telling(tmp_path / "elsewhere" / "0.at")
    telling("reading", 0, 1)
    telling.close()
    assert not list(tmp_path.iterdir())
