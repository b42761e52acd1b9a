"""A tornado's bars end where its table says."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.energy.sensitivity import sensitivity
from neurosim.plots.style import PlotError
from neurosim.plots.tornado import draw_tornado


def test_bars_reach_from_low_to_high(plain_run: ns.Run) -> None:
    table = sensitivity(ns.price(plain_run, "cmos_45nm_memory"))
    ax = draw_tornado(table)
    total = table.joules_per_video * 1e3
    ends = sorted(b.get_x() + b.get_width() for b in ax.patches)  # type: ignore[attr-defined]
    expected = sorted(x * 1e3 for s in table.swings for x in (s.low, s.high) if x != total / 1e3)
    assert ends == pytest.approx(expected)
    assert np.asarray(ax.lines[0].get_xdata()).tolist() == [total, total]
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names[0] == "sram" and len(names) == len(table.rows()) and ax.yaxis_inverted()
    told = [t.get_text() for t in ax.texts]
    assert sum("no range given" in text for text in told) == len(table.fixed)


def test_no_price_has_a_range(plain_run: ns.Run) -> None:
    with pytest.raises(PlotError, match="no price that was paid has a range"):
        draw_tornado(sensitivity(ns.price(plain_run, "cmos_45nm")))
