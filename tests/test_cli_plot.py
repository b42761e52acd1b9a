"""``neurosim plot``: pictures, their numbers, and one line for every mistake."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

import neurosim as ns
from neurosim.cli.plot import plot
from neurosim.cli.plot_source import read_labels, read_source
from neurosim.errors import NeurosimError, StoreError
from neurosim.ir.facts import NodeFacts
from neurosim.ir.neuron import Neuron
from neurosim.ir.run import Trace

LAYERS = ("blocks.0.attn.lif", "blocks.0.mlp.lif")


def made(recorded: bool = True) -> ns.Run:
    """Four clips of six steps: a layer of eight PLIF neurons with tau 2, and one of four with 4."""
    draw = np.random.default_rng(0)
    table: dict[tuple[str, str], np.ndarray] = {}
    facts: dict[str, NodeFacts] = {}
    values: dict[str, np.ndarray] = {}
    for name, size, k in zip(LAYERS, (8, 4), (0.5, 0.25), strict=True):
        spikes = (draw.random((6, 4, size)) < k).astype(np.uint8)
        table[name, "spike"] = spikes.sum(2, dtype=np.int64).T
        table[name, "neuron_active"] = np.full((4, 6), size)
        equation = Neuron(integrate="difference", k=k).to_dict()
        facts[name] = NodeFacts(
            name, "neuron", "neuron", 6, ((size,),), (size,), ("real",), "spike", neuron=equation
        )
        values[name] = spikes
    trace = Trace(values if recorded else {})
    return ns.Run(ns.Counts(table, 4, 6), facts, ns.Manifest(model="made"), trace=trace)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with runs, labels and rates."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").mkdir()
    made().save(tmp_path / "saved" / "run.npz")
    made(recorded=False).save(tmp_path / "plain.npz")
    (tmp_path / "labels.txt").write_text("walk\nrun\nwalk\nrun\n")
    (tmp_path / "rates.json").write_text('{"lif1": 0.25, "lif2": 0.125}')
    return tmp_path


def command(*arguments: str) -> None:
    """The command as Typer reads it."""
    app = typer.Typer()
    app.command()(plot)
    app(args=list(arguments), standalone_mode=False)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    command(*arguments, "--json")
    return json.loads(capsys.readouterr().out)


def refused(*arguments: str) -> str:
    with pytest.raises(NeurosimError) as error:
        command(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_everything_a_recorded_run_can_give(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "saved", "--labels", "labels.txt")
    names = ("rates", "steps", "classes", "silent", "raster", "joules")
    assert found["files"] == [f"plots/{n}.{e}" for n in names for e in ("png", "csv")]
    assert {p.name for p in (here / "plots").iterdir()} == {Path(f).name for f in found["files"]}
    assert set(found["left_out"]) == {"sensitivity"}
    assert set(found["tables"]) == set(names) - {"raster"}
    run = ns.load_run(here / "saved" / "run.npz")
    rates = {row["node"]: row["rate"] for row in found["tables"]["rates"]}
    assert rates == run.firing_rates()
    assert [row["tau_steps"] for row in found["tables"]["rates"]] == [2.0, 4.0]
    assert found["mean_tau_steps"] == 3.0
    assert found["mean_rate_of_neurons"] == pytest.approx(run.mean_firing_rate(), rel=1e-12)
    assert {row["class"] for row in found["tables"]["classes"]} == {"walk", "run"}


def test_joules_of_a_kept_report_are_drawn_as_they_were_placed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"title": "whole chip", "profile": "loihi1", "convention": "chip"}
    kept = {**line, "by_layer": {LAYERS[0]: {"neurons": 0.5}, "static": {"static": 2.0}}}
    unknown = {"title": "arithmetic only", "profile": "cmos_45nm", "mj_per_video": None}
    text = json.dumps({"three_energies": [unknown, kept]})
    (here / "saved" / "report.json").write_text(text)
    rows = answer(capsys, "saved", "--what", "joules")["tables"]["joules"]
    assert [(r["layer"], r["spent_on"], r["joules_per_video"]) for r in rows] == [
        (LAYERS[0], "neurons", 0.5e-3), ("static", "static", 2e-3),
    ]  # fmt: skip
    command("saved", "--what", "joules", "--hardware", "loihi1", "--format", "svg")
    assert "a kept run has no weights to place" in (here / "plots" / "joules.svg").read_text()
    assert ",static," not in (here / "plots" / "joules.csv").read_text()


def test_numbers_beside_each_picture(here: Path) -> None:
    command("saved", "--what", "raster", "--layer", LAYERS[1], "--sample", "3", "--format", "svg")
    assert {p.name for p in (here / "plots").iterdir()} == {"raster.svg", "raster.csv"}
    with (here / "plots" / "raster.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    spikes = made().trace[LAYERS[1]][:, 3]
    assert [(int(r["step"]), int(r["neuron"])) for r in rows] == list(
        zip(*np.nonzero(spikes), strict=True)
    )
    assert LAYERS[1] in (here / "plots" / "raster.svg").read_text()


def test_published_rates_of_a_model(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command("svformer", "--out", "fig", "--format", "pdf")
    said = capsys.readouterr().out
    assert "10.38% of layers, 12.12% of neurons; 2.16% to 34.61%" in said
    assert "2.31 steps; 1.03 to 4.40" in said and "left out" in said
    assert (here / "fig" / "rates.pdf").read_bytes().startswith(b"%PDF")
    assert len((here / "fig" / "rates.csv").read_text().splitlines()) == 40


def test_rates_from_a_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "rates.json")
    assert (found["layers"], found["mean_rate"]) == (2, 0.1875)
    runs_alone = {"steps", "classes", "silent", "raster", "joules", "sensitivity"}
    assert set(found["left_out"]) == runs_alone
    (here / "0.5").write_text("lif1,0.25\n")  # a number's name, yet a file
    assert read_source("0.5") == {"lif1": 0.25}
    assert read_source(str(here / "0.5")) == {"lif1": 0.25}


def test_what_a_run_without_a_trace_lacks_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "plain.npz")
    assert set(found["left_out"]) == {"classes", "silent", "raster", "sensitivity"}
    assert "--record spikes" in found["left_out"]["silent"]
    assert "--labels" in found["left_out"]["classes"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("plain.npz", "--what", "raster"), "--record spikes"),
        (("plain.npz", "--what", "silent"), "--record spikes"),
        (("rates.json", "--what", "steps"), "give a saved run"),
        (("saved", "--what", "classes"), "--labels FILE"),
        (("saved", "--what", "colours"), "choose rates"),
        (("saved", "--format", "gif"), "choose png"),
        (("saved", "--layer", "blocks.0.attn.lof"), "did you mean blocks.0.attn.lif"),
        (("saved", "--what", "raster", "--sample", "9"), "clips 0 to 3"),
        (("saved", "--labels", "rates.json"), "labels for 4 clips"),
        (("saved", "--labels", "nowhere"), "No such file"),
        (("nowhere",), "no such file or folder"),
        (("nowhere.npz",), "no such file"),
        (("svformer_tiny",), "no published rates"),
        (("labels.txt",), "give node,rate"),
        (("saved", "--out", "plain.npz"), "not a folder"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    here: Path, arguments: tuple[str, ...], expected: str
) -> None:
    before = sorted(p.name for p in here.iterdir())
    assert expected in refused(*arguments)
    assert sorted(p.name for p in here.iterdir()) == before


def test_labels_as_lines_or_as_a_list(here: Path) -> None:
    (here / "a.txt").write_text("3\n0\r\n\nten\n")
    assert read_labels(here / "a.txt") == (3, 0, "ten")
    (here / "a.json").write_text('[3, "0", "ten"]')
    assert read_labels(here / "a.json") == (3, 0, "ten")
    for bad in ("[1.5]", "[1,", '["a", null]'):
        (here / "bad.json").write_text(bad)
        with pytest.raises(StoreError, match="--labels"):
            read_labels(here / "bad.json")


def test_a_saved_run_is_plotted_without_torch(here: Path) -> None:
    code = (
        "import sys; from neurosim.cli.plot import plot; plot('saved', out=__import__('pathlib')"
        ".Path('o')); print({'torch', 'numba', 'pandas', 'matplotlib.pyplot'} & set(sys.modules), "
        "file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=110)
    assert done.stderr.strip() == "set()" and "wrote       o/raster.png" in done.stdout
