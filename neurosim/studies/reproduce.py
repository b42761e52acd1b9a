"""Published energies recomputed by our own accounting, and what does not add up.

A row is a match when the difference is within what the printed digits leave open: half a unit of
the last digit of the energy, and of every printed count times its price. A figure that no printed
fact yields is not checkable; nothing is tuned to agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from neurosim import units
from neurosim.energy.price import price
from neurosim.energy.published_table import Layer, run_of_table, run_published
from neurosim.errors import UnknownName
from neurosim.hardware import load_convention, load_profile
from neurosim.ir.run import Run
from neurosim.studies import claims
from neurosim.studies.claims import Claim, Operations, Scaled, Verdict
from neurosim.studies.own_layers import dense_operations
from neurosim.studies.reproduce_peers import peers
from neurosim.studies.verdict import Reproduced

Rows = Callable[[], list[Reproduced]]
Tell = Callable[[str, int, int], None]  # table, done, total


def _published(name: str) -> list[Reproduced]:
    return [recompute(claim) for claim in claims.load_table(name).rows]


# name → rows; a table that is not a file of claims is one more line
TABLES: Mapping[str, Rows] = {
    **{name: partial(_published, name) for name in claims.tables()},
    "peers": peers,
}


def reproduce(
    table: str | None = None, tell: Tell = lambda name, done, total: None
) -> dict[str, list[Reproduced]]:
    """Table → its rows; of one table, or of all. ``tell`` hears each before it is recomputed.

    Raises UnknownName: near names are offered.
    """
    if table is not None and table not in TABLES:
        raise UnknownName("table", table, (*TABLES, "silicon"))
    chosen = TABLES if table is None else {table: TABLES[table]}
    found: dict[str, list[Reproduced]] = {}
    for done, (name, rows) in enumerate(chosen.items()):
        tell(name, done, len(chosen))
        found[name] = rows()
    return found


def surprises(rows: Iterable[Reproduced]) -> list[Reproduced]:
    """Rows whose verdict is not the one that their data file expects."""
    return [row for row in rows if row.verdict != row.expected]


def recompute(claim: Claim) -> Reproduced:
    """One row from its facts. Raises UnknownName: a model, table, profile or convention."""
    reported = units.joules(claim.reported)
    found = None if claim.operations is None else _joules(claim, claim.operations)
    verdict: Verdict = "not_checkable"
    if found is not None:
        near = abs(found - reported) <= _tolerance(claim) + 1e-15
        verdict = "match" if near else "mismatch"
    return Reproduced(
        claim.id,
        claim.model,
        reported * 1e3,
        None if found is None else found * 1e3,
        claim.convention,
        verdict,
        claim.reason,
        claim.expected,
    )


def _joules(claim: Claim, operations: Operations) -> float:
    if operations.scaled is not None:
        return _scaled(operations.scaled)
    run = _run(claim, operations)
    return price(run, claim.profile, convention=claim.convention).joules_per_video


def _scaled(scaled: Scaled) -> float:
    """A printed energy at another size, as the dense operations grow."""
    at, to = (dense_operations(scaled.model, size).of("") for size in (scaled.at, scaled.to))
    return units.joules(scaled.printed) * to / at


def _run(claim: Claim, operations: Operations) -> Run:
    if operations.table is not None:
        return run_published(operations.table)
    layers = [*_own(claim, operations)]
    if operations.synaptic is not None:
        total = round(units.count(operations.synaptic))
        layers.append(Layer("synaptic operations as printed", total, 1.0, "spike"))
    if operations.multiply is not None:
        total = round(units.count(operations.multiply))
        layers.append(Layer("multiply-accumulates as printed", total, 1.0, "real"))
    return run_of_table(layers, name=claim.model)


def _own(claim: Claim, operations: Operations) -> Iterable[Layer]:
    """Layers of our own model; with their biases where the convention bills them so."""
    if operations.layers is None:
        return
    dense = dense_operations(operations.layers.model)
    bias = load_convention(claim.convention).bias == "with_layer"
    for i, name in enumerate(operations.layers.of):
        steps = dense.steps if i == 0 else 1
        yield Layer(name, dense.of(name, bias), 1.0, "real", stem=i == 0, steps=steps)


def _tolerance(claim: Claim) -> float:
    """Joules that the printed digits leave open."""
    if claim.tolerance is not None:
        return units.joules(claim.tolerance)
    prices, operations = load_profile(claim.profile).prices, claim.operations or Operations()
    open_joules = units.half_digit(claim.reported)
    for event, printed in (("synapse", operations.synaptic), ("mac", operations.multiply)):
        if printed is not None:
            open_joules += units.half_digit(printed) * (prices[event].value or 0.0)
    return open_joules
