"""What a model returns, as the scores of its classes."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_leaves

from neurosim.errors import ModelError


def logits(outputs: Any, samples: int) -> Tensor:
    """(samples, classes): the first tensor of that many rows, or the mean over the steps of the
    first [T, samples, classes]; states that are returned beside it are passed over.

    Raises ModelError: neither is there.
    """
    leaves = [leaf for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor)]
    for leaf in leaves:
        if leaf.ndim == 2 and len(leaf) == samples:
            return leaf
        if leaf.ndim == 3 and leaf.shape[1] == samples:
            return leaf.mean(0)
    shapes = ", ".join(str(list(leaf.shape)) for leaf in leaves) or "no tensor"
    raise ModelError(
        f"the model returned {shapes} for {samples} clips; return logits [B, classes], or "
        "[T, B, classes] to be averaged over the steps"
    )


def check_classes(found: Tensor, classes: int, name: str) -> Tensor:
    """The logits themselves. Raises ModelError: fewer than the data set has."""
    if found.shape[1] < classes:
        raise ModelError(
            f"{name}: scores {found.shape[1]} classes, the data set has {classes}; build it with "
            f"classes={classes}"
        )
    return found
