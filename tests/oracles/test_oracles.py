"""The brute force itself, against cases worked out by hand and against torch."""

from __future__ import annotations

from pathlib import Path as FilePath

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import tests.oracles
from tests.oracles import (
    REAL_PATH,
    Conv,
    Linear,
    Path,
    apply,
    average_pool,
    conv3d_time_counts,
    conv_counts,
    conv_layer,
    dense_macs,
    elementwise,
    existing_macs,
    fan_out,
    linear_counts,
    max_pool,
    neuron_activity,
    neuron_counts,
    other_memory,
    product_arrival,
    product_counts,
    product_dense_macs,
    softmax,
)


def totals(counts: dict[str, np.ndarray]) -> dict[str, int]:
    return {event: int(array.sum()) for event, array in counts.items()}


def one_step(values: list) -> np.ndarray:
    return np.array(values)[None, None]


def test_these_are_our_tests_not_those_of_an_installed_package() -> None:
    assert FilePath(tests.oracles.__file__).parent == FilePath(__file__).parent


# ---- convolutions by hand: x of 3 elements, kernel 3, padding 1.
# output 0 sees (pad, x0, x1), output 1 sees (x0, x1, x2), output 2 sees (x1, x2, pad): fan-out 2,
# 3, 2.

WEIGHT = np.array([[[5.0, 0.0, 7.0]]])  # the middle weight is zero


def test_padding_zeros_are_no_sources() -> None:
    layer = conv_layer(WEIGHT, padding=1)
    assert fan_out((1, 3), layer).tolist() == [[2, 3, 2]]
    assert (dense_macs((1, 3), layer), existing_macs((1, 3), layer)) == (9, 7)


def test_spikes_count_their_existing_targets() -> None:
    # x0 reaches outputs 0 (middle weight, zero) and 1 (first weight); x2 reaches outputs 1 (last)
    # and 2 (middle, zero)
    counts = totals(conv_counts(one_step([[1, 0, 1]]), "spike", WEIGHT, padding=1, bias=True))
    assert counts == {
        "synapse": 4,
        "synapse_zero": 2,
        "add": 3,
        "weight_read": 4 + 3,
        "state_read": 4,
        "state_write": 4,
        "activation_read": 2,
        "activation_write": 0,
    }


def test_graded_units_weigh_the_fan_out() -> None:
    # |−2| × 3 targets, 4 × 2 targets; of those, one each through the zero weight
    counts = totals(conv_counts(one_step([[0, -2, 4]]), "graded", WEIGHT, padding=1))
    assert (counts["graded_synapse"], counts["graded_unit"], counts["synapse_zero"]) == (5, 14, 2)
    assert (counts["weight_read"], counts["activation_read"], counts["add"]) == (5, 2, 0)


def test_real_values_count_every_existing_position() -> None:
    counts = totals(conv_counts(one_step([[0.0, 1.5, 0.0]]), "real", WEIGHT, padding=1))
    assert counts == {
        "mac": 7,
        "add": 0,
        "weight_read": 7,
        "state_read": 0,
        "state_write": 0,
        "activation_read": 7,
        "activation_write": 3,
    }
    masked = totals(conv_counts(one_step([[0.0, 1.5, 0.0]]), "masked", WEIGHT, padding=1))
    assert (masked["masked_mac"], masked["weight_read"], masked["activation_write"]) == (3, 3, 3)
    assert "mac" not in masked


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("circular", [3, 3, 3]),  # the left pad copies x2, the right pad x0
        ("replicate", [3, 3, 3]),  # the left pad copies x0, the right pad x2
        ("reflect", [2, 5, 2]),  # both pads copy x1
    ],
)
def test_copies_are_synapses(mode: str, expected: list[int]) -> None:
    layer = conv_layer(WEIGHT, padding=1, padding_mode=mode)
    assert fan_out((1, 3), layer).tolist() == [expected]
    assert existing_macs((1, 3), layer) == dense_macs((1, 3), layer) == 9


def test_transposed_targets_outside_the_output_do_not_exist() -> None:
    # 2 sources, stride 2, kernel 3, padding 1: 3 outputs; x0 writes to −1, 0, 1 and x1 to 1, 2, 3
    layer = conv_layer(WEIGHT, stride=2, padding=1, transposed=True)
    assert fan_out((1, 2), layer).tolist() == [[2, 2]]
    assert (dense_macs((1, 2), layer), existing_macs((1, 2), layer)) == (6, 4)
    # one element of output padding makes target 3 exist
    layer = conv_layer(WEIGHT, stride=2, padding=1, transposed=True, output_padding=1)
    assert fan_out((1, 2), layer).tolist() == [[2, 3]]


