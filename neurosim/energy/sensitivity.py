"""Which price moves the total most: one price at an end of its range, all others at their value."""

from __future__ import annotations

import math
from dataclasses import dataclass

from neurosim.energy.report import EnergyReport
from neurosim.energy.spread import by_price


@dataclass(frozen=True)
class Swing:
    """Joules per video with one price at its low and at its high end."""

    price: str
    low: float
    high: float
    share: float  # of the total, at the prices' values

    @property
    def width(self) -> float:
        """How far the price moves the total."""
        return self.high - self.low


@dataclass(frozen=True)
class Sensitivity:
    """The widest first. ``fixed``: (price, share of the total) of those whose profile gives no
    range: how far they could move the total is not known, which is not nothing.
    """

    joules_per_video: float
    swings: tuple[Swing, ...]
    fixed: tuple[tuple[str, float], ...]

    columns = ("price", "low_joules_per_video", "high_joules_per_video", "share_of_total")

    def rows(self) -> list[tuple[str, float, float, float]]:
        """One a price that was paid; both ends NaN where it has no range."""
        none = math.nan
        ranged = [(s.price, s.low, s.high, s.share) for s in self.swings]
        return [*ranged, *((price, none, none, share) for price, share in self.fixed)]


def sensitivity(report: EnergyReport) -> Sensitivity:
    """The swings sum to the report's low and high: totals are linear in every price."""
    scale, total = report.per_video, report.joules
    swings: list[Swing] = []
    fixed: list[tuple[str, float]] = []
    for price, rows in by_price(report).items():
        value, low, high = (
            math.fsum(getattr(r, end) for r in rows) for end in ("joules", "low", "high")
        )
        share = value / total if total else 0.0
        if high > low:
            ends = (total - value + low) * scale, (total - value + high) * scale
            swings.append(Swing(price, *ends, share))
        elif value:
            fixed.append((price, share))
    swings.sort(key=lambda s: -s.width)
    fixed.sort(key=lambda pair: -pair[1])
    return Sensitivity(total * scale, tuple(swings), tuple(fixed))
