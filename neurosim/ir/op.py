"""The operator base: what every file in ``ops/`` provides. Holds no torch; values are ``Any``
here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from neurosim.ir.graph import Node
from neurosim.ir.types import ValueType

Params = Mapping[str, np.ndarray]
Types = tuple[ValueType, ...]


class Op(ABC):
    """One operator: how its type follows from its operands, how it runs, and what it counts.

    ``role``: input | weights | product | neuron | arithmetic | movement | opaque.
    ``time``: *stepwise* (the same function every step), *stateful* (a scan over the steps) or
    *clipwise* (needs several or all steps).
    """

    role: ClassVar[str] = "arithmetic"
    time: ClassVar[str] = "stepwise"

    @abstractmethod
    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """The output's type. Raises GraphError when the operands do not fit."""

    def facts(self, node: Node, types: Types, out: ValueType, params: Params) -> dict[str, Any]:
        """Fields of NodeFacts beyond names, shapes and kinds."""
        return {}

    @abstractmethod
    def run(self, call: Any) -> Any:
        """Output tensor of shape (steps, samples, *shape) from ``call.inputs`` of the same
        layout."""

    @abstractmethod
    def count(self, call: Any, out: Any) -> Mapping[str, Any]:
        """Event → an int (the same every step and sample) or an int64 array (steps, samples)."""

    @abstractmethod
    def arrive(self, call: Any) -> Any:
        """Which output elements an event reached (counting rules, section 5): bools (steps,
        samples, *shape), or one bool for all of them."""
