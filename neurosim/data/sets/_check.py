"""Reading a whole data set once, to know what can be read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import compress

from neurosim.data.decode import check_pictures, count_pictures
from neurosim.data.pictures import existing
from neurosim.data.sets._layout import Item
from neurosim.data.sets._set import Skipped, VideoSet
from neurosim.data.sets._whole import check_whole
from neurosim.errors import ClipError


def checked(data: VideoSet, progress: bool | None, workers: int | None) -> VideoSet:
    """As ``VideoSet.check``."""
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    try:
        tried = pool.map(lambda index: complaint(data, index), range(len(data)))
        return without(data, list(_bar(tried, len(data), progress)))
    finally:
        pool.shutdown(cancel_futures=True)


def without(data: VideoSet, reasons: list[str | None]) -> VideoSet:
    """The set without the items that have a reason. Raises ClipError: none is left."""
    pairs = zip(data.items, reasons, strict=True)
    bad = [Skipped(item.key, reason) for item, reason in pairs if reason]
    good = tuple(compress(data.items, (not reason for reason in reasons)))
    if not good:
        raise ClipError(
            f"data set {data.name!r}: found no item that can be read of {len(data)}, "
            f"first {bad[0].key!r} ({bad[0].reason}); check the folder"
        )
    return replace(data, items=good, skipped=data.skipped + tuple(bad))


def complaint(data: VideoSet, index: int) -> str | None:
    """Why the item cannot be read; None: it can."""
    try:
        if data.recipe.channels == "events":
            data.frames(index)
        else:
            _read_all(data.items[index])
    except ClipError as error:
        return str(error).removeprefix(f"data set {data.name!r}, item {data.items[index].key!r}: ")
    return None


def _read_all(item: Item) -> None:
    check_whole(existing(item.path))
    count_pictures(item.path)
    check_pictures(item.path)


def _bar(tried: Iterable[str | None], total: int, progress: bool | None) -> Iterator[str | None]:
    from rich.console import Console
    from rich.progress import track

    visible = sys.stderr.isatty() if progress is None else progress
    console = Console(stderr=True)
    yield from track(tried, "checking the data set", total, console=console, disable=not visible)
