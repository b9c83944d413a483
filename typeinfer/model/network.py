"""The type model: words of a unit, the edges between them and the names in scope in; scores of types for every slot out.

An encoder reads the unit once for all of its slots; a head composes a type for each, symbol by symbol in prefix order, from
a vocabulary of constructors and from pointers at names. Knows nothing of text, of languages or of training. Needs torch;
`runtime.py` computes the same without it, and a test holds the two together.

Every word is one position, its vector the sum of its subwords' vectors: half the positions of a subword sequence, and a
place for every node that the graph joins. Messages run along typed edges beside attention (GPS, Rampášek et al. 2022).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from typeinfer.model.config import Config
from typeinfer.model.units import Padded

# b unit, t word (padded), l lexeme, w subword of a lexeme, e edge, n slot, p place of a slot, c name, q mention, k step
# d width, h head, v symbol


@dataclass(frozen=True)
class Batch:
    """Some units, padded to one length. Indices are int64, those of padding 0 with the mask False.

    lexemes [l, w] subwords of the distinct words; words [b, t] -> l; mask [b, t]; roles [b, t]; language [b]
    edges [3, e]: relation, source, target, the latter two into b * t
    slot_kind [n]; slot_unit [n] -> b; places [2, p]: slot, word (into b * t), of each slot its definition first;
    defined [n]: the word of the definition
    names [c] -> l; name_kind [c]; members [2, m]: name, lexeme; mentions [2, q]: name, word (into b * t)
    scope [b, s]: names in scope of a unit, -1 for padding
    """

    lexemes: Tensor
    words: Tensor
    mask: Tensor
    roles: Tensor
    language: Tensor
    edges: Tensor
    slot_kind: Tensor
    slot_unit: Tensor
    places: Tensor
    defined: Tensor
    names: Tensor
    name_kind: Tensor
    members: Tensor
    mentions: Tensor
    scope: Tensor

    @staticmethod
    def of(padded: Padded, device: torch.device) -> Batch:
        return Batch(**{field.name: there(getattr(padded, field.name), device) for field in fields(Batch)})


def there(array: NDArray[Any], device: torch.device) -> Tensor:
    here = torch.from_numpy(np.ascontiguousarray(array))
    # Out of memory that stays where it is, a GPU takes it by itself, beside whatever it computes.
    return (here.pin_memory() if device.type == "cuda" else here).to(device, non_blocking=True)


@dataclass(frozen=True)
class Packed:
    """The words of some units one after the other, without the padding between them. `at` [w]: where each stands in b * t;
    `unit` [w] and `position` [w]: in which of `units`, and where there; `ends` [b + 1], int32: the first word of each unit, and
    behind the last; `longest`: t."""

    at: Tensor
    unit: Tensor
    position: Tensor
    ends: Tensor
    units: int
    longest: int

    @staticmethod
    def of(mask: Tensor) -> Packed:
        """Of what is True in a mask [b, t]."""
        b, t = mask.shape
        (at,) = mask.reshape(-1).nonzero(as_tuple=True)
        ends = F.pad(mask.sum(dim=1).cumsum(0), (1, 0)).int()
        return Packed(at, at // t, at % t, ends, b, t)


@dataclass(frozen=True)
class Prefixes:
    """What is written of some types so far. `slot` [k]; `symbols` [k, steps]: the symbols before, as symbol, or as
    `symbols + name` for a pointer, -1 where there is none yet; `parent` [k], the constructor (same numbers, -1 at the root)
    whose argument number `place` [k] comes next."""

    slot: Tensor
    symbols: Tensor
    parent: Tensor
    place: Tensor


class Mixing(nn.Module):
    """Attention and a gated unit, side by side on one normalised input: what the blocks of all models here are made of."""

    def __init__(self, d: int, h: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        # The matrices of several products in one: query, key, value, gate, up; what was seen, what was gated.
        self.entering, self.leaving = (d, d, d, h, h), (d, h)
        self.norm = nn.LayerNorm(d, bias=False)
        self.enter = nn.Linear(d, 3 * d + 2 * h, bias=False)
        self.leave = nn.Linear(d + h, d, bias=False)

    def mixed(self, x: Tensor, y: Tensor, mask: Tensor | Packed | None, turn: tuple[Tensor, Tensor]) -> Tensor:
        """`x` [b, t, d] and what attention and gate bring to it, [b * t, d]; `y` [b * t, d] is what they see; `mask` is added to
        the scores of attention, or says which words are one unit's where they are packed, [1, w, d]."""
        b, t, d = x.shape
        # One product a part: those of a split of all parts would be copied together again on the way back.
        query, key, value, gate, up = self.enter.weight.split(self.entering)
        query = query * (d // self.heads) ** -0.5
        q, k, v = (F.linear(y, part).view(b, t, self.heads, -1).transpose(1, 2) for part in (query, key, value))
        seen = attend(turned(q, turn), turned(k, turn), v, mask).transpose(1, 2).reshape(b * t, d)
        of_seen, of_gated = self.leave.weight.split(self.leaving, dim=1)
        x = torch.addmm(x.view(b * t, d), seen, of_seen.T)
        return torch.addmm(x, F.relu(F.linear(y, gate)) * F.linear(y, up), of_gated.T)


def parts_of(model: nn.Module) -> dict[str, tuple[tuple[int, ...], int]]:
    """Weights that hold the matrices of several products: their sizes, and the dimension along which they follow each other."""
    found: dict[str, tuple[tuple[int, ...], int]] = {}
    for name, block in model.named_modules():
        if isinstance(block, Mixing):
            found |= {f"{name}.enter.weight": (block.entering, 0), f"{name}.leave.weight": (block.leaving, 1)}
    return found


class Block(Mixing):
    """A mixing with, in some layers, messages along edges beside it."""

    def __init__(self, config: Config, messages: bool) -> None:
        d = config.width
        super().__init__(d, config.hidden, config.heads)
        if messages:
            self.send = nn.Linear(d, config.message, bias=False)
            self.relation = nn.Parameter(torch.ones(config.relations, config.message))
            self.receive = nn.Linear(config.message, d, bias=False)
        self.messages = messages

    # Python before 3.12 has no mark for what overrides.
    # pyrefly: ignore [missing-override-decorator]
    def forward(
        self, x: Tensor, mask: Tensor | Packed | None, turn: tuple[Tensor, Tensor], edges: Tensor, share: Tensor
    ) -> Tensor:
        """`x` [b, t, d]; `mask` [b, 1, 1, t] or of packed words, as in `mixed`; `share` [e, 1], the weight of an edge."""
        b, t, d = x.shape
        y = self.norm(x).view(b * t, d)
        x = self.mixed(x, y, mask, turn)
        if self.messages:
            sent = self.send(y)[edges[1]] * looked_up(self.relation, edges[0]) * share
            # In float32: a GPU adds them in any order, and of hundreds of bfloat16 the last ones would no longer count.
            got = torch.zeros(b * t, sent.shape[1], device=x.device).index_add(0, edges[2], sent.float())
            x = torch.addmm(x, got.to(x.dtype), self.receive.weight.T)
        return x.view(b, t, d)


class TypeModel(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        d = config.width
        self.subword = nn.Embedding(config.subwords, d, padding_idx=0)
        self.role = nn.Embedding(config.roles, d)
        self.tongue = nn.Embedding(config.languages, d)
        blocks = [Block(config, config.sends(layer)) for layer in range(config.layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(d, bias=False)
        self.slot_kind = nn.Embedding(config.slot_kinds, d)
        self.at_definition = nn.Linear(d, d, bias=False)
        self.at_places = nn.Linear(d, d, bias=False)
        self.name_kind = nn.Embedding(config.name_kinds, d)
        self.of_name = nn.Linear(d, d, bias=False)
        self.of_members = nn.Linear(d, d, bias=False)
        self.of_mentions = nn.Linear(d, d, bias=False)
        self.name_norm = nn.LayerNorm(d, bias=False)
        self.symbol = nn.Embedding(config.symbols, d)
        self.step = nn.Parameter(torch.ones(config.steps, d))
        self.parent = nn.Linear(d, d, bias=False)
        self.place = nn.Embedding(config.arity + 1, d)
        self.state_norm = nn.LayerNorm(d, bias=False)
        self.widen = nn.Linear(d, 2 * d)
        self.narrow = nn.Linear(2 * d, d, bias=False)
        self.score_norm = nn.LayerNorm(d)
        self.symbol_bias = nn.Parameter(torch.zeros(config.symbols))
        self.name_bias = nn.Embedding(config.name_kinds, 1)
        self.guess = nn.Linear(d, d)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=1 / math.sqrt(module.in_features))
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.3 if module is self.subword else 0.1)
        with torch.no_grad():
            nn.init.normal_(self.symbol.weight, std=1 / math.sqrt(d))
            nn.init.normal_(self.step, mean=1.0, std=0.3)
            self.subword.weight[0].zero_()
            self.name_bias.weight.zero_()
            self.guess.weight.mul_(0.2)
            for block in blocks:
                block.leave.weight.mul_(1 / math.sqrt(2 * config.layers))
                if block.messages:
                    nn.init.normal_(block.relation, mean=1.0, std=0.5)
                    block.receive.weight.mul_(0.3)

    # --- encoder --------------------------------------------------------------------------------------------------------

    def lexemes(self, batch: Batch) -> Tensor:
        """[l, d]"""
        return looked_up(self.subword.weight, batch.lexemes, padding=0).sum(dim=1)

    def encode(self, batch: Batch, lexemes: Tensor) -> Tensor:
        """The words of all units in their surroundings, [b * t, d]."""
        b, t = batch.words.shape
        x = looked_up(lexemes, batch.words) + looked_up(self.role.weight, batch.roles)
        x = x + looked_up(self.tongue.weight, batch.language)[:, None]
        mask = torch.zeros(b, 1, 1, t, dtype=x.dtype, device=x.device).masked_fill(~batch.mask[:, None, None], -1e9)
        turn = turns(t, self.config.width // self.config.heads, x)
        return self.through_blocks(x, mask, turn, batch.edges).reshape(b * t, -1)

    def encode_packed(self, batch: Batch, lexemes: Tensor) -> Tensor:
        """As `encode`, and nothing is computed of padding, which is 0. Not for training."""
        b, t = batch.words.shape
        packed = Packed.of(batch.mask)
        x = looked_up(lexemes, batch.words.view(-1)[packed.at])
        x = x + looked_up(self.role.weight, batch.roles.view(-1)[packed.at])
        x = x + looked_up(self.tongue.weight, batch.language[packed.unit])
        cosine, sine = turns(t, self.config.width // self.config.heads, x)
        turn = cosine[packed.position], sine[packed.position]
        place = batch.mask.view(-1).cumsum(0) - 1
        edges = torch.stack((batch.edges[0], place[batch.edges[1]], place[batch.edges[2]]))
        x = self.through_blocks(x[None], packed, turn, edges)[0]
        return torch.zeros(b * t, x.shape[1], dtype=x.dtype, device=x.device).index_copy(0, packed.at, x)

    def through_blocks(self, x: Tensor, mask: Tensor | Packed, turn: tuple[Tensor, Tensor], edges: Tensor) -> Tensor:
        # A word takes the mean of what its edges bring, whatever their number.
        arriving = torch.bincount(edges[2], minlength=x.shape[0] * x.shape[1]).clamp(min=1)
        share = (1 / arriving[edges[2]]).to(x.dtype)[:, None]
        for block in self.blocks:
            x = block(x, mask, turn, edges, share)
        found: Tensor = self.norm(x)
        return found

    # --- what types are made for and of -----------------------------------------------------------------------------------

    def slots(self, batch: Batch, hidden: Tensor) -> Tensor:
        """[n, d]: the definition, the mean of all places that the graph ties to the slot, and its kind."""
        n = len(batch.slot_kind)
        around = mean_by(hidden[batch.places[1]], batch.places[0], n)
        kind = looked_up(self.slot_kind.weight, batch.slot_kind)
        return self.at_definition(hidden[batch.defined]) + self.at_places(around) + kind

    def names(self, batch: Batch, lexemes: Tensor, hidden: Tensor) -> Tensor:
        """[c, d]: a name is what it is called, what it has and how the unit uses it."""
        c = len(batch.names)
        members = mean_by(lexemes[batch.members[1]], batch.members[0], c)
        mentions = mean_by(hidden[batch.mentions[1]], batch.mentions[0], c)
        mixed = self.of_name(lexemes[batch.names]) + self.of_members(members) + self.of_mentions(mentions)
        mixed = mixed + looked_up(self.name_kind.weight, batch.name_kind)
        return self.name_norm(mixed) * (1 / math.sqrt(self.config.width))

    # --- types ----------------------------------------------------------------------------------------------------------

    def scores(self, batch: Batch, slots: Tensor, names: Tensor, prefixes: Prefixes) -> Tensor:
        """Log probabilities of the next symbol, [k, symbols + s], float32: the vocabulary, then the names in scope."""
        (b, s), k = batch.scope.shape, len(prefixes.slot)
        terms = torch.cat((self.symbol.weight, names, torch.zeros_like(self.symbol.weight[:1])))
        of, at = (prefixes.symbols >= 0).nonzero(as_tuple=True)
        written = looked_up(terms, prefixes.symbols[of, at]) * looked_up(self.step, at)
        before = torch.zeros(k, terms.shape[1], dtype=terms.dtype, device=terms.device).index_add(0, of, written)
        parent = looked_up(terms, prefixes.parent.remainder(len(terms)))
        state = self.state(looked_up(slots, prefixes.slot), before, parent, prefixes.place)
        # Prefixes of a unit see its names, and no other's: one small product a unit.
        place, most = by_unit(batch.slot_unit[prefixes.slot], b)
        asking = torch.zeros(b * most, state.shape[1], dtype=state.dtype, device=state.device)
        asking = asking.index_copy(0, place, state)
        # One name more than there are: a batch may have none.
        offered = looked_up(F.pad(names, (0, 0, 0, 1)), batch.scope.clamp(min=0))  # b s d
        bias = looked_up(self.name_bias.weight, F.pad(batch.name_kind, (0, 1)))[batch.scope, 0]  # b s
        pointed = (asking.view(b, most, asking.shape[1]) @ offered.transpose(1, 2) + bias[:, None]).float()
        pointed = pointed.masked_fill(batch.scope[:, None] < 0, -torch.inf).view(b * most, s)[place]
        return torch.cat((self.of_vocabulary(state), pointed), dim=1).log_softmax(dim=1)

    def state(self, slots: Tensor, before: Tensor, parent: Tensor, place: Tensor) -> Tensor:
        """[k, d]: what is asked of k prefixes. `slots` [k, d]: whose they are; `before` [k, d]: their symbols, each times its row
        of `step`, summed; `parent` [k, d]: the constructor whose argument number `place` [k] comes next, 0 at the root."""
        width = math.sqrt(self.config.width)
        argument = looked_up(self.place.weight, place.clamp(max=self.config.arity))
        state = self.state_norm(slots + before * width + self.parent(parent) * width + argument)
        found: Tensor = self.score_norm(state + self.narrow(F.gelu(self.widen(state), approximate="tanh")))
        return found

    def of_vocabulary(self, state: Tensor) -> Tensor:
        """Scores of its symbols, [k, symbols], float32."""
        return (state @ self.symbol.weight.T + self.symbol_bias).float()

    def hidden_words(self, hidden: Tensor) -> Tensor:
        """Log probabilities of the subwords of words that were hidden from the encoder, [.., subwords], float32."""
        return (self.guess(hidden) @ self.subword.weight.T).float().log_softmax(dim=-1)


def looked_up(table: Tensor, index: Tensor, padding: int | None = None) -> Tensor:
    """Rows of a table. Its gradient is summed in float32: in bfloat16 the hundredth use of a row would no longer count."""
    return F.embedding(index, table.float(), padding_idx=padding).to(table.dtype)


def by_unit(unit: Tensor, units: int) -> tuple[Tensor, int]:
    """Where each row goes when the rows of every unit are padded to one number, [k], and that number."""
    count = torch.bincount(unit, minlength=units)
    order = unit.argsort(stable=True)
    rank = torch.arange(len(unit), device=unit.device) - (count.cumsum(0) - count)[unit[order]]
    most = int(count.max())
    return torch.empty_like(order).index_copy(0, order, unit[order] * most + rank), most


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | Packed | None) -> Tensor:
    """What every word sees, all [b, h, t, d / h], `q` scaled. On a CPU the plain products are twice as fast as torch's kernel."""
    if isinstance(mask, Packed):
        return attend_packed(q, k, v, mask)
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
    scores = q @ k.transpose(2, 3)
    return (scores if mask is None else scores.add_(mask)).softmax(dim=-1) @ v


VARLEN_SINCE, ON_GPUS_SINCE = (2, 12), (8, 0)
"""The first torch with a kernel for units of unequal lengths as it is called here, and the first GPUs that it is for (Ampere)."""


def has_varlen(q: Tensor) -> bool:
    if not q.is_cuda or q.dtype is torch.float32 or torch.cuda.get_device_capability(q.device) < ON_GPUS_SINCE:
        return False
    if tuple(map(int, torch.__version__.split(".")[:2])) < VARLEN_SINCE:
        return False
    # Some builds come without it.
    return torch.backends.cuda.is_flash_attention_available()


def attend_packed(q: Tensor, k: Tensor, v: Tensor, packed: Packed) -> Tensor:
    """As `attend`, all [1, h, w, d / h]."""
    if has_varlen(q):
        from torch.nn.attention.varlen import varlen_attn

        query, key, value = (part[0].transpose(0, 1).contiguous() for part in (q, k, v))  # w h d/h
        ends, longest = packed.ends, packed.longest
        seen = varlen_attn(query, key, value, ends, ends, longest, longest, scale=1.0)
        assert isinstance(seen, Tensor), "nothing else is asked for"
        return seen.transpose(0, 1)[None]
    query, key, value = (padded(part, packed) for part in (q, k, v))
    there = torch.zeros(packed.units * packed.longest, dtype=torch.bool, device=q.device)
    there = there.index_fill(0, packed.at, True).view(packed.units, 1, 1, packed.longest)
    mask = torch.zeros(there.shape, dtype=q.dtype, device=q.device).masked_fill(~there, -1e9)
    seen = attend(query, key, value, mask).transpose(1, 2).flatten(0, 1)
    return seen[packed.at].transpose(0, 1)[None]


def padded(x: Tensor, packed: Packed) -> Tensor:
    """`x` [1, h, w, d / h] as [b, h, t, d / h]."""
    _, h, _, d = x.shape
    empty = torch.zeros(packed.units * packed.longest, h, d, dtype=x.dtype, device=x.device)
    return empty.index_copy(0, packed.at, x[0].transpose(0, 1)).view(packed.units, -1, h, d).transpose(1, 2)


def turns(length: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Rotary positions (Su et al. 2021): cosine and sine, [t, width / 2] each."""
    rates = 10000.0 ** (-torch.arange(0, width, 2, device=like.device, dtype=torch.float32) / width)
    angles = torch.arange(length, device=like.device, dtype=torch.float32)[:, None] * rates
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    one, two = x.chunk(2, dim=-1)
    cosine, sine = turn
    return torch.cat((one * cosine - two * sine, one * sine + two * cosine), dim=-1)


def mean_by(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """The mean of the rows of each group, zero for an empty one."""
    total = torch.zeros(groups, values.shape[1], dtype=values.dtype, device=values.device).index_add(0, group, values)
    count = torch.bincount(group, minlength=groups).clamp(min=1)
    return total / count[:, None].to(values.dtype)
