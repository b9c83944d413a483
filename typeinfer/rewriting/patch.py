"""Patch: the edits of one file in; a `Changed` with them out, or the reason it must not be.

Everything is in memory; `safety.py` holds the laws and the writing. Knows no language and no checker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from typeinfer.languages.language import Language
from typeinfer.rewriting.safety import BrokenLaw, check_laws
from typeinfer.values.module import Module
from typeinfer.values.outcomes import Changed, Failed, Outcome, Unchanged
from typeinfer.values.patches import Patch, Rewrite
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


def propose(language: Language, module: Module, rewrite: Rewrite, predictions: Sequence[Prediction]) -> Proposal:
    """The edits of a file. `predictions`: what is to be written; the patch carries those that can be."""
    refused = {refusal.slot.id for refusal in rewrite.refused}
    kept = tuple(prediction for prediction in predictions if prediction.slot.id not in refused)
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
