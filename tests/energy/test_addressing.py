"""Address arithmetic by hand."""

from __future__ import annotations

from dataclasses import replace

from neurosim.energy import price
from neurosim.ir.facts import Geometry, NodeFacts
from neurosim.ir.run import Run
from tests.energy import reference
from tests.energy.reference import CELLS, STEPS, near

pJ = 1e-12


def by_node(run: Run, chip: str, event: str) -> dict[str, float]:
    """Joules of the batch of one event."""
    rows = [r for r in price(run, chip).rows if r.event == event]
    return {n: sum(r.joules for r in rows if r.node == n) for n in {r.node for r in rows}}


def conv_run() -> Run:
    """fc as a convolution."""
    nodes = {**reference.facts()}
    shape = Geometry(2, 3, 1, (3, 3), (2, 2), (1, 1))
    nodes["fc"] = replace(nodes["fc"], geometry=shape, weight_shape=(3, 2, 3, 3))
    return reference.run(nodes=nodes)


def test_addresses_of_events_and_reals() -> None:
    dense = by_node(reference.run(), "cmos_45nm_memory", "addressing")
    assert dense["fc"] == near(15 * 0.1 * pJ * CELLS)  # one addition a synapse
    conv = by_node(conv_run(), "cmos_45nm_memory", "addressing")
    assert conv["fc"] == near((15 * 0.1 + 2 * 5 * 3.2) * pJ * CELLS)  # and 2 multiply-adds an event
    walked = 16 + 32 + 2 * 9  # counters over input, output and kernel, all MACs done
    assert dense["stem"] == near(walked * 0.1 * pJ * CELLS)
    assert set(dense) == {"fc", "stem"}


def test_addresses_are_billed_where_the_dataflow_prices_them() -> None:
    assert not by_node(reference.run(), "cmos_45nm", "addressing")
    assert not by_node(reference.run(), "cmos_7nm", "addressing")
    theirs = by_node(conv_run(), "cmos_45nm_memory_lemaire", "addressing")
    assert theirs["fc"] == near((9 * 5 * 0.1 + 2 * 5 * 3.2) * pJ * CELLS)  # their own, once


def test_addresses_of_a_product_of_two_activities() -> None:
    nodes = {"kv": NodeFacts("kv", "matmul", "product", STEPS, ((4, 4), (4, 4)), (4, 4),
                             ("spike", "spike"), "graded")}  # fmt: skip
    counts = {("kv", "coincidence"): 7, ("kv", "state_read"): 7, ("kv", "state_write"): 7}
    run = reference.run(counts, nodes)
    assert by_node(run, "cmos_45nm_memory", "addressing")["kv"] == near(7 * 0.1 * pJ * CELLS)
