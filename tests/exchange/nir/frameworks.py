"""One network per framework, exported by the framework's own exporter, and run by the framework.

``python -m tests.exchange.nir.frameworks`` writes ``data/NAME.nir`` and ``data/NAME.npz`` (the
clip, what the framework answered and what each of its layers fired) with whatever versions are
installed; the stored ones were made with norse 1.1.0, snnTorch 1.0.0, SpikingJelly 2.0.0, sinabs
3.1.3, nir 1.0.8 and nirtorch 2.6.
Weights and clips lie on grids, so that sums are exact in any order.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

DATA = Path(__file__).parent / "data"
STEPS, SAMPLES = 12, 2


@dataclass(frozen=True)
class Made:
    """``graph``: what the exporter returned; ``run``: the framework's own answer to (T, B, …);
    ``options``: what our import has to be told; ``layers``: NIR's name of a node → the module that
    it was, and ``whole``: what a layer answered in all, from its calls, as (T, B, …)."""

    graph: Any
    run: Callable[[Tensor], Tensor]
    clip: Tensor
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    layers: dict[str, nn.Module] = field(default_factory=dict[str, nn.Module])
    whole: Callable[[list[Tensor]], Tensor] = torch.stack


def on_grid(net: nn.Module, seed: int = 0, loud: float = 1.0) -> nn.Module:
    """Weights in multiples of 1/16, biases of 1/8."""
    rng = torch.Generator().manual_seed(seed)
    for name, parameter in net.named_parameters():
        leaf = name.rsplit(".", 1)[-1]
        if leaf in ("weight", "bias") and parameter.ndim:
            grid = 16 if leaf == "weight" else 8
            drawn = torch.randn(parameter.shape, generator=rng) * loud * (0.3 if grid == 8 else 0.6)
            parameter.data = (drawn * grid).round() / grid
    return net.eval()


def clip(*shape: int, seed: int = 1) -> Tensor:
    """(T, B, *shape) in multiples of 1/4, from −1 to 3."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(-4, 13, (STEPS, SAMPLES, *shape), generator=rng) / 4


def norse() -> Made:
    """Convolutions (grouped, dilated, strided) between LIFBox, LIF with current, IAF and LIBox.

    Parameters have one element: nir.write refuses the scalars of norse's defaults.
    """
    import norse.torch as norse
    from norse.torch.functional.iaf import IAFParameters
    from norse.torch.functional.leaky_integrator_box import LIBoxParameters
    from norse.torch.functional.lif import LIFParameters
    from norse.torch.functional.lif_box import LIFBoxParameters

    rest, theta, fast = torch.zeros(1), torch.ones(1), torch.full((1,), 500.0)
    slow = torch.full((1,), 100.0)
    net = norse.SequentialState(
        nn.Conv2d(2, 6, 3, padding=1),
        norse.LIFBoxCell(LIFBoxParameters(tau_mem_inv=fast, v_leak=rest + 0.25, v_th=theta)),
        nn.Conv2d(6, 6, (3, 3), stride=2, padding=1, groups=3),
        norse.LIFCell(
            LIFParameters(tau_syn_inv=slow * 2, tau_mem_inv=slow, v_leak=rest, v_th=theta)
        ),
        nn.Conv2d(6, 4, 2, dilation=2),
        norse.IAFCell(IAFParameters(v_th=theta / 2)),
        nn.Conv2d(4, 3, 2),
        norse.LIBoxCell(LIBoxParameters(tau_mem_inv=slow, v_leak=rest)),
    )
    net = on_grid(net, loud=1.5)
    shape = (2, 8, 8)
    graph = norse.to_nir(net, torch.zeros(1, *shape))
    for node, size in (("0", (8, 8)), ("2", (8, 8)), ("4", (4, 4)), ("6", (2, 2))):
        graph.nodes[node].input_shape = size  # norse leaves None, which nir.write cannot write

    def run(x: Tensor) -> Tensor:
        state, out = None, []
        for step in x:
            y, state = net(step, state)
            out.append(y)
        return torch.stack(out)

    layers = {name: net[int(name)] for name in ("1", "3", "5")}
    return Made(graph, run, clip(*shape), {"source": "norse"}, layers)


