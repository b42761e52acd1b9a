"""What the accountant needs of a placement; ``mapping`` provides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from neurosim.ir.run import Run


class Placed(Protocol):
    """A graph on cores."""

    @property
    def chips(self) -> int:
        """Powered chips."""
        ...

    @property
    def encodings(self) -> Mapping[str, str]:
        """Layer → dense, sparse or conv, as its synapses are stored."""
        ...

    def notes(self, run: Run) -> tuple[str, ...]:
        """How it was placed and what its figures rest on."""
        ...

    def seconds(self, run: Run) -> float:
        """Time of one forward of one clip."""
        ...

    def traffic(self, run: Run) -> Mapping[tuple[str, str], int]:
        """(node, mapped event) → count over the whole run."""
        ...
