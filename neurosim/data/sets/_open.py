"""From a name and a folder to a set: what was asked for, what is there, what is missing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from neurosim import registry
from neurosim.cache import cache_folder
from neurosim.data.recipe import Recipe
from neurosim.data.sets._check import without
from neurosim.data.sets._layout import Item, Layout, Listing, Request
from neurosim.data.sets._set import VideoSet
from neurosim.errors import ClipError, UnknownName

_SAME = {"val": "validation", "valid": "validation", "validate": "validation"}


def open_set(
    name: str,
    root: str | os.PathLike[str] | None,
    split: str,
    *,
    recipe: Recipe | None,
    fold: int | str | None,
    form: str | None,
    number: int | None,
    skip_bad: bool,
) -> VideoSet:
    """As ``sets.open``."""
    layout: Layout = registry.load("data.sets", name, "data set").LAYOUT
    request = Request(
        _root(name, layout, root),
        _one_of(f"split of {name}", _SAME.get(split, split), layout.splits),
        _fold(name, layout, fold),
        _form(name, layout, form, recipe),
        _number(name, number),
    )
    found = layout.find(request)
    data = _built(name, layout, request, found, recipe)
    reasons = [_absent(item) for item in data.items]
    if skip_bad:
        return _kept(data, reasons)
    _refuse_absent(data, reasons)
    return data


def _kept(data: VideoSet, reasons: list[str | None]) -> VideoSet:
    """What is there and can be read."""
    return without(data, reasons).check()


def _root(name: str, layout: Layout, root: str | os.PathLike[str] | None) -> Path:
    if root is None:
        if layout.rooted:
            raise ClipError(f"at data set {name!r}: found no folder; say where it lies (root)")
        return cache_folder()
    if layout.rooted and not Path(root).is_dir():
        raise ClipError(f"at data set {name!r}: found no folder {str(root)!r}; check the path")
    return Path(root)


def _one_of(what: str, value: int | str, known: tuple[int | str, ...]) -> str:
    if not known:
        raise ClipError(f"at the {what}: found {value!r}, while it has none; leave it out")
    if value not in known:
        raise UnknownName(what, str(value), map(str, known))
    return str(value)


def _fold(name: str, layout: Layout, fold: int | str | None) -> int | str | None:
    if fold is None:
        return layout.folds[0] if layout.folds else None
    by_text: dict[str, int | str] = {str(known): known for known in layout.folds}
    return by_text[_one_of(f"fold of {name}", str(fold), tuple(by_text))]


def _form(name: str, layout: Layout, form: str | None, recipe: Recipe | None) -> str | None:
    if form is not None:
        return _one_of(f"form of {name}", form, layout.forms)
    if recipe is None:
        return None
    events = recipe.channels == "events"
    same = [f for f, usual in layout.recipes.items() if (usual.channels == "events") == events]
    if not same:
        taken = "events" if events else "frames"
        raise ClipError(f"at data set {name!r}: found a recipe for {taken}; give one of its kind")
    return same[0] if len(same) == 1 and same[0] else None


def _number(name: str, number: int | None) -> int | None:
    if number is not None and number < 1:
        raise ClipError(f"at data set {name!r}: found number {number}; give at least 1")
    return number


def _built(
    name: str, layout: Layout, request: Request, found: Listing, recipe: Recipe | None
) -> VideoSet:
    if not found.items:
        raise ClipError(f"at data set {name!r}: found no item in {str(request.root)!r}; check it")
    if request.number is not None and request.number > len(found.items):
        raise ClipError(
            f"at data set {name!r}: found {len(found.items)} items; ask for no more than that"
        )
    form = found.form or request.form
    usual = layout.recipes.get(form or "", next(iter(layout.recipes.values())))
    chosen = usual if recipe is None else recipe
    if (chosen.channels == "events") != (usual.channels == "events"):
        raise ClipError(
            f"at data set {name!r}: found a recipe for {chosen.channels!r} while the form "
            f"{form!r} has {usual.channels!r}; give a recipe of its kind"
        )
    items = found.items[: request.number]
    data = VideoSet(name, request.split, found.classes, items, chosen, read=layout.read)
    return replace(data, fold=request.fold, form=form)


def _absent(item: Item) -> str | None:
    """What is known to be wrong before the file is opened."""
    if not item.path.is_file():
        return "no such file"
    if item.span is not None and item.span[0] >= item.span[1]:
        return f"a span from {item.span[0]} to {item.span[1]} µs, which is empty"
    return None


def _refuse_absent(data: VideoSet, reasons: list[str | None]) -> None:
    bad = [(item, r) for item, r in zip(data.items, reasons, strict=True) if r]
    if bad:
        item, reason = bad[0]
        raise ClipError(
            f"at data set {data.name!r}: found {len(bad)} of {len(data)} items that cannot be "
            f"used, first {item.key!r} ({reason}); add them, or leave them out with skip_bad "
            "(--skip-bad), which records them"
        )
