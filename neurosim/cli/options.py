"""Options that several commands share, and how their text is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.errors import NeurosimError

MODEL = "Zoo name, package.module:function or file.py:function (returns the module)."
GRAPH = f"{MODEL[:-1]}, or a .nir file."


def _clip_path(given: str) -> Path:
    """The path of a clip; an empty one would be the working folder."""
    if not given.strip():
        raise typer.BadParameter("is empty; name a video, a folder of frames or an array")
    return Path(given)


def maybe(*names: str, **how: Any) -> Any:
    """An option without a default to show: what its absence means, its help says."""
    return typer.Option(*names, show_default=False, **how)


Model = Annotated[str, typer.Argument(help=MODEL, metavar="MODEL", show_default=False)]
GraphOrModel = Annotated[str, typer.Argument(help=GRAPH, metavar="MODEL", show_default=False)]
NirSource = Annotated[
    str | None,
    maybe(
        "--source",
        help="Of a .nir file: the framework that wrote it (nir, norse, snntorch, spikingjelly, …).",
    ),
]
Dt = Annotated[float | None, maybe("--dt", help="Of a .nir file: seconds a step.")]
ClipKind = Annotated[
    str | None,
    maybe(
        "--kind",
        help="Of a .nir file: what the clip holds, real, spike (0 and 1) or graded (integers).",
    ),
]
NeuronField = Annotated[
    list[str] | None,
    maybe(
        "--neuron",
        metavar="KEY=VALUE",
        help="Of a .nir file: what it does not say of its neurons, such as reset=subtract.",
    ),
]
Clip = Annotated[
    Path | None,
    maybe(
        help="Video, folder of frames, .npy/.npz, or events. Default: the built-in sample clip.",
        metavar="PATH",
        parser=_clip_path,
    ),
]
Weights = Annotated[
    str | None,
    maybe(help="'pretrained', 'none' or a .safetensors file. Default: pretrained where they ship."),
]
Hardware = Annotated[
    list[str] | None, maybe(help="Profile name or .yaml file; may be repeated. Default: cmos_45nm.")
]
ConventionName = Annotated[
    str | None, maybe(help="Counting convention instead of each profile's own.")
]
Count = Annotated[
    list[str] | None,
    maybe(
        metavar="KEY=VALUE",
        help="One key of the convention, such as positions=padded; may be repeated.",
    ),
]
Host = Annotated[str | None, maybe(help="Profile that prices what a chip cannot do.")]
Out = Annotated[
    Path | None, maybe(help="Folder for report.json, report.html, run.npz and manifest.json.")
]
Silence = Annotated[
    list[str] | None, maybe(metavar="WARNING", help="Leave a warning out, by its name. Repeatable.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict/--no-strict",
        help="Refuse operations without a rule, or run them through torch, billed as arithmetic.",
    ),
]
BinMs = Annotated[float | None, maybe("--bin-ms", help="Milliseconds of events per step.")]
Frames = Annotated[
    int | None,
    typer.Option(help="Steps taken from the clip, for a model without a recipe (16)."),
]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="HEIGHTxWIDTH", help="Size of a frame, for a model without a recipe (224x224)."
    ),
]
TimeDim = Annotated[
    int, typer.Option("--time-dim", help="Axis of the model's input that holds the steps.")
]
BatchDim = Annotated[
    int, typer.Option("--batch-dim", help="Axis of the model's input that holds the samples.")
]
Data = Annotated[str, typer.Option(help="Data set: motion needs no folder; see --root.")]
Root = Annotated[str | None, maybe(help="Folder where the data set lies (you download it).")]
Set = Annotated[
    list[str] | None,
    maybe(
        "--set",
        metavar="KEY=VALUE",
        help="One setting, such as lr=1e-3 or augment.flip=0.5; may be repeated.",
    ),
]
Rates = Annotated[
    str | None,
    maybe(
        metavar="published|FILE|NUMBER",
        help="Price a design before it is trained: assumed firing rates instead of a simulation.",
    ),
]
LARGEST, MOST_FRAMES = 2**24, 100_000  # pixels of a frame, steps of a clip


class UsageError(NeurosimError, ValueError):
    """An option that cannot be read."""


def _version(asked: bool) -> None:
    if asked:
        from neurosim import __version__

        typer.echo(f"neurosim {__version__}")
        raise typer.Exit


def top(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """What a spiking video model costs in hardware: exact counts, priced in joules per video."""


def typed(context: typer.Context) -> frozenset[str]:
    """The parameters that the command line gives, be it their defaults."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(n for n, source in sources.items() if source and source.name == "COMMANDLINE")


def counts(given: list[str] | None) -> dict[str, str]:
    """``["positions=padded"]`` → {"positions": "padded"}. Raises UsageError."""
    found: dict[str, str] = {}
    for item in given or ():
        key, equals, value = item.partition("=")
        if not (key and equals and value):
            raise UsageError(f"--count {item}: expects KEY=VALUE; such as --count positions=padded")
        found[key] = value
    return found


def size(given: str | None) -> tuple[int, int] | None:
    """``"64x64"`` → (64, 64). Raises UsageError."""
    if given is None:
        return None
    height, _, width = given.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise UsageError(f"--size {given}: expects HEIGHTxWIDTH in pixels; such as --size 64x64")
    if len(height) > 8 or len(width) > 8 or int(height) * int(width) > LARGEST:
        raise UsageError(f"--size {given}: more than {LARGEST:,} pixels; give a smaller frame")
    return int(height), int(width)


def frames(given: int | None) -> int | None:
    """Steps of a clip. Raises UsageError."""
    if given is not None and not 1 <= given <= MOST_FRAMES:
        raise UsageError(f"--frames {given}: expects 1 to {MOST_FRAMES:,} steps; such as 16")
    return given
