"""A run's folder: what it was told, how it went, what it learnt.

config.yaml     every setting                    manifest.json   versions, data, model, threads
metrics.csv     a row an epoch                   tensorboard/    the same and each update's loss
checkpoints/    the newest states to go on from  best.safetensors, last.safetensors   weights
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import TrainError
from neurosim.ir.store import write_atomically
from neurosim.train import checkpoint
from neurosim.train.config import TrainConfig, load_config

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, METRICS, MANIFEST = "config.yaml", "metrics.csv", "manifest.json"
BEST, LAST = "best.safetensors", "last.safetensors"
COLUMNS = (
    "epoch", "updates", "lr", "loss", "train_top1", "top1", "top5", "validation_loss",
    "fan_out_rate", "synaptic_operations", "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class RunDir:
    """The folder at ``path``; ``is_run`` tells whether it is one."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """Folder of the states."""
        return self.path / "checkpoints"

    def config(self) -> TrainConfig:
        """The settings it was started with. Raises TrainError: not a run's folder."""
        if not is_run(self.path):
            raise TrainError(f"{self.path}: no training run ({CONFIG} is missing); check the path")
        return load_config(self.path / CONFIG)

    def begin(self, config: TrainConfig) -> None:
        """Write the settings. Raises TrainError: the folder holds something else."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise TrainError(
                f"{self.path}: is there already; give a new folder, or --resume to go on with it"
            )
        write_atomically(self.path / CONFIG, config.save().encode())

    def abandon(self) -> None:
        """Leave nothing behind of a run that never came to its description."""
        if not (self.path / MANIFEST).exists():
            (self.path / CONFIG).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # something else lies there
                self.path.rmdir()

    def describe(self, manifest: Mapping[str, Any]) -> None:
        """Write ``manifest.json``."""
        write_atomically(self.path / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())

    def manifest(self) -> dict[str, Any]:
        """What ``describe`` wrote; {} without one."""
        place = self.path / MANIFEST
        return json.loads(place.read_text()) if place.is_file() else {}

    def metrics(self) -> list[dict[str, float]]:
        """The rows so far, numbers as they were written."""
        place = self.path / METRICS
        if not place.is_file():
            return []
        with place.open(newline="") as file:
            return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]

    def record(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Replace all rows: a resumed run forgets what came after its checkpoint."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: _number(row[k]) if k in row else "" for k in COLUMNS} for row in rows)
        write_atomically(self.path / METRICS, text.getvalue().encode())

    def keep_weights(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Weights alone, as ``models.load`` reads them."""
        from safetensors.torch import save

        held = {k: v.detach().contiguous().cpu() for k, v in tensors.items()}
        write_atomically(self.path / name, save(held))

    def weights(self) -> Path:
        """The best weights so far, else the newest. Raises TrainError: nothing was learnt yet."""
        for name in (BEST, LAST):
            if (self.path / name).is_file():
                return self.path / name
        raise TrainError(f"{self.path}: holds no weights yet; let it train for an epoch first")

    def latest(self) -> checkpoint.Checkpoint | None:
        """The newest state, or None. Raises TrainError: it is damaged."""
        found = checkpoint.newest(self.checkpoints)
        return None if found is None else checkpoint.read(found)


def is_run(path: Path) -> bool:
    """Whether a training run lives there."""
    return (path / CONFIG).is_file()


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(value)
