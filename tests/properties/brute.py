"""What a run of a random network must count, synapse by synapse: each layer fed with the spikes
that the run itself recorded before it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tests.oracles import Conv, Linear
from tests.oracles.synapses import exists, out_shape, synapses
from tests.properties.networks import Case, Layer, Shape

Counts = dict[tuple[str, str], np.ndarray]  # (node, event) → (steps, samples)


@lru_cache(maxsize=4096)
def listed(shape: Shape, layer: Conv | Linear) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat source, target and weight index of every existing synapse, one entry each."""
    out = out_shape(shape, layer)
    rows = [
        (np.ravel_multi_index(s, shape), np.ravel_multi_index(t, out),
         np.ravel_multi_index(w, layer.weight))
        for s, t, w in filter(exists, synapses(shape, layer))
        if s is not None and t is not None
    ]  # fmt: skip
    found = np.array(rows, np.int64).reshape(-1, 3)
    return found[:, 0], found[:, 1], found[:, 2]


def brute(case: Case, spikes: dict[str, np.ndarray]) -> Counts:
    """``spikes``: neuron node → recorded (steps, samples, *shape)."""
    found: Counts = {}
    x, kind = case.clip(), case.kind
    if kind != "real":
        found["clip", "input_event"] = _per_slice(x != 0)
    for i, layer in enumerate(case.layers):
        n = x.reshape(*x.shape[:2], -1)
        found |= _weights(f"l{i}", layer, kind, n, case.weights()[f"w{i}"])
        x, kind_in, kind = spikes[f"n{i}"], kind, "spike"
        found |= _neuron(f"n{i}", layer, kind_in, n, x)
    return found


def _per_slice(values: np.ndarray) -> np.ndarray:
    return values.reshape(*values.shape[:2], -1).sum(axis=2).astype(np.int64)


def _weights(name: str, layer: Layer, kind: str, n: np.ndarray, weight: np.ndarray) -> Counts:
    source, _, index = listed(layer.shape, layer.geometry)
    met = n[:, :, source]  # value of the source of each synapse, step and sample
    outputs = np.full(n.shape[:2], int(np.prod(layer.out)), np.int64)
    biases = outputs * layer.bias
    if kind == "real":
        macs = np.full(n.shape[:2], len(source), np.int64)
        events = {"mac": macs, "activation_read": macs, "weight_read": macs + biases,
                  "activation_write": outputs}  # fmt: skip
    else:
        active = _per_slice(met != 0)
        zero = _per_slice((met != 0) & (weight.reshape(-1)[index] == 0))
        events = {"synapse" if kind == "spike" else "graded_synapse": active,
                  "synapse_zero": zero, "weight_read": active + biases, "state_read": active,
                  "state_write": active, "activation_read": _per_slice(n != 0)}  # fmt: skip
        if kind == "graded":
            events["graded_unit"] = _per_slice(np.abs(met))
    return {(name, event): a for event, a in (events | {"add": biases}).items()}


def _neuron(name: str, layer: Layer, kind: str, n: np.ndarray, spikes: np.ndarray) -> Counts:
    source, target, _ = listed(layer.shape, layer.geometry)
    size = int(np.prod(layer.out))
    active = np.zeros((*n.shape[:2], size), bool)
    if kind == "real":
        active[:] = True
    else:
        for t in range(n.shape[0]):
            for b in range(n.shape[1]):
                active[t, b, target[n[t, b, source] != 0]] = True
    every = np.full(n.shape[:2], size, np.int64)
    fired = _per_slice(spikes)
    events = {"neuron_active": _per_slice(active), "neuron_idle": every - _per_slice(active),
              "spike": fired, "activation_write": fired, "state_read": every,
              "state_write": every}  # fmt: skip
    return {(name, event): a for event, a in events.items()}
