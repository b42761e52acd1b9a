"""1×1 convolutions and linear layers on spikes: list a pixel's channels, sum their rows, go on.

Nothing but the outputs is written to memory; ``gather`` makes lists because its outputs share them.
"""

from __future__ import annotations

import numpy as np

from neurosim.ops._bits_kernel import active_word, window
from neurosim.sim.kernels.events import BitFrames, Frames, list_word
from neurosim.sim.kernels.gather import Lists, sum_spikes
from neurosim.sim.kernels.geometry import Axis
from neurosim.sim.kernels.packing import PackedWeights
from neurosim.threads._fork import compiled, fork, roomy_body

CLOSE = 2**20  # bytes of weights that every pixel may walk through
NO_WORDS = np.empty((0, 0), np.int64)
NO_NUMBERS = np.empty(0, np.float32)


def is_pointwise(source: Frames | BitFrames, packed: PackedWeights, axes: list[Axis]) -> bool:
    """Whether an output sees the channels of one pixel, which lie together, and few weights."""
    together = isinstance(source, BitFrames) or source.channels_last
    together = together and packed.rows.nbytes <= CLOSE
    return together and packed.groups == 1 and all(axis.keeps_place for axis in axes)


def memory(source: Frames | BitFrames) -> tuple[np.ndarray, np.ndarray]:
    """Spikes as numbers and as bits, one of which is empty."""
    if isinstance(source, BitFrames):
        return NO_NUMBERS, source.words
    return source.flat, NO_WORDS


@roomy_body
def pointwise(begin, end, x, words, value, inputs, pixels, sums):
    """Outputs of pixels begin..end of spikes (N, pixels, inputs); ``value`` is not read."""
    channels, aligned = sums.bias.size - 64, inputs % 64 == 0
    index = np.empty(inputs + 80, np.int32)  # room for whole vectors
    spill = np.empty(64, sums.out.dtype)
    lists = Lists(index, value, np.empty(0, np.int64), 0)
    for pixel in range(begin, end):
        count, slice_, begins = np.int64(0), pixel // pixels, pixel % pixels * inputs
        for first in range(0, inputs, 64):
            if words.size == 0:
                word = active_word(x, pixel * inputs + first, inputs - first)
            elif aligned:
                word = words[slice_, (begins + first) >> 6]
            else:
                word = window(words[slice_], begins + first, inputs - first)
            count = list_word(index, count, index.size, word, first, inputs - first)
        for t in range(sums.tiles.shape[1]):
            weight_at, width, channel, valid = sums.tiles[0, t]
            at = pixel * channels + channel
            if valid == width:
                sum_spikes(width, sums.out, at, sums, weight_at, lists, 0, count, channel)
            else:
                sum_spikes(width, spill, 0, sums, weight_at, lists, 0, count, channel)
                for k in range(valid):
                    sums.out[at + k] = spill[k]


@compiled
def pointwise_loop(start, threads, tasks, chunk, args):
    return fork(pointwise, start, threads, tasks, chunk, args)
