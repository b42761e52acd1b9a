"""A small run made by hand: a stem, a neuron, a dense layer; two steps, two samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from neurosim.ir.counts import Counts
from neurosim.ir.facts import Geometry, NodeFacts
from neurosim.ir.manifest import Manifest
from neurosim.ir.neuron import LIF
from neurosim.ir.run import Run

STEPS, SAMPLES = 2, 2


def near(value: float, rel: float = 1e-12) -> Any:
    """Equal to rounding; joules are far below pytest's own absolute tolerance."""
    return pytest.approx(value, rel=rel, abs=0)


CELLS = STEPS * SAMPLES  # every count below is per step and sample
COUNTS: dict[tuple[str, str], int] = {
    ("stem", "mac"): 200, ("stem", "add"): 32, ("stem", "weight_read"): 232,
    ("stem", "activation_read"): 200, ("stem", "activation_write"): 32,
    ("lif", "neuron_active"): 20, ("lif", "neuron_idle"): 12, ("lif", "spike"): 5,
    ("lif", "state_read"): 32, ("lif", "state_write"): 32, ("lif", "activation_write"): 5,
    ("fc", "synapse"): 15, ("fc", "synapse_zero"): 3, ("fc", "activation_read"): 5,
    ("fc", "weight_read"): 15, ("fc", "state_read"): 15, ("fc", "state_write"): 15,
    ("fc", "add"): 3,
    ("residual", "add"): 32,
}  # fmt: skip


def facts() -> dict[str, NodeFacts]:
    """Facts of the four nodes and the clip."""
    shape, image = (2, 4, 4), (1, 4, 4)
    found = [
        NodeFacts("clip", "input", "input", STEPS, (), image, (), "real"),
        NodeFacts(
            "stem", "convolution", "weights", STEPS, (image,), shape, ("real",), "real",
            dense_macs=288 * STEPS, existing_macs=200 * STEPS, weight_shape=(2, 1, 3, 3), bias=True,
            parameters=20, stem=True, geometry=Geometry(1, 2, 1, (3, 3), (1, 1), (1, 1)),
        ),
        NodeFacts(
            "lif", "neuron", "neuron", STEPS, (shape,), shape, ("real",), "spike", (0, 1),
            neuron=LIF(v_decay=0.5).to_dict(), state_words=1,
        ),
        NodeFacts(
            "fc", "linear", "weights", STEPS, (shape,), (3,), ("spike",), "real", bias=True,
            dense_macs=96 * STEPS, existing_macs=96 * STEPS, weight_shape=(3, 32), parameters=99,
        ),
        NodeFacts("residual", "add", "arithmetic", STEPS, (shape, shape), shape, ("real",), "real"),
    ]  # fmt: skip
    return {f.name: f for f in found}


def run(
    counts: Mapping[tuple[str, str], int] | None = None,
    nodes: Mapping[str, NodeFacts] | None = None,
    samples: int = SAMPLES,
    **manifest: Any,
) -> Run:
    """The reference run, or another made of the same counts in every step and sample."""
    counts = COUNTS if counts is None else counts
    table = {k: np.full((samples, STEPS), v, np.int64) for k, v in counts.items()}
    return Run(
        Counts(table, samples, STEPS), facts() if nodes is None else nodes, Manifest(**manifest)
    )
