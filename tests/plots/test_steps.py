"""Rates over the steps: against the recorded spikes, and where steps were binned."""

from __future__ import annotations

import numpy as np
import pytest
from torch import Tensor

import neurosim as ns
from neurosim.ir.counts import CountsBuilder
from neurosim.plots.steps import draw_step_rates, step_rates
from neurosim.plots.style import PlotError


def test_rates_of_the_counts_are_those_of_the_trace(run: ns.Run) -> None:
    table = step_rates(run)
    for name, rates in zip(table.nodes, table.rates, strict=True):
        trace = run.trace[name]
        expected = trace.reshape(trace.shape[0], -1).mean(1)
        assert rates == pytest.approx(expected, abs=0)
    spikes = sum(run.trace[n].reshape(5, -1).sum(1).astype(int) for n in table.nodes)
    assert table.mean == pytest.approx(spikes / (6 * 74), abs=1e-15)


def test_rows_end_with_all_neurons(run: ns.Run) -> None:
    rows = step_rates(run).rows()
    assert len(rows) == 3 * run.steps
    assert rows[0][:3] == ("lif1", 1, 0) and rows[-1][:3] == ("all neurons", None, 4)
    assert sum(r[3] for r in rows[:10]) == sum(r[3] for r in rows[10:]) == run.counts.total("spike")


def test_lines_are_the_rates(run: ns.Run) -> None:
    table = step_rates(run)
    lines = {str(x.get_label()): np.asarray(x.get_ydata()) for x in draw_step_rates(table).lines}
    assert lines["_lif1"] == pytest.approx(table.rates[0] * 100)
    assert lines["_lif2"] == pytest.approx(table.rates[1] * 100)
    assert lines["all neurons"] == pytest.approx(table.mean * 100)


def test_binned_steps_keep_their_rates(run: ns.Run) -> None:
    builder = CountsBuilder(run.samples, run.steps, 2, budget_bytes=6 * 8 * 2 * 3)
    for event in ("spike", "neuron_active", "neuron_idle"):
        builder.add("lif1", event, run.counts.array("lif1", event).T)
    binned = ns.Run.from_counts(builder.finish(), facts={"lif1": run.facts["lif1"]})
    assert binned.counts.steps_per_bin == 2
    table = step_rates(binned)
    trace = run.trace["lif1"].reshape(5, -1)
    assert table.first_steps.tolist() == [0, 2, 4]
    expected = [trace[:2].mean(), trace[2:4].mean(), trace[4:].mean()]
    assert table.rates[0] == pytest.approx(expected, abs=1e-15)


def test_spikes_alone_are_divided_by_the_layers_size(run: ns.Run) -> None:
    """Where a table of counts has neither active nor idle neuron-steps."""
    counts = ns.Counts({("lif1", "spike"): run.counts.array("lif1", "spike")}, 6, 5)
    only = ns.Run.from_counts(counts, facts={"lif1": run.facts["lif1"]})
    assert step_rates(only).rates[0] == pytest.approx(step_rates(run).rates[0])
    summed = ns.Counts(
        {("lif1", "spike"): counts.table["lif1", "spike"].sum(0, keepdims=True)}, 6, 5,
        samples_summed=True,
    )  # fmt: skip
    only = ns.Run.from_counts(summed, facts={"lif1": run.facts["lif1"]})
    assert step_rates(only).rates[0] == pytest.approx(step_rates(run).rates[0])


def test_a_run_without_neurons_is_refused(clip: Tensor) -> None:
    counts = ns.Counts({("fc", "mac"): np.array([[3]])}, 1, 1)
    with pytest.raises(PlotError, match="no layer of spiking neurons"):
        step_rates(ns.Run.from_counts(counts))
