"""Every shipped profile and convention loads, and every price names where it is from."""

from __future__ import annotations

import pytest

from neurosim import registry
from neurosim.hardware import load_convention, load_profile

PROFILES = tuple(registry.data_files("hardware_profiles", ".yaml"))
CONVENTIONS = tuple(registry.data_files("hardware_profiles.conventions", ".yaml"))


@pytest.mark.parametrize("name", PROFILES)
def test_profile_loads_and_names_its_sources(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    unsourced = [event for event, price in profile.prices.items() if not price.source.strip()]
    assert not unsourced


@pytest.mark.parametrize("name", PROFILES)
def test_profile_names_a_convention_that_loads(name: str) -> None:
    assert load_profile(name).convention in CONVENTIONS


@pytest.mark.parametrize("name", CONVENTIONS)
def test_convention_loads(name: str) -> None:
    assert load_convention(name).name == name
