"""A model that fails on the clip: the message names the layer, what it expects and what it got."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurosim.capture.capture import capture
from neurosim.capture.failure import check_parameters
from neurosim.errors import CaptureError, ClipError, ModelError
from tests.capture.checking import Model

T, B = 3, 2
FRAMES = torch.randn(T, B, 3, 8, 8)


class Net(nn.Module):
    def __init__(self, layer: nn.Module, fold: bool = True) -> None:
        super().__init__()
        self.stem, self.fold = nn.Module(), fold
        self.stem.conv = layer
        self.eval()

    def forward(self, x):
        return self.stem.conv(x.flatten(0, 1) if self.fold else x)


@pytest.mark.parametrize(
    ("layer", "fold", "told"),
    [
        (
            nn.Conv2d(4, 6, 3),
            True,
            "at 'stem.conv' (Conv2d): expects 4 input channels, got 3; pass a clip with 4 "
            "channels or build the model "
            "with in_channels=3",
        ),
        (nn.BatchNorm2d(9), True, "at 'stem.conv' (BatchNorm2d): expects 9 input channels, got 3"),
        (nn.Linear(5, 2), True, "at 'stem.conv' (Linear): expects 5 features, got 8"),
        (
            nn.Conv2d(3, 6, 3),
            False,
            "at 'stem.conv' (Conv2d): expects 4 axes (N, C and 2 of space), got (3, 2, 3",
        ),
        (
            nn.MaxPool2d(50),
            True,
            "at 'stem.conv' (MaxPool2d): the model fails on a clip of shape (3, 2, 3, 8, 8)",
        ),
    ],
)
def test_the_layer_is_named(layer, fold, told):
    with pytest.raises(ModelError) as caught:
        capture(Net(layer, fold), FRAMES)
    assert str(caught.value).startswith(told) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "clip", "options", "error", "match"),
    [
        (nn.Linear(8, 2), FRAMES * float("nan"), {}, ClipError, "NaN or infinity"),
        (nn.Linear(8, 2), "clip.mp4", {}, ClipError, "the clip is a str"),
        (nn.Linear(8, 2), FRAMES[:0], {}, ClipError, "empty"),
        (nn.Linear(8, 2), FRAMES, {"time_dim": 7}, ClipError, "time_dim=7"),
        (nn.Linear(8, 2), FRAMES, {"time_dim": 1}, ClipError, "both 1"),
        (nn.Linear(8, 2), FRAMES, {"kind": "spike"}, ClipError, "declared spike"),
        (nn.Linear(8, 2), FRAMES, {"kind": "spikes"}, CaptureError, "unknown kind"),
        (42, FRAMES, {}, ModelError, "the model is a int"),
        (nn.Linear, FRAMES, {}, ModelError, "the model is the class Linear"),
        (Model(lambda s, x: 3), FRAMES, {}, CaptureError, "nothing that the model returns"),
        (nn.Dropout(), FRAMES, {}, CaptureError, "training mode"),
    ],
)
def test_mistakes_of_the_user(model, clip, options, error, match):
    if isinstance(model, nn.Linear):
        model.eval()
    with pytest.raises(error, match=match):
        capture(model, clip, **options)


def test_a_functions_own_error_is_told():
    with pytest.raises(ModelError, match="fails on a clip .* with KeyError: 'x'"):
        capture(lambda x: {}["x"], FRAMES)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_weights_of_another_precision(dtype):
    model = Net(nn.Linear(8, 2)).to(dtype)
    told = rf"at 'stem.conv' \(Linear\): its weight is {dtype}, .*; convert .* model.float\(\)"
    with pytest.raises(ModelError, match=told):
        capture(model, FRAMES)


def test_an_input_that_became_double_on_the_way():
    model = Model(lambda s, x: s.m[0](x.double()), nn.Linear(8, 2))
    with pytest.raises(ModelError, match="its input became torch.float64 on the way"):
        capture(model, FRAMES)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_parameters_that_are_not_finite(value):
    model = Net(nn.Linear(8, 2))
    check_parameters(model)
    check_parameters(None)
    check_parameters(nn.LazyLinear(2))
    with torch.no_grad():
        model.stem.conv.bias[1] = value
    with pytest.raises(ModelError, match="at 'stem.conv.bias': 1 of its 2 numbers are NaN"):
        check_parameters(model)
