"""Counts without facts: priced where they suffice, refused elsewhere, never guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.energy.price import price
from neurosim.errors import UnpricedEvents
from neurosim.ir.counts import Counts
from neurosim.ir.run import Run
from tests.energy import reference
from tests.energy.reference import near


def bare(**events: int) -> Run:
    """One node of which these counts are known."""
    table = {("x", e): np.array([[n]]) for e, n in events.items()}
    return Run.from_counts(Counts(table, 1, 1))


@pytest.mark.parametrize(
    ("profile", "keys", "events", "said"),
    [
        ("gpu", {}, {"synapse": 5}, "execution=dense"),
        ("cmos_45nm", {"positions": "padded"}, {"synapse": 5}, "positions=padded"),
        ("cmos_45nm", {"positions": "lemaire"}, {"mac": 5}, "positions=lemaire"),
        ("cmos_45nm", {"real_into_weights": "inherit"}, {"mac": 5}, "real_into_weights=inherit"),
        ("cmos_45nm", {"real_into_weights": "ac"}, {"mac": 5}, "real_into_weights=ac"),
        ("cmos_45nm", {"stem": "once"}, {"mac": 5}, "stem=once"),
        ("cmos_45nm", {"neuron_updates": "arithmetic"}, {"neuron_idle": 5}, "neuron_updates"),
        ("cmos_45nm", {}, {"add": 5}, "bias=none"),
        ("cmos_45nm", {}, {"multiply": 5}, "other_arithmetic=none"),
        ("cmos_45nm", {}, {"coincidence": 5}, "spike_products=spikingformer"),
        ("cmos_45nm", {"input_neurons": True}, {"input_event": 5}, "input_neurons"),
        ("cmos_45nm_memory", {}, {"weight_read": 5}, "weight_read"),
        ("cmos_45nm_memory_lemaire", {}, {"synapse": 5}, "dataflow lemaire"),
    ],
)
def test_what_needs_facts_is_refused(
    profile: str, keys: dict[str, Any], events: dict[str, int], said: str
) -> None:
    with pytest.raises(UnpricedEvents, match=f"{said}.*'x'.*graph= or facts="):
        price(bare(**events), profile, **keys)


def test_events_times_prices_work_and_say_what_is_unknown() -> None:
    report = price(bare(synapse=10, mac=2), "cmos_45nm")
    assert report.joules == near(10 * 0.9e-12 + 2 * 4.6e-12)
    assert any("facts unknown: counts alone were given" in note for note in report.notes)
    assert report.opaque == () and "run through torch" not in report.summary()
    chip = price(bare(neuron_active=3, neuron_idle=4, spike=1), "loihi1")
    assert chip.joules == near(3 * 81e-12 + 4 * 52e-12)


def test_a_node_that_facts_lack_is_bare_too() -> None:
    nodes = {n: f for n, f in reference.facts().items() if n != "fc"}
    with pytest.raises(UnpricedEvents, match="positions=padded at 'fc'"):
        price(reference.run(nodes=nodes), "cmos_45nm", positions="padded", bias="ac",
              other_arithmetic="count", per_step_affine="multiply_add")  # fmt: skip
