"""What each part of the type model is worth: the same training on shards from which the part was taken out.

    python benchmarks/type_model_ablations.py SHARDS OUT PART

writes to OUT the shards of SHARDS without PART, for `python -m typeinfer.training.types --data OUT ...`; PART is one of
`edges`, `surroundings` (all but the function, class or module itself), `pointers`, `evidence`, `checked` (labels by a checker), `none`.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from typeinfer.model.sentences import SAID, SURROUNDINGS
from typeinfer.model.units import CHECKER, Array, Units, runs


def without_edges(units: Units) -> Units:
    return replace(units, edges_of=np.zeros_like(units.edges_of), edge=units.edge[:, :0])


def without_pointers(units: Units) -> Units:
    none = np.zeros_like(units.names_of)
    return replace(
        units,
        names_of=none,
        name=units.name[:0],
        name_kind=units.name_kind[:0],
        name_bare=units.name_bare[:0],
        members_of=none,
        member=units.member[:, :0],
        mentions_of=none,
        mention=units.mention[:, :0],
        pointer=np.full_like(units.pointer, -1),
    )


def without_words(units: Units, kept: Array) -> Units:
    """`kept` [t]; what hangs on a word that goes, goes with it."""
    owner = runs(units.words_of, np.arange(len(units)))[1]
    count = np.concatenate(([0], np.cumsum(kept)))
    words_of = count[units.words_of]
    new = np.where(kept, count[:-1] - words_of[owner], -1).astype(np.int64)

    def moved(offsets: Array, rows: Array, columns: list[int]) -> tuple[Array, Array]:
        unit = runs(offsets, np.arange(len(units)))[1]
        rows = rows.copy()
        for column in columns:
            rows[column] = new[units.words_of[unit] + rows[column]]
        there = (rows[columns] >= 0).all(axis=0)
        return np.concatenate(([0], np.cumsum(there)))[offsets], rows[:, there]

    edges_of, edge = moved(units.edges_of, units.edge, [1, 2])
    places_of, place = moved(units.places_of, units.place, [1])
    mentions_of, mention = moved(units.mentions_of, units.mention, [1])
    return replace(
        units,
        words_of=words_of,
        word=units.word[kept],
        role=units.role[kept],
        told=units.told[kept],
        edges_of=edges_of,
        edge=edge,
        places_of=places_of,
        place=place,
        mentions_of=mentions_of,
        mention=mention,
    )


def without_roles(units: Units, dropped: Sequence[int]) -> Units:
    return without_words(units, ~np.isin(units.role, dropped))


def without_checked(units: Units) -> Units:
    return replace(units, slot_source=np.where(units.slot_source == CHECKER, -1, units.slot_source))


PARTS = {
    "none": lambda units: units,
    "edges": without_edges,
    "surroundings": lambda units: without_roles(units, SURROUNDINGS),
    "pointers": without_pointers,
    "evidence": lambda units: without_roles(units, [SAID]),
    "checked": without_checked,
}


def main(shards: Path, out: Path, part: str) -> None:
    out.mkdir(parents=True)
    for path in sorted(shards.glob("*.npz")):
        PARTS[part](Units.load(path)).save(out / path.name)
    for name in ("lexemes.npy", "tokenizer.json", "vocabulary.json"):
        shutil.copy(shards / name, out / name)
    meta = json.loads((shards / "meta.json").read_text(encoding="utf-8"))
    if part == "edges":
        meta["config"]["messages_every"] = 0
    (out / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
