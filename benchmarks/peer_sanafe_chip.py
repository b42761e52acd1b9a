"""SANA-FE's own run of a network of ``chip_networks``; its own process, neurosim not imported.

    python peer_sanafe_chip.py SPEC.npz --steps 100 [--level simple|detailed|cycle]

Prints counts, joules and seconds of its chip as JSON, and the processor's seconds of the simulation
alone.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time

import numpy as np
import sanafe


def groups(net: sanafe.Network, spec: dict, arrays: dict) -> dict:
    """One neuron group each, in order, its biases and cores set."""
    found = {}
    for group in spec["groups"]:
        made = net.create_neuron_group(
            group["name"], group["size"],
            model_attributes={"threshold": group["threshold"], "leak_decay": group["leak"]},
        )  # fmt: skip
        found[group["name"]] = made
        if group["bias"]:
            for neuron, bias in zip(made.neurons, arrays[group["bias"]], strict=True):
                neuron.set_attributes(model_attributes={"bias": float(bias)})
    return found


def connect(made: dict, link: dict, arrays: dict) -> None:
    """Dense, convolution ([y][x][in][out], no padding) or a list of pairs."""
    source, target = made[link["source"]], made[link["target"]]
    weight = arrays[link["weight"]]
    if link["kind"] == "conv":
        c, h, w = link["shape"]
        source.connect_neurons_conv2d(
            target, {"w": weight.ravel().tolist()}, w, h, c, weight.shape[1], weight.shape[0],
            weight.shape[3], link["stride"], link["stride"],
        )  # fmt: skip
    elif link["kind"] == "dense":
        source.connect_neurons_dense(target, {"w": weight.ravel().tolist()})
    else:
        pairs = [tuple(map(int, p)) for p in arrays[link["pairs"]]]
        source.connect_neurons_sparse(target, {"w": weight.ravel().tolist()}, pairs)


def main() -> None:
    """Build, map, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("spec")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--level", default="simple")
    given = parser.parse_args()
    arrays = dict(np.load(given.spec))
    spec = json.loads(bytes(arrays.pop("spec")).decode())
    arch, net = sanafe.load_loihi(), sanafe.Network()
    made = groups(net, spec, arrays)
    for link in spec["links"]:
        if link["unit"]:
            for neuron in made[link["target"]].neurons:
                neuron.set_attributes(default_synapse_hw_name=link["unit"])
        connect(made, link, arrays)
    cores = arch.cores()
    for group in spec["groups"]:
        for neuron, core in zip(made[group["name"]].neurons, arrays[group["cores"]], strict=True):
            neuron.map_to_core(cores[int(core)])
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    begin = time.process_time()
    found = chip.sim(given.steps, timing_model=given.level, processing_threads=1)
    cpu = time.process_time() - begin
    print(json.dumps({
        "energy": dict(found["energy"]), "sim_time": found["sim_time"],
        **{k: found[k] for k in ("spikes", "packets_sent", "neurons_updated", "neurons_fired")},
        "cpu": cpu,
    }))  # fmt: skip


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp())
    main()
