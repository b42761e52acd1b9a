"""Swapping tiles shortens ways, and finds the best order of a small chip."""

from __future__ import annotations

import itertools

import numpy as np

from neurosim.hardware.schema import Fabric
from neurosim.mapping.arrange import arranged, snake
from neurosim.mapping.mesh import Mesh
from neurosim.mapping.sparse import csr


def _way(mesh: Mesh, traffic: np.ndarray, at: np.ndarray) -> float:
    a, b = np.nonzero(traffic)
    ew, ns, _ = mesh.hops(at[a], at[b])
    return float((traffic[a, b] * (ew + ns)).sum())


def test_a_small_chip_is_arranged_as_well_as_any_order_could() -> None:
    mesh = Mesh(Fabric(cores=6, tiles=(3, 2), cores_per_tile=1), 1)
    for seed in range(5):
        traffic = np.random.default_rng(seed).integers(0, 5, (6, 6)).astype(float)
        np.fill_diagonal(traffic, 0)
        at = arranged(mesh, csr(traffic))
        assert sorted(at.tolist()) == list(range(6))
        best = min(_way(mesh, traffic, np.array(p)) for p in itertools.permutations(range(6)))
        assert _way(mesh, traffic, at) <= 1.05 * best


def test_never_longer_than_along_the_curve() -> None:
    mesh = Mesh(Fabric(cores=128, tiles=(8, 4), cores_per_tile=4), 2)
    traffic = np.random.default_rng(0).random((200, 200)) * (
        np.random.default_rng(1).random((200, 200)) < 0.05
    )
    curve = snake(mesh, 50)[np.arange(200) // 4] * 4 + np.arange(200) % 4
    at = arranged(mesh, csr(traffic))
    assert len(np.unique(at)) == 200
    assert _way(mesh, traffic, at) < 0.95 * _way(mesh, traffic, curve)


def test_neighbours_along_the_curve_are_neighbours_on_the_mesh() -> None:
    mesh = Mesh(Fabric(cores=32, tiles=(8, 4), cores_per_tile=1), 1)
    order = snake(mesh, 32)
    ew, ns, _ = mesh.hops(order[:-1], order[1:])
    assert (ew + ns == 1).all() and sorted(order.tolist()) == list(range(32))
