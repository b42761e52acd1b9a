"""A figure with its bounds: a mean over seeds with its confidence interval, or over neurons with
its range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from neurosim.plots.style import PlotError

NOT_KNOWN = float("nan")


@dataclass(frozen=True)
class Span:
    """``low`` and ``high`` are NaN where nobody knows them, as with a single seed."""

    mean: float
    low: float = NOT_KNOWN
    high: float = NOT_KNOWN

    def scaled(self, factor: float) -> Span:
        """All three times a positive factor."""
        return Span(self.mean * factor, self.low * factor, self.high * factor)


def over_seeds(values: Sequence[float], confidence: float = 0.95) -> Span:
    """Mean and Student's interval of it: mean ± t(n − 1)·s/√n; of one seed the mean alone.

    Raises PlotError: no value, or a confidence that is none.
    """
    from scipy.special import stdtrit

    if not len(values) or not 0 < confidence < 1:
        raise PlotError(
            f"interval of {len(values)} values at {confidence}; give values, and 0 < confidence < 1"
        )
    mean, n = fmean(values), len(values)
    if n == 1:
        return Span(mean)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * stdev(values) / n**0.5
    return Span(mean, mean - half, mean + half)
