"""SRAM laws through published points, spilling, and the dataflow of Lemaire 2022 term by term."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neurosim.energy import price
from neurosim.energy.bill import bill
from neurosim.energy.memory import capacity_bits, word, word_joules
from neurosim.hardware import load_convention, load_profile
from neurosim.hardware.schema import Dataflow, Memory
from neurosim.ir.facts import Geometry
from tests.energy import reference
from tests.energy.reference import CELLS, SAMPLES, near

KB = 8 * 1024


def model() -> Memory:
    """The memory of cmos_45nm_memory."""
    found = load_profile("cmos_45nm_memory").memory
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kb", "pj"), [(8, 10), (32, 20), (1024, 100), (128, 38.1), (192, 46.0), (256, 52.5)]
)
def test_loglog_goes_through_the_points(kb: int, pj: float) -> None:
    assert word_joules(model(), "loglog", kb * KB, 64) == near(pj * 1e-12, rel=2e-3)


def test_other_laws() -> None:
    assert word_joules(model(), "power_law", 8 * KB, 64) == near(3.802e-12 * 8**0.4726, rel=1e-3)
    assert word_joules(model(), "linear", 8 * KB, 32) == near(1.09e-17 * 8 * KB + 13.2e-12)
    assert word_joules(model(), "packed", 99 * KB, 16) == near(2.5e-12)


def test_range_spans_the_laws() -> None:
    value, low, high = word(model(), reference.facts()["fc"], "weights")
    assert low <= value <= high and high >= 13.2e-12


def test_capacities() -> None:
    nodes = reference.facts()
    assert capacity_bits(model(), nodes["fc"], "weights") == 96 * 32
    assert capacity_bits(model(), nodes["fc"], "state") == 3 * 32
    assert capacity_bits(model(), nodes["lif"], "state") == 32 * 32
    assert capacity_bits(model(), nodes["fc"], "activation_in") == 32 * 32


def test_weights_beyond_the_largest_sram_stream_from_dram() -> None:
    nodes = {**reference.facts()}
    big = replace(nodes["fc"], weight_shape=(4096, 4096), parameters=4096 * 4096)
    report = price(reference.run(nodes={**nodes, "fc": big}), "cmos_45nm_memory")
    words = 4096 * 4096 * CELLS
    assert report.by_event()["dram_read"] == near(words * 650e-12, rel=1e-9)
    assert "dram_read" not in price(reference.run(), "cmos_45nm_memory").by_event()


def lemaire(variant: str, nodes: dict[str, object]) -> dict[tuple[str, str, str], float]:
    """Quantities of the whole run."""
    flow = Dataflow(kind="lemaire", variant=variant)  # type: ignore[arg-type]
    run = reference.run(nodes=nodes)  # type: ignore[arg-type]
    out: dict[tuple[str, str, str], float] = {}
    for line in bill(run, load_convention("lemaire"), flow).lines:
        key = (line.node, line.event, line.billed)
        out[key] = out.get(key, 0.0) + line.quantity
    return out


def conv_nodes() -> dict[str, object]:
    """fc as a strided convolution: C_in 2, C_out 3, 3×3, stride 2."""
    nodes: dict[str, object] = {**reference.facts()}
    shape = Geometry(2, 3, 1, (3, 3), (2, 2), (1, 1))
    nodes["fc"] = replace(reference.facts()["fc"], geometry=shape, weight_shape=(3, 2, 3, 3))
    return nodes


def test_lemaire_spiking_convolution() -> None:
    theta, reach = 5 * CELLS, 3 * 3 * 3
    found = lemaire("code", conv_nodes())
    assert found["fc", "activation_read", "activation_read"] == theta
    assert found["fc", "state_read", "state_read"] == theta * reach
    assert found["fc", "state_write", "state_write"] == theta * reach
    assert found["fc", "weight_read", "weight_read"] == theta * reach + 3 * CELLS
    assert found["fc", "synapse", "synapse"] == theta * 2 * 2 * 3
    assert found["fc", "addressing", "mac"] == 2 * theta
    assert found["fc", "addressing", "add"] == theta * 9  # the code leaves C_out out
    printed = lemaire("paper", conv_nodes())
    assert printed["fc", "addressing", "add"] == theta * reach
    assert printed["fc", "weight_read", "weight_read"] == theta * reach + 3 * CELLS / 2


def test_lemaire_spiking_dense_layer() -> None:
    theta = 5 * CELLS
    assert lemaire("code", {**reference.facts()})["fc", "addressing", "add"] == near(
        SAMPLES * 3 * 5 / 32
    )
    assert lemaire("paper", {**reference.facts()})["fc", "addressing", "add"] == theta * 3
    assert ("fc", "addressing", "mac") not in lemaire("code", {**reference.facts()})


def test_lemaire_formal_convolution_and_neuron() -> None:
    found = lemaire("code", {**reference.facts()})
    assert found["stem", "mac", "mac"] == 288 * CELLS
    assert found["stem", "activation_read", "activation_read"] == 288 * CELLS
    assert found["stem", "weight_read", "weight_read"] == (288 + 32) * CELLS
    assert found["stem", "activation_write", "activation_write"] == 32 * CELLS
    assert found["stem", "addressing", "add"] == (16 + 32 + 2 * 9) * CELLS
    assert found["lif", "state_read", "state_read"] == 32 * CELLS
    assert found["lif", "neuron_update", "mac"] == 32 * CELLS  # leak
    assert found["lif", "neuron_update", "add"] == 5 * CELLS  # reset of each emitted event
    assert (
        lemaire("paper", {**reference.facts()})["lif", "state_write", "state_write"] == 16 * CELLS
    )
