"""Silent and saturated neurons and the raster: against loops over the recorded spikes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import UnknownName
from neurosim.ir.run import Trace
from neurosim.plots.activity import has_trace, recorded
from neurosim.plots.raster import draw_raster, spike_raster, spread
from neurosim.plots.silent import draw_silent, silent_neurons
from neurosim.plots.style import PlotError


@pytest.fixture(scope="module")
def extreme(run: ns.Run) -> ns.Run:
    """Of lif2's ten neurons 3 never fire, 2 always do and one is missing a single spike."""
    spikes = np.array(run.trace["lif2"])
    spikes[...] = 0
    spikes[::2, :, 3:] = 1
    spikes[..., :2] = 1
    spikes[..., 2] = 1
    spikes[4, 5, 2] = 0
    spikes[..., 7:] = 0
    return replace(run, trace=Trace({**run.trace.values, "lif2": spikes}))


def test_silent_and_saturated_by_hand(extreme: ns.Run) -> None:
    table = silent_neurons(extreme)
    found = table.layers[1]
    assert (found.node, found.depth, found.neurons) == ("lif2", 2, 10)
    assert (found.silent, found.saturated) == (3, 2)
    assert table.rows()[1][-2:] == (0.3, 0.2)


def test_silent_by_brute_force(run: ns.Run) -> None:
    for layer in silent_neurons(run).layers:
        spikes = run.trace[layer.node]
        flat = spikes.reshape(spikes.shape[0] * spikes.shape[1], -1)
        assert layer.silent == sum(not column.any() for column in flat.T)
        assert layer.saturated == sum(bool(column.all()) for column in flat.T)
    assert sum(x.silent for x in silent_neurons(run).layers) > 0


def test_bars_are_the_shares(extreme: ns.Run) -> None:
    axes = draw_silent(silent_neurons(extreme))
    silent, saturated = axes.containers
    assert silent[1].get_height() == pytest.approx(30)  # type: ignore[index]
    assert saturated[1].get_y() == pytest.approx(30)  # type: ignore[index]
    assert saturated[1].get_height() == pytest.approx(20)  # type: ignore[index]
    assert "6 clips × 5 steps" in axes.get_ylabel()


def test_raster_is_the_trace_of_one_clip(run: ns.Run) -> None:
    table = spike_raster(run, "lif1", 4)
    again = np.zeros((table.steps, table.neurons), np.uint8)
    again[table.step, table.neuron] = 1
    assert (again == run.trace["lif1"][:, 4].reshape(5, 64)).all()
    assert len(table.rows()) == run.counts.array("lif1", "spike")[4].sum() > 0
    assert (np.diff(table.step) >= 0).all()


def test_strokes_are_the_spikes_of_the_neurons_shown(run: ns.Run) -> None:
    table = spike_raster(run, "lif1", 5)
    axes = draw_raster(table, shown=16)
    shown = set(spread(64, 16).tolist())
    expected = {(t, n) for t, n in zip(table.step, table.neuron, strict=True) if n in shown}
    segments = [np.asarray(s) for s in axes.collections[0].get_segments()]  # type: ignore[attr-defined]
    assert {(s[0, 0], s[:, 1].mean().round(6)) for s in segments} == expected
    assert "16 of 64" in axes.get_ylabel() and "lif1, clip 5" in axes.get_title("left")
    assert axes.get_ylim()[0] < 0 and axes.get_ylim()[1] > 63


@pytest.mark.parametrize(("neurons", "shown"), [(5, 80), (80, 80), (1000, 7), (1, 1)])
def test_spread_is_even(neurons: int, shown: int) -> None:
    found = spread(neurons, shown)
    assert len(set(found.tolist())) == len(found) == min(neurons, shown)
    assert found[0] == 0 and found[-1] < neurons
    assert np.ptp(np.diff(found)) <= 1 if len(found) > 1 else True


def test_without_a_trace_the_error_says_how_to_record(plain_run: ns.Run) -> None:
    assert not has_trace(plain_run)
    for draw in (silent_neurons, lambda r: spike_raster(r, "lif1")):
        with pytest.raises(PlotError, match="record='spikes'") as error:
            draw(plain_run)
        assert "\n" not in str(error.value)


def test_unknown_layers_and_clips_are_refused(run: ns.Run) -> None:
    with pytest.raises(UnknownName, match="did you mean lif"):
        spike_raster(run, "lif3")
    with pytest.raises(PlotError, match="clips 0 to 5"):
        spike_raster(run, "lif1", 6)
    part = replace(run, trace=Trace({"lif1": run.trace["lif1"]}))
    with pytest.raises(PlotError, match="lif2: the run holds no spikes"):
        spike_raster(part, "lif2")
    assert [x.node for x in silent_neurons(part).layers] == ["lif1"]


def test_a_value_of_the_whole_clip_is_one_step(run: ns.Run) -> None:
    part = replace(run, trace=Trace({"lif2": run.trace["lif2"][0]}))  # (samples, 10)
    assert recorded(part, "lif2").shape == (1, 6, 10)
