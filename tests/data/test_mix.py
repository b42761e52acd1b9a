"""Mixup, cutmix and smoothing on batches whose pixels say whose they are."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest
import torch
from scipy.stats import beta, kstest
from torch.nn import functional

from neurosim.data.augment.chance import numpy_generator
from neurosim.data.mix import Mix, mix, soft_cross_entropy
from neurosim.errors import ClipError

CLASSES = 5
LABELS = torch.tensor([0, 3, 3, 4])
OWN = torch.arange(4.0)  # the value of every pixel of clip b is b


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-6, atol=1e-6)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(height: int = 8, width: int = 6) -> torch.Tensor:
    return OWN[None, :, None, None, None].expand(3, 4, 2, height, width).clone()


def share_of(targets: torch.Tensor) -> float:
    """λ, of the first clip (label 0) in the pair with the last one (label 4)."""
    return float(targets[0, 0])


def test_nothing_on():
    clips, targets = mix(batch(), LABELS, CLASSES, Mix(), seeded())
    assert torch.equal(clips, batch())
    assert torch.equal(targets, functional.one_hot(LABELS, CLASSES).float())


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_smoothing_is_torchs(smoothing):
    _, targets = mix(batch(), LABELS, CLASSES, Mix(smoothing=smoothing), seeded())
    logits = torch.randn(4, CLASSES, generator=seeded())
    expected = functional.cross_entropy(logits, LABELS, label_smoothing=smoothing)
    close(soft_cross_entropy(logits, targets), expected)
    assert float(targets[0, 0]) == pytest.approx(1 - smoothing * 4 / 5)
    assert float(targets[0, 1]) == pytest.approx(smoothing / 5)


def test_soft_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)], [1.0, 1.0]])  # softmax: (1/4, 3/4), (1/2, 1/2)
    targets = torch.tensor([[0.5, 0.5], [0.2, 0.8]])
    expected = (-0.5 * math.log(1 / 4) - 0.5 * math.log(3 / 4) + math.log(2)) / 2
    assert float(soft_cross_entropy(logits, targets)) == pytest.approx(expected)


def test_mixup_mixes_pixels_and_targets_alike():
    for seed in range(20):
        clips, targets = mix(batch(), LABELS, CLASSES, Mix(mixup=0.8), seeded(seed))
        share = share_of(targets)
        expected = share * OWN + (1 - share) * OWN.flip(0)
        close(clips, expected[None, :, None, None, None].expand_as(clips))
        mixed = [[share, 0, 0, 0, 1 - share], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0]]
        mixed.append([1 - share, 0, 0, 0, share])
        close(targets, torch.tensor(mixed))


@pytest.mark.parametrize("alpha", [0.3, 0.8, 1.0])
def test_shares_are_beta_distributed(alpha):
    drawn = []
    for seed in range(500):
        _, targets = mix(batch(1, 1), LABELS, CLASSES, Mix(mixup=alpha), seeded(seed))
        drawn.append(share_of(targets))
    assert kstest(drawn, beta(alpha, alpha).cdf).pvalue > 0.01
    assert kstest(drawn, beta(alpha + 0.4, alpha + 0.4).cdf).pvalue < 0.01  # the test sees it


def test_cutmix_pastes_one_box_and_counts_its_pixels():
    seen = set()
    for seed in range(100):
        given = batch()
        clips, targets = mix(given, LABELS, CLASSES, Mix(cutmix=1.0), seeded(seed))
        assert torch.equal(given, batch())
        cut = clips[0, 0, 0] == 3  # the other clip of the pair
        expected = torch.where(cut, OWN.flip(0)[:, None, None], OWN[:, None, None])
        assert torch.equal(clips, expected[None, :, None].expand_as(clips))
        rows, columns = cut.any(1).nonzero().flatten(), cut.any(0).nonzero().flatten()
        assert int(cut.sum()) == len(rows) * len(columns)
        assert share_of(targets) == pytest.approx(1 - int(cut.sum()) / 48)
        seen.add((tuple(rows.tolist()), tuple(columns.tolist())))
    assert len(seen) > 40
    assert all(list(r) == list(range(r[0], r[-1] + 1)) for r, _ in seen if r)


def test_the_box_is_the_papers():
    """Sides √(1 − λ) of the frame's, halves rounded down, middle uniform, cut off at the border."""
    clipped = 0
    for seed in range(100):
        rng = numpy_generator(seeded(seed))
        rng.random()  # whether to mix
        share = rng.beta(1.0, 1.0)
        middle_y, middle_x = rng.integers(8), rng.integers(6)
        half_y = math.floor(8 * math.sqrt(1 - share)) // 2
        half_x = math.floor(6 * math.sqrt(1 - share)) // 2
        y, x = np.mgrid[:8, :6]
        box = (middle_y - half_y <= y) & (y < middle_y + half_y)
        box &= (middle_x - half_x <= x) & (x < middle_x + half_x)
        clipped += box.sum() < 4 * half_y * half_x
        clips, _ = mix(batch(), LABELS, CLASSES, Mix(cutmix=1.0), seeded(seed))
        assert np.array_equal(clips[0, 0, 0] == 3, box)
    assert clipped > 20


