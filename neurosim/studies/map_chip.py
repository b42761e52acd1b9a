"""A model on the cores of one chip: several strategies, each timed and priced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.energy.price import price
from neurosim.energy.report import EnergyReport
from neurosim.errors import UnpricedEvents
from neurosim.hardware.profile import load_profile
from neurosim.hardware.schema import Profile
from neurosim.ir.graph import Graph
from neurosim.ir.run import Run
from neurosim.mapping.place import STRATEGIES, place

if TYPE_CHECKING:
    from neurosim.mapping.placement import Placement


@dataclass(frozen=True, eq=False)
class Mapped:
    """One strategy: where it put the model, and what that costs. ``report`` is None where the chip
    has no public prices (``why``).
    """

    placement: Placement
    run: Run
    report: EnergyReport | None
    why: str = ""

    def row(self) -> dict[str, Any]:
        """The figures that strategies are compared by, per video of one view."""
        timing, traffic = self.placement.timing(self.run), self.placement.traffic(self.run)
        total = {e: sum(n for (_, k), n in traffic.items() if k == e) for _, e in traffic}
        messages = total.get("message", 0)
        hops = total.get("hop_ew", 0) + total.get("hop_ns", 0)
        split = None if self.report is None else self.report.split()
        energy = None if self.report is None else self.report.joules_per_video
        return {
            "strategy": self.placement.strategy,
            "cores": len(self.placement.at),
            "chips": self.placement.chips,
            "messages_per_video": messages / self.run.samples,
            "hops_per_message": hops / messages if messages and self.placement.mesh.known else None,
            "slowest_step_us": float(timing.steps.max()) * 1e6,
            "ms_per_video": timing.seconds * 1e3,
            "videos_per_second": timing.videos_per_second,
            "mj_per_video": None if energy is None else energy * 1e3,
            "mj_split": None if split is None else {k: v * 1e3 for k, v in split.items()},
            "energy_delay_js": None if energy is None else energy * timing.seconds,
        }


@dataclass(frozen=True, eq=False)
class MapStudy:
    """Strategies on one chip; the first is the one that was asked for."""

    chip: Profile
    graph: Graph
    run: Run
    mapped: tuple[Mapped, ...]

    @property
    def chosen(self) -> Mapped:
        """What was asked for."""
        return self.mapped[0]

    def layers(self) -> list[dict[str, Any]]:
        """Where each population sits."""
        placement = self.chosen.placement
        found: list[dict[str, Any]] = []
        for name, population in placement.network.populations.items():
            used = np.unique(placement.at[placement.cores[name]])
            found.append({"node": name, "kind": population.kind, "neurons": population.size,
                          "cores": len(used), "late": population.late})  # fmt: skip
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        chosen = self.chosen
        timing = chosen.placement.timing(self.run)
        return {
            "model": self.run.manifest.model,
            "manifest": self.run.manifest.to_dict(),
            "chip": self.chip.name,
            **chosen.row(),
            "tiles": chosen.placement.tiles,
            "steps": self.run.steps,
            "drain_steps": chosen.placement.late,
            "step_us": [float(s) * 1e6 for s in timing.steps.mean(axis=0)],
            "barrier_us": timing.barrier * 1e6,
            "on_host": list(chosen.placement.network.on_host),
            "host_share": None if chosen.report is None else chosen.report.host_share(),
            "not_priced": chosen.why,
            "notes": list(chosen.placement.notes(self.run)),
            "strategies": [m.row() for m in self.mapped],
            "layers": self.layers(),
        }

    def placement_file(self) -> dict[str, list[int]]:
        """node → core of each neuron in order, or the cores where equal runs say the same; read
        back by ``manual=``.
        """
        placement = self.chosen.placement
        return {n: placement.at[c].tolist() for n, c in placement.cores.items()}


def map_run(
    graph: Graph,
    run: Run,
    chip: str | Path | Profile,
    strategy: str = "hops",
    manual: Mapping[str, Any] | str | Path | None = None,
    level: str = "simple",
    compare: bool = True,
    others: Iterable[str] = tuple(STRATEGIES),
) -> MapStudy:
    """A run of ``graph`` on ``chip`` by the strategy asked for (or by hand), and by the others to
    compare with. Raises PlacementError.
    """
    profile = load_profile(chip)
    placements = [place(graph, profile, strategy, manual, level=level)]
    if compare:
        rest = [s for s in others if manual is not None or s != strategy]
        placements += [place(graph, profile, s, level=level) for s in rest]
    return MapStudy(profile, graph, run, tuple(_mapped(p, run, profile) for p in placements))


def _mapped(placement: Placement, run: Run, chip: Profile) -> Mapped:
    try:
        return Mapped(placement, run, price(run, chip, placement))
    except UnpricedEvents as error:
        return Mapped(placement, run, None, str(error))
