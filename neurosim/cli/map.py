"""``neurosim map MODEL --to TARGET``: a model on a chip, or in a simulator of chips."""

from __future__ import annotations

from typing import Annotated

import typer

from neurosim.cli import options
from neurosim.cli.map_lava import LavaOptions, map_lava

To = Annotated[str, typer.Option(help="lava.")]
Until = Annotated[
    list[str] | None,
    typer.Option(help="Map this neuron node and what it needs; may be repeated. Default: all."),
]
Floating = Annotated[
    bool, typer.Option("--floating", help="Lava's floating-point models, not its fixed point.")
]
AverageBN = Annotated[
    bool,
    typer.Option("--average-bn", help="One norm from the mean statistics of norms per step."),
]
Chip = Annotated[str, typer.Option(help="Whose fixed point: loihi1 or loihi2.")]
Execute = Annotated[bool, typer.Option("--run", help="Run it, and compare every spike.")]
Timeout = Annotated[float, typer.Option(help="Seconds that Lava may take; it can hang.")]


def map_(
    model: options.Model,
    to: To = "lava",
    until: Until = None,
    floating: Floating = False,
    average_bn: AverageBN = False,
    chip: Chip = "loihi1",
    run: Execute = False,
    timeout: Timeout = 300.0,
    clip: options.Clip = None,
    json: options.Json = False,
    weights: options.Weights = None,
    frames: options.Frames = None,
    size: options.Size = None,
    bin_ms: options.BinMs = None,
) -> None:
    """A model as Lava processes; with --run, its spikes there beside ours."""
    if to != "lava":
        raise options.UsageError(f"--to {to}: choose lava")
    how = LavaOptions(tuple(until or ()), None if floating else chip, average_bn, run, timeout)
    map_lava(
        model, how, clip=clip, weights=weights, frames=frames, size=size, bin_ms=bin_ms, json=json
    )
