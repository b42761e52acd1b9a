"""Events to frames: counts, time surfaces, voxel grids; (steps, channels, H, W).

Events are a mapping {t, x, y, p, height, width} as ``film`` makes it and an .npz holds it: t in
whole microseconds, in any order; p is 0/1 or −1/+1, and channel 1 is the brighter one. Step k spans
[start + k · step, start + (k + 1) · step); the start, where none is given, is the first event.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from neurosim.errors import ClipError

Events = Mapping[str, np.ndarray]


def event_counts(
    events: Events, steps: int, step_us: float, start_us: int | None = None
) -> np.ndarray:
    """n[k, p, y, x] = number of events: (steps, 2, H, W) int64. Raises ClipError."""
    found = _columns(events)
    bins = _bins(found, steps, step_us, start_us)
    inside = (bins >= 0) & (bins < steps)
    shape = (steps, 2, found.height, found.width)
    place = np.ravel_multi_index((bins[inside], *(c[inside] for c in found.place)), shape)
    return np.bincount(place, minlength=math.prod(shape)).reshape(shape)


def time_surface(
    events: Events, steps: int, step_us: float, tau_us: float, start_us: int | None = None
) -> np.ndarray:
    """S[k, p, y, x] = exp(−(end of step k − t of the last event before it)/tau), 0 without one.

    (steps, 2, H, W) float32; events before the start are remembered. Lagorce et al., "HOTS: A
    Hierarchy of Event-Based Time-Surfaces for Pattern Recognition", IEEE TPAMI 39(7), 2017.
    Raises ClipError.
    """
    if not 0 < tau_us < math.inf:
        raise ClipError(f"at time_surface: found tau_us = {tau_us:g}; give microseconds above 0")
    found = _columns(events)
    bins = _bins(found, steps, step_us, start_us)
    seen = bins < steps
    last = np.full((steps, 2, found.height, found.width), -np.inf)  # t of the last event
    place = (np.maximum(bins[seen], 0), *(c[seen] for c in found.place))
    np.maximum.at(last, place, found.t[seen])
    last = np.maximum.accumulate(last, axis=0)
    ends = found.start(start_us) + np.arange(1, steps + 1) * step_us
    return np.exp((last - ends[:, None, None, None]) / tau_us).astype(np.float32)


def voxel_grid(
    events: Events,
    steps: int,
    start_us: int | None = None,
    stop_us: int | None = None,
    *,
    signed: bool = True,
) -> np.ndarray:
    """V[k, y, x] = Σ ±1 · max(0, 1 − |k − t*|), t* = (steps − 1)(t − start)/(stop − start).

    (steps, 1, H, W) float32, or (steps, 2, H, W) of positive sums a polarity unless ``signed``. An
    event of [start, stop] (None: the first and the last) is shared by two steps and weighs 1. Zhu
    et al., "Unsupervised Event-based Learning of Optical Flow, Depth, and Egomotion", CVPR 2019.
    Raises ClipError.
    """
    found = _columns(events)
    _check_steps(steps, 1.0)
    start, stop = found.start(start_us), found.stop(stop_us)
    if stop < start:
        raise ClipError(f"at events: found a start of {start} µs after the stop of {stop} µs")
    inside = (found.t >= start) & (found.t <= stop)
    at = (found.t[inside] - start) * (steps - 1) / max(stop - start, 1)
    p, y, x = (c[inside] for c in found.place)
    sign, channel = (2 * p - 1, p * 0) if signed else (1, p)
    grid = np.zeros((steps, 1 if signed else 2, found.height, found.width))
    lower = np.floor(at).astype(np.int64)
    np.add.at(grid, (lower, channel, y, x), sign * (1 - (at - lower)))
    np.add.at(grid, (np.minimum(lower + 1, steps - 1), channel, y, x), sign * (at - lower))
    return grid.astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Columns:
    t: np.ndarray  # int64, as is each of ``place``
    place: tuple[np.ndarray, np.ndarray, np.ndarray]  # p (0, 1), y, x
    height: int
    width: int

    def start(self, given: int | None) -> int:
        """In µs; 0 where there is neither a number nor an event."""
        if given is not None:
            return given
        return int(self.t.min()) if len(self.t) else 0

    def stop(self, given: int | None) -> int:
        """In µs."""
        return int(self.t.max(initial=0)) if given is None else given


def _columns(events: Events) -> _Columns:
    missing = [name for name in ("t", "x", "y", "p", "height", "width") if name not in events]
    if missing:
        raise ClipError(f"at events: found no {', '.join(missing)}; give t, x, y, p, height, width")
    columns = {name: np.asarray(events[name]) for name in "txyp"}
    for name, column in columns.items():
        if column.ndim != 1 or column.dtype.kind not in "iub" or len(column) != len(columns["t"]):
            raise ClipError(
                f"at events: found {name} as {column.dtype} {list(column.shape)}; give one whole "
                "number per event"
            )
    height, width = int(events["height"]), int(events["width"])
    t, x, y, p = (columns[name].astype(np.int64) for name in "txyp")
    _check_range("x", x, 0, width - 1)
    _check_range("y", y, 0, height - 1)
    if not (polarities := set(np.unique(p).tolist())) <= {0, 1} and not polarities <= {-1, 1}:
        raise ClipError(f"at events: found polarities {sorted(polarities)[:5]}; give 0, 1 or -1, 1")
    return _Columns(t, ((p > 0).astype(np.int64), y, x), height, width)


def _check_range(name: str, values: np.ndarray, least: int, most: int) -> None:
    outside = np.flatnonzero((values < least) | (values > most))
    if len(outside):
        at = int(outside[0])
        raise ClipError(
            f"at events: found {name} = {values[at]} at event {at}; give {least} to {most}"
        )


def _check_steps(steps: int, step_us: float) -> None:
    if steps < 1 or not 0 < step_us < math.inf:
        raise ClipError(
            f"at events: found {steps} steps of {step_us:g} µs; give at least 1, of more than 0 µs"
        )


def _bins(found: _Columns, steps: int, step_us: float, start_us: int | None) -> np.ndarray:
    """⌊(t − start)/step⌋ in integers: the step is a fraction of microseconds."""
    _check_steps(steps, step_us)
    step = Fraction(str(step_us))
    last = -(-steps * step.numerator // step.denominator)  # later events are not used
    since = np.clip(found.t - found.start(start_us), -1, last)
    return since * step.denominator // step.numerator
