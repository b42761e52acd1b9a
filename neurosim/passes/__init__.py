"""Graph → Graph, one pure function a file; valid in, valid out. ``lower`` applies the default
pipeline.

Every exact pass keeps every neuron's spike train and the outputs (in real arithmetic; bit for bit
on a grid, see ``snap_weights``). Folding norms, sinking biases and dropping dead nodes also keep
synapse, coincidence and neuron_* counts, and may lower, never raise, mac, add, multiply, special
and memory words. Each module says in ``KEEPS``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.ir.graph import Graph

PIPELINE = (
    "hoist_norms",
    "fold_batch_norm",
    "tidy_movement",
    "fold_scales",
    "sink_affine",
    "sink_bias",
    "drop_dead",
)
OPTIONAL = (
    "merge_linear_chains",
    "fold_average_pool",
    "snap_weights",
    "weight_noise",
    "round_weights",
    "average_bn",
    "sink_constants",
    "quantize",
)


def lower(graph: Graph, pipeline: tuple[str, ...] = PIPELINE) -> Graph:
    """Apply the passes of that name in order, each verified. Raises UnknownName."""
    for name in pipeline:
        graph = apply(graph, name)
    return graph


def apply(graph: Graph, name: str, **options: Any) -> Graph:
    """One pass by name; records it in ``graph.pipeline``, its options as well."""
    from neurosim import ops, registry

    run = getattr(registry.load("passes", name, "pass"), name)
    before = graph.pipeline
    given = ", ".join(f"{option}={value}" for option, value in sorted(options.items()))
    return ops.build(run(graph, **options).after(before, f"{name}({given})" if given else name))


def _single(name: str) -> Callable[..., Graph]:
    def one(graph: Graph, **options: Any) -> Graph:
        return apply(graph, name, **options)

    one.__name__, one.__doc__ = name, f"The pass ``{name}``, recorded in ``graph.pipeline``."
    return one


for _name in (*PIPELINE, *OPTIONAL):
    import_module(f"{__name__}.{_name}")  # first, because it would bind the name to the file
    globals()[_name] = _single(_name)


def __getattr__(name: str) -> Callable[..., Graph]:
    raise AttributeError(f"no pass called {name!r}; known: {', '.join((*PIPELINE, *OPTIONAL))}")
