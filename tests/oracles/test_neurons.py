"""The scalar neurons, by hand and bit by bit against norse."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from tests.oracles import Neuron, neuron


def run(x: list[float], p: Neuron) -> tuple[list[int], list[float]]:
    spikes, membranes = neuron(np.array(x, np.float32), p)
    return spikes.tolist(), membranes.tolist()


def test_threshold_itself_fires_or_not() -> None:
    assert run([1.0], Neuron(fires=">=")) == ([1], [0.0])
    assert run([1.0], Neuron(fires=">")) == ([0], [1.0])
    above, below = np.nextafter(np.float32(1), np.float32([2, 0]))
    assert run([above], Neuron(fires=">"))[0] == [1]
    assert run([below], Neuron(fires=">="))[0] == [0]


@pytest.mark.parametrize(
    ("options", "spikes", "membranes"),
    [
        ({}, [0, 1, 0], [0.75, 0.0, 0.75]),  # 0.75, 1.5 → 0, 0.75
        ({"reset": "subtract"}, [0, 1, 1], [0.75, 0.5, 0.25]),  # 0.75, 1.5 − 1, 1.25 − 1
        ({"reset": "none"}, [0, 1, 1], [0.75, 1.5, 2.25]),
        ({"v_reset": -0.5}, [0, 1, 0], [0.75, -0.5, 0.25]),
        ({"v_decay": 0.5}, [0, 1, 0], [0.75, 0.0, 0.75]),  # 0.375 + 0.75 = 1.125 fires
        ({"v_decay": 0.5, "input": "before"}, [0, 0, 0], [0.375, 0.5625, 0.65625]),
        ({"refractory": 2}, [0, 1, 0], [0.75, 0.0, 0.0]),  # held after the spike
        (
            {"gain": 4, "reset": "subtract", "max_spikes": 2},
            [2, 2, 2],
            [1.0, 2.0, 3.0],
        ),  # 3, 4, 5 less 2
        ({"form": "euler", "rate": 0.5}, [0, 0, 0], [0.375, 0.5625, 0.65625]),
        (
            {"form": "euler", "rate": 0.5, "v_leak": 1},
            [0, 1, 0],
            [0.875, 0.0, 0.875],
        ),  # 1.3125 fires
        ({"form": "euler_outside", "rate": 0.5}, [0, 1, 0], [0.75, 0.0, 0.75]),
        # late subtract with decay 1/2: 0.75 | 1.125 fires | 0.5625 + 0.75 − 1
        (
            {"v_decay": 0.5, "reset": "subtract", "late_reset": True},
            [0, 1, 0],
            [0.75, 1.125, 0.3125],
        ),
    ],
)
def test_neurons_by_hand(options: dict, spikes: list[int], membranes: list[float]) -> None:
    assert run([0.75, 0.75, 0.75], Neuron(**options)) == (spikes, membranes)


@pytest.mark.parametrize(
    ("current", "membranes"),
    [
        ("jump_first", [0.5, 0.75, 0.875]),  # u = 0.5, 0.25, 0.125
        (
            "decay_first",
            [0.5, 0.75, 0.875],
        ),  # the same currents: only the state between steps differs
        ("late", [0.0, 0.5, 0.75]),  # one step later
    ],
)
def test_currents_outlive_their_input(current: str, membranes: list[float]) -> None:
    assert run([0.5, 0, 0], Neuron(current=current, i_decay=0.5))[1] == membranes


def test_an_adaptive_threshold_rises_and_falls_back() -> None:
    # θ: 1 fires, +2 = 3 | 3 − 1 = 2, v = 1 | 2 − 0.5 = 1.5, v = 2 fires
    p = Neuron(adaptive=True, b_rate=0.5, b_jump=2.0)
    assert run([1, 1, 1], p) == ([1, 0, 1], [0.0, 1.0, 0.0])


# ---- neurons against the libraries, bit by bit

X = np.random.default_rng(4).normal(0.6, 1.0, (50, 20)).astype(np.float32)
K, KS, KB = float(np.float32(0.1)), float(np.float32(0.2)), float(np.float32(0.001 * 5.0))


def drive(step_function, p) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN001
    """Spikes and membranes of a norse step function over X."""
    state, spikes, membranes = None, [], []
    for x in torch.tensor(X):
        z, state = step_function(x, state, p)
        spikes.append(z.detach().numpy())
        membranes.append(state.v.detach().numpy())
    return np.array(spikes), np.array(membranes)


def norse_cases() -> list:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # norse scripts its functions when imported
        from norse.torch.functional import iaf, lif, lif_box, lsnn

    def start(state_class, **fields):  # noqa: ANN001, ANN003, ANN202
        return state_class(**{k: torch.full((20,), v) for k, v in fields.items()})

    t = torch.tensor
    mem, syn = t(100.0), t(200.0)
    return [
        (
            lambda x, s, p: lif_box.lif_box_feed_forward_step(
                x, s or start(lif_box.LIFBoxFeedForwardState, v=0.0), p
            ),
            lif_box.LIFBoxParameters(tau_mem_inv=mem, v_th=t(0.3)),
            Neuron(form="euler", rate=K, v_threshold=0.3, fires=">"),
        ),
        (
            lambda x, s, p: iaf.iaf_feed_forward_step(
                x, s or start(iaf.IAFFeedForwardState, v=0.0), p
            ),
            iaf.IAFParameters(v_th=t(1.0)),
            Neuron(fires=">"),
        ),
        (
            lambda x, s, p: lif.lif_feed_forward_step(
                x, s or start(lif.LIFFeedForwardState, v=0.0, i=0.0), p
            ),
            lif.LIFParameters(tau_mem_inv=mem, tau_syn_inv=syn, v_th=t(0.5)),
            Neuron(
                form="euler", rate=K, current="jump_first", i_rate=KS, v_threshold=0.5, fires=">"
            ),
        ),
        (
            lambda x, s, p: lsnn.lsnn_feed_forward_step(
                x, s or start(lsnn.LSNNFeedForwardState, v=0.0, i=0.0, b=0.5), p
            ),
            lsnn.LSNNParameters(
                tau_mem_inv=mem, tau_syn_inv=syn, tau_adapt_inv=t(5.0), v_th=t(0.5), beta=t(0.25)
            ),
            Neuron(
                form="euler",
                rate=K,
                current="late",
                i_rate=KS,
                v_threshold=0.5,
                fires=">",
                adaptive=True,
                b_rate=KB,
                b_jump=0.25,
            ),
        ),
    ]


@pytest.mark.parametrize("case", range(4), ids=["lif_box", "iaf", "lif", "lsnn"])
def test_neurons_agree_with_norse(case: int) -> None:
    function, parameters, p = norse_cases()[case]
    spikes, membranes = drive(function, parameters)
    ours, v = neuron(X, p)
    np.testing.assert_array_equal(ours, spikes)
    np.testing.assert_array_equal(v, membranes)
    assert 10 < ours.sum() < 900


@pytest.mark.parametrize("reset", ["subtract", "to_value", "none"])
@pytest.mark.parametrize("current", ["none", "decay_first"])
def test_spikes_agree_with_snntorch(current: str, reset: str) -> None:
    snntorch = pytest.importorskip("snntorch")
    if (current, reset) == ("decay_first", "to_value"):
        pytest.skip("snnTorch's Synaptic resets its current as well")
    mechanism = {"subtract": "subtract", "to_value": "zero", "none": "none"}[reset]
    options = {"beta": 0.9, "threshold": 1.0, "reset_mechanism": mechanism}
    theirs = snntorch.Leaky(**options)
    if current == "decay_first":
        theirs = snntorch.Synaptic(alpha=0.8, **options)
    state = theirs.reset_mem()
    state = state if isinstance(state, tuple) else (state,)
    spikes = []
    for x in torch.tensor(X):
        z, *state = theirs(x, *state)
        spikes.append(z.detach().numpy())
    late = reset == "subtract"
    p = Neuron(v_decay=0.9, i_decay=0.8, current=current, fires=">", reset=reset, late_reset=late)
    np.testing.assert_array_equal(neuron(X, p)[0], spikes)
