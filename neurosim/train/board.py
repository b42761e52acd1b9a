"""TensorBoard: each update's loss and learning rate, each epoch's row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class Board:
    """Event files below ``folder/tensorboard``; a resumed run hides what came after its step."""

    def __init__(self, folder: Path, step: int, writes: bool) -> None:
        self._writer = None
        if writes:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step or None)

    def update(self, step: int, values: Mapping[str, float]) -> None:
        """After an update."""
        self._add("update", step, values)

    def epoch(self, row: Mapping[str, float]) -> None:
        """After an epoch, at its last update."""
        self._add("epoch", int(row["updates"]), row)
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()

    def _add(self, group: str, step: int, values: Mapping[str, float]) -> None:
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{group}/{name}", value, step)
