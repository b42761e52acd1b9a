"""Profiles and conventions in plain text: every figure with its range, source and doubts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from neurosim.hardware.billed import BILLED
from neurosim.hardware.convention import KEYS, MEANINGS, Convention, text
from neurosim.hardware.quantity import Price, Time
from neurosim.hardware.schema import Dataflow, Fabric, Memory, Profile
from neurosim.units import show


def describe(profile: Profile) -> str:
    """What ``neurosim profiles show NAME`` prints."""
    parts = [
        _head(profile),
        _prices(profile),
        _static(profile),
        _times(profile.timing),
        _host(profile),
        _memory(profile.memory, profile),
        _section("not included, and why", _grouped(profile.ignores)),
        _section("impossible", _grouped(profile.impossible)),
        _section("proxies to choose from", [f"{k}: {v}" for k, v in profile.proxies.items()]),
        _fabric(profile.fabric),
        _section("measured", profile.measured),
        _section("doubts", profile.doubts),
    ]
    return "\n".join(line for part in parts for line in part)


def describe_convention(convention: Convention) -> str:
    """What ``neurosim conventions show NAME`` prints."""
    lines = [f"{convention.name}: {convention.title}", f"  source  {convention.source}", "  keys"]
    values = {k: text(getattr(convention, k)) for k in KEYS}
    wide = max(len(v) for v in values.values())
    lines += [f"    {k:<17}  {v:<{wide}}  {MEANINGS[k]}" for k, v in values.items()]
    return "\n".join(lines + _section("notes", convention.notes))


def _head(profile: Profile) -> list[str]:
    facts = {
        "vendor": profile.vendor,
        "process": ", ".join(t for t in (profile.node, profile.voltage) if t),
        "basis": profile.basis,
        "variant of": profile.variant_of,
        "convention": profile.convention + "".join(f", {k}={v}" for k, v in profile.count.items()),
    }
    lines = [f"  {name:<11} {text}" for name, text in facts.items() if text]
    return [f"{profile.name}: {profile.title}", *lines]


def _prices(profile: Profile) -> list[str]:
    lines = ["  joules per operation"]
    for event, price in profile.prices.items():
        lines.append(f"    {event:<17} {_value(price):<34} {price.scope:<8} {price.how}")
        lines += _origin(price.source, price.note, BILLED[event])
    return lines


def _value(price: Price) -> str:
    if price.memory is not None:
        return f"by capacity ({price.memory})"
    found = price.joules()
    if found is None:
        return "no public figure"
    value, low, high = found
    span = f" ({show(low, 'J')} to {show(high, 'J')})" if high > low else ""
    ways = {**price.by_encoding, **{f"{b} bit": v for b, v in price.by_bits.items()}}
    more = "".join(f", {name} {show(v, 'J')}" for name, v in ways.items())
    return show(value, "J") + span + more


def _origin(source: str, note: str, meaning: str = "") -> list[str]:
    lines = [f"      {meaning}"] if meaning else []
    lines.append(f"      source: {source}")
    return lines + ([f"      note: {note}"] if note else [])


def _static(profile: Profile) -> list[str]:
    power = profile.static
    if power is None:
        return []
    value, low, high = power.watts()
    span = f" ({show(low, 'W')} to {show(high, 'W')})" if high > low else ""
    head = f"  static power of a chip: {show(value, 'W')}{span}, {power.how}"
    return [head, *_origin(power.source, power.note)]


def _times(timing: Mapping[str, Time]) -> list[str]:
    if not timing:
        return []
    lines = ["  seconds per operation"]
    for event, time in timing.items():
        lines.append(f"    {event:<17} {_seconds(time):<43} {time.how}")
        lines += _origin(time.source, time.note)
    return lines


def _seconds(time: Time) -> str:
    parts = [] if time.value is None else [show(time.value, "s")]
    if time.low is not None and time.high is not None:
        parts.append(f"({show(time.low, 's')} to {show(time.high, 's')})")
    parts += [f"{n} tiles {show(v, 's')}" for n, v in time.by_tiles.items()]
    parts += [f"{name} {show(v, 's')}" for name, v in time.by_encoding.items()]
    return ", ".join(parts) or "no public figure"


def _host(profile: Profile) -> list[str]:
    if profile.host is None:
        return []
    events = ", ".join(profile.host.events)
    return [
        f"  done by the host {profile.host.profile} (assumed, a row of its own)",
        f"    {events}",
    ]


def _flow(flow: Dataflow) -> str:
    """Its kind, and which variant of a published one."""
    variant = f" ({flow.variant}): {flow.source}" if flow.kind == "lemaire" else ""
    return f"dataflow {flow.kind}{variant}"


def _memory(memory: Memory | None, profile: Profile) -> list[str]:
    if memory is None:
        return []
    points = [
        f"SRAM {p.size // 1024} KB: {show(p.energy, 'J')} per 64 bits; {p.source}"
        for p in memory.points
    ]
    law = f"law {memory.model}, words {memory.word_bits} bits, events {memory.event_bits} bits"
    if memory.dram is not None:
        d = memory.dram
        span = f"{show(d.low, 'J')} to {show(d.high, 'J')}"
        points.append(f"DRAM {show(d.value, 'J')} per 64 bits ({span}); {d.source}")
        points.append(f"spill to DRAM: {memory.spill}")
    flow = profile.dataflow
    if (price := flow.addressing) is not None:
        each = f"add {show(price.add, 'J')}, multiply-add {show(price.mac, 'J')}"
        points.append(f"addressing: {each}; {price.source}; {price.note}".rstrip("; "))
    found = [law, *points, memory.note, _flow(flow)]
    return _section("memory", [*(f for f in found if f), *([flow.note] if flow.note else [])])


def _fabric(fabric: Fabric | None) -> list[str]:
    if fabric is None:
        return []
    values = fabric.model_dump(exclude_none=True, exclude={"sources"})
    lines = [f"{k:<26} {v}  {fabric.sources.get(k, '')}".rstrip() for k, v in values.items()]
    return _section("fabric of a chip (read by mapping)", lines)


def _grouped(reasons: Mapping[str, str]) -> list[str]:
    found: dict[str, list[str]] = {}
    for event, why in reasons.items():
        found.setdefault(why, []).append(event)
    return [f"{', '.join(events)}: {why}" for why, events in found.items()]


def _section(title: str, items: Iterable[str]) -> list[str]:
    lines = [f"    {item}" for item in items]
    return [f"  {title}", *lines] if lines else []
