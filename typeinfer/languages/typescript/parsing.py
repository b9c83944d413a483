"""Parsing: the bytes of a file in; its tree out."""

from __future__ import annotations

import tree_sitter
import tree_sitter_typescript

from typeinfer.languages import treesitter

TYPESCRIPT = tree_sitter.Language(tree_sitter_typescript.language_typescript())
TSX = tree_sitter.Language(tree_sitter_typescript.language_tsx())


def grammar(path: str) -> tree_sitter.Language:
    """The grammar that reads a file of this name: `<T>x` is a cast in `.ts` alone, elsewhere it opens an element."""
    return TYPESCRIPT if path.endswith((".ts", ".mts", ".cts")) else TSX


def parse(path: str, data: bytes) -> tree_sitter.Tree:
    return treesitter.parse(grammar(path), data)
