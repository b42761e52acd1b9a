"""One chosen frame, the choice itself, and the errors that all readers share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import ClipError


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame as shown: its number, its time (None: the source has none) and its pixels."""

    index: int
    seconds: float | None
    rgb: np.ndarray  # (H, W, 3) uint8
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """The frames at start + k·stride/fps, k in 0 … frames − 1.

    ``frames`` None: to the end; ``fps`` None: the file's own.
    """

    frames: int | None
    stride: int = 1
    fps: float | None = None
    start_seconds: float = 0.0
    allow_damaged: bool = False

    def __post_init__(self) -> None:
        counts = self.stride >= 1 and (self.frames is None or self.frames >= 1)
        times = 0 <= self.start_seconds < inf and (self.fps is None or 0 < self.fps < inf)
        if not (counts and times):
            raise ClipError(
                f"at frame choice: found {self}; give frames and stride of at least 1, "
                "a start of at least 0 s and a frame rate above 0"
            )

    @property
    def span(self) -> int:
        """Frames from the first one used to the last one used."""
        return ((self.frames or 1) - 1) * self.stride + 1

    def at(self, k: int, fps: Fraction) -> Fraction:
        """Seconds of the k-th choice after the first frame of the file."""
        return Fraction(str(self.start_seconds)) + k * self.stride / fps

    def done(self, k: int) -> bool:
        """Whether k choices are all of them."""
        return self.frames is not None and k >= self.frames


def fault(path: Path, found: str, remedy: str) -> ClipError:
    """``at 'name': found; remedy``, in one line."""
    text = " ".join(f"found {found}; {remedy}".split())
    return ClipError(f"at {path.name!r}: {text}")


def too_short(path: Path, want: Selection, there: str, largest_stride: int) -> ClipError:
    """How much there is, how much is needed, and the largest stride that would do."""
    start = f" from {want.start_seconds:g} s" if want.start_seconds else ""
    need = f"{want.frames} frames at stride {want.stride}{start} need {want.span} frames"
    other = (
        f" or a recipe with stride {largest_stride}" if 1 <= largest_stride < want.stride else ""
    )
    return fault(path, f"{there}, but {need}", f"give a longer clip{other}")


def existing(path: Path) -> Path:
    """The path itself. Raises ClipError: nothing there, no file or folder, or not readable."""
    try:
        if path.is_file() or path.is_dir():
            return _readable(path)
        found = "something that is neither a file nor a folder" if path.exists() else "no such file"
    except ClipError:
        raise
    except (OSError, ValueError) as error:
        raise fault(path, f"a path that cannot be looked up ({error})", "check the path") from None
    raise fault(path, found, "check the path")


def _readable(path: Path) -> Path:
    if not os.access(path, os.R_OK):
        raise fault(path, "a file or folder that may not be read", "check its rights")
    return path
