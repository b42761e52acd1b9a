"""Clips that are already arrays: ``.npy`` and ``.npz``. Nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from neurosim.data.pictures import Picture, Selection, fault, too_short
from neurosim.errors import ClipError

SUFFIXES = (".npy", ".npz")
EVENT_FIELDS = ("t", "x", "y", "p")
_MAGIC = {".npy": b"\x93NUMPY", ".npz": b"PK"}


def read_arrays(path: Path) -> Mapping[str, np.ndarray]:
    """Name → array of a ``.npz``; {"clip": array} of a ``.npy``; those of a structured ``.npy``.

    Raises ClipError: empty, damaged, not NumPy's format, or Python objects in it.
    """
    suffix = path.suffix.lower()
    try:
        with path.open("rb") as file:
            head = file.read(6)
        if not head.startswith(_MAGIC[suffix]):
            found = "an empty file" if not head else f"a file that is not a {suffix} array"
            raise fault(
                path, found, f"write it with numpy.{'save' if suffix == '.npy' else 'savez'}"
            )
        arrays = _read_npy(path) if suffix == ".npy" else _read_npz(path)
    except ClipError:
        raise
    except Exception as error:  # a damaged header fails in the zip, ast, tokenize or NumPy way
        raise _broken(path, error) from None
    for array in arrays.values():
        if array.dtype.hasobject:
            raise _broken(path, ValueError("Object arrays"))
    return arrays


def _read_npy(path: Path) -> Mapping[str, np.ndarray]:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    return {"clip": array}


def _read_npz(path: Path) -> Mapping[str, np.ndarray]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _broken(path: Path, error: Exception) -> ClipError:
    if "Object arrays" in str(error) or "Python objects" in str(error):
        return fault(path, "Python objects (pickle), which are never loaded", "save plain numbers")
    return fault(path, "a damaged array file", "write it again")


def is_events(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether the file is a list of events: t, x, y and p."""
    return set(EVENT_FIELDS) <= set(arrays)


def only_array(path: Path, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The one array of the file, or the one called ``clip``. Raises ClipError: which one?"""
    if "clip" in arrays:
        return arrays["clip"]
    if len(arrays) != 1:
        names = ", ".join(sorted(arrays)) or "nothing"
        raise fault(
            path, f"the arrays {names}", "keep one, call it 'clip', or give events as t, x, y, p"
        )
    return next(iter(arrays.values()))


def array_pictures(path: Path, frames: np.ndarray, want: Selection) -> Iterator[Picture]:
    """The frames at k·stride of a uint8 (T, H, W, 1 or 3) array.

    Raises ClipError: another shape or dtype, or too few frames.
    """
    if frames.ndim != 4 or frames.dtype != np.uint8 or frames.shape[-1] not in (1, 3):
        raise fault(
            path,
            f"{frames.dtype} {list(frames.shape)}",
            "give uint8 [T,H,W,C] with C of 1 or 3, or a normalised float [T,C,H,W]",
        )
    if 0 in frames.shape:
        raise fault(
            path, f"an empty array {list(frames.shape)}", "give at least one frame with pixels"
        )
    if want.start_seconds or want.fps:
        raise fault(path, "an array, which has no times", "drop the start time and the frame rate")
    total = len(frames)
    if want.frames is not None and want.span > total:
        raise too_short(path, want, f"{total} frames", (total - 1) // max(want.frames - 1, 1))
    stop = total if want.frames is None else want.span
    for index in range(0, stop, want.stride):
        rgb = np.broadcast_to(frames[index], (*frames.shape[1:3], 3))
        yield Picture(index, None, np.array(rgb, order="C"))


def prepared_clip(path: Path, clip: np.ndarray, shape: tuple[int, int, int, int]) -> np.ndarray:
    """The first T slices of a float (T, C, H, W) array, taken as already normalised, as float32.

    Raises ClipError: fewer slices, another (C, H, W), NaN or infinity.
    """
    wanted = list(shape)
    if clip.ndim != 4 or list(clip.shape[1:]) != wanted[1:]:
        raise fault(
            path,
            f"{clip.dtype} {list(clip.shape)}",
            f"give a normalised float [T,C,H,W] of {wanted}",
        )
    if len(clip) < shape[0]:
        raise fault(path, f"{len(clip)} frames", f"give at least {shape[0]}, which the model takes")
    with np.errstate(over="ignore"):
        values = np.array(clip[: shape[0]], dtype=np.float32)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        t, c, y, x = bad[0].tolist()
        value = values[t, c, y, x]
        raise fault(
            path,
            f"{value} at frame {t}, channel {c}, row {y}, column {x}",
            "give finite float32 numbers",
        )
    return values
