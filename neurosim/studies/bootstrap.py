"""Percentile bootstrap over videos (Efron, 1979): how far a mean would move with other videos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RESAMPLES, CONFIDENCE, SEED = 2000, 0.95, 0


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its interval, in the unit of the values."""

    mean: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """JSON-ready."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


def interval(
    values: np.ndarray,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Of (N,) values: both ends are the mean where there is one value."""
    values = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    means = np.array([values[rng.integers(len(values), size=len(values))].mean()
                      for _ in range(resamples)])  # fmt: skip
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(values.mean()), float(low), float(high))
