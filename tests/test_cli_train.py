"""train, evaluate, plot and sweep as a user would, on the built-in data set."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from neurosim.cli import main, sweep
from neurosim.studies.noise_sweep import COLUMNS

NET = """
import torch
from neurosim.data import Recipe
from neurosim.nn.plif import PLIF
from torch import nn

RECIPE = Recipe(frames=16, size=(64, 64))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.lif1 = nn.Conv2d(3, 4, 8, 8), PLIF(v_threshold=0.3)
        self.conv2, self.lif2 = nn.Conv2d(4, 6, 3, 2), PLIF(v_threshold=0.2)
        self.head = nn.Linear(54, 10)

    def forward(self, x):
        fold = lambda layer, x: layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        x = self.lif2(fold(self.conv2, self.lif1(fold(self.conv1, x))))
        return self.head(x.flatten(2)).mean(0)
"""
SMALL = "--set clips=16 --set validation_clips=10 --set batch_size=8 --set lr=1e-2"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli_train")
    (folder / "net.py").write_text(NET)
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with net.py, the data set's cache and, once the first test ran, a run."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("NEUROSIM_CACHE", str(place / "cache"))
    if not (place / "run").exists():
        assert main(f"train net.py:Net --data motion --epochs 2 {SMALL} --out run".split()) == 0
    return place


def said(capsys: pytest.CaptureFixture[str], command: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(command.split()) == code
    found = capsys.readouterr()
    return found.out if code == 0 else found.err


def test_a_run_says_what_comes_next(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, "train net.py:Net --data motion --out run --resume")
    assert "2 epochs" in found and "top-1 on the validation split" in found
    assert "neurosim evaluate run" in found


def test_settings_come_from_recipe_and_options(here: Path) -> None:
    from neurosim.train.run_dir import RunDir

    config = RunDir(here / "run").config()
    assert (config.clips, config.batch_size, config.lr, config.epochs) == (16, 8, 0.01, 2)
    assert config.model == "net.py:Net" and config.data == "motion"


def test_evaluate_plot_and_price_a_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "evaluate run --number 20 --hardware cmos_45nm --hardware loihi1")
    assert "top-1" in out and "95 % bootstrap" in out and "cmos_45nm" in out and "right" in out
    document = json.loads(said(capsys, "evaluate run --number 20 --hardware loihi1 --json"))
    assert document["videos"] == 20 and len(document["confusion"]) == 10
    assert document["model"] == "run" and document["manifest"]["weights"].endswith(".safetensors")
    with (here / "run" / "evaluation" / "videos.csv").open() as file:
        rows = list(csv.DictReader(file))
    mean = sum(float(r["joules_loihi1"]) for r in rows) / 20
    assert mean == pytest.approx(document["joules_per_video"]["loihi1"]["mean"])
    found = json.loads(said(capsys, "plot run --out pictures --json"))
    drawn = {Path(f).stem for f in found["files"]}
    assert {"rates", "steps", "classes", "training", "confusion"} <= drawn
    assert set(found["left_out"]) == {"silent", "raster"}
    assert "loihi1" in said(capsys, "price run/evaluation --hardware loihi1")
    assert "mJ/video" in said(capsys, "estimate run --hardware loihi1")


def test_sweep_noise_draws_and_resumes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = (
        "sweep noise run --number 10 --level gaussian:0.5 --level bits:4 --seeds 2 --workers 1 "
        "--hardware loihi1"
    )
    out = said(capsys, command)
    assert "gaussian:0.5" in out and "× clean" in out and "loihi1: not placed: static" in out
    assert "area under the accuracy curve" in out
    kept = {p.name for p in (here / "run" / "noise").iterdir()} - {"noise_loihi1.png"}
    assert kept == {"tasks", "sweep.parquet", "levels.csv", "layers.csv"}
    found = json.loads(said(capsys, f"{command} --json"))
    assert list(found["not_placed"]) == ["loihi1"]
    assert [row["noise"] for row in found["levels"]] == ["clean", "gaussian:0.5", "bits:4"]


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_a_model_that_is_never_right_gets_its_tables_without_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], right: float
) -> None:
    measures = {"correct": right, "synaptic_operations": 9.0, "firing_rate": 0.1}
    measures |= {"joules:cmos_45nm": 1e-6, "layer_rate": 0.1}
    frame = pd.DataFrame(
        [
            ("net", noise, kind, level, 0, measure, "lif" if "layer" in measure else "c", value, 1)
            for noise, kind, level in (("clean", "clean", 0.0), ("gaussian:1", "gaussian", 1.0))
            for measure, value in measures.items()
        ],
        columns=list(COLUMNS),
    )
    files = sweep.keep(frame, tmp_path)
    assert ("noise_cmos_45nm.png" in [f.name for f in files]) == bool(right)
    sweep._print(frame, files, False)
    out = capsys.readouterr().out
    assert ("no clean clip was right" in out) != bool(right)
    sweep._print(frame, files, True)
    levels = json.loads(capsys.readouterr().out)["levels"]
    assert {row["accuracy_retained"] for row in levels} == {1.0 if right else None}


@pytest.mark.parametrize("wrong", ["--set options.neuron=gelu", "--init net.py"])
def test_a_run_that_never_began_leaves_no_folder(
    here: Path, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    said(capsys, f"train svformer_tiny {wrong} --out never", code=2)
    assert not (here / "never").exists()


@pytest.mark.slow
def test_sweep_energy_draws_a_front(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = (
        "sweep energy run --energy-weight 0 --energy-weight 30 --epochs 1 --number 10 --out front"
    )
    out = said(capsys, command)
    assert "energy weight" in out and (here / "front" / "front_cmos_45nm.png").is_file()
    rows = json.loads(said(capsys, f"{command} --json"))[
        "points"
    ]  # kept runs are not trained again
    assert [row["energy_weight"] for row in rows] == [0, 30]
    assert rows[1]["synaptic_operations"] < rows[0]["synaptic_operations"]


BAD = {
    "train svformer_tin": "did you mean svformer_tiny",
    "train net.py:Net --data motoin": "did you mean motion",
    "train net.py:Net --set lr": "--set lr: expects KEY=VALUE",
    "train net.py:Net --set lrr=1": "unknown training setting 'lrr'; did you mean lr",
    "train net.py:Net --recipe nowhere": "unknown training recipe 'nowhere'",
    "train net.py:Net --data ucf101": "root",
    "train net.py:Net --out run": "run: is there already",
    "train net.py:Net --out nothing --resume": "nothing: no training run",
    "train net.py:Net --epochs 0": "'epochs': found 0",
    "evaluate nothing_here": "unknown model 'nothing_here'",
    "evaluate run --views 5": "--views 5: expects CLIPSxCROPS",
    "evaluate run --number 0": "--number 0: give at least 1",
    "evaluate run --split tset": "did you mean test",
    "evaluate run --hardware loihi": "did you mean loihi",
    "evaluate run --data ucf101 --root nowhere": "nowhere",
    "evaluate run --number 2 --scheduler tcp://127.0.0.1:1": "no Dask scheduler answers",
    "sweep noise run --level fog:1": "unknown noise 'fog'",
    "sweep noise run --level gaussian": "gaussian:LEVEL",
    "sweep noise run --number 10 --level event_drop:0.1": "is for graded and spike clips",
    "sweep noise run --seeds 0": "--seeds 0: give at least 1",
    "sweep energy run --number 0": "--number 0",
    "plot run --what fog": "--what fog: choose",
}


@pytest.mark.parametrize("command", BAD)
def test_a_mistake_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    error = said(capsys, command, 2)
    assert BAD[command] in error and error.startswith("neurosim: ") and error.count("\n") == 1
    assert not (here / "nothing").exists()
