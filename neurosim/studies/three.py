"""The three energies of an estimate, on a chip of its own choice where none was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.energy.report import EnergyReport
from neurosim.energy.three import EnergyLine, is_chip, three_energies
from neurosim.errors import NeurosimError
from neurosim.hardware.convention import Convention, load_convention
from neurosim.hardware.profile import load_profile
from neurosim.hardware.schema import Profile
from neurosim.ir.graph import Graph
from neurosim.ir.run import Run
from neurosim.studies.estimate import place_all, price_all

if TYPE_CHECKING:
    from neurosim.mapping.placement import Placement

CHIP = "loihi1"
WEIGHTLESS = (
    "a kept run has no weights to place; neurosim estimate MODEL --hardware {chip} --out DIR "
    "keeps a placed report"
)


def three(
    run: Run,
    reports: Mapping[str, EnergyReport],
    graph: Graph | None = None,
    convention: str | Path | Convention | None = None,
    counts: Mapping[str, Any] | None = None,
) -> tuple[EnergyLine, ...]:
    """Arithmetic, memory and the chips of ``reports``; of these none, ``CHIP`` placed for it.

    ``graph``: what is placed; without it the chip is not. ``counts``: of the first three; the views
    of a video are those of ``reports`` unless given. What cannot be priced is a line that says why.
    """
    counts = {**_views(reports), **(counts or {})}
    rules = None if convention is None else load_convention(convention)
    chips = [r for r in reports.values() if is_chip(r)]
    why = ""
    if not chips:
        views = {k: v for k, v in counts.items() if k == "views"}
        found = _on(CHIP, run, graph or run.graph, views)
        chips, why = ([], found) if isinstance(found, str) else ([found], "")
    return three_energies(run, chips, rules, counts, why)


def placed_or_why(
    graph: Graph | None, chips: Iterable[Profile]
) -> tuple[dict[str, Placement], dict[str, str]]:
    """``place_all``, also of a run that was kept without its graph."""
    if graph is not None:
        return place_all(graph, chips)
    return {}, {c.name: WEIGHTLESS.format(chip=c.name) for c in chips if c.fabric is not None}


def _views(reports: Mapping[str, EnergyReport]) -> dict[str, int]:
    """More than one view a video, where the reports are of so many."""
    views = max((r.convention.views for r in reports.values()), default=1)
    return {"views": views} if views > 1 else {}


def _on(name: str, run: Run, graph: Graph | None, counts: Mapping[str, Any]) -> EnergyReport | str:
    """The report of a chip under its own convention, or why there is none."""
    chip = load_profile(name)
    try:
        placed, unplaced = placed_or_why(graph, [chip])
        found = price_all(run, [chip], None, None, counts, placed, unplaced)
        return found[chip.name]
    except NeurosimError as error:
        return str(error)
