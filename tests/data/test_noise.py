"""Noise on clips: by the book, by chance within its bounds, and the same wherever it is drawn."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch
from torch import Tensor

from neurosim.data import Noise, noisy
from neurosim.data.noise import KINDS, PROTOCOL, RULES, stream
from neurosim.errors import ClipError, UnknownName

SHAPE = (8, 3, 12, 16)


def clip(kind: str = "real", seed: int = 0, shape: tuple[int, ...] = SHAPE) -> Tensor:
    """Normal numbers, as after normalisation; Poisson counts with both signs; spikes."""
    rng = np.random.default_rng(seed)
    if kind == "real":
        return torch.from_numpy(rng.normal(-0.35, 1.14, shape).astype(np.float32))
    counts = rng.poisson(0.4, shape)
    if kind == "graded":
        return torch.from_numpy((counts * rng.choice([-1, 1, 1], shape)).astype(np.float32))
    return torch.from_numpy((counts > 0).astype(np.float32))


STRONG = {"gaussian": 0.5, "salt_pepper": 0.3, "event_drop": 0.4, "frame_drop": 0.5}
STRONG |= {"time_jitter": 1.5, "clean": 0.0}
CASES = [(Noise(k, v), kind) for k, v in STRONG.items() for kind in Noise(k, v).kinds]


# ---- names


def test_protocol() -> None:
    assert list(map(str, PROTOCOL)) == [
        *("gaussian:0.1", "gaussian:0.3", "gaussian:0.5", "gaussian:1"),
        *("salt_pepper:0.1", "salt_pepper:0.2", "salt_pepper:0.3"),
    ]


@pytest.mark.parametrize(
    "noise",
    [
        *PROTOCOL,
        Noise("clean"),
        Noise("time_jitter", 1e-7),
        Noise("bits", 4),
        Noise("weight", 1 / 3),
    ],
)
def test_text_round_trip(noise: Noise) -> None:
    assert Noise.parse(str(noise)) == noise == Noise.parse(f" {noise} ")
    assert noise.where == ("model" if noise.kind in ("weight", "bits") else "clip")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gausian:0.3", "unknown noise 'gausian'; did you mean gaussian"),
        ("", "unknown noise ''; known: bits, clean"),
        ("gaussian", "at noise 'gaussian': found no level; write gaussian:LEVEL, a number"),
        ("gaussian:big", "at noise 'gaussian:big': found no level"),
        ("gaussian:-1", "at noise 'gaussian': found level -1; give a number of at least 0"),
        ("gaussian:nan", "found level nan"),
        ("weight:inf", "found level inf"),
        ("event_drop:1.1", "found level 1.1; give a probability from 0 to 1"),
        ("bits:2.5", "found level 2.5; give a whole number of at least 2"),
        ("bits:1", "found level 1;"),
        ("clean:1", "at noise 'clean': found level 1; give no level"),
    ],
)
def test_bad_text(text: str, found: str) -> None:
    with pytest.raises((UnknownName, ClipError), match=found) as caught:
        Noise.parse(text)
    assert "\n" not in str(caught.value)


# ---- the same everywhere


@pytest.mark.parametrize(("noise", "kind"), CASES, ids=str)
def test_the_stream_belongs_to_the_clip_the_level_and_the_seed(noise: Noise, kind: str) -> None:
    x, other = clip(kind), clip(kind, 1)
    kept, torch_state, numpy_state = x.clone(), torch.get_rng_state(), np.random.get_state()[1]
    alone = noisy(x, noise, "clip 1", 7, kind)
    batch = [noisy(c, noise, k, 7, kind) for c, k in ((other, "a"), (x, "clip 1"), (other, "b"))]
    assert torch.equal(alone, batch[1]) and alone.shape == x.shape and alone.dtype == x.dtype
    assert torch.equal(x, kept) and alone.data_ptr() != x.data_ptr()
    assert torch.equal(torch_state, torch.get_rng_state())
    assert (np.random.get_state()[1] == numpy_state).all()
    if noise.kind == "clean":
        assert torch.equal(alone, x)
        return
    assert not torch.equal(alone, x) and not torch.equal(batch[0], batch[2])
    assert not torch.equal(alone, noisy(x, noise, "clip 1", 8, kind))
    assert not torch.equal(alone, noisy(x, noise, "clip 2", 7, kind))


def test_the_seed_is_a_hash_of_all_three() -> None:
    text = json.dumps(["video/a.mp4", "salt_pepper:0.2", 3])
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest(), "little")
    expected = np.random.default_rng(seed).random(5)
    np.testing.assert_array_equal(
        stream("video/a.mp4", Noise("salt_pepper", 0.2), 3).random(5), expected
    )


@pytest.mark.parametrize(("noise", "kind"), CASES, ids=str)
def test_a_level_of_zero_changes_nothing(noise: Noise, kind: str) -> None:
    assert torch.equal(noisy(clip(kind), Noise(noise.kind, 0), "a", 0, kind), clip(kind))


@pytest.mark.parametrize(("noise", "kind"), [c for c in CASES if c[1] != "real"], ids=str)
def test_integers_stay_integers(noise: Noise, kind: str) -> None:
    out = noisy(clip(kind), noise, "a", 0, kind)
    assert torch.equal(out, out.round())
    assert kind != "spike" or set(out.unique().tolist()) == {0.0, 1.0}


# ---- by the book


@pytest.mark.parametrize("k", [0.1, 0.3, 0.5, 1.0])
def test_gaussian(k: float) -> None:
    x, noise = clip() * 3 + 1, Noise("gaussian", k)
    drawn = stream("a", noise, 5).standard_normal(SHAPE, dtype=np.float32)
    out = noisy(x, noise, "a", 5)
    strength = np.float32(k * x.numpy().std(ddof=1, dtype=np.float64))
    np.testing.assert_array_equal(out, x.numpy() + drawn * strength)
    assert abs(strength / (k * x.std()) - 1) < 1e-5  # torch's std
    added = (out - x) / (k * x.std())
    assert abs(added.mean()) < 4 / added.numel() ** 0.5
    assert abs(added.std() - 1) < 4 / (2 * added.numel()) ** 0.5
    assert abs((added * x).mean() / x.std()) < 0.08  # it does not know the clip


def test_the_same_field_on_another_clip_of_that_name() -> None:
    """What is added in units of the clip's own std is the noise tensor of (key, level, seed)."""
    fields = []
    for x in (clip(), clip(seed=4) * 9):
        fields.append(((noisy(x, Noise("gaussian", 0.3), "a", 0) - x) / x.std()).numpy())
    np.testing.assert_allclose(*fields, atol=1e-5)


