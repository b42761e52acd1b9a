"""What has no rule: one error that lists all of it, or an opaque node that says so."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurosim.capture.capture import capture
from neurosim.errors import UnknownOps
from neurosim.sim.simulate import simulate
from tests.capture.checking import Model, captured

T, B = 3, 2


def _strange(s, x):
    return s.m[0](x.flatten(0, 1)).cumsum(1).sort(1)[0].unflatten(0, x.shape[:2])


def test_every_operation_without_a_rule_is_listed_with_its_place():
    def forward(s, x):
        return s.m[0](x).cumsum(2).tril() + torch.linalg.svdvals(x).sum()

    class Inner(nn.Module):
        def forward(self, x):
            return x.sort(-1)[0]

    model = Model(forward, nn.Sequential(nn.Linear(6, 6), Inner()))
    with pytest.raises(UnknownOps) as caught:
        capture(model, torch.randn(T, B, 6))
    text = str(caught.value)
    assert text.startswith("2 operations") and "aten.sort in 'm.0.1' at test_opaque.py:" in text
    assert "svd" in text and "strict=False" in text and "\n" not in text


def test_opaque_nodes_run_and_are_named_in_the_report():
    graph = captured(Model(_strange, nn.Linear(6, 6)), torch.randn(T, B, 6), strict=False)
    notes = simulate(graph, torch.randn(T, B, 6), "dense").manifest.notes
    assert [n for n in notes if "cumsum" in n] and [n for n in notes if "sort" in n]


@pytest.mark.parametrize("strict", [True, False])
def test_random_numbers_are_refused(strict):
    model = Model(lambda s, x: s.m[0](x) + torch.randn(6), nn.Linear(6, 6))
    with pytest.raises(
        UnknownOps, match=r"randn, which draws random numbers, at test_opaque.py:\d+"
    ):
        capture(model, torch.randn(T, B, 6), strict=strict)


def test_a_branch_on_the_data_is_refused():
    model = Model(lambda s, x: s.m[0](x) if x[0, 0, 0] > 0 else x, nn.Linear(6, 6))
    with pytest.raises(Exception, match="read out of the data|batch axis"):
        capture(model, torch.randn(T, B, 6))


OWN = torch.rand(6) + 0.5
POINTWISE = {
    "time and batch in front": lambda s, x: torch.special.i0(s.m[0](x)),
    "step by step": lambda s, x: torch.stack([torch.special.i0(s.m[0](t)) for t in x]),
    "time and batch behind": lambda s, x: torch.special.i0(s.m[0](x).permute(2, 0, 1)).mean(0),
    "two operands": lambda s, x: torch.nextafter(s.m[0](x), x),
    "a constant": lambda s, x: torch.special.zeta(x.abs() + 2, OWN),
}


@pytest.mark.parametrize("name", POINTWISE)
def test_element_by_element_the_axes_do_not_matter(name):
    graph = captured(Model(POINTWISE[name], nn.Linear(6, 6)), torch.randn(T, B, 6), strict=False)
    assert [n.op for n in graph].count("opaque") == 1


def test_an_operation_that_writes_in_place_stays_unknown():
    model = Model(lambda s, x: s.m[0](x).i0_(), nn.Linear(6, 6))
    with pytest.raises(UnknownOps, match="aten.i0_.default, which writes in place"):
        capture(model, torch.randn(T, B, 6), strict=False)
