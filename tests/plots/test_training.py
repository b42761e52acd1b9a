"""Training curves show what was measured, epoch by epoch."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.plots.style import PlotError
from neurosim.plots.table import csv_text
from neurosim.plots.training import TrainingCurves, training_curves

CURVES = TrainingCurves(
    loss={"train": [2.0, 1.0, 0.5], "validation": [2.1, float("nan"), 0.9]},
    accuracy={"validation": [0.1, 0.4, 0.6]},
    firing_rate={"train": [0.2, 0.15, 0.1]},
)


def test_panels_hold_the_values() -> None:
    loss, accuracy, rate = training_curves(CURVES).axes
    train, validation = loss.lines
    assert np.asarray(train.get_xydata()).tolist() == [[1, 2.0], [2, 1.0], [3, 0.5]]
    assert np.isnan(np.asarray(validation.get_ydata())[1])
    assert np.asarray(accuracy.lines[0].get_ydata()) == pytest.approx([10, 40, 60])
    assert np.asarray(rate.lines[0].get_ydata()) == pytest.approx([20, 15, 10])
    assert loss.get_legend() is not None and rate.get_legend() is None
    assert (loss.get_xlabel(), rate.get_xlabel()) == ("", "epoch")


def test_only_what_was_measured_gets_a_panel() -> None:
    figure = training_curves(TrainingCurves(loss={"train": [1.0]}))
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss"]
    with pytest.raises(PlotError, match="at least one"):
        training_curves(TrainingCurves())


def test_rows_are_values_and_an_unmeasured_epoch_is_empty() -> None:
    lines = csv_text(CURVES).splitlines()
    assert lines[0] == "quantity,series,epoch,value" and len(lines) == 1 + 12
    assert "loss,validation,2," in lines and "accuracy,validation,3,0.6" in lines