@pytest.mark.parametrize("p", [0.1, 0.2, 0.3, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_salt_pepper(p: float, kind: str) -> None:
    x, noise = clip(kind), Noise("salt_pepper", p)
    u = stream("a", noise, 5).random(SHAPE).ravel().tolist()
    out = noisy(x, noise, "a", 5, kind)
    for before, after, share in zip(x.ravel().tolist(), out.ravel().tolist(), u, strict=True):
        if share < p / 2:
            assert after == x.max()
        elif share > 1 - p / 2:
            assert after == x.min()
        else:
            assert after == before
    if kind == "real":
        n = x.numel()
        for side in (x.max(), x.min()):
            assert abs((out == side).sum() - n * p / 2) <= 4 * (n * p / 2) ** 0.5 + 1


def test_event_drop_thins_every_single_event() -> None:
    shape = (4, 2, 100, 100)
    x = torch.full(shape, 5.0)
    x[:, 1] = -2
    out = noisy(x, Noise("event_drop", 0.3), "a", 0, "graded")
    for channel, n in ((out[:, 0], 5), (-out[:, 1], 2)):
        found = np.bincount(channel.ravel().int().numpy(), minlength=n + 1) / channel.numel()
        share = np.array([_binomial(n, i, 0.7) for i in range(n + 1)])
        sigma = np.sqrt(share * (1 - share) / channel.numel())
        assert len(found) == n + 1 and (np.abs(found - share) < 4 * sigma).all()


def _binomial(n: int, k: int, p: float) -> float:
    ways = {0: 1.0}
    for i in range(k):
        ways[i + 1] = ways[i] * (n - i) / (i + 1)
    return ways[k] * p**k * (1 - p) ** (n - k)


@pytest.mark.parametrize("kind", ["graded", "spike"])
def test_event_drop_makes_no_event(kind: str) -> None:
    x = clip(kind)
    out = noisy(x, Noise("event_drop", 0.4), "a", 0, kind)
    assert (out.abs() <= x.abs()).all() and (out * x >= 0).all()
    assert abs(out.abs().sum() / x.abs().sum() - 0.6) < 0.05
    assert not noisy(x, Noise("event_drop", 1), "a", 0, kind).any()


@pytest.mark.parametrize("kind", KINDS)
def test_frame_drop(kind: str) -> None:
    x, noise = clip(kind, shape=(60, 1, 4, 5)), Noise("frame_drop", 0.4)
    lost = stream("a", noise, 2).random(60) < 0.4
    out = noisy(x, noise, "a", 2, kind)
    shown = x[0]
    for t in range(60):
        if t and lost[t]:
            assert torch.equal(out[t], shown if kind == "real" else torch.zeros_like(shown))
        else:
            shown = x[t]
            assert torch.equal(out[t], shown)
    assert 10 < lost.sum() < 40
    still = noisy(x, Noise("frame_drop", 1), "a", 2, kind)
    assert torch.equal(still[0], x[0])
    assert torch.equal(still[9], x[0] if kind == "real" else torch.zeros_like(x[0]))


def test_time_jitter_of_frames() -> None:
    x, noise = clip(shape=(50, 1, 3, 4)), Noise("time_jitter", 2)
    away = stream("a", noise, 1).standard_normal(50)
    out = noisy(x, noise, "a", 1)
    for t in range(50):
        assert torch.equal(out[t], x[min(max(round(t + 2 * away[t]), 0), 49)])


@pytest.mark.parametrize("kind", ["graded", "spike"])
def test_time_jitter_of_events(kind: str) -> None:
    """Every event of every step on its own: events, in the order of the clip, against a loop."""
    x, noise = clip(kind), Noise("time_jitter", 1.5)
    away = iter(stream("a", noise, 1).standard_normal(int(x.abs().sum())))
    expected = torch.zeros(SHAPE)
    for t, c, y, column in x.nonzero().tolist():
        n = int(x[t, c, y, column])
        for _ in range(abs(n)):
            at = min(max(round(t + 1.5 * next(away)), 0), SHAPE[0] - 1)
            expected[at, c, y, column] += 1 if n > 0 else -1
    out = noisy(x, noise, "a", 1, kind)
    assert torch.equal(out, expected if kind == "graded" else expected.clamp(max=1))
    if kind == "graded":
        assert out.sum() == x.sum() and torch.equal(out.sum(0), x.sum(0))


def test_time_jitter_spreads_by_sigma() -> None:
    x = torch.zeros(41, 1, 60, 60)
    x[20] = 3
    found = noisy(x, Noise("time_jitter", 2.5), "a", 0, "graded").sum((1, 2, 3))
    steps = torch.arange(41.0)
    mean = (found * steps).sum() / found.sum()
    variance = (found * (steps - mean) ** 2).sum() / found.sum()
    assert abs(mean - 20) < 0.1 and abs(variance - (2.5**2 + 1 / 12)) < 0.35


# ---- what cannot be


def test_what_noise_cannot_do() -> None:
    x = clip()
    with pytest.raises(
        ClipError, match="'event_drop:0.1': found a real clip; it is for graded and"
    ):
        noisy(x, Noise("event_drop", 0.1), "a", 0)
    for kind in ("graded", "spike"):
        with pytest.raises(ClipError, match=f"'gaussian:1': found a {kind} clip; it is for real"):
            noisy(clip(kind), Noise("gaussian", 1), "a", 0, kind)
    for noise in (Noise("weight", 0.1), Noise("bits", 4)):
        with pytest.raises(ClipError, match=f"at noise '{noise}': it lies in the weights"):
            noisy(x, noise, "a", 0)
    with pytest.raises(UnknownName, match="unknown kind of clip 'spikes'; did you mean spike"):
        noisy(x, PROTOCOL[0], "a", 0, "spikes")
    for bad in (x[:, None], x.double(), x[:0]):
        with pytest.raises(ClipError, match=r"at noise: found torch.*give one clip \(T, C, H, W\)"):
            noisy(bad, PROTOCOL[0], "a", 0)
    for kind in ("graded", "spike"):
        with pytest.raises(ClipError, match=f"in a {kind} clip; give whole numbers"):
            noisy(x, Noise("event_drop", 0.1), "a", 0, kind)
    with pytest.raises(ClipError, match="from -.* to .* in a spike clip"):
        noisy(clip("graded"), Noise("frame_drop", 0.1), "a", 0, "spike")


def test_every_rule_is_tested_here() -> None:
    assert set(STRONG) | {"weight", "bits"} == set(RULES)
