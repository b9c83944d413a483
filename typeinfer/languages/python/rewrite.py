"""Rewriting Python: types placed at slots in; the insertions that write them out, with the imports they need.

Every edit is an insertion at a byte (or the replacement of an annotation that is to go), so all else stays as it is;
`erasure.py` proves it of the result. Knows nothing of why a type was chosen.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from typeinfer.languages import treesitter
from typeinfer.languages.python.annotations import BUILTIN_TYPES, SaidName, Spelled, Spelling, Unspellable
from typeinfer.languages.python.conventions import names_class
from typeinfer.languages.python.import_lines import ImportedName, ImportLines, ImportStyle
from typeinfer.languages.python.scopes import Scopes, Use
from typeinfer.languages.python.syntax import PYTHON
from typeinfer.values.module import Function, Module
from typeinfer.values.naming import NamesInScope, Wanted
from typeinfer.values.patches import Edit, Placed, Refused, Rewrite, Writer
from typeinfer.values.slots import Slot, SlotKind
from typeinfer.values.source import Span

Version = tuple[int, int]

LAZY_SINCE: Version = (3, 14)
"""From here on annotations are evaluated only when asked for (PEP 649)."""

_FUTURE = ImportedName("__future__", "annotations")
_TYPE_COMMENT = re.compile(rb"#[ \t]*type:[ \t]*(?!ignore\b)")
_EQUALS = re.compile(rb"[ \t]*=(?!=)[ \t]*")
_SUBSCRIPT = re.compile(rb":?(?:[ \t\f]|\\\r?\n)*[A-Za-z_\x80-\xff][\w\x80-\xff]*(?:[ \t\f]|\\\r?\n)*\[")

# Modules of the library that are not everywhere Python is: by platform, by how it was built, or by version.
_NOT_EVERYWHERE = frozenset(
    (
        "asyncore asynchat bz2 cgi crypt ctypes curses dbm distutils ensurepip fcntl graphlib grp idlelib imp "
        "lib2to3 lzma msvcrt nis nt ossaudiodev posix pty pwd readline resource smtpd spwd sqlite3 ssl syslog "
        "termios tkinter tomllib tty turtle winreg winsound zlib zoneinfo"
    ).split()
)


def writer(module: Module, names: NamesInScope, version: Version) -> Writer:
    """Its edits write the types that it is given, or say of each that can't be written why. The file is looked into once."""
    file = cache(lambda: _File(module, names, version))
    return lambda placed: _write(file(), placed) if placed else Rewrite(())


def _write(file: _File, placed: Sequence[Placed]) -> Rewrite:
    module, names = file.module, file.names
    refused = [Refused(asked.slot, reason) for asked in placed if (reason := file.refusal(asked.slot))]
    out = {id(refusal.slot) for refusal in refused}
    open_slots = [asked for asked in placed if id(asked.slot) not in out]
    attempt = _Attempt(file, open_slots, lazy=file.lazy)
    if attempt.gains_by_laziness and file.may_become_lazy:
        attempt = _Attempt(file, open_slots, lazy=True)
    refused += attempt.refused
    edits = [file.write(slot, text) for slot, text in attempt.texts()]
    if not edits:
        return Rewrite((), (), tuple(refused))
    style = ImportStyle(file.write_module, names.library, names.module.partition(".")[0])
    # An annotation that is evaluated must find its names imported above it.
    limit = file.statement_start(min(edit.span.start for edit in edits))
    lines = ImportLines(module, file.root, style, limit)
    imports, guard = attempt.imports(needs_guard=lines.block is None)
    return Rewrite((*edits, *lines.place(imports, guard)), tuple(name.qualified for name in imports), tuple(refused))


def import_edits(module: Module, wanted: Sequence[Wanted], names: NamesInScope) -> list[tuple[Edit, ...]]:
    """For each by itself the edits that import it at run time, among the imports at the head of the file; none for what can't be
    named, changes how the file is read, or runs a program."""
    file = _File(module, names, LAZY_SINCE)
    style = ImportStyle(file.write_module, names.library, names.module.partition(".")[0])
    lines = ImportLines(module, file.root, style, len(file.data))
    found: list[tuple[Edit, ...]] = []
    for one in wanted:
        parts = one.module.split(".")
        if not _is_sayable(parts) or parts[0] == "__future__" or parts[-1] == "__main__":
            found.append(())
            continue
        own = one.name if one.name is not None else parts[0]
        name = ImportedName(one.module, one.name, None if one.local == own else one.local)
        found.append(tuple(lines.place([name], "")))
    return found


