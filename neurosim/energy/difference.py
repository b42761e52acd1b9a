"""Two models on one chip: does the cheaper one stay cheaper wherever the prices are in their range?

The prices are those of one chip, so they are the same in both bills: a draw is made once and bills
both (their ranges may overlap widely while one is always cheaper).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurosim.energy.report import EnergyReport
from neurosim.energy.spread import DRAWS, SEED, Distribution, by_price, draw
from neurosim.errors import ProfileError
from neurosim.units import show


@dataclass(frozen=True)
class Difference:
    """Joules per video of the second less those of the first: at the values of the prices, over
    draws of all prices, and the least and most of draws and corners of the ranges.
    """

    value: float
    least: float
    most: float
    p05: float
    p95: float
    second_cheaper: float  # share of the draws
    ratio: float  # second over first at the values; inf where the first is free
    draws: int
    seed: int
    distribution: Distribution

    @property
    def survives(self) -> bool:
        """One sign at every price within its range, corners included."""
        return self.least > 0 or self.most < 0

    def says(self, first: str, second: str) -> str:
        """One sentence, with the evidence."""
        if self.value == 0 == self.least == self.most:
            return f"{first} and {second} cost the same"
        less, more = (second, first) if self.value < 0 else (first, second)
        by = f"{less} is cheaper than {more} by {show(abs(self.value), 'J')} per video"
        if self.survives:
            return f"{by}; it stays so at every price within its range"
        held = self.second_cheaper if self.value < 0 else 1 - self.second_cheaper
        return (
            f"{by}, but not at every price: in {held:.1%} of {self.draws:,} draws "
            f"({self.distribution}, seed {self.seed}), {show(self.least, 'J')} to "
            f"{show(self.most, 'J')} at the ends"
        )


def difference(
    first: EnergyReport,
    second: EnergyReport,
    draws: int = DRAWS,
    seed: int = SEED,
    distribution: Distribution = "triangular",
) -> Difference:
    """Raises ProfileError: reports of two chips have no prices in common."""
    if first.profile != second.profile:
        raise ProfileError(
            f"{first.profile.name} and {second.profile.name}: two price lists; compare two models "
            "on one chip"
        )
    apart = draw(second, draws, seed, distribution) - draw(first, draws, seed, distribution)
    least, most = _ends(first, second)
    ends = min(least, float(apart.min())), max(most, float(apart.max()))
    p05, p95 = (float(p) for p in np.percentile(apart, (5, 95)))
    one, two = first.joules_per_video, second.joules_per_video
    ratio = two / one if one else math.inf
    cheaper = float((apart < 0).mean())
    return Difference(two - one, *ends, p05, p95, cheaper, ratio, draws, seed, distribution)


def _ends(first: EnergyReport, second: EnergyReport) -> tuple[float, float]:
    """Least and most of the difference: a sum over prices, each at an end of its range.

    Events × price is linear in a price, so the difference is least and most at ends of its range.
    """
    one, two = by_price(first), by_price(second)
    least = most = 0.0
    for price in {**one, **two}:
        at = [
            second.per_video * math.fsum(getattr(r, end) for r in two.get(price, ()))
            - first.per_video * math.fsum(getattr(r, end) for r in one.get(price, ()))
            for end in ("low", "joules", "high")
        ]
        least, most = least + min(at), most + max(at)
    return least, most
