"""Words that move at most once a step."""

from __future__ import annotations

from math import prod

from neurosim.energy import price
from neurosim.ir.run import Run
from tests.energy import reference
from tests.energy.reference import CELLS, COUNTS, SAMPLES, STEPS


def words(run: Run, chip: str) -> dict[tuple[str, str], float]:
    """(node, event) → words."""
    kinds = ("weight_read", "state_read", "state_write", "activation_read", "activation_write")
    return {(r.node, r.event): r.quantity for r in price(run, chip).rows if r.event in kinds}


def test_no_word_moves_twice_in_a_step() -> None:
    full = words(reference.run(), "cmos_45nm_memory")
    once = words(reference.run(), "cmos_45nm_memory_reuse")
    assert full == {k: v * CELLS for k, v in COUNTS.items() if k in full}
    assert once["stem", "weight_read"] == 20 * CELLS  # its parameters, of 232 reads
    assert once["stem", "activation_read"] == 16 * CELLS  # the frame, of 200 reads
    assert once["fc", "state_read"] == once["fc", "state_write"] == 3 * CELLS  # of 15
    assert once["fc", "weight_read"] == full["fc", "weight_read"]  # 15 of 99: each once already
    assert {k: v for k, v in once.items() if k[0] == "lif"} == {
        k: v for k, v in full.items() if k[0] == "lif"
    }


def test_reuse_never_reads_more_and_follows_steps_and_samples() -> None:
    many = {k: 1000 * v for k, v in COUNTS.items()}
    full, once = (words(reference.run(many), f"cmos_45nm_memory{x}") for x in ("", "_reuse"))
    assert all(once[k] <= full[k] for k in full) and set(once) == set(full)
    fc = reference.facts()["fc"]
    assert once["fc", "weight_read"] == max(fc.parameters, prod(fc.weight_shape)) * STEPS * SAMPLES
