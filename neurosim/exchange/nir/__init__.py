"""NIR, the neuromorphic intermediate representation (Pedersen 2024): graphs of other frameworks in
and ours out. Reading needs h5py alone; writing, and only that, the ``nir`` package."""

from __future__ import annotations

from neurosim.exchange.nir.for_clip import for_clip
from neurosim.exchange.nir.read_graph import from_nir
from neurosim.exchange.nir.write_graph import to_nir

__all__ = ["for_clip", "from_nir", "to_nir"]
