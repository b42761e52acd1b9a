"""Everything that decides how training goes on, in one safetensors file, whole or not there.

Written under another name, flushed to the disk, then renamed: a process that is killed at any
moment leaves the checkpoints it had. No pickle: tensors, and a JSON text in the header.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from neurosim.errors import TrainError
from neurosim.ir.store import write_atomically

KEEP = 2  # the newest, and one before it
MODEL, OPTIMIZER, RANDOM = "model/", "optimizer/", "random/"


@dataclass(frozen=True)
class Checkpoint:
    """``tensors``: model, optimiser and random states by prefixed name; ``state``: JSON-ready."""

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]

    def under(self, prefix: str) -> dict[str, Tensor]:
        """Tensors below a prefix, without it."""
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}


def write(path: Path, checkpoint: Checkpoint) -> Path:
    """The file, atomically. Raises StoreError."""
    tensors = {k: v.detach().contiguous().cpu() for k, v in checkpoint.tensors.items()}
    return write_atomically(path, save(tensors, {"state": json.dumps(dict(checkpoint.state))}))


def read(path: Path) -> Checkpoint:
    """Raises TrainError: not one of ours, or damaged."""
    try:
        with safe_open(path, "pt") as file:
            state = json.loads(file.metadata()["state"])
            return Checkpoint({k: file.get_tensor(k) for k in file.keys()}, state)  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        why = " ".join(str(error).split())
        raise TrainError(
            f"checkpoint {str(path)!r}: cannot be read ({why}); remove it to go on from an older"
        ) from None


def name_of(step: int) -> str:
    """File name of the checkpoint after ``step`` updates."""
    return f"step-{step:09d}.safetensors"


def newest(folder: Path) -> Path | None:
    """The checkpoint of the latest update, or None."""
    found = sorted(folder.glob("step-*.safetensors"))
    return found[-1] if found else None


def prune(folder: Path) -> None:
    """Remove all but the newest few, and what killed processes left half-written."""
    for path in sorted(folder.glob("step-*.safetensors"))[:-KEEP]:
        path.unlink(missing_ok=True)
    for path in folder.glob(".step-*.tmp"):
        path.unlink(missing_ok=True)


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers under their prefix."""
    return {MODEL + k: v for k, v in model.state_dict().items()}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Moments and step numbers as ``<parameter's number>/<name>``; the config has the settings."""
    states = optimizer.state_dict()["state"]
    return {
        f"{OPTIMIZER}{number}/{name}": torch.as_tensor(value).clone()
        for number, held in states.items()
        for name, value in held.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Inverse of ``optimizer_tensors``."""
    states: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition("/")
        states.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(
        {"state": states, "param_groups": optimizer.state_dict()["param_groups"]}
    )


def random_tensors(rank: int) -> dict[str, Tensor]:
    """States of the generators a model may draw from: torch's of each device, numpy's, Python's."""
    _, words, *place, normal = np.random.get_state()
    version, python, gauss = random.getstate()
    found = {
        "torch": torch.get_rng_state(),
        "numpy": torch.from_numpy(np.append(words, place).astype(np.int64)),
        "python": torch.tensor([version, *python, gauss is not None]),
        "held": torch.tensor([normal, gauss or 0.0], dtype=torch.float64),  # the second of a pair
        **{f"cuda{n}": s for n, s in enumerate(_cuda_states())},
    }
    return {f"{RANDOM}{rank}/{name}": value for name, value in found.items()}


def restore_random(tensors: Mapping[str, Tensor], rank: int) -> None:
    """Inverse of ``random_tensors``; a process that was not there before starts from its seed."""
    mine = {k.partition("/")[2]: v for k, v in tensors.items() if k.startswith(f"{rank}/")}
    if not mine:
        return
    torch.set_rng_state(mine["torch"])
    normal, gauss = mine["held"].tolist()
    *words, place, has_normal = mine["numpy"].tolist()
    np.random.set_state(("MT19937", np.array(words, np.uint32), place, has_normal, normal))
    version, *python, has_gauss = mine["python"].tolist()
    random.setstate((version, tuple(python), gauss if has_gauss else None))
    states = [mine[name] for name in _sorted(k for k in mine if k.startswith("cuda"))]
    if states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states)


def _cuda_states() -> list[Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: int(name.removeprefix("cuda")))
