"""Docstrings: the types that a function's docstring states. A docstring in, type texts turned into types out.

Read with `docstring_parser` in numpy, Google and Sphinx form. Names are as written; whether they mean anything in the
file is for others to say. Prose that is not a type gives nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import docstring_parser
from docstring_parser import DocstringStyle, ParseError

from typeinfer.languages.python.annotations import parse_type
from typeinfer.values.typeexpr import NONE, Named, Tuple, TypeExpr, Unknown, rename, union

# Parsing costs a fifth of a millisecond; most docstrings state no type and show it.
STYLES = (
    (DocstringStyle.REST, re.compile(r":(type|rtype|param\s+\S+\s+\w+)\b")),
    (DocstringStyle.NUMPYDOC, re.compile(r"^\s*(Parameters|Returns|Yields)\s*\n\s*-{3,}", re.M)),
    (DocstringStyle.GOOGLE, re.compile(r"^\s*(Args|Arguments|Parameters|Returns|Yields):\s*$", re.M)),
)

LONE_TYPE = re.compile(r"^\s*:type\s+(\*{0,2}\w+)\s*:\s*(\S.*)$", re.M)

WORDS = {
    "string": "str",
    "strings": "str",
    "unicode": "str",
    "boolean": "bool",
    "booleans": "bool",
    "bools": "bool",
    "integer": "int",
    "integers": "int",
    "ints": "int",
    "floats": "float",
    "strs": "str",
    "dictionary": "dict",
    "dicts": "dict",
    "lists": "list",
    "tuples": "tuple",
    "none": "None",
    "byte": "bytes",
    "bytestring": "bytes",
    "callable": "collections.abc.Callable",
    "iterable": "collections.abc.Iterable",
    "iterator": "collections.abc.Iterator",
    "generator": "collections.abc.Generator",
    "mapping": "collections.abc.Mapping",
    "sequence": "collections.abc.Sequence",
}
NOT_TYPES = frozenset(
    "optional any object type function array number file filename path self obj value instance class".split()
)
CONTAINERS = re.compile(
    r"^(?P<outer>list|set|frozenset|iterable|sequence|iterator|tuple)s?\s*(?:of|\()\s*:?\s*(?P<inner>[^()]+?)\)?$", re.I
)
ROLE = re.compile(r":(?:py:)?(?:class|obj|exc|data|func|meth|mod|ref|any|term):`[~!.]?([^`<]+?)(?:\s*<[^`]*>)?`")
NAME = re.compile(r"[A-Za-z_][\w.]*$")


@lru_cache(maxsize=4096)
def documented_types(docstring: str) -> Mapping[str, TypeExpr]:
    """Types by parameter name; `return` for what is returned and `yield` for what is yielded."""
    style = next((style for style, marks in STYLES if marks.search(docstring)), None)
    if style is None:
        return {}
    try:
        parsed = docstring_parser.parse(docstring, style)
    except (ParseError, ValueError, IndexError, KeyError):
        return {}
    found: dict[str, TypeExpr] = {}
    for parameter in parsed.params:
        if parameter.args[:1] != ["attribute"] and parameter.type_name:
            term = type_in_prose(parameter.type_name)
            # "int or None, optional" and "optional" both say that None may come in only when the default is None,
            # which the reader of the signature knows better.
            found[parameter.arg_name.lstrip("*")] = term
    if style is DocstringStyle.REST:
        # The parser reads a type only beside the parameter's own entry, which many docstrings leave out.
        for name, text in LONE_TYPE.findall(docstring):
            found.setdefault(name.lstrip("*"), type_in_prose(text))
    for result in parsed.many_returns or ([parsed.returns] if parsed.returns else []):
        if result.type_name:
            found.setdefault("yield" if result.is_generator else "return", type_in_prose(result.type_name))
    return {name: term for name, term in found.items() if not isinstance(term, Unknown)}


def type_in_prose(text: str) -> TypeExpr:
    """The type that a docstring's type text states: `list of str`, `int or None`, `Optional[Path]`, ``:class:`Cart` ``."""
    text = ROLE.sub(r"\1", text).replace("``", "").replace("`", "").strip().rstrip(".")
    text = re.sub(r",?\s*\(?(?:optional|required)\)?\s*$", "", text, flags=re.I)
    text = re.sub(r",\s*(?:default|defaults)\b.*$", "", text, flags=re.I).strip()
    if not text or len(text) > 120:
        return Unknown()
    if re.search(r"\s+or\s+|\s*\|\s*", text) and "[" not in text:
        parts = [part for part in re.split(r"\s+or\s+|\s*\|\s*|,\s+", text) if part]
        members = [type_in_prose(part) for part in parts]
        return union(members)
    if found := CONTAINERS.match(text):
        inner = type_in_prose(found["inner"])
        outer = _word(found["outer"].lower())
        if isinstance(inner, Unknown):
            return Unknown()
        return Tuple((inner,), open=True) if outer == "tuple" else Named(outer, (inner,))
    if NAME.match(text):
        return Unknown() if text.lower() in NOT_TYPES else NONE if text in ("None", "none") else Named(_word(text))
    if "[" not in text:
        return Unknown()
    return rename(parse_type(text), _word)


def _word(name: str) -> str:
    return WORDS.get(name, WORDS.get(name.lower(), name) if name.islower() or name.lower() in WORDS else name)
