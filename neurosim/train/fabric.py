"""Devices, precision and processes: Lightning Fabric, set up from a config and the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric

from neurosim.train.config import TrainConfig

T = TypeVar("T")


def launch(config: TrainConfig) -> Fabric:
    """Seeds, threads and a launched Fabric; under ``torchrun`` one process of its world."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    local, world = (int(os.environ.get(k, "1")) for k in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    many = "LOCAL_WORLD_SIZE" in os.environ
    found = Fabric(
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        devices=local,
        num_nodes=max(1, world // local),
        strategy="ddp" if many else "auto",
        precision=config.precision,  # type: ignore[arg-type]
    )
    found.launch()
    return found


def gathered(on: Fabric, mine: Mapping[str, T]) -> dict[str, T]:
    """The union of every process's mapping, on every process."""
    if on.world_size == 1:
        return dict(mine)
    held: list[Any] = [None] * on.world_size
    torch.distributed.all_gather_object(held, dict(mine))
    return {k: v for part in held for k, v in part.items()}


def concatenated(on: Fabric, mine: list[T]) -> list[T]:
    """Every process's items, in the order of the ranks."""
    parts = gathered(on, {str(on.global_rank): mine})
    return [item for rank in range(on.world_size) for item in parts[str(rank)]]


def mean(on: Fabric, mine: Mapping[str, float]) -> dict[str, float]:
    """Each number's mean over the processes."""
    parts = gathered(on, {str(on.global_rank): dict(mine)})
    return {k: sum(part[k] for part in parts.values()) / len(parts) for k in mine}


def agreed(on: Fabric, mine: bool) -> bool:
    """What the first process says."""
    return bool(on.broadcast(mine, src=0)) if on.world_size > 1 else mine


def scaler_state(on: Fabric) -> dict[str, Any]:
    """Of the loss scaler; {} where the precision has none."""
    return on.strategy.precision.state_dict()


def restore_scaler(on: Fabric, state: Mapping[str, Any]) -> None:
    """Inverse of ``scaler_state``."""
    if state:
        on.strategy.precision.load_state_dict(dict(state))
