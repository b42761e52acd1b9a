"""A clip in pieces gives the figures of the whole clip, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

import neurosim as ns
from neurosim.errors import ClipError, SimulationError
from neurosim.ir.counts import CountsBuilder, CountsSum
from neurosim.nn.plif import PLIF
from neurosim.sim import streaming


class Net(nn.Module):
    """A scores-per-step network; ``mean`` over the steps when asked for."""

    def __init__(self, mean: bool) -> None:
        super().__init__()
        self.conv, self.lif, self.head = nn.Conv2d(2, 6, 3), PLIF(v_threshold=0.3), nn.Linear(96, 3)
        self.mean = mean

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        x = self.head(self.lif(3 * x).flatten(2))
        return x.mean(0) if self.mean else x


@pytest.fixture(scope="module", params=[False, True], ids=["every step", "mean"])
def graph(request: pytest.FixtureRequest) -> ns.Graph:
    torch.manual_seed(1)
    lowered = ns.lower(ns.capture(Net(request.param).eval(), torch.rand(4, 1, 2, 6, 6)))
    return ns.passes.apply(lowered, "snap_weights")


def clip(steps: int, samples: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(steps)
    return torch.randint(0, 3, (steps, samples, 2, 6, 6), generator=generator).float() / 2


def pieces(whole: torch.Tensor, sizes: list[int]) -> Iterator[torch.Tensor]:
    assert sum(sizes) == len(whole)
    yield from whole.split(sizes)


@pytest.mark.parametrize("sizes", [[23], [1] * 23, [5, 1, 9, 8], [20, 3]])
@pytest.mark.parametrize("chunk", [None, 4])
def test_pieces_are_the_clip(graph: ns.Graph, sizes: list[int], chunk: int | None) -> None:
    whole = ns.simulate(graph, clip(23, 2), chunk=chunk)
    run = ns.simulate(graph, pieces(clip(23, 2), sizes), chunk=chunk)
    assert not run.counts.differences(whole.counts)
    assert (run.counts.steps, run.counts.samples) == (23, 2)
    assert run.counts.total("spike") > 50
    np.testing.assert_allclose(run.outputs, whole.outputs, rtol=1e-6)


@pytest.mark.parametrize(("window", "hop"), [(4, None), (5, 2), (3, 5), (23, None), (1, 1)])
@pytest.mark.parametrize("sizes", [[23], [1] * 23, [5, 1, 9, 8]])
def test_windows_of_pieces(graph: ns.Graph, sizes: list[int], window: int, hop: int | None) -> None:
    whole = ns.simulate(graph, clip(23), window=window, hop=hop)
    run = ns.simulate(graph, pieces(clip(23), sizes), window=window, hop=hop, memory_budget=30_000)
    assert run.counts.samples_summed and run.counts.samples == whole.counts.samples
    assert run.manifest.notes == whole.manifest.notes
    for (node, event), array in whole.counts.table.items():
        np.testing.assert_array_equal(run.counts.array(node, event)[0], array.sum(0))
        assert run.counts.squares[node, event] == (array.sum(1) ** 2).sum()
    np.testing.assert_allclose(run.outputs, whole.outputs, rtol=1e-6)
    for name in ("cmos_45nm", "loihi1"):
        one, other = ns.price(run, name), ns.price(whole, name)
        assert one.joules_per_video == pytest.approx(other.joules_per_video, rel=1e-12)


def test_bins_double_and_stay_exact() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 9, (1000, 2))
    builder = CountsBuilder(2, None, 4, budget_bytes=2 * 4 * 8 * 100)
    for first in range(0, 1000, 7):
        builder.add("n", "spike", rows[first : first + 7], first)
    found = builder.finish()
    per_bin = found.steps_per_bin
    assert found.steps == 1000 and per_bin > 1 and found.samples_summed == (builder.rows == 1)
    padded = np.pad(rows, ((0, -len(rows) % per_bin), (0, 0)))
    expected = padded.reshape(-1, per_bin, 2).sum(1).T
    wanted = expected if builder.rows == 2 else expected.sum(0)[None]
    np.testing.assert_array_equal(found.array("n", "spike"), wanted)


def test_sums_of_sums() -> None:
    total = CountsSum()
    for samples in (1, 3):
        builder = CountsBuilder(samples, 2, 1)
        builder.add("n", "spike", np.arange(2 * samples).reshape(2, samples))
        total.add(builder.finish())
    found = total.finish()
    assert (found.samples, found.total("spike")) == (4, 1 + 15)
    assert found.squares["n", "spike"] == 1 + (0 + 3) ** 2 + (1 + 4) ** 2 + (2 + 5) ** 2


def test_large_outputs_are_not_kept(graph: ns.Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "OUTPUT_BUDGET", 40)
    run = ns.simulate(graph, pieces(clip(23), [10, 13]), chunk=5)
    if run.outputs.ndim == 3:  # a score every step
        assert run.outputs.shape == (3, 1, 3) and "kept" in run.manifest.notes[-1]
        whole = ns.simulate(graph, clip(23))
        np.testing.assert_allclose(run.outputs, whole.outputs[-3:], rtol=1e-6)


def test_what_cannot_be_streamed_is_one_line(graph: ns.Graph) -> None:
    with pytest.raises(ClipError, match="no piece"):
        ns.simulate(graph, iter(()))
    with pytest.raises(ClipError, match="pieces alike"):
        ns.simulate(graph, iter([clip(3), clip(3, 2)]), chunk=2)
    with pytest.raises(ClipError, match="23 steps, fewer than one window of 24"):
        ns.simulate(graph, pieces(clip(23), [20, 3]), window=24)
    with pytest.raises(ClipError, match="NaN"):
        ns.simulate(graph, iter([clip(3), clip(3) * torch.nan]))
    with pytest.raises(SimulationError, match="record"):
        ns.simulate(graph, iter([clip(3)]), record="spikes")


def test_a_network_of_a_fixed_length_asks_for_windows() -> None:
    layer, example = nn.Conv3d(1, 2, 3, (2, 1, 1)).eval(), torch.rand(2, 1, 5, 4, 4)
    graph = ns.lower(ns.capture(layer, example, time_dim=2, batch_dim=0))
    x = torch.rand(1, 1, 10, 4, 4)
    with pytest.raises(SimulationError, match="got a stream; pass window=5"):
        ns.simulate(graph, iter([x]))
    run = ns.simulate(graph, iter(x.split(3, 2)), window=5)
    assert run.counts.samples == 2 and run.counts.steps == 5
