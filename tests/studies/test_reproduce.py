"""Published energies: what matches, what is flagged, and why."""

from __future__ import annotations

from typing import Any

import pytest

from neurosim.errors import UnknownName
from neurosim.studies import reproduce as study
from neurosim.studies.claims import Claim, load_table, tables
from neurosim.studies.own_layers import dense_operations
from neurosim.studies.reproduce import Reproduced, recompute, reproduce, surprises


@pytest.fixture(scope="module")
def rows() -> dict[str, Reproduced]:
    """Of every table of claims; what other tools print has a test file of its own."""
    return {row.id: row for name in tables() for row in reproduce(name)[name]}


def test_every_verdict_is_the_one_that_is_known(rows: dict[str, Reproduced]) -> None:
    assert not surprises(rows.values())
    assert len(rows) == 76


def test_every_row_that_adds_up_is_within_a_hundredth_of_a_millijoule_or_its_digits(
    rows: dict[str, Reproduced],
) -> None:
    """One rule for all: coarser digits than that are a verdict of their own."""
    checked = [row for row in rows.values() if row.verdict in ("match", "printed_digits")]
    assert len(checked) == 29
    for row in checked:
        off = abs((row.recomputed_mj or 0) - row.reported_mj)
        assert off <= row.digits_mj + 1e-9, row.id
        assert (off <= 0.01) == (row.verdict == "match"), row.id
        assert row.verdict == "match" if row.fine else row.digits_mj > 0.01, row.id
    assert [row.id for row in checked if row.verdict == "printed_digits"] == ["transformer_8_512"]


def test_the_real_transformer_has_no_count_that_rounds_to_the_printed_one() -> None:
    """8.33 G is printed: our layers alone, and with the products of either order of attention."""
    dense, tokens, width, head_width, blocks = (
        dense_operations("spikingformer_8_512"),
        196,
        512,
        64,
        8,
    )
    head = dense.of("head")
    layers = (dense.of("") - head) // dense.steps + head
    linear, quadratic = (2 * blocks * tokens * width * n for n in (head_width, tokens))
    assert (layers, linear, quadratic) == (8_256_671_744, 102_760_448, 314_703_872)
    for total in (layers, layers + linear, layers + quadratic):
        assert f"{total / 1e9:.2f}" != "8.33"
        assert abs(total * 4.6e-9 - 38.34) > 0.1  # mJ


def test_the_logs_of_spikingformer_to_a_millionth(rows: dict[str, Reproduced]) -> None:
    for row in (rows["spikingformer_8_512_log"], rows["spikingformer_8_768_log"]):
        assert row.recomputed_mj == pytest.approx(row.reported_mj, rel=0, abs=1e-6)
    assert rows["spikingformer_8_512_log"].reported_mj == 7.463502601886196


def test_rows_of_the_first_version_to_a_thousandth(rows: dict[str, Reproduced]) -> None:
    first = [row for row in rows.values() if row.id in {r.id for r in _claims("spikformer_v1")}]
    assert len(first) == 11
    for row in first:
        assert row.recomputed_mj == pytest.approx(row.reported_mj, abs=0.001)


FLAGGED = {
    "sew_resnet_34_qkformer": "copied value",
    "vit_l_224": "copied value",
    "spikformer_8_384": "wrong stem",
    "spikformer_8_768": "wrong stem",
    "sdt_8_768_288": "other resolution",
    "svformer_a": "no rule",
    "svformer_b": "no rule",
    "svformer_c": "no rule",
    "svformer_log": "the tool takes the steps for the batch",
    "fwformer_sdsa_dvs128": "below",
    "fwformer_ssa_dvs128": "below",
    "fwformer_wavelet_dvs128": "below",
}


def test_what_does_not_add_up_is_flagged_with_its_reason(rows: dict[str, Reproduced]) -> None:
    found = {row.id: row.reason for row in rows.values() if row.verdict == "mismatch"}
    assert set(found) == set(FLAGGED)
    assert all(found[name].startswith(reason) for name, reason in FLAGGED.items())


def test_svformer_under_its_three_rules(rows: dict[str, Reproduced]) -> None:
    found = [rows[f"svformer_{rule}"].recomputed_mj for rule in "abc"]
    assert [round(mj or 0, 2) for mj in found] == [16.00, 8.46, 6.88]


