"""``neurosim calibrate``: measure this machine, so that ``auto`` picks the faster engine on it."""

from __future__ import annotations

from typing import Annotated

from neurosim.cli import options

Threads = Annotated[int | None, options.maybe(help="Threads. Default: torch's.")]


def calibrate(threads: Threads = None, json: options.Json = False) -> None:
    """Measure what layers cost in each engine on this machine; kept until it changes.

    It chooses kernels and never changes a figure. Some ten seconds.
    """
    from neurosim.cli import show
    from neurosim.cli.evaluate import check_number
    from neurosim.cli.progress import counted

    check_number("--threads", threads)
    import torch

    from neurosim.sim.calibrate import calibrate as measured
    from neurosim.sim.cost import path_for
    from neurosim.sim.warm import compile_kernels

    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        with counted("measuring layers") as tell:
            compile_kernels()
            costs = measured(tell)
        path = path_for(torch.get_num_threads())
    finally:
        torch.set_num_threads(before)
    costs.save(path)
    if json:
        show.print_json({"machine": costs.machine, "path": str(path), "seconds": costs.seconds})
        return
    print(f"machine  {costs.machine}\nkept     {path}")