def snntorch() -> Made:
    """Convolution, pool and linear maps between Leaky (β = 0.9), Synaptic and Leaky.

    β and thresholds are of the layer's shape: nir.write refuses the scalars that snnTorch exports.
    """
    import snntorch as snn
    from snntorch.export_nir import export_to_nir

    once: dict[str, Any] = {
        "reset_mechanism": "zero", "reset_delay": False, "init_hidden": True, "output": False,
    }  # fmt: skip
    layers: list[nn.Module] = [
        nn.Conv2d(2, 6, 3, stride=2, padding=1, bias=False), 
        snn.Leaky(beta=torch.full((6, 4, 4), 0.9), threshold=torch.ones(6, 4, 4), **once),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(24, 10),
        snn.Synaptic(
            alpha=torch.full((10,), 0.75), beta=torch.full((10,), 0.5),
            threshold=torch.linspace(0.25, 2.5, 10), **once,
        ),
        nn.Linear(10, 4), snn.Leaky(beta=torch.full((4,), 0.5), threshold=torch.ones(4), **once),
    ]  # fmt: skip
    net = on_grid(nn.Sequential(*layers), loud=1.5)
    with contextlib.redirect_stdout(io.StringIO()):
        graph = export_to_nir(net, torch.zeros(1, 2, 8, 8), ignore_dims=[0])

    def run(x: Tensor) -> Tensor:
        for layer in layers:
            if hasattr(layer, "reset_mem"):
                layer.reset_mem()  # type: ignore[operator]
        return torch.stack([net(step) for step in x])

    return Made(
        graph, run, clip(2, 8, 8), {"source": "snntorch"}, {n: layers[int(n)] for n in "157"}
    )


def snntorch_recurrent() -> Made:
    """RLeaky: the layer reads its own spikes of the step before."""
    import snntorch as snn
    from snntorch.export_nir import export_to_nir

    rleaky = snn.RLeaky(
        beta=0.75, linear_features=9, reset_mechanism="zero", reset_delay=False, init_hidden=True
    )
    net = on_grid(nn.Sequential(nn.Linear(7, 9), rleaky, nn.Linear(9, 4)), loud=2.0)
    with contextlib.redirect_stdout(io.StringIO()):
        graph = export_to_nir(net, torch.zeros(1, 7), ignore_dims=[0])

    def run(x: Tensor) -> Tensor:
        rleaky.reset_mem()
        return torch.stack([net(step) for step in x])

    return Made(graph, run, clip(7), {"source": "snntorch"}, {"1.lif": rleaky})


def snntorch_resetting(mechanism: str, late: bool) -> Made:
    """Leaky and Synaptic with one of snnTorch's four resets; its default is ("subtract", True)."""
    import snntorch as snn
    from snntorch.export_nir import export_to_nir

    how: dict[str, Any] = {
        "init_hidden": True, "reset_mechanism": mechanism, "reset_delay": late,
    }  # fmt: skip
    first = snn.Leaky(beta=torch.full((8,), 0.75), threshold=torch.ones(8), **how)
    second = snn.Synaptic(
        alpha=torch.full((4,), 0.5), beta=torch.full((4,), 0.75), threshold=torch.ones(4), **how
    )
    net = on_grid(nn.Sequential(nn.Linear(5, 8), first, nn.Linear(8, 4), second), loud=2.0)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        graph = export_to_nir(net, torch.zeros(1, 5), ignore_dims=[0])

    def run(x: Tensor) -> Tensor:
        first.reset_mem()
        second.reset_mem()
        return torch.stack([net(step) for step in x])

    return Made(graph, run, clip(5))


