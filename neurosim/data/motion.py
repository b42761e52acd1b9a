"""The built-in data set: ten actions that differ only in how things move.

A textured object on a textured ground, under a drifting light and before a shaking camera, moves
right, left, up or down, turns one way or the other, grows, shrinks, swings or wanders. One frame
says nothing about the action: ``motion_scene`` has the argument. Seeds are splits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from neurosim.cache import cache_folder
from neurosim.data.motion_draw import label_of
from neurosim.data.motion_events import slice_events
from neurosim.data.motion_files import PathLike, generate, missing_clips, motion_path
from neurosim.data.motion_scene import ACTIONS, FRAMES, SIDE
from neurosim.data.recipe import Recipe
from neurosim.data.video import read_frames
from neurosim.errors import ClipError, StoreError, UnknownName

__all__ = ["ACTIONS", "RECIPE", "SPLITS", "Motion", "generate", "load_motion"]

RECIPE = Recipe(frames=FRAMES, size=(SIDE, SIDE))  # what ``form="float"`` applies
SPLITS = {"train": (0, 10_000), "validation": (1, 1_000), "test": (2, 1_000)}  # seed, clips
Form = Literal["uint8", "float", "events"]


class Motion(Dataset[tuple[torch.Tensor, int]]):
    """Clips that ``generate`` wrote: item i is (clip, label), and ``ACTIONS[label]`` its name.

    clip: (16, 3, 64, 64), ``form`` "uint8" 0 … 255 as decoded, "float" normalised as ``RECIPE``;
    "events" (16, 2, 64, 64) float32 counts per frame period, brighter ones in channel 1.
    ``number``: the first so many clips. ``keep``: hold what was read (192 KiB a clip as uint8).
    Raises ClipError: an unknown form, fewer than one clip; StoreError: a clip is missing.
    """

    def __init__(
        self,
        folder: PathLike,
        number: int,
        seed: int = 0,
        *,
        form: Form = "uint8",
        keep: bool = False,
    ) -> None:
        if form not in ("uint8", "float", "events") or number < 1:
            raise ClipError(
                f"at the motion data set: found form {form!r}, {number} clips; give 'uint8', "
                "'float' or 'events', and at least 1 clip"
            )
        self.folder, self.seed, self.form = Path(folder), seed, form
        self.labels = tuple(label_of(index) for index in range(number))
        self._kept: dict[int, torch.Tensor] | None = {} if keep else None
        self._suffix = ".npz" if form == "events" else ".mp4"
        self._check_complete()

    def _check_complete(self) -> None:
        events = self.form == "events"
        number = len(self)
        missing = missing_clips(self.folder, number, self.seed, events=events, video=not events)
        if missing:
            first = motion_path(self.folder, self.seed, missing[0], self._suffix)
            raise StoreError(
                f"at {str(first)!r}: {len(missing)} of {number} clips are missing; run "
                f"generate(folder, {number}, seed={self.seed}{', events=True' * events})"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        label = self.labels[index]  # IndexError past the end stops a plain for loop
        index %= len(self)
        read = self._read(index)
        return (_normalised(read) if self.form == "float" else read), label

    def _read(self, index: int) -> torch.Tensor:
        if self._kept is None:
            return _load(motion_path(self.folder, self.seed, index, self._suffix))
        if index not in self._kept:
            self._kept[index] = _load(motion_path(self.folder, self.seed, index, self._suffix))
        return self._kept[index].clone()


def load_motion(
    split: str = "train",
    number: int | None = None,
    *,
    form: Form = "uint8",
    keep: bool = False,
    folder: PathLike | None = None,
    workers: int | None = None,
) -> Motion:
    """The first ``number`` clips (None: all) of a split, made on first use in the cache.

    Raises UnknownName: no such split; ClipError, StoreError: as ``generate`` and ``Motion``.
    """
    if split not in SPLITS:
        raise UnknownName("split of the motion data set", split, SPLITS)
    seed, all_of_them = SPLITS[split]
    home = cache_folder() if folder is None else folder
    count = all_of_them if number is None else number
    generate(home, count, seed, workers, events=form == "events")
    return Motion(home, count, seed, form=form, keep=keep)


def _load(path: Path) -> torch.Tensor:
    """(16, C, 64, 64): uint8 colours, or float32 event counts."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as events:
            return torch.from_numpy(slice_events(dict(events), FRAMES, SIDE)).float()
    return torch.from_numpy(read_frames(path, FRAMES).transpose(0, 3, 1, 2).copy())


def _normalised(clip: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(value, dtype=torch.float32) for value in (RECIPE.mean, RECIPE.std))
    return (clip.float().div(255) - mean) / std
