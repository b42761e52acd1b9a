"""Simulating on a CUDA device, with every count, against the model's own forward there.

Both run in full float32 (no TF32, no cuDNN search); the forward takes the faster of two layouts.
The note gives the spikes there and on the CPU: with real weights sums are taken in another order
(counting.md, section 1), so a few may differ.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch

import neurosim as ns
from benchmarks.common import Call, Row, fastest, interleaved, main, row
from benchmarks.forward import kind_of, prepared
from neurosim.nn._layout import channels_last, weights_channels_last
from neurosim.sim.prepare import exact_float32


def waited(call: Call) -> Call:
    """The call, and the wait until the device is done."""

    def run() -> None:
        with torch.no_grad(), exact_float32():
            call()
        torch.cuda.synchronize()

    return run


def compare(name: str, batch: int, pairs: int) -> Row:
    """Ratio to the fastest eager forward on the device."""
    model, clip, _ = prepared(name, batch)
    graph = ns.lower(ns.capture(model, clip[:, :1], kind=kind_of(name)))
    cpu = ns.simulate(graph, clip).counts
    plain, frames = copy.deepcopy(model).cuda(), clip.cuda()
    last, laid = copy.deepcopy(plain), channels_last(frames)
    weights_channels_last(last)
    calls = {
        "eager, contiguous": waited(lambda: plain(frames)),
        "eager, channels_last": waited(lambda: last(laid)),
        "simulate": waited(lambda: ns.simulate(graph, frames, device="cuda")),
    }
    times = interleaved(calls, pairs)
    eager = fastest(times, [k for k in times if k.startswith("eager")])
    cuda = ns.simulate(graph, frames, device="cuda").counts
    ours, theirs = cuda.total("spike"), cpu.total("spike")
    note = f"{torch.cuda.get_device_name()}; spikes {ours:,} there, {theirs:,} on the CPU"
    return row(f"{name}, batch {batch}, on the device", "share", times["simulate"], eager,
               times[eager], note=note)  # fmt: skip


def rows(pairs: int, only: str) -> Iterator[Row]:
    """The zoo's models; nothing without a device."""
    if not torch.cuda.is_available():
        print("no CUDA device: left out")
        return
    listed = (("svformer", 1), ("svformer_tiny", 16), ("norse_conv", 16), ("svformer_tiny", 128))
    for name, batch in listed:
        if only in f"{name} {batch}":
            yield compare(name, batch, pairs)


if __name__ == "__main__":
    main(rows, __doc__)