class _File:
    """What the rewrite has to know of one file, whatever is to be written in it."""

    def __init__(self, module: Module, names: NamesInScope, version: Version) -> None:
        self.module, self.names, self.version = module, names, version
        self.data = module.file.data
        self.root = treesitter.parse(PYTHON, self.data).root_node
        self.scopes = Scopes(self.root, self.data)
        self.has_future = any(found.module == "__future__" and found.name == "annotations" for found in module.imports)
        self.lazy = self.has_future or version >= LAZY_SINCE
        self.may_become_lazy = version >= (3, 7) and not any(slot.runtime_visible for slot in module.slots)
        self.function_of: Mapping[int, Function] = {
            slot.insert_at: function
            for function in module.functions
            for slot in (*(parameter.slot for parameter in function.parameters), function.result)
            if slot is not None
        }
        self.type_comments = [found.start() for found in _TYPE_COMMENT.finditer(self.data)]
        self.ways = _ways(names.bound)
        self.imported_modules = frozenset(found.module for found in module.imports if found.name is None)
        self.relative = _imports_relatively(module, self.data)
        self.guard = self._bound_guard()
        typing_taken = self.scopes.binds("TYPE_CHECKING") or "typing" in (*names.cyclic, names.module)
        self.may_guard = self.guard is not None or not typing_taken

    def _bound_guard(self) -> str | None:
        """How the file's imports say `typing.TYPE_CHECKING` already."""
        for qualified, rest in (("typing.TYPE_CHECKING", ""), ("typing", ".TYPE_CHECKING")):
            for local in self.ways.get(qualified, ()):
                # A checker knows the constant by its name only.
                if self.bound_at(local)[1] and (rest or local == "TYPE_CHECKING"):
                    return local + rest
        return None

    def refusal(self, slot: Slot) -> str | None:
        """Why nothing can be written at this slot, whatever the type."""
        function = self.function_of.get(slot.insert_at)
        if (
            slot.id.kind is SlotKind.RETURN
            and function is not None
            and _SUBSCRIPT.match(self.data, function.header.end)
        ):
            # The grammar takes `-> None: rows[0] = 1` for a type `None: rows[0]`.
            return "a body that begins with a subscript on the line of its def would not be read again"
        if not self.type_comments:
            return None
        if function is not None:
            region = Span(function.header.start, max(self._line_end(function.header.end), function.body.start))
        else:
            region = Span(slot.span.start, self._line_end(self.statement_end(slot)))
        if any(region.start <= at < region.end for at in self.type_comments):
            return "the file states types in comments here"
        return None

    def write(self, slot: Slot, text: str) -> Edit:
        """The edit that puts the text of an annotation at its slot."""
        if slot.written is not None:
            return Edit(slot.written, text)
        at = slot.insert_at
        if slot.id.kind is SlotKind.RETURN:
            return Edit(Span(at, at), f" -> {text}")
        equals = _EQUALS.match(self.data, at)
        if equals is not None and equals.group() == b"=":
            # PEP 8: `x=1` gets spaces around its sign once it has an annotation; spaces that are there stay.
            return Edit(Span(at, at + 1), f": {text} = ")
        return Edit(Span(at, at), f": {text}")

    def statement_start(self, offset: int) -> int:
        """Where the top-level statement around an offset starts."""
        around = (child for child in self.root.children if child.start_byte <= offset < child.end_byte)
        return next((child.start_byte for child in around), offset)

    def statement_end(self, slot: Slot) -> int:
        node = self.root.named_descendant_for_byte_range(slot.span.start, slot.span.end)
        while node is not None and node.type not in ("assignment", "expression_statement"):
            node = node.parent
        return node.end_byte if node is not None else slot.span.end

    def bound_at(self, local: str) -> tuple[int, bool]:
        """From which byte on a module-level name is bound at run time, and whether it is at all."""
        module = self.module
        imports = [found for found in module.imports if found.alias == local and not found.scope]
        if imports:
            run_time = [found.span.end for found in imports if not found.type_only]
            return (min(run_time), True) if run_time else (0, False)
        spans = [declared.span for declared in module.classes if declared.qualname == local]
        spans += [function.span for function in module.functions if function.qualname == local]
        spans += [found.span for found in module.assignments if found.name == local and not found.scope]
        return (min(span.end for span in spans), True) if spans else (0, False)

    def write_module(self, absolute: str) -> str:
        """A module's name as an import of this file should write it: relative where the file's own imports are."""
        if not self.relative or self.names.library(absolute):
            return absolute
        own = self.names.module.split(".")
        package = own if self.names.is_package else own[:-1]
        parts = absolute.split(".")
        shared = 0
        while shared < min(len(package), len(parts)) and package[shared] == parts[shared]:
            shared += 1
        return "." * (len(package) - shared + 1) + ".".join(parts[shared:]) if shared else absolute

    def _line_end(self, offset: int) -> int:
        found = self.data.find(b"\n", offset)
        return len(self.data) if found < 0 else found


