"""The engine: executes a graph over a clip and counts every event. Knows no joule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.sim.assumed import activity_from_rates
    from neurosim.sim.simulate import simulate

__all__ = ["activity_from_rates", "simulate"]


def __getattr__(name: str) -> Any:
    if name == "simulate":
        from neurosim.sim.simulate import simulate

        return simulate
    if name == "activity_from_rates":
        from neurosim.sim.assumed import activity_from_rates

        return activity_from_rates
    raise AttributeError(name)
