"""Evidence: a project and what its checker inferred in; for every slot what named rules say of it out, with the rule.

A rule looks at one place and answers with a type or keeps silent; it never guesses. Whether its word is enough is
measured elsewhere (`typeinfer evaluate --rules`). `tests/spec/python/rules/*.md` shows each at work. Knows no language.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from typeinfer.languages.language import Language
from typeinfer.program.arguments import bind
from typeinfer.program.containers import Containers, Put, puts_of
from typeinfer.program.project import Project
from typeinfer.values.handed import Handed
from typeinfer.values.inferred import CallTarget, Inference
from typeinfer.values.module import (
    Assignment,
    Attribute,
    Awaited,
    Call,
    CallSite,
    Choice,
    Class,
    Constant,
    Display,
    Function,
    Module,
    Name,
    Parameter,
    ParameterKind,
    Value,
)
from typeinfer.values.predictions import Evidence
from typeinfer.values.slots import Slot, SlotId, SlotKind
from typeinfer.values.source import Span
from typeinfer.values.typeexpr import (
    NONE,
    UNKNOWN,
    Named,
    Record,
    Tuple,
    TypeExpr,
    Union,
    Unknown,
    depth,
    is_complete,
    is_none,
    join,
    optional,
    replaced,
    union,
    walk,
    without,
    without_none,
)

DEEPEST = 4
WIDEST = 4
"""Types deeper or unions wider than these are what a checker adds up, not what an author writes."""

ENDING = 4
"""Letters that a name must share with the end of a class's name to be named for it: `options`, not `id`."""

PATTERN_PARTS = ("options", "props", "params", "args", "config", "opts")
"""What a parameter without a name is called in the name of its type."""

SITES = 40
"""Call sites looked at for one parameter."""

STARRED = (ParameterKind.VARIADIC, ParameterKind.KEYWORDS)


def every_slot(slot: Slot) -> bool:
    return True


def gather(
    project: Project, inference: Inference, wanted: Callable[[Slot], bool] = every_slot
) -> dict[SlotId, tuple[Evidence, ...]]:
    """What every rule says of every slot that is wanted and has no annotation that says something, in the order of the rules."""
    witness = Witness(project, inference, wanted)
    found: dict[SlotId, tuple[Evidence, ...]] = {}
    for module in project.modules.values():
        language = project.language_of(module.file.path)
        for slot, said in witness.of_module(module):
            shaped = (one for rule, term in said for one in witness.shaped(rule, term))
            sayable = ((rule, term) for rule, term in shaped if _sayable(term, language) and witness.is_whole(term))
            if evidence := tuple(Evidence(slot.id, term, rule) for rule, term in sayable):
                found[slot.id] = evidence
    return found


def _sayable(term: TypeExpr, language: Language) -> bool:
    if not is_complete(term) or depth(term) > DEEPEST or not language.is_writable(term):
        return False
    # An empty display is a list of something that nobody has said yet.
    if any(isinstance(part, Named) and part.name in language.needs_arguments and not part.args for part in walk(term)):
        return False
    return not isinstance(term, Union) or len(term.members) <= WIDEST


Said = tuple[str, TypeExpr]


