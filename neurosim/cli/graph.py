"""``neurosim graph MODEL``: what was captured, as text, JSON or a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli import options
from neurosim.errors import StoreError

if TYPE_CHECKING:
    from neurosim.ir.graph import Graph, Node

Lowered = Annotated[bool, typer.Option("--lowered", help="After the default passes.")]
Svg = Annotated[Path | None, options.maybe("--svg", help="Draw it into this file.")]
Nir = Annotated[Path | None, options.maybe("--nir", help="Write it into this file as NIR.")]


def graph(
    model: options.GraphOrModel,
    lowered: Lowered = False,
    svg: Svg = None,
    nir: Nir = None,
    clip: options.Clip = None,
    json: options.Json = False,
    strict: options.Strict = True,
    weights: options.Weights = None,
    frames: options.Frames = None,
    size: options.Size = None,
    bin_ms: options.BinMs = None,
    time_dim: options.TimeDim = 0,
    batch_dim: options.BatchDim = 1,
    source: options.NirSource = None,
    dt: options.Dt = None,
    neuron: options.NeuronField = None,
    kind: options.ClipKind = None,
) -> None:
    """The operator graph of a model: one line a node."""
    from neurosim.cli.exchanged import Imported, load
    from neurosim.cli.progress import quiet_stdout, stages
    from neurosim.studies.estimate import arranged, graph_of

    extent, frames = options.size(size), options.frames(frames)
    axes = (time_dim, batch_dim)
    for option, path in (("--svg", svg), ("--nir", nir)):
        if path is not None:
            _check_folder(option, path)
    with quiet_stdout(), stages(("load", "capture", "lower")) as tell:
        tell("load")
        imported = Imported(source, dt, neuron, kind)
        resolved, taken = load(
            model, weights, clip, frames, extent, bin_ms, imported, shape_alone=clip is None
        )
        tensor = arranged(taken.tensor, axes)
        found = graph_of(
            resolved.model, tensor, taken.kind, strict, resolved.name, tell, lowered, axes
        )
        if svg is not None:
            _draw(found, svg)
        if nir is not None:
            _export(found, nir, dt)
    _print(found, json)


def _check_folder(option: str, path: Path) -> None:
    """Raise StoreError where the file's folder does not exist: none is made in passing."""
    if not path.parent.is_dir():
        raise StoreError(f"{option} {path}: no such folder; make it, or name a file elsewhere")


def _draw(found: Graph, path: Path) -> None:
    from neurosim.ir.store import write_atomically
    from neurosim.plots.graph import svg_of

    write_atomically(path, svg_of(found))


def _export(found: Graph, path: Path, dt: float | None) -> None:
    from neurosim.exchange.nir import to_nir

    to_nir(found, path, dt=dt)


def _print(found: Graph, json: bool) -> None:
    if json:
        from neurosim.cli.show import print_json

        print_json(document(found))
    else:
        typer.echo(str(found))


def document(found: Graph) -> dict[str, Any]:
    """Nodes, edges and the passes that made them; JSON-ready."""
    return {
        "model": found.meta.get("model", ""),
        "pipeline": list(found.pipeline),
        "steps": found.steps,
        "nodes": [_node(node) for node in found.nodes],
        "edges": [
            {"from": edge.node, "to": node.name, "delay": edge.delay, "operand": i}
            for node in found.nodes
            for i, edge in enumerate(node.inputs)
        ],
        "outputs": list(found.outputs),
        "dense_macs": sum(found.dense_macs().values()),
    }


def _node(node: Node) -> dict[str, Any]:
    facts = node.known
    return {
        "name": node.name,
        "op": node.op,
        "role": facts.role,
        "type": str(node.type),
        "parameters": facts.parameters,
        "dense_macs": facts.dense_macs,
        "neuron": dict(facts.neuron),
        "source": node.source,
    }
