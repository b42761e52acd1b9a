"""``neurosim compare``: table, JSON, files, wrong input."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
import torch

import neurosim as ns
from neurosim.cli import main
from tests.energy import reference
from tests.studies.test_compare import evaluated
from tests.test_cli import MODEL


@pytest.fixture
def trained(tmp_path: Path) -> str:
    evaluated(tmp_path / "trained" / "evaluation", reference.run())
    return str(tmp_path / "trained")


@pytest.fixture
def untrained(tmp_path: Path) -> str:
    (tmp_path / "net.py").write_text(MODEL)
    return f"{tmp_path / 'net.py'}:build"


def test_models_on_chips(
    trained: str, untrained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, chips = tmp_path / "out", ["--hardware", "cmos_45nm", "--hardware", "gpu"]
    told = ["compare", trained, untrained, *chips, "--rates", "0.2", "--out", str(out)]
    assert main([*told, "--published", "sew_resnet"]) == 0
    text = capsys.readouterr().out
    assert "50.00 (40.0 to 60.0)" in text and "SEW-ResNet-50" in text
    assert f"not in the scatter: {untrained}: assumed firing rates" in text
    assert (out / "compare.png").stat().st_size > 10_000
    assert (out / "compare.csv").read_text().count("trained") == 2
    found = json.loads((out / "compare.json").read_text())
    assert [m["chip"] for m in found["models"]] == ["cmos_45nm", "gpu"] * 2


def test_json_and_no_picture_without_an_accuracy(
    untrained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["compare", untrained, "--rates", "0", "--json", "--out", str(out)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["left_out_of_the_scatter"]) == [untrained] and not found["published"]
    assert sorted(p.name for p in out.iterdir()) == ["compare.csv", "compare.json"]


def test_a_saved_run_is_captured_again_to_sit_on_cores(
    untrained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _, function = untrained.partition(":")
    model = vars(import_file(path))[function]()
    clip = torch.rand(4, 1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    found = ns.estimate(model, clip, "loihi1", manifest=ns.Manifest(model=untrained))
    place = evaluated(tmp_path / "e", found.run)
    capsys.readouterr()
    assert main(["compare", str(place), "--hardware", "loihi1", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["models"]
    report = found["loihi1"]
    assert row["ms_per_video"] == pytest.approx((report.seconds_per_video or 0) * 1e3, rel=1e-12)
    assert row["mj_per_video"]["mean"] == pytest.approx(report.joules_per_video * 1e3, rel=1e-12)


def import_file(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("net", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "MODEL"),
        (["svformer_tinyy"], "svformer_tiny"),
        (["svformer_tiny", "--hardware", "cmos_54nm"], "cmos_45nm"),
        (["svformer_tiny", "--published", "sew"], "sew_resnet"),
        (["svformer_tiny", "--rates", "1.5"], "0 to 1"),
    ],
)
def test_wrong_input_is_one_line(
    wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *wrong]) == 2
    found = capsys.readouterr()
    assert not found.out and found.err.count("\n") == 1 and said in found.err
