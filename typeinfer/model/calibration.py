"""Calibration: the folder of a model in; the beliefs that were fitted for its weights, by language, out; and back.

`calibration.json` holds the SHA-256 of the weights that the beliefs were fitted for: other weights mean other probabilities,
so one that was fitted for others is refused. Knows nothing of how beliefs are fitted, and reads no weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from typeinfer.model import checkpoint
from typeinfer.model.belief import Belief, as_json, from_json
from typeinfer.model.folder import CALIBRATION, CHECKSUMS, REMEDY, WEIGHTS, NoModel, read

REFIT = "fit it again: typeinfer evaluate --fit {folder}"


def load_calibration(folder: Path) -> dict[str, Belief]:
    """The belief of each language that the model was calibrated for; none for a model that never was. Raises `NoModel`."""
    path = folder / CALIBRATION
    content = _json(path)
    if not content:
        return {}
    again = REFIT.format(folder=folder)
    try:
        beliefs = {str(language): from_json(belief) for language, belief in content["beliefs"].items()}
        fitted_for = content["weights"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NoModel(f"{path}: is no calibration of a model ({type(error).__name__}: {error}); {again}") from None
    if fitted_for != weights_digest(folder):
        raise NoModel(f"{path}: was fitted for other weights than {WEIGHTS} beside it; {again}")
    return beliefs


def store_calibration(folder: Path, language: str, belief: Belief) -> None:
    """Put the belief of one language into a model; those of others stay if they were fitted for its weights."""
    model = checkpoint.load(folder)
    try:
        beliefs: dict[str, Belief] = load_calibration(folder)
    except NoModel:
        beliefs = {}
    beliefs[language] = belief
    # The digest is that of the file, which is written anew with the folder: the same bytes, but for a version of the library
    # that writes them in another way.
    for _ in range(2):
        digest = weights_digest(folder)
        written = {name: as_json(fitted) for name, fitted in sorted(beliefs.items())}
        checkpoint.store(folder, replace(model, calibration={"weights": digest, "beliefs": written}))
        if weights_digest(folder) == digest:
            break


def weights_digest(folder: Path) -> str:
    """The SHA-256 of a model's weights, as they were stored. Raises `NoModel`."""
    digest = _json(folder / CHECKSUMS).get(WEIGHTS)
    if not isinstance(digest, str):
        raise NoModel(f"{folder / CHECKSUMS}: names no {WEIGHTS}; {REMEDY}")
    return digest


def _json(path: Path) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(read(path), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise NoModel(f"{path}: can't be understood ({error}); {REMEDY}") from None
