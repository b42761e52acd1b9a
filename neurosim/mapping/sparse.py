"""Sparse matrices of scipy, imported when the first one is made. Its types are not known to type
checkers, so a matrix is ``Sparse`` here.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

Sparse = Any  # scipy.sparse.csr_array


def _scipy() -> Any:
    return importlib.import_module("scipy.sparse")


def csr(given: Any) -> Sparse:
    """By rows, of anything that scipy or numpy holds."""
    return _scipy().csr_array(given)


def empty(shape: tuple[int, int]) -> Sparse:
    """Nothing stored."""
    return _scipy().csr_array(shape, dtype=np.float64)


def at(values: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> Sparse:
    """``values`` at the places; those of one place are added."""
    return _scipy().csr_array((values, (rows, columns)), shape=shape)


def by_rows(
    values: np.ndarray, columns: np.ndarray, starts: np.ndarray, shape: tuple[int, int]
) -> Sparse:
    """Row r holds ``values`` at ``columns``, both from ``starts[r]`` to ``starts[r + 1]``."""
    return _scipy().csr_array((values, columns, starts), shape=shape)


def ones_at(
    rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], kind: type = np.float64
) -> Sparse:
    """Ones at the places; as many as there are of one place."""
    return at(np.ones(len(rows), dtype=np.dtype(kind)), rows, columns, shape)


def identity(size: int) -> Sparse:
    """int64 ones on the diagonal."""
    return _scipy().csr_array(_scipy().eye_array(size, dtype=np.int64))


def product(a: Sparse, b: Sparse) -> Sparse:
    """Kronecker product."""
    return _scipy().csr_array(_scipy().kron(a, b))


def stacked(blocks: Sequence[Sparse]) -> Sparse:
    """One below the other."""
    return _scipy().csr_array(_scipy().vstack(blocks, format="csr"))


def dense(matrix: Sparse) -> np.ndarray:
    """As a plain array."""
    return np.asarray(matrix.todense())


def present(matrix: Sparse) -> Sparse:
    """1 where something other than 0 is stored."""
    found = matrix.tocsr(copy=True)
    found.eliminate_zeros()
    found.data = np.ones_like(found.data)
    return found