class _Attempt:
    """The placed types spelled for one file under one regime: annotations evaluated as they stand, or lazy."""

    def __init__(self, file: _File, placed: Sequence[Placed], lazy: bool) -> None:
        self.file, self.lazy = file, lazy
        self.refused: list[Refused] = []
        self.spelled: list[tuple[Slot, Spelled]] = []
        self.plan: dict[str, ImportedName] = {}
        self.gains_by_laziness = False
        for asked in placed:
            self._spell(asked)

    def texts(self) -> list[tuple[Slot, str]]:
        """Each slot's annotation, quoted where it stands evaluated and can't be."""
        found = []
        for slot, spelled in self.spelled:
            text = spelled.text
            if self._is_evaluated(slot) and not spelled.evaluable:
                quote = "'" if '"' in text else '"'
                text = f"{quote}{text}{quote}"
            found.append((slot, text))
        return found

    def imports(self, needs_guard: bool) -> tuple[list[ImportedName], str]:
        """All that must be imported for the texts, and how the file says `TYPE_CHECKING`."""
        wanted = list(self.plan.values())
        if self.lazy and not self.file.lazy:
            wanted.append(_FUTURE)
        guard = self.file.guard or "TYPE_CHECKING"
        if needs_guard and self.file.guard is None and any(name.type_only for name in wanted):
            wanted.append(ImportedName("typing", "TYPE_CHECKING"))
        return wanted, guard

    # --- one slot ---------------------------------------------------------------------------------------------------

    def _is_evaluated(self, slot: Slot) -> bool:
        return not self.lazy and self.file.scopes.evaluated(slot)

    def _spell(self, asked: Placed) -> None:
        slot = asked.slot
        plan_before = dict(self.plan)

        def say(alternatives: tuple[str, ...], only_bound: bool) -> SaidName:
            return self._say(alternatives, slot, only_bound)

        try:
            spelled = Spelling(self.file.version, self.lazy, say).write(asked.type)
            if "'" in spelled.text and '"' in spelled.text and not spelled.evaluable:
                raise Unspellable("the annotation would need quotes around both kinds of quotes")
            self._check_encodable(spelled.text)
        except Unspellable as reason:
            self.plan = plan_before
            self.refused.append(Refused(slot, str(reason)))
            return
        evaluated = self._is_evaluated(slot)
        new_legacy = any(name in self.plan and name not in plan_before for name in spelled.legacy)
        self.gains_by_laziness |= evaluated and (not spelled.evaluable or new_legacy)
        self.spelled.append((slot, spelled))

    def _check_encodable(self, text: str) -> None:
        try:
            text.encode(self.file.module.file.encoding)
        except UnicodeEncodeError:
            raise Unspellable(f"{self.file.module.file.encoding} has no characters for {text}") from None

    # --- one name ---------------------------------------------------------------------------------------------------

    def _say(self, alternatives: tuple[str, ...], slot: Slot, only_bound: bool) -> SaidName:
        said = [found for name in alternatives for found in self._bound(name, slot)]
        if said:
            # What can be evaluated needs neither quotes nor laziness.
            return min(said, key=lambda found: not found.evaluable)
        name = alternatives[0]
        if only_bound:
            raise Unspellable(f"{name} needs a newer Python")
        if "." not in name:
            return self._builtin(name, slot)
        return self._import(name, slot)

    def _bound(self, name: str, slot: Slot) -> list[SaidName]:
        """How the file's own module-level names, or those already planned, can say a qualified name."""
        file = self.file
        found: list[SaidName] = []
        if "." not in name and name in BUILTIN_TYPES:
            return []
        located = _locate(name, file.names)
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            prefix, rest = ".".join(parts[:count]), parts[count:]
            unseen = located is None and self._should_have(prefix, name)
            if not unseen and not self._reaches(prefix, name, located):
                continue
            half = located is not None and located[0] in file.names.cyclic and len(prefix) <= len(located[0])
            for local in file.ways.get(prefix, ()):
                if not _is_sayable([local, *rest]) or file.scopes.shadowed(local, slot):
                    continue
                if any(map(_is_mangled, (local, *rest))) and file.scopes.in_class(slot):
                    continue
                position, at_run_time = file.bound_at(local)
                # `import shop.item` in a cycle gives a module that has no `Item` yet.
                ready = at_run_time and position <= slot.insert_at and not half and not unseen
                found.append(SaidName(".".join([local, *rest]), ready or not self._is_evaluated(slot)))
        last = parts[-1]
        if not found and located is not None and _reexports(file.names.bound.get(last, ""), last, *located):
            position, at_run_time = file.bound_at(last)
            if not file.scopes.shadowed(last, slot):
                ready = at_run_time and position <= slot.insert_at
                found.append(SaidName(last, ready or not self._is_evaluated(slot)))
        if found:
            return found
        return [self._said(planned, inside) for planned, inside in self._planned(located, slot)]

    def _reaches(self, prefix: str, name: str, located: tuple[str, str] | None) -> bool:
        """Whether a name bound to `prefix` leads to `name`: a package holds only those submodules that are imported,
        and a function none of its locals."""
        own = f"{self.file.names.module}."
        if prefix == name:
            return True
        if prefix.removeprefix(own) in self.file.module.function_at:
            return False
        if located is None:
            return name.startswith(own)
        module = located[0]
        return len(prefix) >= len(module) or module in self.file.imported_modules

    def _should_have(self, prefix: str, name: str) -> bool:
        """Whether somebody else's module that this file imports as a whole should have a class, though nobody here says so: it may
        be of another version, so that this is for the type checker's eyes."""
        others = prefix in self.file.imported_modules and self.file.names.path_of(prefix) is None
        return (
            name.rpartition(".")[0] == prefix and others and not self.file.names.library(prefix) and names_class(name)
        )

    def _planned(self, located: tuple[str, str] | None, slot: Slot) -> list[tuple[ImportedName, str]]:
        if located is None:
            return []
        module, inside = located
        planned = self.plan.get(f"{module}.{inside.partition('.')[0]}")
        if planned is None or self.file.scopes.shadowed(planned.local, slot):
            return []
        if slot.runtime_visible and planned.type_only:
            return []
        return [(planned, inside)]

    def _said(self, imported: ImportedName, inside: str) -> SaidName:
        _, dot, rest = inside.partition(".")
        return SaidName(imported.local + dot + rest, not imported.type_only)

    def _builtin(self, name: str, slot: Slot) -> SaidName:
        file = self.file
        if name not in BUILTIN_TYPES:
            raise Unspellable(f"{name} is no builtin type and comes from no module")
        hidden = file.scopes.bound_by_module(name) or name in file.names.starred
        if not hidden and not file.scopes.shadowed(name, slot):
            return SaidName(name, True)
        for local in file.ways.get("builtins", ()):
            if not file.scopes.shadowed(local, slot):
                return SaidName(f"{local}.{name}", True)
        if file.scopes.binds("builtins"):
            raise Unspellable(f"the file gives {name} and builtins another meaning")
        self.plan["builtins"] = ImportedName("builtins", None)
        return SaidName(f"builtins.{name}", True)

    def _import(self, name: str, slot: Slot) -> SaidName:
        located = _locate(name, self.file.names)
        if located is None:
            raise Unspellable(f"{name} can't be imported")
        module, inside = located
        if module == self.file.names.module:
            raise Unspellable(f"{name} is not bound at the top level of this file")
        if not inside or not _is_sayable(inside.split(".")) or not _is_sayable(module.split(".")):
            raise Unspellable(f"{name} can't be imported by a statement")
        first = inside.partition(".")[0]
        imported = ImportedName(module, first, self._local(module, first, slot), self._type_only(module, first, slot))
        existing = self.plan.get(imported.qualified)
        if existing is not None and existing.local == imported.local:
            # One slot reads it at run time, another doesn't: one import serves both.
            imported = replace(imported, type_only=imported.type_only and existing.type_only)
        self.plan[imported.qualified] = imported
        return self._said(imported, inside)

    def _local(self, module: str, name: str, slot: Slot) -> str | None:
        """The alias to import under, None for none: a name that means something else here is never shadowed."""
        for candidate in (name, f"_{name}"):
            if _is_mangled(name) and self.file.scopes.in_class(slot):
                break
            if not self._is_taken(candidate, f"{module}.{name}"):
                return None if candidate == name else candidate
        raise Unspellable(f"the file gives {name} another meaning")

    def _is_taken(self, local: str, qualified: str) -> bool:
        if keyword.iskeyword(local) or hasattr(builtins, local):
            return True
        if self.file.names.starred.get(local, qualified) != qualified:
            return True
        if any(planned.local == local and planned.qualified != qualified for planned in self.plan.values()):
            return True
        uses = self.file.scopes.uses(local)
        if not uses:
            return False
        # Bound by nothing but imports of the very same thing, in functions say: one more does no harm.
        if any(use is Use.BINDS for use, _ in uses):
            return True
        imports = [found for found in self.file.module.imports if found.alias == local]
        return not imports or any(f"{found.module}.{found.name}" != qualified for found in imports)

    def _type_only(self, module: str, name: str, slot: Slot) -> bool:
        names = self.file.names
        cyclic = module in names.cyclic
        if slot.runtime_visible and self.file.scopes.evaluated(slot):
            if cyclic:
                raise Unspellable(f"it is read at run time, and importing {module} would close an import cycle")
            return False
        private = name.startswith("_") or any(part.startswith("_") for part in module.split("."))
        if not cyclic and names.library(module) and not private and module.partition(".")[0] not in _NOT_EVERYWHERE:
            return False
        if not self.file.may_guard:
            raise Unspellable(f"{module} can only be imported under TYPE_CHECKING, which this file can't import")
        return True


