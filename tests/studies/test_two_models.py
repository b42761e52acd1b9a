"""Paired over videos, one draw of the prices for both models."""

from __future__ import annotations

import pytest

from neurosim.data.sets import Views
from neurosim.energy import price
from neurosim.errors import ClipError, UnknownName
from neurosim.studies.evaluate import Evaluation
from neurosim.studies.shard import Video
from neurosim.studies.two_models import two_models
from tests.energy import reference

JOULES = (1e-6, 5e-6, 9e-6, 2e-6)


def video(key: str, chip: str, joules: float) -> Video:
    """One that spent so much."""
    return Video(key, 0, 0, 0, 1, 0.1, {chip: joules}, {chip: (joules,)}, {}, {})


def evaluation(
    name: str, synapses: int, joules: tuple[float, ...], chip: str = "loihi1", keys: str = "abcd"
) -> Evaluation:
    """Videos that spent so many joules, and a run of so many synaptic operations."""
    run = reference.run({("fc", "synapse"): synapses}, model=name)
    videos = tuple(video(k, chip, j) for k, j in zip(keys, joules, strict=True))
    return Evaluation(videos, ("one",), Views(), run, {chip: price(run, chip)}, {})


def test_a_constant_saving_survives_though_videos_differ_more_than_models() -> None:
    first = evaluation("a", 110, JOULES)
    second = evaluation("b", 100, tuple(j - 1e-7 for j in JOULES))
    found = two_models(first, second, "loihi1")
    assert found.videos.low == pytest.approx(-1e-7) == found.videos.high  # paired
    assert found.survives and "b is cheaper than a" in found.says()
    assert "does not cross zero" in found.says()


def test_a_saving_of_some_videos_and_a_loss_of_others_does_not() -> None:
    mixed = (JOULES[0] + 1e-6, JOULES[1] - 2e-6, JOULES[2] + 1e-6, JOULES[3] - 1e-6)
    found = two_models(evaluation("a", 110, JOULES), evaluation("b", 100, mixed), "loihi1")
    assert found.prices.survives and not found.survives
    assert found.videos.low < 0 < found.videos.high and "which crosses zero" in found.says()


def test_videos_are_paired_by_name_and_not_by_place() -> None:
    turned = evaluation("b", 100, JOULES[::-1], keys="dcba")
    found = two_models(evaluation("a", 100, JOULES), turned, "loihi1")
    assert found.videos.low == found.videos.high == 0


def test_other_videos_or_another_chip_are_refused() -> None:
    first = evaluation("a", 100, JOULES)
    with pytest.raises(ClipError, match="same ones"):
        two_models(first, evaluation("b", 100, JOULES, keys="abcx"), "loihi1")
    with pytest.raises(UnknownName, match="loihi1"):
        two_models(first, evaluation("b", 100, JOULES), "loihi2")
