"""Spikes as bits hold what float32 holds, in any memory order and for sizes that fill no word."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from neurosim.ir.neuron import IF
from neurosim.ir.types import Kind, ValueType
from neurosim.ops._bits import Bits
from neurosim.ops._neuron_fused import scan_fused
from neurosim.ops._value import Value

SHAPES = [(1,), (63,), (64,), (65,), (3, 5, 7), (64, 2, 2), (70, 3, 1), (2, 1000), (8, 5), (16, 9),
          (3, 32), (128, 3)]  # fmt: skip


def in_order(x: np.ndarray, inner: tuple[int, ...]) -> np.ndarray:
    """The same numbers, the slice's axes in this memory order."""
    axes = (0, 1, *(2 + a for a in inner))
    return np.ascontiguousarray(x.transpose(axes)).transpose(np.argsort(axes))


def spiking(shape: tuple[int, ...], inner: tuple[int, ...]) -> tuple[np.ndarray, Bits]:
    x = np.random.default_rng(0).random((3, 2, *shape)).astype(np.float32)
    x = in_order(x, inner)
    dense, packed = (scan_fused(IF(), {}, x, bits_order=o) for o in (None, inner))
    assert isinstance(packed.out, Bits) and isinstance(dense.out, np.ndarray)
    np.testing.assert_array_equal(packed.spikes, dense.spikes)
    assert packed.spikes.any()
    return dense.out, packed.out


@pytest.mark.parametrize(
    ("shape", "inner"),
    [(s, order) for s in SHAPES for order in itertools.permutations(range(len(s)))],
)
def test_bits_hold_the_spikes(shape: tuple[int, ...], inner: tuple[int, ...]) -> None:
    dense, bits = spiking(shape, inner)
    np.testing.assert_array_equal(bits.dense().numpy(), dense)
    np.testing.assert_array_equal(bits.sum_innermost(), dense.sum(2 + bits.inner[-1]))
    np.testing.assert_array_equal(bits.any_innermost(), dense.any(2 + bits.inner[-1]))
    assert bits.any_innermost().dtype == bool


def test_a_batch_that_lies_outermost() -> None:
    x = np.random.default_rng(1).random((2, 3, 70)).astype(np.float32).transpose(1, 0, 2)
    bits, dense = (scan_fused(IF(), {}, x, bits_order=o).out for o in ((0,), None))
    assert isinstance(bits, Bits)
    np.testing.assert_array_equal(bits.dense().numpy(), dense)


def test_another_order_than_asked_for_stays_dense() -> None:
    x = np.zeros((2, 1, 3, 4), np.float32)
    assert isinstance(scan_fused(IF(), {}, x, bits_order=(1, 0)).out, np.ndarray)
    assert isinstance(scan_fused(IF(), {}, x[..., :1].copy(), bits_order=(1, 0)).out, Bits)


def test_a_value_unpacks_what_is_asked_for() -> None:
    dense, bits = spiking((5, 4, 3), (1, 2, 0))
    kind = ValueType((5, 4, 3), 3, Kind.SPIKE, 0, 1)
    a, b = Value(bits, kind), Value(torch.from_numpy(dense), kind)
    for axes in ((0,), (1,), (0, 1), (0, 1, 2), ()):
        np.testing.assert_array_equal(a.active_sum(axes), b.active_sum(axes))
    assert torch.equal(a.data, b.data) and torch.equal(a.active(), b.active())
    assert (a.steps, a.samples, a.elements) == (3, 2, 360)
