"""``neurosim graph MODEL``: what was captured, as text, JSON or a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli import options

if TYPE_CHECKING:
    from neurosim.ir.graph import Graph, Node

Lowered = Annotated[bool, typer.Option("--lowered", help="After the default passes.")]
Svg = Annotated[
    Path | None, typer.Option("--svg", help="Draw it into this file.", show_default=False)
]


def graph(
    model: options.Model,
    lowered: Lowered = False,
    svg: Svg = None,
    clip: options.Clip = None,
    json: options.Json = False,
    strict: options.Strict = True,
    weights: options.Weights = None,
    frames: options.Frames = None,
    size: options.Size = None,
    bin_ms: options.BinMs = None,
) -> None:
    """The operator graph of a model: one line a node."""
    from neurosim.cli.clips import read_clip, stand_in
    from neurosim.cli.progress import quiet_stdout, stages
    from neurosim.cli.source import resolve
    from neurosim.studies.estimate import graph_of

    extent = options.size(size)
    with quiet_stdout(), stages(("load", "capture", "lower")) as tell:
        tell("load")
        source = resolve(model, weights)
        taken = (
            stand_in(source, frames, extent)
            if clip is None
            else read_clip(source, clip, frames, extent, bin_ms)
        )
        found = graph_of(source.model, taken.tensor, taken.kind, strict, source.name, tell, lowered)
        if svg is not None:
            _draw(found, svg)
    _print(found, json)


def _draw(found: Graph, path: Path) -> None:
    from neurosim.ir.store import write_atomically
    from neurosim.plots.graph import svg_of

    write_atomically(path, svg_of(found))


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
