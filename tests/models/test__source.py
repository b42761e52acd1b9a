"""What MODEL may name: a zoo model, a training run, a function in a file."""

import pytest
import torch
from safetensors.torch import save_file

import neurosim as ns
from neurosim.errors import ModelError
from neurosim.models._source import resolve


def run_dir(place, config="model: dvs_conv\noptions: {classes: 3}\n", weights="best.safetensors"):
    (place / "config.yaml").write_text(config)
    model = ns.models.load("dvs_conv", seed=4, classes=3)
    if weights:
        save_file(model.state_dict(), place / weights)
    return model


@pytest.mark.parametrize("file", ["best.safetensors", "last.safetensors"])
def test_a_training_run_is_its_model_with_what_it_learnt(tmp_path, file):
    model = run_dir(tmp_path, weights=file)
    found = resolve(str(tmp_path))
    assert torch.equal(found.model.fc2.weight, model.fc2.weight)
    assert (
        found.weights == str(tmp_path / file) and found.recipe == ns.models.card("dvs_conv").recipe
    )
    assert found.facts()["accuracy"] == []


def test_a_run_without_weights_or_model_is_one_line(tmp_path):
    run_dir(tmp_path, weights=None)
    with pytest.raises(ModelError, match="holds no weights yet"):
        resolve(str(tmp_path))
    for text in ("lr: 1\n", "model: [1]\n", "model: dvs_conv\noptions: 3\n", "x\n"):
        run_dir(tmp_path, config=text)
        with pytest.raises(ModelError, match="names no model"):
            resolve(str(tmp_path))


def test_another_seed_draws_other_weights():
    one, two = (resolve("dvs_conv", "none", seed=s).model.fc2.weight for s in (0, 1))
    assert not torch.equal(one, two)


def test_options_build_another_architecture():
    assert resolve("dvs_conv", "none", {"classes": 5}).model.fc2.out_features == 5
    with pytest.raises(ModelError, match="cannot be built with width=3"):
        resolve("dvs_conv", "none", {"width": 3})
