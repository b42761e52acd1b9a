"""Vectors of neurons that feed themselves, one step late at a place of choice."""

from __future__ import annotations

import numpy as np
import torch

from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.neuron import IF, LIF
from neurosim.ir.types import ValueType, integers
from tests.ops.graphs import built, input_node

STEPS, SIZE, INPUTS, THRESHOLD = 9, 6, 5, 0.75
PLACES = ("matrix", "reshape", "behind", "sum")  # whose operand is late
Params = dict[str, np.ndarray]


def weights(seed: int, bias: bool = False, density: float = 1.0) -> Params:
    """Multiples of a quarter."""
    rng = np.random.default_rng(seed)
    made = {"w": rng.integers(1, 5, (SIZE, INPUTS)), "r": rng.integers(-2, 5, (SIZE, SIZE))}
    made = {k: v * (rng.random(v.shape) < density) for k, v in made.items()}
    made |= {"b": rng.integers(-2, 3, SIZE)} if bias else {}
    return {k: (v / 4).astype(np.float32) for k, v in made.items()}


def clip(seed: int, samples: int = 2, rate: float = 0.2) -> torch.Tensor:
    """Events."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy((rng.random((STEPS, samples, INPUTS)) < rate).astype(np.float32))


def equation(decay: float) -> IF | LIF:
    """Fires above ``THRESHOLD``, from and to 0."""
    return IF(v_threshold=THRESHOLD) if decay == 1.0 else LIF(v_threshold=THRESHOLD, v_decay=decay)


def loop(params: Params, late: str, decay: float = 1.0, by: int = 1) -> Graph:
    """Clip → w, + r·(own spikes ``by`` steps ago, through reshapes) → neurons n."""
    back = {"weight": "r"} | ({"bias": "b"} if "b" in params else {})
    attrs = {"equation": equation(decay).to_dict(), "emit": "spike"}
    real, spike, flat = ValueType((SIZE,), STEPS), integers((SIZE,), STEPS, 0, 1), {"shape": [SIZE]}
    edge = {place: by * int(place == late) for place in PLACES}
    ring = [
        Node("sum", "add", (Edge("w"), Edge("out", edge["sum"])), type=real),
        Node("n", "neuron", (Edge("sum"),), attrs, type=spike),
        Node("flat", "reshape", (Edge("n", edge["reshape"]),), flat, type=spike),
        Node("back", "linear", (Edge("flat", edge["matrix"]),), {}, back, type=real),
        Node("out", "reshape", (Edge("back", edge["behind"]),), flat, type=real),
    ]  # fmt: skip
    first = {"sum": 0, "reshape": 2, "matrix": 3, "behind": 4}[late]  # its operand is late
    given = [
        input_node((INPUTS,), STEPS), Node("w", "linear", (Edge("clip"),), {}, {"weight": "w"}),
    ]  # fmt: skip
    return built([*given, *ring[first:], *ring[:first]], params, STEPS, outputs=("n",))


def by_hand(params: Params, given: np.ndarray, late: str, decay: float = 1.0) -> Params:
    """Spikes and updates (steps, samples, neurons): updated where the membrane was not 0 before the
    step, or an event came over a synapse; lists of synapses (mostly zeros) hold no zeros.
    """
    w, r = params["w"].astype(float), params["r"].astype(float)
    listed = {k: 2 * int((m == 0).sum()) > m.size for k, m in (("w", w), ("r", r))}
    reach = [(m != 0) if listed[k] else np.ones(m.shape) for k, m in (("w", w), ("r", r))]
    bias, early = params.get("b", np.zeros(SIZE)), late in ("matrix", "reshape")
    shape = (*given.shape[:2], SIZE)
    fired, updated = np.zeros(shape), np.zeros(shape, bool)
    for sample in range(given.shape[1]):
        v, z = np.zeros(SIZE), np.zeros(SIZE)
        for t, x in enumerate(given[:, sample]):
            updated[t, sample] = (v != 0) | (reach[0] @ (x != 0) + reach[1] @ z > 0)
            v = decay * v + w @ x + r @ z + (bias if early or t else 0)
            z = (v > THRESHOLD).astype(float)
            v[z > 0], fired[t, sample] = 0.0, z
    return {"fired": fired, "updated": updated}
