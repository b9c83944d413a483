"""Encoder: the words of units and the edges between them in; every word in its surroundings out, without torch.

The same arithmetic as `network.TypeModel.encode`, drawn as an OpenVINO graph straight from the weights. Knows nothing of
slots and of types.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from typeinfer.model.config import Config
from typeinfer.model.units import Padded

# Whoever imports OpenVINO is counted over the network, unasked, by its converter of models, which nothing here needs: where
# that can't be found OpenVINO goes on without it.
sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
import openvino as ov  # noqa: E402
from openvino import opset15 as op  # noqa: E402

if sys.modules["openvino.tools.ovc"] is None:
    del sys.modules["openvino.tools.ovc"]

Floats: TypeAlias = "NDArray[np.float32]"
InferRequest: TypeAlias = ov.InferRequest
Node: TypeAlias = Any
"""What OpenVINO's functions take and give: a node, or one output of a node."""

# b unit, t word (padded), l lexeme, w subword of a lexeme, e edge, d width, h head, m width of a message

FAR = np.float32(-1e9)
"""Added to what no word may look at."""


PREPARED = {"CPU_RUNTIME_CACHE_CAPACITY": "300"}
"""What OpenVINO has prepared for the shapes that it met last, of 5,000 if it isn't told: hardly two batches are of one shape, so it
is of little use, and of 33,622 lines it was 125 MB."""


class Encoder:
    """A compiled encoder. Takes `threads` batches at a time, each on a thread of its own: threads that share one batch wait for
    each other.

    `precision`: `"f32"`, `"bf16"`, or None for what the processor multiplies fastest.
    """

    def __init__(
        self, config: Config, weights: Mapping[str, Floats], threads: int, precision: str | None = None
    ) -> None:
        self.config = config
        settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": threads}
        # Every process would pin its first thread to the first core.
        settings["ENABLE_CPU_PINNING"] = False
        if precision is not None:
            settings["INFERENCE_PRECISION_HINT"] = precision
        model = drawn(config, weights)
        try:
            compiled = ov.Core().compile_model(model, "CPU", settings | PREPARED)
        except RuntimeError:  # No version has promised that there will be such a setting.
            compiled = ov.Core().compile_model(model, "CPU", settings)
        self.free = [compiled.create_infer_request() for _ in range(threads)]

    def start(self, batch: Padded, lexemes: Floats) -> InferRequest:
        """Begin; never with more at a time than there are threads. `lexemes` [l, d]"""
        request = self.free.pop()
        request.start_async(inputs(self.config, batch, lexemes))
        return request

    def finish(self, request: InferRequest) -> Floats:
        """The words in their surroundings, [b * t, d]."""
        request.wait()
        hidden: Floats = request.get_output_tensor(0).data.copy()
        self.free.append(request)
        return hidden


