"""What energy, mapping and plots may know of a node without knowing its operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast


@dataclass(frozen=True)
class Geometry:
    """Convolution geometry as the literature's closed formulas use it (all axes in the weight's
    order)."""

    channels_in: int
    channels_out: int
    groups: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool = False


@dataclass(frozen=True)
class NodeFacts:
    """Facts of one node; every count is for ONE sample and the whole clip unless its name says
    otherwise.

    role: input | weights | product | neuron | arithmetic | movement | opaque (opaque: run through
    torch, billed as arithmetic). ``steps`` is the node's own number of steps (1 for a clip value).
    """

    name: str
    op: str
    role: str
    steps: int
    in_shapes: tuple[tuple[int, ...], ...]
    out_shape: tuple[int, ...]
    in_kinds: tuple[str, ...]
    out_kind: str
    payload: tuple[int, int] = (0, 0)
    fan_in: int = 0  # most sources of one output element
    fan_out: tuple[int, float, int] = (0, 0.0, 0)  # least, mean, most existing targets of a source
    fan_out_total: int = 0  # Σ over the source elements of one slice of existing targets
    dense_macs: int = 0  # padding included, bias excluded
    existing_macs: int = 0  # padding excluded
    weight_shape: tuple[int, ...] = ()
    weight_bits: int = 32
    weight_key: str = ""  # nodes that share weights share the key
    weight_zeros: int = 0
    bias: bool = False
    parameters: int = 0
    geometry: Geometry | None = None
    neuron: Mapping[str, Any] = field(default_factory=dict[str, Any])
    state_words: int = 0
    stem: bool = False  # a weight or product node with no spiking ancestor
    # spiking sources of a REAL weight node: ((neuron or input node, fan-out weight), …);
    # empty: no inheritance
    rate_sources: tuple[tuple[str, float], ...] = ()
    kernel_in_time: int = 1
    source: str = ""
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @staticmethod
    def from_dict(d: Mapping[str, Any]) -> NodeFacts:
        """Inverse of ``to_dict`` (lists become tuples)."""
        fixed = {k: _tuples(v) for k, v in d.items() if k not in ("geometry", "neuron")}
        geometry = d.get("geometry")
        if geometry is not None:
            geometry = Geometry(**{k: _tuples(v) for k, v in geometry.items()})
        return NodeFacts(**fixed, geometry=geometry, neuron=dict(d.get("neuron") or {}))

    @property
    def neurons(self) -> int:
        """Elements of one output slice, of a neuron node."""
        size = 1
        for n in self.out_shape:
            size *= n
        return size

    @property
    def encoding(self) -> str:
        """How a chip would store the synapses: conv, sparse (most weights 0) or dense."""
        if self.geometry is not None and any(k > 1 for k in self.geometry.kernel):
            return "conv"
        return "sparse" if 2 * self.weight_zeros > max(1, self.parameters) else "dense"


def _tuples(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(_tuples(v) for v in cast("list[Any]", value))
