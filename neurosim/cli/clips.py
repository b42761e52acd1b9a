"""The clip of a command: the user's file, the built-in one, or numbers of the right shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ClipError

if TYPE_CHECKING:
    from neurosim.data.recipe import Recipe
    from neurosim.data.video import Clip
    from neurosim.models._source import Source

FRAMES, SIZE = 16, (224, 224)
_NUMBERS = (".npy", ".npz")


def read_clip(
    source: Source,
    path: Path | None,
    frames: int | None = None,
    size: tuple[int, int] | None = None,
    bin_ms: float | None = None,
) -> Clip:
    """The clip at ``path`` (None: the built-in sample clip) as the model takes it.

    Raises ClipError, StoreError.
    """
    from neurosim.data.sample import sample_clip_path
    from neurosim.data.video import load_clip

    if path is None:
        recipe = recipe_of(source, None, frames, size)
        if recipe.channels == "events":
            raise ClipError(
                f"{source.name} takes events, and the built-in clip has frames; give --clip FILE "
                "with t, x, y, p"
            )
        check_bins(bin_ms, "the built-in clip", binned=False)
        return load_clip(sample_clip_path(), recipe)
    taken = load_clip(path, recipe_of(source, path, frames, size), bin_ms)
    check_bins(bin_ms, str(path), binned=taken.info.get("bin_ms") is not None)
    return taken


def check_bins(bin_ms: float | None, what: str, *, binned: bool) -> None:
    """Raise ClipError for a bin width where nothing is cut into bins."""
    if bin_ms is not None and not binned:
        raise ClipError(f"--bin-ms {bin_ms:g}: {what} holds no t, x, y, p to bin; leave it out")


def stand_in(source: Source, frames: int | None, size: tuple[int, int] | None) -> Clip:
    """Numbers of the shape and kind that the model takes, where only the shape matters."""
    import torch

    from neurosim.data.recipe import CHANNELS
    from neurosim.data.video import Clip

    recipe = recipe_of(source, None, frames, size)
    shape = (recipe.frames, 1, CHANNELS[recipe.channels], *recipe.size)
    noise = np.random.default_rng(0).random(shape, dtype=np.float32)
    events = recipe.channels == "events"
    values = (noise < 0.1).astype(np.float32) if events else (noise - 0.5) / 0.25
    kind = ("spike" if recipe.binary else "graded") if events else "real"
    return Clip(torch.from_numpy(values), kind, {"source": "random numbers, for the shape alone"})


def recipe_of(
    source: Source, path: Path | None, frames: int | None, size: tuple[int, int] | None
) -> Recipe:
    """The model's recipe; without one, what the options or a prepared array say."""
    if source.recipe is None:
        base = _of_array(path) or _default()
    else:
        base = source.recipe
    return replace(base, frames=frames or base.frames, size=size or base.size)


def _default() -> Recipe:
    from neurosim.data.recipe import Recipe

    return Recipe(frames=FRAMES, size=SIZE)


def _of_array(path: Path | None) -> Recipe | None:
    """The recipe that takes a prepared array, or an event file, as it is."""
    from neurosim.data import arrays
    from neurosim.data.recipe import Recipe

    if path is None or path.suffix.lower() not in _NUMBERS or not path.is_file():
        return None
    found = arrays.read_arrays(path)
    if arrays.is_events(found):
        return Recipe(frames=FRAMES, size=SIZE, channels="events")
    clip = arrays.only_array(path, found)
    if clip.ndim != 4 or 0 in clip.shape or clip.dtype == np.uint8:
        return None
    steps, channels, height, width = (int(n) for n in clip.shape)
    kinds = {1: "gray", 2: "events", 3: "rgb"}
    if channels not in kinds:
        return None
    return Recipe(frames=steps, size=(height, width), channels=kinds[channels])  # type: ignore[arg-type]
