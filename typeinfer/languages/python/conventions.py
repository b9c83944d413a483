"""Conventions: how classes of other people's packages are named, where nothing can be looked up, and where projects keep packages.

Source: PEP 8, "Class Names", and the API references of the packages that were there before it.
"""

from __future__ import annotations

SOURCE_FOLDERS = ("src", "lib")
"""At the root of a project; no import names them."""

SMALL = {
    "numpy": "ndarray dtype generic number integer signedinteger unsignedinteger inexact floating complexfloating "
    "bool_ int_ intp int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128 "
    "datetime64 timedelta64 str_ bytes_ object_ void ufunc recarray matrix memmap",
    "torch": "device dtype layout memory_format",
}

SMALL_CLASSES = frozenset(f"{module}.{name}" for module, names in SMALL.items() for name in names.split())


def names_class(qualified: str) -> bool:
    """Whether a dotted name may be that of a class, by how it is written, and is none of a function or module."""
    return qualified.rpartition(".")[2][:1].isupper() or qualified in SMALL_CLASSES
