"""Cuts populations until every part fits a core, then packs parts into cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.errors import PlacementError
from neurosim.hardware.schema import Fabric
from neurosim.mapping.limits import REMEDY, bits_of, has, layer_use
from neurosim.mapping.network import Network, Population
from neurosim.mapping.partition import parts_of

ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Parts:
    """``of``: population → part of each compartment. ``use``: resource → (parts,). ``owner``: the
    population of each part.
    """

    of: Mapping[str, np.ndarray]
    use: Mapping[str, np.ndarray]
    owner: tuple[str, ...]


def fit(
    network: Network,
    fabric: Fabric,
    encodings: Mapping[str, str],
    caps: Mapping[str, int] | None = None,
) -> tuple[Parts, dict[str, int]]:
    """Parts that each fit a core, and the most compartments a part of each population may hold.

    ``caps``: where to begin. Raises PlacementError: a single compartment that does not fit, with
    the limit, by how much, and what would help.
    """
    limits = has(fabric)
    most = int(limits.get("neurons", 2**30))
    caps = {n: min(most, (caps or {}).get(n, most)) for n in network.populations}
    channels = _channels(network, fabric, limits.get("synapse bits"))
    for _ in range(ROUNDS):
        parts = _cut(network, fabric, encodings, caps, channels)
        smaller = _smaller(network.populations, parts, limits, caps)
        if not smaller:
            return parts, caps
        caps |= smaller
    raise PlacementError(f"no cut was found in {ROUNDS} rounds; place by hand (manual=)")


def _channels(network: Network, fabric: Fabric, bits: float | None) -> dict[str, int]:
    """The most channels of each population whose shared weights one core can store."""
    if bits is None:
        return {}
    each: dict[str, int] = {}
    for layer in network.layers.values():
        if layer.reach.shared:
            for name, _ in layer.homes:
                stored = layer.reach.weights_per_channel * bits_of(layer, fabric)
                each[name] = each.get(name, 0) + stored
    return {name: max(1, int(bits // stored)) for name, stored in each.items()}


def _cut(
    network: Network,
    fabric: Fabric,
    encodings: Mapping[str, str],
    caps: Mapping[str, int],
    channels: Mapping[str, int],
) -> Parts:
    of: dict[str, np.ndarray] = {}
    owner: list[str] = []
    for name, population in network.populations.items():
        numbers = parts_of(population.shape, caps[name], channels.get(name, 2**30))
        of[name] = numbers + np.int32(len(owner))
        owner += [name] * (int(numbers.max(initial=0)) + 1)
    return Parts(of, use_of(network, fabric, encodings, of, len(owner)), tuple(owner))


def use_of(
    network: Network,
    fabric: Fabric,
    encodings: Mapping[str, str],
    of: Mapping[str, np.ndarray],
    number: int,
) -> dict[str, np.ndarray]:
    """Resource → what each of ``number`` parts takes. A source that two layers read counts twice:
    an upper bound.
    """
    use = {name: np.zeros(number) for name in ("neurons", *REMEDY)}
    for where in of.values():
        use["neurons"] += np.bincount(where, minlength=number)
    for layer in network.layers.values():
        found, sends = layer_use(layer, network, of, number, fabric, encodings[layer.name])
        for name, taken in found.items():
            use[name] += taken
        for origin in layer.sources:
            known = np.flatnonzero(origin.index >= 0)
            sent = sends[layer.reach.cell[known]]
            where = of[origin.source][origin.index[known]]
            use["axons out"] += np.bincount(where, weights=sent, minlength=number)
    return use


def _smaller(
    populations: Mapping[str, Population],
    parts: Parts,
    limits: Mapping[str, float],
    caps: Mapping[str, int],
) -> dict[str, int]:
    """Lower caps of the populations whose parts take too much. Raises PlacementError at one."""
    found: dict[str, int] = {}
    for resource, limit in limits.items():
        for part in map(int, np.flatnonzero(parts.use[resource] > limit)):
            name, used = parts.owner[part], float(parts.use[resource][part])
            held = min(caps[name], populations[name].size)
            if held <= 1:
                raise PlacementError(_does_not_fit(name, resource, used, limit))
            step = max(0.5, 0.9 * limit / used)
            found[name] = min(found.get(name, held), max(1, min(held - 1, int(held * step))))
    return found


def _does_not_fit(name: str, resource: str, used: float, limit: float) -> str:
    return (
        f"at {name!r}: one neuron takes {used:,.0f} {resource}, a core has {limit:,.0f} "
        f"({used / limit:.2g} times too many); {REMEDY[resource]}"
    )


def pack(use_of_parts: Mapping[str, np.ndarray], limits: Mapping[str, float]) -> np.ndarray:
    """int32 (parts,): the core of each part, in order; a part joins the core before it while both
    fit.
    """
    names = [n for n in limits if n in use_of_parts]
    parts = len(use_of_parts["neurons"])
    use = np.stack([use_of_parts[n] for n in names]) if names else np.zeros((0, parts))
    limit = np.array([limits[n] for n in names])
    core, held = 0, np.zeros(len(names))
    found = np.zeros(parts, np.int32)
    for part in range(parts):
        if part and (held + use[:, part] > limit).any():
            core, held = core + 1, np.zeros(len(names))
        held = held + use[:, part]
        found[part] = core
    return found
