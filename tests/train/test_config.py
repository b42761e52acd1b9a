"""Settings survive YAML, refuse what they do not know, and ship as recipes."""

import pytest

from neurosim import registry
from neurosim.errors import ClipError, TrainError, UnknownName
from neurosim.train.config import TrainConfig, load_config, recipe_for


def test_yaml_round_trip(tmp_path):
    config = TrainConfig(lr=3e-4, energy_weight=0.5).with_(
        augment={"flip": 0.5}, mix={"mixup": 0.8}
    )
    (tmp_path / "c.yaml").write_text(config.save())
    assert load_config(tmp_path / "c.yaml") == config
    assert config.augment.flip == 0.5 and config.mix.mixup == 0.8


def test_a_mapping_replaces_keys_of_a_nested_setting():
    config = (
        TrainConfig().with_(augment={"flip": 0.5, "erasing": 0.1}).with_(augment={"flip": 0.25})
    )
    assert (config.augment.flip, config.augment.erasing) == (0.25, 0.1)


@pytest.mark.parametrize("name", registry.data_files("train.recipes", ".yaml"))
def test_every_shipped_recipe_names_its_model_and_data(name):
    config = load_config(name)
    assert (
        name == f"{config.model}_{config.data}" and recipe_for(config.model, config.data) == config
    )


def test_svformer_recipe_is_the_published_one():
    """papers.md, section 1.6."""
    c = load_config("svformer_ucf101")
    assert (c.epochs, c.lr, c.lr_min, c.warmup_epochs, c.weight_decay) == (
        600,
        6e-3,
        1e-6,
        30,
        0.05,
    )
    assert (c.batch_size, c.repeats, c.clip_grad, c.precision, c.seed) == (
        64,
        2,
        20,
        "16-mixed",
        6666,
    )
    assert c.augment.rand_augment == "rand-m5-n2-mstd0.25"
    assert (c.augment.resized_crop, c.augment.ratio) == ((0.08, 1.0), (0.75, 1.333))
    assert (c.augment.color_jitter, c.augment.erasing, c.augment.flip) == (0.4, 0.25, 0.5)
    assert (c.mix.mixup, c.mix.cutmix, c.mix.switch, c.mix.smoothing) == (0.8, 1.0, 0.5, 0.1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epoch": 3}, "unknown training setting 'epoch'; did you mean epochs"),
        ({"lr": 0}, "'lr': found 0; give a number above 0"),
        ({"lr": "fast"}, "'lr': found 'fast'"),
        ({"epochs": 2.5}, "'epochs': found 2.5; give a whole number"),
        ({"batch_size": True}, "'batch_size': found True"),
        ({"precision": "fp8"}, "give 32-true, bf16-mixed, 16-mixed"),
        ({"repeats": 3}, "'repeats': found 3; divide batch_size"),
        ({"augment": "flip"}, "'augment': found 'flip'; give its fields by name"),
        ({"energy_weight": -1}, "'energy_weight': found -1"),
    ],
)
def test_what_is_wrong_is_one_line(given, said):
    with pytest.raises(TrainError) as error:
        TrainConfig.from_dict(given)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_an_unknown_augmentation_is_one_line():
    with pytest.raises(ClipError, match="flipp"):
        TrainConfig.from_dict({"augment": {"flipp": 1}})


@pytest.mark.parametrize("text", ["- a\n", "lr: [", "\x00"])
def test_a_file_that_holds_no_settings(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(TrainError):
        load_config(tmp_path / "c.yaml")


def test_a_yaml_file_executes_nothing(tmp_path):
    (tmp_path / "c.yaml").write_text("lr: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(TrainError, match="cannot be read as YAML"):
        load_config(tmp_path / "c.yaml")


def test_an_unknown_recipe_offers_near_ones():
    with pytest.raises(UnknownName, match="svformer_ucf101"):
        load_config("svformer_ucf10")
