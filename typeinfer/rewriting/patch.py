"""Patch: types placed in one file in; a `Changed` with the edits that write them out, or the reason it must not be.

Everything is in memory; `safety.py` holds the laws and the writing. Knows no language and no checker.
"""

from __future__ import annotations

from collections.abc import Sequence

from typeinfer.languages.language import Language, Version
from typeinfer.rewriting.safety import BrokenLaw, check_laws
from typeinfer.values.module import Module
from typeinfer.values.naming import NamesInScope
from typeinfer.values.outcomes import Changed, Failed, Outcome, Unchanged
from typeinfer.values.patches import Patch, Placed
from typeinfer.values.predictions import Prediction


def patch_file(
    language: Language,
    module: Module,
    placed: Sequence[Placed],
    predictions: Sequence[Prediction],
    names: NamesInScope,
    version: Version,
) -> Outcome:
    """`Changed` with a patch that keeps every law, `Unchanged`, or `Failed` with the law that would have been broken.

    Of the predictions, the patch carries those whose slot is written.
    """
    rewrite = language.annotate(module, placed, names, version)
    refused = {refusal.slot.id for refusal in rewrite.refused}
    written = {asked.slot.id for asked in placed} - refused
    patch = Patch(
        module.file, rewrite.edits, tuple(prediction for prediction in predictions if prediction.slot.id in written)
    )
    if not rewrite.edits:
        return Changed(module.file.path, patch, rewrite.refused) if rewrite.refused else Unchanged(module.file.path)
    try:
        check_laws(language, module, patch.result(), rewrite)
    except BrokenLaw as broken:
        return Failed(module.file.path, str(broken))
    return Changed(module.file.path, patch, rewrite.refused)
