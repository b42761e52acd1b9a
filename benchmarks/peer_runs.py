"""Other tools' own energy estimates of net A, recorded for ``neurosim reproduce peers``.

``python -m benchmarks.peer_runs FILE`` runs the programs on the same spikes and writes what they
say: joules of the whole batch and the counts behind them, with versions and the date. SpikingJelly
runs here, KerasSpiking in a process of its own (``peer_keras.py``) by the interpreter named in
``NEUROSIM_KERAS_PYTHON``.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurosim.studies.peer_net import RANGES, SAMPLES, net_a

PICO = 1e-12
HOW = "python -m benchmarks.peer_runs FILE, spikingjelly installed, NEUROSIM_KERAS_PYTHON set"
KERAS = "NEUROSIM_KERAS_PYTHON"
Found = dict[str, Any]  # program, printed: term → joules of the batch, counts


def keras_python() -> str | None:
    """The interpreter that has KerasSpiking, or None."""
    here = importlib.util.find_spec("keras_spiking") is not None
    return os.environ.get(KERAS) or (sys.executable if here else None)


def keras(python: str) -> Found:
    """ModelEnergy: per device the synapses and the neurons, per inference × samples."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spikes.npz"
        np.savez(path, **layer_inputs())
        program = Path(__file__).with_name("peer_keras.py")
        told = subprocess.run(
            [python, str(program), str(path)], check=True, capture_output=True, text=True
        )
    document = json.loads(told.stdout.splitlines()[-1])
    layers, names = document["layers"], document["versions"]
    printed = {
        f"{device}_{what}": SAMPLES * sum(layer["joules"][device][i] for layer in layers.values())
        for device in layers["conv1"]["joules"]
        for i, what in enumerate(("synapses", "neurons"))
    }
    counts = {name: _counts(layer) for name, layer in layers.items()}
    program = f"KerasSpiking {names['keras-spiking']} on TensorFlow {names['tensorflow']}"
    return {"program": f"{program}, ModelEnergy", "printed": printed, "counts": counts}


def _counts(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Without the rate where it bills nothing: the currents of untrained weights."""
    keys = ("connections", "rate") if layer["connections"] else ("neurons",)
    return {key: layer[key] for key in keys}


def layer_inputs() -> dict[str, np.ndarray]:
    """What enters each layer with weights: float32 spikes [T, B, ...]."""
    net, clip = net_a()
    seen: dict[str, np.ndarray] = {}
    for name in RANGES:
        getattr(net, name).register_forward_pre_hook(
            lambda _, given, n=name: seen.__setitem__(n, _steps(given[0], len(clip)))
        )
    with torch.no_grad():
        net(clip)
    return seen


def _steps(x: Tensor, steps: int) -> np.ndarray:
    return (x if len(x) == steps else x.unflatten(0, (steps, -1))).numpy()


def simple() -> Found:
    """SpikingJelly's estimate_simple_energy."""
    from spikingjelly.activation_based.op_counter import simple_energy as tool

    net, clip = spikingjelly_net()
    with torch.no_grad():
        report = tool.estimate_simple_energy(net, clip)
    energy, synop = report.breakdown_pj, report.counts["synop"]
    printed = {
        "mac": energy["mac_pj"],
        "synapse": 0.9 * synop,
        "neuron_update": energy["ac_pj"] - 0.9 * synop,
        "weight_read": energy["parameter_memory_pj"],
        "neuron_state": energy["neuron_state_memory_pj"],
        "accumulators": 0.0,  # no such item
    }
    return _spikingjelly("op_counter.estimate_simple_energy", printed, report.counts)


def lemaire() -> Found:
    """SpikingJelly's estimate_lemaire_energy; Flatten left out, which it does not know."""
    from spikingjelly.activation_based.op_counter import analytical_energy as tool

    net, clip = spikingjelly_net()
    config = tool.LemaireEnergyConfig(strict=False)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Lemaire formulas do not support Flatten")
        report = tool.estimate_lemaire_energy(net, clip, config=config)
    energy = report.breakdown_pj
    printed = {
        "operations": energy["ops_pj"],
        "addressing": energy["addressing_pj"],
        "in_and_out": energy["inout_pj"],
        "parameters": energy["params_pj"],
        "potentials": energy["potential_pj"],
    }
    return _spikingjelly("op_counter.estimate_lemaire_energy", printed, report.counts)


def _spikingjelly(name: str, picojoules: Mapping[str, float], counts: Mapping[str, int]) -> Found:
    return {
        "program": f"SpikingJelly {version('spikingjelly')}, {name}",
        "printed": {term: pj * PICO for term, pj in picojoules.items()},
        "counts": dict(counts),
    }


def spikingjelly_net() -> tuple[nn.Module, Tensor]:
    """Net A of SpikingJelly's own layers, with the same spikes; its clip."""
    from spikingjelly.activation_based import layer, neuron

    ours, clip = net_a()

    def conv(*args: int, **more: int) -> nn.Module:
        return layer.Conv2d(*args, bias=False, step_mode="m", **more)

    def lif() -> nn.Module:
        return neuron.LIFNode(tau=2.0, step_mode="m")

    layers = {
        "conv1": conv(2, 4, 3, padding=1),
        "conv2": conv(4, 8, 3, stride=2, padding=1),
        "conv3": conv(8, 8, 3, dilation=2, padding=2, groups=4),
        "fc": layer.Linear(288, 10, bias=False, step_mode="m"),
    }
    for name, target in layers.items():
        target.weight.data = getattr(ours, name).weight.data
    convolutions = [part for name in ("conv1", "conv2", "conv3") for part in (layers[name], lif())]
    flat = layer.Flatten(step_mode="m")
    return nn.Sequential(*convolutions, flat, layers["fc"], lif()).eval(), clip


def _without_torchvision() -> None:
    """SpikingJelly's model files take their downloader of weights from it, and nothing else."""
    if importlib.util.find_spec("torchvision") is None:
        for name in ("torchvision", "torchvision._internally_replaced_utils"):
            stand_in = ModuleType(name)
            stand_in.load_state_dict_from_url = None  # type: ignore[attr-defined]
            sys.modules[name] = stand_in


def main() -> None:
    """Run all three and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    path, python = parser.parse_args().file, keras_python()
    if python is None:
        parser.error(f"KerasSpiking is not installed; name an interpreter that has it in {KERAS}")
    _without_torchvision()
    day = datetime.date.today().isoformat()
    runs = {"keras": keras(python), "simple": simple(), "lemaire": lemaire()}
    document = {"how": HOW, **{name: {"run": day, **found} for name, found in runs.items()}}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
