"""The slowest core made faster: its layers spread over more cores, while the chips have any."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurosim.errors import PlacementError
from neurosim.hardware.schema import Profile
from neurosim.mapping.fit import Parts, fit, pack
from neurosim.mapping.limits import has
from neurosim.mapping.network import Network
from neurosim.mapping.wiring import onto_cores

RATE = 0.1  # spikes a neuron and step, where no run says how busy a layer is
MOST = 24  # rounds


def balanced(
    network: Network,
    chip: Profile,
    encodings: Mapping[str, str],
    caps: Mapping[str, int],
    cores: np.ndarray,
) -> tuple[Parts, np.ndarray]:
    """Parts and their cores on as many chips as ``cores``: the slowest population is halved again
    and again while the cores last, at ``RATE``; the best of all rounds.
    """
    assert chip.fabric is not None
    room = -(-(int(cores.max(initial=0)) + 1) // chip.fabric.cores) * chip.fabric.cores
    limits = has(chip.fabric)
    best: tuple[float, Parts, np.ndarray] | None = None
    for _ in range(MOST):
        try:
            parts, caps = fit(network, chip.fabric, encodings, caps)
        except PlacementError:
            break
        work = part_seconds(network, chip, parts, encodings)
        slowest = float(work.max())
        packed = pack({**parts.use, "work": work}, {**limits, "work": slowest})
        if int(packed.max(initial=0)) >= room:
            break
        if best is None or slowest < best[0]:
            best = slowest, parts, packed
        name = parts.owner[int(work.argmax())]
        held = min(caps[name], network.populations[name].size)
        if held <= 1:
            break
        caps = {**caps, name: held // 2}
    if best is None:  # no room at all: as they were
        parts, _ = fit(network, chip.fabric, encodings)
        return parts, cores
    return best[1], best[2]


def part_seconds(
    network: Network, chip: Profile, parts: Parts, encodings: Mapping[str, str]
) -> np.ndarray:
    """(parts,): the longer of generation and processing at ``RATE``."""
    number = len(parts.owner)
    times = {name: time.seconds() for name, time in chip.timing.items()}
    make = parts.use["neurons"] * (times.get("neuron_active", 0.0) + RATE * times.get("spike", 0.0))
    make = make + parts.use["axons out"] * RATE * times.get("message", 0.0)
    take = parts.use["axons in"] * RATE * times.get("message_in", 0.0)
    for name, layer in network.layers.items():
        each = chip.timing["synapse"].seconds(encoding=encodings[name]) if "synapse" in times else 0
        inputs = np.bincount(layer.reach.cell, minlength=layer.reach.taps.shape[0])
        take = take + inputs @ onto_cores(layer, parts.of, number) * (RATE * each)
    return np.maximum(make, take)
