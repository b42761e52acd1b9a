"""A call of a recognised neuron: the library runs it, the trace takes it as one record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurosim.capture import axes, own_state
from neurosim.capture.recognise import Recognised, find
from neurosim.capture.rules.algebra import linear
from neurosim.capture.rules.arithmetic import two
from neurosim.capture.trace import Membrane, Record, Trace, Val
from neurosim.errors import CaptureError


def take(
    trace: Trace,
    module: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    original: Callable[..., Any],
) -> Any:
    """What the call returned, recorded as a neuron; NotImplemented when the module is not one."""
    found = find(module, trace.place.path)
    if found is None:
        return NotImplemented
    operand = found.operand(args, kwargs)
    value = trace.val(operand)
    if value is None:
        return NotImplemented
    found = _paced(found, value)
    remembers = _remembers(trace, module, found, args, kwargs, value)
    with trace.pause():
        if own_state.watched(found, args, kwargs):
            return _run_watched(
                trace, module, found, value, operand, lambda: original(module, *args, **kwargs)
            )
        result = original(module, *args, **kwargs)
        _record(trace, found, value, result, remembers)
    return result


def _paced(found: Recognised, value: Val) -> Recognised:
    """A neuron known by its equation alone takes the whole clip where time is the first axis."""
    timed = found.either and bool(value.dims) and axes.roles(value.dims[0]) == "T"
    return replace(found, multi_step=True) if timed else found


def _run_watched(
    trace: Trace,
    module: nn.Module,
    found: Recognised,
    value: Val,
    operand: Tensor,
    run: Callable[[], Any],
) -> Any:
    """A call whose state, if any, is kept in attributes. Raises CaptureError for one of an earlier
    clip."""
    shape = axes.sizes(axes.without(value.dims, "T"))
    old = own_state.before(module)
    try:
        result = run()
    except Exception as error:
        name = own_state.of_another_size(found, old, shape)
        if not name:
            raise
        raise _left_over(trace, name) from error
    results = found.named_results(result)
    seen = [operand, *([results["spike"]] if "spike" in results else [])]
    kept = own_state.state(found, module, old, shape, seen)
    remembers = _carries_on(trace, found, value, old, kept)
    record = _record(trace, found, value, result, remembers)
    _readable(trace, found, record, kept, list(results.values()))
    return result


def _readable(
    trace: Trace,
    found: Recognised,
    record: Record,
    kept: dict[str, Tensor],
    returned: list[Tensor],
) -> None:
    """The attributes hold this neuron's state now; what the call returned was said already."""
    dims = axes.without(record.dims, "T")
    for name, tensor in kept.items():
        source = _neuron_behind(trace, tensor)
        own = source is not None and source.attrs.get("observes", source.path) == record.path
        if (own or not trace.traced(tensor)) and not any(tensor is r for r in returned):
            meaning = own_state.meaning(found, name, kept) + ("_last" if found.multi_step else "")
            trace.set(tensor, Membrane(record.id, meaning, record.step, dims))


def _left_over(trace: Trace, name: str) -> CaptureError:
    return CaptureError(
        f"{_where(trace)}: keeps state of an earlier clip in {name!r}, or starts elsewhere than "
        "its equation; reset the model first"
    )


def _carries_on(
    trace: Trace,
    found: Recognised,
    value: Val,
    old: own_state.Before,
    kept: dict[str, Tensor],
) -> bool:
    """Whether a call went on from what the call before left in the attributes."""
    held = [old.object(name) for name in kept]
    if _continues(trace, value, held):
        return True
    if value.step in (None, 0):
        name = own_state.stale(found, old, kept)
        if name:
            raise _left_over(trace, name)
        return True
    values = [old.value(name) for name in kept]
    return any(isinstance(v, Tensor) and not own_state.fresh(found, v) for v in values)


def _where(trace: Trace) -> str:
    return f"at {trace.place.path!r}"


def _remembers(
    trace: Trace,
    module: nn.Module,
    found: Recognised,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    value: Val,
) -> bool:
    """Whether the call continues the state of the step before. Raises CaptureError for a state of
    other origin."""
    given = {k: t for k, t in (found.state_in(args, kwargs) or {}).items() if t is not None}
    if _continues(trace, value, list(given.values())):
        return True
    if given and not found.fresh(given):
        raise CaptureError(
            f"{_where(trace)}: starts from a state that is not its resting state; start from None"
        )
    if found.held:
        first = value.step in (None, 0)
        if first and not found.fresh(found.held_state(module)):
            raise CaptureError(
                f"{_where(trace)}: keeps state of an earlier clip; reset the model first"
            )
        return not first
    return value.step in (None, 0)


def _continues(trace: Trace, value: Val, states: list[Any]) -> bool:
    """Whether a state came out of this neuron one step before. Raises CaptureError for one of
    another neuron or step."""
    continued = [n for t in states if (n := _neuron_behind(trace, t)) is not None]
    if not continued:
        return False
    source = continued[0]
    owner = source.attrs.get("observes", source.path)  # of a membrane that the model also reads
    before = None if value.step is None else value.step - 1
    if owner != trace.place.path or (before is not None and source.step != before):
        raise CaptureError(
            f"{_where(trace)}: continues the state of {owner!r} at step {source.step}, "
            f"expected its own of the "
            f"step before; give every neuron its own state"
        )
    return True


