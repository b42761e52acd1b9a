"""Watches a forward pass: every aten call, the module it happens in, and the user's line that
caused it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from neurosim.capture import composite, neuron_calls, rules
from neurosim.capture.trace import Failed, Poison, Trace
from neurosim.errors import CaptureError

_HERE = str(Path(__file__).parent)
_TORCH = str(Path(torch.__file__).parent)
_SPELLED = str(Path(composite.__file__))
_CREATES = {
    "zeros_like",
    "ones_like",
    "full_like",
    "empty_like",
    "new_zeros",
    "new_ones",
    "new_full",
    "new_empty",
    "sym_size",
    "is_same_size",
}


class Watch(TorchDispatchMode):
    """Hands every aten call that touches the clip to its rule."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No compiler ever sees this mode; asking it to look away would import it, for seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.trace.paused:
            return func(*args, **kwargs)
        if rules.composed(
            self.trace, func, args, kwargs
        ):  # seen whole under inference tensors; its parts come back here
            with self:
                return func.decompose(*args, **kwargs)
        if torch.Tag.nondeterministic_seeded in func.tags and not rules.known(func):
            self.trace.miss(f"aten.{func.overloadpacket.__name__}, which draws random numbers,")
        seen = rules.before_writing(self.trace, func, args)
        out = func(*args, **kwargs)
        observe(self.trace, func, seen, kwargs, out)
        return out


def observe(
    trace: Trace, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any
) -> None:
    """Apply the rule of one aten call."""
    name = func.overloadpacket.__name__
    tensors = list(rules.tensors((args, kwargs)))
    if name == "select" and rules.is_buffer(trace, args[0]):
        rules.view_of_buffer(trace, args, out)
        return
    if not any(trace.traced(t) for t in tensors):
        rules.note_view(trace, name, args, out)
        return
    if name in _CREATES:
        return
    if any(trace.poisoned(t) for t in tensors):
        _poison(trace, out)
        return
    trace.packet = name
    try:
        rules.apply(trace, func, name, args, kwargs, out)
    except rules.NoRule as missing:
        trace.miss(str(missing) or f"aten.{name}")
        _poison(trace, out)


def _poison(trace: Trace, out: Any) -> None:
    for tensor in rules.tensors(out):
        trace.set(tensor, Poison())


class Functions(TorchFunctionMode):
    """Functions that torch would fuse or unroll beyond recognition are spelled out in plain ones
    first."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        spelled = composite.TABLE.get(func)
        if spelled is not None and not self.trace.paused:
            result = spelled(self.trace, *args, **kwargs)
            if result is not NotImplemented:
                return result
        return func(*args, **kwargs)


@contextmanager
def modules(trace: Trace, root: nn.Module | None) -> Iterator[None]:
    """While it lasts, every module call sets the trace's place, and recognised neurons are taken
    whole."""
    names = (
        {id(m): n for n, m in root.named_modules(remove_duplicate=True)} if root is not None else {}
    )
    original = nn.Module.__call__

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if trace.paused:
            return original(module, *args, **kwargs)
        before = trace.place.path
        trace.place.path = names.get(id(module), before or type(module).__name__)
        try:
            taken = neuron_calls.take(trace, module, args, kwargs, original)
            return original(module, *args, **kwargs) if taken is NotImplemented else taken
        except Exception:
            trace.failed = trace.failed or Failed(trace.place.path, module, args)
            raise
        finally:
            trace.place.path = before

    nn.Module.__call__ = call
    try:
        yield
    finally:
        nn.Module.__call__ = original


@cache
def _position(code: CodeType, instruction: int) -> tuple[Any, ...]:
    """Where in the source an instruction stands (its offset moves when the interpreter specialises
    a call)."""
    return (id(code), *next(islice(code.co_positions(), instruction // 2, None)))


def user_frames() -> tuple[tuple[Any, ...], str]:
    """(code position of every frame since the forward began, the innermost one outside torch as
    file:line)."""
    frame = sys._getframe(1)
    stack: list[Any] = []
    source = ""
    while frame is not None and frame.f_code is not _began:
        name = frame.f_code.co_filename
        ours = name.startswith(_HERE)
        if not ours or name == _SPELLED:
            stack.append(_position(frame.f_code, frame.f_lasti))
            if not (source or ours or name.startswith((_TORCH, "<"))):
                source = f"{Path(name).name}:{frame.f_lineno}"
        frame = frame.f_back
    return tuple(stack), source


def begin(model: Callable[..., Any], clip: Tensor) -> Any:
    """Call the model; what lies outside this frame is not the model's code."""
    return model(clip)


