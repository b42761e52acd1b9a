"""The main job: a model and a clip in, joules per video on any number of chips out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.energy.baseline import Baseline, DenseTwin
from neurosim.energy.price import price
from neurosim.energy.report import EnergyReport
from neurosim.errors import ClipError, PlacementError, ProfileError, RatesError
from neurosim.hardware.convention import Convention, with_counts
from neurosim.hardware.profile import load_profile
from neurosim.hardware.schema import Profile
from neurosim.ir.graph import Graph
from neurosim.ir.manifest import Manifest
from neurosim.ir.run import Run
from neurosim.studies.twins import shown_frames, twins

if TYPE_CHECKING:
    from torch import Tensor

    from neurosim.energy.lint import Finding
    from neurosim.energy.three import EnergyLine
    from neurosim.mapping.placement import Placement

Chip = str | Path | Profile
Axes = tuple[int | None, int | None]  # of time and of the batch
STAGES = ("capture", "lower", "simulate", "price")


@dataclass(frozen=True, eq=False)
class Estimate(Mapping[str, EnergyReport]):
    """Profile name → report, with the run that was priced, the graph that was run, where it sits on
    the chips that have cores for it, and its dense twins where they were asked for.
    """

    reports: Mapping[str, EnergyReport]
    run: Run
    graph: Graph
    placements: Mapping[str, Placement] = field(default_factory=dict[str, "Placement"])
    baselines: Mapping[str, Baseline] = field(default_factory=dict[str, Baseline])

    def three_energies(self) -> tuple[EnergyLine, ...]:
        """Arithmetic alone, with memory, and each whole chip (one placed where none was asked)."""
        from neurosim.studies.three import three

        return three(self.run, self.reports, self.graph)

    def lint(self, silence: Iterable[str] = ()) -> tuple[Finding, ...]:
        """What reviewers would object to, but the rules named in ``silence``."""
        from neurosim.energy.lint import lint

        return lint(self.run, self.reports, silence)

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
        found = document(self.run, self.reports)
        if self.baselines:
            found["baselines"] = {name: b.to_dict() for name, b in self.baselines.items()}
        return found


def estimate(
    model: Callable[..., Any] | Graph,
    clip: Any,
    hardware: Iterable[Chip] | Chip = ("cmos_45nm",),
    convention: str | Path | Convention | None = None,
    rates: float | Mapping[str, float] | None = None,
    host: Chip | None = None,
    engine: str = "auto",
    *,
    record: str | None = None,
    kind: str = "real",
    time_dim: int | None = 0,
    batch_dim: int | None = 1,
    strict: bool = True,
    stream: Iterator[Any] | None = None,
    window: int | None = None,
    hop: int | None = None,
    updates: bool = False,
    baseline: bool | DenseTwin = False,
    manifest: Manifest | None = None,
    on_stage: Callable[[str], object] | None = None,
    **count_overrides: Any,
) -> Estimate:
    """capture → lower → simulate → price, on every chip of ``hardware``; placed where it has cores
    and the model fits them.

    ``model``: a torch module, or a Graph that is already one.
    ``clip``: a tensor in the layout that the model takes, [T, B, C, H, W] unless ``time_dim`` and
    ``batch_dim`` say otherwise (or a ``data.Clip``, which knows its kind and is brought into that
    layout). ``rates``: one firing rate for all neurons, or neuron node → rate; then no clip is
    simulated and counts are expected ones.
    ``stream``: pieces of a long clip in the same layout, simulated in the place of ``clip``, which
    then only shows the shape; ``window``, ``hop``: as ``simulate``.
    ``record``: "spikes", or a node whose values ``run.trace`` keeps.
    ``updates``: as ``simulate``; taken where a chip's convention asks for it.
    ``baseline``: each report beside its dense twin (``Estimate.baselines``), or how it is made.
    ``on_stage`` is told the name of each stage as it begins.

    Raises NeurosimError: whatever is wrong with the model, the clip, a chip or a rate; chips and
    conventions are looked at first.
    """
    chips = check_chips(hardware, convention, host, count_overrides)
    tell = on_stage or _silent
    tensor, kind, info = _unpacked(clip, kind, (time_dim, batch_dim))
    base = manifest or Manifest()
    graph = graph_of(model, tensor, kind, strict, base.model, tell, axes=(time_dim, batch_dim))
    tell("simulate")
    base = base.with_(model=graph.meta["model"], clip=info)
    asked = updates or any(needs_updates(c, convention, count_overrides) for c in chips)
    how = {"record": record, "window": window, "hop": hop, "updates": stream is None and asked}
    run = _run(graph, tensor if stream is None else stream, rates, engine, base, **how)
    tell("price")
    placed, unplaced = place_all(graph, chips)
    reports = price_all(run, chips, convention, host, count_overrides, placed, unplaced)
    if not baseline:
        return Estimate(reports, run, graph, placed)
    seen = stream is None and rates is None  # the clip itself was run
    frames = shown_frames(tensor, kind, time_dim) if seen else None
    beside = twins(run, reports, baseline, frames, placed, host)
    return Estimate(reports, run, graph, placed, beside)


def graph_of(
    model: Callable[..., Any] | Graph,
    clip: Any,
    kind: str = "real",
    strict: bool = True,
    name: str = "",
    tell: Callable[[str], object] | None = None,
    lowered: bool = True,
    axes: Axes = (0, 1),
) -> Graph:
    """The graph that ``estimate`` runs: captured, then taken through the default pipeline.

    ``axes``: where the clip has its steps and its samples. A Graph (``ns.from_nir``) is taken as
    it is, its clip's kind included.
    """
    from neurosim.passes import lower

    tell = tell or _silent
    tell("capture")
    graph = model if isinstance(model, Graph) else _captured(model, clip, kind, strict, name, axes)
    if not lowered:
        return graph
    tell("lower")
    return lower(graph)


def _captured(
    model: Callable[..., Any], clip: Any, kind: str, strict: bool, name: str, axes: Axes
) -> Graph:
    from neurosim.capture.capture import capture

    steps, samples = axes
    return capture(
        model, clip, kind=kind, time_dim=steps, batch_dim=samples, strict=strict, name=name
    )


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
    _distinct(chips)
    if host is not None:
        load_profile(host)
    return chips


def _distinct(chips: tuple[Profile, ...]) -> None:
    """Raise ProfileError for two different profiles of one name: a report has one row a name."""
    seen: dict[str, Profile] = {}
    for chip in chips:
        if seen.setdefault(chip.name, chip) != chip:
            raise ProfileError(
                f"two different profiles are called {chip.name!r}; rename one of the files"
            )


def price_all(
    run: Run,
    hardware: Iterable[Chip],
    convention: str | Path | Convention | None = None,
    host: Chip | None = None,
    counts: Mapping[str, Any] | None = None,
    placed: Mapping[str, Placement] | None = None,
    unplaced: Mapping[str, str] | None = None,
) -> dict[str, EnergyReport]:
    """Profile name → report of one run. ``unplaced``: profile name → why it sits on no cores."""
    placed, unplaced = placed or {}, unplaced or {}
    found: dict[str, EnergyReport] = {}
    for chip in map(load_profile, hardware):
        why = {"why_unplaced": unplaced[chip.name]} if chip.name in unplaced else {}
        given = {**why, **(counts or {})}
        placement = placed.get(chip.name)
        found[chip.name] = price(run, chip, placement, convention, host, **given)
    return found


def place_all(
    graph: Graph, chips: Iterable[Profile]
) -> tuple[dict[str, Placement], dict[str, str]]:
    """Placements on the chips that have cores and steps, and why there is none on the others of
    these.
    """
    placed: dict[str, Placement] = {}
    unplaced: dict[str, str] = {}
    for chip in chips:
        if chip.fabric is None:
            continue
        from neurosim.mapping.place import place

        try:
            placed[chip.name] = place(graph, chip)
        except PlacementError as error:
            unplaced[chip.name] = str(error)
    return placed, unplaced


def needs_updates(
    chip: Profile, convention: str | Path | Convention | None, counts: Mapping[str, Any]
) -> bool:
    """Whether the bill asks which neurons were updated, which counts alone do not say."""
    own = {**chip.count, **counts} if convention is None else counts
    rules = with_counts(convention or chip.convention, own)
    return rules.idle_rule == "sanafe" and rules.neuron_updates == "chip"


def document(run: Run, reports: Mapping[str, EnergyReport]) -> dict[str, Any]:
    """Model, manifest, firing rates, SynOps of the batch, and a report a chip; JSON-ready."""
    return {
        "model": run.manifest.model,
        "manifest": run.manifest.to_dict(),
        "firing_rates": run.firing_rates(),
        "synaptic_operations": run.synaptic_operations(),
        "reports": {name: report.to_dict() for name, report in reports.items()},
    }


def arranged(clip: Tensor, axes: Axes) -> Tensor:
    """A clip of [T, B, …] with those two at ``axes``; one that is None is left out where it is 1.

    Raises ClipError: an axis that a clip of so many axes does not have.
    """
    for axis in (1, 0):
        if axes[axis] is None and clip.shape[axis] == 1:
            clip = clip.select(axis, 0)
    kept = [axis for axis in axes if axis is not None]
    try:
        return clip.movedim(tuple(range(len(kept))), tuple(kept))
    except (IndexError, RuntimeError):
        raise ClipError(
            f"time_dim={axes[0]}, batch_dim={axes[1]}: not two axes of a clip of {clip.ndim} axes; "
            "give two different ones"
        ) from None


def _unpacked(clip: Any, kind: str, axes: Axes) -> tuple[Tensor, str, dict[str, Any]]:
    """Tensor in the model's layout, declared kind and provenance of a clip."""
    if hasattr(clip, "tensor"):
        return arranged(clip.tensor, axes), clip.kind, dict(clip.info)
    return clip, kind, {"source": "tensor", "shape": list(getattr(clip, "shape", ()))}


def _run(
    graph: Graph,
    clip: Any,
    rates: float | Mapping[str, float] | None,
    engine: str,
    base: Manifest,
    **how: Any,
) -> Run:
    from neurosim.sim.simulate import simulate

    if rates is not None:
        how.pop("updates", None)
    if rates is None:
        return simulate(graph, clip, engine, reproducible=True, manifest=base, **how)
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
