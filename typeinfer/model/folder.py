"""Folder: the place of a model in; its files by name, what stands for all of them, and why one can't be used, out.

Light, for whoever only asks whether it is the same model as before.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

CONFIG, VOCABULARY, TOKENIZER = "config.json", "vocabulary.json", "tokenizer.json"
WEIGHTS, CALIBRATION, CARD, CURVES = "weights.safetensors", "calibration.json", "CARD.md", "curves.svg"
CHECKSUMS = "checksums.json"
FILES = (CONFIG, VOCABULARY, TOKENIZER, WEIGHTS, CALIBRATION, CARD, CURVES)

REMEDY = "reinstall typeinfer, or store the model again"
OTHER_VERSION = "use the version of typeinfer that it was trained with, or train it again"


class NoModel(ValueError):
    """A folder holds no model that can be used; the message is one line: what is wrong where, and what to do next."""


def read(path: Path) -> bytes:
    """A file of a model. Raises `NoModel`."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NoModel(f"{path}: is missing; {REMEDY}") from None
    except OSError as error:
        raise NoModel(f"{path}: can't be read ({error.strerror}); {REMEDY}") from None


def model_digest(folder: Path) -> str:
    """Stands for everything that a model's folder holds. Raises `NoModel`."""
    return sha256(read(folder / CHECKSUMS)).hexdigest()