def test_stride_leaves_sources_without_targets() -> None:
    # kernel 1, stride 2: x1 is never looked at, yet it is read as an active element
    counts = totals(conv_counts(one_step([[1, 1, 1]]), "spike", np.ones((1, 1, 1)), stride=2))
    assert (counts["synapse"], counts["activation_read"]) == (2, 3)


def test_groups_keep_to_themselves() -> None:
    # 2 channels in, 4 out, 2 groups, kernel 1: each source has 2 targets
    assert fan_out((2, 1), conv_layer(np.ones((4, 1, 1)), groups=2)).tolist() == [[2], [2]]


def test_a_temporal_convolution_counts_at_the_step_of_the_source() -> None:
    # 3 steps of one pixel, kernel (2, 1, 1): outputs (x0, x1) and (x1, x2); fan-out of the steps
    # 1, 2, 1.
    # The two output slices belong to the last two steps.
    n = np.ones((3, 1, 1, 1, 1), np.int64)
    counts = conv3d_time_counts(n, "spike", np.ones((1, 1, 2, 1, 1)), bias=True)
    assert counts["synapse"][:, 0].tolist() == [1, 2, 1]
    assert counts["add"][:, 0].tolist() == [0, 1, 1]
    assert counts["weight_read"][:, 0].tolist() == [1, 3, 2]
    assert counts["activation_read"][:, 0].tolist() == [1, 1, 1]


def test_steps_and_samples_are_kept_apart() -> None:
    n = np.zeros((2, 3, 1, 3), np.int64)
    n[1, 2, 0, 1] = n[0, 1, 0, 0] = 1
    counts = conv_counts(n, "spike", WEIGHT, padding=1)
    assert counts["synapse"].tolist() == [[0, 2, 0], [0, 0, 3]]


def test_linear_counts_every_row() -> None:
    weight = np.array(
        [[1.0, 0.0], [2.0, 3.0], [0.0, 0.0]]
    )  # (3 out, 2 in); zeros: one of x0's, two of x1's
    counts = totals(linear_counts(one_step([[1, 0], [1, 1]]), "spike", weight, bias=True))
    assert (counts["synapse"], counts["synapse_zero"], counts["add"]) == (9, 1 + 1 + 2, 6)
    assert (counts["weight_read"], counts["activation_read"]) == (15, 3)
    assert totals(linear_counts(one_step([[0.5, 0.0]]), "real", weight))["mac"] == 6


# ---- convolutions against torch

GEOMETRIES = [
    ((3, 7), (4, 3, 3), {"stride": 2, "padding": 1}),
    ((4, 6), (6, 2, 3), {"padding": "same", "dilation": 2, "groups": 2}),
    ((2, 5), (3, 2, 2), {"padding": "same"}),
    ((2, 5, 6), (4, 2, 3, 3), {"padding": 1, "padding_mode": "circular"}),
    ((2, 5, 6), (4, 2, 3, 3), {"padding": [2, 1], "stride": [1, 2], "padding_mode": "reflect"}),
    ((2, 5, 6), (4, 1, 3, 2), {"padding": 2, "padding_mode": "replicate", "groups": 2}),
    ((4, 6, 5), (4, 1, 3, 3), {"padding": 2, "dilation": 2, "groups": 4}),
    ((2, 4, 5, 4), (4, 2, 3, 2, 3), {"padding": [1, 0, 1], "stride": [1, 2, 1]}),
    ((2, 4, 4, 4), (2, 1, 3, 3, 3), {"padding": 1, "groups": 2, "padding_mode": "circular"}),
    (
        (4, 5),
        (4, 3, 4),
        {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2, "transposed": True},
    ),
    (
        (2, 4, 3),
        (2, 3, 3, 2),
        {"stride": [2, 1], "padding": 1, "dilation": [1, 2], "transposed": True},
    ),
    (
        (2, 2, 3, 2),
        (2, 3, 2, 2, 2),
        {"stride": 2, "padding": 1, "output_padding": 1, "transposed": True},
    ),
]


