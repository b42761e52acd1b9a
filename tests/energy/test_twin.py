"""The dense twin, against the same network run with rectifiers in the place of its neurons."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.energy.published_table import published, run_published
from neurosim.energy.twin import dense_twin
from neurosim.errors import ClipError
from neurosim.ir.run import Run
from neurosim.nn.plif import PLIF

STEPS, SAMPLES = 4, 2
IGNORED = {"neuron_active", "neuron_idle", "spike", "state_read", "state_write"}


class Net(nn.Module):
    """Convolutions with padding, groups and bias, attention, a head on a mean over time."""

    def __init__(self, spiking: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 8, 3, 2, 1, groups=2, bias=False)
        self.qk, self.head = nn.Linear(8, 16, bias=False), nn.Linear(8, 3)
        self.act1, self.act2, self.act3 = (PLIF() if spiking else nn.ReLU() for _ in range(3))
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.7)

    def forward(self, x: Tensor) -> Tensor:
        steps, samples = x.shape[:2]
        x = self.act1(self.norm(self.conv1(x.flatten(0, 1))).unflatten(0, (steps, samples)))
        x = self.act2(self.conv2(x.flatten(0, 1)).unflatten(0, (steps, samples)))
        tokens = x.flatten(3).transpose(2, 3)
        q, k = self.act3(self.qk(tokens)).chunk(2, -1)
        tokens = (q @ k.transpose(2, 3)) @ tokens
        return self.head(tokens.mean(2).mean(0))


def measured(spiking: bool, steps: int = STEPS) -> Run:
    clip = torch.rand(1, SAMPLES, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    clip = clip.expand(steps, -1, -1, -1, -1).contiguous()
    return ns.estimate(Net(spiking).eval(), clip).run


@pytest.fixture(scope="module")
def spiking() -> Run:
    return measured(True)


def totals(run: Run) -> dict[tuple[str, str], int]:
    found = {(n, e): int(a.sum()) for n, e, a in run.counts if e not in IGNORED and a.any()}
    return {key: found[key] for key in sorted(found)}


@pytest.mark.parametrize("frames", [STEPS, 1])
def test_counts_are_those_of_the_same_network_with_rectifiers(spiking: Run, frames: int) -> None:
    assert spiking.mean_firing_rate() > 0.05 and spiking.synaptic_operations() > 0
    twin, network = dense_twin(spiking, frames), measured(False, frames)
    assert totals(twin) == totals(network)
    assert twin.samples == network.samples and twin.counts.steps == network.steps == frames


@pytest.mark.parametrize("chip", ["cmos_45nm", "cmos_45nm_memory", "cmos_7nm"])
@pytest.mark.parametrize("convention", ["exact", "literature", "padded"])
def test_joules_are_those_of_the_same_network(spiking: Run, chip: str, convention: str) -> None:
    network = measured(False)
    twin = ns.price(dense_twin(spiking), chip, convention=convention)
    assert twin.joules == pytest.approx(
        ns.price(network, chip, convention=convention).joules, rel=1e-12, abs=0
    )


@pytest.mark.parametrize("table", published())
def test_a_published_tables_twin_is_its_dense_operations(table: str) -> None:
    """The ANN row of the literature: 4.6 pJ × every dense operation."""
    run = run_published(table)
    twin = ns.price(dense_twin(run), "cmos_45nm", convention="padded")
    operations = sum(f.dense_macs for f in run.facts.values())
    assert twin.joules == pytest.approx(4.6e-12 * operations, rel=1e-12, abs=0)
    assert twin.joules == pytest.approx(
        ns.price(run, "cmos_45nm", convention="ann").joules, rel=1e-12, abs=0
    )


def test_a_share_of_zeros_is_skipped_but_for_the_pixels(spiking: Run) -> None:
    whole, part = dense_twin(spiking), dense_twin(spiking, zeros=0.5)
    assert part.counts.get("conv1", "mac") == whole.counts.get("conv1", "mac")
    assert 2 * part.counts.get("conv2", "mac") == whole.counts.get("conv2", "mac") > 0


@pytest.mark.parametrize("how", [{"frames": 0}, {"frames": 5}, {"zeros": 1.0}, {"zeros": -0.1}])
def test_what_cannot_be_is_refused(spiking: Run, how: dict[str, float]) -> None:
    with pytest.raises(ClipError, match="give"):
        dense_twin(spiking, **how)  # type: ignore[arg-type]
