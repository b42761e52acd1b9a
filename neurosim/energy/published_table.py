"""Published tables of layers as runs: dense operations and rates in, counts out, any convention
applies to them.

A table's rate of a layer is that of its input. Of a layer with D dense operations and rate r the
run counts round(r·D) events (or D multiply-accumulates of a real input); of attention with P pairs
per product, r·P per side. The results that a publication prints are not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import RatesError, UnknownName
from neurosim.ir.counts import Counts, Key
from neurosim.ir.facts import NodeFacts
from neurosim.ir.manifest import Manifest
from neurosim.ir.run import Run
from neurosim.registry import data_files


@dataclass(frozen=True)
class Layer:
    """A layer with weights; ``kind``: spike or real. ``inherits``: the neuron before a chain of
    real layers. ``steps``: those that the operations are the sum of, where a convention asks.
    """

    name: str
    dense_operations: int
    rate: float
    kind: str
    stem: bool = False
    inherits: str = ""
    steps: int = 1


@dataclass(frozen=True)
class Attention:
    """Q·(KᵀV): two products of ``pairs`` positions each, and the rates of q, k and v."""

    name: str
    pairs: int
    q: float
    k: float
    v: float


@dataclass(frozen=True)
class Population:
    """A neuron layer with its neuron-steps and rate."""

    name: str
    neuron_steps: int
    rate: float


def published() -> tuple[str, ...]:
    """Names of the tables that ship with the package."""
    return tuple(data_files("energy.published", ".json"))


def load_published(name: str) -> dict[str, Any]:
    """A shipped table as plain data, with its source. Raises UnknownName."""
    files: Mapping[str, Path] = data_files("energy.published", ".json")
    if name not in files:
        raise UnknownName("published table", name, files)
    return json.loads(files[name].read_text(encoding="utf-8"))


def run_published(name: str) -> Run:
    """A shipped table as a run. Raises UnknownName."""
    data = load_published(name)
    layers = [
        Layer(e["layer"], e["dense_operations"], e["rate"], e["kind"],
              bool(e.get("stem")), e.get("inherits", ""))
        for e in data["layers"]
    ]  # fmt: skip
    attention = [Attention(e["layer"], e["pairs"], **e["rates"]) for e in data["attention"]]
    neurons = [
        Population(e["layer"], e["neuron_steps"], e["rate"]) for e in data.get("neurons", ())
    ]
    return run_of_table(layers, attention, neurons, name)


def run_of_table(
    layers: Iterable[Layer],
    attention: Iterable[Attention] = (),
    neurons: Iterable[Population] = (),
    name: str = "table",
) -> Run:
    """Expected counts of a table: one sample, one step, activity ``published``.

    Raises RatesError: a rate outside 0 to 1, or an unknown kind.
    """
    facts: dict[str, NodeFacts] = {}
    counts: dict[Key, int] = {}
    for population in neurons:
        _neuron(population, facts, counts)
    for layer in layers:
        _layer(layer, facts, counts)
    for block in attention:
        _attention(block, facts, counts)
    table = {key: np.full((1, 1), value, np.int64) for key, value in counts.items()}
    manifest = Manifest(model=name, activity="published", engine="table", weights="none")
    return Run(Counts(table, 1, 1), facts, manifest)


def expected(rate: float, operations: int, place: str) -> int:
    """rate × operations, rounded half to even. Raises RatesError: a rate outside 0 to 1."""
    if not 0.0 <= rate <= 1.0:
        raise RatesError(
            f"{place}: a rate of {rate} is not between 0 and 1; give spikes per element and step"
        )
    return round(Fraction(rate) * operations)


def _neuron(population: Population, facts: dict[str, NodeFacts], counts: dict[Key, int]) -> None:
    name, steps = population.name, population.neuron_steps
    facts[name] = NodeFacts(
        name, "neuron", "neuron", 1, ((steps,),), (steps,), ("real",), "spike", (0, 1)
    )
    counts[name, "spike"] = expected(population.rate, steps, name)
    counts[name, "neuron_active"] = steps


def _layer(layer: Layer, facts: dict[str, NodeFacts], counts: dict[Key, int]) -> None:
    name, dense = layer.name, layer.dense_operations
    if layer.kind not in ("spike", "real"):
        raise RatesError(f"{name}: kind {layer.kind!r} is not known; say spike or real")
    sources = ((layer.inherits, 1.0),) if layer.inherits else ()
    facts[name] = NodeFacts(
        name, "layer", "weights", layer.steps, ((dense // layer.steps,),), (), (layer.kind,),
        "real", dense_macs=dense, existing_macs=dense, stem=layer.stem, rate_sources=sources,
        note="from a table: one input element per dense operation",
    )  # fmt: skip
    if layer.kind == "real":
        counts[name, "mac"] = dense
        return
    active = expected(layer.rate, dense, name)
    counts[name, "synapse"] = counts[name, "activation_read"] = active


def _attention(block: Attention, facts: dict[str, NodeFacts], counts: dict[Key, int]) -> None:
    """KᵀV: spike × spike; Q·(KᵀV): spike × graded."""
    kv, q = f"{block.name}.kv", f"{block.name}.q_kv"
    for name, kinds in ((kv, ("spike", "spike")), (q, ("spike", "graded"))):
        facts[name] = NodeFacts(
            name, "matmul", "product", 1, (), (), kinds, "graded", dense_macs=block.pairs
        )
    counts[kv, "fanout_left"] = expected(block.k, block.pairs, kv)
    counts[kv, "fanout_right"] = expected(block.v, block.pairs, kv)
    counts[q, "fanout_left"] = expected(block.q, block.pairs, q)
