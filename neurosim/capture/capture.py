"""``capture(model, clip)``: run the model twice under watch, fold its loop over time, and prove the
graph against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neurosim.capture import axes
from neurosim.capture.assemble import assemble
from neurosim.capture.clip import (
    Layout,
    as_clip,
    bounds_of,
    check_kind,
    check_layout,
    layout_of,
    sliced,
    to_slices,
    varied,
    widened,
)
from neurosim.capture.failure import check_parameters, explain
from neurosim.capture.fold import Fold, Folded, Id
from neurosim.capture.handmade import check_handmade
from neurosim.capture.masks import exclude
from neurosim.capture.modes import begin, check_mode, untouched, watching
from neurosim.capture.neuron_calls import observed
from neurosim.capture.proof import prove
from neurosim.capture.retime import retime
from neurosim.capture.trace import Trace, Val
from neurosim.errors import CaptureError, ClipError, ModelError, UnknownOps
from neurosim.ir.graph import Graph
from neurosim.ops import build


@dataclass(frozen=True)
class Evidence:
    """One watched forward: the clip it got, the nodes it folded to, what it returned, what its
    neurons emitted."""

    clip: Tensor
    trace: Trace
    nodes: list[Folded]
    nest: Any
    returned: dict[int, Tensor]

    def emitted(self) -> dict[Id, Tensor]:
        """Folded neuron → its output with the traced axes (steps first when it was folded)."""
        found: dict[Id, Tensor] = {}
        for f in self.nodes:
            parts = [observed(r, self.trace.samples) for r in f.records]
            if f.op == "neuron" and parts and all(p is not None for p in parts):
                found[f.id] = torch.stack(parts) if f.folded else parts[0]  # type: ignore[arg-type, assignment]
        return found


def capture(
    model: Callable[..., Any],
    clip: Any,
    kind: str = "real",
    *,
    time_dim: int | None = 0,
    batch_dim: int | None = 1,
    strict: bool = True,
    lo: int = 0,
    hi: int | None = None,
    name: str = "",
) -> Graph:
    """The operator graph of ``model`` on clips like ``clip`` ([T, B, C, H, W] unless the dims say
    otherwise).

    ``kind``: what the clip holds: "real", "spike" (0 and 1) or "graded" (integers in [lo, hi]).
    ``strict=False`` keeps operations without a rule as opaque nodes, run through torch, billed as
    arithmetic and named in every report. The model is left as it was found: state, mode, hooks,
    random state.

    Raises UnknownOps: lists every operation without a rule, with its place. CaptureError: training
    mode, axes or loops that cannot be followed, behaviour that depends on the batch size or on the
    data. ClipError, ModelError: the clip or the model's own forward fails.
    """
    check_model(model)
    with torch.inference_mode(False), torch.no_grad():
        tensor = as_clip(clip)
        layout = layout_of(tensor, time_dim, batch_dim)
        return _capture(model, tensor, kind, layout, strict, (lo, hi), name)


def check_model(model: Any) -> None:
    """Raise ModelError for something that cannot be called on a clip."""
    if isinstance(model, type):
        raise ModelError(
            f"the model is the class {model.__name__}; build it first: {model.__name__}(…)"
        )
    if not callable(model):
        raise ModelError(
            f"the model is a {type(model).__name__}; give a torch module or a function of the clip"
        )


def _capture(
    model: Callable[..., Any],
    tensor: Tensor,
    kind: str,
    layout: Layout,
    strict: bool,
    limits: tuple[int, int | None],
    name: str,
) -> Graph:
    check_layout(tensor, layout)
    root = model if isinstance(model, nn.Module) else None
    check_mode(root)
    check_parameters(root)
    bounds = bounds_of(tensor, kind, *limits)
    check_kind(tensor, kind, *bounds)
    first = watch(model, root, widened(tensor, layout, 2), layout, strict)
    second = watch(model, root, varied(widened(tensor, layout, 3), layout), layout, strict)
    meta = {"model": name or _name(model), "kind": kind, "input_layout": layout.names(tensor.ndim)}
    graph, names = _graph(first, root, layout, kind, bounds, meta)
    other, others = _graph(second, root, layout, kind, bounds, meta)
    compare(graph, other)
    for evidence, own in ((first, names), (second, others)):
        _prove(graph, own, evidence, layout)
    samples = 1 if layout.batch_dim is None else tensor.shape[layout.batch_dim]
    return build(graph.with_nodes(graph.nodes, samples=samples))


def watch(
    model: Callable[..., Any], root: nn.Module | None, clip: Tensor, layout: Layout, strict: bool
) -> Evidence:
    """One forward under watch, folded. Raises UnknownOps, CaptureError, ModelError."""
    steps = 1 if layout.time_dim is None else clip.shape[layout.time_dim]
    samples = 1 if layout.batch_dim is None else clip.shape[layout.batch_dim]
    trace = Trace(steps, samples, strict)
    given = clip.clone()  # the model may write into what it gets
    with untouched(root):
        dims = layout.dims(clip)
        trace.set(clip, trace.emit("input", [], dims))
        out = _forward(model, clip, root, trace)
        if trace.unknown:
            raise UnknownOps(_unknown(trace))
        leaves: dict[int, Tensor] = {}
        nest = _nest(trace, out, leaves)
        fold = Fold(trace)
        nodes = fold.run()
        exclude(nodes)
        placed = _outputs(fold, nest)
        retime(nodes, _returned(placed), steps)
    return Evidence(given, trace, nodes, placed, leaves)


def _forward(model: Callable[..., Any], clip: Tensor, root: nn.Module | None, trace: Trace) -> Any:
    try:
        with watching(trace, root):
            return begin(model, clip)
    except (CaptureError, ModelError, ClipError):
        raise
    except Exception as error:
        raise ModelError(explain(trace.failed, clip, error)) from error


def _unknown(trace: Trace) -> str:
    items = [str(u) for u in trace.unknown.values()]
    listed = "; ".join(items)
    remedy = "write the model with known ones"
    if trace.strict:
        remedy += ", or pass strict=False to run them through torch and bill them as arithmetic"
    return f"{len(items)} operation{'s' * (len(items) > 1)} without a rule: {listed}; {remedy}"


def _nest(trace: Trace, out: Any, leaves: dict[int, Tensor]) -> Any:
    """The model's outputs, values for tensors; constants, states and other things become None."""
    if isinstance(out, Tensor):
        if not isinstance(trace.output(out), Val):
            return None
        leaves[len(leaves)] = out.detach()
        return (len(leaves) - 1, trace.output(out))
    if isinstance(out, dict):
        return {"dict": {str(k): _nest(trace, v, leaves) for k, v in out.items()}}
    if isinstance(out, tuple):
        return {"tuple": [_nest(trace, v, leaves) for v in out]}
    if isinstance(out, list):
        return {"list": [_nest(trace, v, leaves) for v in out]}
    return None


