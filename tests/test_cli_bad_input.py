"""Every mistake of a user's is one line on stderr and exit code 2, and nothing is left behind."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurosim.cli import main

MODELS = """
import torch
from torch import nn
from neurosim.data import Recipe
from neurosim.nn.plif import PLIF

RECIPE = Recipe(frames=4, size=(8, 8))
NUMBER = 3


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.lif, self.head = nn.Conv2d(3, 4, 3), PLIF(), nn.Linear(144, 2)

    def forward(self, x):
        x = self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.head(self.lif(x).flatten(2)).mean(0)


class Odd(Net):
    def forward(self, x):
        return torch.linalg.det(super().forward(x)[:, None] @ super().forward(x)[..., None])


class Four(Net):
    recipe = Recipe(frames=4, size=(8, 8), channels="gray")


def good():
    print("a model that talks")
    return Net().eval()


def training():
    return Net()


def unknown_op():
    return Odd().eval()


def wrong_channels():
    return Four().eval()


def nothing():
    return None


class Leaving(Net):
    def forward(self, x):
        raise SystemExit(3)


def leaves_later():
    return Leaving().eval()


def leaves():
    raise SystemExit("no GPU here")


def broken():
    raise RuntimeError("no weights\\nat all")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder: a file of models and a few bad clips."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mine.py").write_text(MODELS)
    (tmp_path / "text.mp4").write_text("this is not a video")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "empty_folder").mkdir()
    clip = np.full((4, 3, 8, 8), 0.5, np.float32)
    np.save(tmp_path / "clip.npy", clip)
    np.save(tmp_path / "wide.npy", np.zeros((4, 3, 8, 9), np.float32))
    np.save(tmp_path / "short.npy", clip[:2])
    clip[2, 1, 3, 4] = np.nan
    np.save(tmp_path / "nan.npy", clip)
    np.savez(tmp_path / "events.npz", t=np.arange(9), x=np.ones(9), y=np.ones(9), p=np.ones(9))
    (tmp_path / "unpriced.yaml").write_text(
        "title: a chip\nbasis: none\nconvention: exact\nprices:\n"
        '  synapse: {value: 1 pJ, scope: marginal, how: assumed, source: "a guess"}\n'
    )
    (tmp_path / "object.yaml").write_text("title: !!python/object/apply:os.getcwd []\n")
    bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    bomb += [
        f"{c}: &{c} [{', '.join(['*' + b] * 9)}]"
        for b, c in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    (tmp_path / "bomb.yaml").write_text("\n".join(bomb))
    (tmp_path / "high.json").write_text('{"lif": 1.5}')
    (tmp_path / "nobody.csv").write_text("node,rate\nlif,0.1\nliff,0.1\n")
    (tmp_path / "words.csv").write_text("node,rate\nlif,often\n")
    (tmp_path / "half.json").write_text('{"lif": 0.1')
    (tmp_path / "list.json").write_text("[0.1, 0.2]")
    (tmp_path / "leaving.py").write_text("raise SystemExit(0)")
    (tmp_path / "run.npz").write_text("not a run")
    (tmp_path / "bad.nir").write_text("not HDF5")
    (tmp_path / "other.safetensors").write_bytes(b"not safetensors")
    return tmp_path


GOOD = "estimate mine.py:good --clip clip.npy"
MAP = "map mine.py:good --to"
MISTAKES = {
    # the command line itself
    "nonsense": ["no such command 'nonsense'"],
    "estimate": ["missing argument 'MODEL'"],
    "estimate --nope": ["--nope"],
    f"{GOOD} extra": ["extra"],
    f"{GOOD} --bin-ms often": ["--bin-ms", "number"],
    f"{GOOD} --engine warp": ["warp", "dense"],
    f"{GOOD} --size big": ["--size big", "HEIGHTxWIDTH"],
    f"{GOOD} --frames 0": ["--frames 0", "1 to"],
    f"{GOOD} --size 100000000x10000000": ["--size 100000000x", "smaller"],
    f"{GOOD} --size 99999x99999": ["--size 99999x", "smaller"],
    "estimate mine.py:good --clip=": ["--clip", "empty"],
    "estimate mine.py:good --rates=": ["--rates", "empty"],
    "graph mine.py:good --frames=-1": ["--frames -1"],
    f"{GOOD} --time-dim 1": ["time_dim=1", "different"],
    f"{GOOD} --count positions": ["KEY=VALUE"],
    # names
    "estimate svfomer": ["unknown model 'svfomer'", "svformer"],
    f"{GOOD} --hardware loihi": ["unknown profile 'loihi'", "loihi1"],
    f"{GOOD} --convention exakt": ["unknown convention 'exakt'", "exact"],
    f"{GOOD} --host cmos_45": ["unknown profile 'cmos_45'", "cmos_45nm"],
    f"{GOOD} --count position=padded": ["unknown convention key 'position'", "positions"],
    f"{GOOD} --count positions=pad": ["positions=pad", "padded"],
    f"{GOOD} --count views=0": ["views=0"],
    "profiles show loihi": ["unknown profile 'loihi'", "loihi1"],
    "conventions show exakt": ["unknown convention 'exakt'", "exact"],
    "models show svfomer": ["unknown model 'svfomer'", "svformer"],
    # models
    "estimate gone.py:good": ["gone.py", "no such file"],
    "estimate gone.module:good": ["gone", "no module"],
    "estimate mine.py:god": ["'god'", "good"],
    "estimate mine.py": ["mine.py:function"],
    "estimate mine.py:nosuch": ["it defines Net, Odd, Four, good, "],
    "estimate mine.py:Recip": ["it defines"],
    "estimate mine.py:leaves": ["SystemExit", "no GPU here"],
    "estimate mine.py:leaves_later --clip clip.npy": ["exit(3)"],
    "estimate leaving.py:good": ["SystemExit", "import"],
    "estimate mine.py:NUMBER": ["int"],
    "estimate mine.py:nothing": ["NoneType"],
    "estimate mine.py:broken": ["RuntimeError", "no weights", "mine.py:"],
    "estimate mine.py:training --clip clip.npy": ["training mode", "eval"],
    "estimate mine.py:unknown_op --clip clip.npy": ["without a rule", "det"],
    "estimate mine.py:wrong_channels --rates 0.1": ["channels"],
    "estimate svformer_tiny --weights other.safetensors": ["other.safetensors"],
    "estimate dvs_conv --weights pretrained": ["no pretrained weights"],
    f"{GOOD} --weights other.safetensors": ["only for zoo models"],
    # clips
    "estimate mine.py:good --clip gone.mp4": ["gone.mp4"],
    "estimate mine.py:good --clip text.mp4": ["text.mp4"],
    "estimate mine.py:good --clip empty.mp4": ["empty.mp4"],
    "estimate mine.py:good --clip empty_folder": ["empty_folder"],
    "estimate mine.py:good --clip mine.py": ["'.py'"],
    "estimate mine.py:good --clip wide.npy": ["[4, 3, 8, 9]", "[4, 3, 8, 8]"],
    "estimate mine.py:good --clip short.npy": ["2 frames", "at least 4"],
    "estimate mine.py:good --clip nan.npy": ["nan at frame 2, channel 1, row 3, column 4"],
    "estimate mine.py:good --clip events.npz": ["events"],
    "estimate dvs_conv": ["takes events", "--clip"],
    # chips
    f"{GOOD} --hardware gone.yaml": ["gone.yaml", "no such file"],
    f"{GOOD} --hardware unpriced.yaml": ["unpriced.yaml"],
    f"{GOOD} --hardware object.yaml": ["object.yaml:1"],
    f"{GOOD} --hardware bomb.yaml": ["bomb.yaml"],
    f"{GOOD} --hardware loihi2": ["loihi2_proxy_loihi1"],
    # rates
    "estimate mine.py:good --rates 1.5": ["1.5", "between 0 and 1"],
    "estimate mine.py:good --rates=-0.1": ["-0.1"],
    "estimate mine.py:good --rates nan": ["nan"],
    "estimate mine.py:good --rates gone.json": ["gone.json"],
    "estimate mine.py:good --rates high.json": ["'lif'", "1.5"],
    "estimate mine.py:good --rates nobody.csv": ["'liff'", "lif"],
    "estimate mine.py:good --rates words.csv": ["often"],
    "estimate mine.py:good --rates list.json": ["{node: rate}"],
    "estimate mine.py:good --rates half.json": ["half.json:1"],
    "estimate mine.py:good --rates published": ["no published rates", "svformer"],
    # places to write, and saved runs
    f"{GOOD} --out mine.py": ["mine.py", "not a folder"],
    f"{GOOD} --out /dev/full": ["/dev/full", "not a folder"],
    f"{GOOD} --out /proc/nowhere": ["/proc/nowhere"],
    "graph mine.py:good --svg /proc/nowhere.svg": ["/proc/nowhere.svg"],
    "graph mine.py:good --svg newdir/x.svg": ["newdir", "no such folder"],
    "estimate mine.py:good --window 0": ["--window", "--stream"],
    "estimate mine.py:good --hop 3": ["--hop", "--stream"],
    "estimate mine.py:good --stream --window 0": ["window=0"],
    "estimate mine.py:good --stream --hop 3": ["hop=3", "window"],
    "estimate mine.py:good --stream --window 4 --hop -2": ["hop=-2"],
    "estimate mine.py:good --stream --window 1000": ["fewer than one window of 1000"],
    "estimate mine.py:good --stream --rates 0.1": ["--stream", "--rates"],
    "estimate mine.py:good --stream --record spikes": ["record", "pieces"],
    "estimate mine.py:good --stream --clip gone.mp4": ["gone.mp4", "no such file"],
    "estimate mine.py:good --stream --time-dim 1 --batch-dim 0": ["--stream", "[T, B"],
    # what a mapping has no use for
    f"{MAP} cmos_45nm": ["cmos_45nm", "no cores"],
    f"{MAP} loihi1 --run": ["--to loihi1: --run", "no meaning"],
    f"{MAP} loihi1 --chip loihi1": ["--to loihi1: --chip", "no meaning"],
    f"{MAP} loihi1 --timeout 9 --average-bn": ["--average-bn, --timeout", "no meaning"],
    f"{MAP} loihi1 --rates 0.1 --level detailed": ["--level detailed", "--rates"],
    f"{MAP} loihi1 --rates 0.1 --bin-ms 5": ["--bin-ms 5", "not given"],
    f"{MAP} loihi1 --strategy hops --manual high.json": ["--manual", "--strategy", "one of"],
    f"{MAP} lava --strategy balanced": ["--to lava: --strategy", "no meaning"],
    f"{MAP} lava --strategy hops": ["--to lava: --strategy", "no meaning"],
    f"{MAP} lava --level simple --exact": ["--to lava: --level, --exact", "no meaning"],
    f"{MAP} lava --floating --chip loihi1": ["--chip", "--floating", "one of"],
    f"{MAP} lava --timeout 9": ["--timeout", "--run"],
    f"{MAP} lava --clip clip.npy --bin-ms 5": ["--bin-ms 5", "clip.npy", "leave it out"],
    # options that belong elsewhere
    "estimate bad.nir --source norse": ["bad.nir", "cannot be read as NIR"],
    f"{GOOD} --dt 0.001": ["--dt", ".nir"],
    f"{GOOD} --bin-ms 5": ["--bin-ms 5", "clip.npy", "leave it out"],
    f"{GOOD} --baseline --baseline-bits 0": ["--baseline-bits 0", "1 to 32"],
    f"{GOOD} --silence nope": ["unknown warning 'nope'", "static-absent"],
    "evaluate mine.py:good --quantize cmos_45nm": ["cmos_45nm", "loihi1"],
    "compare mine.py:good --published nope": ["unknown table 'nope'", "svformer"],
    "calibrate --threads 0": ["--threads 0", "at least 1"],
    "calibrate --threads many": ["--threads", "integer"],
    "price gone.npz": ["gone.npz"],
    "price run.npz": ["run.npz"],
    "price empty_folder": ["run.npz"],
}


@pytest.mark.parametrize("command", MISTAKES)
def test_one_line_on_stderr_and_exit_code_2(
    here: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(p.name for p in here.iterdir())
    code = main(command.split())
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if line != "a model that talks"]
    assert (code, len(lines), said.out) == (2, 1, ""), said.err
    assert all(word in lines[0] for word in MISTAKES[command]), lines[0]
    assert "Traceback" not in lines[0] and len(lines[0]) < 1000
    left = sorted(p.name for p in here.iterdir() if p.name != "__pycache__")
    assert left == before, "something was left behind"


def test_checkpoint_of_another_model(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"stem.weight": torch.zeros(2)}, here / "other.safetensors")
    assert main("estimate svformer_tiny --weights other.safetensors".split()) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "not of model 'svformer_tiny'" in said


def _limited(limit: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process whose files may not grow past ``limit`` bytes, like a full disk."""
    return subprocess.run(
        [sys.executable, "-m", "neurosim", *arguments],
        capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip


def test_full_disk_leaves_nothing_under_the_final_name(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"{GOOD} --out saved".split()) == 0
    done = _limited(2000, "price", "saved", "--out", "full")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "full/report.json" in done.stderr
    assert not (here / "full").exists() and not list(here.glob(".full*"))


def test_stdout_that_is_full(here: Path) -> None:
    command = [sys.executable, "-m", "neurosim", "conventions", "--json"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_may_not_be_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "locked").mkdir(mode=0o500)
    assert main(f"{GOOD} --out locked/report".split()) == 2
    assert capsys.readouterr().err.count("\n") == 1
