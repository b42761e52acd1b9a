"""A published figure beside ours, and what follows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from neurosim.studies.claims import Verdict

CLOSE_MJ = 0.01
ROUNDING_MJ = 1e-12  # of floats


def judge(found_mj: float | None, reported_mj: float, digits_mj: float) -> Verdict:
    """A match is within 0.01 mJ and within the printed digits; where these are coarser, a row may
    be further off and equal to its printed digits. Beyond them nothing adds up.
    """
    if found_mj is None:
        return "not_checkable"
    off = abs(found_mj - reported_mj)
    if off > digits_mj + ROUNDING_MJ:
        return "mismatch"
    return "match" if off <= CLOSE_MJ else "printed_digits"


@dataclass(frozen=True)
class Reproduced:
    """A row with our figure beside the published one; ``recomputed_mj`` None: no figures.

    ``digits_mj``: what the printed digits leave open, to either side.
    """

    id: str
    model: str
    reported_mj: float
    recomputed_mj: float | None
    convention: str
    verdict: Verdict
    reason: str
    expected: Verdict
    digits_mj: float

    @property
    def fine(self) -> bool:
        """The printed digits permit a check to a hundredth of a millijoule."""
        return self.digits_mj <= CLOSE_MJ

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; what was expected is ours alone."""
        return {key: value for key, value in asdict(self).items() if key != "expected"}