def _outputs(fold: Fold, nest: Any) -> Any:
    """The nest with (leaf, node, dims) for values."""
    if isinstance(nest, dict):
        inner = next(iter(nest.values()))
        key = next(iter(nest))
        if isinstance(inner, dict):
            return {key: {k: _outputs(fold, v) for k, v in inner.items()}}
        return {key: [_outputs(fold, v) for v in inner]}
    if not isinstance(nest, tuple):
        return None
    leaf, value = nest
    operand = fold.operand_outside(value)
    return {"leaf": leaf, "id": operand, "dims": [list(axes.roles(d)) or ["X"] for d in value.dims]}


def _graph(
    evidence: Evidence,
    root: nn.Module | None,
    layout: Layout,
    kind: str,
    bounds: tuple[int, int],
    meta: dict[str, Any],
) -> tuple[Graph, dict[Id, str]]:
    trace = evidence.trace
    notes = check_handmade(evidence.nodes, trace.strict)
    meta = {**meta, "notes": notes} if notes else meta
    declare(evidence.nodes, kind, bounds, None if layout.time_dim is None else trace.steps)
    graph, names = assemble(evidence.nodes, root, trace.steps, trace.samples, meta)
    named = _name_outputs(evidence.nest, names)
    outputs = tuple(dict.fromkeys(_output_nodes(named)))
    if not outputs:
        raise CaptureError("nothing that the model returns depends on the clip; return the logits")
    return build(
        graph.with_nodes(graph.nodes, outputs=outputs, meta={**meta, "outputs": named})
    ), names


