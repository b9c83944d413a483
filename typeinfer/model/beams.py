"""Beams: what the head of a network scores in; for every slot the most probable types out, as `search.py` finds them, in torch.

The prefixes of all slots stand in tables of one shape, a slot's in as many rows as the beam is wide, and what isn't there has the
score -inf: a GPU is asked a few large things a step, and nothing comes back before the end but which rows go on.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from typeinfer.model.network import Batch, TypeModel, looked_up
from typeinfer.model.prefixes import ROOT
from typeinfer.model.terms import NO_TYPE

# n slot, w row of its beam, k row of all (n * w), v symbol, s name in scope, i step or depth of the stack

SLOTS = 4_096
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
    of_names = batch.scope.shape[1]
    allowed = torch.zeros(len(arity) + of_names, dtype=torch.bool, device=slots.device)
    allowed[sayable], allowed[len(arity) :] = True, True
    # One more than there are: what is nothing, and a batch may have no names.
    terms = F.pad(torch.cat((model.symbol.weight, names)), (0, 0, 0, 1))
    asking = _Asking(model, terms, F.pad(arity, (0, of_names)), allowed, beam)
    kinds = F.pad(batch.name_kind, (0, 1))
    parts = []
    # At least one part, of no slots.
    for some in torch.arange(len(slots), device=slots.device).split(SLOTS):
        scope = batch.scope[batch.slot_unit[some]]
        bias = looked_up(model.name_bias.weight, kinds)[scope, 0].masked_fill(scope < 0, -torch.inf)
        parts.append(asking.search(slots[some], scope.clamp(min=0), bias))
    return Found(*(torch.cat([getattr(part, name) for part in parts]) for name in ("scores", "symbols", "beyond")))


@dataclass(frozen=True)
class _Asking:
    """What the searches for the slots of a batch have in common. `terms` [symbols + c + 1, d]: what symbols and names are in a
    prefix, the last one nothing; `wants`, `allowed` [v + s]: how many arguments each takes, and whether it may be used."""

    model: TypeModel
    terms: Tensor
    wants: Tensor
    allowed: Tensor
    beam: int

    def search(self, slots: Tensor, scope: Tensor, bias: Tensor) -> Found:
        """`slots` [n, d]; `scope` [n, s]: the names that they see, with `bias` [n, s], -inf where there is none."""
        n, beam, steps, device = len(slots), self.beam, self.model.config.steps, slots.device
        vocabulary = self.model.config.symbols
        # What a column is in a prefix, by slot: of the vocabulary for all the same.
        meant = torch.cat((torch.arange(vocabulary, device=device).expand(n, -1), scope + vocabulary), dim=1)
        offered = self.terms[scope + vocabulary].transpose(1, 2)
        finished = torch.full((n, beam), -torch.inf, device=device)
        types = torch.full((n, beam, steps), -1, device=device)
        score, prefix = finished.clone(), types.clone()
        score[:, 0] = 0.0
        before = torch.zeros(n * beam, slots.shape[1], device=device)
        stacks = Stacks.start(n * beam, steps, device)
        beyond = torch.zeros(n, device=device)
        first_row = beam * torch.arange(n, device=device)[:, None]

        def extended(told: Tensor, rows: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            """Of all that is said of some rows, [r, v + s], the best of each slot: scores [n, w], prefixes [n, w, i]; and which
            rows they came from and what was added to those, [n, w]."""
            # First of each row: most rows are gone after a few steps.
            value, column = told.topk(min(beam, told.shape[1]), dim=1)
            each = value.shape[1]
            table = torch.full((n * beam, each), -torch.inf, device=device).index_copy(0, rows, value)
            columns = torch.zeros(n * beam, each, dtype=torch.int64, device=device).index_copy(0, rows, column)
            best, which = table.view(n, beam * each).topk(beam)
            row, column = first_row + which // each, columns.view(n, beam * each).gather(1, which)
            longer = prefix.view(n * beam, steps)[row]
            longer[:, :, step] = column
            return best, longer, row, column

        for step in range(steps):
            (rows,) = (score.view(-1) > -torch.inf).nonzero(as_tuple=True)
            if not len(rows):
                break
            slot = rows // beam
            parent = self.terms[stacks.top(stacks.parents)[rows]]
            state = self.model.state(slots[slot], before[rows], parent, stacks.top(stacks.places)[rows])
            every = torch.zeros(n * beam, state.shape[1], device=device).index_copy(0, rows, state)
            pointed = ((every.view(n, beam, -1) @ offered) + bias[:, None]).view(n * beam, -1)[rows]
            told = torch.cat((self.model.of_vocabulary(state), pointed), dim=1).masked_fill(~self.allowed, -torch.inf)
            told = told.log_softmax(dim=1) + score.view(-1)[rows, None]
            beyond.index_add_(0, slot, told[:, NO_TYPE].exp())
            told[:, NO_TYPE] = -torch.inf
            missing = stacks.missing()[rows, None]
            # What wants more arguments than there is room for would never end.
            told = told.masked_fill(self.wants > steps - step - missing, -torch.inf)
            ending = (missing == 1) & (self.wants == 0)
            ended, whole, _, _ = extended(told.masked_fill(~ending, -torch.inf), rows, step)
            finished, order = torch.cat((finished, ended), dim=1).topk(beam)
            types = torch.cat((types, whole), dim=1).gather(1, order[:, :, None].expand(-1, -1, steps))
            # As what follows: those that end here are no prefixes of anything.
            score, prefix, row, column = extended(told.masked_fill(ending, -torch.inf), rows, step)
            # None goes on that is no more probable than so many finished types: what it could still become would be neither.
            score = score.where(score > finished[:, -1:], -torch.inf)
            said = self.terms[meant.gather(1, column)].flatten(0, 1)
            before = before[row.view(-1)] + said * self.model.step[step]
            stacks = stacks.of(row.view(-1)).after(column.view(-1), self.wants[column.view(-1)])
        return Found(finished, types.masked_fill(finished[:, :, None] == -torch.inf, -1), beyond)
