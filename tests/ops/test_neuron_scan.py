"""The torch scan against hand calculation; the fused scan against the torch scan, bit for bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from neurosim.errors import GraphError, SimulationError
from neurosim.ir.neuron import IF, LIF, AdaptiveLIF, CurrentLIF, LeakyIntegrator, Neuron
from neurosim.ops._neuron_fused import scan_fused, scan_tensor
from neurosim.ops._neuron_scan import Arrays, scan, trace

SHAPE = (3, 4, 5)  # C, H, W


def column(*values: float) -> torch.Tensor:
    """One neuron, one sample: (T, 1, 1)."""
    return torch.tensor(values).reshape(-1, 1, 1)


@pytest.mark.parametrize(
    "neuron,x,spikes,membrane",
    [
        (
            LIF(v_decay=0.5, fires=">=", v_reset=0.25),
            [0.75, 0.625, 0.0, 1.0],
            [0, 1, 0, 1],
            [0.75, 0.25, 0.125, 0.25],
        ),
        (LIF(v_decay=0.5, fires=">"), [0.75, 0.625, 0.5, 1.0], [0, 0, 0, 1], [0.75, 1.0, 1.0, 0.0]),
        (
            IF(fires=">=", reset="subtract", max_spikes=None),
            [2.5, 0.25, 0.25],
            [2, 0, 1],
            [0.5, 0.75, 0.0],
        ),
        (
            IF(fires=">=", reset="subtract", max_spikes=2),
            [3.5, 0.25, 0.25],
            [2, 1, 1],
            [1.5, 0.75, 0.0],
        ),
        (IF(refractory=2), [2.0, 5.0, 5.0, 0.5], [1, 0, 0, 0], [0.0, 0.0, 0.0, 0.5]),
        (
            IF(reset_at="after", reset="subtract"),
            [2.5, 0.0, 0.0, 0.0],
            [1, 1, 0, 0],
            [2.5, 1.5, 0.5, 0.5],
        ),
        (IF(v_min=-1.0), [-3.0, 0.5, 2.0], [0, 0, 1], [-1.0, -0.5, 0.0]),
        (
            AdaptiveLIF(v_decay=1.0, b_k=0.5, b_jump=1.0),
            [1.5, 1.5, 1.5],
            [1, 0, 1],
            [0.0, 1.5, 0.0],
        ),
        (
            CurrentLIF(i_decay=0.5, v_decay=1.0, v_threshold=9.0),
            [1.0, 0.0, 0.0],
            [0, 0, 0],
            [1.0, 1.5, 1.75],
        ),
    ],
)
def test_by_hand(
    neuron: Neuron, x: list[float], spikes: list[float], membrane: list[float]
) -> None:
    for out, v in (trace(neuron, {}, column(*x))[:2], fused(neuron, {}, column(*x))[:2]):
        assert out.flatten().tolist() == spikes
        assert v.flatten().tolist() == membrane


def fused(
    neuron: Neuron, arrays: Arrays, x: torch.Tensor, **more: object
) -> tuple[np.ndarray, np.ndarray, object]:
    done = scan_fused(neuron, arrays, x.numpy(), membrane=True, **more)  # type: ignore[arg-type]
    assert done.membrane is not None
    return done.out, done.membrane, done


def forms() -> list[Neuron]:
    """Every integration with every current, reset, rule, limit and extra that may be combined."""
    numbers = {
        "v_decay": 0.83,
        "gain": 0.71,
        "k": 0.37,
        "tau": 2.3,
        "v_leak": 0.13,
        "v_threshold": 0.61,
        "v_reset": -0.17,
        "i_decay": 0.59,
        "i_k": 0.29,
        "b_k": 0.07,
        "b_jump": 0.23,
        "v_init": 0.11,
        "i_init": 0.05,
        "b_init": 0.7,
    }
    charges = itertools.product(
        ("decay", "add_leak", "leak_add", "difference", "leak_only"), ("multiply", "divide")
    )
    currents = ("none", "jump_first", "decay_first", "jump_decay", "delayed")
    choices = [
        {"integrate": i, "leak": d, "current": c}
        for (i, d), c in itertools.product(charges, currents)
    ]
    resets = itertools.product(
        ("to_value", "subtract", "none"), ("now", "before", "after", "carried"), (">", ">=")
    )
    choices += [{"reset": r, "reset_at": a, "fires": f, "v_subtract": s} for (r, a, f), s in
                itertools.product(resets, (None, 0.4))]  # fmt: skip
    many = itertools.product(
        (1, 2, None), ("to_value", "subtract"), (0, 2), (None, -0.3), ("spike", "v")
    )
    choices += [
        {"fires": ">=", "max_spikes": m, "reset": r, "refractory": q, "v_min": low, "output": o}
        for m, r, q, low, o in many
    ]
    choices += [
        {"adaptation": True, "refractory": q, "current": c}
        for q, c in itertools.product((0, 3), currents)
    ]
    choices += [{"fires": "never", "output": "v"}]
    return [n for n in (attempt({**numbers, **c}) for c in choices) if n is not None]


def attempt(options: dict[str, object]) -> Neuron | None:
    try:
        return Neuron(**options)  # type: ignore[arg-type]
    except GraphError:
        return None


def assert_equal(neuron: Neuron, arrays: Arrays, x: torch.Tensor) -> None:
    out, v, state = trace(neuron, arrays, x)
    done = scan_fused(neuron, arrays, x.numpy(), membrane=True)
    np.testing.assert_array_equal(done.out, out)
    np.testing.assert_array_equal(done.membrane, v)  # type: ignore[arg-type]
    assert set(done.state) == set(state)
    for name, value in state.items():
        np.testing.assert_array_equal(done.state[name], value)
    if neuron.output == "spike":
        np.testing.assert_array_equal(done.spikes, out.sum(dim=tuple(range(2, out.dim()))))


def test_fused_equals_torch_for_every_form() -> None:
    noise = torch.Generator().manual_seed(0)
    found = forms()
    assert len(found) > 130
    for neuron in found:
        assert_equal(neuron, {}, torch.randn(12, 2, 33, generator=noise))


LAYOUTS = {
    "contiguous": lambda x: x.contiguous(),
    "channels last": lambda x: x.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3),
    "batch first": lambda x: x.transpose(0, 1).contiguous().transpose(0, 1),
    "strided": lambda x: torch.stack([x, x], dim=-1)[..., 0],
    "spread": lambda x: x[:1, :1].expand_as(x),
}
ARRAYS = {
    "k": np.linspace(0.1, 0.9, 3, dtype=np.float32).reshape(3, 1, 1),
    "v_threshold": np.linspace(0.2, 1.2, 20, dtype=np.float32).reshape(1, 4, 5),
    "v_init": np.linspace(-0.2, 0.2, 60, dtype=np.float32).reshape(1, 3, 4, 5),
    "v_leak": np.linspace(-0.2, 0.2, 5, dtype=np.float32),
    "affine_scale": np.linspace(0.5, 1.5, 18, dtype=np.float32).reshape(6, 3, 1, 1),
    "affine_bias": np.linspace(-0.5, 0.5, 4, dtype=np.float32).reshape(1, 4, 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_fused_equals_torch_in_every_memory_order(layout: str) -> None:
    x = LAYOUTS[layout](torch.randn(6, 2, *SHAPE, generator=torch.Generator().manual_seed(1)))
    assert_equal(Neuron(integrate="leak_add"), ARRAYS, x)
    assert_equal(
        Neuron(integrate="leak_only", leak="divide", tau=1.9, current="delayed", i_k=0.2), ARRAYS, x
    )
    out = scan_fused(IF(), {}, x.numpy()).out
    if layout in ("contiguous", "channels last", "batch first"):
        assert out.strides == tuple(4 * s for s in x.stride())


def test_blocks_larger_than_one_and_repeated_parameters() -> None:
    x = torch.randn(3, 2, 7, 13, 17, generator=torch.Generator().manual_seed(2))
    k = np.random.default_rng(0).random((7, 1, 1), np.float32)
    bias = np.random.default_rng(1).standard_normal((3, 7, 1, 1), np.float32)
    for order in (x, LAYOUTS["channels last"](x)):
        assert_equal(Neuron(integrate="difference"), {"k": k, "affine_bias": bias}, order)


@pytest.mark.parametrize(
    "neuron",
    [
        LIF(v_decay=0.7),
        AdaptiveLIF(v_decay=0.7, b_k=0.1, b_jump=0.2, refractory=1),
        CurrentLIF(i_decay=0.5, v_decay=0.7, reset_at="after"),
    ],
)
def test_chunks_with_carried_state_equal_one_scan(neuron: Neuron) -> None:
    x = torch.randn(9, 2, *SHAPE, generator=torch.Generator().manual_seed(3))
    arrays = {"affine_bias": np.linspace(0, 1, 27, dtype=np.float32).reshape(9, 3, 1, 1)}
    whole, _ = scan(neuron, arrays, x)
    for run in (scan, scan_tensor):
        first, state = run(neuron, arrays, x[:4])
        second, _ = run(neuron, arrays, x[4:], state, first_step=4)
        assert torch.equal(torch.cat([first, second]), whole)


def test_state_that_is_handed_over_is_not_changed() -> None:
    x, v = torch.ones(3, 2, 4), torch.full((2, 4), 0.5)
    for run in (scan, scan_tensor):
        run(IF(), {}, x, {"v": v})
        assert torch.equal(v, torch.full((2, 4), 0.5))


def test_silence_with_a_positive_bias_speaks() -> None:
    x = torch.zeros(4, 1, 3, 2, 2)
    arrays = {"affine_bias": np.array([0.0, 0.3, 2.0], np.float32).reshape(1, 3, 1, 1)}
    for run in (scan, scan_tensor):
        out, _ = run(IF(), arrays, x)
        assert out.sum(dim=(0, 1, 3, 4)).tolist() == [0, 4, 16]  # 0.3·4 > 1 once, 2 > 1 every step


def test_no_product_is_fused_with_a_sum() -> None:
    """(1 + e)·(1 + e) − (1 + 2e) is 0 when the product is rounded first, e² when fused."""
    e = 2.0**-12
    x = column(1 + e, -(1 + 2 * e))
    neuron = LeakyIntegrator(v_decay=1 + e)
    assert trace(neuron, {}, x)[1][1].item() == 0 == scan_fused(neuron, {}, x.numpy()).out[1].item()


@pytest.mark.parametrize(
    "arrays,named",
    [
        ({"threshold": np.ones(3)}, "threshold"),
        ({"k": np.ones((2, 1, 1))}, "k"),
        ({"k": np.ones((9, 3, 1, 1))}, "k"),
        ({"affine_bias": np.ones((2, 3, 1, 1))}, "affine_bias"),
        ({"affine_scale": np.ones((1, 4, 1, 1))}, "affine_scale"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(arrays: Arrays, named: str) -> None:
    for run in (scan, scan_tensor):
        with pytest.raises(SimulationError, match=named):
            run(IF(), arrays, torch.zeros(4, 1, *SHAPE))
