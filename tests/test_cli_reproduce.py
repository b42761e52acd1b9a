"""``neurosim reproduce``: tables, JSON, exit codes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from neurosim.cli import main
from neurosim.studies import reproduce as study

KEYS = [
    "id",
    "model",
    "reported_mj",
    "recomputed_mj",
    "convention",
    "verdict",
    "reason",
    "digits_mj",
]


def test_json_is_a_list_of_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "svformer", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [list(row) for row in rows] == [KEYS] * 4
    assert {row["verdict"] for row in rows} == {"mismatch"}
    assert rows[0]["reported_mj"] == 21 and round(rows[0]["recomputed_mj"], 2) == 16.0


def test_the_table_says_what_does_not_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "ann"]) == 0
    out = capsys.readouterr().out
    assert "MISMATCH" in out and "copied value" in out
    assert "6 rows: 4 match, 1 printed digits, 1 mismatch, 0 not checkable." in out
    assert "6 are checkable: 0 are held to 0.01 mJ" in out and "6 to coarser digits (4 of" in out
    assert "-0.022  0.028  ann         printed digits" in out


def test_peers_say_what_ran_and_why_each_term_differs_or_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["reproduce", "peers"]) == 0
    out = capsys.readouterr().out
    assert "its program  we recompute" in out and "29 rows: 18 match" in out
    assert "KerasSpiking 0.3.0 on TensorFlow 2.15.1, ModelEnergy, run 2026-11-26, equal:" in out
    assert "8 times as much: keras.cpu_every_step, keras.gpu_every_step" in out
    assert "checkable:" not in out


def test_a_row_without_figures_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "qkformer", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["verdict"], row["recomputed_mj"]) for row in rows} == {("not_checkable", None)}


def test_an_unexpected_verdict_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace(study.reproduce("ann")["ann"][0], expected="mismatch")
    monkeypatch.setattr(study, "TABLES", {"ann": lambda: [row]})
    assert main(["reproduce"]) == 1
    assert "vit_b_384 (match instead of mismatch)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["spikforme", "SEW", ""])
def test_unknown_tables_are_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", name]) == 2
    found = capsys.readouterr()
    assert not found.out and found.err.count("\n") == 1 and "unknown table" in found.err


def test_measured_chips_with_every_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "silicon", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["chip"] for row in rows} >= {"loihi1", "loihi2", "truenorth", "loihi1_sanafe"}
    assert main(["reproduce", "silicon"]) == 0
    told = capsys.readouterr().out
    assert all(row["id"] in told for row in rows) and "no test" in told
