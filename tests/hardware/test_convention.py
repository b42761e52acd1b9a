"""Conventions: shipped ones load, wrong keys and values are one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim.errors import ProfileError, UnknownName
from neurosim.hardware import conventions, describe_convention, load_convention, with_counts
from neurosim.hardware.convention import KEYS, MEANINGS


@pytest.mark.parametrize("name", conventions())
def test_shipped_conventions_load_and_describe(name: str) -> None:
    convention = load_convention(name)
    text = describe_convention(convention)
    assert convention.name == name and convention.source in text
    assert all(key in text for key in KEYS)


def test_every_key_has_a_meaning() -> None:
    assert set(KEYS) == set(MEANINGS)


def test_overrides_read_text_and_values() -> None:
    changed = with_counts("exact", {"positions": "padded", "input_neurons": "true", "views": "15"})
    assert (changed.positions, changed.input_neurons, changed.views) == ("padded", True, 15)
    assert changed.name == "exact+positions=padded+input_neurons=true+views=15"
    assert with_counts("exact", {"input_neurons": False}).input_neurons is False
    assert with_counts("exact", {}) is load_convention("exact")


@pytest.mark.parametrize(
    ("key", "value", "error", "match"),
    [
        ("position", "padded", UnknownName, "positions"),
        ("positions", "pad", ProfileError, "padded"),
        ("input_neurons", "maybe", ProfileError, "true, false"),
        ("views", "many", ProfileError, "whole number"),
        ("name", "x", UnknownName, "convention key"),
    ],
)
def test_wrong_overrides(key: str, value: str, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match) as caught:
        with_counts("exact", {key: value})
    assert "\n" not in str(caught.value)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("title: mine\nsource: me\nbias: none\n", encoding="utf-8")
    assert load_convention(path).bias == "none"
    path.with_name("bad.yaml").write_text("title: x\nsource: me\nbias: all\n", encoding="utf-8")
    with pytest.raises(ProfileError, match=r"bad\.yaml:3: .*bias"):
        load_convention(tmp_path / "bad.yaml")
    with pytest.raises(UnknownName, match="padded"):
        load_convention("paded")
