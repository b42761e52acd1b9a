"""The zoo: names, cards, seeded untrained weights, checkpoints."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from neurosim import models
from neurosim.errors import ModelError, UnknownName
from neurosim.models._sizes import families, sizes
from neurosim.nn.plif import PLIF

SMALL = ("dvs_conv", "norse_conv", "svformer_tiny")


def clip(name: str, batch: int = 1) -> torch.Tensor:
    recipe, g = models.card(name).recipe, torch.Generator().manual_seed(0)
    shape = (recipe.frames, batch, 3 if recipe.channels == "rgb" else 2, *recipe.size)
    if recipe.channels == "rgb":
        return torch.randn(shape, generator=g)
    return (torch.rand(shape, generator=g) < 0.05).float()


def spikes(model: nn.Module, x: torch.Tensor) -> dict[str, float]:
    """Mean output of every neuron, over the steps."""
    seen: dict[str, list[float]] = {}

    def keep(name: str, out: object) -> None:
        z = out[0] if isinstance(out, tuple) else out
        seen.setdefault(name, []).append(float(z.mean()))

    for name, m in model.named_modules():
        if isinstance(m, PLIF) or type(m).__name__ in ("LIFBoxCell", "LIFCell"):
            m.register_forward_hook(lambda _m, _i, out, n=name: keep(n, out))
    with torch.no_grad():
        model(x)
    return {n: sum(v) / len(v) for n, v in seen.items()}


def test_names_are_the_files():
    assert set(models.list()) == {*SMALL, "svformer", *sizes()}
    assert not set(families()) & set(models.list())


def test_listing_imports_no_torch():
    code = (
        "import sys; from neurosim import models; models.list(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", SMALL)
def test_cards_tell_the_truth(name):
    card, model = models.card(name), models.load(name)
    assert card.name == name
    assert card.parameters == sum(p.numel() for p in model.parameters())
    with torch.no_grad():
        assert model(clip(name, batch=2)).shape == (2, card.classes)


def test_tiny_is_tiny_and_svformer_shows_both_protocols():
    assert models.card("svformer_tiny").parameters <= 500_000
    one, many = models.card("svformer").accuracy
    assert (one.views, one.top1, one.top5) == (1, 80.73, 94.11)
    assert (many.views, many.top1, many.top5) == (15, 84.03, 95.59)
    assert "5×3 views" in str(many)


@pytest.mark.parametrize("name", SMALL)
def test_untrained_models_repeat_and_speak(name):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    first, second = models.load(name), models.load(name)
    assert torch.equal(torch.get_rng_state(), before)
    assert not first.training
    with torch.no_grad():
        assert torch.equal(first(clip(name)), second(clip(name)))
    rates = spikes(first, clip(name))
    assert all(0.005 < rate < 0.6 for rate in rates.values()), rates
    share = sum(0.05 <= rate <= 0.3 for rate in rates.values()) / len(rates)
    assert share > 0.7, rates


def test_state_does_not_leak_between_samples_or_calls():
    model = models.load(
        "svformer_tiny"
    ).double()  # so that no membrane flips with the order of sums
    x = clip("svformer_tiny", batch=2).double()
    with torch.no_grad():
        together, alone = model(x), model(x[:, 1:])
    torch.testing.assert_close(together[1:], alone)


def test_unknown_names_offer_near_ones():
    for call in (models.load, models.card):
        with pytest.raises(UnknownName, match="did you mean svformer"):
            call("svformr")
    with pytest.raises(UnknownName):
        models.load("_card")


def test_a_checkpoint_comes_back(tmp_path):
    model = models.load("svformer_tiny")
    nn.init.normal_(model.head.weight)
    save_file(model.state_dict(), tmp_path / "a.safetensors")
    again = models.load("svformer_tiny", weights=tmp_path / "a.safetensors")
    assert torch.equal(again.head.weight, model.head.weight)


def test_a_checkpoint_of_another_model_is_one_line(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file(models.load("dvs_conv").state_dict(), path)
    with pytest.raises(ModelError, match=r"missing \(first: .*unknown \(first: ") as error:
        models.load("norse_conv", weights=path)
    assert "\n" not in str(error.value) and "norse_conv" in str(error.value)


def test_a_checkpoint_of_another_size_names_the_shapes(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file(models.load("dvs_conv", classes=4).state_dict(), path)
    with pytest.raises(ModelError, match=r"2 of another shape \(first: fc2.weight is \(4, 128\)"):
        models.load("dvs_conv", weights=path)


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint"])
def test_what_is_no_checkpoint_is_one_line(tmp_path, content):
    path = tmp_path / "a.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read as safetensors") as error:
        models.load("dvs_conv", weights=path)
    assert "\n" not in str(error.value)


def test_weights_that_do_not_ship_are_refused():
    with pytest.raises(ModelError, match="no pretrained weights ship"):
        models.load("norse_conv", weights="pretrained")


@pytest.mark.parametrize("name", ["dvs_conv", "norse_conv"])
def test_a_clip_of_another_shape_is_one_line(name):
    with pytest.raises(ModelError, match="expects event frames"):
        models.load(name)(torch.zeros(3, 1, 3, 10, 10))
