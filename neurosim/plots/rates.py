"""Firing rate and membrane time constant by layer: from a run, from a published vector, or from
plain rates."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.errors import RatesError
from neurosim.ir.run import Run
from neurosim.plots.activity import neuron_steps, spiking
from neurosim.plots.span import Span
from neurosim.plots.time_constant import time_constant

Source = Run | Mapping[str, Any]
BLOCKS = {  # kind of block ← a word of the node's path; the first that fits
    "attention": re.compile(r"attn|attention", re.IGNORECASE),
    "MLP": re.compile(r"(^|[._])(mlp|ffn)", re.IGNORECASE),
    "embedding": re.compile(r"embed|stem", re.IGNORECASE),
    "head": re.compile(r"(^|[._])(head|classifier)", re.IGNORECASE),
}
OTHER = "other"


@dataclass(frozen=True)
class LayerRate:
    """One layer of neurons. ``depth``: its place among them, from 1, in the order of the data.
    ``neuron_steps``: over all clips. ``rate``: spikes per neuron and step. ``tau``: steps. None:
    not known."""

    node: str
    depth: int
    block: str
    neurons: int | None
    neuron_steps: int | None
    rate: float
    tau: Span | None = None


@dataclass(frozen=True)
class RateTable:
    """All layers; ``source`` says in a few words where the rates come from."""

    layers: tuple[LayerRate, ...]
    source: str = ""

    columns = (
        "node", "depth", "block", "neurons", "neuron_steps", "rate",
        "tau_steps", "tau_low", "tau_high",
    )  # fmt: skip

    def rows(self) -> list[tuple[Any, ...]]:
        """One a layer."""
        return [
            (x.node, x.depth, x.block, x.neurons, x.neuron_steps, x.rate, *_tau(x.tau))
            for x in self.layers
        ]

    @property
    def rates(self) -> list[float]:
        """Spikes per neuron and step, by layer."""
        return [x.rate for x in self.layers]

    @property
    def taus(self) -> list[float]:
        """Membrane time constants in steps, of the layers whose is known and finite."""
        return [x.tau.mean for x in self.layers if x.tau and math.isfinite(x.tau.mean)]

    @property
    def mean_rate(self) -> float:
        """Mean over layers."""
        return sum(self.rates) / len(self.layers)

    @property
    def mean_rate_of_neurons(self) -> float | None:
        """Mean over neurons: all spikes over all neuron-steps. None: sizes are not known."""
        sizes = [x.neuron_steps for x in self.layers if x.neuron_steps is not None]
        if len(sizes) < len(self.layers) or not sum(sizes):
            return None
        return sum(n * r for n, r in zip(sizes, self.rates, strict=True)) / sum(sizes)

    @property
    def mean_tau(self) -> float | None:
        """Mean over the layers whose time constant is known and finite."""
        return sum(self.taus) / len(self.taus) if self.taus else None

    def summary(self) -> dict[str, Any]:
        """Layers, means and ranges of rates and time constants (steps); JSON-ready, None where not
        known."""
        rates, taus = self.rates, self.taus
        return {
            "data": self.source,
            "layers": len(self.layers),
            "mean_rate": self.mean_rate,
            "mean_rate_of_neurons": self.mean_rate_of_neurons,
            "rate_low": min(rates),
            "rate_high": max(rates),
            "mean_tau_steps": self.mean_tau,
            "tau_low": min(taus, default=None),
            "tau_high": max(taus, default=None),
        }


def rate_table(source: Source) -> RateTable:
    """The layers of a ``Run``, of a published vector (``models.published``: {"plif": {node: {rate,
    tau, neuron_steps}}, "steps": T}) or of {node: rate}.

    Raises RatesError: no layer at all, or a rate that is none.
    """
    if isinstance(source, Run):
        found = _of_run(source)
    elif isinstance(source.get("plif"), Mapping):
        found = _of_published(source)
    else:
        found = _of_rates(source)
    if not found.layers:
        raise RatesError("firing rates: no layer that spikes; give those of a model that has some")
    return found


def block_of(node: str) -> str:
    """Kind of block by the node's path: attention, MLP, embedding, head or other."""
    return next((kind for kind, words in BLOCKS.items() if words.search(node)), OTHER)


def _of_run(run: Run) -> RateTable:
    rates = run.firing_rates()
    layers = tuple(
        LayerRate(name, depth, block_of(name), facts.neurons if facts.out_shape else None,
                  int(neuron_steps(run, name).sum()), rates[name], time_constant(facts, run.graph))
        for depth, (name, facts) in enumerate(spiking(run).items(), 1)
    )  # fmt: skip
    clips = f"{run.samples} clip{'s' * (run.samples != 1)} of {run.steps} steps"
    said = clips if run.manifest.activity == "measured" else run.manifest.activity
    return RateTable(layers, ", ".join(filter(None, (run.manifest.model, said))))


def _of_published(vector: Mapping[str, Any]) -> RateTable:
    steps = vector.get("steps")
    layers: list[LayerRate] = []
    for node, entry in vector["plif"].items():
        tau, events = entry.get("tau"), entry.get("neuron_steps")
        constant = None if tau is None else Span(*[float(tau)] * 3)
        neurons = events // steps if events and steps else None
        rate, depth = _checked(node, entry.get("rate")), len(layers) + 1
        layers.append(LayerRate(node, depth, block_of(node), neurons, events, rate, constant))
    return RateTable(tuple(layers), "published")


def _of_rates(rates: Mapping[str, Any]) -> RateTable:
    given: Iterable[tuple[str, Any]] = rates.items()
    layers = (
        LayerRate(str(node), depth, block_of(str(node)), None, None, _checked(node, rate))
        for depth, (node, rate) in enumerate(given, 1)
    )
    return RateTable(tuple(layers), "rates as given")


def _checked(node: object, rate: Any) -> float:
    """Raise RatesError unless it is a finite number of at least 0."""
    number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
    if number and math.isfinite(rate) and rate >= 0:
        return float(rate)
    raise RatesError(f"{node}: a rate of {rate!r}; give spikes per neuron and step, at least 0")


def _tau(tau: Span | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if tau is None else (tau.mean, tau.low, tau.high)