@pytest.mark.parametrize(("name", "printed"), [("8_384", 7.734), ("8_768", 21.477)])
def test_the_wrong_stem_is_the_one_of_512_channels(name: str, printed: float) -> None:
    claim = next(r for r in _claims("spikformer") if r.id == f"spikformer_{name}")
    assert claim.operations is not None and claim.operations.layers is not None
    borrowed = claim.operations.layers.model_copy(update={"model": "spikformer_8_512"})
    operations = claim.operations.model_copy(update={"layers": borrowed})
    row = recompute(claim.model_copy(update={"operations": operations}))
    assert row.verdict == "match"
    assert row.recomputed_mj == pytest.approx(printed, abs=0.002)


def test_a_copied_value_is_the_other_row_s(rows: dict[str, Reproduced]) -> None:
    assert rows["sew_resnet_34_qkformer"].reported_mj == rows["sew_resnet_50"].reported_mj


@pytest.mark.slow
def test_larger_pictures_of_qkformer_cost_as_their_pixels_do() -> None:
    printed = {r.id: float(r.reported.split()[0]) for r in _claims("qkformer")}
    small = dense_operations("qkformer_10_768").of("")
    for size in (288, 384):
        ratio = printed[f"qkformer_10_768_{size}"] / printed["qkformer_10_768"]
        assert dense_operations("qkformer_10_768", size).of("") / small == pytest.approx(
            ratio, rel=0.007
        )


def _claims(name: str) -> tuple[Claim, ...]:
    return load_table(name).rows


CLAIM: dict[str, Any] = {
    "id": "a",
    "model": "A",
    "source": "s",
    "expected": "match",
    "reason": "r",
    "convention": "padded",
}


@pytest.mark.parametrize(
    ("reported", "verdict"),
    [
        ("1.80 mJ", "match"), ("1.81 mJ", "mismatch"), ("1.8 mJ", "match"), ("1.9 mJ", "mismatch"),
        ("2 mJ", "printed_digits"), ("3 mJ", "mismatch"),
    ],
)  # fmt: skip
def test_a_match_is_what_the_printed_digits_leave_open(reported: str, verdict: str) -> None:
    """2.000 G accumulations of 0.9 pJ: 1.8 mJ ± 0.00045."""
    claim = Claim(**CLAIM, reported=reported, operations={"synaptic": "2.000 G"})  # type: ignore[arg-type]
    assert recompute(claim).verdict == verdict


def test_coarse_facts_leave_more_open() -> None:
    """2.0 G is worth 1.8 mJ ± 0.045, 2.00 G ± 0.0045; the energy itself ± 0.005."""
    for printed, verdict, open_mj in (
        ("2.0 G", "printed_digits", 0.05),
        ("2.00 G", "mismatch", 0.0095),
    ):
        claim = Claim(**CLAIM, reported="1.84 mJ", operations={"synaptic": printed})  # type: ignore[arg-type]
        row = recompute(claim)
        assert (row.verdict, row.fine) == (verdict, open_mj < 0.01)
        assert row.digits_mj == pytest.approx(open_mj)


def test_a_scaled_figure_leaves_its_own_digits_open_as_they_grow() -> None:
    """6.10 mJ at 224 is worth 0.005 mJ there, (288/224)² times that at 288."""
    row = recompute(next(r for r in _claims("spike_driven") if r.id == "sdt_8_768_288"))
    assert row.digits_mj == pytest.approx(0.005 * (1 + (288 / 224) ** 2), rel=1e-3)


def test_without_figures_nothing_is_checked() -> None:
    row = recompute(Claim(**CLAIM, reported="1 mJ"))  # type: ignore[arg-type]
    assert (row.verdict, row.recomputed_mj) == ("not_checkable", None)
    assert surprises([row]) == [row]


def test_unknown_tables_offer_near_names() -> None:
    with pytest.raises(UnknownName, match="did you mean spikformer"):
        reproduce("spikforme")
    assert set(study.TABLES) >= {*tables(), "peers"} >= {"sew_resnet", "spikformer", "svformer"}


def test_the_log_of_svformer_takes_channels_for_places() -> None:
    """Convolutions C_out / 16 times (16: the batch), biases once more for each output of them."""
    import torch

    from neurosim import models
    from neurosim.energy.published_table import load_published

    with torch.device("meta"):
        modules = dict(models.load("svformer").named_modules())
    totals = {"real": 0.0, "spike": 0.0}
    for row in load_published("svformer_ucf101")["layers"]:
        layer = modules[row["layer"].replace("(dw5x5)", "")]
        fan_in, folded = layer.weight[0].numel(), isinstance(layer, torch.nn.Conv2d)
        times = len(layer.weight) / 16 if folded else 1
        totals[row["kind"]] += row["dense_operations"] * row["rate"] * times * (1 + 1 / fan_in)
    assert totals["real"] == pytest.approx(33.13e9, rel=0.005)
    assert totals["spike"] == pytest.approx(47.42e9, rel=0.005)
