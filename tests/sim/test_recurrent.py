"""Cycles: one kernel, or step by step and counted at once, give what step by step alone gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.sim import cycle
from neurosim.sim.cycle import Cycle


class Cell(nn.Module):
    """Neurons fed by a matrix and by themselves; norse's or ours, perhaps on a grid of int8."""

    def __init__(self, size: int, kind: str, grid: bool = True, bias: bool = False) -> None:
        super().__init__()
        from norse.torch import LIFBoxCell, LIFBoxParameters, LIFCell

        self.w, self.back = nn.Linear(12, size), nn.Linear(size, size, bias=bias)
        rng = torch.Generator().manual_seed(size)
        for layer in (self.w, self.back):
            whole = torch.randint(-40, 60, layer.weight.shape, generator=rng).float() / 64
            noise = torch.rand(layer.weight.shape, generator=rng) / 3
            layer.weight.data = whole if grid else whole + noise
        for layer in (self.w, self.back):
            if layer.bias is not None:
                layer.bias.data = torch.arange(size).float() / 256
        box = LIFBoxParameters(tau_mem_inv=torch.tensor(500.0), v_th=torch.tensor(0.75))
        self.lif = LIFBoxCell(box) if kind == "box" else LIFCell()

    def forward(self, x: Tensor, state: tuple[Tensor, object] | None = None):
        first = x.new_zeros(len(x), self.back.in_features)
        z, held = (first, None) if state is None else state
        z, held = self.lif(self.w(x) + self.back(z), held)
        return z, (z, held)


def graph_of(size: int = 70, **how: object) -> ns.Graph:
    given = {"kind": "box"} | how
    cell = Cell(size, **given).eval()  # type: ignore[arg-type]
    return ns.lower(ns.capture(ns.stepwise(cell), clip(4, 1), kind="spike"))


def clip(steps: int, samples: int) -> Tensor:
    generator = torch.Generator().manual_seed(samples)
    return (torch.rand(steps, samples, 12, generator=generator) < 0.3).float()


@pytest.mark.parametrize("kind", ["box", "lif"])
@pytest.mark.parametrize("size", [5, 64, 70, 100])
@pytest.mark.parametrize("bias", [False, True])
def test_one_kernel_is_the_dense_engine(size: int, kind: str, bias: bool) -> None:
    graph = graph_of(size, kind=kind, bias=bias)
    found = [c.layer for c in _cycles(graph)]
    assert len(found) == 1 and found[0] is not None
    dense = ns.simulate(graph, clip(40, 3), "dense", record="spikes")
    for chunk in (None, 1, 7):
        fused = ns.simulate(graph, clip(40, 3), "event", chunk=chunk)
        np.testing.assert_array_equal(fused.outputs, dense.outputs)
        assert not fused.counts.differences(dense.counts)
    assert dense.counts.total("spike") > 50
    assert 0 < dense.counts.total("neuron_active")


def test_weights_that_are_on_no_grid_stay_within_rounding() -> None:
    graph = graph_of(grid=False)
    dense, event = (ns.simulate(graph, clip(10, 2), e) for e in ("dense", "event"))
    assert dense.counts.total("spike") == event.counts.total("spike") > 0


def test_what_is_looked_at_inside_is_run_step_by_step() -> None:
    graph = graph_of()
    whole = ns.simulate(graph, clip(9, 2), "event", record="all")
    plain = ns.simulate(graph, clip(9, 2), "event")
    dense = ns.simulate(graph, clip(9, 2), "dense", record="all")
    assert not whole.counts.differences(plain.counts)
    for name, value in dense.trace.values.items():
        np.testing.assert_array_equal(whole.trace[name], value)
    run = ns.simulate(graph, clip(9, 2), plain)
    assert run.manifest.engine_by_node == plain.manifest.engine_by_node


@pytest.mark.parametrize("chunk", [None, 1, 4])
def test_counting_at_once_is_counting_step_by_step(
    monkeypatch: pytest.MonkeyPatch, chunk: int | None
) -> None:
    monkeypatch.setattr(cycle, "recurrent_layer", lambda graph, unit: None)
    graph = graph_of(bias=True)
    at_once = ns.simulate(graph, clip(11, 2), "dense", chunk=chunk)
    made = Cycle.__init__

    def slowly(self: Cycle, *args: object) -> None:
        made(self, *args)  # type: ignore[arg-type]
        self.at_once = False

    monkeypatch.setattr(Cycle, "__init__", slowly)
    one_by_one = ns.simulate(graph, clip(11, 2), "dense", chunk=chunk)
    assert not at_once.counts.differences(one_by_one.counts)
    np.testing.assert_array_equal(at_once.outputs, one_by_one.outputs)


def _cycles(graph: ns.Graph) -> list[Cycle]:
    from neurosim.ir.order import units

    return [Cycle(graph, unit, frozenset()) for unit in units(graph) if unit.cycle]
