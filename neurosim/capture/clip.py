"""The example clip: what it must be, which axes are time and sample, and the copies that the model
is watched on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.axes import Dims
from neurosim.errors import CaptureError, ClipError
from neurosim.ir.types import Kind


@dataclass(frozen=True)
class Layout:
    """Which axis of the clip is time, which is the sample; None: there is none."""

    time_dim: int | None
    batch_dim: int | None

    def dims(self, clip: Tensor) -> Dims:
        """Roles of the clip's axes."""
        role = {self.time_dim: "T", self.batch_dim: "B"}
        return tuple(
            ((role[i], n),) if i in role else axes.plain(n) for i, n in enumerate(clip.shape)
        )

    def names(self, rank: int) -> list[str]:
        """A role per axis."""
        role = {self.time_dim: "T", self.batch_dim: "B"}
        return [role.get(i, "X") for i in range(rank)]


def layout_of(clip: Tensor, time_dim: int | None, batch_dim: int | None) -> Layout:
    """The layout; negative axes count from the end."""
    return Layout(_positive(time_dim, clip), _positive(batch_dim, clip))


def _positive(dim: int | None, clip: Tensor) -> int | None:
    return dim + clip.ndim if dim is not None and -clip.ndim <= dim < 0 else dim


def bounds_of(clip: Tensor, kind: str, lo: int, hi: int | None) -> tuple[int, int]:
    """Least and largest integer that the clip may hold."""
    if kind == "spike":
        return 0, 1
    return lo, hi if hi is not None else int(clip.max()) if kind == "graded" else 0


def check_kind(clip: Tensor, kind: str, lo: int, hi: int) -> None:
    """Raise CaptureError for an unknown kind, ClipError for a clip that does not hold what is
    declared."""
    if kind not in {k.value for k in Kind}:
        raise CaptureError(f"unknown kind {kind!r} of clip; choose real, spike or graded")
    if kind != "real" and bool(((clip != clip.round()) | (clip < lo) | (clip > hi)).any()):
        raise ClipError(
            f"the clip was declared {kind} ({lo}..{hi}) but holds values from "
            f"{float(clip.min()):g} to "
            f"{float(clip.max()):g}; declare kind='real' or give events"
        )


def as_clip(clip: Any) -> Tensor:
    """A float32 tensor. Raises ClipError for anything else, NaN included."""
    if isinstance(clip, np.ndarray):
        clip = torch.from_numpy(np.ascontiguousarray(clip))
    if not isinstance(clip, Tensor):
        raise ClipError(
            f"the clip is a {type(clip).__name__}; give a torch tensor or a numpy array [T, B, "
            f"C, H, W]"
        )
    found = clip.detach().clone().to(torch.float32)
    if not bool(torch.isfinite(found).all()):
        raise ClipError("the clip holds NaN or infinity; clean it first")
    return found


def check_layout(clip: Tensor, layout: Layout) -> None:
    """Raise ClipError unless the named axes exist."""
    for what, dim in (("time_dim", layout.time_dim), ("batch_dim", layout.batch_dim)):
        if dim is not None and not 0 <= dim < clip.ndim:
            raise ClipError(
                f"{what}={dim} of a clip with {clip.ndim} axes {tuple(clip.shape)}; say which "
                f"axis it is"
            )
    if layout.time_dim is not None and layout.time_dim == layout.batch_dim:
        raise ClipError(
            f"time_dim and batch_dim are both {layout.time_dim}; say which axis is time and "
            f"which the sample"
        )
    if 0 in clip.shape:
        raise ClipError(
            f"the clip is empty: {tuple(clip.shape)}; give at least one step and one sample"
        )


def widened(clip: Tensor, layout: Layout, samples: int) -> Tensor:
    """The clip with ``samples`` samples that differ from one another (mirrored copies keep their
    kind)."""
    if layout.batch_dim is None:
        return clip
    parts = list(clip.split(1, layout.batch_dim))[:samples]
    while len(parts) < samples:
        parts.append(
            parts[-1].flip(-1) if len(parts) % 2 else parts[-1].flip(-2 if clip.ndim > 2 else -1)
        )
    return torch.cat(parts, layout.batch_dim).contiguous()


def varied(clip: Tensor, layout: Layout) -> Tensor:
    """Another clip of the same kind: time reversed, space mirrored."""
    flips = [d for d in (layout.time_dim, clip.ndim - 1) if d is not None and d != layout.batch_dim]
    return clip.flip(sorted(set(flips))).contiguous()


def to_slices(clip: Tensor, layout: Layout) -> Tensor:
    """(steps, samples, *shape)."""
    return sliced(clip, layout.dims(clip))


def sliced(tensor: Tensor, dims: Dims) -> Tensor:
    """A tensor with the given roles as (steps, samples, *slice shape)."""
    flat = tensor.reshape([n for d in dims for _, n in (d or (("X", 1),))])
    labels = [r for d in dims for r, _ in (d or (("X", 1),))]
    if "B" not in labels:
        flat, labels = flat.unsqueeze(0), ["B", *labels]
    if "T" not in labels:
        flat, labels = flat.unsqueeze(0), ["T", *labels]
    order = [
        labels.index("T"),
        labels.index("B"),
        *(i for i, r in enumerate(labels) if r not in "TB"),
    ]
    return flat.permute(order).reshape(
        flat.shape[order[0]], flat.shape[order[1]], *axes.slice_shape(dims)
    )
