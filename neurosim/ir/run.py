"""What one simulation left behind: counts, facts, outputs, an optional trace, and how it was
made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.ir.counts import Counts
from neurosim.ir.facts import NodeFacts
from neurosim.ir.graph import Graph
from neurosim.ir.manifest import Manifest

UNKNOWN_FACTS = "facts unknown: counts alone were given"


@dataclass(frozen=True)
class Trace:
    """Recorded values: node → (steps, samples, *shape), or (samples, *shape) for a clip value."""

    values: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])

    def __getitem__(self, node: str) -> np.ndarray:
        return self.values[node]

    def __contains__(self, node: object) -> bool:
        return node in self.values

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Run:
    """``facts``: node → NodeFacts in graph order; everything pricing, mapping and plots need,
    without torch."""

    counts: Counts
    facts: Mapping[str, NodeFacts]
    manifest: Manifest
    outputs: Any = None
    trace: Trace = field(default_factory=Trace)
    graph: Graph | None = None

    @property
    def samples(self) -> int:
        """Clips in the run."""
        return self.counts.samples

    @property
    def steps(self) -> int:
        """Time steps of each clip."""
        return self.counts.steps

    def synaptic_operations(self) -> int:
        """synapse + graded_synapse, whole batch, exact."""
        return self.counts.synaptic_operations()

    def firing_rates(self) -> dict[str, float]:
        """Neuron node → spikes / (neurons × steps × samples)."""
        return {name: spikes / total for name, (spikes, total) in self._spikes().items()}

    def mean_firing_rate(self) -> float:
        """All spikes over all neuron-steps."""
        pairs = self._spikes().values()
        total = sum(t for _, t in pairs)
        return sum(s for s, _ in pairs) / total if total else 0.0

    def _spikes(self) -> dict[str, tuple[int, int]]:
        out: dict[str, tuple[int, int]] = {}
        for name, facts in self.facts.items():
            if facts.role != "neuron" or facts.out_kind == "real":
                continue
            neuron_steps = self.counts.get(name, "neuron_active") + self.counts.get(
                name, "neuron_idle"
            )
            out[name] = (
                self.counts.get(name, "spike"),
                neuron_steps or facts.neurons * self.steps * self.samples,
            )
        return out

    def save(self, path: str | Path) -> Path:
        """Write one file (JSON and arrays, no pickle), whole or not at all. Raises StoreError."""
        from neurosim.ir.store import save_run

        return save_run(self, path)

    @staticmethod
    def from_counts(
        counts: Counts,
        graph: Graph | None = None,
        facts: Mapping[str, NodeFacts] | None = None,
        manifest: Manifest | None = None,
    ) -> Run:
        """A run from counts made elsewhere; facts come from the graph, or are bare names."""
        if facts is None:
            facts = (
                graph.facts()
                if graph is not None
                else {n: _bare(n, counts) for n in counts.nodes()}
            )
        pipeline = graph.pipeline if graph is not None else ()
        return Run(
            counts, facts, manifest or Manifest(pipeline=pipeline, engine="counts"), graph=graph
        )


def _bare(name: str, counts: Counts) -> NodeFacts:
    """Facts of a node of which only counts are known."""
    spikes = counts.get(name, "neuron_active") + counts.get(name, "neuron_idle")
    role = "neuron" if spikes else "opaque"
    kind = "spike" if spikes else "real"
    return NodeFacts(
        name,
        "unknown",
        role,
        counts.steps,
        (),
        (),
        (),
        kind,
        note=UNKNOWN_FACTS,
    )
