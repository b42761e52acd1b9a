"""Axis roles: which factor of which tensor axis is time (T), sample (B) or anything else (X).

Every axis of a traced tensor is a tuple of atoms, outermost first: ``("T", 16)``, ``("B", 2)``,
``("X", 64)``, or ``("t", 16)`` for time that has become an ordinary axis (joint space-time
attention). Roles are followed by name through views; a size decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from neurosim.errors import CaptureError

Atom = tuple[str, int]
Dim = tuple[Atom, ...]
Dims = tuple[Dim, ...]


def plain(size: int) -> Dim:
    """An ordinary axis."""
    return (("X", size),) if size != 1 else ()


def shortened(dim: Dim, length: int) -> Dim:
    """An axis of another length: former time stays former time."""
    return (("t", length),) if roles(dim) == "t" and length > 1 else plain(length)


def size(dim: Dim) -> int:
    """Length of an axis."""
    return math.prod(n for _, n in dim)


def sizes(dims: Dims) -> tuple[int, ...]:
    """Shape of the tensor."""
    return tuple(size(d) for d in dims)


def inner(dim: Dim) -> int:
    """Length of an axis without its T and B factors."""
    return math.prod(n for r, n in dim if r not in "TB")


def kept(dim: Dim) -> bool:
    """Whether the axis exists in one slice: it does unless it holds T and B alone."""
    return not dim or any(r not in "TB" for r, _ in dim)


def slice_shape(dims: Dims) -> tuple[int, ...]:
    """Shape of one sample's slice: T and B taken out."""
    return tuple(inner(d) for d in dims if kept(d))


def slice_axis(dims: Dims, dim: int) -> int:
    """Position of tensor axis ``dim`` in the slice."""
    return sum(kept(d) for d in dims[:dim])


def has(dims: Dims, role: str) -> bool:
    """Whether any axis has a factor of that role."""
    return any(r == role for d in dims for r, _ in d)


def roles(dim: Dim) -> str:
    """The roles of an axis, outermost first: "TB", "X", …"""
    return "".join(r for r, _ in dim)


def regroup(dims: Dims, shape: Sequence[int]) -> Dims:
    """Roles after a view to ``shape``. Raises CaptureError where an axis would be cut through time
    or samples."""
    atoms = [a for d in dims for a in d]
    out: list[Dim] = []
    for target in shape:
        dim, atoms = _take(atoms, target, dims, shape)
        out.append(dim)
    if atoms and out:
        out[-1] = merge(out[-1] + tuple(atoms))  # only factors of length 1 can be left
    return tuple(out)


def _take(
    atoms: list[Atom], target: int, dims: Dims, shape: Sequence[int]
) -> tuple[Dim, list[Atom]]:
    got: list[Atom] = []
    left = target
    while left > 1 or (atoms and atoms[0][1] == 1 and not got and target == 1):
        if not atoms:
            raise CaptureError(f"a view of {sizes(dims)} as {tuple(shape)} does not fit")
        role, n = atoms.pop(0)
        if left % n == 0:
            got.append((role, n))
            left //= n
            if target == 1:
                break
        elif n % left == 0 and role == "X":
            got.append(("X", left))
            atoms.insert(0, ("X", n // left))
            left = 1
        else:
            what = {"T": "the time axis", "B": "the batch axis", "t": "the time axis"}.get(
                role, "an axis"
            )
            raise CaptureError(
                f"a view of {sizes(dims)} as {tuple(shape)} cuts through {what}; "
                "keep time and batch whole, or say time_dim=/batch_dim="
            )
    return merge(tuple(got)), atoms


def merge(dim: Dim) -> Dim:
    """Neighbouring X factors as one; X factors of length 1 dropped."""
    out: list[Atom] = []
    for role, n in dim:
        if role == "X" and n == 1:
            continue
        if role == "X" and out and out[-1][0] == "X":
            out[-1] = ("X", out[-1][1] * n)
        else:
            out.append((role, n))
    return tuple(out)


def without(dims: Dims, role: str) -> Dims:
    """The same axes, one role taken out (axes that held nothing else disappear)."""
    out = []
    for dim in dims:
        rest = tuple(a for a in dim if a[0] != role)
        if rest or not dim:
            out.append(rest)
    return tuple(out)


def aligned(a: Dims, b: Dims) -> tuple[Dims, Dims, Dims]:
    """Both operands padded to one rank, the axes of their broadcast. Raises CaptureError."""
    rank = max(len(a), len(b))
    a, b = ((),) * (rank - len(a)) + a, ((),) * (rank - len(b)) + b
    out = []
    for x, y in zip(a, b, strict=True):
        if size(x) == 1 and not x or (size(x) == 1 and size(y) > 1):
            out.append(y)
        elif size(y) == 1:
            out.append(x)
        elif roles(x) == roles(y) and sizes((x,)) == sizes((y,)):
            out.append(x)
        elif size(x) == size(y) and _fits(x, y):
            out.append(x if len(roles(x)) >= len(roles(y)) else y)
        else:
            raise CaptureError(
                f"axes do not line up: {show(a)} against {show(b)}; say time_dim=/batch_dim="
            )
    return a, b, tuple(out)


def _fits(x: Dim, y: Dim) -> bool:
    return roles(x).strip("X") == roles(y).strip("X")


def show(dims: Dims) -> str:
    """For messages: ``[T·B, 64, 7, 7]``."""
    parts = ["·".join(r if r != "X" else str(n) for r, n in d) or "1" for d in dims]
    return "[" + ", ".join(parts) + "]"
