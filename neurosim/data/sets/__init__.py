"""Real data sets in their own layouts, found by their file's name; nothing is downloaded.

``open(name, root, split)`` lists what the set's own split files or folders name and returns a
``VideoSet``; adding a set is adding a file with a ``LAYOUT`` in it.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from neurosim import registry

if TYPE_CHECKING:
    from neurosim.data.recipe import Recipe
    from neurosim.data.sets._set import Item as Item
    from neurosim.data.sets._set import Skipped as Skipped
    from neurosim.data.sets._set import VideoSet as VideoSet
    from neurosim.data.sets._views import Views as Views

_HOME = {"Item": "_set", "Skipped": "_set", "VideoSet": "_set", "Views": "_views"}


def list() -> tuple[str, ...]:
    """Names of all data sets."""
    return registry.modules("data.sets")


def splits(name: str) -> tuple[str, ...]:
    """Splits of a set; the one it is usually judged on comes last. Raises UnknownName."""
    return registry.load("data.sets", name, "data set").LAYOUT.splits


def open(
    name: str,
    root: str | os.PathLike[str] | None = None,
    split: str = "test",
    *,
    recipe: Recipe | None = None,
    fold: int | str | None = None,
    form: str | None = None,
    number: int | None = None,
    skip_bad: bool = False,
) -> VideoSet:
    """The set called ``name`` as it lies under ``root``.

    ``fold``: which of the set's published splits (UCF101, HMDB51: 1, 2, 3; NTU RGB+D: "xsub",
    "xview"; None: the first). ``form``: motion "video" or "events", dvs128_gesture "aedat" or
    "preprocessed" (None: what the recipe asks for, or what is there). ``number``: the first so many
    items in the set's own order. ``skip_bad``: read every item now, leave out those that are
    missing or damaged and record them in ``skipped``; without it, a missing file is an error here
    and a damaged one when it is read.

    Raises UnknownName: no such set, split, fold or form; ClipError: a layout that is not there, a
    file of the list that is missing, a recipe of the other kind.
    """
    from neurosim.data.sets._open import open_set

    wanted = {"recipe": recipe, "fold": fold, "form": form, "number": number}
    return open_set(name, root, split, skip_bad=skip_bad, **wanted)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"neurosim.data.sets.{_HOME[name]}"), name)


def __dir__() -> Any:
    return sorted({*globals(), *_HOME})
