"""Event-driven convolutions against torch's own."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurosim.errors import SimulationError
from neurosim.ops._bits import Bits
from neurosim.ops._bits_kernel import pack_loop
from neurosim.sim.kernels import conv, pack_weights
from neurosim.sim.kernels.events import bit_frames
from neurosim.threads import spread

DENSE = {
    (1, False): F.conv1d,
    (2, False): F.conv2d,
    (3, False): F.conv3d,
    (1, True): F.conv_transpose1d,
    (2, True): F.conv_transpose2d,
    (3, True): F.conv_transpose3d,
}
EPS = float(np.finfo(np.float32).eps)


def pick(rng, *choices):
    return choices[int(rng.integers(len(choices)))]


def random_case(rng, rank, transposed, depthwise=False):
    """Settings, x and weight shapes of a small convolution that has at least one output."""
    groups = pick(rng, 3, 17, 16, 64, 80) if depthwise else pick(rng, 1, 1, 2, 3)
    inputs = 1 if depthwise else pick(rng, 1, 2, 5, 16, 17, 40)
    outputs = pick(rng, 1, 2) if depthwise else pick(rng, 1, 7, 16, 33, 64, 81)
    each = lambda *choices: tuple(int(pick(rng, *choices)) for _ in range(rank))  # noqa: E731
    kernel, dilation, stride = each(1, 2, 3, 5), each(1, 1, 2, 3), each(1, 1, 2, 3)
    size = tuple(
        (k - 1) * d + 1 + int(rng.integers(0, 6)) for k, d in zip(kernel, dilation, strict=True)
    )
    settings = {"stride": stride, "padding": each(0, 1, 2), "dilation": dilation, "groups": groups}
    if transposed:
        settings["padding"] = each(0, 0)
        settings["output_padding"] = tuple(
            int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)
        )
    channels = (groups * inputs, outputs) if transposed else (groups * outputs, inputs)
    return (
        settings,
        (pick(rng, 1, 3), groups * inputs, *size),
        (*channels, *kernel),
        groups * outputs,
    )


def events(rng, shape, graded):
    x = (rng.random(shape) < pick(rng, 0.05, 0.3, 1.0)).astype(np.float32)
    return x * rng.integers(-3, 4, shape).astype(np.float32) * 0.5 if graded else x


def relaid(rng, x):
    """The same array contiguous, channels-last, or in neither order."""
    order = pick(rng, (0, 1), (0, 2), (1, 0))
    if order == (0, 2):
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    return x if order == (0, 1) else np.ascontiguousarray(x.swapaxes(0, 1)).swapaxes(0, 1)


def bits_of(x):
    """Spikes as a neuron hands them over, channels innermost."""
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    bits = Bits.empty((1, *x.shape), (*range(1, x.ndim - 1), 0))
    spread(pack_loop, len(x), 0, last.reshape(len(x), -1), bits.words)
    return bit_frames(bits)


def torch_conv(x, weight, bias, rank, transposed, settings):
    tensors = [torch.from_numpy(np.ascontiguousarray(v)) for v in (x, weight, bias)]
    return DENSE[rank, transposed](*tensors, **settings).numpy()


CASES = list(itertools.product((1, 2, 3), (False, True), (False, True), range(12)))


@pytest.mark.parametrize("depthwise", [False, True])
def test_bit_equal_to_torch_on_grid_weights(depthwise):
    for rank, transposed, graded, seed in CASES:
        rng = np.random.default_rng((rank, transposed, graded, seed))
        settings, x_shape, w_shape, outputs = random_case(rng, rank, transposed, depthwise)
        x = events(rng, x_shape, graded)
        weight = rng.integers(-256, 257, w_shape).astype(np.float32) / 256
        bias = rng.integers(-256, 257, outputs).astype(np.float32) / 256
        found = conv(
            relaid(rng, x),
            weight,
            bias,
            transposed=transposed,
            spike=None if graded else 1.0,
            **settings,
        )
        expected = torch_conv(x, weight, bias, rank, transposed, settings)
        np.testing.assert_array_equal(found, expected, err_msg=f"{settings} {x_shape} {w_shape}")
        single = depthwise and (outputs != x_shape[1] or outputs % 16)
        if graded or single:
            continue
        packed = pack_weights(weight, settings["groups"], transposed)
        rest = {k: v for k, v in settings.items() if k != "groups"}
        for scale in (1.0, 0.5):
            found = conv(bits_of(x), packed, bias, spike=scale, **rest)
            found = found.reshape(expected.shape)
            wanted = (expected - bias.reshape(1, -1, *(1,) * rank)) * np.float32(scale)
            wanted = wanted + bias.reshape(1, -1, *(1,) * rank)
            np.testing.assert_array_equal(found, wanted, err_msg=f"bits {settings} {x_shape}")


def test_real_weights_within_rounding_of_exact_sums():
    for seed in range(12):
        rng = np.random.default_rng(seed)
        settings, x_shape, w_shape, outputs = random_case(rng, 2, False)
        x = events(rng, x_shape, True)
        weight = rng.standard_normal(w_shape).astype(np.float32)
        zero = np.zeros(outputs, np.float32)
        found = conv(x, weight, **settings)
        expected = torch_conv(x, weight, zero, 2, False, settings)
        bound = torch_conv(abs(x), abs(weight), zero, 2, False, settings)
        fan_in = np.prod(w_shape[1:])
        assert (abs(found - expected) <= 2 * EPS * np.sqrt(fan_in) * bound).all()


def test_many_channels_cross_tiles_and_masks():
    rng = np.random.default_rng(5)
    x = (rng.random((2, 150, 9, 20)) < 0.2).astype(np.float32)
    weight = rng.integers(-64, 65, (144, 150, 3, 3)).astype(np.float32) / 256
    zero = np.zeros(144, np.float32)
    expected = torch_conv(x, weight, zero, 2, False, {"padding": 1})
    for planes in (x, np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)):
        np.testing.assert_array_equal(conv(planes, weight, padding=1, spike=1.0), expected)


def test_one_spike_value_scales_the_sum():
    rng = np.random.default_rng(6)
    x = (rng.random((2, 5, 7, 7)) < 0.3).astype(np.float32) * np.float32(0.75)
    weight = rng.integers(-64, 65, (9, 5, 3, 3)).astype(np.float32) / 256
    np.testing.assert_array_equal(conv(x, weight, spike=0.75), conv(x, weight))


def test_silence_gives_the_bias():
    bias = np.arange(5, dtype=np.float32)
    out = conv(
        np.zeros((2, 3, 4, 4), np.float32), np.ones((5, 3, 3, 3), np.float32), bias, padding=1
    )
    np.testing.assert_array_equal(out, np.broadcast_to(bias[None, :, None, None], (2, 5, 4, 4)))


def test_packed_weights_are_reusable_and_inputs_untouched():
    rng = np.random.default_rng(7)
    x = (rng.random((1, 4, 6, 6)) < 0.3).astype(np.float32)
    before, packed = x.copy(), pack_weights(rng.standard_normal((8, 2, 3, 3)).astype(np.float32), 2)
    first, again = conv(x, packed), conv(x, packed)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(x, before)


def test_no_samples():
    assert conv(np.zeros((0, 3, 5, 5), np.float32), np.ones((4, 3, 3, 3), np.float32)).shape == (
        0,
        4,
        3,
        3,
    )


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((1, 4, 5, 5), {}),
        ((1, 3, 5), {}),
        ((1, 3, 5, 5), {"stride": (1, 2, 3)}),
        ((1, 3, 2, 2), {}),
    ],
)
def test_what_does_not_fit_is_one_line(shape, settings):
    with pytest.raises(SimulationError, match=r"^kernels\.conv: .*[^\n]$"):
        conv(np.zeros(shape, np.float32), np.ones((4, 3, 3, 3), np.float32), **settings)


@pytest.mark.parametrize("channels", [16, 48, 64, 192])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_single_channels_under_masks(channels, kernel):
    """Wide enough that most pixels are walked in pairs; planar, channels-last and bits alike."""
    rng = np.random.default_rng(channels + kernel)
    x = (rng.random((2, channels, 7, 12)) < 0.2).astype(np.float32)
    weight = rng.integers(-64, 65, (channels, 1, kernel, kernel)).astype(np.float32) / 256
    bias = rng.integers(-64, 65, channels).astype(np.float32) / 256
    settings = {"padding": kernel // 2, "groups": channels}
    expected = torch_conv(x, weight, bias, 2, False, settings)
    packed = pack_weights(weight, channels)
    for source in (x, np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1), bits_of(x)):
        found = conv(source, packed, bias, padding=kernel // 2, spike=1.0)
        np.testing.assert_array_equal(found.reshape(expected.shape), expected)


@pytest.mark.parametrize("inputs", [1, 17, 64, 70, 600])
def test_pixel_by_pixel_or_list_by_list(inputs):
    """Few weights are summed pixel by pixel, many by lists: the same sums."""
    rng = np.random.default_rng(inputs)
    x = (rng.random((3, inputs, 5, 6)) < 0.2).astype(np.float32)
    for outputs in (7, 64, 600):
        weight = rng.integers(-8, 9, (outputs, inputs, 1, 1)).astype(np.float32) / 256
        bias = rng.integers(-64, 65, outputs).astype(np.float32) / 256
        expected = torch_conv(x, weight, bias, 2, False, {})
        for source in (x, np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1),
                       bits_of(x)):  # fmt: skip
            found = conv(source, weight, bias, spike=1.0).reshape(expected.shape)
            np.testing.assert_array_equal(found, expected)
