"""``to_lava``: a graph as Lava processes, for the user to build on; imports Lava when called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from neurosim.errors import GraphError
from neurosim.ir.graph import Graph

if TYPE_CHECKING:
    from neurosim.exchange.lava.build import LavaNetwork


def to_lava(
    graph: Graph,
    clip: Any = None,
    *,
    until: Iterable[str] | None = None,
    sample: int = 0,
    reset_every: int | None = None,
) -> LavaNetwork:
    """Lava's processes of the neurons of a lowered graph, connected and not yet running.

    Floating point, or Lava's fixed-point models where ``passes.quantize`` went before. ``clip``: in
    the model's own layout; its ``sample`` is played by ring buffers, without one the entries stay
    open. ``until``: these neurons and what they need; by default all. ``reset_every``: neurons
    forget everything after so many steps, each layer as its part of a clip ends.

    Raises LavaMissing: Lava is not installed. LavaError: every node that it has no counterpart of.
    """
    from neurosim.exchange.lava.network import network_of

    if reset_every is not None and reset_every < 1:
        raise GraphError(f"to_lava: reset_every={reset_every}; give 1 step or more, or None")
    return network_of(graph, clip, until, sample, reset_every)
