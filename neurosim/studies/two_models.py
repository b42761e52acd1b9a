"""Two models evaluated on the same videos: does the difference survive the prices, and the data?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.energy.difference import Difference, difference
from neurosim.energy.spread import DRAWS, Distribution
from neurosim.errors import ClipError, UnknownName
from neurosim.studies.bootstrap import CONFIDENCE, SEED, Interval, interval
from neurosim.studies.evaluate import Evaluation


@dataclass(frozen=True)
class TwoModels:
    """Joules per video of the second less those of the first. ``prices``: over the range of the
    prices, the videos as they are. ``videos``: over other videos, the prices as they are (paired:
    each video with itself).
    """

    chip: str
    first: str
    second: str
    prices: Difference
    videos: Interval

    @property
    def survives(self) -> bool:
        """One sign at every price within its range, and in the whole interval over videos."""
        one_sided = self.videos.low > 0 or self.videos.high < 0
        return self.prices.survives and one_sided

    def says(self) -> str:
        """One sentence a source of doubt."""
        low, high = (f"{x * 1e3:.4g}" for x in (self.videos.low, self.videos.high))
        held = "does not cross" if self.videos.low > 0 or self.videos.high < 0 else "crosses"
        return (
            f"{self.chip}: {self.prices.says(self.first, self.second)}; over other videos the "
            f"difference is {low} to {high} mJ ({CONFIDENCE:.0%} bootstrap), which {held} zero"
        )


def two_models(
    first: Evaluation,
    second: Evaluation,
    chip: str,
    draws: int = DRAWS,
    seed: int = SEED,
    distribution: Distribution = "triangular",
) -> TwoModels:
    """``chip``: a profile that both were priced on; each draw of its prices bills both models.

    Raises UnknownName: one was not priced on it. ClipError: they saw different videos.
    """
    for found in (first, second):
        if chip not in found.reports:
            raise UnknownName("profile of the evaluation", chip, found.reports)
    spent = {v.key: v.joules[chip] for v in first.videos}
    if set(spent) != {v.key for v in second.videos}:
        raise ClipError("two evaluations of different videos; evaluate both on the same ones")
    apart = np.array([v.joules[chip] - spent[v.key] for v in second.videos])
    names = (first.run.manifest.model or "first", second.run.manifest.model or "second")
    prices = difference(first.reports[chip], second.reports[chip], draws, seed, distribution)
    return TwoModels(chip, *names, prices, interval(apart, seed=seed))
