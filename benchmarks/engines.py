"""``auto`` against the better of the two engines, over the zoo: it must not choose badly."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial

import neurosim as ns
from benchmarks.common import Row, fastest, interleaved, main, row
from benchmarks.forward import clip_of, kind_of, prepared
from neurosim.models._sizes import sizes
from neurosim.nn.plif import PLIF


def networks() -> list[tuple[str, ns.Graph, object]]:
    """Every model of its own file, SVFormer at its published rates; svformer_tiny also busier and
    quieter.
    """
    found = []
    for name in (n for n in ns.models.list() if n not in sizes()):
        batch = 1 if name == "svformer" else 4
        model, clip, _ = prepared(name, batch)
        graph = ns.lower(ns.capture(model, clip[:, :1], kind=kind_of(name)))
        found.append((name, graph, clip))
    model, clip = ns.models.load("svformer_tiny"), clip_of("svformer_tiny", 4)
    for threshold in (0.2, 1.5):
        for layer in model.modules():
            if isinstance(layer, PLIF):
                layer.v_threshold = threshold
        graph = ns.lower(ns.capture(model, clip[:, :1]))
        found.append((f"svformer_tiny, thresholds {threshold}", graph, clip))
    return found


def rows(pairs: int, only: str) -> Iterator[Row]:
    """One a network, and the median."""
    found = []
    for name, graph, clip in networks():
        if only not in name:
            continue
        calls = {e: partial(ns.simulate, graph, clip, e) for e in ("auto", "dense", "event")}
        times = interleaved(calls, pairs)
        better = fastest(times, ["dense", "event"])
        found.append(row(name, "share", times["auto"], f"the better engine: {better}",
                         times[better], "<= 1.2"))  # fmt: skip
        yield found[-1]
    if found:
        median = statistics.median(r.ratio for r in found)
        yield Row("median over the zoo", "the better engine", "share", median, "<= 1.1")


if __name__ == "__main__":
    main(rows, __doc__)
