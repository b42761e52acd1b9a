"""A long clip as windows of a fixed length, each a sample with fresh state."""

from __future__ import annotations

import torch
from torch import Tensor

from neurosim.errors import ClipError, SimulationError


def check_window(window: int | None, hop: int | None) -> tuple[int, int] | None:
    """(window, hop), or None where none is asked for.

    Raises SimulationError: a hop without a window, or one of no step.
    """
    if window is None:
        if hop is not None:
            raise SimulationError(f"hop={hop} without a window; say window= too")
        return None
    hop = window if hop is None else hop
    if window < 1 or hop < 1:
        raise SimulationError(f"window={window}, hop={hop}: give 1 step or more of each")
    return window, hop


def cut_windows(clip: Tensor, asked: tuple[int, int] | None) -> tuple[Tensor, int]:
    """The clip in windows (window, hop) when they are asked for, and the steps at its end that fill
    none.

    Raises ClipError: shorter than one window.
    """
    if asked is None:
        return clip, 0
    window, hop = asked
    return stacked(clip, window, hop), (len(clip) - window) % hop


def window_notes(left_out: int) -> tuple[str, ...]:
    """That the end of the clip filled no window."""
    return (f"the last {left_out} steps fill no window and were left out",) if left_out > 0 else ()


def stacked(clip: Tensor, window: int, hop: int) -> Tensor:
    """(steps, samples, …) → (window, samples × windows, …); sample-major, the tail that fills no
    window is left out.

    Raises ClipError: shorter than one window.
    """
    if len(clip) < window:
        raise ClipError(
            f"the clip has {len(clip)} steps, fewer than one window of {window}; give a longer clip"
        )
    starts = range(0, len(clip) - window + 1, hop)
    return torch.stack([clip[s : s + window] for s in starts], 2).flatten(1, 2)
