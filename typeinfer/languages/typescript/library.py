"""The library: which bare names every TypeScript program has in scope, and which modules Node brings itself.

In: names. Out: yes or no. What the library declares under those names is the compiler's to tell.
"""

from __future__ import annotations

from functools import cache

from typeinfer.languages.treesitter import grammar_folder

KEYWORDS = frozenset(
    "any bigint boolean never null number object string symbol this undefined unknown void None".split()
)
"""Types that no declaration can shadow; `None` is how a term calls `undefined` and `void`."""

MODULES = frozenset(
    (
        "assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain "
        "events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl "
        "sea sqlite stream string_decoder sys test timers tls trace_events tty url util v8 vm wasi worker_threads zlib"
    ).split()
)
"""Source: `module.builtinModules`, Node 20 to 24. Those that have parts have them behind a slash: `fs/promises`."""

# Only behind `node:`; without it they are anyone's packages.
ONLY_PREFIXED = frozenset({"sea", "sqlite", "test"})

TEXT_METHODS = frozenset(
    (
        "charAt charCodeAt codePointAt endsWith localeCompare match matchAll normalize padEnd padStart repeat replace "
        "replaceAll search split startsWith substr substring toLocaleLowerCase toLocaleUpperCase toLowerCase toUpperCase "
        "trim trimEnd trimLeft trimRight trimStart"
    ).split()
)
"""Methods of strings that no other class of the library has; lists have `slice`, `indexOf`, `includes`, `concat`, `at` too."""

COMMON_MEMBERS = TEXT_METHODS | frozenset(
    (
        "length at concat copyWithin entries every fill filter find findIndex findLast findLastIndex flat flatMap forEach "
        "includes indexOf join keys lastIndexOf map pop push reduce reduceRight reverse shift slice some sort splice "
        "toReversed toSorted toSpliced unshift values with size add clear delete get has set then catch finally apply bind "
        "call name prototype toString toLocaleString valueOf hasOwnProperty constructor toJSON message stack next return "
        "throw exec test source flags lastIndex toFixed toPrecision byteLength buffer"
    ).split()
)
"""Members of strings, arrays, maps, sets, promises, functions, errors, iterators, expressions and numbers."""


@cache
def _globals() -> frozenset[str]:
    return frozenset((grammar_folder() / "typescript" / "globals.txt").read_text(encoding="utf-8").split())


def is_builtin(name: str) -> bool:
    """Whether a name, as it is said without any import, is a type: `string`, `Map`, `HTMLElement`, `Intl.Locale`.

    A program may declare or import something else by the name of a global; only `KEYWORDS` always mean what they say.
    """
    return name in KEYWORDS or name in _globals()


def is_library(module: str) -> bool:
    """Whether a module is one of Node's own: `fs`, `node:fs`, `fs/promises`."""
    name = module.removeprefix("node:")
    top = name.partition("/")[0]
    return top in MODULES and (name != module or top not in ONLY_PREFIXED)
