"""The commands do what their help says; the numbers are those of the Python interface."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.cli import main

MODEL = """
import torch
from neurosim.data import Recipe
from neurosim.nn.plif import PLIF
from torch import nn

RECIPE = Recipe(frames=4, size=(16, 16), stride=2)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.lif, self.head = nn.Conv2d(3, 4, 3), PLIF(), nn.Linear(784, 2)

    def forward(self, x):
        x = self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.head(self.lif(3 * x).flatten(2)).mean(0)


class Odd(Net):
    def forward(self, x):
        return torch.erfinv(torch.erf(super().forward(x)))


class BatchFirst(Net):
    def forward(self, x):
        return super().forward(x.transpose(0, 1))


def batch_first():
    return BatchFirst().eval()


def noisy():
    import logging

    logging.getLogger("torch.utils.flop_counter").warning("triton not found")
    return Net().eval()


def build():
    print("a model that talks")
    return Net().eval()


def odd():
    return Odd().eval()
"""
KEYS = {"mj_per_video", "mj_low", "mj_high", "ms_per_video", "by_node", "by_op", "by_event",
        "not_included", "convention"}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with a model and a uint8 clip of 8 frames."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mine.py").write_text(MODEL)
    noise = np.random.default_rng(0).integers(0, 256, (8, 20, 30, 3), dtype=np.uint8)
    np.save(tmp_path / "clip.npy", noise)
    return tmp_path


def _out(capsys: pytest.CaptureFixture[str], command: str, code: int = 0) -> str:
    assert main(command.split()) == code, capsys.readouterr().err
    return capsys.readouterr().out


def _json(capsys: pytest.CaptureFixture[str], command: str) -> Any:
    return json.loads(_out(capsys, command + " --json"))


def test_estimate_prints_one_json_document_of_the_fixed_schema(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _json(
        capsys, "estimate mine.py:build --clip clip.npy --hardware cmos_45nm --hardware loihi1"
    )
    assert set(found["reports"]) == {"cmos_45nm", "loihi1"}
    assert all(set(r) >= KEYS for r in found["reports"].values())
    assert 0 < found["firing_rates"]["lif"] < 1
    assert found["manifest"]["activity"] == "measured"
    assert found["manifest"]["clip"]["source"] == "clip.npy"
    assert found["model"] == "mine.py:build"
    report = found["reports"]["cmos_45nm"]
    for by in ("by_node", "by_op", "by_event"):
        assert math.isclose(sum(report[by].values()) * 1e3, report["mj_per_video"], rel_tol=1e-9)


def test_summary_says_what_a_reader_must_know(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _out(capsys, "estimate mine.py:build --clip clip.npy --hardware loihi1")
    for text in ("mJ/video", "SynOps", "firing rate", "low to high", "loihi1: not included",
                 "host cmos_45nm (assumed)", "static", "1 chip", "conv"):  # fmt: skip
        assert text in found, text


def test_zoo_model_says_that_it_is_untrained(capsys: pytest.CaptureFixture[str]) -> None:
    found = _out(capsys, "estimate svformer_tiny --rates 0.1")
    assert "ASSUMED" in found and "391,242 parameters" in found and "trained by us" in found
    from neurosim.cli.show import warnings
    from neurosim.cli.trust import trust
    from neurosim.ir.manifest import Manifest

    run = ns.Run.from_counts(ns.Counts({}, 1, 1), manifest=Manifest(weights="untrained"))
    told = warnings(run, trust(run, {"cmos_45nm": ns.price(run, "cmos_45nm")}))
    assert any("UNTRAINED" in text for text in told)


def test_published_accuracy_is_shown_with_the_energy_at_its_view_count(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from dataclasses import asdict

    from neurosim.ir.manifest import Manifest
    from neurosim.models import card

    entries = [{**asdict(a), "views": a.views, "text": str(a)} for a in card("svformer").accuracy]
    facts = {"title": "SVFormer", "parameters": 1, "accuracy": entries, "note": "prints 21 mJ"}
    counts = ns.Counts({("fc", "mac"): np.array([[10**9]])}, 1, 1)
    run = ns.Run.from_counts(counts, manifest=Manifest(model="svformer", card=facts))
    run.save(tmp_path / "run.npz")
    found = " ".join(_out(capsys, f"price {tmp_path / 'run.npz'}").split())
    assert (
        "84.03/95.59 % on UCF101 at 5×3 views" in found and "at that view count 69.00 mJ" in found
    )
    assert "prints 21 mJ" in found


def test_out_holds_a_report_and_a_run_that_prices_the_same(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _json(capsys, "estimate mine.py:build --clip clip.npy --out saved")
    names = {"report.json", "report.html", "run.npz", "manifest.json"}
    assert {p.name for p in (here / "saved").iterdir()} == names
    assert json.loads((here / "saved/report.json").read_text()) == first
    assert "not included" in (here / "saved/report.html").read_text().lower()
    assert _json(capsys, "price saved")["reports"] == first["reports"]
    again = _json(capsys, "price saved/run.npz --hardware loihi1 --out saved")
    assert set(again["reports"]) == {"loihi1"}
    assert json.loads((here / "saved/report.json").read_text()) == again
    assert {p.name for p in (here / "saved").iterdir()} == names


def test_saved_run_is_priced_without_torch(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _out(capsys, "estimate mine.py:build --clip clip.npy --out saved")
    code = (
        "import sys; from neurosim.cli import main; main(['price', 'saved', '--out', 'again']); "
        "print({'torch', 'numba', 'norse', 'pandas'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "set()"


def test_a_saved_run_is_priced_on_all_profiles_quickly(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _out(capsys, "estimate svformer_tiny --rates 0.1 --out saved")
    run = ns.load_run(here / "saved/run.npz")
    names = [n for n in ns.profiles() if n != "loihi2"]  # has no public prices
    start = time.process_time()
    for name in names:
        ns.price(run, name)
    assert time.process_time() - start < 0.4  # 0.2 s on an idle machine


def test_conventions_and_counts_reach_the_report(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _out(capsys, "estimate mine.py:build --clip clip.npy --out saved")
    found = _json(capsys, "price saved --convention padded --count bias=ac --count views=3")
    convention = found["reports"]["cmos_45nm"]["convention"]
    assert (convention["positions"], convention["bias"], convention["views"]) == ("padded", "ac", 3)


@pytest.mark.parametrize("text", ['{"lif": 0.25}', "node,rate\nlif,0.25\n", "lif,0.25"])
def test_rates_from_a_file_equal_rates_as_a_number(
    here: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (here / "rates.txt").write_text(text)
    by_file = _json(capsys, "estimate mine.py:build --rates rates.txt")
    by_number = _json(capsys, "estimate mine.py:build --rates 0.25")
    assert by_file["reports"] == by_number["reports"]
    assert by_file["firing_rates"]["lif"] == pytest.approx(0.25, abs=1e-3)
    assert by_file["manifest"]["activity"] == "assumed"


def test_rates_of_a_saved_report_can_be_given_again(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _json(capsys, "estimate mine.py:build --clip clip.npy --out saved")
    again = _json(capsys, "estimate mine.py:build --rates saved/report.json")
    assert again["synaptic_operations"] == pytest.approx(first["synaptic_operations"], rel=0.2)


def test_operations_without_a_rule_run_when_asked(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _out(capsys, "estimate mine.py:odd --clip clip.npy --no-strict")
    assert "erfinv" in found and "billed as arithmetic" in found


def test_engines_give_the_same_report(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = "estimate mine.py:build --clip clip.npy --engine"
    assert (
        _json(capsys, f"{command} dense")["reports"] == _json(capsys, f"{command} event")["reports"]
    )


def test_prepared_array_decides_the_shape_of_a_model_without_a_recipe(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bare.py").write_text(MODEL.replace("RECIPE =", "NOBODYS ="))
    np.save(here / "ready.npy", np.random.default_rng(0).random((5, 3, 16, 16), np.float32))
    found = _json(capsys, "estimate bare.py:build --clip ready.npy")
    assert found["manifest"]["clip"]["recipe"]["frames"] == 5
    by_options = _json(capsys, "estimate bare.py:build --clip clip.npy --frames 3 --size 16x16")
    assert by_options["manifest"]["clip"]["recipe"]["frames"] == 3


def test_graph_as_text_json_and_picture(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = _out(capsys, "graph mine.py:build")
    assert "%lif = neuron(" in text and "return" in text
    found = _json(capsys, "graph mine.py:build --lowered --svg graph.svg")
    assert "fold_batch_norm" in found["pipeline"]
    assert {"lif", "conv"} <= {n["name"] for n in found["nodes"]}
    assert (here / "graph.svg").read_text().lstrip().startswith("<?xml")
    assert found["dense_macs"] == 4 * (196 * 4 * 27 + 784 * 2)


@pytest.mark.parametrize(
    ("command", "known"),
    [("profiles", "loihi1"), ("conventions", "exact"), ("models", "svformer_tiny")],
)
def test_catalogues_list_and_show(
    command: str, known: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert known in _out(capsys, command)
    assert known in {item["name"] for item in _json(capsys, command)}
    assert known in _out(capsys, f"{command} show {known}")
    assert _json(capsys, f"{command} show {known}")["name"] == known


def test_every_price_of_a_profile_is_shown_with_its_source(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = _out(capsys, "profiles show loihi1")
    profile = ns.load_profile("loihi1")
    assert all(price.source in text for price in profile.prices.values())
    assert all(doubt in text for doubt in profile.doubts)


@pytest.mark.parametrize("command", ["", "--help", "estimate --help", "--version"])
def test_help_and_version(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "neurosim" in _out(capsys, command).lower()


def test_a_fault_of_ours_is_not_called_a_mistake_of_the_users(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("neurosim.hardware.describe", lambda profile: 1 / 0)
    assert main(["profiles", "show", "loihi1"]) == 1
    assert "NEUROSIM_TRACEBACK" in capsys.readouterr().err
    monkeypatch.setenv("NEUROSIM_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        main(["profiles", "show", "loihi1"])


def test_a_model_that_is_built_twice_is_the_same_model(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "free.py").write_text(MODEL.replace("torch.manual_seed(0)", "pass"))
    command = "estimate free.py:build --clip clip.npy"
    first = _json(capsys, command)
    torch.rand(3)  # moves the random state that the second build would start from
    assert _json(capsys, command)["reports"] == first["reports"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(16.0049, "16.00"), (0.068834, "0.06883"), (12345.6, "12,346"), (0.0, "0"), (1234.0, "1234")],
)
def test_figures_keep_their_four_digits(value: float, text: str) -> None:
    from neurosim.cli.show import figure

    assert figure(value) == text


def test_a_model_that_takes_the_batch_first(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = _json(capsys, "estimate mine.py:build --clip clip.npy")
    axes = "--time-dim 1 --batch-dim 0"
    found = _json(capsys, f"estimate mine.py:batch_first --clip clip.npy {axes}")
    mj = [d["reports"]["cmos_45nm"]["mj_per_video"] for d in (found, expected)]
    assert mj[0] == mj[1] > 0
    assert _json(capsys, f"graph mine.py:batch_first {axes}")["steps"] == 4


def test_a_whole_video_as_a_stream(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(capsys, "estimate mine.py:build --stream --size 16x16")
    assert "every frame of sample-1.mp4" in found["manifest"]["notes"][-1]
    frames = 75  # of 150, at the model's stride of 2
    whole = ns.data.read_frames(ns.data.sample_clip_path(), stride=2)
    assert len(whole) == frames
    text = _out(capsys, "estimate mine.py:build --stream --window 4")
    assert "18 samples" in text and "3 steps fill no window" in text


def test_what_torch_logs_while_the_model_is_imported_is_not_shown(here: Path) -> None:
    command = [sys.executable, "-m", "neurosim", "graph", "mine.py:noisy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_means_that_are_not_whole_show_a_decimal_and_lines_end_without_blanks(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = {
        ("fc", "synapse"): np.array([[1576], [1577]]),
        ("lif", "neuron_idle"): np.array([[2], [2]]),
    }
    run = ns.Run.from_counts(ns.Counts(table, 2, 1))
    run.save(here / "run.npz")
    text = _out(capsys, "price run.npz --out saved")
    assert "1,576.5 per view" in text and "neuron_idle (4)" in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert "1,576.5 per view" in (here / "saved/report.html").read_text()
    assert "SynOps      1,576.5 per video" in ns.price(run, "cmos_45nm").summary()
