"""What a reader of a mapped report must know, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.ir.run import Run

if TYPE_CHECKING:
    from neurosim.mapping.placement import Placement

WITHIN = ("spike", "message", "message_in")


def remarks(placement: Placement, run: Run) -> tuple[str, ...]:
    """Cores, how spikes were split over cores, what times and links are not known."""
    chips = placement.chips
    found = [
        f"placed ({placement.strategy}): {len(placement.at):,} of "
        f"{chips * placement.fabric.cores:,} cores on {chips} chip{'s' * (chips > 1)}",
        _split(placement, run),
        *_lag(placement, run),
        *(f"does not fit the chip: {what}" for what in placement.beyond),
    ]
    if chips > 1:
        found.append(
            f"{chips} chips: links between chips are slower and their energy is not public; "
            "do not trust the latency"
        )
    if placement.network.guesses:
        listed = ", ".join(placement.network.guesses[:4])
        found.append(f"order of elements assumed kept at {listed}")
    return (*found, *_times(placement))


def _split(placement: Placement, run: Run) -> str:
    traffic = placement.on_traffic(run)
    traced, every = len(traffic.traced), len(traffic.sent)
    if not every or not traced:
        return (
            "messages: expected, the spikes of each layer and step spread evenly over its neurons"
        )
    if traced == every:
        return "messages: exact, from the recorded spikes"
    return (
        f"messages: exact for {traced} of {every} layers (recorded spikes), expected for the rest"
    )


def _lag(placement: Placement, run: Run) -> list[str]:
    late = placement.late
    if not late:
        return []
    return [
        f"{run.steps} steps of the clip and {late} until the last layer is done (one a layer); "
        "idle updates of those steps are billed"
    ]


def _times(placement: Placement) -> list[str]:
    timing = placement.profile.timing
    if "step" in timing or "tick" in timing:
        entry = timing["step" if "step" in timing else "tick"]
        return [f"step time is the profile's fixed one: {entry.source}{_because(entry.note)}"]
    missing = [name for name in WITHIN if name not in timing]
    return [f"no time is published for {', '.join(missing)}: not in the latency"] if missing else []


def _because(note: str) -> str:
    return f" ({note})" if note else ""
