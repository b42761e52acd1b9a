"""A small captured network and a few clips of the built-in data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim.data import sets

MODEL = """
import torch
from neurosim.data import Recipe
from neurosim.nn.plif import PLIF
from torch import nn

RECIPE = Recipe(frames=16, size=(64, 64))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.lif1 = nn.Conv2d(3, 4, 8, 8), PLIF(v_threshold=0.2)
        self.conv2, self.lif2 = nn.Conv2d(4, 6, 3, 2), PLIF(v_threshold=0.1)
        self.head = nn.Linear(54, 10)

    def forward(self, x):
        fold = lambda layer, x: layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        x = self.lif2(fold(self.conv2, self.lif1(fold(self.conv1, x))))
        return self.head(x.flatten(2)).mean(0)


def build():
    return Net().eval()
"""


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "net.py"
    path.write_text(MODEL)
    return f"{path}:build"


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> sets.VideoSet:
    root: Path = tmp_path_factory.mktemp("motion")
    return sets.open("motion", root, "test", number=23)
