"""Simulating with every count against PyTorch merely running the model.

The forward is the fastest of {contiguous, channels_last} eager; ``torch.compile`` of it stands
beside it. SVFormer's thresholds are set, layer by layer, so that its neurons fire at the published
rates (the row's note says how near they come): what is simulated is the real graph at
the real activity. ``norse_conv`` is a plain norse network stepped by norse: T = 20, batch 16.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

import neurosim as ns
from benchmarks.common import Row, fastest, interleaved, main, row
from neurosim.nn._layout import channels_last, weights_channels_last
from neurosim.nn.plif import PLIF


def clip_of(name: str, batch: int = 1, frames: int | None = None) -> Tensor:
    """A clip of the model's recipe, [T, B, C, H, W]: held-out videos for the trained model, else
    seeded noise."""
    if name == "svformer_tiny":
        from neurosim.data import sets

        videos = sets.open("motion", None, "test", number=batch)
        return torch.stack([videos.view(index) for index in range(batch)], dim=1)
    recipe = ns.models.card(name).recipe
    generator = torch.Generator().manual_seed(0)
    events = recipe.channels == "events"
    shape = (frames or recipe.frames, batch, 2 if events else 3, *recipe.size)
    clip = torch.randn(*shape, generator=generator)
    return (clip > 1.2).float() if events else clip


def kind_of(name: str) -> str:
    """How the clip is declared."""
    return "spike" if ns.models.card(name).recipe.channels == "events" else "real"


def at_rates(model: nn.Module, clip: Tensor, rates: dict[str, float]) -> dict[str, float]:
    """Set each neuron's threshold so that it fires at its rate on this clip; what came of it."""
    reached: dict[str, float] = {}
    handles = []
    for name, layer in model.named_modules():
        if isinstance(layer, PLIF) and name in rates:
            handles.append(layer.register_forward_pre_hook(_setter(name, rates[name], reached)))
    try:
        with torch.no_grad():
            model(clip)
    finally:
        for handle in handles:
            handle.remove()
    return reached


def _setter(name: str, rate: float, reached: dict[str, float]) -> Callable[..., None]:
    def hook(layer: PLIF, args: tuple[Tensor, ...]) -> None:
        low, high = float(args[0].min()), float(args[0].max())
        for _ in range(14):
            layer.v_threshold = (low + high) / 2
            found = float(PLIF.forward(layer, *args).mean())
            low, high = (layer.v_threshold, high) if found > rate else (low, layer.v_threshold)
        reached[name] = found

    return hook


def prepared(name: str, batch: int) -> tuple[nn.Module, Tensor, str]:
    """Model, clip, and a note on its activity."""
    weights = "pretrained" if name == "svformer_tiny" else None
    model = ns.models.load(name, weights)
    clip = clip_of(name, batch, 20 if name == "norse_conv" else None)
    published = ns.models.published(name) if ns.models.card(name).published_rates else None
    if published is None:
        return model, clip, ""
    rates = {node: float(entry["rate"]) for node, entry in published["plif"].items()}
    reached = at_rates(model, clip, rates)
    error = max(abs(reached[node] - rate) for node, rate in rates.items() if node in reached)
    return model, clip, f"{len(reached)} layers at published rates, within {error:.3f}"


def forwards(name: str, model: nn.Module, clip: Tensor) -> dict[str, Callable[[], Any]]:
    """The model run by torch in each way."""
    import copy

    last = copy.deepcopy(model)
    weights_channels_last(last)
    frames = channels_last(clip)
    calls: dict[str, Callable[[], Any]] = {
        "eager, contiguous": lambda: model(clip),
        "eager, channels_last": lambda: last(frames),
    }
    if name.startswith("svformer") and not os.environ.get("NEUROSIM_NO_COMPILE"):
        import torch._dynamo

        torch._dynamo.config.recompile_limit = 64
        compiled = torch.compile(copy.deepcopy(last))
        calls["torch.compile"] = lambda: compiled(frames)
    return calls


BARS = {
    ("svformer", 1, "eager"): "<= 0.6",
    ("svformer", 1, "torch.compile"): "<= 1.0",
    ("svformer_tiny", 16, "eager"): "<= 0.6",
    ("norse_conv", 16, "eager"): "<= 0.5",
}


def compare(name: str, batch: int, pairs: int) -> list[Row]:
    """Ratios to the fastest eager forward and to the compiled one."""
    model, clip, note = prepared(name, batch)
    graph = ns.lower(ns.capture(model, clip[:, :1], kind=kind_of(name)))
    calls = forwards(name, model, clip) | {"simulate": lambda: ns.simulate(graph, clip)}
    with torch.no_grad():
        times = interleaved(calls, pairs)
    eager = fastest(times, [k for k in times if k.startswith("eager")])
    run = ns.simulate(graph, clip)
    rate = run.counts.total("spike") / max(1, sum(
        run.counts.total(e) for e in ("neuron_active", "neuron_idle")))  # fmt: skip
    note = f"{run.synaptic_operations() / 1e6:,.0f} M SynOps, mean rate {rate:.3f}. {note}".strip()
    case = f"{name}, batch {batch}, T = {len(clip)}"
    found = [row(case, "share", times["simulate"], eager, times[eager],
                 BARS.get((name, batch, "eager"), ""), note)]  # fmt: skip
    if "torch.compile" in times:
        found.append(row(case, "share", times["simulate"], "torch.compile", times["torch.compile"],
                         BARS.get((name, batch, "torch.compile"), "")))  # fmt: skip
    return found


def rows(pairs: int, only: str) -> Iterator[Row]:
    """The zoo's models."""
    listed = (("svformer", 1), ("svformer_tiny", 16), ("svformer_tiny", 1), ("norse_conv", 16))
    for name, batch in listed:
        if only in f"{name} {batch}":
            yield from compare(name, batch, pairs)


if __name__ == "__main__":
    main(rows, __doc__)
