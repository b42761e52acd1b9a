"""Places, hops and link loads, against a walk along every route."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.hardware.schema import Fabric
from neurosim.mapping.mesh import Mesh, crossing_links, link_loads

FABRIC = Fabric(cores=24, tiles=(3, 4), cores_per_tile=2)


def _walk(mesh: Mesh, a: int, b: int) -> list[tuple[int, int, int]]:
    """(way, x, y) of every link: east 0, west 1, north 2, south 3."""
    (xa,), (ya,) = mesh.place(np.array([a]))
    (xb,), (yb,) = mesh.place(np.array([b]))
    found = []
    while xa != xb:
        found.append((0 if xb > xa else 1, int(xa), int(ya)))
        xa += 1 if xb > xa else -1
    while ya != yb:
        found.append((2 if yb > ya else 3, int(xa), int(ya)))
        ya += 1 if yb > ya else -1
    return found


@pytest.mark.parametrize("chips", [1, 2, 5])
def test_links_and_hops_are_those_of_a_walk(chips: int) -> None:
    mesh, rng = Mesh(FABRIC, chips), np.random.default_rng(chips)
    a, b = rng.integers(0, 24 * chips, (2, 60))
    loads = rng.integers(1, 9, 60).astype(float)
    expected = np.zeros((4, *mesh.size))
    outside = crossing_links(mesh)
    ew, ns, over = mesh.hops(a, b)
    for i, (p, q) in enumerate(zip(a, b, strict=True)):
        links = _walk(mesh, int(p), int(q))
        for link in links:
            expected[link] += loads[i]
        assert sum(way < 2 for way, _, _ in links) == ew[i]
        assert sum(way > 1 for way, _, _ in links) == ns[i]
        assert sum(bool(outside[link]) for link in links) == over[i]
    np.testing.assert_array_equal(link_loads(mesh, a, b, loads), expected)
    steps = np.stack([loads, 0 * loads, 3 * loads]).reshape(3, 1, 60)
    of_steps = np.stack([expected, 0 * expected, 3 * expected])[:, None]
    np.testing.assert_array_equal(link_loads(mesh, a, b, steps), of_steps)
    none = link_loads(mesh, a[:0], b[:0], np.zeros((5, 0)))
    assert none.shape == (5, *expected.shape) and not none.any()


def test_tiles_are_numbered_down_the_columns() -> None:
    x, y = Mesh(FABRIC, 1).place(np.array([0, 1, 2, 8, 23]))
    assert x.tolist() == [0, 0, 0, 1, 2] and y.tolist() == [0, 0, 1, 0, 3]
    assert Mesh(FABRIC, 1).tile(np.array([0, 1, 2, 23])).tolist() == [0, 0, 1, 11]


def test_a_chip_without_a_stated_mesh_has_cores_but_no_hops() -> None:
    mesh = Mesh(Fabric(cores=128), 1)
    assert not mesh.known and len(np.unique(mesh.tile(np.arange(128)))) == 128