def torch_layer(shape: tuple, weight: torch.Tensor, geometry: dict) -> torch.nn.Module:
    """torch's own layer with this weight and no bias."""
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in geometry.items()}
    transposed, groups = options.pop("transposed", False), options.get("groups", 1)
    channels = weight.shape[1] * groups if transposed else weight.shape[0]
    name = f"Conv{'Transpose' if transposed else ''}{len(shape) - 1}d"
    layer = getattr(torch.nn, name)(
        shape[0], channels, tuple(weight.shape[2:]), bias=False, **options
    )
    layer.weight = torch.nn.Parameter(weight)
    return layer.double()


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("shape", "weight_shape", "geometry"), GEOMETRIES)
def test_convolutions_agree_with_torch(shape: tuple, weight_shape: tuple, geometry: dict) -> None:
    rng = np.random.default_rng(1)
    x, weight = rng.normal(size=shape), rng.normal(size=weight_shape)
    layer = conv_layer(weight, **geometry)
    module = torch_layer(shape, torch.tensor(weight), geometry)
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        out = module(torch.tensor(x)[None])[0]
    np.testing.assert_allclose(apply(x, weight, layer), out.numpy(), atol=1e-12)
    assert 2 * dense_macs(shape, layer) == flops.get_total_flops()

    ones = torch_layer(shape, torch.ones(weight_shape, dtype=torch.float64), geometry)
    source = torch.zeros(1, *shape, dtype=torch.float64, requires_grad=True)
    ones(source).sum().backward()
    assert source.grad is not None
    np.testing.assert_array_equal(fan_out(shape, layer), source.grad[0].numpy())
    assert existing_macs(shape, layer) == int(source.grad.sum())

    n = rng.integers(0, 2, (2, 2, *shape))
    counts = totals(conv_counts(n, "spike", weight * (rng.random(weight_shape) < 0.5), **geometry))
    assert counts["synapse"] == int((n * fan_out(shape, layer)).sum())
    assert 0 < counts["synapse_zero"] < counts["synapse"]


def test_linear_agrees_with_torch() -> None:
    rng = np.random.default_rng(2)
    x, weight, bias = rng.normal(size=5), rng.normal(size=(3, 5)), rng.normal(size=3)
    with FlopCounterMode(display=False) as flops:
        out = functional.linear(torch.tensor(x)[None], torch.tensor(weight), torch.tensor(bias))
    np.testing.assert_allclose(apply(x, weight, Linear((3, 5)), bias), out[0].numpy(), atol=1e-12)
    assert 2 * dense_macs((5,), Linear((3, 5))) == flops.get_total_flops()


def test_a_conv3d_over_time_agrees_with_its_adjoint() -> None:
    n = np.random.default_rng(3).integers(-1, 3, (4, 2, 2, 3, 3))
    weight = np.ones((2, 2, 3, 2, 2))
    source = torch.zeros(1, 2, 4, 3, 3, requires_grad=True)
    functional.conv3d(source, torch.tensor(weight).float(), padding=(1, 0, 0)).sum().backward()
    assert source.grad is not None
    fan = np.moveaxis(source.grad[0].numpy(), 1, 0)[:, None]  # (steps, 1, C, H, W)
    counts = conv3d_time_counts(n, "graded", weight, padding=[1, 0, 0])
    np.testing.assert_array_equal(counts["graded_synapse"], ((n != 0) * fan).sum(axis=(2, 3, 4)))
    np.testing.assert_array_equal(counts["graded_unit"], (abs(n) * fan).sum(axis=(2, 3, 4)))
    assert not counts["synapse_zero"].any()


# ---- products by hand: A is 2×2, B is 2×3
# A = [1 0; 1 1], B = [1 0 1; 0 0 1]. Pairs: row 0 meets B[0]: 2; row 1 meets B[0] and B[1]: 3.

A, B = one_step([[1, 0], [1, 1]]), one_step([[1, 0, 1], [0, 0, 1]])


def test_spike_products() -> None:
    assert totals(product_counts(A, "spike", B, "spike")) == {
        "coincidence": 5,
        "coincidence_unit": 5,
        "fanout_left": 9,
        "fanout_right": 6,
        "weight_read": 0,
        "state_read": 5,
        "state_write": 5,
        "activation_read": 6,
        "activation_write": 6,
    }


def test_graded_products_weigh_units() -> None:
    counts = totals(product_counts(A, "spike", -2 * B, "graded"))
    assert (counts["coincidence"], counts["coincidence_unit"]) == (5, 10)


@pytest.mark.parametrize(
    ("kinds", "event", "number", "read"),
    [
        (("spike", "real"), "fanout_left", 9, 3 + 6),
        (("real", "graded"), "fanout_right", 6, 4 + 3),
        (("real", "real"), "mac", 12, 4 + 6),
        (("masked", "real"), "mac", 12, 4 + 6),
    ],
)
def test_products_with_a_real_side(
    kinds: tuple[str, str], event: str, number: int, read: int
) -> None:
    assert totals(product_counts(A, kinds[0], B, kinds[1])) == {
        event: number,
        "weight_read": 0,
        "state_read": number,
        "state_write": number,
        "activation_read": read,
        "activation_write": 6,
    }


