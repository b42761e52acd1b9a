"""Pictures: data in, Axes out. Imports neither torch nor any operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.plots.graph import draw_graph as draw_graph


def __getattr__(name: str) -> Any:
    if name == "draw_graph":
        from neurosim.plots.graph import draw_graph

        return draw_graph
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
