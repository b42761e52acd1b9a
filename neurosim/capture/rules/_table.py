"""The table of rules and what they are called with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from neurosim.capture.trace import Trace, Val


class NoRule(Exception):
    """This call means nothing that the graph can say; the text names it."""


@dataclass(frozen=True)
class Aten:
    """One aten call."""

    func: Any
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    out: Any

    def arg(self, position: int, name: str, default: Any = None) -> Any:
        """An argument by position or keyword."""
        if len(self.args) > position:
            return self.args[position]
        return self.kwargs.get(name, default)


Rule = Callable[[Trace, Aten], Any]
TABLE: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register the meaning of aten operators of these names."""

    def register(function: Rule) -> Rule:
        for name in names:
            TABLE[name] = function
        return function

    return register


def tensors(nest: Any) -> Iterator[Tensor]:
    """Every tensor in nested tuples, lists and dicts."""
    if isinstance(nest, Tensor):
        yield nest
    elif isinstance(nest, (tuple, list)):
        for item in nest:
            yield from tensors(item)
    elif isinstance(nest, dict):
        for item in nest.values():
            yield from tensors(item)


def required(trace: Trace, tensor: Any, call: Aten) -> Val:
    """The value of an operand that must depend on the clip. Raises NoRule."""
    found = trace.val(tensor)
    if found is None:
        raise NoRule(f"aten.{call.name} with a constant as its first operand")
    return found
