"""The neuron equation as data."""

from __future__ import annotations

import json

import pytest

from neurosim.errors import GraphError
from neurosim.ir.neuron import IF, LIF, AdaptiveLIF, CurrentLIF, LeakyIntegrator, Neuron

EQUATIONS = [
    LIF(v_decay=0.9, gain=0.1, v_threshold=1.0, fires=">", reset="to_value", v_reset=0.0),
    IF(fires=">=", reset="subtract", max_spikes=None),
    CurrentLIF(i_decay=0.5, v_decay=0.9),
    AdaptiveLIF(b_k=0.1, b_jump=0.3, v_decay=0.9, v_threshold=0.7),
    LeakyIntegrator(v_decay=0.9),
    Neuron(integrate="difference", leak="divide", tau=2.0, v_min=-1.0, refractory=3),
]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_an_equation_survives_json(equation: Neuron) -> None:
    stored = json.loads(json.dumps(equation.to_dict()))
    assert Neuron.from_dict(stored | {"something": "else"}) == equation


def test_state_words_follow_the_equation() -> None:
    words = [e.state_words for e in EQUATIONS]
    assert words == [1, 1, 2, 2, 1, 2]
    assert EQUATIONS[5].state == ("v", "rest")
    assert EQUATIONS[3].initial("b") == 0.7 and EQUATIONS[5].initial("rest") == 0.0


def test_rest_and_leak() -> None:
    assert LIF(v_decay=0.9).leaky and not IF().leaky
    assert IF().silent_at_rest
    assert (
        not IF(v_threshold=0.0, fires=">=").silent_at_rest
        and IF(v_threshold=0.0, fires=">").silent_at_rest
    )
    assert not Neuron(integrate="leak_add", k=0.1, v_leak=1.5).silent_at_rest
    assert LeakyIntegrator(v_decay=0.5).silent_at_rest
    assert LIF(v_decay=0.5).emitting_membrane().output == "v"


@pytest.mark.parametrize(
    "wrong,named",
    [
        ({"fires": "=>"}, "fires"),
        ({"reset": "zero"}, "reset"),
        ({"v_threshold": float("nan")}, "v_threshold"),
        ({"leak": "divide", "tau": 0.0}, "tau"),
        ({"refractory": -1}, "refractory"),
        ({"max_spikes": 0}, "max_spikes"),
        ({"max_spikes": None}, "several spikes"),
        ({"reset_at": "before", "refractory": 1}, "reset_at"),
        ({"reset_at": "carried"}, "carried"),
    ],
)
def test_what_no_neuron_does_is_refused_by_name(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(GraphError, match=named):
        Neuron(**wrong)  # type: ignore[arg-type]
