"""1×1 convolutions and linear layers of few channels on spikes as bits: four input channels are a
number from 0 to 15, whose sum of weight rows is looked up.

No branch depends on the spikes. Where a list would hold an event or two, walking it costs more in
wrong guesses of the processor than adding a row for every four channels.
"""

from __future__ import annotations

import numpy as np

from neurosim.ops._bit_sums import looked_up_16
from neurosim.ops._bits_kernel import window
from neurosim.sim.kernels.packing import FEW_INPUTS, PackedWeights
from neurosim.threads._fork import compiled, fork, roomy_body

WIDTH = 16  # output channels of a table


def has_tables(packed: PackedWeights) -> bool:
    """Whether the sums of a pointwise layer on bits are looked up."""
    return packed.inputs <= FEW_INPUTS and not packed.integer


@roomy_body
def lookup(begin, end, words, table, inputs, pixels, bias, scale, out):
    """Outputs of pixels begin..end of spikes (N, pixels, inputs), one bit each."""
    channels, sixteens = bias.size - 64, (inputs + 15) // 16
    spill = np.empty(WIDTH, np.float32)
    for first in range(0, channels, WIDTH):
        valid = min(WIDTH, channels - first)
        slice_, place = begin // pixels, begin % pixels
        for pixel in range(begin, end):
            word = window(words[slice_], place * inputs, inputs)
            if valid == WIDTH:
                at = pixel * channels + first
                looked_up_16(
                    out, at, table, first * sixteens * 64, word, sixteens, bias, first, scale
                )
            else:
                looked_up_16(
                    spill, 0, table, first * sixteens * 64, word, sixteens, bias, first, scale
                )
                for k in range(valid):
                    out[pixel * channels + first + k] = spill[k]
            place += 1
            if place == pixels:
                slice_, place = slice_ + 1, 0


@compiled
def lookup_loop(start, threads, tasks, chunk, args):
    return fork(lookup, start, threads, tasks, chunk, args)
