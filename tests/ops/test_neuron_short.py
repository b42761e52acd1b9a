"""Plain neurons in one pass are the torch scan, bit for bit, for any affine and memory order."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from neurosim.ir.neuron import IF, LIF, AdaptiveLIF, CurrentLIF, Neuron
from neurosim.ops._bits import Bits
from neurosim.ops._layout import layout_of
from neurosim.ops._neuron_fused import Fused, scan_fused
from neurosim.ops._neuron_scan import scan
from neurosim.ops._neuron_short import LEAST_RUN, Plan, plan

NUMBERS: dict[str, Any] = {
    "v_decay": 0.83, "gain": 0.71, "k": 0.37, "v_leak": 0.13, "v_threshold": 0.61,
    "v_reset": -0.17, "v_init": 0.11,
}  # fmt: skip
FORMS = [
    Neuron(**NUMBERS, integrate=i, fires=f, reset=r, v_subtract=s)
    for i, f, r, s in itertools.product(
        ("decay", "add_leak", "leak_add", "difference"), (">", ">="),
        ("to_value", "subtract", "none"), (None, 0.4))
]  # fmt: skip
SHAPES = [(1,), (37,), (64,), (600,), (5, 3, 7), (3, 8, 9), (66, 2, 2), (2, 90, 60), (4, 5)]
AFFINES = ("none", "channel", "channel each step", "last", "bias alone", "one number", "neuron")
STEPS = 5


def affine(kind: str, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(len(kind))
    many = {
        "none": None,
        "channel": (1, shape[0], *(1,) * (len(shape) - 1)),
        "channel each step": (STEPS, shape[0], *(1,) * (len(shape) - 1)),
        "last": (1, *(1,) * (len(shape) - 1), shape[-1]),
        "bias alone": (1, shape[0], *(1,) * (len(shape) - 1)),
        "one number": (STEPS, *(1,) * len(shape)),
        "neuron": (1, *shape),
    }[kind]
    if many is None:
        return {}
    scale, bias = (rng.random(many, np.float32) for _ in range(2))
    return {"affine_bias": bias} if kind == "bias alone" else {
        "affine_scale": scale + 1, "affine_bias": bias - np.float32(0.3)}  # fmt: skip


def laid_out(shape: tuple[int, ...], inner: tuple[int, ...]) -> np.ndarray:
    x = np.random.default_rng(0).standard_normal((STEPS, 2, *shape), np.float32)
    axes = (0, 1, *(2 + a for a in inner))
    return np.ascontiguousarray(x.transpose(axes)).transpose(np.argsort(axes))


def tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {k: torch.from_numpy(v) for k, v in arrays.items()}


def assert_same(done: Fused, out: torch.Tensor, v: torch.Tensor) -> None:
    dense = done.out.dense().numpy() if isinstance(done.out, Bits) else done.out
    np.testing.assert_array_equal(dense, out)
    np.testing.assert_array_equal(done.state["v"], v)
    np.testing.assert_array_equal(done.spikes, out.sum(dim=tuple(range(2, out.dim()))))


@pytest.mark.parametrize("kind", AFFINES)
@pytest.mark.parametrize("shape", SHAPES)
def test_any_affine_in_any_memory_order(shape: tuple[int, ...], kind: str) -> None:
    arrays = affine(kind, shape)
    for inner in itertools.permutations(range(len(shape))):
        neuron, x = FORMS[len(shape)], laid_out(shape, inner)
        assert plan(neuron, arrays, shape, list(inner), False) is not None
        out, state = scan(neuron, tensors(arrays), torch.from_numpy(x))
        assert 0 < float(out.mean()) < 1
        for order in (None, inner):
            assert_same(scan_fused(neuron, arrays, x, bits_order=order), out, state["v"])


@pytest.mark.parametrize("neuron", FORMS, ids=lambda n: f"{n.integrate} {n.fires} {n.reset}")
def test_every_form_in_pieces(neuron: Neuron) -> None:
    arrays, x = affine("channel each step", (5, 3, 7)), laid_out((5, 3, 7), (1, 2, 0))
    out, state = scan(neuron, tensors(arrays), torch.from_numpy(x))
    held, plans, parts = None, dict[Any, Any](), []
    for first, last in ((0, 2), (2, 3), (3, STEPS)):
        done = scan_fused(neuron, arrays, x[first:last], held, first_step=first,
                          bits_order=(1, 2, 0), plans=plans)  # fmt: skip
        assert isinstance(done.out, Bits)
        held, parts = done.state, [*parts, done.out.dense()]
    np.testing.assert_array_equal(torch.cat(parts), out)
    np.testing.assert_array_equal(done.state["v"], state["v"])
    assert sum(isinstance(kept, Plan) for kept in plans.values()) == 1


def test_at_the_threshold_and_beside_it() -> None:
    here = np.float32(0.61)
    x = np.array([np.nextafter(here, np.float32(0)), here, np.nextafter(here, np.float32(1))] * 12,
                 np.float32).reshape(1, 1, -1)  # fmt: skip
    for fires, fired in ((">", [0, 0, 1]), (">=", [0, 1, 1])):
        done = scan_fused(IF(v_threshold=0.61, fires=fires), {}, x)
        assert isinstance(done.out, np.ndarray)
        assert done.out[0, 0, :3].tolist() == done.out[0, 0, -3:].tolist() == fired


def test_what_is_not_plain_is_left_to_the_other_kernel() -> None:
    others = [
        CurrentLIF(i_decay=0.5, v_decay=0.9), AdaptiveLIF(v_decay=1.0, b_k=0.5, b_jump=1.0),
        IF(refractory=2), IF(v_min=-1.0), IF(reset_at="before"),
        IF(fires=">=", reset="subtract", max_spikes=2), LIF(v_decay=0.9, output="v"),
        Neuron(integrate="leak_only", tau=2.0),
        Neuron(integrate="difference", leak="divide", tau=2.0),
    ]  # fmt: skip
    assert all(plan(neuron, {}, (4, 4), [0, 1], False) is None for neuron in others)
    by_neuron = {"v_threshold": np.ones((4, 1), np.float32)}
    assert plan(IF(), by_neuron, (4, 4), [0, 1], False) is None


GAPS = [  # whole, what is cut out of it, whether it is walked as it lies
    ((4, 48), np.s_[..., 16:32], True), ((4, 60), np.s_[..., 3:23], True),
    ((5, 3, 64), np.s_[..., :32], True), ((6, 4, 16), np.s_[1:3], True),
    ((6, 4, 16), np.s_[:, 1:3], True), ((3, 4, 5, 16), np.s_[:, :2, 1:], False),
    ((4, 48), np.s_[..., ::2], False), ((4, 24), np.s_[..., :8], False),
]  # fmt: skip


@pytest.mark.parametrize("kind", AFFINES)
@pytest.mark.parametrize(("whole", "part", "walked"), GAPS)
def test_slices_with_gaps_are_read_as_they_lie(
    whole: tuple[int, ...], part: Any, walked: bool, kind: str
) -> None:
    rest = part if isinstance(part, tuple) else (part,)
    every = np.random.default_rng(2).standard_normal((STEPS, 2, *whole), np.float32)
    x = every[(slice(None), slice(None), *(p for p in rest if p is not Ellipsis))] if (
        Ellipsis not in rest) else every[rest]  # fmt: skip
    before, neuron, arrays = every.copy(), FORMS[3], affine(kind, x.shape[2:])
    layout = layout_of(x.shape, x.strides)
    assert not layout.dense and (layout.run >= LEAST_RUN) == walked
    out, state = scan(neuron, tensors(arrays), torch.from_numpy(x.copy()))
    done = scan_fused(neuron, arrays, x, overwrite=True)
    assert_same(done, out, state["v"])
    np.testing.assert_array_equal(every, before)  # what lies between belongs to others
    held, plans = None, dict[Any, Any]()
    for first, last in ((0, 3), (3, STEPS)):
        done = scan_fused(neuron, arrays, x[first:last], held, first_step=first, plans=plans)
        np.testing.assert_array_equal(done.out, out[first:last])
        held = done.state


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_layout_says_where_every_element_lies(order: tuple[int, ...]) -> None:
    memory = np.arange(3 * 4 * 5 * 6, dtype=np.float32)
    sizes = [(3, 4, 5, 6)[a] for a in order]
    x = memory.reshape(sizes).transpose(np.argsort(order))[..., : 6 if order[-1] == 3 else 4]
    layout = layout_of(x.shape, x.strides)
    if {*order[:2]} != {0, 1} or not layout.run:
        assert not layout.dense
        return
    for t, b in np.ndindex(x.shape[:2]):
        found = [
            memory[int(x[0, 0, 0, 0]) + t * layout.step + b * layout.sample
                   + k // layout.run * layout.pitch + k % layout.run]
            for k in range(x[t, b].size)
        ]  # fmt: skip
        np.testing.assert_array_equal(found, x[t, b].transpose(layout.inner).reshape(-1))
