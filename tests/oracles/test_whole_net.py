"""Net A by brute force against the same network in torch."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from tests.oracles import net_a


def totals(counts: dict[str, np.ndarray]) -> dict[str, int]:
    return {event: int(array.sum()) for event, array in counts.items()}


def test_net_a_agrees_with_torch() -> None:
    net = net_a(seed=0, biased=True)
    w = {k: torch.tensor(v) for k, v in net.weights.items()}
    b = {k: torch.tensor(v) for k, v in net.biases.items()}
    layers = {
        "conv1": lambda x: functional.conv2d(x, w["conv1"], b["conv1"], padding=1),
        "conv2": lambda x: functional.conv2d(x, w["conv2"], b["conv2"], padding=1, stride=2),
        "conv3": lambda x: functional.conv2d(
            x, w["conv3"], b["conv3"], padding=2, dilation=2, groups=4
        ),
        "fc": lambda x: functional.linear(x.flatten(1), w["fc"], b["fc"]),
    }
    v = dict.fromkeys(layers, torch.tensor(0.0))
    with FlopCounterMode(display=False) as flops:
        for t in range(8):
            x = torch.tensor(net.clip[t], dtype=torch.float32)
            for name, layer in layers.items():
                charged = 0.5 * v[name] + layer(x)
                x = (charged >= 1.0).float()
                v[name] = charged * (1 - x)
                np.testing.assert_array_equal(net.spikes[f"{name}.neuron"][t], x.numpy())
    assert 2 * sum(net.dense_macs.values()) == flops.get_total_flops()
    assert all(0.02 < s.mean() < 0.6 for s in net.spikes.values())


def test_net_a_adds_up() -> None:
    net = net_a(seed=0)
    assert net.synaptic_operations() == sum(
        int(c["synapse"].sum()) for c in net.counts.values() if "synapse" in c
    )
    assert int(net.counts["fc"]["synapse"].sum()) == 10 * int(net.spikes["conv3.neuron"].sum())
    for name, spikes in net.spikes.items():
        counts = totals(net.counts[name])
        assert counts["neuron_active"] + counts["neuron_idle"] == spikes.size
        assert counts["spike"] == spikes.sum()
