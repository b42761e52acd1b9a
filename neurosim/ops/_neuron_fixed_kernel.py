"""The compiled loop of neurons in whole numbers. Import it where it is used: it imports numba."""

from __future__ import annotations

import numpy as np

from neurosim.threads._fork import compiled


@compiled
def scan_fixed(x, out, bias, u, v, numbers, limit, threshold, membrane):
    """Fill ``out`` like x (steps, neurons) and move u and v (int64, neurons) to the last step.

    ``numbers``: what a decay keeps of u and of v, their bits, and the shift of the input.
    """
    keep_u, keep_v, bits, shift = numbers
    for t in range(x.shape[0]):
        for j in range(u.size):
            current = (abs(u[j]) * keep_u) >> bits
            if u[j] < 0:
                current = -current
            current += np.int64(x[t, j]) << shift
            if current > limit:
                current -= 2 * limit
            elif current <= -limit:
                current += 2 * limit
            u[j] = current
            level = (abs(v[j]) * keep_v) >> bits
            if v[j] < 0:
                level = -level
            level = min(max(level + current + bias[j], 1 - limit), limit - 1)
            fired = level > threshold
            v[j] = 0 if fired else level
            out[t, j] = np.float32(v[j]) if membrane else np.float32(fired)
