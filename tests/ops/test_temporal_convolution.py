"""Convolution over time: torch's shapes and values; an event belongs to the step of its source."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from neurosim.errors import GraphError
from tests.ops.graphs import OF_KIND, built, input_node, node, operate, same_counts
from tests.oracles import conv3d_time_counts

CASES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((4, 2, 3, 3, 3), {"padding": (1, 1, 1)}),
    ((4, 1, 2, 3, 1), {"groups": 2, "padding": (0, 1, 0), "stride": (1, 2, 1)}),
    ((2, 2, 2, 2, 2), {"stride": (2, 1, 2), "dilation": (1, 2, 1)}),
    ((3, 2, 5, 1, 1), {}),  # one output step: a clip value
    ((2, 2, 3, 1, 1), {"dilation": (2, 1, 1), "padding": (2, 0, 0)}),
    ((2, 2, 3, 1, 1), {"padding": (2, 0, 0)}),  # more output steps than input steps
]
ONE = (1, 1, 1)
PLAIN = {"stride": ONE, "padding": (0, 0, 0), "dilation": ONE, "groups": 1}


@pytest.mark.parametrize("kind", list(OF_KIND))
@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("bias", [False, True])
def test_values_and_counts(kind: str, case: int, bias: bool) -> None:
    shape, given = CASES[case]
    a = PLAIN | given
    rng = np.random.default_rng(case)
    x = OF_KIND[kind](rng, 5, 2, 2, 4, 3)
    weight = rng.integers(-2, 3, shape).astype(np.float32)
    params = {"weight": weight} | ({"bias": np.arange(shape[0], dtype=np.float32)} if bias else {})
    found = operate("temporal_convolution", x, params=params, **a)
    data = torch.from_numpy(x.n).permute(1, 2, 0, 3, 4)
    b = torch.arange(float(shape[0])) if bias else None
    with FlopCounterMode(display=False) as flops:
        expected = F.conv3d(
            data, torch.from_numpy(weight), b, a["stride"], a["padding"], a["dilation"], a["groups"]
        )
    moved = expected.permute(2, 0, 1, 3, 4).numpy()
    assert found.type.steps == (len(moved) if len(moved) > 1 else None)
    np.testing.assert_allclose(found.out.reshape(moved.shape), moved, rtol=1e-5, atol=1e-5)
    same_counts(found.counts, conv3d_time_counts(x.n, kind, weight, bias, **a))
    assert 2 * sum(found.graph.dense_macs().values()) == flops.get_total_flops()
    assert found.facts.kernel_in_time == shape[2]


def test_one_axis_alone_and_chunks() -> None:
    """Conv1d over the steps; the chunk changes nothing."""
    rng = np.random.default_rng(0)
    x = OF_KIND["spike"](rng, 6, 2, 3)
    weight = rng.integers(-2, 3, (4, 3, 3)).astype(np.float32)
    a = {"stride": (1,), "padding": (1,), "dilation": (1,), "groups": 1}
    runs = [
        operate("temporal_convolution", x, params={"weight": weight}, chunk=c, **a)
        for c in (1, 4, 6)
    ]
    expected = F.conv1d(torch.from_numpy(x.n).permute(1, 2, 0), torch.from_numpy(weight), padding=1)
    for found in runs:
        np.testing.assert_array_equal(found.out, expected.permute(2, 0, 1).numpy())
        same_counts(found.counts, runs[0].counts)


def test_a_kernel_longer_than_the_clip_is_named() -> None:
    with pytest.raises(GraphError, match="'y'.*temporal kernel of 3 needs more than the 2 steps"):
        built(
            [
                input_node((1,), 2),
                node(
                    "y",
                    "temporal_convolution",
                    "clip",
                    params={"weight": "w"},
                    stride=(1,),
                    padding=(0,),
                    dilation=(1,),
                    groups=1,
                ),
            ],
            {"w": np.ones((1, 1, 3), np.float32)},
            2,
        )
