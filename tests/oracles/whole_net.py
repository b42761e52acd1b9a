"""Net A, whole: conv 2→4 k3 p1; 4→8 k3 s2 p1; 8→8 k3 d2 p2 groups 4; dense 288→10; a neuron each.

T = 8, B = 2, Bernoulli 0.2 input of 2×12×12. Weights are multiples of 1/64 and the decay is 1/2,
so that float32 sums are exact in any order and every free run must give the same integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tests.oracles.activity import Path, neuron_activity, neuron_counts
from tests.oracles.neurons import Neuron, neuron
from tests.oracles.synapses import Conv, Linear
from tests.oracles.weights import Counts, apply, dense_macs, stepwise_counts

STEPS, SAMPLES, INPUT = 8, 2, (2, 12, 12)
LAYERS: dict[str, Conv | Linear] = {
    "conv1": Conv((4, 2, 3, 3), padding=1),
    "conv2": Conv((8, 4, 3, 3), stride=2, padding=1),
    "conv3": Conv((8, 2, 3, 3), dilation=2, padding=2, groups=4),
    "fc": Linear((10, 288)),
}
RANGES = {
    "conv1": (-24, 48),
    "conv2": (-28, 32),
    "conv3": (-20, 36),
    "fc": (-12, 14),
}  # of 64 × weight, exclusive
NEURON = Neuron(v_decay=0.5, gain=1.0, v_threshold=1.0, fires=">=", reset="to_value", v_reset=0.0)


@dataclass
class NetA:
    """Parameters, input and everything a run of it leaves behind; node 'conv1' feeds neuron
    'conv1.neuron'."""

    clip: np.ndarray  # (T, B, 2, 12, 12) int
    weights: dict[str, np.ndarray]
    biases: dict[str, np.ndarray]  # empty: no biases
    counts: dict[str, Counts] = field(default_factory=dict)
    spikes: dict[str, np.ndarray] = field(default_factory=dict)
    dense_macs: dict[str, int] = field(default_factory=dict)

    def synaptic_operations(self) -> int:
        """The one integer."""
        return sum(int(self.counts[name]["synapse"].sum()) for name in LAYERS)


def build(seed: int = 0, biased: bool = False) -> NetA:
    """Parameters and input, nothing run yet."""
    rng = np.random.default_rng(seed)
    clip = (rng.random((STEPS, SAMPLES, *INPUT)) < 0.2).astype(np.int64)
    weights, biases = {}, {}
    for name, layer in LAYERS.items():
        weights[name] = (rng.integers(*RANGES[name], layer.weight) / 64).astype(np.float32)
        if biased:
            biases[name] = (rng.integers(0, 16, layer.weight[0]) / 64).astype(np.float32)
    return NetA(clip, weights, biases)


def net_a(seed: int = 0, biased: bool = False) -> NetA:
    """Build it and run it, spike by spike."""
    net = build(seed, biased)
    x = net.clip
    for name, layer in LAYERS.items():
        x = x.reshape(STEPS, SAMPLES, -1) if isinstance(layer, Linear) else x
        x = _run_layer(net, name, layer, x)
    return net


def _run_layer(net: NetA, name: str, layer: Conv | Linear, x: np.ndarray) -> np.ndarray:
    """Weights, then neurons; returns the spikes."""
    weight, bias = net.weights[name], net.biases.get(name)
    net.counts[name] = stepwise_counts(x, "spike", weight, layer, bias is not None)
    net.dense_macs[name] = STEPS * SAMPLES * dense_macs(x.shape[2:], layer)
    currents = np.array(
        [[apply(x[t, b], weight, layer, bias) for b in range(SAMPLES)] for t in range(STEPS)]
    )
    spikes, _ = neuron(currents.astype(np.float32), NEURON)
    active = neuron_activity([Path(x != 0, (layer,))], spikes.shape[2:], STEPS, SAMPLES)
    net.spikes[f"{name}.neuron"] = spikes
    net.counts[f"{name}.neuron"] = neuron_counts(active, spikes, state_words=1)
    return spikes
