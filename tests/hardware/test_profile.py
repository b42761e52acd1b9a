"""Every mistake in a profile is one line with file and line; shipped profiles are well formed."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim.errors import ProfileError, UnknownName
from neurosim.hardware import describe, load_profile, profiles
from neurosim.hardware.billed import BILLED, OBSERVED
from neurosim.hardware.quantity import Time
from neurosim.ir.events import COUNTED, MAPPED

GOOD = """\
title: a chip
basis: made up
prices:
  synapse:
    value: 1 pJ
    low: 0.5 pJ
    high: 2 pJ
    scope: marginal
    how: assumed
    source: a test
  mac: {value: 4 pJ, scope: marginal, how: assumed, source: a test}
host: {profile: cmos_45nm, events: [coincidence, arithmetic]}
ignores:
  memory: not modelled
  network: not modelled
  host_io: not modelled
  static: not modelled
  spike: not modelled
  neuron_idle: not modelled
  neuron_active: not modelled
impossible:
  graded_synapse: binary spikes only
"""


def write(folder: Path, text: str) -> Path:
    """A file called chip.yaml."""
    path = folder / "chip.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_good_one_loads(tmp_path: Path) -> None:
    profile = load_profile(write(tmp_path, GOOD))
    assert profile.name == "chip"
    assert profile.prices["synapse"].joules() == (1e-12, 0.5e-12, 2e-12)
    assert profile.hosted == ("coincidence", "add", "multiply", "compare", "special")


BAD = [
    ("    how: assumed\n", "    how: assumed\n    wow: 1\n", 10, "unknown key 'wow'.*how"),
    ("value: 1 pJ", "value: 1", 5, "unit"),
    ("value: 1 pJ", "value: 1 pW", 5, "unit of J"),
    ("value: 1 pJ", "value: -1 pJ", 5, "negative"),
    ("value: 1 pJ", "value: .nan", 5, "NaN"),
    ("value: 1 pJ", "value: nan pJ", 5, "quantity"),
    ("value: 1 pJ", "value: 0 pJ", 4, "rising order"),
    ("value: 1 pJ\n    low: 0.5 pJ\n    high: 2 pJ", "value: 0 pJ", 4, "without a reason"),
    ("    value: 1 pJ\n    low: 0.5 pJ\n    high: 2 pJ\n", "", 4, "no value"),
    ("low: 0.5 pJ", "low: 3 pJ", 4, "rising order"),
    ("    source: a test\n", "", 4, "lacks 'source'"),
    ("    source: a test\n", "    source: ''\n", 10, "source is empty"),
    ("    scope: marginal\n", "", 4, "lacks 'scope'"),
    ("    scope: marginal\n", "    scope: both\n", 8, "marginal"),
    ("  spike: not modelled\n", "  spike: x\n  mac: y\n", 19, "'mac' is in prices and in ignores"),
    ("  spike: not modelled\n", "", 1, "nothing about spike"),
    ("  spike: not modelled\n", "  spike: x\n  spiek: y\n", 19, "unknown event 'spiek'.*spike"),
    ("  spike: not modelled\n", "  spike: x\n  fanout_left: y\n", 19, "never priced"),
    ("profile: cmos_45nm", "profile: cmos_45", 12, "cmos_45nm"),
    ("title: a chip\n", "title: a chip\nextends: cmos_45mn\n", 2, "cmos_45nm"),
    ("title: a chip\n", "title: a chip\nconvention: exat\n", 2, "exact"),
    ("title: a chip\n", "title: a chip\ncount: {bias: nine}\n", 2, "bias=nine"),
    ("title: a chip\n", "title: a chip\ntitle: again\n", 2, "twice"),
    ("title: a chip\n", "title: &x a chip\nvendor: *x\n", 1, "aliases"),
    ("title: a chip\n", "title: !!python/object/apply:os.system [ls]\n", 1, "tag"),
    ("title: a chip\n", "title: [a\n", 2, "not YAML"),
    ("title: a chip\n", "title: 5\n", 1, "title"),
    ("title: a chip\n", "title: " + "[" * 40 + "]" * 40 + "\n", 1, "nested"),
    ("  neuron_idle: not modelled\n", "  neuron_idle: ''\n", 19, "empty"),
]


@pytest.mark.parametrize(("old", "new", "line", "match"), BAD)
def test_each_mistake_is_one_line(
    tmp_path: Path, old: str, new: str, line: int, match: str
) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ProfileError, match=match) as caught:
        load_profile(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: ") and "\n" not in message


ALL_IN = GOOD.replace("scope: marginal\n    how", "scope: all_in\n    how", 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  static: not modelled\n", ""),
        ("  neuron_active: not modelled\n", ""),
        ("  network: not modelled\n", "  message: x\n  hop_ns: x\n  spike_within_tile: x\n"),
    ],
)
def test_all_in_stands_alone(tmp_path: Path, old: str, new: str) -> None:
    load_profile(write(tmp_path, ALL_IN))
    price = "{value: 1 pJ, scope: marginal, how: assumed, source: a test}\n"
    text = ALL_IN.replace(old, new, 1)
    if "static" in old:
        text += "static: {value: 1 mW, how: assumed, source: a test}\n"
    else:
        event = "neuron_active" if "neuron" in old else "hop_ew"
        text = text.replace("  mac: {", f"  {event}: {price}  mac: {{", 1)
    with pytest.raises(ProfileError, match="all_in"):
        load_profile(write(tmp_path, text))


def test_yaml_bomb_large_file_binary_and_folder(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{i}: [*a, *a]\n" for i in range(9))
    with pytest.raises(ProfileError, match="aliases"):
        load_profile(write(tmp_path, bomb))
    with pytest.raises(ProfileError, match="larger"):
        load_profile(write(tmp_path, "#" * 300_000))
    (tmp_path / "chip.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match="UTF-8"):
        load_profile(tmp_path / "chip.yaml")
    with pytest.raises(ProfileError, match="folder"):
        load_profile(tmp_path)
    with pytest.raises(ProfileError, match="no such file"):
        load_profile(tmp_path / "none.yaml")
    with pytest.raises(ProfileError, match="mapping"):
        load_profile(write(tmp_path, "- 1\n"))


def test_inheritance_moves_an_event(tmp_path: Path) -> None:
    text = "title: child\nextends: loihi1\nignores: {synapse: free here}\n"
    profile = load_profile(write(tmp_path, text))
    assert "synapse" not in profile.prices and profile.ignores["synapse"] == "free here"
    assert profile.prices["hop_ew"].value == 3e-12 and profile.static is not None
    wrong = text + "prices:\n  hop_ew: {value: 3, scope: marginal, how: assumed, source: x}\n"
    with pytest.raises(ProfileError, match=r"chip\.yaml:5: .*unit"):
        load_profile(write(tmp_path, wrong))


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert load_profile(path) is load_profile(path)
    path.write_text(GOOD.replace("a chip", "another"), encoding="utf-8")
    import os

    os.utime(path, ns=(1, 1))
    assert load_profile(path).title == "another"


def test_unknown_name_offers_near_ones() -> None:
    with pytest.raises(UnknownName, match="loihi2"):
        load_profile("loihi_2")


def test_every_event_is_billed_or_observed() -> None:
    assert set(BILLED) | set(OBSERVED) == set(COUNTED) | set(MAPPED)
    assert not set(BILLED) & set(OBSERVED)


@pytest.mark.parametrize("name", profiles())
def test_shipped_profiles_describe_every_price_and_source(name: str) -> None:
    profile = load_profile(name)
    text = describe(profile)
    for event, price in profile.prices.items():
        assert event in text and price.source in text and price.note in text
    for part in (*profile.doubts, *profile.ignores.values(), *profile.proxies):
        assert part in text
    assert profile.doubts or profile.extends


def test_the_profiles_of_the_issue_are_there() -> None:
    named = {
        "cmos_45nm", "cmos_45nm_fp16", "cmos_45nm_int8", "cmos_45nm_int16", "cmos_45nm_memory",
        "cmos_7nm", "loihi1", "loihi1_sanafe", "loihi2", "truenorth", "spinnaker2", "speck",
        "jetson", "gpu", "keras_spiking_loihi",
    }  # fmt: skip
    assert named <= set(profiles())


def test_times_by_tiles_encoding_and_value() -> None:
    table = Time.model_validate(
        {"by_tiles": {1: "1 us", 4: "2 us"}, "how": "assumed", "source": "x"}
    )
    assert [table.seconds(n) for n in (1, 3, 4, 99)] == [1e-6, 1e-6, 2e-6, 2e-6]
    line = table.model_copy(update={"interpolate": True})
    assert line.seconds(2) == pytest.approx(4e-6 / 3) and line.seconds(99) == 2e-6
    synapse = load_profile("loihi1_sanafe").timing["synapse"]
    assert (synapse.seconds(encoding="conv"), synapse.seconds()) == (3.1e-9, 3.8e-9)


def test_a_childs_time_replaces_its_parents_whole() -> None:
    """Merged key by key, Davies' 465 ns for 32 tiles would stand in SANA-FE's table."""
    assert load_profile("loihi1_sanafe").timing["barrier"].by_tiles == {
        1: 0.6e-6, 2: 1.0e-6, 4: 1.4e-6, 29: 1.8e-6,
    }  # fmt: skip


def test_description_says_how_words_move_and_are_found() -> None:
    text = describe(load_profile("cmos_45nm_memory_reuse"))
    assert "dataflow once" in text and "add 0.1 pJ, multiply-add 3.2 pJ" in text
    assert "dataflow lemaire (code)" in describe(load_profile("cmos_45nm_memory_lemaire"))
