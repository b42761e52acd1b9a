"""Cycles: one kernel, or step by step and counted at once, give what step by step alone gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.ir.graph import Edge, Node
from neurosim.ir.neuron import IF
from neurosim.ir.order import Unit
from neurosim.ir.types import ValueType, integers
from neurosim.sim import cycle
from neurosim.sim.cycle import Cycle
from tests.sim import loops


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


@pytest.mark.parametrize("late", loops.PLACES)
@pytest.mark.parametrize("bias", [False, True])
def test_one_kernel_wherever_the_loop_is_late(late: str, bias: bool) -> None:
    params, given = loops.weights(1, bias), loops.clip(1)
    graph = loops.loop(params, late)
    expected = loops.by_hand(params, given.numpy(), late)["fired"]
    (found,) = _cycles(graph)
    early = late in ("matrix", "reshape")
    assert (found.layer is not None) == (early or not bias) and found.cut
    dense = ns.simulate(graph, given, "dense")
    np.testing.assert_array_equal(dense.outputs, expected)
    for chunk in (None, 1, 4):
        fused = ns.simulate(graph, given, "event", chunk=chunk)
        np.testing.assert_array_equal(fused.outputs, expected)
        assert not fused.counts.differences(dense.counts)
    assert expected.size > expected.sum() > 10


@pytest.mark.parametrize("late", loops.PLACES)
def test_masks_of_late_currents_are_those_of_step_by_step(
    monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """A REAL value is fed back, but its mask is that of spikes: counted at once all the same."""
    monkeypatch.setattr(cycle, "recurrent_layer", lambda graph, unit: None)
    graph, given = loops.loop(loops.weights(2, density=0.3), late), loops.clip(2, rate=0.05)
    at_once = [ns.simulate(graph, given, "dense", chunk=c) for c in (None, 2)]
    monkeypatch.setattr(cycle, "in_order", lambda unit, goes_on: None)
    one_by_one = ns.simulate(graph, given, "dense")
    assert one_by_one.counts.total("neuron_idle") > 0 < one_by_one.counts.total("neuron_active")
    for run in at_once:
        assert not run.counts.differences(one_by_one.counts)


def test_two_steps_late_is_no_case_for_the_kernel() -> None:
    graph, given = loops.loop(loops.weights(1), "matrix", by=2), loops.clip(1)
    assert [c.layer for c in _cycles(graph)] == [None]
    dense, event = (ns.simulate(graph, given, e, updates=True) for e in ("dense", "event"))
    np.testing.assert_array_equal(event.outputs, dense.outputs)
    assert not event.counts.differences(dense.counts)
    assert (
        dense.outputs != ns.simulate(loops.loop(loops.weights(1), "matrix"), given).outputs
    ).any()


def test_what_goes_round_through_real_values_alone_is_no_cut() -> None:
    def unit(*edges: tuple[str, str, int]) -> Unit:
        neuron = {"equation": IF(v_threshold=1.0).to_dict()}
        spike, real = integers((2,), 3, 0, 1), ValueType((2,), 3)
        names = sorted({name for a, b, _ in edges for name in (a, b)})
        inputs = {n: tuple(Edge(a, d) for a, b, d in edges if b == n) for n in names}
        return Unit(tuple(
            Node(n, "neuron", inputs[n], neuron, type=spike) if n[0] == "n"
            else Node(n, "add", inputs[n], type=real)
            for n in names
        ))  # fmt: skip

    real = unit(("a", "b", 0), ("b", "a", 1), ("b", "n", 0), ("n", "a", 1))
    assert cycle.in_order(real, lambda n: not cycle.spikes(n)) is None
    cut = unit(("b", "a", 1), ("n", "b", 0), ("a", "n", 0))
    found = cycle.in_order(cut, lambda n: not cycle.spikes(n))
    assert found is not None
    assert [n.name for n in found if n.name != "n"] == ["b", "a"]  # unlike the order of the unit
