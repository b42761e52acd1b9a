"""Monte Carlo over the prices: each drawn between its low and its high, all its events alike.

One uniform number u a price and draw, from a generator seeded by (seed, name of the price); a price
is the u-quantile of its distribution. So within a price everything moves together, across prices
nothing does, and two reports that share a price share its draws, whatever else they hold.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from neurosim.energy.report import EnergyReport, Row

Distribution = Literal["triangular", "uniform"]
DRAWS, SEED = 1000, 0
Range = tuple[float, float, float]  # low, value, high


@dataclass(frozen=True)
class Spread:
    """Joules per video over ``draws`` draws of all prices."""

    mean: float
    std: float
    p05: float
    p50: float
    p95: float
    draws: int
    seed: int
    distribution: Distribution

    def how(self) -> str:
        """Draws, distribution and seed, to be printed beside the figures."""
        return f"{self.draws:,} draws, {self.distribution}, seed {self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def spread(
    report: EnergyReport,
    draws: int = DRAWS,
    seed: int = SEED,
    distribution: Distribution = "triangular",
) -> Spread:
    """Mean, standard deviation and percentiles of ``draw``."""
    found = draw(report, draws, seed, distribution)
    p05, p50, p95 = (float(p) for p in np.percentile(found, (5, 50, 95)))
    return Spread(float(found.mean()), float(found.std()), p05, p50, p95, draws, seed, distribution)


def draw(
    report: EnergyReport,
    draws: int = DRAWS,
    seed: int = SEED,
    distribution: Distribution = "triangular",
) -> np.ndarray:
    """(draws,) joules per video."""
    total = np.zeros(draws)
    for price, rows in by_price(report).items():
        total += _drawn(rows, uniform(price, draws, seed), distribution)
    return total * report.per_video


def by_price(report: EnergyReport) -> dict[str, list[Row]]:
    """Name of a price → its rows."""
    found: dict[str, list[Row]] = {}
    for row in report.rows:
        found.setdefault(price_of(row, report), []).append(row)
    return found


def price_of(row: Row, report: EnergyReport) -> str:
    """``profile.event``. All words in SRAM are one price, for one law prices them all; a variant
    that has a price from its base still has one of its own: names are those of profiles.
    """
    hosted = row.by.startswith("host ")
    profile = row.by.split()[1] if hosted else report.profile.name
    if row.by == "static":
        return f"{profile}.static"
    if row.event == "dram_read":
        return f"{profile}.dram"
    entry = None if hosted else report.profile.prices.get(row.billed)
    return f"{profile}.{'sram' if entry is not None and entry.memory else row.billed}"


def uniform(price: str, draws: int, seed: int) -> np.ndarray:
    """(draws,) numbers in [0, 1) that depend on the seed and the name alone."""
    return np.random.default_rng([seed, zlib.crc32(price.encode())]).random(draws)


def _drawn(rows: Iterable[Row], u: np.ndarray, distribution: Distribution) -> np.ndarray:
    """Σ rows of the u-quantile of each; rows whose ranges have one shape are one term."""
    shapes: dict[Range, list[float]] = {}
    for row in rows:
        if row.high > 0:
            shape = (round(row.low / row.high, 12), round(row.joules / row.high, 12), 1.0)
            shapes.setdefault(shape, []).append(row.high)
    total = np.zeros(len(u))
    for shape, parts in shapes.items():
        total += math.fsum(parts) * quantile(shape, u, distribution)
    return total


def quantile(span: Range, u: np.ndarray, distribution: Distribution) -> np.ndarray:
    """Of a distribution between low and high, its mode at the value (triangular) or none."""
    low, mode, high = span
    if not high > low:
        return np.full(len(u), mode)
    if distribution == "uniform":
        return low + (high - low) * u
    split, width = (mode - low) / (high - low), high - low
    left = low + np.sqrt(u * width * (mode - low))
    right = high - np.sqrt((1 - u) * width * (high - mode))
    return np.where(u < split, left, right)
