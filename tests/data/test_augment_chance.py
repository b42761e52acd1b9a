"""Random numbers from torch's generator, and random boxes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim.data.augment.chance import Box, crop_box, erase_box, numpy_generator, place_box

RNG_DRAWS = 400


def seeded(seed: int) -> np.random.Generator:
    return numpy_generator(torch.Generator().manual_seed(seed))


def test_the_generator_says_everything_and_moves_on():
    assert seeded(3).random() == seeded(3).random() != seeded(4).random()
    generator = torch.Generator().manual_seed(3)
    assert numpy_generator(generator).random() != numpy_generator(generator).random()


def test_box():
    box = Box(1, 3, 0, 4)
    picture = torch.zeros(2, 5, 5)
    picture[box.pixels] = 1
    assert box.area == 8 == int(picture[1].sum()) and bool((picture[:, 1:3, :4] == 1).all())


def test_a_box_is_placed_anywhere():
    rng = seeded(0)
    places = {place_box(rng, (2, 3), (3, 5)) for _ in range(100)}
    assert places == {Box(t, t + 2, x, x + 3) for t in range(2) for x in range(3)}


def test_crops_have_the_area_and_the_ratio_asked_for():
    rng, boxes = seeded(1), []
    for _ in range(RNG_DRAWS):
        boxes.append(crop_box(rng, (240, 320), (0.08, 1.0), (3 / 4, 4 / 3)))
    area = np.array([b.area for b in boxes]) / (240 * 320)
    ratio = np.array([(b.right - b.left) / (b.bottom - b.top) for b in boxes])
    assert 0.079 < area.min() < 0.1 and 0.9 < area.max() <= 1
    assert 0.74 < ratio.min() < 0.78 and 1.28 < ratio.max() < 1.35
    assert abs(np.log(ratio[area < 0.5]).mean()) < 0.03  # symmetric in the logarithm
    assert all(0 <= b.top < b.bottom <= 240 and 0 <= b.left < b.right <= 320 for b in boxes)
    small, larger = np.histogram(area, [0.08, 0.28, 0.48])[0]
    assert abs(small - RNG_DRAWS * 0.2 / 0.92) < 40 and abs(larger - small) < 40


def test_the_whole_frame():
    assert crop_box(seeded(0), (16, 16), (1.0, 1.0), (1.0, 1.0)) == Box(0, 16, 0, 16)


@pytest.mark.parametrize(
    ("size", "box"),
    [((10, 100), Box(0, 10, 43, 56)), ((100, 10), Box(43, 56, 0, 10)), ((1, 1), Box(0, 1, 0, 1))],
)
def test_the_middle_where_no_draw_fits(size, box):
    assert crop_box(seeded(0), size, (1.0, 1.0), (3 / 4, 4 / 3)) == box


def test_erased_boxes():
    rng = seeded(2)
    boxes = [erase_box(rng, (60, 80)) for _ in range(RNG_DRAWS)]
    found = [b for b in boxes if b is not None]
    assert len(found) == RNG_DRAWS
    area = np.array([b.area for b in found]) / 4800
    ratio = np.array([(b.bottom - b.top) / (b.right - b.left) for b in found])
    assert 0.018 < area.min() < 0.04 and 0.3 < area.max() < 0.345
    assert 0.25 < ratio.min() < 0.4 and 2.5 < ratio.max() < 3.9
    assert all(b.bottom - b.top < 60 and b.right - b.left < 80 for b in found)


def test_a_single_pixel_is_not_erased():
    assert erase_box(seeded(0), (1, 1)) is None