def _neuron_behind(trace: Trace, state: Any) -> Record | None:
    """The neuron that returned this state (a leaky integrator's output is its membrane)."""
    held = trace.values.get(state) if isinstance(state, Tensor) else None
    record = (
        held.neuron
        if isinstance(held, Membrane)
        else held.record
        if isinstance(held, Val)
        else None
    )
    return None if record is None or trace.records[record].op != "neuron" else trace.records[record]


def _record(trace: Trace, found: Recognised, value: Val, result: Any, remembers: bool) -> Record:
    results = found.named_results(result)
    value = _checked(trace, found, value)
    params = {k: torch.as_tensor(np.asarray(a)) for k, a in found.arrays.items()}
    attrs = {"equation": found.equation.to_dict(), "emit": "spike"}
    fresh_each_step = value.step not in (None, 0) and not remembers
    trace.packet = "neuron"
    x = (
        linear(trace, value, found.input_weight, found.input_bias)
        if found.input_weight is not None
        else value
    )
    if found.recurrent_weight is not None:
        x = _with_recurrence(trace, found, x)
    out = trace.emit("neuron", [x], x.dims, attrs, params)
    record = trace.records[out.record]
    for earlier in reversed(trace.records[: out.record]):
        if (
            earlier.op == "own_output"
            and "neuron" not in earlier.attrs
            and earlier.path == record.path
        ):
            earlier.attrs["neuron"] = out.record
            break
    if fresh_each_step:
        record.attrs = attrs | {"memoryless": True}
    main = "v" if found.equation.output == "v" else "spike"
    for meaning, tensor in results.items():
        if meaning == main:
            trace.set(tensor, Val(out.record, _dims_of(out, tensor), out.step))
            record.observed = _packed(tensor, found.equation.output == "v")
        elif isinstance(tensor, Tensor):
            dims = axes.without(out.dims, "T") if meaning.endswith("_last") else out.dims
            trace.set(tensor, Membrane(out.record, meaning, out.step, dims))
    return record


def _with_recurrence(trace: Trace, found: Recognised, x: Val) -> Val:
    """x + W·z[t − delay] + b: a placeholder that folding ties to the neuron's own output."""
    assert found.recurrent_weight is not None
    params = {"weight": found.recurrent_weight}
    if found.recurrent_bias is not None:
        params["bias"] = found.recurrent_bias
    own = trace.emit(
        "own_output",
        [x],
        (*x.dims[:-1], axes.plain(found.recurrent_weight.shape[1])),
        {"delay": found.recurrent_delay},
    )
    back = trace.emit("linear", [own], x.dims, {}, params)
    return two(trace, "add", x, back)


def _dims_of(value: Val, tensor: Tensor) -> axes.Dims:
    if tuple(tensor.shape) != axes.sizes(value.dims):
        raise CaptureError(
            f"a neuron returned {tuple(tensor.shape)} for an input of {axes.sizes(value.dims)}"
        )
    return value.dims


def _checked(trace: Trace, found: Recognised, value: Val) -> Val:
    """The operand, its time axis where the module expects it. Raises CaptureError."""
    timed = [i for i, d in enumerate(value.dims) if axes.has((d,), "T")]
    if not found.multi_step:
        if timed:
            raise CaptureError(
                f"{_where(trace)}: a single-step neuron got the whole clip "
                f"{axes.show(value.dims)}; loop over the steps "
                "or use its multi-step form"
            )
        return value
    if not timed:
        raise CaptureError(
            f"{_where(trace)}: a multi-step neuron got {axes.show(value.dims)}, without a time axis"
        )
    dim = value.dims[timed[0]]
    if found.squeezed is not None:
        if axes.roles(dim)[:2] != "BT" or timed[0] != 0:
            raise CaptureError(
                f"{_where(trace)}: expects (batch·time, …), got {axes.show(value.dims)}"
            )
    elif timed[0] != found.time_dim or axes.roles(dim)[:1] != "T":
        raise CaptureError(
            f"{_where(trace)}: expects time as axis {found.time_dim}, got {axes.show(value.dims)}"
        )
    return value


def _packed(tensor: Tensor, real: bool) -> Tensor:
    """What was emitted, one bit or one float an element."""
    data = tensor.detach()
    if real or bool((data > 1).any()):
        return data.to(torch.float32).clone()
    return torch.from_numpy(np.packbits(data.bool().numpy(force=True).reshape(-1)))


def observed(record: Record, samples: int) -> Tensor | None:
    """Undo ``_packed``: the neuron's output with its traced axes."""
    if record.observed is None:
        return None
    if record.observed.dtype is not torch.uint8:
        return record.observed
    shape = axes.sizes(record.dims)
    bits = np.unpackbits(record.observed.numpy(), count=int(np.prod(shape)))
    return torch.from_numpy(bits).reshape(shape).to(torch.float32)
