"""``neurosim estimate --baseline``: verdicts, JSON, files, wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neurosim.cli import main
from tests.test_cli import MODEL

RATES = ["--rates", "0.2", "--frames", "4", "--size", "16x16"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "net.py"
    path.write_text(MODEL)
    return f"{path}:build"


def test_verdicts_table_and_files(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    chips = ["--hardware", "loihi1", "--hardware", "gpu"]
    assert main(["estimate", model, *RATES, *chips, "--baseline", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "the SNN" in text and "3 = ⌈log2(4 + 1)⌉" in text and "the twin on cmos_45nm" in text
    assert "no twin: 3 bit" in text and "wins at rate" in text
    for chip in ("loihi1", "gpu"):
        assert (out / f"twin-{chip}.csv").read_text().count("network") >= 1
        assert (out / f"twin-{chip}.png").stat().st_size > 10_000
    assert list(json.loads((out / "twin.json").read_text())) == ["loihi1", "gpu"]


def test_json_holds_what_was_asked_for(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    how = ["--baseline-frames", "1", "--baseline-bits", "8", "--baseline-on", "cmos_7nm"]
    assert main(["estimate", model, *RATES, "--baseline", *how, "--json"]) == 0
    whole, narrow = json.loads(capsys.readouterr().out)["baselines"]["cmos_45nm"]["twins"]
    assert (whole["format"], whole["frames"], whole["twin_on"]) == ("fp32", 1, "cmos_7nm")
    assert (narrow["format"], narrow["bits"], narrow["steps"]) == ("8 bit", 8, 4)
    assert whole["network"]["twin_mj"] == whole["twin_mj"] > 0 and whole["layers"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--baseline-frames", "2"], "give --baseline too"),
        (["--baseline", "--baseline-frames", "0"], "at least 1"),
        (["--baseline", "--baseline-frames", "9"], "give 1 to 4"),
        (["--baseline", "--baseline-bits", "40"], "1 to 32"),
        (["--baseline", "--baseline-on", "cmos_54nm"], "cmos_45nm"),
    ],
)
def test_wrong_input_is_one_line(
    model: str, wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", model, *RATES, *wrong]) == 2
    found = capsys.readouterr()
    (line,) = [x for x in found.err.splitlines() if x != "a model that talks"]
    assert not found.out and line.startswith("neurosim: ") and said in line
