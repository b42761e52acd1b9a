"""Accuracy by torchmetrics: of an epoch's training batches, and of a whole validation set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassConfusionMatrix,
)


@dataclass(frozen=True)
class Scores:
    """Shares of 1. ``per_class`` (C,): NaN-free, 0 where a class has no clip; ``confusion`` (C, C):
    rows are the true classes."""

    top1: float
    top5: float
    per_class: Tensor
    confusion: Tensor


def scores(logits: Tensor, labels: Tensor) -> Scores:
    """Of logits (N, C) and labels (N,)."""
    classes = logits.shape[1]
    kit = MetricCollection(
        {
            "top1": MulticlassAccuracy(classes, average="micro"),
            "top5": MulticlassAccuracy(classes, average="micro", top_k=min(5, classes)),
            "per_class": MulticlassAccuracy(classes, average="none"),
            "confusion": MulticlassConfusionMatrix(classes),
        },
        compute_groups=False,
    )
    found: dict[str, Any] = kit(logits, labels)
    return Scores(
        float(found["top1"]),
        float(found["top5"]),
        torch.nan_to_num(found["per_class"]),
        found["confusion"],
    )


@dataclass
class Running:
    """Sums over an epoch's updates; JSON-ready, so that a checkpoint holds them."""

    loss: float = 0.0
    right: int = 0
    clips: int = 0
    updates: int = 0
    seconds: float = 0.0

    def add(self, loss: float, logits: Tensor, labels: Tensor) -> None:
        """One update."""
        self.loss += loss
        self.right += int((logits.argmax(1) == labels.to(logits.device)).sum())
        self.clips += len(labels)
        self.updates += 1

    def row(self) -> dict[str, float]:
        """Means so far."""
        return {
            "loss": self.loss / max(self.updates, 1),
            "train_top1": self.right / max(self.clips, 1),
        }
