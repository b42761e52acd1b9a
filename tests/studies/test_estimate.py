"""``estimate`` is capture, lower, simulate and price in a row, and tells each stage."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.data.video import Clip
from neurosim.errors import ClipError, ProfileError, RatesError, UnknownName
from neurosim.nn.plif import PLIF
from neurosim.studies.estimate import STAGES


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.lif = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), PLIF()
        self.head = nn.Linear(144, 3)
        nn.init.normal_(self.conv.weight, std=0.8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x.flatten(0, 1))).unflatten(0, x.shape[:2])
        return self.head(self.lif(x).flatten(2)).mean(0)


@pytest.fixture(scope="module")
def model() -> Net:
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture(scope="module")
def clip() -> Tensor:
    return torch.rand(5, 2, 2, 8, 8, generator=torch.Generator().manual_seed(0))


def test_equals_the_steps_one_by_one(model: Net, clip: Tensor) -> None:
    found = ns.estimate(model, clip, hardware=["cmos_45nm", "loihi1"])
    run = ns.simulate(ns.lower(ns.capture(model, clip)), clip)
    assert found.run.counts == run.counts
    for name, report in found.items():
        placement = ns.place(found.graph, name) if name in found.placements else None
        assert report.joules == ns.price(run, name, placement).joules > 0
    assert list(found.placements) == ["loihi1"] and found["loihi1"].seconds_per_video
    assert list(found) == ["cmos_45nm", "loihi1"] and len(found) == 2
    assert "fold_batch_norm" in found.graph.pipeline and "mJ" in repr(found)


def test_three_energies_and_lint_of_an_estimate(model: Net, clip: Tensor) -> None:
    found = ns.estimate(model, clip, hardware="loihi1")
    lines = {line.profile: line for line in found.three_energies()}
    assert lines["loihi1"].report is found["loihi1"] and lines["loihi1"].title == "whole chip"
    alone = ns.price(found.run, "cmos_45nm_memory", convention="exact")
    assert lines["cmos_45nm_memory"].report == alone
    assert [f.rule.name for f in found.lint()] == []
    plain = ns.estimate(model, clip)
    placed = {line.profile: line.title for line in plain.three_energies()}
    assert placed["loihi1"] == "whole chip"  # nobody asked for one
    names = [f.rule.name for f in plain.lint(["static-absent"])]
    assert names == ["memory-ignored"]


def test_stages_are_told_in_order(model: Net, clip: Tensor) -> None:
    told: list[str] = []
    ns.estimate(model, clip, on_stage=told.append)
    assert tuple(told) == STAGES


def test_document_sums_up(model: Net, clip: Tensor) -> None:
    found = ns.estimate(model, clip, "cmos_45nm").to_dict()
    report = found["reports"]["cmos_45nm"]
    assert found["synaptic_operations"] == 2 * report["synaptic_operations_per_video"]
    assert math.isclose(sum(report["by_node"].values()) * 1e3, report["mj_per_video"])


def test_overrides_reach_the_price(model: Net, clip: Tensor) -> None:
    found = ns.estimate(model, clip, views=4, convention="padded")["cmos_45nm"]
    assert (found.convention.views, found.convention.positions) == (4, "padded")


def test_clip_brings_its_kind(model: Net, clip: Tensor) -> None:
    spikes = Clip((clip < 0.2).float(), "spike", {"source": "here"})
    found = ns.estimate(model, spikes)
    assert found.run.counts.total("input_event") == int(spikes.tensor.sum())
    assert found.run.manifest.clip == {"source": "here"}
    assert found.run.counts.get("conv", "mac") == 0 < found.run.counts.get("conv", "synapse")


def test_rates_stand_in_for_a_simulation(model: Net, clip: Tensor) -> None:
    found = ns.estimate(model, clip, rates=0.25)
    assert found.run.manifest.activity == "assumed"
    assert found.run.firing_rates() == pytest.approx({"lif": 0.25}, abs=1e-2)
    named = ns.estimate(model, clip, rates={"lif": 0.25})
    assert named["cmos_45nm"].joules == found["cmos_45nm"].joules
    with pytest.raises(RatesError):
        ns.estimate(model, clip, rates={})


def test_names_are_checked_before_the_model_is_run(clip: Tensor) -> None:
    def never(x: Tensor) -> Tensor:
        raise AssertionError("the model was run")

    with pytest.raises(UnknownName):
        ns.estimate(never, clip, ["loihi"])
    with pytest.raises(UnknownName):
        ns.estimate(never, clip, convention="exakt")
    with pytest.raises(ProfileError):
        ns.estimate(never, clip, positions="pad")
    with pytest.raises(UnknownName):
        ns.estimate(never, clip, host="cmos")


def test_nan_is_refused(model: Net, clip: Tensor) -> None:
    broken = clip.clone()
    broken[1, 0, 0, 2, 2] = math.nan
    with pytest.raises(ClipError, match="NaN"):
        ns.estimate(model, broken)


class BatchFirst(Net):
    """The same model on clips of [B, T, C, H, W]."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(0, 1))


def test_a_model_that_takes_the_batch_first(model: Net, clip: Tensor) -> None:
    turned = BatchFirst().eval()
    turned.load_state_dict(model.state_dict())
    expected = ns.estimate(model, clip)["cmos_45nm"]
    found = ns.estimate(turned, clip.transpose(0, 1), time_dim=1, batch_dim=0)["cmos_45nm"]
    assert found.joules == expected.joules and found.samples == 2
    one = Clip(clip[:, :1], "real")  # always [T, 1, C, H, W]: brought into the model's layout
    by_clip = ns.estimate(turned, one, time_dim=1, batch_dim=0)["cmos_45nm"]
    assert by_clip.joules == ns.estimate(model, clip[:, :1])["cmos_45nm"].joules
    with pytest.raises(ClipError, match="two different"):
        ns.estimate(turned, one, time_dim=0, batch_dim=0)


def test_two_profiles_of_one_name_are_refused(model: Net, clip: Tensor, tmp_path: Path) -> None:
    shipped = Path(ns.__file__).parents[1] / "hardware_profiles" / "cmos_45nm.yaml"
    other = tmp_path / "cmos_45nm.yaml"
    other.write_text(shipped.read_text().replace("0.9 pJ", "0.8 pJ"))
    with pytest.raises(ProfileError, match="two different profiles are called 'cmos_45nm'"):
        ns.estimate(model, clip, ["cmos_45nm", other])
    assert list(ns.estimate(model, clip, ["cmos_45nm", "cmos_45nm"])) == ["cmos_45nm"]


def test_the_kernels_that_run_hang_on_no_clip() -> None:
    """Clips of other activity, one choice: a figure depends on nothing that shares its batch."""
    torch.manual_seed(0)
    net, runs = Wide().eval(), []
    for rate in (0.01, 0.9):
        clip = (torch.rand(4, 1, 64, 12, 12) < rate).float()
        runs.append(ns.estimate(net, clip, kind="spike").run.manifest.engine_by_node)
    assert runs[0] == runs[1] and runs[0]["conv"] == "event"  # 0.9 would go to torch


class Wide(nn.Module):
    """Wide enough that the better engine depends on the activity."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.lif = nn.Conv2d(64, 64, 3), PLIF()

    def forward(self, x: Tensor) -> Tensor:
        return self.lif(self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2]))
