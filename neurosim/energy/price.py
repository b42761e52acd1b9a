"""Bill × price list → report. The one place where counts meet joules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurosim.energy import addressing, memory
from neurosim.energy.bare import bare_nodes, check_bare
from neurosim.energy.bill import bill, read
from neurosim.energy.line import Bill, Excluded, Line
from neurosim.energy.placed import Placed
from neurosim.energy.report import EnergyReport, Row
from neurosim.errors import UnpricedEvents
from neurosim.hardware.billed import PLACED
from neurosim.hardware.convention import Convention, with_counts
from neurosim.hardware.profile import load_profile
from neurosim.hardware.quantity import Price
from neurosim.hardware.schema import Profile
from neurosim.ir.events import SYNAPTIC
from neurosim.ir.facts import NodeFacts
from neurosim.ir.run import UNKNOWN_FACTS, Run

Range = tuple[float, float, float]


def price(
    run: Run,
    profile: str | Path | Profile,
    placement: Placed | None = None,
    convention: str | Path | Convention | None = None,
    host: str | Path | Profile | None = None,
    *,
    why_unplaced: str = "needs a placement",
    **count_overrides: Any,
) -> EnergyReport:
    """What ``run`` costs on a chip: joules = Σ billed events × price, joules of the whole batch.

    ``convention`` replaces the profile's; ``count_overrides`` replace single keys of it (counting
    rules, section 9). ``host`` prices what the chip cannot do. Without a placement, messages, hops,
    latency and static energy are listed as not included; ``why_unplaced`` is said there.

    Raises UnpricedEvents: every missing event with its nodes, at once; or facts of nodes that are
    not known, where counts alone were given and do not suffice. UnknownName, ProfileError:
    no such profile, convention, key or value.
    """
    chip = load_profile(profile)
    counts = {**chip.count, **count_overrides} if convention is None else count_overrides
    rules = with_counts(chip.convention if convention is None else convention, counts)
    hosted = _host(chip, host)
    check_bare(read(run, rules), chip)
    encodings: Mapping[str, str] = {} if placement is None else placement.encodings
    desk = _Desk(run, chip, hosted, host is not None, bill(run, rules, chip.dataflow), encodings)
    for line in desk.bill.lines:
        desk.take(line)
    seconds = _not_mapped(desk, why_unplaced) if placement is None else _place(desk, placement)
    desk.close()
    remarks = () if placement is None else placement.notes(run)
    return _report(desk, rules, seconds, remarks)


def _host(chip: Profile, host: str | Path | Profile | None) -> Profile | None:
    if host is not None:
        return load_profile(host)
    return load_profile(chip.host.profile) if chip.host else None


@dataclass
class _Desk:
    """One pricing under way: rows so far, and what could not be priced."""

    run: Run
    chip: Profile
    host: Profile | None
    host_given: bool
    bill: Bill
    encodings: Mapping[str, str] = field(default_factory=dict[str, str])
    rows: list[Row] = field(default_factory=list[Row])
    ignored: dict[tuple[str, str], float | None] = field(
        default_factory=dict[tuple[str, str], float | None]
    )
    missing: dict[tuple[str, str], list[str]] = field(
        default_factory=dict[tuple[str, str], list[str]]
    )

    def take(self, line: Line) -> None:
        """Price one line, or record why it has no price."""
        event, facts = line.billed, self.run.facts.get(line.node)
        if event in (addressing.ADD, addressing.MAC):
            self._address(line)
        elif event in self.chip.prices:
            self._charge(line, self.chip, "chip", facts)
        elif self.host is not None and self._host_does(event):
            self._charge(line, self.host, f"host {self.host.name} (assumed)", facts)
        elif event in self.chip.ignores:
            key = (line.event, self.chip.ignores[event])
            self.ignored[key] = (self.ignored.get(key) or 0.0) + line.quantity
        elif not (event == "static" and self.chip.static):
            self._miss(event, line.node, self.chip.impossible.get(event, "not in the profile"))

    def _host_does(self, event: str) -> bool:
        """What the profile hands over; what it forbids only where a host was asked for."""
        return event in self.chip.hosted or self.host_given and event in self.chip.impossible

    def _charge(self, line: Line, profile: Profile, by: str, facts: NodeFacts | None) -> None:
        entry = profile.prices.get(line.billed)
        encoding = self.encodings.get(line.node, "")
        each = None if entry is None else _joules(entry, profile, facts, encoding)
        if each is None:
            why = (
                entry.note or entry.source if entry else f"{profile.name} does not price it either"
            )
            self._miss(line.billed, line.node, why)
            return
        self.charge(line, each, by)
        if entry is not None and entry.memory == "weights" and facts is not None:
            self._stream(line, profile, by, facts)

    def _address(self, line: Line) -> None:
        """Billed only where the dataflow has its prices."""
        prices = self.chip.dataflow.addressing
        if prices is not None:
            each = prices.add if line.billed == addressing.ADD else prices.mac
            self.charge(line, (each, each, each), "chip")

    def charge(self, line: Line, each: Range, by: str) -> None:
        """Add a row."""
        quantity = line.quantity
        joules, low, high = (quantity * e for e in each)
        self.rows.append(
            Row(
                line.node,
                line.op,
                line.event,
                line.billed,
                by,
                quantity,
                joules,
                low,
                high,
                line.like,
            )
        )

    def _stream(self, line: Line, profile: Profile, by: str, facts: NodeFacts) -> None:
        """Weights beyond the largest SRAM come from DRAM once per step and sample."""
        model = profile.memory
        if model is None or not memory.spills(model, facts) or line.like == "add":
            return
        words, each = memory.streamed(model, facts)
        quantity = float(words * max(1, facts.steps) * self.run.samples)
        self.charge(Line(line.node, line.op, "dram_read", "weight_read", quantity), each, by)

    def _miss(self, event: str, node: str, why: str) -> None:
        self.missing.setdefault((event, why), []).append(node)

    def close(self) -> None:
        """Raise UnpricedEvents if anything has no price."""
        if not self.missing:
            return
        found = "; ".join(
            f"{event} at {_some(nodes)} ({why})" for (event, why), nodes in self.missing.items()
        )
        if self.chip.proxies:
            remedy = f"choose a labelled proxy: {', '.join(self.chip.proxies)}"
        else:
            remedy = "give a host that can (--host NAME) or another convention (--count KEY=VALUE)"
        raise UnpricedEvents(f"profile {self.chip.name!r} cannot price {found}; {remedy}")


def _some(nodes: Iterable[str]) -> str:
    names = list(dict.fromkeys(nodes))
    shown = ", ".join(repr(n) for n in names[:8])
    return shown + (f" and {len(names) - 8} more nodes" if len(names) > 8 else "")


def _joules(entry: Price, profile: Profile, facts: NodeFacts | None, encoding: str) -> Range | None:
    if facts is None:
        return entry.joules()
    if entry.memory is not None and profile.memory is not None:
        return memory.word(profile.memory, facts, entry.memory)
    if not entry.by_encoding and not entry.by_bits:
        return entry.joules()
    return entry.joules(facts.weight_bits, encoding or facts.encoding)


def _place(desk: _Desk, placement: Placed) -> float:
    """Messages, hops and static energy of a placement. Returns seconds/view."""
    for (node, event), count in placement.traffic(desk.run).items():
        op = desk.run.facts[node].op if node in desk.run.facts else "network"
        desk.take(Line(node, op, event, event, float(count)))
    seconds = placement.seconds(desk.run)
    if desk.chip.static is not None:
        quantity = seconds * placement.chips * desk.run.samples
        line = Line("static", "static", "static", "static", quantity)
        desk.charge(line, desk.chip.static.watts(), "static")
    elif "static" in desk.chip.ignores:
        desk.ignored["static", desk.chip.ignores["static"]] = None
    return seconds


def _not_mapped(desk: _Desk, said: str) -> None:
    """What is not known without a placement."""
    priced = [e for e in PLACED if e in desk.chip.prices or e == "static" and desk.chip.static]
    for event in PLACED:
        why = f"not mapped: {said}" if event in priced else desk.chip.ignores.get(event)
        if why:
            desk.ignored[event, why] = None


def _report(
    desk: _Desk, rules: Convention, seconds: float | None, remarks: tuple[str, ...]
) -> EnergyReport:
    run = desk.run
    bare = bare_nodes(run)
    for node in bare:
        desk.bill.note(UNKNOWN_FACTS, node)
    left_out = [*desk.ignored.items(), *desk.bill.left_out.items()]
    excluded = tuple(Excluded(event, quantity, why) for (event, why), quantity in left_out)
    totals = read(run, rules).totals
    synops = sum(count for (_, event), count in totals.items() if event in SYNAPTIC)
    return EnergyReport(
        profile=desk.chip, convention=rules, rows=tuple(desk.rows), not_included=excluded,
        notes=(*_notes(desk.bill.notes), *remarks), samples=run.samples, steps=run.steps,
        manifest=run.manifest, synaptic_operations=synops, seconds_per_view=seconds,
        counts=run.counts,
        opaque=tuple(
            f"{n} ({f.note or f.op})"
            for n, f in run.facts.items()
            if f.role == "opaque" and n not in bare
        ),
    )  # fmt: skip


def _notes(notes: Mapping[str, list[str]]) -> tuple[str, ...]:
    return tuple(f"{text} (at {_some(nodes)})" for text, nodes in notes.items())