def test_masked_pairs_count_nothing() -> None:
    keep_out = np.array([[True, False, False], [True, True, True]])
    counts = totals(product_counts(A, "spike", B, "spike", keep_out=keep_out))
    assert (counts["coincidence"], counts["fanout_left"], counts["fanout_right"]) == (4, 7, 4)
    causal = np.array([[True, False], [True, True]])
    assert totals(product_counts(A, "real", B, "spike", keep_left=causal))["fanout_right"] == 5


def test_a_product_arrives_where_pairs_meet() -> None:
    assert product_arrival(A, B)[0, 0].tolist() == [[True, False, True], [True, False, True]]


def test_product_macs_agree_with_torch() -> None:
    a, b = torch.ones(2, 3, 4, 5), torch.ones(2, 3, 5, 6)
    with FlopCounterMode(display=False) as flops:
        _ = a @ b
    assert 2 * product_dense_macs(a.numpy(), b.numpy()) == flops.get_total_flops()


# ---- activity


def test_activity_is_an_event_with_a_synapse() -> None:
    # input of step 0: x0 active; kernel 3, padding 1 → neurons 0 and 1; nothing in step 1
    mask = np.zeros((2, 1, 1, 3), bool)
    mask[0, 0, 0, 0] = True
    layer = conv_layer(
        np.zeros((2, 1, 3)), padding=1
    )  # zero weights included, both output channels
    active = neuron_activity([Path(mask, (layer,))], (2, 3), 2, 1)
    assert active[:, 0].tolist() == [[[True, True, False]] * 2, [[False] * 3] * 2]
    # a recurrent dense edge with delay 1: step 1 is reached from step 0, everywhere
    delayed = Path(mask, (Linear((6, 3)),), delay=1)
    assert neuron_activity([delayed], (2, 3), 2, 1).sum(axis=(2, 3))[:, 0].tolist() == [0, 6]
    assert neuron_activity([Path(mask, (layer,)), delayed], (2, 3), 2, 1).sum() == 4 + 6
    assert neuron_activity([Path(mask), REAL_PATH], (1, 3), 2, 1).all()
    assert neuron_activity([Path(mask)], (1, 3), 2, 1).sum() == 1


def test_activity_keeps_to_its_group_and_passes_a_pool() -> None:
    mask = np.zeros((1, 1, 2, 4), bool)
    mask[0, 0, 1, 3] = True
    pool = conv_layer(np.ones((2, 1, 2)), stride=2, groups=2)
    conv = Conv((2, 1, 1), groups=2)
    assert neuron_activity([Path(mask, (conv, pool))], (2, 2), 1, 1)[0, 0].tolist() == [
        [False] * 2,
        [False, True],
    ]


def test_neuron_counts() -> None:
    active, spikes = np.array([[[True, False, True]]]), np.array([[[0, 0, 3]]])
    assert totals(neuron_counts(active, spikes, state_words=2)) == {
        "neuron_active": 2,
        "neuron_idle": 1,
        "spike": 3,
        "weight_read": 0,
        "state_read": 6,
        "state_write": 6,
        "activation_read": 0,
        "activation_write": 3,
    }
    own = neuron_counts(active, spikes, state_words=2, one_parameter_set=False)
    assert totals(own)["weight_read"] == 3


# ---- arithmetic, memory


def test_arithmetic_by_hand() -> None:
    def row(events: dict[str, int]) -> tuple[int, ...]:
        return tuple(events[k] for k in ("add", "multiply", "compare", "special"))

    assert row(elementwise("residual", 5)) == (5, 0, 0, 0)
    assert row(elementwise("batch_norm", 5)) == (5, 5, 0, 0)
    assert row(elementwise("layer_norm", 6, groups=2)) == (18, 12, 0, 2)
    assert row(elementwise("gelu", 4)) == (0, 0, 0, 4)
    assert row(elementwise("movement", 4)) == (0, 0, 0, 0)
    assert row(average_pool(3, 4)) == (12, 3, 0, 0)
    assert row(max_pool(3, 4)) == (0, 0, 9, 0)
    assert row(softmax(2, 5)) == (18, 0, 8, 20)
    assert list(other_memory(8, 2, 3).values()) == [3, 0, 0, 8, 2]
