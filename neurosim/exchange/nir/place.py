"""Where a primitive stands while its nodes are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.exchange.nir.how import How
from neurosim.ir.graph import Edge, Node

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Place:
    """Where a primitive stands: its name, its operand, the shapes before and after it."""

    name: str
    operand: Edge
    before: Shape
    after: Shape
    how: How
    params: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])

    def node(
        self, op: str, attrs: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None,
        operand: Edge | None = None, name: str | None = None,
    ) -> Node:  # fmt: skip
        """A node of our graph, its arrays stored as ``name.role``."""
        name, keys = name or self.name, {}
        for role, value in (arrays or {}).items():
            keys[role] = f"{name}.{role}"
            self.params[keys[role]] = value
        return Node(name, op, (operand or self.operand,), dict(attrs), keys)
