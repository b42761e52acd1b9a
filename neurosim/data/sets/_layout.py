"""What a data set is apart from its files: splits, folds, forms, recipe, and two functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.data.recipe import Recipe


@dataclass(frozen=True)
class Item:
    """One labelled clip; ``key`` is its stable name in the set, a path relative to the root.

    ``span``: [begin, end) of the recording, in microseconds, of an item that is a part of an event
    file; None: the whole file. Videos are always whole files.
    """

    key: str
    label: int
    path: Path
    span: tuple[int, int] | None = None


@dataclass(frozen=True)
class Request:
    """What ``open`` was asked for, with fold and form filled in where the set has them."""

    root: Path
    split: str
    fold: int | str | None = None
    form: str | None = None
    number: int | None = None


@dataclass(frozen=True)
class Listing:
    """All that the set's own lists name, in their order, whether or not it can be read."""

    classes: tuple[str, ...]
    items: tuple[Item, ...]
    form: str | None = None  # the one found, of a set that has several


Find = Callable[[Request], Listing]
ReadEvents = Callable[[Item], Mapping[str, np.ndarray]]  # t (µs), x, y, p, perhaps height, width


@dataclass(frozen=True)
class Layout:
    """A data set: ``find`` lists it, ``read`` reads its event files (None: it has none).

    ``recipes``: form → how a clip is cut unless the caller says otherwise; a set of one form has
    the single key "". ``splits``: the one it is judged on comes last. ``folds``: the first is the
    default. ``rooted``: whether it needs a folder (else the cache is taken).
    """

    splits: tuple[str, ...]
    find: Find
    recipes: Mapping[str, Recipe]
    folds: tuple[int | str, ...] = ()
    read: ReadEvents | None = None
    rooted: bool = True

    @property
    def forms(self) -> tuple[str, ...]:
        """Forms that the set comes in; empty: one only."""
        return tuple(form for form in self.recipes if form)


RGB = Recipe(16, (224, 224), stride=4, short_side=256)  # SVFormer's: 16×4, 224², mean .45, std .225
EVENTS = Recipe(16, (128, 128), channels="events")  # 16 equal bins over the whole item
