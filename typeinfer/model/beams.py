"""Beams: what the head of a network scores in; for every slot the most probable types out, as `search.py` finds them, in torch.

The prefixes of all slots stand in tables of one shape, a slot's in as many rows as the beam is wide, and what isn't there has the
score -inf: a GPU is asked a few large things a step, and nothing comes back before the end but whether any goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from typeinfer.model.network import Batch, Prefixes, TypeModel
from typeinfer.model.prefixes import ROOT
from typeinfer.model.terms import NO_TYPE

# n slot, w row of its beam, k row of all (n * w), v symbol, s name in scope, i step or depth of the stack

SLOTS = 2_048
"""So many are searched for at a time: each step scores all that each of their prefixes may go on with."""


@dataclass(frozen=True)
class Found:
    """The types of n slots by falling probability. `scores` [n, w], log probability, -inf where there are no more; `symbols`
    [n, w, i], -1 behind the end; `beyond` [n], as in `search.Composed`."""

    scores: Tensor
    symbols: Tensor
    beyond: Tensor


@dataclass(frozen=True)
class Stacks:
    """As `prefixes.Open`, of k prefixes."""

    parents: Tensor
    places: Tensor
    wanted: Tensor
    depth: Tensor

    @staticmethod
    def start(count: int, steps: int, device: torch.device) -> Stacks:
        parents, places, wanted = torch.zeros(3, count, steps + 1, dtype=torch.int64, device=device).unbind()
        parents[:, 0], wanted[:, 0] = ROOT, 1
        return Stacks(parents, places, wanted, torch.ones(count, dtype=torch.int64, device=device))

    def top(self, stack: Tensor) -> Tensor:
        return stack.gather(1, (self.depth - 1).clamp(min=0)[:, None])[:, 0]

    def missing(self) -> Tensor:
        there = torch.arange(self.wanted.shape[1], device=self.wanted.device) < self.depth[:, None]
        return self.wanted.where(there, 0).sum(dim=1)

    def of(self, chosen: Tensor) -> Stacks:
        return Stacks(self.parents[chosen], self.places[chosen], self.wanted[chosen], self.depth[chosen])

    def after(self, symbols: Tensor, arity: Tensor) -> Stacks:
        going, top = (self.depth > 0).long()[:, None], (self.depth - 1).clamp(min=0)[:, None]
        places, wanted = self.places.scatter_add(1, top, going), self.wanted.scatter_add(1, top, -going)
        depth = self.depth - (going * (wanted.gather(1, top) == 0))[:, 0]
        opening, next_ = (self.depth > 0) & (arity > 0), depth[:, None].clamp(max=self.wanted.shape[1] - 1)

        def opened(stack: Tensor, value: Tensor) -> Tensor:
            return stack.scatter(1, next_, value.where(opening, stack.gather(1, next_)[:, 0])[:, None])

        one = torch.ones_like(symbols)
        return Stacks(opened(self.parents, symbols), opened(places, one), opened(wanted, arity), depth + opening.long())


def search(
    model: TypeModel, batch: Batch, slots: Tensor, names: Tensor, arity: Tensor, sayable: Tensor, beam: int
) -> Found:
    """As `search.compose`. `slots` [n, d], `names` [c, d]: those of the batch; `arity` [symbols]; `sayable`: symbols."""
    allowed = torch.zeros(len(arity) + batch.scope.shape[1], dtype=torch.bool, device=slots.device)
    allowed[sayable], allowed[len(arity) :] = True, True
    wants = F.pad(arity, (0, batch.scope.shape[1]))
    # At least one part, of no slots.
    numbers = torch.arange(len(slots), device=slots.device).split(SLOTS)
    parts = [_search(model, batch, slots, names, wants, allowed, beam, some) for some in numbers]
    return Found(*(torch.cat([getattr(part, name) for part in parts]) for name in ("scores", "symbols", "beyond")))


def _search(
    model: TypeModel,
    batch: Batch,
    slots: Tensor,
    names: Tensor,
    wants: Tensor,
    allowed: Tensor,
    beam: int,
    asked: Tensor,
) -> Found:
    """`wants`, `allowed` [v + s]: how many arguments each takes, and whether it may be used; `asked` [n]: slots of the batch."""
    n, steps, wide = len(asked), model.config.steps, len(wants)
    vocabulary = model.config.symbols
    finished = torch.full((n, beam), -torch.inf, device=slots.device)
    types = torch.full((n, beam, steps), -1, device=slots.device)
    score, prefix = finished.clone(), types.clone()
    score[:, 0] = 0.0
    stacks = Stacks.start(n * beam, steps, slots.device)
    beyond = torch.zeros(n, device=slots.device)

    def extended(table: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of all that is scored, [k, v + s], the best of each slot: scores [n, w], prefixes [n, w, i]; and which rows they came
        from and what was added to those, [n, w]."""
        best, which = table.view(n, beam * wide).topk(beam)
        row, column = which // wide + beam * torch.arange(n, device=which.device)[:, None], which % wide
        longer = prefix.view(n * beam, steps)[row]
        longer[:, :, step] = column
        return best, longer, row, column

    for step in range(steps):
        (rows,) = (score.view(-1) > -torch.inf).nonzero(as_tuple=True)
        if not len(rows):
            break
        slot = asked[rows // beam]
        said = prefix.view(n * beam, steps)[rows]
        pointing = said >= vocabulary
        pointed = batch.scope[batch.slot_unit[slot]].gather(1, (said - vocabulary).where(pointing, 0))
        parent, place = stacks.top(stacks.parents)[rows], stacks.top(stacks.places)[rows]
        told = model.scores(
            batch, slots, names, Prefixes(slot, (pointed + vocabulary).where(pointing, said), parent, place)
        )
        told = told.masked_fill(~allowed, -torch.inf).log_softmax(dim=1) + score.view(-1)[rows, None]
        beyond.index_add_(0, rows // beam, told[:, NO_TYPE].exp())
        told[:, NO_TYPE] = -torch.inf
        missing = stacks.missing()[rows, None]
        # What wants more arguments than there is room for would never end.
        told = told.masked_fill(wants > steps - step - missing, -torch.inf)
        ending = (missing == 1) & (wants == 0)
        table = torch.full((n * beam, wide), -torch.inf, device=told.device)
        ended, whole, _, _ = extended(table.index_copy(0, rows, told.masked_fill(~ending, -torch.inf)), step)
        finished, order = torch.cat((finished, ended), dim=1).topk(beam)
        types = torch.cat((types, whole), dim=1).gather(1, order[:, :, None].expand(-1, -1, steps))
        # As what follows: those that end here are no prefixes of anything.
        score, prefix, row, column = extended(table.index_copy(0, rows, told.masked_fill(ending, -torch.inf)), step)
        # None goes on that is no more probable than so many finished types: what it could still become would be neither.
        score = score.where(score > finished[:, -1:], -torch.inf)
        stacks = stacks.of(row.view(-1)).after(column.view(-1), wants[column.view(-1)])
    return Found(finished, types.masked_fill(finished[:, :, None] == -torch.inf, -1), beyond)
