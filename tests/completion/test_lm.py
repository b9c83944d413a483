"""The language model without torch is the one that was trained, however its row is read and its branches grow."""

from __future__ import annotations

import numpy as np
import pytest

from typeinfer.completion.lm import LanguageModel, Shape

torch = pytest.importorskip("torch")

from typeinfer.training.decoder import Decoder  # noqa: E402

SHAPE = Shape(vocabulary=60, width=32, layers=3, heads=2, hidden=48, row=40)


@pytest.fixture(scope="module")
def both() -> tuple[Decoder, LanguageModel]:
    torch.manual_seed(2)
    decoder = Decoder(SHAPE)
    with torch.no_grad():
        for block in decoder.blocks:
            block.before.normal_(std=0.5)
    weights = {name: value.detach().numpy() for name, value in decoder.named_parameters()}
    return decoder, LanguageModel(SHAPE, weights)


def expected(decoder: Decoder, row: list[int]) -> np.ndarray:
    with torch.no_grad():
        return decoder.scores(decoder(torch.tensor([row])))[0, -1].log_softmax(dim=0).numpy()


def test_a_row_says_what_it_says_in_training(both: tuple[Decoder, LanguageModel]) -> None:
    decoder, model = both
    row = np.random.default_rng(1).integers(0, 60, 30).tolist()
    assert model.read(row).scores[0] == pytest.approx(expected(decoder, row), abs=1e-4)


def test_what_was_read_before_is_not_read_again_and_changes_nothing(both: tuple[Decoder, LanguageModel]) -> None:
    decoder, model = both
    random = np.random.default_rng(2)
    row = random.integers(0, 60, 20).tolist()
    for kept in (19, 12, 1, 0, 20):
        row = [*row[:kept], *random.integers(0, 60, 20 - kept).tolist()]
        assert model.read(row).scores[0] == pytest.approx(expected(decoder, row), abs=1e-4)


def test_branches_grow_side_by_side_and_don_t_see_each_other(both: tuple[Decoder, LanguageModel]) -> None:
    decoder, model = both
    row = [3, 1, 4, 1, 5, 9, 2, 6]
    branches = model.grow(model.read(row), np.array([0, 0, 0]), np.array([7, 8, 9]))
    branches = model.grow(branches, np.array([2, 0, 2, 1]), np.array([10, 11, 12, 13]))
    for scores, tail in zip(branches.scores, ([9, 10], [7, 11], [9, 12], [8, 13]), strict=True):
        assert scores == pytest.approx(expected(decoder, row + tail), abs=1e-4)
