"""A threshold inside a recurrence is a neuron that nobody registered: its events would be billed as
plain arithmetic."""

from __future__ import annotations

import networkx as nx

from neurosim.capture.fold import Folded
from neurosim.errors import CaptureError

_STEPS = ("sign", "round", "floor", "ceil")


def handmade(nodes: list[Folded]) -> list[Folded]:
    """The thresholds that feed back into their own input through a delay."""
    net = nx.DiGraph((o.node, f.id) for f in nodes for o in f.operands)
    cycles = [c for c in nx.strongly_connected_components(net) if len(c) > 1]
    inside = set().union(*cycles) if cycles else set()
    return [f for f in nodes if f.id in inside and _threshold(f)]


def _threshold(f: Folded) -> bool:
    return f.op == "compare" or (f.op == "activation" and f.attrs["function"] in _STEPS)


def check_handmade(nodes: list[Folded], strict: bool) -> tuple[str, ...]:
    """Notes on hand-written neurons, for every report; with ``strict`` they are refused. Raises
    CaptureError."""
    found = tuple(
        f"at {f.path!r} ({f.source})" if f.path else f"at {f.source}" for f in handmade(nodes)
    )
    if found and strict:
        raise CaptureError(
            f"{', '.join(found)}: a neuron written by hand (a threshold that feeds back into its "
            f"own membrane) that "
            "neurosim does not know; put it into a module registered with @ns.recognise, use a "
            "library's neuron, or "
            "pass strict=False to run it as plain arithmetic"
        )
    return tuple(
        f"{place}: a hand-written neuron, run and billed as plain arithmetic (strict=False)"
        for place in found
    )
