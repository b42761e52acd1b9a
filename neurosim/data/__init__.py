"""Video in: files, folders, arrays and event recordings become clips; imported when used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.data.recipe import Recipe as Recipe
    from neurosim.data.sample import sample_clip_path as sample_clip_path
    from neurosim.data.video import Clip as Clip
    from neurosim.data.video import load_clip as load_clip
    from neurosim.data.video import read_frames as read_frames

_HOME = {
    "Recipe": "recipe",
    "sample_clip_path": "sample",
    "Clip": "video",
    "load_clip": "video",
    "read_frames": "video",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"neurosim.data.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
