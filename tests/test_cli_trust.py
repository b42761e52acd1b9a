"""Three energies and warnings on the command line, and what silences them."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

import neurosim as ns
from neurosim.cli import main
from tests.energy import reference


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The reference run, on weights that nobody trained."""
    return reference.run(weights="untrained", model="net").save(tmp_path / "run.npz")


def said(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    assert main([str(w) for w in words]) == 0
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Any:
    return json.loads(said(capsys, *words, "--json"))


def test_three_energies_stand_in_one_table(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "price", saved)
    lines = {line.split("  ")[0]: line for line in text.splitlines()}
    for name in ("cmos_45nm", "cmos_45nm_memory", "cmos_45nm_memory_reuse", "loihi1"):
        assert name in lines["profile"]
    assert lines["convention"].split()[1:] == ["exact", "exact", "exact", "chip"]
    assert len(lines["total"].split()) == 5 and "static" not in lines
    assert "triangular, seed 0" in text and "no reuse" in text
    assert "moved most by the price of sram, alone" in " ".join(text.split())


def test_numbers_of_the_document_are_those_of_the_profiles(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, "price", saved)["three_energies"]
    assert [x["profile"] for x in found] == [
        "cmos_45nm", "cmos_45nm_memory", "cmos_45nm_memory_reuse", "loihi1"
    ]  # fmt: skip
    for line in found:
        rules = None if line["profile"] == "loihi1" else "exact"
        alone = ns.price(reference.run(), line["profile"], convention=rules)
        assert line["mj_per_video"] == alone.joules_per_video * 1e3


def test_warnings_are_lines_with_names_and_are_silenced_by_them(
    saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = document(capsys, "price", saved, "--out", tmp_path / "out")
    names = [f["name"] for f in found["lint"]]
    assert names == ["memory-ignored", "static-absent", "untrained-rates"]
    assert [w.split(" ")[0] for w in found["warnings"]] == names
    page = (tmp_path / "out/report.html").read_text()
    assert "untrained-rates" in page and "<svg" in page and "memory, no reuse" in page
    assert "<script" not in page and 'src="http' not in page
    quiet = [w for name in names for w in ("--silence", name)]
    found = document(capsys, "price", saved, *quiet)
    assert found["warnings"] == found["lint"] == []
    assert "warnings" not in said(capsys, "price", saved, *quiet)


@pytest.mark.parametrize("command", ["price", "estimate"])
def test_an_unknown_warning_is_one_line(
    command: str, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(saved), "--silence", "memory"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "memory-ignored" in error


def test_joules_and_sensitivity_are_pictures_of_a_saved_run(
    saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "plots"
    for what in ("joules", "sensitivity"):
        said(capsys, "plot", saved, "--what", what, "--out", out)
        assert (out / f"{what}.png").stat().st_size > 10_000
    with (out / "joules.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["profile"] == "cmos_45nm"]
    mine = math.fsum(float(r["joules_per_video"]) for r in rows)
    alone = ns.price(reference.run(), "cmos_45nm", convention="exact")
    assert mine == pytest.approx(alone.joules_per_video, rel=1e-12, abs=0)
    assert main(["plot", str(saved), "--what", "sensitivity", "--hardware", "cmos_45nm"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "--hardware cmos_45nm_memory" in error
