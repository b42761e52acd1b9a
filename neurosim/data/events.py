"""Event recordings (t, x, y, p) to counts per time bin, exact integers.

n[k, p, y, x] = number of events with polarity p, at that pixel, and (t − t_first) in
[k·bin, (k+1)·bin). Time is in whole microseconds; p is 0/1 or −1/+1, and channel 1 holds the
brighter events. A sensor of another size than the recipe's is binned in space as well:
row ⌊y·H/H_sensor⌋, column ⌊x·W/W_sensor⌋.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from neurosim.data.arrays import EVENT_FIELDS
from neurosim.data.pictures import fault
from neurosim.data.recipe import Recipe


def count_events(
    path: Path, arrays: Mapping[str, np.ndarray], recipe: Recipe, bin_ms: float
) -> np.ndarray:
    """(T, 2, H, W) int64 counts of the first ``recipe.frames`` bins; 0 or 1 when ``recipe.binary``.

    Raises ClipError: fields of unequal length, negative, fractional or backward times,
    coordinates outside the sensor, another polarity, or a recording shorter than the bins.
    """
    t, places = _checked(path, arrays, recipe)
    return _counted(_bins(path, t, recipe.frames, bin_ms), places, recipe)


def count_window(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    recipe: Recipe,
    span: tuple[int, int] | None,
    place: Callable[[int], int],
) -> np.ndarray:
    """(T, 2, H, W) int64 counts of T bins inside ``span`` [begin, end) in µs (None: first to last).

    The bins are ``recipe.bin_ms`` long and start ``place(room)`` µs after begin, room being what
    they leave free; where the span ends before the bins, the last ones are silent. ``bin_ms`` None:
    T equal bins over the whole span. Raises ClipError: as ``count_events``, or a count above 2^24.
    """
    t, places = _checked(path, arrays, recipe)
    begin, end = (int(t[0]), int(t[-1]) + 1) if span is None else span
    width = Fraction(end - begin, recipe.frames)
    if recipe.bin_ms is not None:
        width = Fraction(str(recipe.bin_ms)) * 1000
    length = math.ceil(recipe.frames * width)
    start = begin + place(max(end - begin - length, 0))
    since = np.clip(t - start, -1, length)
    bins = np.where((t < begin) | (t >= end), -1, since * width.denominator // width.numerator)
    counts = _counted(bins, places, recipe)
    if counts.max(initial=0) > 2**24:
        raise fault(path, f"a count of {counts.max()}", "take smaller bins: float32 ends at 2^24")
    return counts


def _checked(
    path: Path, arrays: Mapping[str, np.ndarray], recipe: Recipe
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Times, and (polarity, row, column) at the recipe's size, of all events."""
    t, x, y, p = _fields(path, arrays)
    height, width = sensor_size(path, arrays, recipe)
    _check_time(path, t)
    _check_range(path, "x", x, width)
    _check_range(path, "y", y, height)
    rows, columns = y * recipe.size[0] // height, x * recipe.size[1] // width
    return t, (_polarity(path, p), rows, columns)


def _counted(bins: np.ndarray, places: tuple[np.ndarray, ...], recipe: Recipe) -> np.ndarray:
    """Counts per bin, polarity and pixel; bins outside 0 … T − 1 are left out."""
    used = (bins >= 0) & (bins < recipe.frames)
    counts = np.zeros((recipe.frames, 2, *recipe.size), np.int64)
    np.add.at(counts, (bins[used], *(place[used] for place in places)), 1)
    return np.minimum(counts, 1) if recipe.binary else counts


def binned_clip(path: Path, clip: np.ndarray, recipe: Recipe) -> np.ndarray:
    """The first T slices of an integer (T, 2, H, W) array of counts, as int64.

    Raises ClipError: another shape or dtype, fewer slices, a negative count.
    """
    wanted = [recipe.frames, 2, *recipe.size]
    if clip.ndim != 4 or clip.dtype.kind not in "iub" or list(clip.shape[1:]) != wanted[1:]:
        raise fault(
            path,
            f"{clip.dtype} {list(clip.shape)}",
            f"give events as t, x, y, p, or integer counts {wanted}",
        )
    if len(clip) < recipe.frames:
        raise fault(
            path, f"{len(clip)} bins", f"give at least {recipe.frames}, which the model takes"
        )
    counts = np.array(clip[: recipe.frames], np.int64)
    if counts.min() < 0:
        raise fault(
            path,
            f"a count of {counts.min()}",
            "give counts of at least 0, one channel per polarity",
        )
    return np.minimum(counts, 1) if recipe.binary else counts


