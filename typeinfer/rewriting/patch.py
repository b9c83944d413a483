"""Patch: types placed in one file in; a `Changed` with the edits that write them out, or the reason it must not be.

Everything is in memory; `safety.py` holds the laws and the writing. Knows no language and no checker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from typeinfer.languages.language import Language, Version
from typeinfer.rewriting.safety import BrokenLaw, check_laws
from typeinfer.values.module import Module
from typeinfer.values.naming import NamesInScope
from typeinfer.values.outcomes import Changed, Failed, Outcome, Unchanged
from typeinfer.values.patches import Patch, Placed, Rewrite
from typeinfer.values.predictions import Prediction


@dataclass(frozen=True)
class Proposal:
    """Edits that have not been proven yet. It can be sent to another process, where the proof costs nobody's time."""

    language: Language
    before: Module
    rewrite: Rewrite
    patch: Patch

    @property
    def path(self) -> str:
        return self.before.file.path

    @property
    def key(self) -> tuple[str | bytes, ...]:
        """All that the proof depends on."""
        module, rewrite = self.before, self.rewrite
        edits = msgspec.msgpack.encode([rewrite.edits, rewrite.added_imports])
        return (self.path, self.language.name, module.file.digest, module.name, str(module.is_package), edits)


def propose(
    language: Language,
    module: Module,
    placed: Sequence[Placed],
    predictions: Sequence[Prediction],
    names: NamesInScope,
    version: Version,
) -> Proposal:
    """The edits that write these types. Of the predictions, the patch carries those whose slot is written."""
    rewrite = language.annotate(module, placed, names, version)
    refused = {refusal.slot.id for refusal in rewrite.refused}
    written = {asked.slot.id for asked in placed} - refused
    kept = tuple(prediction for prediction in predictions if prediction.slot.id in written)
    return Proposal(language, module, rewrite, Patch(module.file, rewrite.edits, kept))


def prove(proposal: Proposal) -> Outcome:
    """`Changed` with a patch that keeps every law, `Unchanged`, or `Failed` with the law that would have been broken."""
    if proposal.rewrite.edits:
        try:
            check_laws(proposal.language, proposal.before, proposal.patch.result(), proposal.rewrite)
        except BrokenLaw as broken:
            return Failed(proposal.path, str(broken))
    return proven(proposal)


def proven(proposal: Proposal) -> Changed | Unchanged:
    """What becomes of a file whose edits are known to keep every law."""
    if not proposal.rewrite.edits:
        return Unchanged(proposal.path, proposal.rewrite.refused)
    return Changed(proposal.path, proposal.patch, proposal.rewrite.refused)
