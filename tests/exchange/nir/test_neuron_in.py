"""NIR's neurons by each framework's convention, and what our metadata brings back."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.errors import NirError
from neurosim.ir.neuron import Neuron
from tests.exchange.nir.graphs import layer, lone


def read(made: Any, **how: Any) -> tuple[Neuron, dict[str, np.ndarray]]:
    """The one neuron of Input → it → Output, and its arrays."""
    graph = ns.from_nir(layer(made), **how)
    node = graph["it"]
    arrays = {role: graph.params[key] for role, key in node.params.items()}
    return Neuron.from_dict(node.attrs["equation"]), arrays


def lif(tau: float, r: float, **more: float) -> Any:
    """A LIF of three neurons, all the same."""
    fields = {"v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0, **more}
    return nir.LIF(
        tau=np.full(3, tau), r=np.full(3, r), **{k: np.full(3, v) for k, v in fields.items()}
    )


def test_euler_by_nirs_own_words() -> None:
    neuron, arrays = read(lif(1e-3, 2.0, v_leak=0.5, v_reset=-1.0), dt=1e-4)
    assert not arrays
    assert neuron == Neuron(
        integrate="leak_add", k=float(np.float32(0.1)), gain=2.0, v_leak=0.5, v_reset=-1.0
    )


def test_an_integrator_is_per_second() -> None:
    made = nir.IF(r=np.full(3, 1e4), v_threshold=np.ones(3))
    assert read(made, dt=1e-4)[0] == Neuron()
    assert read(nir.I(r=np.full(3, 500.0)), dt=1e-3)[0].gain == 0.5


def test_beta_of_snntorch_is_exact() -> None:
    for beta in (0.9, 0.95, 0.5, 0.8187, 1.0):
        with np.errstate(divide="ignore"):
            tau = np.float32(1e-4) / (1 - np.full(3, beta, np.float32))
        made = nir.LIF(
            tau=tau, r=tau / np.float32(1e-4), v_leak=np.zeros(3, np.float32),
            v_threshold=np.ones(3, np.float32),
        )  # fmt: skip
        neuron, _ = read(made, source="snntorch")
        assert (neuron.v_decay, neuron.gain) == (float(np.float32(beta)), 1.0)


def test_what_the_exporter_dropped_is_said_by_the_user() -> None:
    made = lif(1e-3, 10.0)
    neuron, _ = read(made, source="snntorch", reset="subtract", reset_at="after", fires=">=")
    assert (neuron.reset, neuron.reset_at, neuron.fires) == ("subtract", "after", ">=")
    assert neuron.v_decay == pytest.approx(0.9)


def test_spikingjelly_decays_its_input_or_not() -> None:
    decayed, _ = read(lif(2e-4, 1.0, v_leak=0.25, v_reset=0.25), source="spikingjelly")
    assert (decayed.integrate, decayed.leak, decayed.tau) == ("difference", "divide", 2.0)
    assert (decayed.fires, decayed.v_init) == (">=", 0.25)
    whole, _ = read(lif(2e-4, 2.0), source="spikingjelly")
    assert (whole.integrate, whole.gain) == ("leak_only", 1.0)


def test_sinabs_decays_exponentially() -> None:
    alpha = float(torch.exp(torch.tensor(-1 / 8.0)))
    neuron, _ = read(lif(8.0, 1.0), source="sinabs")
    assert neuron.v_decay == alpha and neuron.gain == pytest.approx(1 - alpha)
    assert (neuron.reset, neuron.max_spikes) == ("subtract", None)
    assert read(lif(8.0, 1.0), source="sinabs_sum")[0].gain == 1.0


def test_lava_of_the_nir_paper() -> None:
    """u ← (1 − du)·u + x, v ← (1 − dv)·v + u with du = 1024/4096, dv = 512/4096."""
    tau_mem, tau_syn = 1e-4 / 0.125, 1e-4 / 0.25
    made = nir.CubaLIF(
        tau_syn=np.full(3, tau_syn), tau_mem=np.full(3, tau_mem), r=np.full(3, tau_mem / 1e-4),
        v_leak=np.zeros(3), v_threshold=np.full(3, 2.0), w_in=np.full(3, tau_syn / 1e-4),
    )  # fmt: skip
    neuron, _ = read(made, source="lava")
    assert neuron == Neuron(v_decay=0.875, current="decay_first", i_decay=0.75, v_threshold=2.0)


def test_parameters_that_differ_become_arrays_and_others_do_not() -> None:
    made = lif(1e-3, 1.0)
    made.v_threshold = np.array([1.0, 2.0, 3.0])
    neuron, arrays = read(made, dt=1e-4)
    assert set(arrays) == {"v_threshold"} and arrays["v_threshold"].dtype == np.float32
    assert neuron.v_threshold == 1.0


WRONG: dict[str, tuple[Any, dict[str, Any]]] = {
    "how long a step is": (lif(1e-3, 1.0), {}),
    "too long for its time constant": (lif(1e-5, 1.0), {"dt": 1e-3}),
    "expects more than 0": (lif(-1.0, 1.0), {"dt": 1e-3}),
    "NaN": (lif(1.0, float("nan")), {"dt": 1e-3}),
    "beyond float32": (lif(1.0, 1e60), {"dt": 1e-3}),
    "which sinabs has no term for": (lif(8.0, 1.0, v_leak=1.0), {"source": "sinabs"}),
    "choose one of": (lif(1.0, 1.0), {"dt": 1e-3, "reset": "gently"}),
    "a neuron has no colour": (lif(1.0, 1.0), {"dt": 1e-3, "colour": 3}),
    "give seconds a step": (lif(1.0, 1.0), {"dt": -1.0}),
    "does not fit": (nir.LIF(*[np.ones(4)] * 5), {"dt": 1e-3}),
}


@pytest.mark.parametrize("said", WRONG)
def test_what_is_wrong_is_named(said: str) -> None:
    made, how = WRONG[said]
    with pytest.raises(NirError, match=said):
        ns.from_nir(layer(made), **how)


FORMS = st.fixed_dictionaries(
    {
        "integrate": st.sampled_from(["decay", "add_leak", "leak_add", "difference", "leak_only"]),
        "leak": st.sampled_from(["multiply", "divide"]),
        "v_decay": st.floats(0, 1, width=32),
        "k": st.floats(2**-7, 1, width=32),
        "tau": st.floats(1, 50, width=32),
        "gain": st.floats(-3, 3, width=32),
        "v_leak": st.floats(-1, 1, width=32),
        "v_threshold": st.floats(0.125, 2, width=32),
        "fires": st.sampled_from([">", ">="]),
        "reset": st.sampled_from(["to_value", "subtract", "none"]),
        "reset_at": st.sampled_from(["now", "before", "after"]),
        "v_reset": st.floats(-1, 0, width=32),
        "v_min": st.none() | st.floats(-4, -1, width=32),
        "v_subtract": st.none() | st.floats(0.5, 1, width=32),
        "v_init": st.floats(-1, 0, width=32),
    }
)


@settings(max_examples=40, deadline=None)
@given(FORMS, st.booleans(), st.floats(1e-5, 1.0))
def test_every_equation_comes_back_as_it_was(form: dict[str, Any], each: bool, dt: float) -> None:
    neuron = Neuron(**form)
    arrays = {"v_threshold": np.array([1, 2, 3], np.float32)} if each else {}
    graph = lone(neuron, **arrays)
    back = ns.from_nir(ns.to_nir(graph, dt=dt))
    assert Neuron.from_dict(back["n"].attrs["equation"]) == neuron
    held = {role: back.params[key] for role, key in back["n"].params.items()}
    assert held.keys() == arrays.keys()
    assert all(np.array_equal(held[k], arrays[k]) for k in arrays)


def test_what_the_user_says_wins_over_what_we_wrote() -> None:
    made = ns.to_nir(lone(Neuron(v_decay=0.5, v_min=-1.0), v_threshold=np.array([1, 2, 3])))
    back = ns.from_nir(made, reset="subtract", v_threshold=2.0)
    wanted = Neuron(v_decay=0.5, v_min=-1.0, reset="subtract", v_threshold=2.0)
    assert Neuron.from_dict(back["n"].attrs["equation"]) == wanted and not back["n"].params
    single = ns.from_nir(made, nodes={"n": {"fires": ">="}})
    assert single["n"].attrs["equation"]["fires"] == ">="
    with pytest.raises(NirError, match="there is no 'm'"):
        ns.from_nir(made, nodes={"m": {"fires": ">="}})


def test_metadata_that_no_longer_fits_its_fields_is_refused() -> None:
    made = ns.to_nir(lone(Neuron(v_decay=0.5)))
    made.nodes["n"].tau = made.nodes["n"].tau * 2
    with pytest.raises(NirError, match="disagree"):
        ns.from_nir(made)
    assert ns.from_nir(made, source="nir")["n"].attrs["equation"]["k"] == 0.25


@pytest.mark.parametrize("text", ["{", "[]", '{"neuron": 3}', '{"neuron": {"leak": "x"}}'])
def test_damaged_metadata_is_refused(text: str) -> None:
    made = ns.to_nir(lone(Neuron(v_decay=0.5)))
    made.nodes["n"].metadata["neurosim"] = text
    with pytest.raises(NirError, match="metadata"):
        ns.from_nir(made)