def inputs(config: Config, batch: Padded, lexemes: Floats) -> dict[str, NDArray[Any]]:
    b, t = batch.words.shape
    rates = 10000.0 ** (-np.arange(0, config.width // config.heads, 2) / (config.width // config.heads))
    angles = np.arange(t)[:, None] * rates  # t d/2h
    arriving = np.bincount(batch.edges[2], minlength=b * t)
    share = 1 / np.maximum(arriving, 1)[batch.edges[2]]
    return {
        "lexemes": lexemes,
        "words": batch.words.astype(np.int32),
        "mask": np.where(batch.mask, np.float32(0), FAR)[:, None, None],
        "roles": batch.roles.astype(np.int32),
        "language": batch.language.astype(np.int32)[:, None],
        "cosine": np.cos(angles).astype(np.float32),
        "sine": np.sin(angles).astype(np.float32),
        "relations": batch.edges[0].astype(np.int32),
        "sources": batch.edges[1].astype(np.int32),
        "targets": batch.edges[2].astype(np.int32)[:, None],
        "share": share.astype(np.float32)[:, None],
    }


def drawn(config: Config, weights: Mapping[str, Floats]) -> ov.Model:
    """The graph from `inputs` to the words in their surroundings, for any number of units, words and edges."""
    d, h, heads = config.width, config.hidden, config.heads
    given: dict[str, Node] = {
        "lexemes": op.parameter([-1, d], np.float32),
        "words": op.parameter([-1, -1], np.int32),
        "mask": op.parameter([-1, 1, 1, -1], np.float32),
        "roles": op.parameter([-1, -1], np.int32),
        "language": op.parameter([-1, 1], np.int32),
        "cosine": op.parameter([-1, d // heads // 2], np.float32),
        "sine": op.parameter([-1, d // heads // 2], np.float32),
        "relations": op.parameter([-1], np.int32),
        "sources": op.parameter([-1], np.int32),
        "targets": op.parameter([-1, 1], np.int32),
        "share": op.parameter([-1, 1], np.float32),
    }
    for name, parameter in given.items():
        parameter.output(0).set_names({name})

    def table(name: str) -> Node:
        return op.constant(weights[name])

    def norm(x: Node, name: str) -> Node:
        return op.multiply(op.mvn(x, integers(-1), True, 1e-5, "inside_sqrt"), table(f"{name}.weight"))

    def turned(x: Node) -> Node:
        one, two = op.split(x, op.constant(np.int64(-1)), 2).outputs()
        cosine, sine = given["cosine"], given["sine"]
        return op.concat(
            [
                op.subtract(op.multiply(one, cosine), op.multiply(two, sine)),
                op.add(op.multiply(one, sine), op.multiply(two, cosine)),
            ],
            -1,
        )

    def attention(query: Node, key: Node, value: Node) -> Node:
        """b t d of each"""
        q, k, v = (
            op.transpose(op.reshape(part, integers(0, 0, heads, d // heads), True), integers(0, 2, 1, 3))
            for part in (query, key, value)
        )  # b h t d/h
        seen = op.scaled_dot_product_attention(turned(q), turned(k), v, given["mask"])
        return op.reshape(op.transpose(seen, integers(0, 2, 1, 3)), integers(0, 0, d), True)

    def messages(y: Node, block: str) -> Node:
        flat = op.reshape(linear(y, weights[f"{block}.send.weight"]), integers(-1, config.message), True)  # b*t m
        sent = op.multiply(rows(flat, given["sources"]), rows(table(f"{block}.relation"), given["relations"]))
        none = op.broadcast(op.constant(np.float32(0)), op.shape_of(flat))
        got = op.scatter_nd_update(none, given["targets"], op.multiply(sent, given["share"]), "sum")
        return op.reshape(linear(got, weights[f"{block}.receive.weight"]), op.shape_of(y), False)

    x = op.add(rows(given["lexemes"], given["words"]), rows(table("role.weight"), given["roles"]))
    x = op.add(x, rows(table("tongue.weight"), given["language"]))
    for layer in range(config.layers):
        block = f"blocks.{layer}"
        y = norm(x, f"{block}.norm")
        # One product a part: a split of all parts at once would copy them.
        parts = np.split(weights[f"{block}.enter.weight"], np.cumsum((d, d, d, h)))
        query, key, value, gate, up = (linear(y, part) for part in parts)
        of_seen, of_gated = np.split(weights[f"{block}.leave.weight"], (d,), axis=1)
        x = op.add(x, linear(attention(query, key, value), of_seen))
        x = op.add(x, linear(op.multiply(op.relu(gate), up), of_gated))
        if config.sends(layer):
            x = op.add(x, messages(y, block))
    hidden = op.reshape(norm(x, "norm"), integers(-1, d), True)
    # Its declaration takes itself for another class.
    return ov.Model([hidden], list(given.values()), "encoder")  # pyrefly: ignore[no-matching-overload]


def linear(x: Node, weight: Floats) -> Node:
    return op.matmul(x, op.constant(np.ascontiguousarray(weight)), False, True)


def integers(*values: int) -> Node:
    return op.constant(np.array(values, np.int64))


def rows(table: Node, index: Node) -> Node:
    return op.gather(table, index, op.constant(np.int64(0)))
