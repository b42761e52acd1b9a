"""Every rule of the lint fires where it should and stays silent where it should, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from neurosim.energy import price
from neurosim.energy.lint import NAMES, RULES, lint
from neurosim.errors import UnknownName
from neurosim.ir.facts import NodeFacts
from neurosim.ir.run import Run
from tests.energy import reference
from tests.energy.reference import COUNTS
from tests.energy.test_price import TwoChips

ACCURACY = [{"views": 1, "text": "80.73 %"}, {"views": 15, "text": "84.03 %"}]


def found(run: Run, name: str, rule: str, chip: str = "cmos_45nm", **counts: Any) -> str:
    """What one rule says of one report."""
    report = price(run, chip, **counts)
    (asked,) = [r for r in RULES if r.name == rule]
    assert name in (report.profile.name, "")
    return asked.finds(run, report)


def says(rule: str, run: Run | None = None, chip: str = "cmos_45nm", **counts: Any) -> str:
    return found(run or reference.run(), chip, rule, chip, **counts)


def deep_real() -> Run:
    """The dense layer is fed with reals."""
    nodes = {**reference.facts()}
    nodes["fc"] = replace(nodes["fc"], in_kinds=("real",), rate_sources=(("lif", 1.0),))
    counts = {k: v for k, v in COUNTS.items() if k[0] != "fc"} | {("fc", "mac"): 96}
    return reference.run(counts, nodes)


def integers() -> Run:
    """The dense layer is fed with payloads."""
    nodes = {**reference.facts()}
    nodes["fc"] = replace(nodes["fc"], in_kinds=("graded",))
    counts = {("fc", "graded_synapse"): 15, ("fc", "graded_unit"): 40}
    return reference.run(counts, nodes)


def with_norm(**neuron: Any) -> Run:
    """A norm that did not fold: a node of its own, or sunk into the neuron."""
    nodes = {**reference.facts()}
    if neuron:
        nodes["lif"] = replace(nodes["lif"], neuron={**nodes["lif"].neuron, **neuron})
        return reference.run(nodes=nodes)
    shape = (2, 4, 4)
    nodes["bn"] = NodeFacts("bn", "batch_norm", "arithmetic", 2, (shape,), shape, ("real",), "real")
    return reference.run({**COUNTS, ("bn", "multiply"): 32, ("bn", "add"): 32}, nodes)


def test_real_as_spikes() -> None:
    rule = "real-as-spikes"
    assert "1 layer (384 operations)" in says(rule, deep_real(), real_into_weights="ac")
    assert "real_into_weights=inherit" in says(rule, deep_real(), real_into_weights="inherit")
    assert says(rule, deep_real()) == ""  # billed as MACs
    assert says(rule, real_into_weights="ac") == ""  # the stem alone is real, and stays MAC
    assert "one spike each" in says(rule, integers(), graded="event")
    assert says(rule, integers(), graded="unit") == says(rule, integers(), graded="mac") == ""


def test_unfolded_norms() -> None:
    rule = "unfolded-norms"
    assert "1 norms or scales" in says(rule, with_norm())
    assert "1 norms or scales" in says(rule, with_norm(affine=True))
    assert says(rule, with_norm(affine="bias")) == ""  # a bias is a bias
    assert says(rule, with_norm(), per_step_affine="multiply_add") == ""
    assert says(rule) == ""  # none is left


def test_stem_billed_once() -> None:
    rule = "stem-billed-once"
    assert "ran 2 steps" in says(rule, stem="once")
    assert says(rule) == ""
    nodes = {**reference.facts()}
    nodes["stem"] = replace(nodes["stem"], steps=1)  # run once, then kept
    assert says(rule, reference.run(nodes=nodes), stem="once") == ""


def test_memory_ignored() -> None:
    rule = "memory-ignored"
    assert "words moved per view" in says(rule)
    assert says(rule, chip="keras_spiking_loihi")
    assert says(rule, chip="cmos_45nm_memory") == says(rule, chip="spikingjelly_simple") == ""
    assert says(rule, chip="loihi1") == says(rule, chip="gpu") == ""  # inside their prices
    none = {k: v for k, v in COUNTS.items() if "read" not in k[1] and "write" not in k[1]}
    assert says(rule, reference.run(none)) == ""


def test_static_absent() -> None:
    rule = "static-absent"
    assert says(rule) and says(rule, chip="loihi1")  # not placed: its leakage is unknown
    run = reference.run()
    (asked,) = [r for r in RULES if r.name == rule]
    assert asked.finds(run, price(run, "loihi1", TwoChips())) == ""
    assert says(rule, chip="truenorth_all_in") == says(rule, chip="gpu") == ""


def test_views_mismatch() -> None:
    rule, run = "views-mismatch", reference.run(card={"accuracy": ACCURACY})
    assert "of 5 views, the accuracy of 1 or 15" in says(rule, run, views=5)
    assert says(rule, run) == says(rule, run, views=15) == ""
    assert says(rule, views=5) == ""  # no accuracy is claimed
    single = reference.run(card={"accuracy": ACCURACY[:1]})
    assert "of 15 views, the accuracy of 1" in says(rule, single, views=15)


def test_untrained_rates() -> None:
    rule = "untrained-rates"
    assert "UNTRAINED" in says(rule, reference.run(weights="untrained"))
    assert says(rule, reference.run(weights="pretrained")) == ""
    assumed = reference.run(weights="untrained", activity="assumed")
    assert says(rule, assumed) == ""  # its rates are not of those weights


def test_a_clean_report_has_no_warning() -> None:
    run = reference.run(weights="pretrained")
    assert lint(run, {"loihi1": price(run, "loihi1", TwoChips())}) == ()


def test_one_line_for_all_chips_of_a_text_and_silence_by_name() -> None:
    run = reference.run(weights="untrained")
    reports = {n: price(run, n) for n in ("cmos_45nm", "loihi1")}
    lines = {f.rule.name: f.line() for f in lint(run, reports)}
    assert lines["static-absent"].startswith("static-absent (cmos_45nm, loihi1): ")
    assert lines["memory-ignored"].startswith("memory-ignored (cmos_45nm): ")
    assert all("\n" not in line and len(line) < 160 for line in lines.values())
    quiet = lint(run, reports, ["static-absent", "untrained-rates"])
    assert {f.rule.name for f in quiet} == set(lines) - {"static-absent", "untrained-rates"}
    with pytest.raises(UnknownName, match="static-absent"):
        lint(run, reports, ["static-absnt"])


def test_every_rule_says_why_and_where_it_is_from() -> None:
    assert len(set(NAMES)) == len(RULES) == 7
    finds: Callable[..., str]
    for rule in RULES:
        finds = rule.finds
        assert rule.why and rule.source and finds.__doc__
    told = lint(reference.run(), {"cmos_45nm": price(reference.run(), "cmos_45nm")})[0].to_dict()
    assert set(told) == {"name", "profiles", "text", "why", "source"}
