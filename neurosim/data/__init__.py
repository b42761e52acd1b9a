"""Video in: files, folders, arrays and event recordings become clips; imported when used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.data import sets as sets
    from neurosim.data.encode import encode_clip as encode_clip
    from neurosim.data.event_camera import film as film
    from neurosim.data.event_frames import event_counts as event_counts
    from neurosim.data.event_frames import time_surface as time_surface
    from neurosim.data.event_frames import voxel_grid as voxel_grid
    from neurosim.data.noise import Noise as Noise
    from neurosim.data.noise import noisy as noisy
    from neurosim.data.recipe import Recipe as Recipe
    from neurosim.data.sample import sample_clip_path as sample_clip_path
    from neurosim.data.sets import VideoSet as VideoSet
    from neurosim.data.sets import Views as Views
    from neurosim.data.video import Clip as Clip
    from neurosim.data.video import load_clip as load_clip
    from neurosim.data.video import read_frames as read_frames
    from neurosim.data.video import stream_clip as stream_clip

_HOME = {
    "Noise": "noise",
    "Recipe": "recipe",
    "encode_clip": "encode",
    "event_counts": "event_frames",
    "film": "event_camera",
    "noisy": "noise",
    "sample_clip_path": "sample",
    "time_surface": "event_frames",
    "voxel_grid": "event_frames",
    "Clip": "video",
    "VideoSet": "sets._set",
    "Views": "sets._views",
    "load_clip": "video",
    "read_frames": "video",
    "stream_clip": "video",
}


def __getattr__(name: str) -> Any:
    if name == "sets":
        return importlib.import_module("neurosim.data.sets")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"neurosim.data.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, "sets"})
