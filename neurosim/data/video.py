"""Clips from whatever holds one: a video file, a folder of frames, an array, an event recording."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.data import arrays, decode, folder
from neurosim.data.events import binned_clip, count_events, sensor_size
from neurosim.data.pictures import Picture, Selection, existing, fault
from neurosim.data.recipe import CHANNELS, Recipe
from neurosim.errors import ClipError

if TYPE_CHECKING:
    import torch

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Clip:
    """A model's input: ``tensor`` (T, 1, C, H, W) float32, ``kind`` "real", "graded" or "spike".

    ``info`` says where it came from, JSON-ready, for the manifest.
    """

    tensor: torch.Tensor
    kind: str
    info: dict[str, Any] = field(default_factory=dict)


def read_frames(
    path: PathLike,
    frames: int | None = None,
    stride: int = 1,
    *,
    fps: float | None = None,
    start_seconds: float = 0.0,
    allow_damaged: bool = False,
) -> np.ndarray:
    """(T, H, W, 3) uint8: the frames on screen at start + k·stride/fps, k in 0 … frames − 1.

    ``frames`` None: to the end; ``fps`` None: the file's own rate.
    Raises ClipError: not readable, damaged, too short, or sizes that change.
    """
    place = existing(Path(path))
    want = Selection(frames, stride, fps, start_seconds, allow_damaged)
    found = [picture.rgb for picture in _pictures(place, want)]
    if len({rgb.shape for rgb in found}) > 1:
        raise fault(place, "frames of different sizes", "re-encode it at one size")
    return np.stack(found)


def load_clip(
    path: PathLike,
    recipe: Recipe,
    bin_ms: float | None = None,
    *,
    start_seconds: float = 0.0,
    allow_damaged: bool = False,
) -> Clip:
    """The clip at ``path`` as the recipe's model takes it.

    ``bin_ms`` wins over the recipe's. Only the chosen frames are kept, at the recipe's size.
    Raises ClipError: whatever is wrong with the file, in one line.
    """
    place = existing(Path(path))
    want = Selection(recipe.frames, recipe.stride, recipe.fps, start_seconds, allow_damaged)
    if place.suffix.lower() in arrays.SUFFIXES and place.is_file():
        return _from_arrays(place, recipe, bin_ms, want)
    return _from_pictures(place, recipe, want, _pictures(place, want))


def stream_clip(
    path: PathLike,
    recipe: Recipe,
    piece: int = 32,
    *,
    start_seconds: float = 0.0,
    allow_damaged: bool = False,
) -> Iterator[torch.Tensor]:
    """The whole video as the recipe's model takes it, (t ≤ ``piece``, 1, C, H, W) at a time.

    ``recipe.frames`` does not apply: frames at k·stride/fps to the end, decoded as they are asked
    for. Raises ClipError: as ``load_clip``, when it gets there.
    """
    import torch

    from neurosim.data.fit import fit

    place = existing(Path(path))
    want = Selection(None, recipe.stride, recipe.fps, start_seconds, allow_damaged)
    if recipe.channels == "events" or place.suffix.lower() in arrays.SUFFIXES:
        raise fault(place, "no video that can be read frame by frame", "give a video or a folder")
    held: list[torch.Tensor] = []
    for picture in _pictures(place, want):
        held.append(fit(picture.rgb, recipe))
        if len(held) == piece:
            yield torch.stack(held)[:, None]
            held = []
    if held:
        yield torch.stack(held)[:, None]


def _pictures(place: Path, want: Selection) -> Iterator[Picture]:
    suffix = place.suffix.lower()
    if place.is_dir():
        return folder.folder_pictures(place, want)
    if suffix in decode.SUFFIXES:
        return decode.video_pictures(place, want)
    if suffix not in arrays.SUFFIXES:
        known = ", ".join((*decode.SUFFIXES, *arrays.SUFFIXES))
        raise fault(
            place, f"the extension {suffix!r}", f"give one of {known}, or a folder of frames"
        )
    return arrays.array_pictures(place, arrays.only_array(place, arrays.read_arrays(place)), want)


def _from_pictures(
    place: Path, recipe: Recipe, want: Selection, pictures: Iterator[Picture]
) -> Clip:
    import torch

    from neurosim.data.fit import fit

    if recipe.channels == "events":
        raise fault(
            place, "frames, while the model takes events", "give a .npz or .npy with t, x, y, p"
        )
    tensor = torch.empty(recipe.frames, 1, CHANNELS[recipe.channels], *recipe.size)
    used: list[Picture] = []
    for k, picture in enumerate(pictures):
        tensor[k, 0] = fit(picture.rgb, recipe)
        used.append(
            Picture(
                picture.index,
                picture.seconds,
                np.empty(picture.rgb.shape[:2] + (0,)),
                picture.source,
            )
        )
    return Clip(tensor, "real", _info(place, recipe, want) | _seen(used))


def _seen(used: list[Picture]) -> dict[str, Any]:
    times = [p.seconds for p in used]
    return {
        "frames": [p.index for p in used],
        "seconds": times if times[0] is not None else None,
        "size": list(used[0].rgb.shape[:2]),
        "normalised": "by the recipe",
        **used[0].source,
    }


def _from_arrays(place: Path, recipe: Recipe, bin_ms: float | None, want: Selection) -> Clip:
    found = arrays.read_arrays(place)
    if recipe.channels == "events":
        return _from_events(place, recipe, bin_ms, want, found)
    if arrays.is_events(found):
        raise fault(
            place,
            f"events, while the model takes {recipe.channels} frames",
            "give a video, or an event model",
        )
    clip = arrays.only_array(place, found)
    if clip.dtype.kind != "f":
        return _from_pictures(place, recipe, want, arrays.array_pictures(place, clip, want))
    shape = (recipe.frames, CHANNELS[recipe.channels], *recipe.size)
    facts = {
        "frames": list(range(recipe.frames)),
        "seconds": None,
        "size": list(recipe.size),
        "normalised": "taken as already normalised",
    }
    return _numbers(
        arrays.prepared_clip(place, clip, shape), "real", _info(place, recipe, want) | facts
    )


def _from_events(
    place: Path, recipe: Recipe, bin_ms: float | None, want: Selection, found: Any
) -> Clip:
    facts: dict[str, Any] = {
        "frames": list(range(recipe.frames)),
        "normalised": "counts, as they are",
    }
    if arrays.is_events(found):
        width = _bin_width(place, recipe, bin_ms)
        counts = count_events(place, found, recipe, width)
        facts |= {
            "bin_ms": width,
            "seconds": [k * width / 1e3 for k in range(recipe.frames)],
            "size": list(sensor_size(place, found, recipe)),
        }
    else:
        counts = binned_clip(place, arrays.only_array(place, found), recipe)
        facts |= {"bin_ms": None, "seconds": None, "size": list(recipe.size)}
    if counts.max(initial=0) > 2**24:
        raise fault(
            place, f"a count of {counts.max()}", "take smaller bins: float32 is exact up to 2^24"
        )
    return _numbers(
        counts, "spike" if recipe.binary else "graded", _info(place, recipe, want) | facts
    )


def _bin_width(place: Path, recipe: Recipe, bin_ms: float | None) -> float:
    width = recipe.bin_ms if bin_ms is None else bin_ms
    if width is None:
        raise fault(
            place,
            "events without a bin width",
            "say how long a step is: --bin-ms, or bin_ms in the recipe",
        )
    if not 0 < width < float("inf"):
        raise ClipError(f"at bin_ms: found {width!r}; give milliseconds above 0")
    return float(width)


def _numbers(values: np.ndarray, kind: str, info: dict[str, Any]) -> Clip:
    import torch

    return Clip(torch.from_numpy(values.astype(np.float32))[:, None], kind, info)


def _info(place: Path, recipe: Recipe, want: Selection) -> dict[str, Any]:
    return {
        "source": place.name,
        "sha256": _fingerprint(place),
        "fps": None,
        "start_seconds": want.start_seconds,
        "allow_damaged": want.allow_damaged,
        "recipe": recipe.to_dict(),
    }


def _fingerprint(place: Path) -> str:
    """sha256 of the file; of a folder: of the names and contents of its pictures, in order."""
    if place.is_file():
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file in folder.picture_files(place):
        digest.update(f"{file.name}\0{_fingerprint(file)}\n".encode())
    return digest.hexdigest()
