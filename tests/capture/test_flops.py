"""Σ dense_macs × 2 = torch's FlopCounterMode (counting rules, section 8), outputs equal, on whole
layers and models."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.capture.checking import Model, captured, folded

T, B, C = 3, 2, 4


def frames(steps: int = T) -> torch.Tensor:
    return torch.randn(steps, B, C, 8, 8)


def tokens() -> torch.Tensor:
    return torch.randn(T, B, 6, 8)


def _volume(*layers: nn.Module) -> Model:
    """(T, B, C, H, W) through layers that want (B, C, T, H, W)."""
    return Model(lambda s, x: s.net(x.permute(1, 2, 0, 3, 4)), net=nn.Sequential(*layers))


def _attention(mask=None, causal=False) -> Model:
    def forward(s, x):
        q, k, v = (layer(x) for layer in s.m)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)

    return Model(forward, *(nn.Linear(8, 8) for _ in range(3)))


def _multihead(batch_first: bool, weights: bool) -> Model:
    def forward(s, x):
        y = x.flatten(0, 1)
        y = y if batch_first else y.transpose(0, 1)
        z = s.m[0](y, y, y, need_weights=weights)[0]
        return (z if batch_first else z.transpose(0, 1)).unflatten(0, x.shape[:2])

    return Model(forward, nn.MultiheadAttention(8, 2, batch_first=batch_first))


def _by_hand(s, x):
    steps, samples, length, width = x.shape
    q, k, v = s.m[0](x).reshape(steps, samples, length, 3, 2, 4).permute(3, 0, 1, 4, 2, 5).unbind(0)
    weights = (q @ k.transpose(-2, -1) * 0.5).softmax(-1)
    return s.m[1]((weights @ v).transpose(2, 3).reshape(steps, samples, length, width))


def _einsum(s, x):
    q = s.m[0](x).unflatten(-1, (2, 4))
    weights = torch.einsum("tbnhc,tbmhc->tbhnm", q, q).softmax(-1)
    return torch.einsum("tbhnm,tbmhc->tbnhc", weights, q).flatten(-2)


def _bmm(s, x):
    y = x.flatten(0, 1)
    return torch.bmm(torch.bmm(y, y.transpose(1, 2)), y).unflatten(0, x.shape[:2])


def _space_time(s, x):
    y = x.permute(1, 0, 2, 3).flatten(1, 2)
    y = y + s.m[0](y, y, y)[0]
    return s.m[1](y.unflatten(1, (x.shape[0], 6)).permute(1, 0, 2, 3))


def _class_token(s, x):
    y = x.flatten(0, 1)
    y = torch.cat([s.token.expand(len(y), 1, 8), y], 1) + s.positions
    return s.m[0](y)[:, 0].unflatten(0, x.shape[:2]).mean(0)


def _encoder(**options) -> Model:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)
    return Model(lambda s, x: s.m[0](x.flatten(0, 1)).unflatten(0, x.shape[:2]), layer)


_W = torch.randn(5, C, 3, 3)
_LEFT = torch.randn(5, 6)
MODELS = {
    "conv2d": lambda: (folded(nn.Conv2d(C, 6, 3)), frames()),
    "conv2d padded": lambda: (folded(nn.Conv2d(C, 6, 3, padding=1)), frames()),
    "conv2d same": lambda: (folded(nn.Conv2d(C, 6, 5, padding="same")), frames()),
    "conv2d groups": lambda: (folded(nn.Conv2d(C, 8, 3, 2, 3, dilation=2, groups=2)), frames()),
    "conv2d depthwise": lambda: (folded(nn.Conv2d(C, 8, 3, groups=C)), frames()),
    "conv1d": lambda: (folded(nn.Flatten(2), nn.Conv1d(C, 6, 3)), frames()),
    "conv1d over time": lambda: (
        Model(lambda s, x: s.m[0](x.permute(1, 2, 0)), nn.Conv1d(8, 5, 3, padding=1)),
        torch.randn(T, B, 8),
    ),
    "conv3d over time": lambda: (_volume(nn.Conv3d(C, 6, 3, padding=1)), frames()),
    "conv3d strided": lambda: (_volume(nn.Conv3d(C, 6, (2, 3, 3), stride=(2, 1, 1))), frames(4)),
    "conv3d whole": lambda: (_volume(nn.Conv3d(C, 6, (T, 1, 1))), frames()),
    "transposed": lambda: (
        folded(nn.ConvTranspose2d(C, 6, 3, stride=2, padding=1, output_padding=1)),
        frames(),
    ),
    "transposed groups": lambda: (folded(nn.ConvTranspose2d(C, 6, 2, groups=2)), frames()),
    "functional": lambda: (
        Model(lambda s, x: F.conv2d(F.pad(x.flatten(0, 1), (1, 2, 0, 1)), _W)),
        frames(),
    ),
    "linear": lambda: (folded(nn.Linear(8, 5)), frames()),
    "matmul right": lambda: (Model(lambda s, x: x @ _LEFT.t()), torch.randn(T, B, 6)),
    "matmul left": lambda: (Model(lambda s, x: _LEFT @ x), tokens()),
    "einsum weight": lambda: (
        Model(
            lambda s, x: torch.einsum("tbnc,cd->tbnd", x, s.w), w=nn.Parameter(torch.randn(8, 5))
        ),
        tokens(),
    ),
    "bmm": lambda: (Model(_bmm), tokens()),
    "einsum": lambda: (Model(_einsum, nn.Linear(8, 8)), tokens()),
    "attention by hand": lambda: (Model(_by_hand, nn.Linear(8, 24), nn.Linear(8, 8)), tokens()),
    "attention": lambda: (_attention(), tokens()),
    "attention causal": lambda: (_attention(causal=True), tokens()),
    "attention bool mask": lambda: (_attention(torch.ones(6, 6).tril(1).bool()), tokens()),
    "attention float mask": lambda: (_attention(torch.randn(6, 6)), tokens()),
    "multihead": lambda: (_multihead(True, False), tokens()),
    "multihead weights": lambda: (_multihead(True, True), tokens()),
    "multihead length first": lambda: (_multihead(False, False), tokens()),
    "multihead length first weights": lambda: (_multihead(False, True), tokens()),
    "multihead over time": lambda: (
        Model(lambda s, x: s.m[0](x, x, x)[0], nn.MultiheadAttention(8, 2)),
        torch.randn(T, B, 8),
    ),
    "joint space-time": lambda: (
        Model(_space_time, nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 5)),
        tokens(),
    ),
    "encoder layer": lambda: (_encoder(), tokens()),
    "encoder layer, norm first": lambda: (_encoder(norm_first=True, activation="gelu"), tokens()),
    "class token": lambda: (
        Model(
            _class_token,
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
            token=nn.Parameter(torch.randn(1, 1, 8)),
            positions=nn.Parameter(torch.randn(1, 7, 8)),
        ),
        tokens(),
    ),
    "small network": lambda: (
        folded(
            nn.Conv2d(C, 6, 3),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(6, 3),
        ),
        frames(),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_dense_macs_are_half_of_torchs_flops(name):
    torch.manual_seed(0)
    model, clip = MODELS[name]()
    graph = captured(model.eval(), clip)
    assert sum(graph.dense_macs().values()) > 0


def test_enough_models_are_compared():
    assert len(MODELS) >= 25
