"""Energy of one word by the capacity that a layer needs: four published laws through the same SRAM
points.
"""

from __future__ import annotations

import math
from functools import lru_cache

from neurosim.energy.line import DISCRETE
from neurosim.hardware.schema import Memory
from neurosim.ir.facts import NodeFacts

Range = tuple[float, float, float]  # value, low, high


def word(memory: Memory, facts: NodeFacts, which: str) -> Range:
    """Joules of one word read or written at a node: ``weights``, ``state``, ``activation_in`` or
    ``activation_out``.

    low and high span the laws.
    """
    bits = _word_bits(memory, facts, which)
    capacity = capacity_bits(memory, facts, which)
    if which == "weights" and spills(memory, facts) and memory.largest_sram is not None:
        capacity = memory.largest_sram * 8
    return _span(memory, capacity, bits)


@lru_cache(maxsize=4096)
def _span(memory: Memory, capacity: int, bits: int) -> Range:
    value = word_joules(memory, memory.model, capacity, bits)
    laws = ["loglog", "power_law", "packed"] + (
        ["linear"] if memory.linear_base is not None else []
    )
    every = [word_joules(memory, law, capacity, bits) for law in laws]
    return value, min(value, *every), max(value, *every)


def word_joules(memory: Memory, law: str, capacity_bits: int, bits: int) -> float:
    """One word of ``bits`` in an SRAM of ``capacity_bits``.

    loglog: straight lines through the points in log-log, per 64-bit access. power_law: a·size^b,
    least squares in log-log. linear: base + per_bit × capacity, per access of any width (Lemaire
    2022). packed: banks of the smallest point, ⌊64/bits⌋ words per access (the same code's newer
    rule).
    """
    if law == "linear":
        return (memory.linear_base or 0.0) + (memory.linear_per_bit or 0.0) * capacity_bits
    points = [(float(p.size), p.energy) for p in memory.points]
    if law == "packed":
        return points[0][1] / max(1, 64 // bits)
    size = max(1.0, capacity_bits / 8)
    energy = _power_law(points, size) if law == "power_law" else _loglog(points, size)
    return energy * bits / 64


def _loglog(points: list[tuple[float, float]], size: float) -> float:
    upper = next((i for i, (s, _) in enumerate(points) if s >= size and i), len(points) - 1)
    (s0, e0), (s1, e1) = points[upper - 1], points[upper]
    slope = math.log(e1 / e0) / math.log(s1 / s0)
    return e0 * (size / s0) ** slope


def _power_law(points: list[tuple[float, float]], size: float) -> float:
    xs, ys = [math.log(s) for s, _ in points], [math.log(e) for _, e in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / sum(
        (x - mx) ** 2 for x in xs
    )
    return math.exp(my + slope * (math.log(size) - mx))


def capacity_bits(memory: Memory, facts: NodeFacts, which: str) -> int:
    """Size of the memory that a node needs; a layer's accumulators are its output map, its input
    events a full FIFO.
    """
    bits = _word_bits(memory, facts, which)
    if which == "weights":
        return bits * (
            math.prod(facts.weight_shape) if facts.weight_shape else max(1, facts.parameters)
        )
    if which == "activation_in":
        return bits * max(1, sum(math.prod(s) for s in facts.in_shapes))
    outputs = max(1, math.prod(facts.out_shape))
    if which == "state" and facts.role == "neuron":
        return bits * outputs * max(1, facts.state_words)
    return bits * outputs


def _word_bits(memory: Memory, facts: NodeFacts, which: str) -> int:
    if which == "weights":
        return facts.weight_bits
    if which == "state":
        return memory.state_bits or memory.word_bits
    discrete = facts.in_kinds[:1] if which == "activation_in" else (facts.out_kind,)
    events = bool(discrete) and discrete[0] in DISCRETE
    return memory.event_bits if events else memory.word_bits


def spills(memory: Memory, facts: NodeFacts) -> bool:
    """Whether a layer's weights are streamed from external memory."""
    if memory.spill == "never" or memory.largest_sram is None or memory.dram is None:
        return False
    return (
        facts.role == "weights"
        and capacity_bits(memory, facts, "weights") > memory.largest_sram * 8
    )


def streamed(memory: Memory, facts: NodeFacts) -> tuple[int, Range]:
    """(words per step and sample, joules of a word) of a layer that spills."""
    dram = memory.dram
    if dram is None:
        return 0, (0.0, 0.0, 0.0)
    share = facts.weight_bits / 64
    words = math.prod(facts.weight_shape)
    return words, (dram.value * share, dram.low * share, dram.high * share)
