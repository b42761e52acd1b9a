"""Every report of a run beside its dense twins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.energy.baseline import Baseline, DenseTwin, baseline
from neurosim.energy.line import DISCRETE
from neurosim.energy.placed import Placed
from neurosim.energy.report import EnergyReport
from neurosim.hardware.schema import Profile
from neurosim.ir.run import Run

if TYPE_CHECKING:
    from torch import Tensor


def twins(
    run: Run,
    reports: Mapping[str, EnergyReport],
    asked: bool | DenseTwin = True,
    frames: int | None = None,
    placed: Mapping[str, Any] | None = None,
    host: str | Path | Profile | None = None,
) -> dict[str, Baseline]:
    """Profile name → its report beside the twins. ``frames``: those that the clip shows, unless
    ``asked`` says how many. ``placed``, ``host``: as the reports were made.
    """
    how = asked if isinstance(asked, DenseTwin) else DenseTwin()
    if how.frames is None:
        how = replace(how, frames=frames)
    sites: Mapping[str, Placed] = placed or {}
    return {
        name: baseline(run, report, how, sites.get(name), host) for name, report in reports.items()
    }


def shown_frames(clip: Tensor, kind: str = "real", time_dim: int | None = 0) -> int:
    """New frames of a clip: its first step, and every step that is not the one before it, number
    for number, in any sample. Every step of an event clip is one: its bins are time that passes.
    """
    if time_dim is None:
        return 1
    steps = clip.shape[time_dim]
    if kind in DISCRETE:
        return steps
    frames = clip.movedim(time_dim, 0)
    return 1 + sum(not bool((frames[t] == frames[t - 1]).all()) for t in range(1, steps))
