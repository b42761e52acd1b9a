"""What is refused before anything runs: clips, lengths and devices that do not fit."""

from __future__ import annotations

import torch
from torch import Tensor

from neurosim.errors import ClipError, SimulationError
from neurosim.ir.graph import Graph, Node
from neurosim.ir.types import Kind
from neurosim.sim.halo import streams

PIECE = 2**18  # elements that are looked at together


def check_device(device: str) -> None:
    """Raise SimulationError for a device that this torch does not have."""
    try:
        torch.empty(0, device=device)
    except Exception as error:
        found = " ".join(str(error).split())[:80]
        raise SimulationError(
            f"device {device!r} is not available ({found}); use device='cpu'"
        ) from None


def check_clip(graph: Graph, clip: Tensor) -> None:
    """Raise ClipError unless (steps, samples, *shape) fits the captured input and holds what was
    declared."""
    if not clip.shape[0] or not clip.shape[1]:
        raise ClipError(
            f"the clip has {clip.shape[0]} steps and {clip.shape[1]} samples; give at least one "
            "of each"
        )
    for node in graph.inputs:
        if tuple(clip.shape[2:]) != node.value.shape:
            got, want = "x".join(map(str, clip.shape[2:])), "x".join(map(str, node.value.shape))
            raise ClipError(
                f"the clip's frames are {got}, the graph was captured for {want}; capture it "
                "again or resize"
            )
        if not bool(torch.isfinite(clip.sum())):  # or finite numbers with a sum beyond float32
            for first in range(0, len(clip), _pace(clip)):
                _check_finite(clip[first : first + _pace(clip)], first)
        t = node.value
        pieces = () if t.kind is Kind.REAL else clip.split(_pace(clip))
        if not all(_whole(piece, t.lo, t.hi) for piece in pieces):
            raise ClipError(
                f"the clip was declared {t.kind.value} ({t.lo}..{t.hi}) but holds values "
                f"from {float(clip.min()):g} "
                f"to {float(clip.max()):g}; declare kind='real' or give events"
            )


def _pace(clip: Tensor) -> int:
    """Steps to look at together: what the checks make on the way is as large."""
    return max(1, PIECE // max(1, clip[0].numel()))


def _check_finite(piece: Tensor, first: int) -> None:
    if bool(torch.isfinite(piece).all()):
        return
    step, sample = torch.nonzero(~torch.isfinite(piece))[0].tolist()[:2]
    raise ClipError(
        f"the clip holds NaN or infinity, first at step {first + step}, sample {sample}; "
        "clean it first"
    )


def _whole(piece: Tensor, lo: int, hi: int) -> bool:
    low, high = torch.aminmax(piece)
    return bool((low >= lo) & (high <= hi)) and bool((piece == piece.round()).all())


def check_length(graph: Graph, steps: int | None) -> None:
    """Raise SimulationError when an operator was captured for a fixed number of steps and gets
    another (None: a number not yet known)."""
    if steps == graph.steps:
        return
    for node in graph.nodes:
        over_time = node.op == "temporal_convolution" and not streams(node)
        fixed = (
            over_time
            or node.op == "time_to_axis"
            or (node.op == "time_reduce" and node.attrs["mode"] == "at" and node.attrs["step"] >= 0)
        )
        fixed = fixed or any(_per_step(node, role, graph) for role in node.params)
        if fixed:
            raise SimulationError(
                f"at {node.name!r} ({node.op}): needs exactly the {graph.steps} steps it was "
                f"captured with, got {'a stream' if steps is None else steps}; "
                f"pass window={graph.steps} (--window {graph.steps}) to run a longer clip in "
                "windows with fresh state"
            )


def _per_step(node: Node, role: str, graph: Graph) -> bool:
    rows = graph.params[node.params[role]].shape[:1]
    stepwise = bool(node.attrs.get("per_step")) or role.startswith("affine_")
    return stepwise and rows != (1,)
