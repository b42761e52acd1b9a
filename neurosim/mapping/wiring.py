"""Which compartment talks to which: for every population, the units of neurons that behave alike,
and for every layer the synapses from each of their cells to each core.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from neurosim.mapping.network import Layer, Network
from neurosim.mapping.origins import Origin
from neurosim.mapping.sparse import Sparse, csr, ones_at, present

Cores = Mapping[str, np.ndarray]  # population → core of each compartment


@dataclass(frozen=True, eq=False)
class Wires:
    """Of one population that sends. ``cell``: int32 of each neuron (-1: it reaches nothing); all
    neurons of a cell reach the same synapses. ``synapses``: layer → (cells, cores) synapses.
    """

    source: str
    cell: np.ndarray
    synapses: Mapping[str, Sparse]

    @property
    def reach(self) -> Sparse:
        """(cells, cores) 0 or 1: whether a spike of the cell is sent to the core."""
        return present(reduce(lambda a, b: a + b, self.synapses.values()))


def wires_of(
    network: Network, cores: Cores, number: int, only: str | None = None
) -> dict[str, Wires]:
    """Wires of every population (or one), with its compartments on ``number`` cores."""
    readers: dict[str, list[tuple[Layer, Origin]]] = {}
    for layer in network.layers.values():
        for origin in layer.sources:
            if only is None or origin.source == only:
                readers.setdefault(origin.source, []).append((layer, origin))
    sizes = {name: p.size for name, p in network.populations.items()}
    return {
        name: _joined(name, [(r.name, *_one(r, o, sizes[name], cores, number)) for r, o in found])
        for name, found in readers.items()
    }


def output_cores(layer: Layer, cores: Cores) -> np.ndarray:
    """int32: the core of each output element of a layer."""
    found = np.full(len(layer.reach.place), -1, np.int32)
    for name, home in layer.homes:
        known = home >= 0
        found[known] = cores[name][home[known]]
    return found


def onto_cores(layer: Layer, cores: Cores, number: int) -> Sparse:
    """(cells, cores): synapses from an input of each cell to each core."""
    where, reach = output_cores(layer, cores), layer.reach
    known = where >= 0
    shape = (reach.taps.shape[1], number)
    places = ones_at(reach.place[known], where[known], shape, np.int64)
    found = csr(reach.taps @ places)
    found.sum_duplicates()
    return found


def _one(
    layer: Layer, origin: Origin, size: int, cores: Cores, number: int
) -> tuple[np.ndarray, Sparse]:
    """(cell of each neuron, (cells, cores)) of one layer that reads a population."""
    synapses = onto_cores(layer, cores, number)
    known = np.flatnonzero(origin.index >= 0)
    neuron, cell = origin.index[known], layer.reach.cell[known]
    if len(np.unique(neuron)) == len(neuron):
        found = np.full(size, -1, np.int32)
        found[neuron] = cell
        return found, synapses
    each = ones_at(neuron, cell, (size, synapses.shape[0]), np.int64)  # read in several places
    return np.arange(size, dtype=np.int32), csr(each @ synapses)


def _joined(name: str, found: list[tuple[str, np.ndarray, Sparse]]) -> Wires:
    """Layers that read one population share its messages: cells become pairs, triples, … ."""
    if len(found) == 1:
        layer, cell, synapses = found[0]
        return Wires(name, cell, {layer: synapses})
    stacked = np.stack([cell for _, cell, _ in found])
    kinds, cell = np.unique(stacked, axis=1, return_inverse=True)
    joined: dict[str, Sparse] = {}
    for (layer, _, synapses), kind in zip(found, kinds, strict=True):
        rows = _rows(synapses, kind)
        joined[layer] = joined[layer] + rows if layer in joined else rows
    return Wires(name, cell.ravel().astype(np.int32), joined)


def _rows(synapses: Sparse, kind: np.ndarray) -> Sparse:
    """The row of each kind; an empty one where it is -1."""
    known = np.flatnonzero(kind >= 0)
    pick = ones_at(known, kind[known], (len(kind), synapses.shape[0]), np.int64)
    return csr(pick @ synapses)
