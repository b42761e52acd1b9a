"""Products of two activities, A[m,k] · B[k,n] (counting rules, sections 4, 7), one by one."""

from __future__ import annotations

from itertools import product

import numpy as np

EVENT_KINDS = ("spike", "graded")


def product_counts(
    a: np.ndarray,  # (steps, samples, *lead, m, k)
    kind_a: str,
    b: np.ndarray,  # (steps, samples, *lead, k, n)
    kind_b: str,
    keep_out: np.ndarray | None = None,  # bool (m, n): pairs that exist (a mask put on the result)
    keep_left: np.ndarray
    | None = None,  # bool (m, k): pairs that exist (a mask put on the left operand)
) -> dict[str, np.ndarray]:
    """Events of one product per step and sample; a masked REAL counts like any REAL."""
    steps, samples = a.shape[:2]
    rows_a = a.reshape(steps, samples, -1, *a.shape[-2:])
    rows_b = b.reshape(steps, samples, -1, *b.shape[-2:])
    names = _names(kind_a, kind_b)
    total = {
        e: np.zeros((steps, samples), np.int64)
        for e in (*names, "activation_read", "activation_write")
    }
    for t, s, h in product(range(steps), range(samples), range(rows_a.shape[2])):
        left, right = rows_a[t, s, h], rows_b[t, s, h]
        for m, k, n in _triples(left.shape[0], left.shape[1], right.shape[1], keep_out, keep_left):
            _one_pair(total, kind_a, kind_b, (t, s), left[m, k], right[k, n])
        total["activation_read"][t, s] += _read(left, kind_a) + _read(right, kind_b)
        total["activation_write"][t, s] += left.shape[0] * right.shape[1]
    counted = total[names[0]]
    return {
        **total,
        "weight_read": np.zeros_like(counted),
        "state_read": counted,
        "state_write": counted,
    }


def product_dense_macs(a: np.ndarray, b: np.ndarray) -> int:
    """MACs over all steps and samples."""
    return sum(1 for _ in product(range(a.size), range(b.shape[-1])))


def product_arrival(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where an event arrives in the product of two spike or graded matrices: some k has both
    active."""
    out = np.zeros((*a.shape[:-1], b.shape[-1]), bool)
    for *lead, m, n in product(*map(range, out.shape)):
        for k in range(a.shape[-1]):
            if a[(*lead, m, k)] != 0 and b[(*lead, k, n)] != 0:
                out[(*lead, m, n)] = True
    return out


def _names(kind_a: str, kind_b: str) -> tuple[str, ...]:
    """The events of the combination; the first is the number of products."""
    if kind_a in EVENT_KINDS and kind_b in EVENT_KINDS:
        return ("coincidence", "coincidence_unit", "fanout_left", "fanout_right")
    if kind_a in EVENT_KINDS:
        return ("fanout_left",)
    if kind_b in EVENT_KINDS:
        return ("fanout_right",)
    return ("mac",)


def _triples(rows, inner, columns, keep_out, keep_left):
    """The (m, k, n) that exist."""
    for m, k, n in product(range(rows), range(inner), range(columns)):
        out = keep_out is None or keep_out[m, n]
        left = keep_left is None or keep_left[m, k]
        if out and left:
            yield m, k, n


def _one_pair(total, kind_a, kind_b, at, left, right) -> None:
    """One element of A meets one element of B."""
    active_a = kind_a in EVENT_KINDS and left != 0
    active_b = kind_b in EVENT_KINDS and right != 0
    if "mac" in total:
        total["mac"][at] += 1
    if active_a:
        total["fanout_left"][at] += 1
    if active_b:
        total["fanout_right"][at] += 1
    if active_a and active_b:
        total["coincidence"][at] += 1
        total["coincidence_unit"][at] += abs(int(left)) * abs(int(right))


def _read(values: np.ndarray, kind: str) -> int:
    """Active elements once; all of a REAL."""
    if kind in EVENT_KINDS:
        return sum(1 for value in values.ravel() if value != 0)
    return values.size
