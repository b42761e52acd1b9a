"""Everything comes back bit by bit; a file is there whole or not at all."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from neurosim.errors import TrainError
from neurosim.train import checkpoint
from neurosim.train.checkpoint import Checkpoint


def stepped(seed: int = 0, steps: int = 3):
    torch.manual_seed(seed)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(5, 3)).square().sum().backward()
        optimizer.step()
    return model, optimizer


def test_model_and_optimiser_come_back_bit_by_bit(tmp_path):
    model, optimizer = stepped()
    tensors = {**checkpoint.model_tensors(model), **checkpoint.optimizer_tensors(optimizer)}
    checkpoint.write(tmp_path / "c.safetensors", Checkpoint(tensors, {"epoch": 2}))
    held = checkpoint.read(tmp_path / "c.safetensors")
    other, fresh = stepped(seed=1, steps=1)
    other.load_state_dict(held.under(checkpoint.MODEL))
    checkpoint.restore_optimizer(fresh, held.under(checkpoint.OPTIMIZER))
    assert held.state == {"epoch": 2}
    for m, o in ((model, optimizer), (other, fresh)):
        torch.manual_seed(9)
        o.zero_grad()
        m(torch.randn(5, 3)).square().sum().backward()
        o.step()
    assert torch.equal(model.weight, other.weight) and torch.equal(model.bias, other.bias)


def test_all_generators_go_on_where_they_were(tmp_path):
    torch.manual_seed(1), np.random.seed(2), random.seed(3)
    np.random.normal(), random.gauss(0, 1)  # each has drawn the first of a pair
    tensors = checkpoint.random_tensors(rank=0)
    checkpoint.write(tmp_path / "c.safetensors", Checkpoint(tensors, {}))

    def draw():
        return torch.rand(3).tolist(), np.random.normal(size=3).tolist(), random.gauss(0, 1)

    expected = draw()
    torch.manual_seed(7), np.random.seed(7), random.seed(7)
    held = checkpoint.read(tmp_path / "c.safetensors").under(checkpoint.RANDOM)
    checkpoint.restore_random(held, rank=0)
    assert draw() == expected


def test_another_process_s_state_is_not_ours():
    torch.manual_seed(1)
    tensors = {k.removeprefix("random/"): v for k, v in checkpoint.random_tensors(3).items()}
    torch.manual_seed(2)
    before = torch.get_rng_state()
    checkpoint.restore_random(tensors, rank=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_newest_few_are_kept(tmp_path):
    for step in (2, 10, 9, 300):
        checkpoint.write(tmp_path / checkpoint.name_of(step), Checkpoint({"a": torch.ones(1)}, {}))
    (tmp_path / f".{checkpoint.name_of(301)}.77.tmp").write_bytes(b"half")
    checkpoint.prune(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "step-000000010.safetensors", "step-000000300.safetensors",
    ]  # fmt: skip
    assert checkpoint.newest(tmp_path).name == "step-000000300.safetensors"


@pytest.mark.parametrize("cut", [0, 5, 60, -1])
def test_a_damaged_file_is_one_line(tmp_path, cut):
    path = checkpoint.write(tmp_path / "c.safetensors", Checkpoint({"a": torch.ones(9)}, {}))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(TrainError, match=r"^checkpoint .*cannot be read .*remove it"):
        checkpoint.read(path)
