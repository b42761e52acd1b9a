"""Where cores lie: tiles of cores on a mesh, chips side by side, XY routes between them.

Core p of a chip is in tile p // cores_per_tile; tiles are numbered down the columns. A message goes
east or west first, then north or south.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurosim.hardware.schema import Fabric
from neurosim.mapping.sparse import at


@dataclass(frozen=True)
class Mesh:
    """``chips`` chips in a near-square array; without a stated mesh every core is one tile of a
    column (``known`` is false: hops mean nothing).
    """

    fabric: Fabric
    chips: int

    @property
    def known(self) -> bool:
        """Whether the profile states the mesh."""
        return self.fabric.tiles is not None

    @property
    def tiles(self) -> tuple[int, int]:
        """Columns and rows of tiles of one chip."""
        return self.fabric.tiles or (-(-self.fabric.cores // self.per_tile), 1)

    @property
    def per_tile(self) -> int:
        """Cores of a tile."""
        if self.fabric.cores_per_tile is not None:
            return self.fabric.cores_per_tile
        columns, rows = self.fabric.tiles or (self.fabric.cores, 1)
        return max(1, self.fabric.cores // (columns * rows))

    @cached_property
    def across(self) -> int:
        """Chips in a row of the array."""
        return math.ceil(math.sqrt(self.chips))

    def tile(self, core: np.ndarray) -> np.ndarray:
        """Number of the tile over all chips."""
        columns, rows = self.tiles
        return (
            core // self.fabric.cores * (columns * rows) + core % self.fabric.cores // self.per_tile
        )

    def place(self, core: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column and row of a core's tile in the mesh of all chips."""
        columns, rows = self.tiles
        chip, local = core // self.fabric.cores, core % self.fabric.cores // self.per_tile
        return (
            chip % self.across * columns + local // rows,
            chip // self.across * rows + local % rows,
        )

    def hops(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """East–west hops, north–south hops, and how many of them cross to another chip."""
        (xa, ya), (xb, yb) = self.place(a), self.place(b)
        columns, rows = self.tiles
        over = np.abs(xa // columns - xb // columns) + np.abs(ya // rows - yb // rows)
        return np.abs(xa - xb), np.abs(ya - yb), over

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the mesh of all chips."""
        columns, rows = self.tiles
        return self.across * columns, -(-self.chips // self.across) * rows


def link_loads(mesh: Mesh, a: np.ndarray, b: np.ndarray, messages: np.ndarray) -> np.ndarray:
    """(…, 4, columns, rows): messages over the link that leaves each tile east, west, north, south.
    ``messages``: (…, pairs of cores).

    East from x covers [x_a, x_b) in the row of the sender, then the column of the receiver.
    """
    width, height = mesh.size
    (xa, ya), (xb, yb) = mesh.place(a), mesh.place(b)
    ways = [
        _covered(messages, begin, end, ya, (height, width)).swapaxes(-1, -2)
        for begin, end in ((xa, xb), (xb + 1, xa + 1))
    ]
    ways += [
        _covered(messages, begin, end, xb, (width, height))
        for begin, end in ((ya, yb), (yb + 1, ya + 1))
    ]
    return np.stack(ways, axis=-3)


def _covered(
    messages: np.ndarray, begin: np.ndarray, end: np.ndarray, line: np.ndarray,
    size: tuple[int, int],
) -> np.ndarray:  # fmt: skip
    """(…, lines, places): the messages (…, pairs) over places ``begin`` to ``end`` of their line,
    none where ``end`` lies before.
    """
    goes, (lines, places) = np.flatnonzero(end > begin), size
    first = line[goes] * (places + 1)
    marks = at(
        np.repeat([1.0, -1.0], len(goes)), np.tile(goes, 2),
        np.concatenate([first + begin[goes], first + end[goes]]),
        (len(begin), lines * (places + 1)),
    )  # fmt: skip
    rows = messages.reshape(math.prod(messages.shape[:-1]), len(begin))
    found = np.asarray(rows @ marks).reshape(*messages.shape[:-1], lines, places + 1)
    return np.cumsum(found, axis=-1)[..., :-1]


def crossing_links(mesh: Mesh) -> np.ndarray:
    """(4, columns, rows) bool: links that leave their chip."""
    columns, rows = mesh.tiles
    width, height = mesh.size
    x, y = np.arange(width)[:, None], np.arange(height)[None, :]
    whole = np.ones((width, height), bool)
    return np.stack([
        (x % columns == columns - 1) & whole, (x % columns == 0) & whole,
        (y % rows == rows - 1) & whole, (y % rows == 0) & whole,
    ])  # fmt: skip
