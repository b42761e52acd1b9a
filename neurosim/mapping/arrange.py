"""Puts cores where they have short ways: tiles swapped while that shortens Σ messages × hops."""

from __future__ import annotations

import numpy as np

from neurosim.mapping.mesh import Mesh
from neurosim.mapping.sparse import Sparse, csr
from neurosim.mapping.sparse import at as at_places

SWEEPS, WORK = 200, 50_000  # at most so many sweeps, and so many tiles × sweeps
LARGEST = 4096  # tiles: beyond, tiles stay along the curve


def snake(mesh: Mesh, tiles: int) -> np.ndarray:
    """int64 (tiles,): tile numbers along a curve that turns at the end of each column: neighbours
    along the curve are neighbours on the mesh, chip by chip.
    """
    columns, rows = mesh.tiles
    one = np.arange(columns * rows).reshape(columns, rows)
    one[1::2] = one[1::2, ::-1].copy()
    chips = -(-tiles // one.size)
    return np.concatenate([one.ravel() + chip * one.size for chip in range(chips)])[:tiles]


def arranged(mesh: Mesh, traffic: Sparse) -> np.ndarray:
    """int64 (cores,): the place of each core. ``traffic``: (cores, cores) messages, sparse.

    Cores are grouped by tile in their order, tiles begin along ``snake``, and the best swaps of two
    tiles are taken until none gains: the gain of swapping g and h is C[g,h] + C[h,g] − C[g,g] −
    C[h,h] + 2·T[g,h]·D[g,h], where C[g,p] is what tile g would send if it lay where p lies.
    """
    cores, size = int(traffic.shape[0]), mesh.per_tile
    tiles = -(-cores // size)
    group = np.floor_divide(np.arange(cores), size)
    both = traffic.tocoo()
    flow = at_places(both.data.astype(np.float64), group[both.row], group[both.col], (tiles, tiles))
    flow = csr(flow + flow.T)
    at = snake(mesh, tiles)
    if mesh.known and tiles <= LARGEST:
        at = _swapped(mesh, flow, at)
    return at[group] * size + np.arange(cores) % size


def _swapped(mesh: Mesh, flow: Sparse, at: np.ndarray) -> np.ndarray:
    most = LARGEST
    for _ in range(min(SWEEPS, max(1, WORK // len(at)))):
        distance = _distance(mesh, at)
        cost = flow @ distance
        pairs = _best_pairs(_gain(flow, cost, distance))[:most]
        if not pairs:
            break
        tried = at.copy()
        for g, h in pairs:
            tried[[g, h]] = tried[[h, g]]
        if len(pairs) > 1 and flow.multiply(_distance(mesh, tried)).sum() >= np.trace(cost):
            most = 1  # swaps got into each other's way
        else:
            at, most = tried, LARGEST
    return at


def _distance(mesh: Mesh, at: np.ndarray) -> np.ndarray:
    x, y = mesh.place(_first_core(mesh, at))
    return (np.abs(x[:, None] - x[None, :]) + np.abs(y[:, None] - y[None, :])).astype(np.float64)


def _gain(flow: Sparse, cost: np.ndarray, distance: np.ndarray) -> np.ndarray:
    stay, links = np.diag(cost), flow.tocoo()
    gain = cost + cost.T - stay[:, None] - stay[None, :]
    gain[links.row, links.col] += 2 * links.data * distance[links.row, links.col]
    return gain


def _first_core(mesh: Mesh, tile: np.ndarray) -> np.ndarray:
    columns, rows = mesh.tiles
    each = columns * rows
    return tile // each * mesh.fabric.cores + tile % each * mesh.per_tile


def _best_pairs(gain: np.ndarray) -> list[tuple[int, int]]:
    """Swaps of different tiles, each the best of both its tiles: others' gains change little."""
    best = gain.argmin(axis=1)
    rows = np.arange(len(best))
    good = (gain[rows, best] < -1e-9) & (best[best] == rows) & (rows < best)
    found = [(int(g), int(best[g])) for g in rows[good]]
    found.sort(key=lambda pair: gain[pair])
    return found[: max(1, len(found) // 4)]
