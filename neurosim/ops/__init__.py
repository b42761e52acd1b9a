"""Operators: one file each. ``get(name)`` finds one by its file's name; ``build(graph)`` infers
types and facts."""

from __future__ import annotations

from neurosim.ir.neuron import IF, LIF, AdaptiveLIF, CurrentLIF, LeakyIntegrator, Neuron
from neurosim.ops._build import build, get

__all__ = ["IF", "LIF", "AdaptiveLIF", "CurrentLIF", "LeakyIntegrator", "Neuron", "build", "get"]
