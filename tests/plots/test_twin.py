"""The picture of break-even rates shows the numbers of its table."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.energy import price
from neurosim.energy.baseline import Baseline, baseline
from neurosim.plots.style import PlotError
from neurosim.plots.table import csv_text
from neurosim.plots.twin import draw_twin, twin_table
from tests.energy import reference
from tests.energy.test_scaled import layer_fed_by


@pytest.fixture(scope="module")
def found() -> Baseline:
    run = layer_fed_by(6)
    return baseline(run, price(run, "cmos_45nm_memory"))


def test_marks_are_at_the_rates_of_the_table(found: Baseline) -> None:
    axes = draw_twin(twin_table(found))
    marks = {x.get_label(): np.asarray(x.get_xydata()) for x in axes.lines}
    whole, narrow = found.compared
    layers = (*whole.layers, whole.network)
    assert marks["measured rate"][:, 0] == pytest.approx([at.rate for at in layers])
    assert list(marks["measured rate"][:, 1]) == [0, 1, 2]
    for compared in (whole, narrow):
        evens = [at.break_even for at in (*compared.layers, compared.network)]
        shown = marks[f"break-even, {compared.format}"][:, 0]
        low, high = axes.get_xlim()
        assert shown == pytest.approx([min(max(e or 0, low), high) for e in evens])
    assert [t.get_text() for t in axes.get_yticklabels()] == ["fc", "qk", "network"]
    assert axes.get_title(loc="left") == "cmos_45nm_memory" and "rate" in axes.get_xlabel()


def test_never_is_said_at_the_left_end() -> None:
    run = reference.run()
    axes = draw_twin(twin_table(baseline(run, price(run, "loihi1"))))
    assert "never" in [t.get_text() for t in axes.texts]


def test_rows_hold_both_twins_and_full_precision(found: Baseline) -> None:
    table = twin_table(found)
    lines = csv_text(table).splitlines()
    assert len(lines) == 1 + 2 * 3 and len(table.columns) == len(table.rows()[0])
    even = found.compared[0].layers[0].break_even
    assert repr(even) in lines[1] and lines[3].split(",")[4] == "network"


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(PlotError, match="because"):
        twin_table(Baseline((), ("because",)))
