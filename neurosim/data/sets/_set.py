"""A data set of labelled videos or event recordings: which files, which labels, how a clip is cut.

One class for all sets: what differs is in their ``Layout``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from neurosim.data.decode import SUFFIXES, count_pictures, pictures_at
from neurosim.data.events import count_window
from neurosim.data.fit import fit
from neurosim.data.pictures import existing, fault
from neurosim.data.recipe import Recipe
from neurosim.data.sets._layout import Item, ReadEvents
from neurosim.data.sets._views import ONE, Place, Views, at_clip, at_fraction, frame_numbers
from neurosim.data.sets._whole import check_whole
from neurosim.errors import ClipError

__all__ = ["Item", "Skipped", "VideoSet"]


@dataclass(frozen=True)
class Skipped:
    """An item that was left out, and why, in one line."""

    key: str
    reason: str


@dataclass(frozen=True, eq=False)
class VideoSet:
    """Items, their labels, and their clips as ``recipe`` cuts them.

    Frames are counted, as the published protocols do, not timed. Every clip is read from its file
    again: the set holds no pixels and can be sent to other processes.
    Raises ClipError, naming item and file, when one cannot be read.
    """

    name: str
    split: str
    classes: tuple[str, ...]
    items: tuple[Item, ...]
    recipe: Recipe
    fold: int | str | None = None
    form: str | None = None
    skipped: tuple[Skipped, ...] = ()
    read: ReadEvents | None = field(default=None, repr=False)

    @property
    def labels(self) -> tuple[int, ...]:
        """The label of each item: its class's place in ``classes``."""
        return tuple(item.label for item in self.items)

    @property
    def kind(self) -> str:
        """Values of a clip: "real" frames, "graded" event counts, or "spike" (0 or 1)."""
        if self.recipe.channels != "events":
            return "real"
        return "spike" if self.recipe.binary else "graded"

    def __len__(self) -> int:
        return len(self.items)

    def frames(self, index: int, start: float = 0.5) -> torch.Tensor:
        """The window at ``start`` (0 … 1) of the room that the item leaves it.

        uint8 (T, 3, H, W) at the video's own size, or float32 counts (T, 2, H, W) at the recipe's.
        A video shorter than the window repeats its last frame; a recording ends in silence.
        """
        place = at_fraction(start)
        if self.recipe.channels == "events":
            return self._counts(self.items[index], place)
        return torch.from_numpy(self._pictures(self.items[index], place).transpose(0, 3, 1, 2))

    def view(self, index: int, view: int = 0, views: Views = ONE) -> torch.Tensor:
        """View ``clip · crops + crop`` as the model takes it: float32 (T, C, H, W), normalised."""
        clip, crop = views.split(view)
        return next(self._crops(self.items[index], clip, views, (crop,)))

    def every_view(self, index: int, views: Views) -> Iterator[torch.Tensor]:
        """All views in order; the crops of a clip share its decoding."""
        for clip in range(views.clips):
            yield from self._crops(self.items[index], clip, views, range(views.crops))

    def check(self, *, progress: bool | None = None, workers: int | None = None) -> VideoSet:
        """The set without the items that cannot be read, which ``skipped`` then records.

        Every frame of every video is decoded, every event read, in threads (None: one a core).
        ``progress``: a bar on stderr (None: when it is a terminal).
        Raises ClipError: none is left.
        """
        from neurosim.data.sets._check import checked

        return checked(self, progress, workers)

    def info(self) -> dict[str, Any]:
        """JSON-ready, for the manifest; ``sha256`` is of the list of (key, label)."""
        listed = json.dumps([[item.key, item.label] for item in self.items])
        return {
            "name": self.name,
            "split": self.split,
            "fold": self.fold,
            "form": self.form,
            "items": len(self.items),
            "classes": len(self.classes),
            "sha256": hashlib.sha256(listed.encode()).hexdigest(),
            "recipe": self.recipe.to_dict(),
            "skipped": [[bad.key, bad.reason] for bad in self.skipped],
        }

    def _crops(
        self, item: Item, clip: int, views: Views, crops: range | tuple[int, ...]
    ) -> Iterator[torch.Tensor]:
        recipe, place = views.recipe(self.recipe), at_clip(clip, views.clips)
        if recipe.channels == "events":
            yield self._counts(item, place)
            return
        pictures = self._pictures(item, place)
        for crop in crops:
            yield torch.stack([fit(rgb, recipe, crop, views.crops) for rgb in pictures])

    def _pictures(self, item: Item, place: Place) -> np.ndarray:
        """(T, H, W, 3) uint8."""
        try:
            check_whole(existing(item.path))
            total, rate = count_pictures(item.path)
            found = pictures_at(item.path, frame_numbers(total, rate, self.recipe, place))
            if len({rgb.shape for rgb in found}) > 1:
                raise fault(item.path, "frames of different sizes", "re-encode it at one size")
            return np.stack(found)
        except ClipError as error:
            raise self._naming(item, error) from None

    def _counts(self, item: Item, place: Place) -> torch.Tensor:
        try:
            path = existing(item.path)
            if self.read is None or path.suffix.lower() in SUFFIXES:
                raise fault(path, "a video, while the recipe takes events", "give a video recipe")
            counts = count_window(path, self.read(item), self.recipe, item.span, place)
            return torch.from_numpy(counts).float()
        except ClipError as error:
            raise self._naming(item, error) from None

    def _naming(self, item: Item, error: ClipError) -> ClipError:
        return ClipError(f"data set {self.name!r}, item {item.key!r}: {error}")