def declare(nodes: list[Folded], kind: str, bounds: tuple[int, int], steps: int | None) -> None:
    """Give the input node its declared kind."""
    for f in nodes:
        if f.op == "input":
            lo, hi = bounds if kind != "real" else (0, 0)
            f.attrs = {
                "shape": axes.slice_shape(f.dims),
                "steps": steps,
                "kind": kind,
                "lo": lo,
                "hi": hi,
            }


def _name_outputs(nest: Any, names: dict[Id, str]) -> Any:
    if isinstance(nest, dict) and "leaf" in nest:
        return {"node": names[nest["id"]], "dims": nest["dims"], "leaf": nest["leaf"]}
    if isinstance(nest, dict):
        ((key, inner),) = nest.items()
        if isinstance(inner, dict):
            return {key: {k: _name_outputs(v, names) for k, v in inner.items()}}
        return {key: [_name_outputs(v, names) for v in inner]}
    return None


def _returned(nest: Any) -> list[Id]:
    """Ids of the nodes that the model returns."""
    if isinstance(nest, dict) and "leaf" in nest:
        return [nest["id"]]
    if isinstance(nest, dict):
        ((_, inner),) = nest.items()
        return [
            i for v in (inner.values() if isinstance(inner, dict) else inner) for i in _returned(v)
        ]
    return []


def _output_nodes(nest: Any) -> list[str]:
    if isinstance(nest, dict) and "node" in nest:
        return [nest["node"]]
    if isinstance(nest, dict):
        ((_, inner),) = nest.items()
        return [
            n
            for v in (inner.values() if isinstance(inner, dict) else inner)
            for n in _output_nodes(v)
        ]
    return []


def compare(a: Graph, b: Graph) -> None:
    """Raise CaptureError where two forwards (other batch size, other data) did not do the same."""
    for x, y in zip(a.nodes, b.nodes, strict=False):
        same = (x.name, x.op, x.inputs, dict(x.attrs), dict(x.params), x.type) == (
            y.name,
            y.op,
            y.inputs,
            dict(y.attrs),
            dict(y.params),
            y.type,
        )
        if not same:
            raise CaptureError(
                f"at {x.name!r}{f' ({x.source})' if x.source else ''}: the model did not do the "
                f"same on another clip "
                f"and batch size ({x.op} {x.value} against {y.op} {y.value} at {y.name!r}); its "
                f"behaviour may not depend on "
                "the data or on the batch size"
            )
    if len(a) != len(b):
        raise CaptureError(
            f"the model ran {len(a)} operations on one clip and {len(b)} on another; its "
            f"behaviour may not depend on the "
            "data or on the batch size"
        )


def _prove(graph: Graph, names: dict[Id, str], evidence: Evidence, layout: Layout) -> None:
    clip = to_slices(evidence.clip, layout)
    trace = evidence.trace
    emitted = {}
    for key, tensor in evidence.emitted().items():
        f = next(n for n in evidence.nodes if n.id == key)
        dims = ((("T", trace.steps),), *f.dims) if f.folded else f.dims
        emitted[names[key]] = sliced(tensor, dims)
    prove(graph, clip, emitted, evidence.returned)


def _name(model: Any) -> str:
    return (
        type(model).__name__
        if isinstance(model, nn.Module)
        else getattr(model, "__name__", type(model).__name__)
    )