def _ways(bound: Mapping[str, str]) -> dict[str, list[str]]:
    """Local names by what they stand for, plain ones before aliases."""
    ways: dict[str, list[str]] = {}
    for local, qualified in sorted(bound.items()):
        ways.setdefault(qualified, []).append(local)
    return ways


def _locate(name: str, names: NamesInScope) -> tuple[str, str] | None:
    for module in ("typing", "typing_extensions", "collections.abc", "collections", "contextlib", "re", "types"):
        inside = name.removeprefix(f"{module}.")
        if inside != name and "." not in inside:
            return module, inside
    return names.locate(name) if "." in name else None


def _reexports(bound: str, last: str, module: str, inside: str) -> bool:
    """Whether a bound name is a package's own, shorter name for what a module within it defines (`flask.Flask`)."""
    package, _, name = bound.rpartition(".")
    return name == last == inside and module.startswith(f"{package}.")


def _is_mangled(name: str) -> bool:
    return name.startswith("__") and not name.endswith("__")


def _is_sayable(parts: Sequence[str]) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)


def _imports_relatively(module: Module, data: bytes) -> bool:
    """Whether the file writes imports of its own package with dots, and none without."""
    own = module.name.partition(".")[0]
    mine = [found for found in module.imports if found.module.partition(".")[0] == own and found.name is not None]
    texts = [data[found.span.start : found.span.end].split() for found in mine]
    return bool(texts) and all(len(text) > 1 and text[1].startswith(b".") for text in texts)
