"""Objects of the ``nir`` package ↔ ``Program``; reading needs no ``nir``, building does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.errors import NirError
from neurosim.exchange.nir.record import Primitive, Program

_NOT_FIELDS = ("metadata", "input_type", "output_type")
_DEEPEST = 16


def from_object(graph: Any) -> Program:
    """A ``nir.NIRGraph`` as data. Raises NirError: something else, or a node that is none."""
    found = _node(graph, "", 0)
    if isinstance(found, Primitive):
        raise NirError(f"a {found.kind}, not a graph; wrap it in a nir.NIRGraph")
    return found


def _node(node: Any, place: str, depth: int) -> Primitive | Program:
    if node is None:
        if not place:
            raise NirError("None; give a nir.NIRGraph or the path of a .nir file")
        raise NirError(
            f"at {place!r}: None; the exporter had no NIR node for that module: replace the "
            "module, or mend the graph's nodes"
        )
    if not type(node).__module__.split(".")[0] == "nir" or depth > _DEEPEST:
        raise NirError(
            f"{f'at {place!r}: ' if place else ''}a {type(node).__name__}; give a nir.NIRGraph or "
            "the path of a .nir file"
        )
    metadata = node.metadata if isinstance(node.metadata, dict) else {}
    if type(node).__name__ == "NIRGraph":
        nodes = {
            str(k): _node(n, f"{place}.{k}".strip("."), depth + 1) for k, n in node.nodes.items()
        }
        return Program(nodes, tuple((str(a), str(b)) for a, b in node.edges), metadata)
    fields = {k: _plain(v) for k, v in vars(node).items() if k not in _NOT_FIELDS}
    return Primitive(type(node).__name__, fields | _shape(node), metadata)


def _shape(node: Any) -> dict[str, Any]:
    """The shape of an Input, an Output or a Flatten, under the name that files give it."""
    kind = type(node).__name__
    if kind == "Output":
        return {"shape": _plain(_only(node.output_type))}
    if kind in ("Input", "Identity"):
        return {"shape": _plain(_only(node.input_type))}
    return {"input_type": _plain(_only(node.input_type))} if kind == "Flatten" else {}


def _only(types: Any) -> Any:
    return next(iter(types.values()), None) if isinstance(types, Mapping) else types


def _plain(value: Any) -> Any:
    """Numbers of numpy; text and None as they are."""
    if value is None or isinstance(value, str):
        return value
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def to_object(program: Program) -> Any:
    """A ``nir.NIRGraph``, its own type check left out (it is wrong for grouped and non-square
    convolutions). Raises NirError: ``nir`` is not installed."""
    nir = package()
    nodes = {
        name: to_object(n) if isinstance(n, Program) else _object(nir, n)
        for name, n in program.nodes.items()
    }
    return nir.NIRGraph(nodes, list(program.edges), dict(program.metadata), type_check=False)


def _object(nir: Any, node: Primitive) -> Any:
    fields = dict(node.fields)
    if node.kind == "Input":
        fields = {"input_type": {"input": fields["shape"]}}
    elif node.kind == "Output":
        fields = {"output_type": {"output": fields["shape"]}}
    elif node.kind == "Flatten":
        fields["input_type"] = {"input": fields["input_type"]}
    return getattr(nir, node.kind)(**fields, metadata=dict(node.metadata))


def package() -> Any:
    """The ``nir`` package. Raises NirError where it is missing."""
    try:
        import nir
    except ImportError:
        raise NirError(
            "writing NIR needs the nir package; pip install nir, or neurosim-snn[nir]"
        ) from None
    return nir
