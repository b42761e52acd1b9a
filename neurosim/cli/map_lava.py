"""``neurosim map MODEL --to lava``: the model as Lava processes; with --run, its spikes there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from neurosim.cli import options

if TYPE_CHECKING:
    from neurosim.data.video import Clip
    from neurosim.exchange.lava.compare import Comparison
    from neurosim.exchange.lava.plan import Plan
    from neurosim.ir.graph import Graph
    from neurosim.models._source import Source


@dataclass(frozen=True)
class LavaOptions:
    """``until``: neurons to map, with what they need; () for all. ``chip``: whose fixed point;
    None: Lava's floating-point models."""

    until: tuple[str, ...] = ()
    chip: str | None = "loihi1"
    average_bn: bool = False
    run: bool = False
    timeout_seconds: float = 300.0


def map_lava(
    model: str,
    how: LavaOptions,
    *,
    clip: Path | None = None,
    weights: str | None = None,
    frames: int | None = None,
    size: str | None = None,
    bin_ms: float | None = None,
    json: bool = False,
) -> None:
    """Print the processes of every layer; with ``how.run`` execute them and compare every spike.

    Raises LavaError, GraphError: what cannot be mapped, all at once. Exit code 1: in fixed point, a
    spike differs.
    """
    from neurosim.cli.progress import quiet_stdout, stages

    if not how.timeout_seconds > 0:
        raise options.UsageError(f"--timeout {how.timeout_seconds:g}: give seconds above 0")
    extent, steps = options.size(size), options.frames(frames)
    with quiet_stdout(), stages(("load", "capture", "map", "run in Lava")) as tell:
        tell("load")
        source, taken = _loaded(model, weights, clip, steps, extent, bin_ms)
        tell("capture")
        graph = _graph(source, taken, how)
        tell("map")
        document, found = _mapped(graph, taken, how, tell)
    document = {"model": source.name, "clip": dict(taken.info), **document}
    _print(document, json)
    if found is not None and found.fixed and not found.bit_identical:
        raise typer.Exit(1)


def _loaded(
    model: str, weights: str | None, clip: Path | None, frames: int | None,
    size: tuple[int, int] | None, bin_ms: float | None,
) -> tuple[Source, Clip]:  # fmt: skip
    """Without a clip: the built-in one, or random events where the model takes events."""
    from neurosim.cli.clips import check_bins, read_clip, recipe_of, stand_in
    from neurosim.models._source import resolve

    source = resolve(model, weights)
    events = recipe_of(source, clip, frames, size).channels == "events"
    if clip is None and events:
        check_bins(bin_ms, "a clip that is not given", binned=False)
        return source, stand_in(source, frames, size)
    return source, read_clip(source, clip, frames, size, bin_ms)


def _graph(source: Source, taken: Clip, how: LavaOptions) -> Graph:
    from neurosim.studies.estimate import graph_of
    from neurosim.studies.fixed_point import on_chip

    graph = graph_of(source.model, taken.tensor, taken.kind, name=source.name, lowered=False)
    return on_chip(graph, how.chip, how.average_bn, how.until)


def _mapped(
    graph: Graph, taken: Clip, how: LavaOptions, tell: Any
) -> tuple[dict[str, Any], Comparison | None]:
    from neurosim.exchange.lava.compare import compare_with_lava
    from neurosim.exchange.lava.from_graph import plan_of
    from neurosim.exchange.lava.network import prepared
    from neurosim.exchange.lava.plan import aligned

    plan, depth = aligned(plan_of(prepared(graph), how.until or None))
    document = _document(graph, plan, depth, how)
    if not how.run:
        return document, None
    tell("run in Lava")
    found = compare_with_lava(
        graph, taken.tensor, until=how.until or None, timeout_seconds=how.timeout_seconds
    )
    for row in document["layers"]:
        row |= {
            **asdict(found.layers[row["node"]]),
            "identical": found.layers[row["node"]].identical,
        }
    verdict = {
        "bit_identical": found.bit_identical,
        "identical": found.identical,
        "samples": found.samples,
        "steps": found.steps,
    }
    return {**document, "run": verdict}, found


def _document(graph: Graph, plan: Plan, depth: dict[str, int], how: LavaOptions) -> dict[str, Any]:
    processes: dict[str, int] = {}
    for unit in plan.units:
        processes[unit.kind] = processes.get(unit.kind, 0) + 1
    mapped = {u.name for u in plan.units}
    layers = [
        {"node": n, "neurons": int(order.size), "shape": list(plan.by_name[n].shape),
         "depth": depth[n]}
        for n, order in plan.neurons.items()
    ]  # fmt: skip
    left = [n.name for n in graph.nodes if n.known.role in ("weights", "product", "neuron")]
    return {
        "arithmetic": f"fixed point of {how.chip}" if plan.fixed else "floating point",
        "processes": processes,
        "layers": layers,
        "sources": list(plan.sources),
        "not_mapped": [name for name in left if name not in mapped],
    }


def _print(document: dict[str, Any], json: bool) -> None:
    from neurosim.cli import show

    if json:
        show.print_json(document)
        return
    listed = ", ".join(f"{number} {kind}" for kind, number in document["processes"].items())
    typer.echo(f"model    {document['model']}")
    typer.echo(f"Lava     {document['arithmetic']}: {listed}")
    typer.echo(f"driven   by {', '.join(document['sources'])}")
    if left := document["not_mapped"]:
        typer.echo(f"host     {len(left)} nodes with weights or neurons: {', '.join(left)}")
    typer.echo("")
    show.print_table(*_table(document))
    if "run" in document:
        typer.echo(f"\n{_verdict(document)}")


def _table(document: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """A row a layer."""
    head = ["layer", "shape (W, H, C)", "neurons", "depth"]
    ran = "run" in document
    if ran:
        head += ["spikes", "in Lava", "differ", "before step 0"]
    rows = []
    for layer in document["layers"]:
        row = [layer["node"], "×".join(map(str, layer["shape"])), f"{layer['neurons']:,}"]
        row.append(str(layer["depth"]))
        if ran:
            names = ("spikes", "lava_spikes", "different", "early")
            row += [f"{layer[name]:,}" for name in names]
        rows.append(row)
    return head, rows


def _verdict(document: dict[str, Any]) -> str:
    run = document["run"]
    said = "bit-identical" if run["bit_identical"] else f"{run['identical']:.6%} identical"
    return (
        f"spikes   {said} in all layers over {run['steps']} steps, {run['samples']} sample(s); "
        "each layer's depth in steps was taken off"
    )
