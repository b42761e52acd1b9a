"""Models × chips: whose accuracy belongs to whose energy, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from neurosim.energy import price
from neurosim.errors import ModelError, UnknownName
from neurosim.ir.run import Run
from neurosim.studies import claims
from neurosim.studies.compare import compare
from tests.energy import reference
from tests.energy.reference import near

CARD = {
    "accuracy": [
        {"dataset": "UCF101", "top1": 80.73, "views": 1, "source": "log"},
        {"dataset": "UCF101", "top1": 84.03, "views": 15, "source": "paper"},
    ]
}


def evaluated(folder: Path, run: Run, top1: float = 0.5, **changes: Any) -> Path:
    """What ``neurosim evaluate`` leaves behind."""
    joules = price(run, "cmos_45nm").joules_per_video
    found = {
        "data": {"name": "motion", "split": "test"}, "videos": 4,
        "views": {"clips": 1, "crops": 1},
        "top1": {"mean": top1, "low": top1 - 0.1, "high": top1 + 0.1},
        "joules_per_video": {"cmos_45nm": {"mean": joules, "low": 0.9 * joules,
                                           "high": 1.1 * joules}},
        **changes,
    }  # fmt: skip
    folder.mkdir(parents=True)
    run.save(folder / "run.npz")
    (folder / "evaluation.json").write_text(json.dumps(found))
    return folder


def test_a_training_run_brings_its_accuracy_and_the_interval_over_videos(tmp_path: Path) -> None:
    run = reference.run()
    evaluated(tmp_path / "train" / "evaluation", run)
    found = compare([tmp_path / "train"], ["cmos_45nm", "cmos_45nm_memory", "loihi1"])
    plain, memory, _ = found.compared
    for row in found.compared:
        report = price(run, row.chip)
        assert row.joules_per_video.mean == near(report.joules_per_video)
        assert row.accuracy and (row.accuracy.top1.mean, row.accuracy.dataset) == (0.5, "motion")
    joules = plain.joules_per_video
    assert (joules.low, joules.high) == (near(0.9 * joules.mean), near(1.1 * joules.mean))
    report = price(run, "cmos_45nm_memory")  # not evaluated on: the range of its prices
    assert memory.joules_per_video.low == near(report.low * report.per_video)
    assert memory.joules_per_video.high == near(report.high * report.per_video)


def test_an_interval_of_another_convention_is_not_taken(tmp_path: Path) -> None:
    place = evaluated(tmp_path / "e", reference.run())
    (row,) = compare([place], "cmos_45nm", convention="padded").compared
    assert row.joules_per_video.low != row.joules_per_video.low  # NaN: not known


def test_a_published_accuracy_is_billed_with_its_views() -> None:
    runs = {
        "trained": reference.run(weights="pretrained", card=CARD),
        "rates": reference.run(activity="published", weights="untrained", card=CARD),
    }
    found = compare(runs)
    for model in runs:
        one, many = (r for r in found.compared if r.model == model)
        assert many.joules_per_video.mean == near(15 * one.joules_per_video.mean)
        assert one.accuracy and many.accuracy and many.accuracy.views == 15
        assert (one.accuracy.top1.mean, many.accuracy.top1.mean) == (0.8073, 0.8403)
    assert len(found.scatter().points) == 4 + len(found.published)
    assert {p.model for p in found.published} == {"SVFormer"}
    assert all(p.verdict == "mismatch" for p in found.published)


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"weights": "untrained", "card": CARD}, "untrained"),
        ({"activity": "assumed", "weights": "pretrained", "card": CARD}, "assumed"),
        ({"weights": "best.safetensors", "card": {"accuracy": []}}, "neurosim evaluate"),
        ({"weights": "best.safetensors", "card": CARD}, "neurosim evaluate"),
        ({}, "neurosim evaluate"),
    ],
)
def test_what_has_no_accuracy_is_listed_and_left_out(manifest: dict[str, Any], why: str) -> None:
    found = compare({"model": reference.run(**manifest)}, ["cmos_45nm", "loihi1"])
    assert [row.chip for row in found.compared] == ["cmos_45nm", "loihi1"]
    assert why in found.left_out["model"] and not found.scatter().points
    assert found.to_dict()["models"][0]["top1"] is None


def test_published_points_are_the_printed_figures_of_tables_asked_for() -> None:
    found = compare({"m": reference.run()}, published=["sew_resnet"])
    printed = {c.model: c for c in claims.load_table("sew_resnet").rows if "top1" in c.facts}
    assert {p.model for p in found.published} == set(printed)
    fifty = next(p for p in found.published if p.model == "SEW-ResNet-50")
    assert fifty.joules_per_video.mean == near(4.89e-3) and fifty.accuracy.mean == near(0.6778)
    assert {p.dataset for p in found.published} == {"ImageNet"}


def test_what_makes_rows_unlike_is_said() -> None:
    run = reference.run(weights="pretrained", card=CARD, samples=1)
    assert any("energy of one clip" in note for note in compare({"m": run}).notes)
    assert not compare({"m": reference.run(weights="pretrained", card=CARD)}).notes


def test_document_is_json(tmp_path: Path) -> None:
    place = evaluated(tmp_path / "e", reference.run())
    found = compare([place], ["cmos_45nm", "gpu"], published=["ann"]).to_dict()
    text = json.loads(json.dumps(found, allow_nan=False))
    assert text["models"][0]["mj_per_video"]["low"] < text["models"][0]["mj_per_video"]["mean"]
    assert text["published"][0]["model"] == "ViT-B/16, 384×384"


def test_wrong_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run.npz"):
        compare([tmp_path])
    with pytest.raises(ModelError, match="at least one"):
        compare([])
    with pytest.raises(UnknownName, match="sew_resnet"):
        compare({"m": reference.run()}, published=["sew_resnets"])
    broken = evaluated(tmp_path / "e", reference.run())
    (broken / "evaluation.json").write_text("{}")
    with pytest.raises(ModelError, match="evaluate the model again"):
        compare([broken])