def kinds(how: Mix, batches: int = 300) -> dict[str, float]:
    """How often a batch is left alone, cut or blended."""
    found = {"none": 0, "cut": 0, "blend": 0}
    for seed in range(batches):
        clips, targets = mix(batch(16, 16)[:1], LABELS, CLASSES, how, seeded(seed))
        values = set(clips[0, 0, 0].flatten().tolist())
        kind = "cut" if values == {0.0, 3.0} or values == {3.0} else "blend"
        found["none" if share_of(targets) == 1 else kind] += 1
    return {kind: number / batches for kind, number in found.items()}


def test_switch_and_prob():
    both = kinds(Mix(mixup=0.8, cutmix=1.0))
    assert both["cut"] == pytest.approx(0.5, abs=0.1) and both["none"] < 0.05
    assert kinds(Mix(mixup=0.8, cutmix=1.0, switch=0.0), 50)["blend"] == 1
    assert kinds(Mix(mixup=0.8, cutmix=1.0, switch=1.0), 50)["blend"] == 0
    assert kinds(Mix(mixup=0.8, cutmix=1.0, prob=0.0), 50)["none"] == 1
    assert kinds(Mix(mixup=0.8, switch=1.0), 50)["blend"] == 1
    assert kinds(Mix(cutmix=0.8, switch=0.0), 50)["blend"] == 0
    assert kinds(Mix(mixup=0.8, prob=0.3))["none"] == pytest.approx(0.7, abs=0.1)


def test_targets_sum_to_one():
    how = Mix(mixup=0.8, cutmix=1.0, smoothing=0.1)
    for seed in range(50):
        _, targets = mix(batch(), LABELS, CLASSES, how, seeded(seed))
        close(targets.sum(1), torch.ones(4))
        assert targets.dtype == torch.float32 and float(targets.min()) >= 0.1 / 5 - 1e-6


def test_the_generator_decides_and_nothing_else_changes():
    given, how = batch(), Mix(mixup=0.8, cutmix=1.0)
    before = torch.get_rng_state().tolist(), repr(np.random.get_state()), random.getstate()
    one, two = (mix(given, LABELS, CLASSES, how, seeded(7)) for _ in range(2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])
    assert torch.equal(given, batch())
    after = torch.get_rng_state().tolist(), repr(np.random.get_state()), random.getstate()
    assert before == after
    shares = {share_of(mix(given, LABELS, CLASSES, how, seeded(seed))[1]) for seed in range(30)}
    assert len(shares) > 10


def test_the_middle_clip_of_an_odd_batch_stays():
    clips, targets = mix(batch()[:, :3], LABELS[:3], CLASSES, Mix(mixup=0.8), seeded())
    close(clips[:, 1], batch()[:, 1])
    close(targets[1], torch.tensor([0.0, 0, 0, 1, 0]))


def test_json_and_back():
    how = Mix(mixup=0.8, cutmix=1.0, smoothing=0.1)
    assert Mix.from_dict(json.loads(json.dumps(how.to_dict()))) == how
    assert Mix.from_dict({}) == Mix()
    with pytest.raises(ClipError, match=r"^at mix: found unknown fields \['alpha'\]; the fields"):
        Mix.from_dict({"alpha": 0.8})


@pytest.mark.parametrize(
    ("field", "value"),
    [("mixup", -0.1), ("cutmix", float("inf")), ("cutmix", "on"), ("prob", 1.1)]
    + [("switch", -1), ("smoothing", 1.5), ("smoothing", None), ("prob", True)],
)
def test_one_line_for_a_field_out_of_range(field, value):
    with pytest.raises(ClipError, match=f"^at mix field '{field}': found .*; give .*$"):
        Mix(**{field: value})


@pytest.mark.parametrize(
    ("clips", "labels", "found"),
    [
        (batch()[0], LABELS, "found clips"),
        (batch().byte(), LABELS, "found clips"),
        (batch(), LABELS[:3], "found clips"),
        (batch(), LABELS.float(), "found clips"),
        (batch(), LABELS + 1, "found label 5; give labels in 0 … 4"),
        (batch(), LABELS - 1, "found label -1; give labels in 0 … 4"),
    ],
)
def test_one_line_for_another_batch(clips, labels, found):
    with pytest.raises(ClipError, match=rf"\Aat the batch to mix: {found}[^\n]*\Z"):
        mix(clips, labels, CLASSES, Mix(), seeded())
