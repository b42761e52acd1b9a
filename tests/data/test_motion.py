"""The data set as a trainer sees it; slow: no single frame tells the action, all of them do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader

from neurosim.data import load_clip
from neurosim.data.motion import ACTIONS, RECIPE, SPLITS, Motion, generate, load_motion
from neurosim.data.motion_draw import draw_clip, draw_extended
from neurosim.data.motion_events import film_events, slice_events
from neurosim.data.motion_files import motion_path
from neurosim.errors import ClipError, StoreError, UnknownName

CLIPS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("motion")
    generate(home, CLIPS, seed=1, workers=1)
    generate(home, 3, seed=1, workers=1, events=True)
    return home


def test_items(folder):
    motion = Motion(folder, CLIPS, seed=1)
    clip, label = motion[11]
    assert len(motion) == CLIPS and ACTIONS[label] == ACTIONS[1] == "left"
    assert clip.shape == (16, 3, 64, 64) and clip.dtype == torch.uint8
    assert (clip.permute(0, 2, 3, 1).float() - torch.from_numpy(draw_clip(1, 11))).abs().mean() < 4
    assert torch.equal(motion[-1][0], motion[CLIPS - 1][0])
    assert np.bincount(motion.labels).tolist() == [CLIPS // 10] * 10


def test_floats_are_what_a_model_is_given(folder):
    clip, _ = Motion(folder, 2, seed=1, form="float")[1]
    assert torch.equal(clip, load_clip(motion_path(folder, 1, 1), RECIPE).tensor[:, 0])


def test_events(folder):
    counts, label = Motion(folder, 3, seed=1, form="events")[2]
    wanted = slice_events(film_events(draw_extended(1, 2)), 16, 64)
    assert counts.dtype == torch.float32 and label == 2
    assert np.array_equal(counts.numpy(), wanted) and wanted.sum() > 500


def test_kept_clips_are_read_once(folder, tmp_path):
    generate(tmp_path, 1, workers=1)
    motion = Motion(tmp_path, 1, keep=True)
    first = motion[0][0]
    motion_path(tmp_path, 0, 0).unlink()
    first += 1  # the caller's copy
    assert torch.equal(motion[0][0] + 1, first)


def test_loader(folder):
    clips, labels = next(iter(DataLoader(Motion(folder, 10, seed=1), batch_size=10)))  # type: ignore[arg-type]
    assert clips.shape == (10, 16, 3, 64, 64) and labels.tolist() == list(range(10))


def test_splits_are_seeds_made_on_first_use(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    motion = load_motion("test", 2, workers=1)
    assert motion.seed == SPLITS["test"][0] and len(motion) == 2
    assert motion_path(tmp_path, motion.seed, 1).is_file()
    assert len({seed for seed, _ in SPLITS.values()}) == len(SPLITS)
    with pytest.raises(UnknownName, match="did you mean train"):
        load_motion("trian")


def test_missing_clips_are_named(folder):
    with pytest.raises(StoreError, match=r"000060.mp4'.*5 of 65.*generate\(folder, 65, seed=1\)"):
        Motion(folder, 65, seed=1)
    with pytest.raises(StoreError, match=r"000003.npz'.*events=True"):
        Motion(folder, 4, seed=1, form="events")


@pytest.mark.parametrize(("number", "form"), [(0, "uint8"), (1, "jpeg")])
def test_arguments_out_of_range(folder, number, form):
    with pytest.raises(ClipError, match="at least 1 clip"):
        Motion(folder, number, seed=1, form=form)


def flow(clip: torch.Tensor) -> torch.Tensor:
    """Least-squares displacement (x, y) of 16 frames: brightness is constant along the motion."""
    gray = F.avg_pool2d(clip.float().mean(1, keepdim=True), 3, 1)[:, 0]
    gray = gray - gray.mean((1, 2), keepdim=True)
    step, middle = gray.diff(dim=0), (gray[1:] + gray[:-1]) / 2
    slopes = torch.stack([middle.diff(dim=2)[:, 1:], middle.diff(dim=1)[:, :, 1:]]).flatten(1)
    return torch.linalg.lstsq(slopes.T, -step[:, 1:, 1:].reshape(-1, 1)).solution[:, 0]


def test_the_clip_tells_what_a_frame_does_not(folder):
    """Positive control: apparent motion alone tells right, left, up and down apart."""
    motion = Motion(folder, CLIPS, seed=1)
    right = total = 0
    for index, label in enumerate(motion.labels):
        if label < 4:
            x, y = flow(motion[index][0]).tolist()
            right += max((x, 0), (-x, 1), (-y, 2), (y, 3))[1] == label
            total += 1
    assert right / total > 0.9


def network(frames: int) -> torch.nn.Module:
    """A plain CNN over the frames side by side; its last layer sees where things are."""
    layers: list[torch.nn.Module] = []
    widths = (3 * frames, 32, 64, 96, 128)
    for before, after in zip(widths, widths[1:], strict=False):
        conv = torch.nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        layers += [conv, torch.nn.BatchNorm2d(after), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(16 * 128, len(ACTIONS)))


def accuracy(train: torch.Tensor, test: torch.Tensor, epochs: int) -> float:
    """Of the CNN on (n, T, 3, 64, 64) uint8, after its last epoch; clip i shows action i mod 10."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = network(train.shape[1])
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.05)
    batches = epochs * (len(train) // 100)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, batches)
    for _ in range(epochs):
        for chosen in torch.randperm(len(train), generator=generator).split(100):
            loss = F.cross_entropy(model(prepared(train[chosen])), chosen % 10, label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    model.eval()
    with torch.inference_mode():
        found = torch.cat([model(prepared(part)).argmax(1) for part in test.split(100)])
    return (found == torch.arange(len(test)) % 10).float().mean().item()


def prepared(clips: torch.Tensor) -> torch.Tensor:
    return (clips.float().flatten(1, 2) - 128) / 64


def one_frame_each(source: str, home: object, number: int, seed: int) -> torch.Tensor:
    """(number, 1, 3, 64, 64) uint8: a random frame of each clip."""
    pick = np.random.default_rng([17, seed]).integers(16, size=number)
    if source == "drawn":
        frames = [torch.from_numpy(draw_clip(seed, i)[t]) for i, t in enumerate(pick)]
        return torch.stack(frames).permute(0, 3, 1, 2)[:, None]
    motion = Motion(home, number, seed)  # type: ignore[arg-type]
    return torch.stack([motion[i][0][t] for i, t in enumerate(pick)])[:, None]


@pytest.fixture(scope="module")
def whole_set(tmp_path_factory):
    home = tmp_path_factory.mktemp("motion")
    generate(home, 10_000, seed=0)
    generate(home, 1_000, seed=2)
    return home


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("source", ["drawn", "decoded"])
def test_one_frame_carries_no_label(whole_set, source):
    train = one_frame_each(source, whole_set, 10_000, 0)
    test = one_frame_each(source, whole_set, 1_000, 2)
    assert accuracy(train, test, epochs=5) <= 0.13


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_sixteen_frames_carry_the_label(whole_set):
    """Positive control: the same CNN, given the same clips whole."""
    train, test = (
        torch.stack([motion[i][0] for i in range(len(motion))])
        for motion in (Motion(whole_set, 3_000, 0), Motion(whole_set, 1_000, 2))
    )
    assert accuracy(train, test, epochs=8) >= 0.25
