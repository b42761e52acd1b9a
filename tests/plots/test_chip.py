"""What is drawn of a chip is what the placement says."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.plots.chip import (
    core_load,
    draw_core_load,
    draw_link_load,
    draw_step_times,
    link_load,
    step_times,
)
from neurosim.plots.style import PlotError
from tests.mapping.nets import conv_net, run_of
from tests.mapping.test_place import chip


@pytest.fixture(scope="module")
def mapped() -> tuple[ns.Placement, ns.Run]:
    small = chip(neurons_per_core=12, cores=32, tiles=(4, 4), cores_per_tile=2)
    return ns.place(conv_net(), small, "hops"), run_of(conv_net())


def test_cores_are_shaded_by_their_work(mapped: tuple[ns.Placement, ns.Run]) -> None:
    placement, run = mapped
    table = core_load(placement, run)
    timing = placement.timing(run)
    assert timing.generation is not None and timing.processing is not None
    busy = np.maximum(timing.generation, timing.processing).sum(axis=0)
    assert table.seconds.sum() == pytest.approx(busy.sum())
    assert table.neurons.sum() == 293 and all(table.layers)
    image = draw_core_load(table).images[0].get_array()
    shades = np.ma.filled(np.ma.masked_invalid(np.asarray(image, float)), 0.0)
    assert shades.sum() == pytest.approx(busy.sum() * 1e6)
    assert np.count_nonzero(shades) == len(placement.at) == len(table.rows())


def test_links_are_drawn_where_messages_went(mapped: tuple[ns.Placement, ns.Run]) -> None:
    placement, run = mapped
    table = link_load(placement, run)
    hops = sum(n for (_, e), n in placement.traffic(run).items() if e.startswith("hop"))
    assert table.messages.sum() * run.samples == pytest.approx(hops)
    lines = draw_link_load(table).collections[-1]
    assert len(lines.get_paths()) == len(table.rows()) == np.count_nonzero(table.messages)


def test_steps_are_the_timings(mapped: tuple[ns.Placement, ns.Run]) -> None:
    placement, run = mapped
    table = step_times(placement, run)
    lines = {str(x.get_label()): np.asarray(x.get_ydata()) for x in draw_step_times(table).lines}
    assert lines["step"] == pytest.approx(placement.timing(run).steps.mean(axis=0) * 1e6)
    assert len(table.rows()) == run.steps + placement.late
    assert (table.step >= table.processing).all()


def test_what_a_chip_does_not_tell_cannot_be_drawn(mapped: tuple[ns.Placement, ns.Run]) -> None:
    _, run = mapped
    placed = ns.place(conv_net(), "loihi2")
    with pytest.raises(PlotError, match="fixed step"):
        core_load(placed, run)
    with pytest.raises(PlotError, match="no mesh"):
        link_load(placed, run)
    assert np.isnan(step_times(placed, run).generation).all()
    draw_step_times(step_times(placed, run))
