"""Compiled x · scale + bias, two roundings an element. Import this module where it is used: it
imports numba."""

from __future__ import annotations

from neurosim.threads._fork import compiled, fork


@compiled
def affine(first, last, x, out, scale, bias, unit, tiled, samples, by_step):
    """Rows first … last − 1 of x and out (slices, size); ``scale``, ``bias``: see ``_tiles.Tiles``.

    Rows of a step lie together where ``by_step``, else those of a sample.
    """
    size, steps = x.shape[1], x.shape[0] // samples
    for row in range(first, last):
        step = row // samples if by_step else row % steps
        s, b = (scale[step], bias[step]) if scale.shape[0] > 1 else (scale[0], bias[0])
        source, target, at = x[row], out[row], 0
        while at < size:
            if tiled:
                end = min(size, at + unit)
                for k in range(end - at):
                    target[at + k] = source[at + k] * s[k] + b[k]
            else:
                channel = at // unit % s.size
                end = min(size, (at // unit + 1) * unit)
                factor, offset = s[channel], b[channel]
                for k in range(at, end):
                    target[k] = source[k] * factor + offset
            at = end


@compiled
def affine_loop(start, threads, tasks, chunk, args):
    return fork(affine, start, threads, tasks, chunk, args)
