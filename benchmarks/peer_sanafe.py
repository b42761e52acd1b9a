"""SANA-FE's own run of the network of ``peers.py``; its own process, nothing of neurosim imported.

Prints {"seconds", "events"} of the simulation alone: loading and mapping are not timed.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import sanafe

NEURONS, FAN_OUT, STEPS, RATE = 1024, 1000, 1000, 0.1


def links(seed: int) -> tuple[dict[str, list[float]], list[tuple[int, int]]]:
    """Weights and pairs, ``FAN_OUT`` targets a source."""
    rng = np.random.default_rng(seed)
    pairs = [
        (source, int(target))
        for source in range(NEURONS)
        for target in rng.choice(NEURONS, FAN_OUT, replace=False)
    ]
    return {"weight": [float(w) for w in rng.integers(1, 64, len(pairs))]}, pairs


def main() -> None:
    """Build, map, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recurrent", action="store_true")
    given = parser.parse_args()
    arch = sanafe.load_loihi()
    net = sanafe.Network()
    inputs = net.create_neuron_group("in", NEURONS, model_attributes={"poisson": RATE})
    for number, neuron in enumerate(inputs.neurons):
        neuron.set_attributes(soma_hw_name=f"loihi_inputs[{number}]")
    neurons = net.create_neuron_group(
        "lif", NEURONS, soma_hw_name="loihi_lif",
        model_attributes={"threshold": 8192.0, "leak_decay": 0.9, "reset": 0.0},
    )  # fmt: skip
    inputs.connect_neurons_sparse(neurons, *links(0))
    if given.recurrent:
        attributes, pairs = links(1)
        attributes["weight"] = [w / 4 for w in attributes["weight"]]
        neurons.connect_neurons_sparse(neurons, attributes, pairs)
    inputs.map_to_core(arch.tiles[0].cores[0])
    neurons.map_to_core(arch.tiles[0].cores[1])
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    begin = time.perf_counter()
    found = chip.sim(STEPS, timing_model="simple", processing_threads=2)
    seconds = time.perf_counter() - begin
    fired = found["neurons_fired"] if given.recurrent else NEURONS * RATE * STEPS
    print(json.dumps({"seconds": seconds, "events": int(fired * FAN_OUT)}))


if __name__ == "__main__":
    main()
