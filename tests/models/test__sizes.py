"""Published sizes: the parameters of our own modules against the digits as printed."""

from __future__ import annotations

import pytest
import torch

from neurosim import models, units
from neurosim.errors import ModelError, UnknownName
from neurosim.models._sizes import families, sizes

# 55.9 M on Kinetics-400 is printed; no reading of the released architecture has it
SHORT_OF_THE_PAPER = {"spike_video_former_55m": 55.9e6}


@pytest.mark.parametrize("name", sizes())
def test_parameters_are_the_published_ones(name: str) -> None:
    size = sizes()[name]
    with torch.device("meta"):
        model = models.load(name)
    found = sum(p.numel() for p in model.parameters())
    assert found == size.card.parameters
    if name in SHORT_OF_THE_PAPER:
        assert found == 54_974_352 and "55.9 M" in size.card.note
        return
    last_digit = 2 * units.half_digit(size.published_parameters)
    # tables cut some digits off and round others
    assert abs(found - units.count(size.published_parameters)) < max(last_digit, 1)


def test_digits_that_logs_print_are_met_exactly() -> None:
    assert sizes()["spikingformer_8_512"].card.parameters == 29_705_768
    assert sizes()["spikingformer_8_768"].card.parameters == 66_363_208


def test_cards_name_their_paper() -> None:
    assert len(families()) == 7
    for name, size in sizes().items():
        assert models.card(name) is size.card and size.card.paper
        assert size.family in families() and size.card.classes in (400, 1000)


def test_options_override_a_size_and_mistakes_name_the_family() -> None:
    with torch.device("meta"):
        assert models.load("spikformer_8_512", classes=7).config.classes == 7
    with pytest.raises(ModelError, match=r"dimm=3 .*models/spikformer.py"):
        models.load("spikformer_8_512", dimm=3)


def test_a_family_is_no_model() -> None:
    for name in families():
        with pytest.raises(UnknownName, match="unknown model"):
            models.load(name)
        with pytest.raises(UnknownName, match="unknown model"):
            models.card(name)