@dataclass(frozen=True)
class Witness:
    """The rules over one project. Each yields `(rule, type)`; types with holes are dropped by `gather`."""

    project: Project
    inference: Inference
    wanted: Callable[[Slot], bool] = every_slot

    def is_whole(self, term: TypeExpr) -> bool:
        """Whether every class of the project in a type has the arguments that it can't be without."""
        return all(
            part.args or (found := self.project.declared_class(part.name)) is None or not found[1].required_arguments
            for part in walk(term)
            if isinstance(part, Named) and "." in part.name
        )

    def shaped(self, rule: str, term: TypeExpr) -> Iterator[Said]:
        """What a rule says, and the same by name: an object type with the fields of one class of the project is that class."""
        yield rule, term
        named = replaced(term, lambda part: self.class_shaped(part) if isinstance(part, Record) else part)
        if named != term:
            yield f"{rule}-shape", named

    def class_shaped(self, record: Record) -> TypeExpr:
        """The one class with these fields, those left aside that may be missing; else the record as it is."""
        given = frozenset(name.rstrip("?") for name, _ in record.fields)
        required = frozenset(name for name, _ in record.fields if not name.endswith("?"))
        fitting = [
            name
            for name, (always, sometimes) in self.fields_by_class.items()
            if given and always <= given <= always | sometimes and required <= always | sometimes
        ]
        exact = [name for name in fitting if given == self.fields_by_class[name][0]]
        chosen = exact if len(exact) == 1 else fitting
        return Named(chosen[0]) if len(chosen) == 1 else record

    @cached_property
    def fields_by_class(self) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
        """For each class that declares its fields, those that are always there and those that may be missing."""
        own: dict[str, tuple[set[str], set[str]]] = {}
        for module in self.project.modules.values():
            for declared in module.classes:
                if not declared.constructs and not declared.type_parameters:
                    own[f"{module.name}.{declared.qualname}"] = (set(), set())
            for slot in module.slots:
                known = own.get(f"{module.name}.{slot.id.qualname}")
                if slot.id.kind is SlotKind.ATTRIBUTE and known is not None:
                    # A mark between the name and its type says that the field may be missing.
                    known[slot.insert_at > slot.span.end].add(slot.id.name)
            for function in module.functions:
                if function.owner is not None and (known := own.get(f"{module.name}.{function.owner}")) is not None:
                    known[False].add(function.name)
        whole: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        for name in own:
            holders = [own[one] for one in (name, *self.project.ancestors(name)) if one in own]
            always = frozenset(field for holder in holders for field in holder[0])
            sometimes = frozenset(field for holder in holders for field in holder[1]) - always
            if always or sometimes:
                whole[name] = (always, sometimes)
        return whole

    def of_module(self, module: Module) -> Iterator[tuple[Slot, list[Said]]]:
        for function in module.functions:
            yield from self.of_function(module, function)
        values: dict[SlotId, list[Assignment]] = defaultdict(list)
        for assignment in module.assignments:
            if assignment.slot is not None:
                values[assignment.slot.id].append(assignment)
        for assignments in values.values():
            slot = assignments[0].slot
            if slot is not None and self.is_open(module, slot):
                yield slot, list(self.assigned(module, slot, assignments))

    def is_open(self, module: Module, slot: Slot) -> bool:
        """Wanted, and without an annotation, or with one that says nothing (`Any`), which a caller may want replaced."""
        if not self.wanted(slot):
            return False
        return slot.written is None or self.language(module).parse_type(module.file.at(slot.written)) == UNKNOWN

    def of_function(self, module: Module, function: Function) -> Iterator[tuple[Slot, list[Said]]]:
        for parameter in function.parameters:
            if parameter.slot is not None and self.is_open(module, parameter.slot):
                default = self.default_type(module, function, parameter)
                language = self.language(module)
                said = [
                    (rule, with_default(language, default, term))
                    for rule, term in self.parameter(module, function, parameter)
                ]
                if parameter.optional:
                    # `x?: T` says by its mark that x may be missing.
                    said = [(rule, without(NONE, term)) for rule, term in said]
                yield parameter.slot, said
        if function.result is not None and self.is_open(module, function.result):
            yield function.result, list(self.result(module, function))

    # --- parameters -------------------------------------------------------------------------------------------------

    def default_type(self, module: Module, function: Function, parameter: Parameter) -> TypeExpr:
        # A default is evaluated where the function is defined, not inside it.
        scope = function.qualname.rpartition(".")[0]
        if parameter.default is None or self.may_mark(module, scope, parameter.default):
            return UNKNOWN
        return self.type_of(module, scope, parameter.default)

    def parameter(self, module: Module, function: Function, parameter: Parameter) -> Iterator[Said]:
        if parameter.kind in STARRED:
            return  # `*exc` stands for three parameters of what it overrides, not for the first of them.
        yield from self.inherited(module, function, parameter.name)
        yield from self.overloads(module, function, parameter.name)
        yield from self.default(module, function, parameter)
        yield from self.documented(module, function, parameter.name)
        yield from self.setter(module, function)
        if (lent := self.lent.get((module.file.path, function.name_span, parameter.name))) is not None:
            yield "library-override", lent
        yield from self.call_sites(module, function, parameter)
        yield from self.used(module, function, parameter)
        if (hint := self.language(module).names_hint(parameter.name)) is not None:
            yield "name", hint
        yield from self.named_alike(module, parameter.name)
        yield from self.named_for_owner(module, function, parameter.name)
        yield from self.members(module, function, parameter)
        seen = self.inference.of(module.file.path).variables.get(parameter.slot.span) if parameter.slot else None
        if seen is not None:
            yield "checker-parameter", seen

    def default(self, module: Module, function: Function, parameter: Parameter) -> Iterator[Said]:
        value = parameter.default
        if value is None or (isinstance(value, Constant) and is_none(value.type)):
            return
        if isinstance(value, Constant):
            yield "default-literal", value.type
        elif isinstance(value, Display):
            yield "default-display", self.type_of(module, function.qualname, value)
        else:
            yield "default-value", self.default_type(module, function, parameter)

    def setter(self, module: Module, function: Function) -> Iterator[Said]:
        """A property's setter takes what its getter gives."""
        if self.language(module).is_setter(function):
            for getter in module.functions:
                if getter.qualname == function.qualname and self.language(module).is_property(getter):
                    yield "setter", self.known_result(module, getter)

    def call_sites(self, module: Module, function: Function, parameter: Parameter) -> Iterator[Said]:
        """The types of the arguments that the project passes. One unknown argument makes the rule weaker, by name."""
        seen = self.arguments.get((module.file.path, function.name_span, parameter.name), ())
        if not seen:
            return
        known = [term for term in seen if not isinstance(term, Unknown)]
        if known:
            whole = "call-sites" if len(known) == len(seen) else "some-call-sites"
            several = "" if len(known) == 1 else "-several"
            yield f"{whole}{several}", join(known)

    @cached_property
    def arguments(self) -> dict[tuple[str, Span, str], list[TypeExpr]]:
        """For each parameter that is wanted the types passed to it, from the calls that the checker or the names of the project tie
        to it."""
        passed: dict[tuple[str, Span, str], list[TypeExpr]] = defaultdict(list)
        asked = self.functions_asked_about
        reaching = frozenset(self.inference.reaching(asked))
        for module in self.project.modules.values():
            if module.file.path not in reaching:
                continue
            targets = self.inference.of(module.file.path).targets
            for site in module.calls:
                for target in targets.get(site.call.span, ()):
                    found = self.functions.get((target.path, target.name_span)) if target in asked else None
                    if found is None:
                        continue
                    for argument, parameter in bind(self.project, module, site, found[1]):
                        key = (target.path, target.name_span, parameter.name)
                        if parameter.kind not in STARRED and len(passed[key]) < SITES:
                            passed[key].append(self.type_of(module, site.scope, argument.value))
        for key, terms in self.handed.items():
            passed[key] += terms[:SITES]
        return passed

    @cached_property
    def handed(self) -> dict[tuple[str, Span, str], list[TypeExpr]]:
        """For each parameter that is wanted the types of what it gets from whoever runs its function, though the project calls it
        nowhere."""
        found: dict[tuple[str, Span, str], list[TypeExpr]] = defaultdict(list)
        for module, function, given in self.run_by_others:
            path, span, scope = module.file.path, function.name_span, function.qualname.rpartition(".")[0]
            for name, values in given.values.items():
                found[path, span, name] += [self.type_of(module, scope, value) for value in values]
            for name in given.asked:
                if (offered := self._offered(module, function, name)) is not None:
                    found[path, span, name].append(self._given(*offered))
        return found | {key: [term] for key, term in self.lent.items()}

    @cached_property
    def lent(self) -> dict[tuple[str, Span, str], TypeExpr]:
        """For each parameter that is wanted the type of what a library runs its function with, by the library's own word."""
        return {
            (module.file.path, function.name_span, name): term
            for module, function, given in self.run_by_others
            for name, term in given.types.items()
            if name not in given.asked or self._offered(module, function, name) is None
        }

    @cached_property
    def run_by_others(self) -> list[tuple[Module, Function, Handed]]:
        return [
            (module, function, given)
            for module in self.project.modules.values()
            for function in module.functions
            if CallTarget(module.file.path, function.name_span) in self.functions_asked_about
            and (given := self.language(module).handed(module, function)) is not None
        ]

    def _offered(self, module: Module, function: Function, name: str) -> tuple[Module, Function] | None:
        """The function whose result is handed over under a name: the nearest, and never the function itself."""
        path = module.file.path
        ways = (self.offers.get((place, name)) for place in (path, *self.language(module).offering(path)))
        return next((found for found in ways if found is not None and found[1] is not function), None)

    def _given(self, module: Module, function: Function) -> TypeExpr:
        """What a function returns, or yields once."""
        result = self.known_result(module, function)
        if not function.is_generator:
            return result
        return result.args[0] if isinstance(result, Named) and result.args else UNKNOWN

    @cached_property
    def offers(self) -> dict[tuple[str, str], tuple[Module, Function]]:
        """By path and name, what gives something to whoever asks for it by that name."""
        return {
            (module.file.path, name): (module, function)
            for module in self.project.modules.values()
            for function in module.functions
            if function.decorators and (name := self.language(module).offered_as(module, function)) is not None
        }

    @cached_property
    def functions_asked_about(self) -> frozenset[CallTarget]:
        """Those of which a parameter is wanted."""
        return frozenset(
            CallTarget(module.file.path, function.name_span)
            for module in self.project.modules.values()
            for function in module.functions
            if any(one.slot is not None and self.is_open(module, one.slot) for one in function.parameters)
        )

    def used(self, module: Module, function: Function, parameter: Parameter) -> Iterator[Said]:
        """Uses that few types admit. None of these is enough alone."""
        uses = [usage for usage in function.usages if usage.name == parameter.name]
        compared = {usage.other for usage in uses if usage.form.startswith("compare") and usage.other != NONE}
        compared.discard(UNKNOWN)
        if len(compared) == 1:
            yield "compared", next(iter(compared))
        combined = {
            usage.other
            for usage in uses
            # "%s" % x says nothing of x.
            if usage.form.startswith("operator")
            and usage.form != "operator % right"
            and not isinstance(usage.other, Unknown)
        }
        if len(combined) == 1:
            yield "operator", next(iter(combined))
        methods = {usage.form.partition(" ")[2] for usage in uses if usage.form.startswith("method ")}
        language = self.language(module)
        if methods and methods <= language.text_methods:
            yield "text-methods", language.text_type
        yield from self.forwarded(module, function, parameter)

    def forwarded(self, module: Module, function: Function, parameter: Parameter) -> Iterator[Said]:
        """A parameter that is only handed on takes what the function it goes to takes."""
        terms = []
        for site in self.calls_in(module).get(function.qualname, ()):
            if not any(_is_name(argument.value, parameter.name) for argument in site.call.arguments):
                continue
            for target in self.inference.of(module.file.path).targets.get(site.call.span, ()):
                found = self.functions.get((target.path, target.name_span))
                if found is None:
                    continue
                callee_module, callee = found
                for argument, taken in bind(self.project, module, site, callee):
                    if (
                        _is_name(argument.value, parameter.name)
                        and taken.slot is not None
                        and taken.kind not in STARRED
                    ):
                        written = self.project.written_type(callee_module, taken.slot)
                        if written is not None:
                            terms.append(written)
        if terms:
            yield "forwarded", join(terms)
        yield from self.expected(module, function, parameter)

    def expected(self, module: Module, function: Function, parameter: Parameter) -> Iterator[Said]:
        """What the checker knows that the functions take to which the parameter goes, the library's among them."""
        expected = self.inference.of(module.file.path).expected
        terms = {
            expected[argument.value.span]
            for site in self.calls_in(module).get(function.qualname, ())
            for argument in site.call.arguments
            if _is_name(argument.value, parameter.name) and argument.value.span in expected
        }
        if len(terms) == 1:
            yield "expected", next(iter(terms))

    def named_alike(self, module: Module, name: str) -> Iterator[Said]:
        """A name like that of a class of the project, or of parameters or attributes elsewhere whose type is written."""
        bare = _bare(name)
        classes = self.classes_by_name.get(bare, [])
        if len(classes) == 1:
            bound = any(found.alias == classes[0].rpartition(".")[2] for found in module.imports)
            here = self.project.split(classes[0])
            near = bound or (here is not None and here[0].file.path == module.file.path)
            yield "class-name" if near else "class-name-far", Named(classes[0])
        elif len(imported := self.imported_by_name.get(bare, ())) == 1:
            (qualified,) = imported
            near = any(found.alias == qualified.rpartition(".")[2] for found in module.imports)
            yield "import-name" if near else "import-name-far", Named(qualified)
        elif len(bare) >= ENDING:
            ending = [declared for declared in self.classes_in(module) if _bare(declared.name).endswith(bare)]
            if len(ending) == 1 and _bare(ending[0].name) != bare:
                yield "class-ending", Named(f"{module.name}.{ending[0].qualname}")
        if (agreed := _agreed(self.written_by_name.get(name))) is not None:
            yield "same-name" if agreed[1] > 1 else "same-name-once", agreed[0]
        if (agreed := _agreed(self.fields_by_name.get(name))) is not None:
            yield "same-name-field" if agreed[1] > 1 else "same-name-field-once", agreed[0]

    def named_for_owner(self, module: Module, function: Function, part: str) -> Iterator[Said]:
        """A class named for the function or class together with its part: the `options` of `Cart` are `CartOptions`."""
        owners = [function.name, *((function.owner or "").split(".")[-1:])]
        parts = PATTERN_PARTS if part.startswith("__") else (_bare(part),)
        found = {
            classes[0]
            for owner in owners
            for what in parts
            if len(classes := self.classes_by_name.get(_bare(owner) + what, ())) == 1 and _bare(owner)
        }
        if len(found) == 1:
            yield "owner-name", Named(found.pop())

    def classes_in(self, module: Module) -> Iterator[Class]:
        """The classes at the top of a module."""
        return (declared for declared in module.classes if "." not in declared.qualname)

    @cached_property
    def fields_by_name(self) -> dict[str, Counter[TypeExpr]]:
        """What attributes of each name are annotated with, in the whole project."""
        found: dict[str, Counter[TypeExpr]] = defaultdict(Counter)
        for module in self.project.modules.values():
            for slot in module.slots:
                if slot.id.kind is SlotKind.ATTRIBUTE and slot.written is not None:
                    term = self.project.written_type(module, slot)
                    if term is not None and not isinstance(term, Unknown):
                        found[slot.id.name][term] += 1
        return found

    @cached_property
    def classes_by_name(self) -> dict[str, list[str]]:
        """The classes at the top of modules by their lowered name: `EvalContext` is a parameter's `eval_context`."""
        found: dict[str, list[str]] = defaultdict(list)
        for module in self.project.modules.values():
            for declared in module.classes:
                if "." not in declared.qualname:
                    found[_bare(declared.name)].append(f"{module.name}.{declared.qualname}")
        return found

    @cached_property
    def imported_by_name(self) -> dict[str, set[str]]:
        """What files of the project import from other people's packages under names like those of classes."""
        found: dict[str, set[str]] = defaultdict(set)
        for module in self.project.modules.values():
            for one in module.imports:
                # CONSTANTS are no classes, and what is renamed is called otherwise here.
                is_class = one.alias[:1].isupper() and not one.alias.isupper() and one.alias == one.name
                if is_class and self.project.split(one.module) is None:
                    found[_bare(one.alias)].add(f"{one.module}.{one.name}")
        return found

    @cached_property
    def written_by_name(self) -> dict[str, Counter[TypeExpr]]:
        """What parameters of each name are annotated with, in the whole project."""
        found: dict[str, Counter[TypeExpr]] = defaultdict(Counter)
        for module in self.project.modules.values():
            for function in module.functions:
                for parameter in function.parameters:
                    if (
                        parameter.slot is not None
                        and parameter.slot.written is not None
                        and parameter.kind not in STARRED
                    ):
                        term = self.project.written_type(module, parameter.slot)
                        if term is not None and not isinstance(term, Unknown):
                            found[parameter.name][term] += 1
        return found

    def members(self, module: Module, function: Function, parameter: Parameter) -> Iterator[Said]:
        """The one class of the project that has every member that the body asks the parameter for."""
        asked = {
            usage.form.partition(" ")[2]
            for usage in function.usages
            if usage.name == parameter.name and usage.form.startswith(("attribute ", "method "))
        }
        asked -= self.language(module).common_members
        if not asked:
            return
        fitting = set.intersection(*(self.classes_by_member.get(name, set()) for name in asked))
        # Of a family that has them all, the eldest: what a subclass adds was not asked for.
        eldest = [name for name in sorted(fitting) if not fitting.intersection(self.project.ancestors(name))]
        if len(eldest) == 1:
            yield "members" if len(asked) > 1 else "member", Named(eldest[0])

    @cached_property
    def classes_by_member(self) -> dict[str, set[str]]:
        own: dict[str, set[str]] = defaultdict(set)
        for module in self.project.modules.values():
            for function in module.functions:
                if function.owner is not None:
                    own[f"{module.name}.{function.owner}"].add(function.name)
            for slot in module.slots:
                if slot.id.kind is SlotKind.ATTRIBUTE:
                    own[f"{module.name}.{slot.id.qualname}"].add(slot.id.name)
        found: dict[str, set[str]] = defaultdict(set)
        for module in self.project.modules.values():
            for declared in module.classes:
                qualified = f"{module.name}.{declared.qualname}"
                for holder in (qualified, *self.project.ancestors(qualified)):
                    for name in own.get(holder, ()):
                        found[name].add(qualified)
        return found

    @cached_property
    def functions(self) -> dict[tuple[str, Span], tuple[Module, Function]]:
        return {
            (module.file.path, function.name_span): (module, function)
            for module in self.project.modules.values()
            for function in module.functions
        }

    @cached_property
    def _calls_by_module(self) -> dict[str, dict[str, list[CallSite]]]:
        return {}

    def calls_in(self, module: Module) -> dict[str, list[CallSite]]:
        known = self._calls_by_module.get(module.file.path)
        if known is None:
            known = defaultdict(list)
            for site in module.calls:
                known[site.scope].append(site)
            self._calls_by_module[module.file.path] = known
        return known

    # --- parameters and results alike -------------------------------------------------------------------------------

    def overloads(self, module: Module, function: Function, part: str) -> Iterator[Said]:
        """What the overload declarations of a function say, all together, of the one that they declare."""
        declared = self.overloads_in(module).get(function.qualname, ()) if not function.overloaded else ()
        terms = []
        for overload in declared:
            slot = _counterpart(function, overload, part)
            if slot is None:
                continue  # It takes fewer, and the one that it declares has a mark or a default for that.
            written = self.project.written_type(module, slot)
            if written is None:
                return
            terms.append(without_none(written) if isinstance(written, Union) else written)
        if terms:
            yield "overloads", union(terms)

    @cached_property
    def _overload_tables(self) -> dict[str, dict[str, list[Function]]]:
        return {}

    def overloads_in(self, module: Module) -> Mapping[str, Sequence[Function]]:
        known = self._overload_tables.get(module.file.path)
        if known is None:
            known = defaultdict(list)
            for function in module.functions:
                if function.overloaded:
                    known[function.qualname].append(function)
            self._overload_tables[module.file.path] = known
        return known

    def inherited(self, module: Module, function: Function, part: str) -> Iterator[Said]:
        """What the language fixes, what an overridden method of the project or of the library says, by position."""
        language = self.language(module)
        fixed = language.protocol_type(function, part)
        if fixed is not None:
            # A rule of its own: authors often write less of what ends a `with` than the language would have them.
            yield "exit-method" if function.name in language.exit_methods else "special-method", fixed
        if function.owner is None:
            return
        above = self.project.overridden(module, function)
        if above is not None and (slot := _counterpart(function, above[1], part)) is not None:
            written = self.project.written_type(above[0], slot)
            if written is not None:
                yield "overridden", written
        for ancestor in self.project.ancestors(f"{module.name}.{function.owner}"):
            if ancestor == "object" or self.project.declared_class(ancestor) is not None:
                continue
            declared = language.library_signature(ancestor, function.name)
            if declared:
                yield "library-override", _at_position(function, declared, part)
                return

    def documented(self, module: Module, function: Function, part: str) -> Iterator[Said]:
        term = self._documented(module, function).get(part)
        is_constructor = function.name == self.language(module).constructor and function.owner is not None
        if term is None and part != "return" and is_constructor and function.owner is not None:
            # Constructors are often documented in the class's docstring.
            term = self._documented(module, module.class_at.get(function.owner)).get(part)
        if term is not None:
            yield "docstring", self.project.qualify(module, function.qualname, term)

    def _documented(self, module: Module, declared: Function | Class | None) -> Mapping[str, TypeExpr]:
        docstring = declared.docstring if declared else None
        return self.language(module).documented_types(docstring) if docstring else {}

    # --- results ----------------------------------------------------------------------------------------------------

    def result(self, module: Module, function: Function) -> Iterator[Said]:
        yield from self.inherited(module, function, "return")
        yield from self.overloads(module, function, "return")
        documented = self._documented(module, function)
        for part in ("return", "yield"):
            if (term := documented.get(part)) is not None:
                yield (
                    "docstring",
                    self.wrapped(module, function, self.project.qualify(module, function.qualname, term), part),
                )
        if not function.overloaded:
            yield from self.returned(module, function)
            yield from self.checked(module, function)
        language = self.language(module)
        # A function that can or should do something may do it; one that is or has something tells whether.
        asks = function.name.lstrip("_").startswith(("is", "has"))
        if asks and language.names_hint(function.name) == language.truth_type:
            yield "name", language.truth_type

    def wrapped(self, module: Module, function: Function, term: TypeExpr, part: str) -> TypeExpr:
        """The annotation of a function that is documented to return, or to yield, a type."""
        returned, yielded = (term, UNKNOWN) if part == "return" else (UNKNOWN, term)
        return self.language(module).wrap_result(function, returned, yielded)

    def returned(self, module: Module, function: Function) -> Iterator[Said]:
        """What the body's own `return`s give away."""
        if function.is_generator:
            yielded = [self.type_of(module, function.qualname, value) if value else NONE for value in function.yields]
            if all(value is None for value in function.returns):
                yield (
                    "yields",
                    self.language(module).wrap_result(
                        function, UNKNOWN, join(yielded) if UNKNOWN not in yielded else UNKNOWN
                    ),
                )
            return
        values = [value for value in function.returns if not _is_none(value)]
        if not values:
            nothing = self.language(module).wrap_result(function, NONE, UNKNOWN)
            if function.body_is_stub:
                yield "returns-nothing-stub", nothing
            elif function.falls_through or function.returns:
                yield "returns-nothing", nothing
            return
        rule, term = self.returned_type(module, function, values)
        if function.falls_through or len(values) < len(function.returns):
            rule, term = rule + "-or-none", optional(term) if not isinstance(term, Unknown) else term
        if not isinstance(term, Unknown):
            yield rule, self.language(module).wrap_result(function, term, UNKNOWN)

    def returned_type(self, module: Module, function: Function, values: Sequence[Value | None]) -> Said:
        forms = {value.form for value in values if isinstance(value, Constant)}
        terms = [self.type_of(module, function.qualname, value) for value in values if value is not None]
        if all(isinstance(value, Constant) for value in values):
            rule = f"returns-{'-'.join(sorted(forms))}"
        elif all(isinstance(value, Call) for value in values):
            rule = "returns-call"
        elif all(isinstance(value, Display) for value in values):
            rule = "returns-display"
        else:
            rule = "returns-value"
        return rule, UNKNOWN if UNKNOWN in terms else join(terms)

    def checked(self, module: Module, function: Function) -> Iterator[Said]:
        """What the checker infers the function to return."""
        seen = self.inference.of(module.file.path).results.get(function.name_span)
        if seen is None:
            return
        if function.owner is not None and any(
            isinstance(value, Name) and function.parameters and value.name == function.parameters[0].name
            for value in function.returns
        ):
            yield "checker-return-self", self.language(module).unwrap_result(function, seen)
            return
        if function.body_is_stub and seen == NONE:
            yield "checker-return-stub", NONE
            return
        is_foreign = function.result is not None and function.result.id in self.inference.seen
        yield (
            "installed-return" if is_foreign else "checker-return",
            self.language(module).unwrap_result(function, seen),
        )

    def known_result(self, module: Module, function: Function) -> TypeExpr:
        if function.result is None:
            return UNKNOWN
        written = self.project.written_type(module, function.result)
        if written is not None:
            return written
        seen = self.inference.of(module.file.path).results.get(function.name_span, UNKNOWN)
        return self.language(module).unwrap_result(function, seen)

    # --- attributes and variables -----------------------------------------------------------------------------------

    def assigned(self, module: Module, slot: Slot, assignments: Sequence[Assignment]) -> Iterator[Said]:
        """What the values bound to a name give away, all of them together. Of a function its own slots say all there is."""
        if f"{slot.id.qualname}.{slot.id.name}".lstrip(".") in module.function_at:
            return
        bound = [(assignment.scope, assignment.value) for assignment in assignments if assignment.value is not None]
        values = [value for _, value in bound]
        terms = [
            # In the body of a class it is for whoever made the class's base to say what becomes of it.
            UNKNOWN
            if slot.id.kind is SlotKind.ATTRIBUTE and scope == slot.id.qualname and self.may_mark(module, scope, value)
            else self.type_of(module, scope, value)
            for scope, value in bound
        ]
        known = [term for term in terms if not isinstance(term, Unknown)]
        if slot.id.kind is SlotKind.ATTRIBUTE:
            class_documented = self._documented(module, module.class_at.get(slot.id.qualname)).get(slot.id.name)
            if class_documented is not None:
                yield "docstring", self.project.qualify(module, slot.id.qualname, class_documented)
            yield from self.inherited_attribute(module, slot)
            yield from self.named_alike(module, slot.id.name)
        if known and len(known) == len(terms):
            shape = "literal" if all(isinstance(value, Constant) for value in values) else "value"
            yield f"assigned-{shape}{'-several' if len(set(known)) > 1 else ''}", join(known)
        elif known and any(term != NONE for term in known):
            yield "assigned-some", join(known)
        yield from Containers(self.project, self.type_of, self.puts).filled(module, slot, bound)
        seen = self.inference.of(module.file.path).variables.get(slot.bare_span)
        if seen is not None:
            yield "installed-variable" if slot.id in self.inference.seen else "checker-variable", seen

    @cached_property
    def puts(self) -> Mapping[str, Sequence[Put]]:
        return puts_of(self.project)

    def inherited_attribute(self, module: Module, slot: Slot) -> Iterator[Said]:
        for ancestor in self.project.ancestors(f"{module.name}.{slot.id.qualname}"):
            found = self.project.declared_class(ancestor)
            if found is None:
                continue
            for other in self._attributes(found[0]).get((found[1].qualname, slot.id.name), ()):
                written = self.project.written_type(found[0], other)
                if written is not None:
                    yield "overridden", written
                    return

    @cached_property
    def _attribute_tables(self) -> dict[str, dict[tuple[str, str], list[Slot]]]:
        return {}

    def _attributes(self, module: Module) -> dict[tuple[str, str], list[Slot]]:
        known = self._attribute_tables.get(module.file.path)
        if known is None:
            known = defaultdict(list)
            for slot in module.slots:
                if slot.id.kind is SlotKind.ATTRIBUTE:
                    known[slot.id.qualname, slot.id.name].append(slot)
            self._attribute_tables[module.file.path] = known
        return known

    # --- values -----------------------------------------------------------------------------------------------------

    def type_of(self, module: Module, scope: str, value: Value) -> TypeExpr:
        """The type of an expression, from its form, from what is written, and from the checker, in this order."""
        match value:
            case Constant(term, _, _):
                return term
            case Display(constructor, parts, _):
                return self._display(module, scope, constructor, parts)
            case Choice(options, span):
                known = self.inference.of(module.file.path).expressions.get(span)
                terms = [self.type_of(module, scope, option) for option in options]
                return known or (UNKNOWN if UNKNOWN in terms else join(terms))
            case Awaited(inner, _):
                seen = self.type_of(module, scope, inner)
                promised = isinstance(seen, Named) and seen.name in self.language(module).awaitables and seen.args
                return seen.args[-1] if isinstance(seen, Named) and promised else UNKNOWN
            case Call(callee, _, span):
                known = self.inference.of(module.file.path).expressions.get(span)
                return known if known is not None else self._made(module, scope, callee)
            case Name(name, span):
                known = self.inference.of(module.file.path).expressions.get(span)
                if known is not None and is_complete(known):
                    return known
                written = self._written_parameter(module, scope, name)
                return written if written != UNKNOWN else self._made_before(module, scope, name)
            case Attribute(base, name, span):
                known = self.inference.of(module.file.path).expressions.get(span)
                return known if known is not None else self._field(module, scope, base, name)
        return UNKNOWN

    def _display(self, module: Module, scope: str, constructor: str, parts: tuple[tuple[Value, ...], ...]) -> TypeExpr:
        inner = [[self.type_of(module, scope, value) for value in part] for part in parts]
        if constructor == "tuple":
            return Tuple(tuple(terms[0] for terms in inner))
        if any(not terms for terms in inner):
            return Named(constructor)
        args = [UNKNOWN if UNKNOWN in terms else join(terms) for terms in inner]
        return UNKNOWN if UNKNOWN in args else Named(constructor, tuple(args))

    def _made(self, module: Module, scope: str, callee: Value) -> TypeExpr:
        """What calling a class gives, or what by its name is a class of somebody else's package."""
        target = self.project.resolve(module, scope, callee)
        if target is None:
            return UNKNOWN
        found = self.project.declared_class(target)
        if found is not None:
            return Named(target) if found[1].constructs else UNKNOWN
        return Named(target) if self._is_foreign(module, target) else UNKNOWN

    def _made_before(self, module: Module, scope: str, name: str) -> TypeExpr:
        """What a local name holds that is bound once, by calling a class."""
        function, values = module.function_at.get(scope), self._values(module).get((scope, name), ())
        is_local = function is not None and all(parameter.name != name for parameter in function.parameters)
        if not is_local or len(values) != 1 or not isinstance(values[0], Call):
            return UNKNOWN
        return self._made(module, scope, values[0].callee)

    @cached_property
    def _value_tables(self) -> dict[str, dict[tuple[str, str], list[Value | None]]]:
        return {}

    def _values(self, module: Module) -> Mapping[tuple[str, str], Sequence[Value | None]]:
        """What is bound to each name, by the function that binds it."""
        known = self._value_tables.get(module.file.path)
        if known is None:
            known = defaultdict(list)
            for assignment in module.assignments:
                known[assignment.scope, assignment.name].append(assignment.value)
            self._value_tables[module.file.path] = known
        return known

    def _is_foreign(self, module: Module, target: str) -> bool:
        language = self.language(module)
        within = self.project.split(target) is not None or language.is_library(target.partition(".")[0])
        return "." in target and not within and language.names_type(target)

    def may_mark(self, module: Module, scope: str, value: Value | None) -> bool:
        """Whether a value may be a mark for a framework that puts something else in its place: `Query(None)`, `Column(Integer)`."""
        if not isinstance(value, Call) or value.span in self.inference.of(module.file.path).expressions:
            return False
        target = self.project.resolve(module, scope, value.callee)
        return target is not None and self._is_foreign(module, target)

    def _written_parameter(self, module: Module, scope: str, name: str) -> TypeExpr:
        function = module.function_at.get(scope)
        for parameter in function.parameters if function else ():
            if parameter.name == name and parameter.slot is not None and parameter.kind not in STARRED:
                return self.project.written_type(module, parameter.slot) or UNKNOWN
        return UNKNOWN

    def _field(self, module: Module, scope: str, base: Value, name: str) -> TypeExpr:
        if isinstance(base, Name) and (owner := self.project.receiver_class(module, scope, base.name)):
            for holder in (owner, *self.project.ancestors(owner)):
                if (known := self.inference.fields.get(holder, {}).get(name)) is not None:
                    return known
            return UNKNOWN
        seen = self.type_of(module, scope, base)
        return self.inference.fields.get(seen.name, {}).get(name, UNKNOWN) if isinstance(seen, Named) else UNKNOWN

    def language(self, module: Module) -> Language:
        return self.project.language_of(module.file.path)


