"""Accuracy and energy of one pass are those of the model itself, one clip at a time."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.data import sets
from neurosim.data.noise import Noise
from neurosim.data.sets import Views
from neurosim.errors import ClipError, ModelError, UnknownName
from neurosim.studies.evaluate import evaluate
from neurosim.studies.not_placed import NOT_PLACED
from neurosim.studies.shard import Share, evaluate_share

CHIPS = ["cmos_45nm", "cmos_45nm_memory", "loihi1"]


@pytest.fixture(scope="module")
def module(model):
    from neurosim.models._source import resolve

    return resolve(model).model


@pytest.fixture(scope="module")
def found(module, videos):
    return evaluate(module, videos, CHIPS, batch_size=7)


def test_predictions_are_the_model_s(found, module, videos):
    with torch.no_grad():
        logits = torch.cat([module(videos.view(i)[:, None]) for i in range(len(videos))])
    labels = torch.tensor(videos.labels)
    assert [v.prediction for v in found.videos] == logits.argmax(1).tolist()
    assert found.top1.mean == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    top5 = (logits.topk(5).indices == labels[:, None]).any(1).float().mean()
    assert found.top5.mean == pytest.approx(float(top5))
    assert found.confusion.sum() == 23 and np.trace(found.confusion) == 23 * found.top1.mean


def test_energy_and_counts_are_those_of_each_clip_estimated_alone(found, module, videos):
    for i in (0, 11, 22):
        alone = ns.estimate(module, videos.view(i)[:, None], CHIPS)
        video = found.videos[i]
        assert video.synaptic_operations == alone.run.synaptic_operations()
        assert video.layer_rates == alone.run.firing_rates()
        for chip in CHIPS:
            unplaced = ns.price(alone.run, chip).joules_per_video
            assert video.joules[chip] == pytest.approx(unplaced, rel=1e-12)


def test_the_summed_run_is_the_sum_of_the_videos(found):
    assert found.run.synaptic_operations() == sum(v.synaptic_operations for v in found.videos)
    assert found.run.samples == 23
    for chip in CHIPS:
        total = sum(v.joules[chip] for v in found.videos)
        assert found.reports[chip].joules == pytest.approx(total, rel=1e-9)
        assert found.reports[chip].joules_per_video == pytest.approx(
            found.joules_per_video[chip].mean, rel=1e-9
        )


def test_batches_and_shares_change_nothing(found, module, videos):
    other = evaluate(module, videos, CHIPS, batch_size=1)
    assert other.videos == found.videos and other.run.counts == found.run.counts


def test_per_class_rows_are_means_over_the_class(found, videos):
    row = found.per_class()[3]
    mine = [v for v in found.videos if v.label == 3]
    assert row["class"] == videos.classes[3] and row["videos"] == len(mine) == 2
    assert row["joules_loihi1"] == pytest.approx(np.mean([v.joules["loihi1"] for v in mine]))


def test_views_add_energy_and_average_scores(module, videos):
    few = sets.open("motion", videos.items[0].path.parents[2], "test", number=4)
    one, many = (evaluate(module, few, "loihi1", views=Views(*v)) for v in ((1, 1), (2, 1)))
    # a motion clip has no room: both windows are the same one
    for a, b in zip(one.videos, many.videos, strict=True):
        assert b.joules["loihi1"] == pytest.approx(2 * a.joules["loihi1"], rel=1e-12)
        assert b.synaptic_operations == 2 * a.synaptic_operations and b.prediction == a.prediction
        assert len(b.joules_by_view["loihi1"]) == 2
    assert many.joules_per_view["loihi1"] == pytest.approx(one.joules_per_view["loihi1"])
    assert many.reports["loihi1"].joules_per_video == pytest.approx(
        many.joules_per_video["loihi1"].mean, rel=1e-9
    )


def test_what_is_kept(found, tmp_path):
    found.save(tmp_path / "e")
    text = json.loads((tmp_path / "e" / "evaluation.json").read_text())
    assert text["top1"]["mean"] == found.top1.mean and text["videos"] == 23
    assert text["not_placed"] == {"loihi1": NOT_PLACED}  # the others have no cores
    assert set(text["joules_per_video"]) == set(CHIPS) and len(text["per_class"]) == 10
    rows = (tmp_path / "e" / "videos.csv").read_text().splitlines()
    assert len(rows) == 24 and rows[0].startswith("video,label,prediction,rank")
    again = ns.load_run(tmp_path / "e" / "run.npz")
    assert again.firing_rates() == found.layer_rates()
    priced = ns.price(again, "truenorth")
    assert priced.joules_per_video > 0


def test_weights_of_a_training_run_are_found(tmp_path):
    assert evaluate("norse_conv", events(tmp_path), "cmos_45nm").run.manifest.weights == "untrained"


def events(place):
    """Event clips for a model of another size: a set of event files, two classes."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (place / "set" / "test" / name).mkdir(parents=True)
        t = np.sort(rng.integers(0, 300_000, 4000))
        x, y = rng.integers(0, 34, (2, 4000))
        file = place / "set" / "test" / name / "r.npz"
        np.savez(file, t=t, x=x, y=y, p=rng.integers(0, 2, 4000), height=34, width=34)
    recipe = ns.models.card("norse_conv").recipe
    return sets.open("event_files", place / "set", "test", recipe=recipe)


def test_noise_is_the_same_in_any_share(module, videos):
    from neurosim.passes import lower
    from neurosim.studies.evaluate import captured, source_of
    from neurosim.studies.shard import Pricing

    graph, _ = captured(source_of(module, None), videos, (0, 1))
    settings = {"views": Views(), "noise": Noise("gaussian", 0.5), "seed": 3}
    whole = evaluate_share(lower(graph), videos, range(6), Pricing(()), **settings)
    parts = Share()
    for part in ([0, 1], [2, 3, 4], [5]):
        parts.add(evaluate_share(lower(graph), videos, part, Pricing(()), **settings))
    assert parts.videos == whole.videos and parts.counts() == whole.counts()


def test_mistakes_are_one_line(module, videos, tmp_path):
    with pytest.raises(UnknownName, match="loihi1"):
        evaluate(module, videos, "loihi")
    with pytest.raises(UnknownName, match="data set"):
        evaluate(module, "motoin")
    with pytest.raises(ModelError, match="return logits"):
        evaluate(torch.nn.Flatten(1), videos)
    with pytest.raises(ClipError, match="ucf101"):
        evaluate(module, "ucf101", root=tmp_path)
