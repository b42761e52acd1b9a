"""A published figure beside ours, and what follows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from neurosim.studies.claims import Verdict


@dataclass(frozen=True)
class Reproduced:
    """A row with our figure beside the published one; ``recomputed_mj`` None: no figures."""

    id: str
    model: str
    reported_mj: float
    recomputed_mj: float | None
    convention: str
    verdict: Verdict
    reason: str
    expected: Verdict

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; what was expected is ours alone."""
        return {key: value for key, value in asdict(self).items() if key != "expected"}