def with_default(language: Language, default: TypeExpr, term: TypeExpr) -> TypeExpr:
    """What a rule says of a parameter, given the type of its default.

    A default of None lets None in: def f(x=None) takes at least that. A plain type that the default is no member of is
    wrong, whoever says it: def f(size=_UNSET) takes no `int`, not only that.
    """
    if isinstance(term, Unknown) or isinstance(default, Unknown):
        return term
    if is_none(default):
        return union((term, default))
    members = term.members if isinstance(term, Union) else (term,)
    given = default.members if isinstance(default, Union) else (default,)
    # Of other types too little is known: the default may be of a subclass.
    plain = all(isinstance(member, Named) and member.name in language.plain_types for member in members)
    fits = all(
        part in members or any((_name(part), _name(member)) in language.wider for member in members) for part in given
    )
    return term if fits or not plain else UNKNOWN


def _name(term: TypeExpr) -> str:
    return term.name if isinstance(term, Named) else ""


def _bare(name: str) -> str:
    """A name without what tells conventions apart: `eval_context` and `EvalContext` are one."""
    return name.replace("_", "").lower()


def _agreed(written: Counter[TypeExpr] | None) -> tuple[TypeExpr, int] | None:
    """The type that four in five agree on, less None, and how many were asked."""
    if not written:
        return None
    total = sum(written.values())
    term, count = max(written.items(), key=lambda pair: (pair[1], repr(pair[0])))
    return (without_none(term) if isinstance(term, Union) else term, total) if count * 5 >= total * 4 else None


def _is_name(value: Value, name: str) -> bool:
    return isinstance(value, Name) and value.name == name


def _is_none(value: Value | None) -> bool:
    return value is None or (isinstance(value, Constant) and value.form == "none")


def _counterpart(function: Function, above: Function, part: str) -> Slot | None:
    """The slot of an overridden method that stands where `part` stands in the overriding one."""
    if part == "return":
        return above.result
    taken = {parameter.name: parameter for parameter in above.parameters}
    if part in taken:
        return taken[part].slot
    here = [parameter for parameter in function.parameters if parameter.slot is not None]
    there = [parameter for parameter in above.parameters if parameter.slot is not None]
    at = next(index for index, parameter in enumerate(here) if parameter.name == part)
    matches = at < len(there) and here[at].kind is there[at].kind is ParameterKind.POSITIONAL
    return there[at].slot if matches else None


def _at_position(function: Function, declared: Mapping[str, TypeExpr], part: str) -> TypeExpr:
    if part in declared:
        return declared[part]
    here = [parameter.name for parameter in function.parameters if parameter.slot is not None]
    there = [name for name in declared if name != "return"]
    at = here.index(part) if part in here else len(there)
    return declared[there[at]] if at < len(there) and len(here) == len(there) else UNKNOWN
