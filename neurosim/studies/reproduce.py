"""Published energies recomputed by our own accounting, and what does not add up.

A row must lie within what its printed digits leave open: half a unit of the last digit of the
energy, and of every printed count times its price. Digits that permit 0.01 mJ hold it to that;
where they are coarser and the row is further off than that, its verdict is "printed digits". A
figure that no printed fact yields is not checkable; nothing is tuned to agree.
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
from neurosim.studies.claims import Claim, Operations, Scaled
from neurosim.studies.own_layers import dense_operations
from neurosim.studies.reproduce_peers import peers
from neurosim.studies.verdict import Reproduced, judge

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
    reported, digits = units.joules(claim.reported) * 1e3, _tolerance(claim) * 1e3
    found = None if claim.operations is None else _joules(claim, claim.operations) * 1e3
    return Reproduced(
        claim.id,
        claim.model,
        reported,
        found,
        claim.convention,
        judge(found, reported, digits),
        claim.reason,
        claim.expected,
        digits,
    )


def _joules(claim: Claim, operations: Operations) -> float:
    if operations.scaled is not None:
        return _scaled(operations.scaled)
    run = _run(claim, operations)
    return price(run, claim.profile, convention=claim.convention).joules_per_video


def _scaled(scaled: Scaled) -> float:
    """A printed energy at another size, as the dense operations grow."""
    return units.joules(scaled.printed) * _growth(scaled)


def _growth(scaled: Scaled) -> float:
    at, to = (dense_operations(scaled.model, size).of("") for size in (scaled.at, scaled.to))
    return to / at


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
    facts = 0.0 if claim.operations is None else _facts_leave_open(claim, claim.operations)
    return units.half_digit(claim.reported) + facts


def _facts_leave_open(claim: Claim, operations: Operations) -> float:
    """Joules that the digits of the printed operations are worth."""
    if operations.scaled is not None:
        return units.half_digit(operations.scaled.printed) * _growth(operations.scaled)
    prices, total = load_profile(claim.profile).prices, 0.0
    for event, printed in (("synapse", operations.synaptic), ("mac", operations.multiply)):
        if printed is not None:
            total += units.half_digit(printed) * (prices[event].value or 0.0)
    return total
