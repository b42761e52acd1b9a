"""Padding as a value: torch's values in every mode; copies are synapses, zeros are not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurosim.sim.simulate import simulate
from tests.ops.graphs import OF_KIND, built, input_node, node, operate, ran, same_counts
from tests.oracles import conv_counts, kind_of
from tests.oracles.kinds import MASKED, REAL, SPIKE, graded

KINDS = {"spike": SPIKE, "graded": graded(-3, 3), "real": REAL, "masked": MASKED}
RULE = {
    "constant": "zero_pad",
    "circular": "circular_pad",
    "reflect": "reflect_pad",
    "replicate": "replicate_pad",
}


@pytest.mark.parametrize("mode", list(RULE))
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_values_and_kinds(mode: str, kind: str, axes: int) -> None:
    x = OF_KIND[kind](np.random.default_rng(axes), 2, 2, 2, *(4, 5, 3)[:axes])
    before, after = (0, *(1, 2, 1)[:axes]), (0, *(2, 0, 1)[:axes])
    found = operate("pad", x, mode=mode, before=before, after=after, value=0.0)
    sizes = [n for i in reversed(range(1, axes + 1)) for n in (before[i], after[i])]
    expected = F.pad(torch.from_numpy(x.n).flatten(0, 1), sizes, mode=mode).unflatten(0, (2, 2))
    np.testing.assert_array_equal(found.out, expected.numpy())
    rule = kind_of(RULE[mode], KINDS[kind])
    assert (found.type.kind.value, found.type.masked) == (rule.kind, rule.masked)
    assert found.type.kind.value == "real" or (found.type.lo, found.type.hi) == (rule.lo, rule.hi)
    same_counts(found.counts, {})


def test_a_constant_other_than_zero_is_real() -> None:
    x = OF_KIND["spike"](np.random.default_rng(0), 1, 1, 3)
    found = operate("pad", x, mode="constant", before=(1,), after=(0,), value=1.0)
    assert found.type.kind.value == "real" and (found.out[..., 0] == 1).all()


def test_negative_padding_crops() -> None:
    x = OF_KIND["spike"](np.random.default_rng(0), 2, 1, 2, 5)
    found = operate("pad", x, mode="constant", before=(0, -1), after=(0, -2), value=0.0)
    np.testing.assert_array_equal(found.out, x.n[..., 1:3])


@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate"])
def test_copies_are_existing_synapses(mode: str) -> None:
    """pad, then a convolution without padding: the oracle's convolution with that padding mode."""
    rng = np.random.default_rng(1)
    x = OF_KIND["spike"](rng, 2, 2, 2, 4, 4)
    weight = rng.integers(-1, 2, (3, 2, 3, 3)).astype(np.float32)
    one = (1, 1)
    graph = built(
        [
            input_node((2, 4, 4), 2),
            node("p", "pad", "clip", mode=mode, before=(0, 1, 1), after=(0, 1, 1), value=0.0),
            node(
                "y",
                "convolution",
                "p",
                params={"weight": "w"},
                stride=one,
                padding=(0, 0),
                dilation=one,
                groups=1,
                transposed=False,
                output_padding=(0, 0),
            ),
        ],
        {"w": weight},
        2,
        2,
    )
    found = ran(graph, simulate(graph, x.n, "dense", record=["y"]), "y")
    expected = conv_counts(x.n, "spike", weight, padding=1, padding_mode=mode)
    for event in ("synapse", "synapse_zero", "weight_read", "state_write"):
        np.testing.assert_array_equal(found.counts[event], expected[event], err_msg=event)
