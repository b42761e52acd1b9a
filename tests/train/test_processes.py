"""Two processes (gloo): one model, every clip of an evaluation once."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from neurosim.train.run_dir import RunDir

SCRIPT = """
import sys
import torch
from neurosim.train import begin, loop, validate
from neurosim.train.config import load_config

seen, one = [], validate._batches


def batches(frames, indices, size):
    for group, clips in one(frames, indices, size):
        seen.append(group)
        yield group, clips


validate._batches = batches
begin.train(load_config(sys.argv[1]), sys.argv[2])
rank = torch.distributed.get_rank()
with open(f"{sys.argv[2]}.{rank}", "w") as file:
    file.write(" ".join(str(i) for group in seen for i in group))
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return tmp_path_factory.mktemp("two") / "run"


@pytest.fixture
def run(trained, config):
    if not trained.exists():
        settings, script = trained.with_suffix(".yaml"), trained.with_suffix(".py")
        settings.write_text(config.with_(epochs=2, validation_clips=11).save())
        script.write_text(SCRIPT)
        command = [
            sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
            "--master-port", str(free_port()), str(script), str(settings), str(trained),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=110)
        assert done.returncode == 0, done.stderr[-2000:]
    return trained


@pytest.mark.slow
def test_two_processes_train_one_model(run):
    rows = RunDir(run).metrics()
    assert len(rows) == 2 and RunDir(run).manifest()["processes"] == 2
    assert all(torch.isfinite(v).all() for v in load_file(run / "last.safetensors").values())


@pytest.mark.slow
def test_evaluation_drops_and_repeats_no_clip(run):
    parts = [list(map(int, run.with_name(f"run.{r}").read_text().split())) for r in range(2)]
    once = [sorted(part[: len(part) // 2]) for part in parts]  # each of two epochs
    assert sorted(once[0] + once[1]) == list(range(11)) and set(once[0]).isdisjoint(once[1])
    assert round(RunDir(run).metrics()[0]["top1"] * 11, 6) % 1 == 0
    held = RunDir(run).latest()
    assert held is not None and set(held.state["running"]) == {"0", "1"}
