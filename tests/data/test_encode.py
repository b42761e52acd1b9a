"""Spike trains of intensities: exact counts, loops, and chance within its bounds."""

from __future__ import annotations

from math import floor

import pytest
import torch

from neurosim.data import encode_clip
from neurosim.data.encode import ENCODINGS, direct, latency, rate, regular
from neurosim.errors import ClipError, UnknownName


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


GRAYS = torch.arange(256).float() / 255


def test_rate_is_a_fair_coin_in_every_step() -> None:
    x = torch.tensor([0.0, 0.03, 0.5, 0.9, 1.0])[:, None].expand(5, 4000)
    trains = rate(x, 25, seeded())
    assert trains.shape == (25, 5, 4000) and set(trains.unique().tolist()) == {0.0, 1.0}
    mean, p = trains.mean((0, 2)), x[:, 0]
    assert ((mean - p).abs() <= 4 * (p * (1 - p) / 100_000).sqrt()).all()
    assert mean[0] == 0 and mean[-1] == 1
    both = (trains[1:, 2] * trains[:-1, 2]).mean()  # steps are independent
    assert abs(both - 0.25) < 4 * (0.25 * 0.75 / 96_000) ** 0.5


def test_rate_is_its_generators_alone() -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    a, b, c = (rate(GRAYS, 9, seeded(s)) for s in (5, 5, 6))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("steps", [1, 4, 7, 100])
def test_regular_against_a_neuron(steps: int) -> None:
    trains = regular(GRAYS, steps)
    for i, x in enumerate(GRAYS.tolist()):
        charge, spikes = 0.5, []
        for t in range(steps):
            fires = floor((t + 1) * x + 0.5) > floor(t * x + 0.5)
            charge += x
            assert fires == (charge >= 1 - 1e-9)
            charge -= fires
            spikes.append(float(fires))
        assert trains[:, i].tolist() == spikes
        assert trains[:, i].sum() == floor(steps * x + 0.5)


def test_regular_is_evenly_spread() -> None:
    at = regular(torch.tensor(0.3), 40).nonzero().flatten()
    assert len(at) == 12 and set(at.diff().tolist()) == {3, 4}


def test_latency() -> None:
    trains = latency(GRAYS, 16)
    for i, x in enumerate(GRAYS.tolist()):
        assert trains[:, i].nonzero().flatten().tolist() == ([round((1 - x) * 15)] if x else [])
    assert (trains.sum(0)[1:] == 1).all() and trains[:, 0].sum() == 0
    assert trains[0, 255] == 1 and trains[15, 1] == 1


def test_direct_is_the_frame_in_every_step() -> None:
    x = torch.randn(3, 4, 5, generator=seeded())
    out = direct(x, 6)
    assert out.shape == (6, 3, 4, 5) and all(torch.equal(step, x) for step in out)
    out[0] = 7
    assert not (x == 7).any() and not (out[1] == 7).any()


@pytest.mark.parametrize("how", ENCODINGS)
def test_clip_is_encoded_frame_by_frame(how: str) -> None:
    clip = torch.rand(3, 2, 4, 5, generator=seeded(1))
    trains = encode_clip(clip, 8, how, seeded(2))
    assert trains.shape == (24, 2, 4, 5) and trains.dtype == torch.float32
    assert torch.equal(trains, encode_clip(clip, 8, how, seeded(2)))
    if ENCODINGS[how].kind == "spike":
        assert set(trains.unique().tolist()) == {0.0, 1.0}
    for k in range(3):
        part = trains[8 * k : 8 * k + 8]
        if ENCODINGS[how].random:
            assert (part.mean(0) - clip[k]).abs().max() < 0.75
        else:
            assert torch.equal(part, ENCODINGS[how].make(clip[k], 8, seeded()))


def test_what_cannot_be_encoded() -> None:
    with pytest.raises(UnknownName, match="unknown encoding 'latncy'; did you mean latency"):
        encode_clip(GRAYS, 4, "latncy")
    with pytest.raises(ClipError, match="'rate': found no generator; give torch.Generator"):
        encode_clip(GRAYS, 4, "rate")
    for how in ("rate", "regular", "latency"):
        with pytest.raises(ClipError, match=f"{how}.* from -1 to 1; scale .*or take 'direct'"):
            encode_clip(GRAYS * 2 - 1, 4, how, seeded())
    with pytest.raises(ClipError, match="from nan"):
        regular(torch.tensor([float("nan")]), 4)
    for how in ENCODINGS:
        with pytest.raises(ClipError, match="found 0 steps; give at least 1"):
            encode_clip(GRAYS, 0, how, seeded())
