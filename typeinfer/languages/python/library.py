"""The library: what typeshed's bundled stubs say of the standard library. A qualified name in, its declaration out.

Read with `typeshed-client`, which parses stubs and runs nothing. Knows nothing of projects.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache

from typeshed_client import ImportedInfo, ModulePath, NameInfo, OverloadedName, Resolver, get_search_context

from typeinfer.languages.python.annotations import parse_type
from typeinfer.values.typeexpr import UNKNOWN, Named, TypeExpr, is_complete, rename, walk

# Names that are said bare: everything of `builtins`.
BUILTINS = "builtins"

# Where the library defines a class in a private module, the public one that has it. What stands in neither is private.
PUBLIC_MODULES = {
    "_io": "io",
    "_thread": "threading",
    "_collections_abc": "collections.abc",
    "_typeshed": "",
    "_decimal": "decimal",
    "_csv": "csv",
    "_socket": "socket",
    "_ssl": "ssl",
    "_weakref": "weakref",
    "_weakrefset": "weakref",
    "_hashlib": "hashlib",
    "_struct": "struct",
    "_contextvars": "contextvars",
    "_frozen_importlib": "importlib.machinery",
    "_frozen_importlib_external": "importlib.machinery",
    "_ctypes": "ctypes",
    "_queue": "queue",
    "_sqlite3": "sqlite3",
    "_pickle": "pickle",
    "_operator": "operator",
    "_random": "random",
    "_asyncio": "asyncio",
    "_codecs": "codecs",
    "_heapq": "heapq",
    "posixpath": "os.path",
}

PUBLIC_NAMES = {
    "_thread.LockType": "threading.Lock",
    "_thread.lock": "threading.Lock",
    "_thread.RLock": "threading.RLock",
    "_winapi.Overlapped": "",
    "types.NoneType": "None",
    "types.EllipsisType": "types.EllipsisType",
}


@cache
def _resolver() -> Resolver:
    # Its own default asks a Python for its path, anew every time, and reads the stubs of whatever lies there.
    return Resolver(get_search_context(search_path=[]))


def is_library(module: str) -> bool:
    """Whether a module's top package belongs to the standard library, of any version that typeinfer runs on."""
    return module.partition(".")[0] in sys.stdlib_module_names


@cache
def _declared(qualified: str) -> NameInfo | None:
    """The declaration that a qualified name leads to, imports followed, or None."""
    try:
        found = _resolver().get_fully_qualified_name(qualified)
    except Exception:  # typeshed-client raises assorted errors for stubs it can't read; an unread stub says nothing
        return None
    if isinstance(found, ImportedInfo):
        found = found.info
    return found if isinstance(found, NameInfo) else None


def _exported(module: str, name: str) -> NameInfo | None:
    """Like `_declared`, for names that the module means to share: a stub's plain `from x import y` keeps y to itself."""
    try:
        entry = _resolver().get_module(ModulePath(tuple(module.split(".")))).names.get(name)
    except Exception:  # as in `_declared`
        return None
    return _declared(f"{module}.{name}") if entry is not None and entry.is_exported else None


def is_class(qualified: str) -> bool:
    found = _declared(qualified if "." in qualified else f"{BUILTINS}.{qualified}")
    return found is not None and isinstance(found.ast, ast.ClassDef)


def exists(qualified: str) -> bool:
    """Whether the library declares this name: a class, an alias, a special form."""
    return _declared(qualified if "." in qualified else f"{BUILTINS}.{qualified}") is not None


