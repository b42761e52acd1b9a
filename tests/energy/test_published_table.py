"""Published energies recomputed from dense operations and rates alone."""

from __future__ import annotations

import json

import pytest

from neurosim.energy import price
from neurosim.energy.published_table import (
    Layer,
    expected,
    load_published,
    published,
    run_of_table,
    run_published,
)
from neurosim.errors import RatesError, UnknownName
from tests.energy.reference import near


def test_spikingformer_8_512() -> None:
    report = price(run_published("spikingformer_8_512"), "cmos_45nm", convention="spikingformer")
    assert report.joules_per_video * 1e3 == pytest.approx(7.463502602, rel=0, abs=1e-6)


@pytest.mark.parametrize(("convention", "mj"), [("a", 16.00), ("b", 8.46), ("c", 6.88)])
def test_svformer(convention: str, mj: float) -> None:
    report = price(
        run_published("svformer_ucf101"), "cmos_45nm", convention=f"svformer_{convention}"
    )
    assert round(report.joules_per_video * 1e3, 2) == mj


def test_the_dense_row_of_svformer() -> None:
    report = price(run_published("svformer_ucf101"), "cmos_45nm", convention="ann")
    assert report.joules_per_video * 1e3 == near(38.1895 * 4.6, rel=1e-4)


def test_no_result_column_is_shipped() -> None:
    for name in published():
        keys = json.dumps(load_published(name)["layers"])
        assert not any(f'"{k}"' in keys for k in ("ac", "mac", "mJ", "tool_ops"))


def test_attention_counts_once_per_side() -> None:
    report = price(run_published("spikingformer_8_512"), "cmos_45nm", convention="spikingformer")
    block = 4 * 8 * 196 * 64 * 64
    q, k, _ = 0.17230188630104062, 0.03626344770312309, 0.06957707978010177
    nodes = report.by_node()
    assert nodes["block[0].attn.kv"] == near(k * block * 0.9e-12, rel=1e-6)
    assert nodes["block[0].attn.q_kv"] == near(q * block * 0.9e-12, rel=1e-6)


def test_half_rounds_to_even() -> None:
    assert expected(0.5, 5, "x") == 2 and expected(0.5, 7, "x") == 4


def test_bad_tables() -> None:
    with pytest.raises(RatesError, match="conv.*1.2"):
        run_of_table([Layer("conv", 10, 1.2, "spike")])
    with pytest.raises(RatesError, match="conv.*binary"):
        run_of_table([Layer("conv", 10, 0.2, "binary")])
    with pytest.raises(UnknownName, match="spikingformer_8_512"):
        load_published("spikingformer_8_521")