_began = begin.__code__


@contextmanager
def watching(trace: Trace, root: nn.Module | None) -> Iterator[None]:
    """Everything above, with gradients off and torch's fused fast paths disabled."""
    trace.frames = user_frames
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            modules(trace, root),
            inside_torch(trace),
        ):
            with Functions(trace), Watch(trace):
                yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def inside_torch(trace: Trace) -> Iterator[None]:
    """torch's own functions call attention by its name in their module, where no mode sees it."""
    original = F.scaled_dot_product_attention

    def attention(*args: Any, **kwargs: Any) -> Any:
        found = NotImplemented if trace.paused else composite.attention(trace, *args, **kwargs)
        return original(*args, **kwargs) if found is NotImplemented else found

    F.scaled_dot_product_attention = attention  # type: ignore[assignment]
    try:
        yield
    finally:
        F.scaled_dot_product_attention = original


@contextmanager
def untouched(root: nn.Module | None) -> Iterator[None]:
    """Put back every module attribute, buffer and the random state afterwards."""
    state = torch.random.get_rng_state()
    saved = [(m, _snapshot(m)) for m in root.modules()] if root is not None else []
    try:
        yield
    finally:
        torch.random.set_rng_state(state)
        for module, before in saved:
            _restore(module, before)


@dataclass(frozen=True)
class _Snapshot:
    """A module's attributes as they were, and copies of the tensors they held."""

    plain: dict[str, Any]
    buffers: dict[str, Tensor | None]
    copies: list[tuple[Tensor, Tensor]]


def _snapshot(module: nn.Module) -> _Snapshot:
    kept = {k: v for k, v in module.__dict__.items() if k not in ("_parameters", "_modules")}
    held = [t for t in rules.tensors(list(kept.values())) if not isinstance(t, nn.Parameter)]
    copies = [(t, t.detach().clone()) for t in held]
    plain = {k: _copied(v) for k, v in module.__dict__.items()}
    return _Snapshot(plain, dict(module._buffers), copies)


def _copied(value: Any) -> Any:
    return type(value)(value) if type(value) in (dict, list, set) else value


def _restore(module: nn.Module, before: _Snapshot) -> None:
    for key in list(module.__dict__):
        if key not in before.plain:
            del module.__dict__[key]
    module.__dict__.update(before.plain)
    for tensor, copy in before.copies:
        if not torch.equal(tensor, copy):
            with torch.inference_mode(tensor.is_inference()), torch.no_grad():
                tensor.copy_(copy)
    module.__dict__["_buffers"] = before.buffers


def check_mode(root: nn.Module | None) -> None:
    """Raise CaptureError for a model left in training mode (dropout and batch norms would behave
    differently)."""
    if root is None or not root.training:
        training = (
            []
            if root is None
            else [n for n, m in root.named_modules() if m.training and _matters(m)]
        )
    else:
        training = [
            n or type(root).__name__ for n, m in root.named_modules() if m.training and _matters(m)
        ] or ["model"]
    if training:
        raise CaptureError(
            f"the model is in training mode ({', '.join(training[:3])}…); call model.eval() first"
        )


def _matters(module: nn.Module) -> bool:
    return isinstance(
        module, (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    ) or not list(module.children())
