"""``neurosim map``: its figures, its files, and one line for whatever is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neurosim.cli import main

MODEL = """
import torch
from neurosim.nn.plif import PLIF

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.n = torch.nn.Conv2d(3, 4, 3, 2, 1), PLIF()
        self.b, self.m = torch.nn.Conv2d(4, 6, 3, 2, 1), PLIF()
        torch.nn.init.normal_(self.a.weight, std=1.0)
        torch.nn.init.normal_(self.b.weight, std=1.0)
    def forward(self, x):
        t = x.shape[:2]
        x = self.n(self.a(x.flatten(0, 1)).unflatten(0, t))
        return self.m(self.b(x.flatten(0, 1)).unflatten(0, t)).mean((0, 3, 4))

def build():
    return Net().eval()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


BASE = ["map", "mine.py:build", "--frames", "4", "--size", "16x16"]


def test_json_files_and_pictures(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BASE, "--to", "loihi1", "--level", "detailed", "--out", "o", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["chip"] == "loihi1" and found["cores"] >= 1 and found["chips"] == 1
    assert found["steps"] == 4 and len(found["step_us"]) == 4 + found["drain_steps"]
    assert sum(found["mj_split"].values()) == pytest.approx(found["mj_per_video"])
    assert [r["strategy"] for r in found["strategies"]] == ["hops", "greedy", "balanced"]
    assert any("exact, from the recorded spikes" in note for note in found["notes"])
    names = {p.name for p in (here / "o").iterdir()}
    assert names == {"map.json", "placement.json", "core_load.png", "links.png", "steps.png"}
    assert main([*BASE, "--to", "loihi1", "--manual", "o/placement.json", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["strategy"] == "manual" and again["cores"] == found["cores"]


def test_tables_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BASE, "--to", "loihi2", "--rates", "0.1"]) == 0
    said = capsys.readouterr().out
    for text in ("strategy", "greedy", "not priced", "no energy", "fixed one", "the host does"):
        assert text in said, text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--to", "loihi9"], "unknown profile 'loihi9'"), (["--to", "cmos_45nm"], "no cores"),
        (["--to", "speck"], "asynchronous"), ([], "--to"),
        (["--to", "loihi1", "--strategy", "best"], "--strategy best"),
        (["--to", "loihi1", "--level", "exact"], "--level exact"),
        (["--to", "loihi1", "--rates", "0.1", "--exact"], "need spikes"),
        (["--to", "loihi1", "--manual", "none.yaml"], "manual none.yaml"),
    ],
)  # fmt: skip
def test_one_line_for_a_mistake(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*BASE, *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and said in error


def test_estimate_is_mapped_and_says_why_not_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["estimate", *BASE[1:], "--hardware", "loihi1", "--hardware", "truenorth"]
    assert main([*command, "--hardware", "cmos_45nm", "--rates", "0.1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["reports"]
    assert found["loihi1"]["ms_per_video"] > 0 and found["loihi1"]["energy_delay_js"] > 0
    assert found["cmos_45nm"]["ms_per_video"] is None
