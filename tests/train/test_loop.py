"""A run that is cut short and resumed ends where an uninterrupted one ends, to the last bit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from neurosim.errors import TrainError
from neurosim.train import begin, checkpoint
from neurosim.train.run_dir import RunDir


class Stop(Exception):
    pass


def stop_after(updates):
    """A listener that ends the process's training at that update, as a crash would."""
    seen = 0

    def tell(told):
        nonlocal seen
        seen += "update" in told
        if seen == updates:
            raise Stop

    return tell


def rows(path):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in RunDir(path).metrics()]


def same(a, b):
    one, two = (load_file(p / "last.safetensors") for p in (a, b))
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return tmp_path_factory.mktemp("reference") / "run"


@pytest.fixture
def whole(reference, config):
    """An uninterrupted run of nine updates."""
    if not reference.exists():
        begin.train(config, reference)
    return reference


@pytest.mark.parametrize("update", random.Random(4).sample(range(1, 9), 3))
def test_resumed_at_a_random_update_it_ends_bit_identical(whole, config, tmp_path, update):
    often = config.with_(checkpoint_seconds=1e-9)  # after every update
    with pytest.raises(Stop):
        begin.train(often, tmp_path / "run", tell=stop_after(update + 1))
    torch.rand(100), random.random()  # whatever the next process has drawn before
    begin.resume(tmp_path / "run")
    assert same(whole, tmp_path / "run") and rows(whole) == rows(tmp_path / "run")


@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_killed_at_any_moment_it_goes_on_and_ends_bit_identical(whole, config, tmp_path, kills):
    """kill -9 while a checkpoint is being written, and at moments after one: it always goes on."""
    path = tmp_path / "run"
    RunDir(path).begin(config.with_(checkpoint_seconds=1e-9))
    folder, moments = RunDir(path).checkpoints, random.Random(0)
    for _ in range(kills):
        done = len(RunDir(path).metrics())
        with resuming(path) as process:
            before = checkpoint.newest(folder)
            wait_for(process, lambda old=before: checkpoint.newest(folder) != old, seconds=0.02)
            now = checkpoint.newest(folder)
            wait_for(process, lambda now=now: writing(folder) or checkpoint.newest(folder) != now)
            time.sleep(moments.choice((0.0, 0.001, 0.01, 0.05)))
            os.kill(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL and len(RunDir(path).metrics()) >= done
        assert RunDir(path).latest() is not None
    begin.resume(path)
    assert same(whole, path) and rows(whole) == rows(path)
    assert not writing(folder)


def resuming(path):
    """A process of its own that goes on with the run, on as many threads as this one has."""
    line = (
        "import sys, torch; torch.set_num_threads(int(sys.argv[2]))\n"
        "from neurosim.train import begin; begin.resume(sys.argv[1])\n"
    )
    return subprocess.Popen([sys.executable, "-c", line, str(path), str(torch.get_num_threads())])


def writing(folder):
    return any(folder.glob(".step-*.tmp"))


def wait_for(process, happened, seconds=0.0005):
    while not happened():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(seconds)


def test_a_run_keeps_what_a_reader_needs(whole, config):
    run = RunDir(whole)
    assert run.config() == config
    names = {p.name for p in whole.iterdir()}
    assert names == {"config.yaml", "manifest.json", "metrics.csv", "tensorboard", "checkpoints",
                     "best.safetensors", "last.safetensors"}  # fmt: skip
    manifest = run.manifest()
    assert manifest["train"]["items"] == 24 and manifest["parameters"] > 0
    assert [row["epoch"] for row in run.metrics()] == [1, 2, 3]
    assert all(row["synaptic_operations"] > 0 for row in run.metrics())
    events = next((whole / "tensorboard").iterdir()).read_bytes()
    assert b"epoch/top1" in events and b"update/loss" in events


@pytest.mark.slow
def test_another_seed_trains_another_model(whole, config, tmp_path):
    begin.train(config.with_(seed=6), tmp_path / "run")
    assert not same(whole, tmp_path / "run")


def test_training_learns(config, tmp_path):
    easy = config.with_(epochs=25, clips=8, mix={"mixup": 0.0}, augment={"shift": False}, lr=2e-2)
    done = begin.train(easy, tmp_path / "run")
    assert done.rows[-1]["loss"] < 0.75 * done.rows[0]["loss"]
    assert done.rows[-1]["train_top1"] > 0.5


@pytest.mark.slow
def test_energy_weight_lowers_synaptic_operations(config, tmp_path):
    spent = []
    for weight in (0.0, 20.0):
        done = begin.train(config.with_(energy_weight=weight), tmp_path / f"run{weight}")
        spent.append(done.rows[-1]["synaptic_operations"])
    assert spent[1] < 0.9 * spent[0]


def test_an_interrupt_leaves_a_checkpoint(config, tmp_path):
    def tell(told):
        if told.get("update") == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin.train(config, tmp_path / "run", tell=tell)
    held = RunDir(tmp_path / "run").latest()
    assert held is not None and held.state["update"] == 2


def test_a_taken_folder_is_refused_and_left_alone(whole, config, tmp_path):
    before = sorted(p.name for p in whole.iterdir())
    with pytest.raises(TrainError, match="is there already; give a new folder, or --resume"):
        begin.train(config, whole)
    with pytest.raises(TrainError, match=r"started with lr=0.01, not 0.5; resume it as it was"):
        begin.train(config.with_(lr=0.5), whole, resume=True)
    with pytest.raises(TrainError, match="no training run"):
        begin.resume(tmp_path)
    assert sorted(p.name for p in whole.iterdir()) == before


def test_a_finished_run_resumed_stays_as_it_is(whole):
    before, then = rows(whole), time.time()
    assert len(begin.resume(whole).rows) == 3 and rows(whole) == before and time.time() > then


def test_weights_to_start_from(whole, config, tmp_path):
    start = config.with_(init=str(whole / "last.safetensors"), lr=1e-12, lr_min=0.0, epochs=1)
    begin.train(start, tmp_path / "run")
    one, two = (load_file(p / "last.safetensors") for p in (whole, tmp_path / "run"))
    torch.testing.assert_close(one["head.weight"], two["head.weight"], rtol=0, atol=1e-6)


def test_bfloat16_trains_too(config, tmp_path):
    done = begin.train(config.with_(precision="bf16-mixed", epochs=1), tmp_path / "run")
    assert done.rows[0]["loss"] == pytest.approx(2.4, abs=0.8)
