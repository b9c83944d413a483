"""Languages: one folder each, behind one protocol. Outside this package no module asks which language it is on."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePath

from typeinfer.languages.language import Language
from typeinfer.languages.python import Python
from typeinfer.languages.typescript import TypeScript

LANGUAGES: tuple[Language, ...] = (Python(), TypeScript())

LANGUAGE_OF_SUFFIX = {suffix: language.name for language in LANGUAGES for suffix in language.suffixes}
"""The name of the language of files that end so."""


@lru_cache(1 << 16)
def language_of(path: str) -> Language | None:
    """The language of a file by its name, or None. Asked of the same files over and over."""
    suffix = PurePath(path).suffix
    return next((language for language in LANGUAGES if suffix in language.suffixes), None)
