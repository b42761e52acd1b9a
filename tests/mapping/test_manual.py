"""Placed by hand: lists of cores, a core for every neuron, files, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import PlacementError
from tests.mapping.nets import conv_net

CORES = {"n1": [0, 5], "n2": [7], "n3": [7]}


def test_lists_share_a_population_in_order_and_cores_may_be_shared() -> None:
    found = ns.place(conv_net(), "loihi1", manual=CORES)
    assert found.at.tolist() == [0, 5, 7] and found.strategy == "manual"
    assert found.at[found.cores["n1"]].tolist() == [0] * 72 + [5] * 72
    assert set(found.at[found.cores["n2"]]) == set(found.at[found.cores["n3"]]) == {7}


def test_a_core_for_every_neuron() -> None:
    one = np.arange(144) % 3
    found = ns.place(conv_net(), "loihi1", manual={**CORES, "n1": one})
    assert found.at[found.cores["n1"]].tolist() == one.tolist()


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_a_file_says_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cores{suffix}"
    path.write_text(json.dumps(CORES))  # JSON is YAML
    found = ns.place(conv_net(), "loihi1", manual=path)
    assert found.at.tolist() == [0, 5, 7]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n1": [0]}, "nothing for 'n2', 'n3'"), ({**CORES, "zz": [0]}, "no population 'zz'"),
        ({**CORES, "n1": [-1]}, "core numbers from 0"), ({**CORES, "n1": ["a"]}, "core numbers"),
        ({**CORES, "n3": list(range(9))}, "9 cores for 5 neurons"), ({**CORES, "n1": []}, "list"),
    ],
)  # fmt: skip
def test_mistakes_are_named(given: dict[str, object], said: str) -> None:
    with pytest.raises(PlacementError, match=said):
        ns.place(conv_net(), "loihi1", manual=given)


@pytest.mark.parametrize(("text", "said"), [("[1, 2", "lines"), ("just words", "lines")])
def test_a_file_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "cores.yaml"
    path.write_text(text)
    with pytest.raises(PlacementError, match=said):
        ns.place(conv_net(), "loihi1", manual=path)
    with pytest.raises(PlacementError, match="No such file"):
        ns.place(conv_net(), "loihi1", manual=tmp_path / "missing.yaml")


def test_too_much_for_a_core_is_an_error_or_a_remark() -> None:
    everything = {"n1": np.zeros(144, int), "n2": [0], "n3": [0]}
    tight = ns.load_profile("loihi1")
    assert tight.fabric is not None
    tight = tight.model_copy(
        update={"fabric": tight.fabric.model_copy(update={"neurons_per_core": 200})}
    )
    with pytest.raises(PlacementError, match="core 0 takes 293 neurons, it has 200"):
        ns.place(conv_net(), tight, manual=everything)
    found = ns.place(conv_net(), tight, manual=everything, strict=False)
    run = ns.activity_from_rates(conv_net(), 0.1)
    assert any("does not fit the chip: core 0" in note for note in found.notes(run))
