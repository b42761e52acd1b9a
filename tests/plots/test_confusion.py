"""The confusion matrix, against a loop over the clips."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.plots.confusion import confusion_matrix, draw_confusion
from neurosim.plots.style import PlotError

LABELS, CALLED = [0, 0, 0, 1, 1], [0, 1, 1, 1, 1]


def test_counts_and_shares_by_hand() -> None:
    table = confusion_matrix(LABELS, CALLED, ["a", "b", "c"])
    assert table.counts.tolist() == [[1, 2, 0], [0, 2, 0], [0, 0, 0]]
    assert table.shares[0] == pytest.approx([1 / 3, 2 / 3, 0])
    assert np.isnan(table.shares[2]).all()
    assert table.accuracy == 3 / 5
    assert table.rows()[1] == ("a", "b", 2, pytest.approx(2 / 3))
    assert len(table.rows()) == 9


def test_picture_writes_percent_of_each_row() -> None:
    axes = draw_confusion(confusion_matrix(LABELS, CALLED, ["a", "b"]))
    assert np.asarray(axes.images[0].get_array())[0] == pytest.approx([100 / 3, 200 / 3])
    written = {t.get_position(): t.get_text() for t in axes.texts}
    assert written == {(0, 0): "33", (1, 0): "67", (1, 1): "100"}
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b"]


def test_many_classes_get_a_colour_bar_instead() -> None:
    names = [str(i) for i in range(40)]
    axes = draw_confusion(confusion_matrix(range(40), range(40), names))
    assert not axes.texts and len(axes.figure.axes) == 2


@pytest.mark.parametrize(("labels", "called"), [([0], [0, 1]), ([], []), ([0], [2]), ([-1], [0])])
def test_what_is_no_matrix_is_refused(labels: list[int], called: list[int]) -> None:
    with pytest.raises(PlotError):
        confusion_matrix(labels, called, ["a", "b"])
