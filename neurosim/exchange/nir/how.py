"""How a NIR graph is to be read: whose step, how long it is, and what the user says himself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from neurosim.errors import NirError
from neurosim.exchange.nir.source import Source, source
from neurosim.ir.neuron import Neuron


@dataclass(frozen=True)
class How:
    """``dt``: seconds a step, None where nobody said; ``changes``: fields of every firing neuron's
    equation, said by the user, and ``nodes``: of single ones; ``ours``: what ``to_nir`` left in
    the metadata is the equation."""

    source: Source
    dt: float | None
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    nodes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    ours: bool = True

    def at(self, name: str) -> How:
        """What holds for one node."""
        return replace(self, changes={**self.changes, **self.nodes.get(name, {})})

    @property
    def step(self) -> float:
        """``dt``. Raises NirError where it is needed and nobody said."""
        if self.dt is None:
            raise NirError("its constants are in seconds and nothing says how long a step is")
        return self.dt


def how_of(
    metadata: Mapping[str, Any], name: str | None, dt: float | None, said: Mapping[str, Any],
    equation: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]],
) -> How:  # fmt: skip
    """What was asked for, checked; ``name``: of the source; ``said``: by ``to_nir``. Raises
    NirError, UnknownName."""
    given = set(equation).union(*nodes.values())
    unknown = sorted(given - {f.name for f in fields(Neuron)})
    if unknown:
        raise NirError(f"a neuron has no {', '.join(unknown)}; known: fires, reset, reset_at, …")
    convention = source(name or "nir")
    written = said.get("dt", metadata.get("dt"))
    found = dt if dt is not None else written if written is not None else convention.dt
    try:
        found = None if found is None else float(np.asarray(found).item())
    except (TypeError, ValueError):
        raise NirError(f"dt is {found!r}; give seconds a step, such as 1e-4") from None
    if found is not None and not (0 < found < float("inf")):
        raise NirError(f"dt is {found}; give seconds a step, such as 1e-4")
    return How(convention, found, dict(equation), dict(nodes), ours=name is None)
