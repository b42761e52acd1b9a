"""A small spiking network on a few clips of the built-in data set."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from neurosim.train import TrainConfig

NET = """
import torch
from neurosim.data import Recipe
from neurosim.nn.norm import PerStepBatchNorm
from neurosim.nn.plif import PLIF
from neurosim.nn.surrogate import Norse
from torch import nn

RECIPE = Recipe(frames=16, size=(64, 64))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        norse = dict(surrogate=Norse("triangle", 0.5), fires=">", v_threshold=0.5)
        self.conv1, self.norm1 = nn.Conv2d(3, 4, 8, 8), PerStepBatchNorm(4, 16)
        self.lif1 = PLIF(**norse)
        self.conv2, self.lif2 = nn.Conv2d(4, 6, 3, 2), PLIF(**norse)
        self.drop, self.head = nn.Dropout(0.2), nn.Linear(54, 10)

    def forward(self, x):
        fold = lambda layer, x: layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        x = self.lif1(self.norm1(fold(self.conv1, x)))
        x = self.lif2(3 * fold(self.conv2, x))
        return self.head(self.drop(x.flatten(2))).mean(0)


def build():
    return Net()
"""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with net.py; clips are rendered below it."""
    folder = tmp_path_factory.mktemp("train")
    (folder / "net.py").write_text(NET)
    return folder


@pytest.fixture
def config(place: Path) -> TrainConfig:
    return TrainConfig(
        model=f"{place / 'net.py'}:build",
        root=str(place),
        clips=24,
        validation_clips=10,
        epochs=3,
        batch_size=8,
        lr=1e-2,
        keep=True,
        checkpoint_seconds=1e9,
        seed=5,
    ).with_(augment={"shift": True}, mix={"mixup": 0.2, "smoothing": 0.1})


@pytest.fixture
def net(place: Path) -> torch.nn.Module:
    from neurosim.models._source import resolve

    model = resolve(f"{place / 'net.py'}:build").model
    assert isinstance(model, torch.nn.Module)
    return model
