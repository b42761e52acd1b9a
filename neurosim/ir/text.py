"""The printed form of a graph: one line a node, stable, used in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from neurosim.ir.neuron import Neuron

if TYPE_CHECKING:
    from neurosim.ir.graph import Graph, Node


_DEFAULT = Neuron().to_dict()


def print_graph(graph: Graph) -> str:
    """``%name = op(operands) {attributes} <parameters> : type``, then ``return``.

    Of a neuron's equation, what differs from the defaults.
    """
    lines = [f"graph steps={graph.steps} pipeline={'>'.join(graph.pipeline)}"]
    lines += [f"  {_line(node)}" for node in graph.nodes]
    lines.append(f"  return {', '.join('%' + o for o in graph.outputs)}")
    return "\n".join(lines)


def _line(node: Node) -> str:
    operands = ", ".join(f"%{edge}" for edge in node.inputs)
    shown = {k: v for k, v in sorted(node.attrs.items()) if v is not None and v not in ("", (), [])}
    attrs = f" {{{', '.join(f'{k}={_show(v)}' for k, v in shown.items())}}}" if shown else ""
    params = (
        f" <{', '.join(f'{r}={k}' for r, k in sorted(node.params.items()))}>" if node.params else ""
    )
    return f"%{node.name} = {node.op}({operands}){attrs}{params} : {node.type}"


def _show(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_show(v) for v in cast("Sequence[Any]", value)) + "]"
    if isinstance(value, Mapping):
        pairs = sorted(cast("Mapping[str, Any]", value).items())
        return "[" + ",".join(f"{k}={_show(v)}" for k, v in pairs if _DEFAULT.get(k, k) != v) + "]"
    return str(value)