def spikingjelly() -> Made:
    """IF, LIF with and without decayed input, parametric and current-based LIF."""
    from spikingjelly.activation_based import functional, layer, neuron
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    net = nn.Sequential(
        layer.Conv2d(2, 2, 3, padding=1, bias=False), neuron.IFNode(v_reset=0.25),
        layer.AvgPool2d(2), layer.Conv2d(2, 4, 3, stride=2, padding=1),
        neuron.LIFNode(tau=2.0, v_reset=-0.5), layer.Flatten(), layer.Linear(16, 10, bias=False),
        neuron.LIFNode(tau=4.0, decay_input=False), layer.Linear(10, 8),
        neuron.ParametricLIFNode(init_tau=3.0), layer.Linear(8, 4),
        neuron.CUBALIFNode(c_decay=0.5, v_decay=0.75),
    )  # fmt: skip
    net = on_grid(net, loud=2.0)
    functional.set_step_mode(net, "m")
    graph = export_to_nir(net, torch.zeros(1, SAMPLES, 2, 8, 8))

    def run(x: Tensor) -> Tensor:
        functional.reset_net(net)
        with torch.no_grad():
            return net(x)

    layers = {f"_{i}": net[i] for i in (1, 4, 7, 9, 11)}
    return Made(
        graph, run, clip(2, 8, 8), {"source": "spikingjelly"}, layers, lambda calls: calls[0]
    )


def sinabs() -> Made:
    """IAF with several spikes a step, sum pool, LIF and a leaky integrator."""
    import sinabs.layers as sl
    from sinabs import nir as exchange

    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False), sl.IAFSqueeze(batch_size=SAMPLES),
        sl.SumPool2d(2), nn.Flatten(), nn.Linear(64, 10, bias=False),
        sl.LIFSqueeze(
            tau_mem=torch.full((10,), 8.0), spike_threshold=torch.ones(10), batch_size=SAMPLES
        ),
        nn.Linear(10, 4), sl.ExpLeakSqueeze(tau_mem=torch.full((4,), 4.0), batch_size=SAMPLES),
    )  # fmt: skip
    net = on_grid(net)
    graph = exchange.to_nir(net, torch.zeros(SAMPLES, 2, 8, 8))
    graph.nodes["0"].input_shape = (8, 8)  # sinabs leaves None, which nir.write cannot write
    graph.nodes["3"].input_type = {"input": np.array([4, 4, 4])}

    def run(x: Tensor) -> Tensor:
        for module in net:
            if hasattr(module, "reset_states"):
                module.reset_states()  # type: ignore[operator]
        squeezed = x.movedim(1, 0).flatten(0, 1)  # samples outermost
        with torch.no_grad():
            return whole([net(squeezed)])

    def whole(calls: list[Tensor]) -> Tensor:
        return calls[0].unflatten(0, (SAMPLES, STEPS)).movedim(0, 1)

    layers = {name: net[int(name)] for name in "15"}
    return Made(graph, run, clip(2, 8, 8), {"source": "sinabs"}, layers, whole)


MAKERS: dict[str, Callable[[], Made]] = {
    "norse": norse, "snntorch": snntorch, "snntorch_recurrent": snntorch_recurrent,
    "spikingjelly": spikingjelly, "sinabs": sinabs,
}  # fmt: skip


def make(name: str) -> Made:
    """A network of that framework, with the library's own warnings kept to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MAKERS[name]()


def answers(made: Made) -> dict[str, Tensor]:
    """What the framework says to the clip ("answer"), and the spikes of its layers, (T, B, …)."""
    calls: dict[str, list[Tensor]] = {name: [] for name in made.layers}

    def keep(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: Any, out: Any) -> None:
            calls[name].append((out if isinstance(out, Tensor) else out[0]).detach().clone())

        return hook

    hooks = [m.register_forward_hook(keep(name)) for name, m in made.layers.items()]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        found = {"answer": made.run(made.clip)}
    for hook in hooks:
        hook.remove()
    spikes = {name: made.whole(called) for name, called in calls.items()}
    return found | {name: s.to_dense() if s.is_sparse else s for name, s in spikes.items()}


def record() -> None:
    """Write every file of ``data``."""
    import nir

    DATA.mkdir(exist_ok=True)
    for name in MAKERS:
        made = make(name)
        nir.write(DATA / f"{name}.nir", made.graph, compression=None)
        found = {k: v.numpy() for k, v in answers(made).items()}
        np.savez_compressed(DATA / f"{name}.npz", clip=made.clip.numpy(), **found)


if __name__ == "__main__":
    record()