@cache
def public_name(qualified: str) -> str | None:
    """The name that programs import a library class by, or None for one that they can't.

    `asyncio.events.AbstractEventLoop` -> `asyncio.AbstractEventLoop`; names outside the library come back as they are.
    """
    if qualified in PUBLIC_NAMES:
        return PUBLIC_NAMES[qualified] or None
    module, _, name = qualified.rpartition(".")
    if not module:
        return qualified
    if module == BUILTINS:
        # `builtins.StrPath` is how a checker writes an alias it keeps to itself.
        return name if is_class(name) else None
    if not is_library(module):
        return qualified
    if name.startswith("_"):
        return None
    top = module.partition(".")[0]
    if top in PUBLIC_MODULES:
        public = PUBLIC_MODULES[top]
        return f"{public}.{name}" if public and exists(f"{public}.{name}") else None
    if top.startswith("_"):
        return None
    parts = module.split(".")
    for size in range(1, len(parts)):
        shorter = ".".join(parts[:size])
        found, full = _exported(shorter, name), _declared(qualified)
        if found is not None and full is not None and found.ast is full.ast:
            return f"{shorter}.{name}"
    return None if any(part.startswith("_") for part in parts) else qualified


@cache
def bases(qualified: str) -> tuple[str, ...]:
    """The qualified names of the direct bases of a library class; `object` for one that names none."""
    found = _declared(qualified if "." in qualified else f"{BUILTINS}.{qualified}")
    if found is None or not isinstance(found.ast, ast.ClassDef):
        return ()
    module = qualified.rpartition(".")[0] or BUILTINS
    named = []
    for base in found.ast.bases:
        bare = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(bare, ast.Name | ast.Attribute) and (full := _qualify(module, ast.unparse(bare))):
            named.append(full)
    return tuple(named) or (("object",) if qualified != "object" else ())


def ancestors(qualified: str) -> Iterator[str]:
    """A library class and all its bases, nearest first, each once."""
    seen, queue = {qualified}, [qualified]
    while queue:
        here = queue.pop(0)
        yield here
        for base in bases(here):
            if base not in seen:
                seen.add(base)
                queue.append(base)


@cache
def signature(owner: str, method: str) -> Mapping[str, TypeExpr]:
    """What the library declares for a method of one of its classes or of the bases of that: parameter names in order,
    without the receiver, and `return`. Types that only the stubs can name, and type variables, are `Unknown`.
    Overloaded methods declare nothing that one annotation could say.
    """
    for base in ancestors(owner):
        found = _declared(base if "." in base else f"{BUILTINS}.{base}")
        entry = (found.child_nodes or {}).get(method) if found else None
        if entry is None:
            continue
        if isinstance(entry.ast, OverloadedName) or not isinstance(entry.ast, ast.FunctionDef | ast.AsyncFunctionDef):
            return {}
        return _signature_of(entry.ast, base.rpartition(".")[0] or BUILTINS)
    return {}


def _signature_of(declared: ast.FunctionDef | ast.AsyncFunctionDef, module: str) -> dict[str, TypeExpr]:
    static = any(
        isinstance(decorator, ast.Name) and decorator.id == "staticmethod" for decorator in declared.decorator_list
    )
    listed = [*declared.args.posonlyargs, *declared.args.args]
    if not static:
        listed = listed[1:]
    starred = [argument for argument in (declared.args.vararg, declared.args.kwarg) if argument]
    types = {
        argument.arg: _stub_type(argument.annotation, module)
        for argument in (*listed, *declared.args.kwonlyargs, *starred)
    }
    result = _stub_type(declared.returns, module)
    if isinstance(declared, ast.AsyncFunctionDef) and isinstance(result, Named) and result.name.endswith("Coroutine"):
        result = result.args[-1]
    return {**types, "return": result}


def _stub_type(annotation: ast.expr | None, module: str) -> TypeExpr:
    if annotation is None:
        return UNKNOWN
    term = rename(parse_type(ast.unparse(annotation)), lambda name: _qualify(module, name) or "")
    holes = any(isinstance(part, Named) and not part.name for part in walk(term))
    return term if not holes and is_complete(term) else UNKNOWN


@cache
def _qualify(module: str, name: str) -> str | None:
    """The public qualified name of what a stub calls `name`; None for type variables, private aliases and the like."""
    if name == "None":
        return name
    for candidate in (f"{module}.{name}", f"{BUILTINS}.{name}", name):
        found = _declared(candidate)
        if found is not None:
            if not isinstance(found.ast, ast.ClassDef):
                return None
            return public_name(candidate)
    # parse_type has already spelled the special forms and abstract collections in full.
    return name if name.startswith("collections.") else None
