"""Numbers that no register holds are refused; an equation with a fixed point survives JSON."""

from __future__ import annotations

import json

import pytest

from neurosim.errors import GraphError
from neurosim.ir.fixed_point import FixedPoint
from neurosim.ir.neuron import LIF, Neuron


def test_equation_survives_json_and_says_its_state() -> None:
    fixed = FixedPoint(u_decay=4096, v_decay=1024, threshold=640)
    neuron = LIF(v_decay=0.75, fixed_point=fixed)
    assert Neuron.from_dict(json.loads(json.dumps(neuron.to_dict()))) == neuron
    assert neuron.state == ("v",) and "fixed_point" not in LIF(v_decay=0.75).to_dict()
    remembers = LIF(v_decay=0.75, fixed_point=FixedPoint(2048, 1024, 640))
    assert remembers.state == ("v", "i") and remembers.state_words == 2


@pytest.mark.parametrize(
    ("numbers", "said"),
    [((4097, 0, 64), "decays"), ((0, -1, 64), "decays"), ((0, 0, 2**23 + 1), "24 bits"),
     ((0, 0, -64), "24 bits")],
)  # fmt: skip
def test_what_no_register_holds_is_refused(numbers: tuple[int, int, int], said: str) -> None:
    with pytest.raises(GraphError, match=said):
        FixedPoint(*numbers)
