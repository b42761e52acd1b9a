"""MODEL and its clip, for commands that also take a ``.nir`` file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.cli.options import UsageError

if TYPE_CHECKING:
    from neurosim.data.recipe import Recipe
    from neurosim.data.video import Clip
    from neurosim.ir.graph import Graph, Node
    from neurosim.models._source import Source

_CHANNELS = {1: "gray", 2: "events", 3: "rgb"}


@dataclass(frozen=True)
class Imported:
    """What the options say of a ``.nir`` file."""

    source: str | None = None
    dt: float | None = None
    neuron: list[str] | None = None
    kind: str | None = None


def load(
    model: str, weights: str | None, clip: Path | None, frames: int | None,
    size: tuple[int, int] | None, bin_ms: float | None, imported: Imported, shape_alone: bool,
) -> tuple[Source, Clip]:  # fmt: skip
    """The model and its clip; ``shape_alone``: numbers of the right shape in a clip's place.

    Raises NeurosimError: whatever is wrong with either.
    """
    from neurosim.cli.clips import check_bins, read_clip, stand_in
    from neurosim.models._source import resolve

    if shape_alone:
        check_bins(bin_ms, "a clip that is not given", binned=False)
    if model.lower().endswith(".nir"):
        if weights is not None:
            raise UsageError("--weights: a .nir file holds its own; leave it out")
        return _from_nir(model, clip, frames, size, bin_ms, imported, shape_alone)
    if imported.source or imported.dt is not None or imported.neuron or imported.kind:
        raise UsageError("--source, --dt, --neuron, --kind belong to a .nir file; leave them out")
    source = resolve(model, weights)
    if shape_alone:
        return source, stand_in(source, frames, size)
    return source, read_clip(source, clip, frames, size, bin_ms)


def _from_nir(
    model: str, clip: Path | None, frames: int | None, size: tuple[int, int] | None,
    bin_ms: float | None, imported: Imported, shape_alone: bool,
) -> tuple[Source, Clip]:  # fmt: skip
    from neurosim.exchange.nir import for_clip, from_nir
    from neurosim.models._source import Source

    said = {key: _value(key, text) for key, text in _pairs(imported.neuron)}
    graph = from_nir(
        model, source=imported.source, dt=imported.dt, kind=imported.kind, name=model, **said
    )
    if size is not None:
        raise UsageError("--size: the .nir file says how large a frame is; leave it out")
    recipe = _recipe(graph, clip, frames)
    source = Source(model, graph, recipe, None, "from the file")  # type: ignore[arg-type]
    taken = _clip(source, graph, clip, frames, bin_ms, shape_alone)
    declared = str(graph.inputs[0].attrs["kind"])
    graph = for_clip(graph, taken.tensor, taken.kind if declared == "real" else declared)
    return Source(model, graph, recipe, None, "from the file"), taken  # type: ignore[arg-type]


def _pairs(given: list[str] | None) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for item in given or ():
        key, equals, value = item.partition("=")
        if not (key and equals and value):
            raise UsageError(f"--neuron {item}: expects KEY=VALUE; such as --neuron reset=subtract")
        found.append((key, value))
    return found


def _value(key: str, text: str) -> Any:
    """A field of ``ns.ops.Neuron`` from its text."""
    from neurosim.ir.neuron import Neuron

    known = {f.name: getattr(Neuron(), f.name) for f in fields(Neuron)}
    if key not in known:
        raise UsageError(f"--neuron {key}: no such field; known: {', '.join(known)}")
    if text.lower() == "none":
        return None
    if isinstance(known[key], str):
        return text
    if isinstance(known[key], bool):
        return text.lower() in ("true", "1", "yes")
    try:
        return int(text) if isinstance(known[key], int) else float(text)
    except ValueError:
        raise UsageError(f"--neuron {key}={text}: is no number; give one") from None


def _recipe(graph: Graph, clip: Path | None, frames: int | None) -> Recipe | None:
    """What a video goes through; None for a graph that takes no frames."""
    from neurosim.data.recipe import Recipe

    (entry,) = graph.inputs
    shape = entry.value.shape
    if len(shape) != 3 or shape[0] not in _CHANNELS:
        return None
    steps = frames or _array_length(clip) or graph.steps
    channels: Any = _CHANNELS[shape[0]]
    binary = channels == "events" and entry.attrs["kind"] == "spike"
    return Recipe(frames=steps, size=(shape[1], shape[2]), channels=channels, binary=binary)


def _array_length(clip: Path | None) -> int | None:
    from neurosim.data import arrays

    if clip is None or clip.suffix.lower() not in arrays.SUFFIXES or not clip.is_file():
        return None
    found = arrays.read_arrays(clip)
    return None if arrays.is_events(found) else len(arrays.only_array(clip, found))


def _clip(
    source: Source, graph: Graph, clip: Path | None, frames: int | None, bin_ms: float | None,
    shape_alone: bool,
) -> Clip:  # fmt: skip
    import torch

    from neurosim.cli.clips import check_bins, read_clip
    from neurosim.data.video import Clip

    (entry,) = graph.inputs
    if shape_alone:
        zeros = torch.zeros(frames or graph.steps, 1, *entry.value.shape)
        return Clip(zeros, str(entry.attrs["kind"]), {"source": "zeros, for the shape alone"})
    if source.recipe is None or _prepared(clip, entry.value.shape):
        check_bins(bin_ms, "an array of numbers", binned=False)
        return _numbers(source.name, entry, clip, frames)
    return read_clip(source, clip, source.recipe.frames, None, bin_ms)


def _prepared(clip: Path | None, shape: tuple[int, ...]) -> bool:
    """Whether it is an array of real numbers in the very shape that the graph takes."""
    from neurosim.data import arrays

    if clip is None or clip.suffix.lower() not in arrays.SUFFIXES or not clip.is_file():
        return False
    found = arrays.read_arrays(clip)
    if arrays.is_events(found):
        return False
    array = arrays.only_array(clip, found)
    return array.shape[1:] == shape and array.dtype.kind == "f"


def _numbers(name: str, entry: Node, clip: Path | None, frames: int | None) -> Clip:
    """A clip that is no picture: an array of (T, *shape)."""
    import numpy as np
    import torch

    from neurosim.data import arrays
    from neurosim.data.video import Clip
    from neurosim.errors import ClipError

    shape = entry.value.shape
    wanted = "x".join(map(str, ("T", *shape)))
    if clip is None:
        raise ClipError(
            f"{name} takes {'x'.join(map(str, shape))} numbers a step, no frames; "
            f"give --clip FILE.npy of {wanted}, or --rates"
        )
    if clip.suffix.lower() not in arrays.SUFFIXES or not clip.is_file():
        raise ClipError(f"{clip}: no array; give a .npy or .npz of {wanted}")
    found = arrays.only_array(clip, arrays.read_arrays(clip))
    if found.shape[1:] != shape or not len(found) or found.dtype.kind not in "buif":
        given = "x".join(map(str, found.shape))
        raise ClipError(f"{clip}: {found.dtype} {given}; give numbers of {wanted}")
    values = np.array(found[:frames], dtype=np.float32)
    info = {"source": str(clip), "shape": list(values.shape)}
    return Clip(torch.from_numpy(values)[:, None], str(entry.attrs["kind"]), info)
