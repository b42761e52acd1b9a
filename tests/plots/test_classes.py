"""Rates by class: against the recorded spikes of the clips of each class."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import neurosim as ns
from neurosim.plots.classes import class_rates, deviations, draw_class_rates
from neurosim.plots.style import PlotError

LABELS = [1, 0, 1, 0, 1, 1]


def test_rates_are_those_of_the_clips_of_the_class(run: ns.Run) -> None:
    table = class_rates(run, LABELS, ["dark", "light"])
    assert table.classes == ("dark", "light") and table.clips == (2, 4)
    for j, name in enumerate(table.nodes):
        for i, clips in enumerate(([1, 3], [0, 2, 4, 5])):
            assert table.rates[i, j] == pytest.approx(run.trace[name][:, clips].mean(), abs=1e-15)
    assert len(set(table.rates[:, 0])) == 2
    total = (table.mean * table.neuron_steps.sum(1)).sum() / table.neuron_steps.sum()
    assert total == pytest.approx(run.mean_firing_rate())


def test_rows_are_spikes_by_class_and_layer(run: ns.Run) -> None:
    rows = class_rates(run, ["a", "b", "a", "b", "a", "b"]).rows()
    assert [r[:4] for r in rows[:3]] == [
        ("a", 3, "lif1", 1), ("a", 3, "lif2", 2), ("a", 3, "all neurons", None),
    ]  # fmt: skip
    assert sum(r[4] for r in rows if r[3] is None) == run.counts.total("spike")


def test_picture_shows_deviations_and_names_classes(run: ns.Run) -> None:
    table = class_rates(run, LABELS)
    axes = draw_class_rates(table)
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(100 * deviations(table.rates))
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        f"{c}  {m:.1%}" for c, m in zip("01", table.mean, strict=True)
    ]


def test_many_classes_are_numbered() -> None:
    counts = {("n", e): np.full((60, 1), 3) for e in ("spike", "neuron_active")}
    run = ns.Run.from_counts(ns.Counts(counts, 60, 1))
    axes = draw_class_rates(class_rates(run, list(range(60))))
    assert len(axes.get_yticks()) < 15 and axes.get_ylabel() == "class"


def test_deviation_by_hand() -> None:
    rates = np.array([[0.1, 0.0], [0.3, 0.0]])
    assert deviations(rates) == pytest.approx(np.array([[-0.5, 0.0], [0.5, 0.0]]))


def test_wrong_labels_are_refused(run: ns.Run) -> None:
    with pytest.raises(PlotError, match="2 labels for 6 clips"):
        class_rates(run, [0, 1])
    with pytest.raises(PlotError, match="only 1 names"):
        class_rates(run, LABELS, ["one"])
    summed = replace(run.counts, samples_summed=True)
    with pytest.raises(PlotError, match="were summed"):
        class_rates(replace(run, counts=summed), LABELS)
