"""KerasSpiking's own ModelEnergy on net A; a process of its own, nothing of neurosim imported.

KerasSpiking's licence allows non-commercial use alone, so it is neither a dependency nor a part of
neurosim: an interpreter that has it (``pip install tensorflow-cpu==2.15.1 "numpy<2" keras-spiking``
on Python 3.11) runs this file with the spikes that enter each layer, and prints JSON: what
``layer_energy`` and ``layer_stats`` say, for one sample as the tool means it, the mean of them.
"""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

import keras_spiking  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

LAYERS: dict[str, dict[str, Any]] = {
    "conv1": {"filters": 4, "kernel_size": 3},
    "conv2": {"filters": 8, "kernel_size": 3, "strides": 2},
    "conv3": {"filters": 8, "kernel_size": 3, "dilation_rate": 2, "groups": 4},
    "fc": {"units": 10},
}
DEVICES = ("cpu", "gpu", "arm", "loihi", "spinnaker", "spinnaker2")


def layer(name: str, options: dict[str, Any]) -> Any:
    """A layer with weights, run at every step."""
    if "units" in options:
        inner = tf.keras.layers.Dense(use_bias=False, **options)
    else:
        inner = tf.keras.layers.Conv2D(padding="same", use_bias=False, **options)
    return tf.keras.layers.TimeDistributed(inner, name=name)


def model(spikes: dict[str, np.ndarray]) -> Any:
    """Every layer fed by its spikes (B, T, ..., C), a spiking activation behind each."""
    inputs = [tf.keras.Input(spikes[name].shape[1:]) for name in LAYERS]
    outputs = [
        keras_spiking.SpikingActivation("relu", name=f"{name}.neuron")(layer(name, options)(x))
        for (name, options), x in zip(LAYERS.items(), inputs, strict=True)
    ]
    return tf.keras.Model(inputs, outputs)


def main() -> None:
    """Read the spikes, ask the tool, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("spikes", help=".npz: layer → (T, B, C, H, W) or (T, B, C)")
    with np.load(parser.parse_args().spikes) as file:
        spikes = {name: np.moveaxis(file[name].swapaxes(0, 1), 2, -1) for name in LAYERS}
    steps = spikes["conv1"].shape[1]
    net = model(spikes)
    tool = keras_spiking.ModelEnergy(net, example_data=[spikes[name] for name in LAYERS])
    layers = {
        found.name: {
            **{key: int(tool.layer_stats[found][key]) for key in ("connections", "neurons")},
            "rate": float(tool.layer_rates[found]),  # per step: dt is 1
            "joules": {d: list(map(float, tool.layer_energy(found, d, steps, 1))) for d in DEVICES},
        }
        for found in net.layers
        if not isinstance(found, tf.keras.layers.InputLayer)
    }
    versions = {"keras-spiking": keras_spiking.__version__, "tensorflow": tf.__version__}
    print(json.dumps({"versions": versions, "layers": layers}))


if __name__ == "__main__":
    main()
