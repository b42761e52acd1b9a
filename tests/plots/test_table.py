"""CSV and JSON hold the numbers to the last bit."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import StoreError
from neurosim.plots.rates import rate_table
from neurosim.plots.span import Span
from neurosim.plots.steps import step_rates
from neurosim.plots.table import csv_text, records, save_csv


def test_csv_reads_back_equal(run: ns.Run, tmp_path: Path) -> None:
    table = step_rates(run)
    path = save_csv(table, tmp_path / "steps.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == table.columns
    again = np.array([float(r["rate"]) for r in rows if r["depth"]]).reshape(table.rates.shape)
    assert (again == table.rates).all()
    assert [int(r["spikes"]) for r in rows] == [r[3] for r in table.rows()]
    assert csv_text(table) == path.read_text()


def test_unknown_is_empty_and_infinite_is_said() -> None:
    table = rate_table({"a,b": 0.1})
    assert csv_text(table).splitlines()[1] == '"a,b",1,other,,,0.1,,,'
    assert records(table)[0]["neurons"] is None
    (layer,) = table.layers
    endless = replace(table, layers=(replace(layer, tau=Span(*[float("inf")] * 3)),))
    assert records(endless)[0]["tau_steps"] == "inf"
    json.dumps(records(endless), allow_nan=False)
    assert csv_text(endless).splitlines()[1].endswith("inf,inf,inf")


def test_no_folder_is_made_in_passing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such folder"):
        save_csv(rate_table({"a": 0.1}), tmp_path / "nowhere" / "a.csv")
