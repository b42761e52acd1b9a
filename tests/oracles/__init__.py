"""Brute force: the counting rules written as plain loops, to test the real operators against.

Nothing here imports neurosim, and nothing here is clever; read each file beside the section it
names.
"""

from tests.oracles.activity import REAL_PATH, Path, neuron_activity, neuron_counts
from tests.oracles.arithmetic import average_pool, elementwise, max_pool, other_memory, softmax
from tests.oracles.kinds import kind_of
from tests.oracles.neurons import Neuron, neuron
from tests.oracles.products import product_arrival, product_counts, product_dense_macs
from tests.oracles.synapses import Conv, Linear, out_shape
from tests.oracles.weights import (
    apply,
    conv3d_time_counts,
    conv_counts,
    conv_layer,
    dense_macs,
    existing_macs,
    fan_out,
    linear_counts,
    stepwise_counts,
)
from tests.oracles.whole_net import net_a

__all__ = [
    "REAL_PATH",
    "Conv",
    "Linear",
    "Neuron",
    "Path",
    "apply",
    "average_pool",
    "conv3d_time_counts",
    "conv_counts",
    "conv_layer",
    "dense_macs",
    "elementwise",
    "existing_macs",
    "fan_out",
    "kind_of",
    "linear_counts",
    "max_pool",
    "net_a",
    "neuron",
    "neuron_activity",
    "neuron_counts",
    "other_memory",
    "out_shape",
    "product_arrival",
    "product_counts",
    "product_dense_macs",
    "softmax",
    "stepwise_counts",
]
