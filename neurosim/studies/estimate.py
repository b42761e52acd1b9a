"""The main job: a model and a clip in, joules per video on any number of chips out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.energy.price import price
from neurosim.energy.report import EnergyReport
from neurosim.errors import RatesError
from neurosim.hardware.convention import Convention, with_counts
from neurosim.hardware.profile import load_profile
from neurosim.hardware.schema import Profile
from neurosim.ir.graph import Graph
from neurosim.ir.manifest import Manifest
from neurosim.ir.run import Run

if TYPE_CHECKING:
    from torch import Tensor

Chip = str | Path | Profile
STAGES = ("capture", "lower", "simulate", "price")


@dataclass(frozen=True, eq=False)
class Estimate(Mapping[str, EnergyReport]):
    """Profile name → report, with the run that was priced and the graph that was run."""

    reports: Mapping[str, EnergyReport]
    run: Run
    graph: Graph

    def __getitem__(self, name: str) -> EnergyReport:
        return self.reports[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.reports)

    def __len__(self) -> int:
        return len(self.reports)

    def __repr__(self) -> str:
        found = ", ".join(f"{n}: {r.joules_per_video * 1e3:.4g} mJ" for n, r in self.items())
        return f"Estimate({found} per video)"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as ``neurosim estimate --json`` prints it."""
        return document(self.run, self.reports)


def estimate(
    model: Callable[..., Any],
    clip: Any,
    hardware: Iterable[Chip] | Chip = ("cmos_45nm",),
    convention: str | Path | Convention | None = None,
    rates: float | Mapping[str, float] | None = None,
    host: Chip | None = None,
    engine: str = "auto",
    *,
    kind: str = "real",
    strict: bool = True,
    manifest: Manifest | None = None,
    on_stage: Callable[[str], object] | None = None,
    **count_overrides: Any,
) -> Estimate:
    """capture → lower → simulate → price, on every chip of ``hardware``.

    ``clip``: [T, B, C, H, W] (or a ``data.Clip``, which knows its kind). ``rates``: one firing rate
    for all neurons, or neuron node → rate; then no clip is simulated and counts are expected ones.
    ``on_stage`` is told the name of each stage as it begins.

    Raises NeurosimError: whatever is wrong with the model, the clip, a chip or a rate; chips and
    conventions are looked at first.
    """
    chips = check_chips(hardware, convention, host, count_overrides)
    tell = on_stage or _silent
    tensor, kind, info = _unpacked(clip, kind)
    base = manifest or Manifest()
    graph = graph_of(model, tensor, kind, strict, base.model, tell)
    tell("simulate")
    run = _run(graph, tensor, rates, engine, base.with_(model=graph.meta["model"], clip=info))
    tell("price")
    reports = price_all(run, chips, convention, host, count_overrides)
    return Estimate(reports, run, graph)


def graph_of(
    model: Callable[..., Any],
    clip: Any,
    kind: str = "real",
    strict: bool = True,
    name: str = "",
    tell: Callable[[str], object] | None = None,
    lowered: bool = True,
) -> Graph:
    """The graph that ``estimate`` runs: captured, then taken through the default pipeline."""
    from neurosim.capture.capture import capture
    from neurosim.passes import lower

    tell = tell or _silent
    tell("capture")
    graph = capture(model, clip, kind=kind, strict=strict, name=name)
    if not lowered:
        return graph
    tell("lower")
    return lower(graph)


def check_chips(
    hardware: Iterable[Chip] | Chip,
    convention: str | Path | Convention | None,
    host: Chip | None,
    counts: Mapping[str, Any],
) -> tuple[Profile, ...]:
    """The chips, loaded. Raises UnknownName or ProfileError before any minute of work is spent."""
    listed = (hardware,) if isinstance(hardware, (str, Path, Profile)) else tuple(hardware)
    chips = tuple(load_profile(chip) for chip in listed)
    for chip in chips:
        with_counts(convention or chip.convention, counts)
    if host is not None:
        load_profile(host)
    return chips


def price_all(
    run: Run,
    hardware: Iterable[Chip],
    convention: str | Path | Convention | None = None,
    host: Chip | None = None,
    counts: Mapping[str, Any] | None = None,
) -> dict[str, EnergyReport]:
    """Profile name → report of one run."""
    found = (price(run, chip, None, convention, host, **(counts or {})) for chip in hardware)
    return {report.profile.name: report for report in found}


def document(run: Run, reports: Mapping[str, EnergyReport]) -> dict[str, Any]:
    """Model, manifest, firing rates, SynOps of the batch, and a report a chip; JSON-ready."""
    return {
        "model": run.manifest.model,
        "manifest": run.manifest.to_dict(),
        "firing_rates": run.firing_rates(),
        "synaptic_operations": run.synaptic_operations(),
        "reports": {name: report.to_dict() for name, report in reports.items()},
    }


def _unpacked(clip: Any, kind: str) -> tuple[Tensor, str, dict[str, Any]]:
    """Tensor, declared kind and provenance of a clip."""
    if hasattr(clip, "tensor"):
        return clip.tensor, clip.kind, dict(clip.info)
    return clip, kind, {"source": "tensor", "shape": list(getattr(clip, "shape", ()))}


def _run(
    graph: Graph, clip: Any, rates: float | Mapping[str, float] | None, engine: str, base: Manifest
) -> Run:
    from neurosim.sim.simulate import simulate

    if rates is None:
        return simulate(graph, clip, engine, manifest=base)
    if isinstance(rates, Mapping) and not rates:
        raise RatesError("rates: no layer at all; give a number or neuron node → rate")
    return _assumed(graph, rates, base)


def _assumed(graph: Graph, rates: float | Mapping[str, float], base: Manifest) -> Run:
    """Expected counts; ``base.activity`` says published where the rates were."""
    from dataclasses import replace

    from neurosim.sim.assumed import activity_from_rates

    run = activity_from_rates(graph, rates, graph.steps)
    activity = base.activity if base.activity == "published" else "assumed"
    made = run.manifest
    kept = base.with_(
        activity=activity,
        engine=made.engine,
        pipeline=graph.pipeline,
        notes=(*base.notes, *made.notes),
    )
    return replace(run, manifest=kept)


def _silent(stage: str) -> None:
    """Nobody listens."""
