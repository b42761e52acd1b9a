"""A graph on cores: where every compartment lies, and what that makes of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.hardware.schema import Fabric, Profile
from neurosim.ir.run import Run
from neurosim.mapping.mesh import Mesh
from neurosim.mapping.network import Network
from neurosim.mapping.wiring import Wires, onto_cores, wires_of

if TYPE_CHECKING:
    from neurosim.mapping.latency import Timing
    from neurosim.mapping.traffic import Traffic

Level = str  # simple | detailed | queueing


@dataclass(frozen=True, eq=False)
class Placement:
    """``cores``: population → core of each compartment, as a number into ``at``; ``at``: int64
    (cores,), the place of each used core on the chips. ``encodings``: layer → dense, sparse, conv.
    ``level``: how the time of a step is worked out (``latency``).
    """

    profile: Profile
    network: Network
    cores: Mapping[str, np.ndarray]
    at: np.ndarray
    encodings: Mapping[str, str]
    strategy: str
    use: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    level: Level = "simple"
    beyond: tuple[str, ...] = ()  # limits that a placement by hand was allowed to pass
    _known: dict[int, Any] = field(default_factory=dict[int, Any], repr=False)

    @property
    def fabric(self) -> Fabric:
        """The structure of the chip."""
        assert self.profile.fabric is not None  # ``place`` checked
        return self.profile.fabric

    @property
    def chips(self) -> int:
        """Powered chips."""
        return int(self.at.max(initial=0)) // self.fabric.cores + 1

    @property
    def tiles(self) -> int:
        """Tiles in use on the fullest chip."""
        used = np.unique(self.mesh.tile(self.at))
        columns, rows = self.mesh.tiles
        return int(np.bincount(used // (columns * rows)).max(initial=1))

    @cached_property
    def mesh(self) -> Mesh:
        """All chips."""
        return Mesh(self.fabric, self.chips)

    @cached_property
    def wires(self) -> dict[str, Wires]:
        """What each population sends to each core."""
        return wires_of(self.network, self.cores, len(self.at))

    @cached_property
    def shares(self) -> dict[str, np.ndarray]:
        """Layer → (cores,), the part of its synapses that each core holds."""
        found: dict[str, np.ndarray] = {}
        for name, layer in self.network.layers.items():
            synapses = np.asarray(
                onto_cores(layer, self.cores, len(self.at)).sum(axis=0), np.float64
            ).ravel()
            found[name] = synapses / max(1.0, synapses.sum())
        return found

    @property
    def late(self) -> int:
        """Steps until the last layer has seen the last step of a clip."""
        return max((p.late for p in self.network.populations.values()), default=0)

    def on_traffic(self, run: Run) -> Traffic:
        """Messages, hops and the load of each core and step; kept for the last run."""
        from neurosim.mapping.traffic import traffic_of

        return self._once("traffic", run, traffic_of)

    def timing(self, run: Run) -> Timing:
        """Seconds of each step of the chip."""
        from neurosim.mapping.latency import timing_of

        return self._once("timing", run, timing_of)

    def _once(self, what: str, run: Run, make: Any) -> Any:
        key = hash((what, id(run)))
        if key not in self._known:
            for old in [k for k, (_, w) in self._known.items() if w == what]:
                del self._known[old]
            self._known[key] = (make(self, run), what)
        return self._known[key][0]

    def seconds(self, run: Run) -> float:
        """Time of one forward of one clip, drain steps included; the mean over samples."""
        return self.timing(run).seconds

    def traffic(self, run: Run) -> Mapping[tuple[str, str], int]:
        """(node, event) → count over the whole run: messages, hops, deliveries, words that cross to
        the host, and the idle updates of the steps that fill and drain the chip.
        """
        return self.on_traffic(run).counts()

    def notes(self, run: Run) -> tuple[str, ...]:
        """How it was placed and what the figures rest on, for a report."""
        from neurosim.mapping.remarks import remarks

        return remarks(self, run)

    def __repr__(self) -> str:
        return (
            f"Placement({self.profile.name}, {self.strategy}: {len(self.at)} cores on {self.chips} "
            f"chip{'s' * (self.chips > 1)})"
        )
