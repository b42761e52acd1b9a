"""What parts of populations take of a core, and what a core has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.hardware.schema import Fabric
from neurosim.mapping.network import Layer, Network
from neurosim.mapping.sparse import present
from neurosim.mapping.wiring import Cores, onto_cores, output_cores

REMEDY = {
    "neurons": "use fewer channels or a smaller frame",
    "synapse bits": "store fewer weight bits, fewer channels, or prune (sparse encoding)",
    "axons in": "a neuron with so many sources needs its layer split over channels (groups)",
    "axons out": "a neuron with so many targets needs a layer of relays, or a smaller fan-out",
}
INDEX_BITS = 10  # of a synapse in a list: which of 1,024 compartments


@dataclass(frozen=True, eq=False)
class Use:
    """Each (parts,) float64; ``of`` names the resource."""

    of: Mapping[str, np.ndarray]


def has(fabric: Fabric) -> dict[str, float]:
    """Resource → what one core has; a resource that the profile does not state is not limited."""
    neurons = fabric.neurons_per_core
    if fabric.neurons_per_chip is not None:
        share = fabric.neurons_per_chip // fabric.cores
        neurons = share if neurons is None else min(neurons, share)
    memory = fabric.synapse_memory_per_core
    found = {
        "neurons": neurons,
        "synapse bits": None if memory is None else memory * 8,
        "axons in": fabric.axons_in_per_core,
        "axons out": fabric.axons_out_per_core,
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def bits_of(layer: Layer, fabric: Fabric) -> int:
    """Stored bits of a weight: its own, at most the chip's (floats are quantised to that)."""
    own = layer.facts.weight_bits
    most = own if fabric.weight_bits is None else fabric.weight_bits[1]
    return min(own, most)


def layer_use(
    layer: Layer, network: Network, cores: Cores, number: int, fabric: Fabric, encoding: str
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Synapse bits and axons in of each part that holds the layer's targets; and, for each input
    cell, how many parts it sends to.
    """
    synapses = onto_cores(layer, cores, number)
    cells = synapses.shape[0]
    inputs = np.zeros(cells)
    for origin in layer.sources:
        known = origin.index >= 0
        inputs += np.bincount(layer.reach.cell[known], minlength=cells)
    inputs = np.maximum(inputs, np.bincount(layer.reach.cell, minlength=cells))  # the host's too
    reached = present(synapses)
    stored = np.asarray(inputs @ synapses)
    bits = _bits(layer, cores, number, stored, bits_of(layer, fabric), encoding)
    shared = fabric.population_axons and layer.reach.shared
    axons = _populations(layer, cores, number) if shared else inputs
    use = {"synapse bits": bits, "axons in": np.asarray(axons @ reached)}
    return use, np.asarray(reached.sum(axis=1)).ravel()


def _populations(layer: Layer, cores: Cores, number: int) -> np.ndarray:
    """float64 (cells,): on how many parts the neurons of each cell lie; those of one part share an
    axon.
    """
    found = np.zeros(layer.reach.taps.shape[0])
    nobodys = np.ones(len(layer.reach.cell), bool)  # inputs that the host sends
    for origin in layer.sources:
        known = origin.index >= 0
        where = cores[origin.source][origin.index[known]].astype(np.int64)
        pairs = np.unique(layer.reach.cell[known].astype(np.int64) * number + where)
        found += np.bincount(pairs // number, minlength=len(found))
        nobodys &= ~known
    found[np.unique(layer.reach.cell[nobodys])] += 1
    return found


def _bits(
    layer: Layer, cores: Cores, number: int, stored: np.ndarray, bits: int, encoding: str
) -> np.ndarray:
    """Shared weights are stored once a core and output channel; lists a synapse each, with an index
    where zeros are left out.
    """
    where = output_cores(layer, cores)
    if layer.reach.shared:
        known = where >= 0
        channels = int(layer.reach.channel.max(initial=0)) + 1
        pairs = np.unique(where[known].astype(np.int64) * channels + layer.reach.channel[known])
        held = np.bincount(pairs // channels, minlength=number)
        return held.astype(np.float64) * layer.reach.weights_per_channel * bits
    if encoding == "sparse" and not layer.reach.zeros:
        return stored * float(bits + INDEX_BITS)
    if encoding == "sparse":
        kept = 1 - layer.facts.weight_zeros / max(1, layer.facts.parameters)
        return stored * kept * (bits + INDEX_BITS)
    return stored * float(bits)
