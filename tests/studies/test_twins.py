"""Frames that a clip shows, and ``estimate`` with its twins."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.nn.plif import PLIF
from neurosim.studies.twins import shown_frames


def test_a_picture_shown_again_is_no_new_frame() -> None:
    video = torch.rand(6, 2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert shown_frames(video) == 6 and shown_frames(video[:1].expand(6, -1, -1, -1, -1)) == 1
    assert shown_frames(video.repeat_interleave(2, 0)) == 6
    changed = video[:1].repeat(4, 1, 1, 1, 1)
    changed[2, 1, 0, 0, 0] += 1  # one pixel of one sample, there and back
    assert shown_frames(changed) == 3
    assert shown_frames(video.movedim(0, 1), time_dim=1) == 6
    assert shown_frames(video[0], time_dim=None) == 1


def test_every_bin_of_events_is_a_frame() -> None:
    assert shown_frames(torch.zeros(5, 1, 2, 4, 4), "spike") == 5
    assert shown_frames(torch.zeros(5, 1, 2, 4, 4), "graded") == 5


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.lif, self.head = nn.Conv2d(2, 4, 3), PLIF(), nn.Linear(144, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.head(self.lif(3 * x).flatten(2)).mean(0)


@pytest.fixture(scope="module")
def model() -> Net:
    return Net().eval()


def test_a_picture_shown_four_times_costs_the_twin_one_pass(model: Net) -> None:
    picture = torch.rand(1, 1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    still = ns.estimate(model, picture.repeat(4, 1, 1, 1, 1), baseline=True).baselines["cmos_45nm"]
    told = ns.estimate(
        model, picture.repeat(4, 1, 1, 1, 1), baseline=ns.DenseTwin(frames=4)
    ).baselines["cmos_45nm"]
    assert [c.frames for c in still.compared] == [1, 1] and still.compared[0].steps == 4
    assert still.compared[1].format == "3 bit"
    once, often = (b.compared[0].network.twin_joules for b in (still, told))
    assert often == pytest.approx(4 * once, rel=1e-12, abs=0) and once > 0


def test_without_a_clip_every_step_is_a_frame_and_nothing_is_asked_for_by_default(
    model: Net,
) -> None:
    clip = torch.zeros(3, 1, 2, 8, 8)
    found = ns.estimate(model, clip, hardware=["cmos_45nm", "loihi1"], rates=0.1, baseline=True)
    assert {c.frames for b in found.baselines.values() for c in b.compared} == {3}
    assert list(found.to_dict()["baselines"]) == ["cmos_45nm", "loihi1"]
    assert "baselines" not in ns.estimate(model, clip, rates=0.1).to_dict()