def sensor_size(path: Path, arrays: Mapping[str, np.ndarray], recipe: Recipe) -> tuple[int, int]:
    """(height, width): from the file where it states them, else the recipe's."""
    if not {"height", "width"} <= set(arrays):
        return recipe.size
    try:
        height, width = (int(np.asarray(arrays[name]).item()) for name in ("height", "width"))
    except (ValueError, TypeError, OverflowError):
        height = width = 0
    if height < 1 or width < 1:
        raise fault(
            path, "a height and width that are not sizes", "give one whole number of pixels each"
        )
    return height, width


def _fields(path: Path, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    columns = [_whole_numbers(path, name, np.asarray(arrays[name])) for name in EVENT_FIELDS]
    lengths = [len(c) for c in columns]
    if len(set(lengths)) > 1:
        raise fault(path, f"t, x, y, p of lengths {lengths}", "give one of each per event")
    if not lengths[0]:
        raise fault(path, "no events", "give a recording with events in it")
    return columns


def _whole_numbers(path: Path, name: str, values: np.ndarray) -> np.ndarray:
    """int64 of a column of whole numbers."""
    if values.ndim != 1 or values.dtype.kind not in "iufb":
        raise fault(
            path, f"{name} as {values.dtype} {list(values.shape)}", "give one number per event"
        )
    whole = (
        np.isfinite(values) & (np.floor(values) == values) & (np.abs(values.astype(float)) < 2**53)
    )
    if not whole.all():
        at = int(np.argmin(whole))
        unit = " (times are in microseconds; multiply seconds by 1e6)" if name == "t" else ""
        raise fault(path, f"{name} = {values[at]} at event {at}", f"give whole numbers{unit}")
    return values.astype(np.int64)


def _check_time(path: Path, t: np.ndarray) -> None:
    if t.min() < 0:
        raise fault(
            path, f"t = {t.min()} at event {int(np.argmin(t))}", "give times of at least 0 µs"
        )
    back = np.flatnonzero(np.diff(t) < 0)
    if len(back):
        at = int(back[0]) + 1
        raise fault(
            path,
            f"time running back from {t[at - 1]} to {t[at]} µs at event {at}",
            "sort events by t",
        )


def _check_range(path: Path, name: str, values: np.ndarray, size: int) -> None:
    outside = np.flatnonzero((values < 0) | (values >= size))
    if len(outside):
        at = int(outside[0])
        raise fault(
            path,
            f"{name} = {values[at]} at event {at}, outside 0..{size - 1}",
            "add the sensor's 'height' and 'width' to an .npz, or correct the event",
        )


def _polarity(path: Path, p: np.ndarray) -> np.ndarray:
    values = set(np.unique(p).tolist())
    if not (values <= {0, 1} or values <= {-1, 1}):
        raise fault(path, f"polarities {sorted(values)[:5]}", "give 0 and 1, or -1 and 1")
    return (p > 0).astype(np.int64)


def _bins(path: Path, t: np.ndarray, frames: int, bin_ms: float) -> np.ndarray:
    """⌊(t − t_first)/bin⌋ in integers: the bin's width is a fraction of microseconds."""
    width = Fraction(str(bin_ms)) * 1000
    since = t - t[0]
    there = int(since[-1]) * width.denominator // width.numerator + 1
    if there < frames:
        seconds = f"{int(since[-1]) / 1e6:.4g} s (t in microseconds)"
        raise fault(
            path,
            f"{there} bins of {bin_ms:g} ms in {seconds}, but the model needs {frames}",
            "give a longer recording or smaller bins",
        )
    last = -(-frames * width.numerator // width.denominator)  # later events are not used
    return np.minimum(since, last) * width.denominator // width.numerator
