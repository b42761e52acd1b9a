"""What is known of a model besides its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurosim.data.recipe import Recipe


@dataclass(frozen=True)
class Accuracy:
    """An accuracy in percent and the views per video (clips × crops) it belongs to; published, or
    measured by us on weights that ship (``source`` is then a file of ours)."""

    dataset: str
    top1: float
    top5: float | None
    clips: int
    crops: int
    source: str

    @property
    def views(self) -> int:
        """Forwards per video."""
        return self.clips * self.crops

    def __str__(self) -> str:
        top5 = "" if self.top5 is None else f"/{self.top5:.2f}"
        views = f"{self.clips}×{self.crops} views"
        who = "measured by us" if self.source.startswith("models/") else "published"
        return f"{who}: {self.top1:.2f}{top5} % on {self.dataset} at {views} ({self.source})"


@dataclass(frozen=True)
class ModelCard:
    """``accuracy``: as published, () where none is.

    ``published_rates``: a file in models/published, or None. ``weights``: trained ones ship.
    """

    name: str
    title: str
    parameters: int
    classes: int
    recipe: Recipe
    paper: str = ""
    accuracy: tuple[Accuracy, ...] = ()
    published_rates: str | None = None
    weights: bool = False
    note: str = ""
