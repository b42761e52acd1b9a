"""The built-in set of ``neurosim.data.motion``: ten actions that differ only in how things move.

It needs no folder: clips are drawn into the cache, or into ``root``, the first time they are asked
for. ``number``: how many (None: the whole split).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurosim.data.arrays import read_arrays
from neurosim.data.motion import ACTIONS, RECIPE, SPLITS, load_motion
from neurosim.data.motion_events import PERIOD_US
from neurosim.data.motion_files import motion_path
from neurosim.data.motion_scene import FRAMES, SIDE
from neurosim.data.recipe import Recipe
from neurosim.data.sets._layout import Item, Layout, Listing, Request

_EVENTS = Recipe(FRAMES, (SIDE, SIDE), channels="events", bin_ms=PERIOD_US / 1000)


def find(request: Request) -> Listing:
    """Clips by number; the label of clip i is i modulo 10."""
    events = request.form == "events"
    suffix, span = (".npz", (0, FRAMES * PERIOD_US)) if events else (".mp4", None)
    form = "events" if events else "uint8"
    data = load_motion(request.split, request.number, form=form, folder=request.root)
    paths = [motion_path(data.folder, data.seed, i, suffix) for i in range(len(data))]
    keys = (f"{path.parent.name}/{path.name}" for path in paths)
    found = zip(keys, data.labels, paths, strict=True)
    items = tuple(Item(key, label, path, span) for key, label, path in found)
    return Listing(ACTIONS, items, request.form or "video")


def read(item: Item) -> Mapping[str, np.ndarray]:
    """t (µs), x, y, p, height and width."""
    return read_arrays(item.path)


LAYOUT = Layout(tuple(SPLITS), find, {"video": RECIPE, "events": _EVENTS}, read=read, rooted=False)
