"""``neurosim estimate MODEL``: joules per video on every chip asked for."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli import options, twin

if TYPE_CHECKING:
    from neurosim.cli.exchanged import Imported
    from neurosim.cli.trust import Trust
    from neurosim.data.video import Clip
    from neurosim.ir.manifest import Manifest
    from neurosim.models._source import Source

DEFAULT = "cmos_45nm"
Record = Annotated[
    str | None,
    options.maybe(
        metavar="spikes|NODE",
        help="Keep values in run.npz, for rasters and silent neurons (neurosim plot).",
    ),
]
Stream = Annotated[
    bool,
    typer.Option(
        "--stream", help="The whole video, frame by frame as it is decoded, in constant memory."
    ),
]
Window = Annotated[
    int | None,
    options.maybe(help="With --stream: windows of so many steps, each with fresh state."),
]
Hop = Annotated[int | None, options.maybe(help="Steps from window to window. Default: a window.")]
Engine = Annotated[str, typer.Option(help="auto, dense or event; never changes a figure.")]


def estimate(
    model: options.GraphOrModel,
    clip: options.Clip = None,
    hardware: options.Hardware = None,
    convention: options.ConventionName = None,
    count: options.Count = None,
    rates: options.Rates = None,
    host: options.Host = None,
    out: options.Out = None,
    json: options.Json = False,
    engine: Engine = "auto",
    record: Record = None,
    silence: options.Silence = None,
    strict: options.Strict = True,
    weights: options.Weights = None,
    frames: options.Frames = None,
    size: options.Size = None,
    bin_ms: options.BinMs = None,
    time_dim: options.TimeDim = 0,
    batch_dim: options.BatchDim = 1,
    stream: Stream = False,
    window: Window = None,
    hop: Hop = None,
    source: options.NirSource = None,
    dt: options.Dt = None,
    neuron: options.NeuronField = None,
    kind: options.ClipKind = None,
    baseline: twin.Baselines = False,
    baseline_on: twin.On = None,
    baseline_frames: twin.Frames = None,
    baseline_bits: twin.Bits = None,
) -> None:
    """Firing rates, synaptic operations and mJ per video of a model on a clip."""
    from neurosim.cli.exchanged import Imported
    from neurosim.cli.output import staged
    from neurosim.cli.progress import quiet_stdout, stages
    from neurosim.cli.trust import check_names, trust
    from neurosim.studies.estimate import STAGES, check_chips
    from neurosim.studies.estimate import estimate as study

    counts: dict[str, Any] = {**options.counts(count)}
    chips = check_chips(hardware or [DEFAULT], convention, host, counts)
    beside = twin.asked(baseline, baseline_on, baseline_frames, baseline_bits)
    silent = check_names(silence or ())
    _check(engine, stream, window is not None or hop is not None, rates, (time_dim, batch_dim))
    with staged(out) if out else nullcontext() as folder:
        with quiet_stdout(), stages(("load", *STAGES)) as tell:
            tell("load")
            found_model, taken, given, manifest = _loaded(
                model, weights, clip, rates, options.frames(frames), options.size(size), bin_ms,
                Imported(source, dt, neuron, kind),
            )  # fmt: skip
            pieces, manifest = _pieces(stream, found_model, clip, taken, manifest)
            found = study(
                found_model.model, taken, chips, convention, given, host, engine,
                time_dim=time_dim, batch_dim=batch_dim, strict=strict, manifest=manifest,
                record=record, stream=pieces, window=window, hop=hop, on_stage=tell,
                baseline=beside, **counts,
            )  # fmt: skip
        claims = trust(found.run, found.reports, silent, found.graph, convention, counts)
        if folder is not None:
            folder.write(found.run, found.reports, trust=claims)
            twin.write(folder.staging, found.baselines)
    _print(found, claims, json)


def _check(engine: str, stream: bool, cut: bool, rates: str | None, axes: tuple[int, int]) -> None:
    """What is wrong whatever the model; ``cut``: into windows. Raises UsageError."""
    if engine not in ("auto", "dense", "event"):
        raise options.UsageError(f"--engine {engine}: choose auto, dense or event")
    if cut and not stream:
        raise options.UsageError("--window and --hop cut a long video; give --stream too")
    if stream and rates is not None:
        raise options.UsageError("--stream simulates, --rates assumes; give one of the two")
    if stream and axes != (0, 1):
        raise options.UsageError("--stream feeds [T, B, …]; wrap a model that takes other axes")


def _pieces(
    stream: bool, source: Source, path: Any, taken: Clip, manifest: Manifest
) -> tuple[Any, Manifest]:
    """The whole video piece by piece, and a manifest that says so; nothing unless asked for."""
    if not stream:
        return None, manifest
    from dataclasses import replace

    from neurosim.data.recipe import Recipe
    from neurosim.data.sample import sample_clip_path
    from neurosim.data.video import stream_clip

    steps, _, _, height, width = taken.tensor.shape
    known = source.recipe or Recipe(frames=steps, size=(height, width))
    recipe = replace(known, frames=steps, size=(height, width))
    place = path or sample_clip_path()
    note = f"every frame of {place.name}, as a stream"
    return stream_clip(place, recipe), manifest.with_(notes=(*manifest.notes, note))


def _loaded(
    model: str, weights: str | None, clip: Any, rates: str | None, frames: int | None,
    size: tuple[int, int] | None, bin_ms: float | None, imported: Imported,
) -> tuple[Source, Clip, float | dict[str, float] | None, Manifest]:  # fmt: skip
    """The model, its clip, the rates if any were given, and what the manifest knows so far."""
    from neurosim.cli.exchanged import load
    from neurosim.cli.rates import read_rates
    from neurosim.ir.manifest import Manifest
    from neurosim.models import SEED

    given, activity = read_rates(rates, model) if rates is not None else (None, "measured")
    shape_alone = given is not None and clip is None
    source, taken = load(model, weights, clip, frames, size, bin_ms, imported, shape_alone)
    seed = SEED if source.weights in ("untrained", "unknown") else None
    base = Manifest(
        model=source.name, activity=activity, weights=source.weights, seed=seed, card=source.facts()
    )
    return source, taken, given, base


def _print(found: Any, claims: Trust, json: bool) -> None:
    from neurosim.cli import show

    if json:
        show.print_json({**found.to_dict(), **show.about(found.run, claims)})
    else:
        show.print_estimate(found.run, found.reports, claims)
        twin.tell(found.baselines)
