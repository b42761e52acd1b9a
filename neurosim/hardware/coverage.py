"""Every billed event is in exactly one place of a profile; groups of events are spelled out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from neurosim.errors import NeurosimError, ProfileError, UnknownName
from neurosim.hardware.billed import BILLED, HOPS, OBSERVED, UPDATES
from neurosim.hardware.read_yaml import Document, Keys
from neurosim.hardware.schema import Profile
from neurosim.ir.events import ARITHMETIC, MEMORY

GROUPS: dict[str, tuple[str, ...]] = {"arithmetic": ARITHMETIC, "memory": MEMORY, "network": HOPS}
TIMED = (*BILLED, "barrier", "barrier_multichip", "tick", "step", "latency", "message_in")


def spell_out(document: Document) -> None:
    """Replace the names of groups by their events, in place, before the schema sees the data."""
    for section in ("ignores", "impossible"):
        entries = document.data.get(section)
        if isinstance(entries, dict):
            document.data[section] = _mapping(cast(dict[str, Any], entries))
    host = document.data.get("host")
    names = cast(dict[str, Any], host).get("events") if isinstance(host, dict) else None
    if isinstance(host, dict) and isinstance(names, list):
        spelled = [e for name in cast(list[Any], names) for e in GROUPS.get(str(name), (name,))]
        document.data["host"] = {**cast(dict[str, Any], host), "events": spelled}


def _mapping(entries: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, why in entries.items():
        for event in GROUPS.get(name, (name,)):
            if name in GROUPS and event in entries:
                continue  # the event's own reason wins over its group's
            out[event] = why
    return out


def check(profile: Profile, document: Document) -> None:
    """Raise ProfileError unless every billed event has one place, and all-in prices stand alone."""
    places = _places(profile)
    for keys, event in places:
        _known(event, document, keys)
    _once(places, document)
    missing = [e for e in BILLED if e not in {event for _, event in places}]
    if missing:
        remedy = "put each in prices, host.events, ignores (with why) or impossible"
        raise ProfileError(
            f"{document.where(())}: says nothing about {', '.join(missing)}; {remedy}"
        )
    _all_in(profile, document)
    _memory(profile, document)
    for name in profile.timing:
        if name not in TIMED:
            _refuse(document, ("timing", name), UnknownName("timed event", name, TIMED))


def _places(profile: Profile) -> list[tuple[Keys, str]]:
    found: list[tuple[Keys, str]] = [(("prices", e), e) for e in profile.prices]
    found += [(("host", "events"), e) for e in profile.hosted]
    found += [(("ignores", e), e) for e in profile.ignores]
    found += [(("impossible", e), e) for e in profile.impossible]
    return found + ([(("static",), "static")] if profile.static else [])


def _known(event: str, document: Document, keys: Keys) -> None:
    if event in OBSERVED:
        raise ProfileError(
            f"{document.where(keys)}: {event!r} is never priced ({OBSERVED[event]}); remove it"
        )
    if event not in BILLED:
        _refuse(document, keys, UnknownName("event", event, BILLED))


def _once(places: Iterable[tuple[Keys, str]], document: Document) -> None:
    seen: dict[str, Keys] = {}
    for keys, event in places:
        if event in seen:
            both = f"{seen[event][0]} and in {keys[0]}"
            raise ProfileError(f"{document.where(keys)}: {event!r} is in {both}; keep it in one")
        seen[event] = keys


def _all_in(profile: Profile, document: Document) -> None:
    """All-in prices hold everything at one operating point: no static, update or hop price may come
    on top.
    """
    whole = [e for e, p in profile.prices.items() if p.scope == "all_in"]
    if not whole:
        return
    on_top = [e for e in (*UPDATES, *HOPS, "spike") if e in profile.prices and e not in whole]
    on_top += ["static"] if profile.static else []
    if on_top:
        keys = ("static",) if on_top[0] == "static" else ("prices", on_top[0])
        found = f"{', '.join(on_top)} would come on top of the all_in price of {', '.join(whole)}"
        raise ProfileError(
            f"{document.where(keys)}: {found}; move it to ignores, or use a marginal price"
        )


def _memory(profile: Profile, document: Document) -> None:
    for event, price in profile.prices.items():
        if price.memory and profile.memory is None:
            keys = ("prices", event, "memory")
            raise ProfileError(
                f"{document.where(keys)}: {event!r} needs a memory model; add 'memory:'"
            )
    memory = profile.memory
    if memory and memory.spill != "never" and (memory.dram is None or memory.largest_sram is None):
        where = document.where(("memory", "spill"))
        raise ProfileError(
            f"{where}: spill needs 'dram' and 'largest_sram'; add both or use 'never'"
        )
    if memory and memory.model == "linear" and None in (memory.linear_base, memory.linear_per_bit):
        where = document.where(("memory", "model"))
        raise ProfileError(
            f"{where}: the linear law needs 'linear_base' and 'linear_per_bit'; add both"
        )
    if profile.dataflow.kind == "lemaire" and memory is None:
        where = document.where(("dataflow",))
        raise ProfileError(f"{where}: the dataflow 'lemaire' needs a memory model; add 'memory:'")


def _refuse(document: Document, keys: Keys, why: NeurosimError) -> None:
    raise ProfileError(f"{document.where(keys)}: {why}")
