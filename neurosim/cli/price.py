"""``neurosim price RUN``: a saved run on other chips or under another convention, without torch."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli import options

RunFile = Annotated[
    Path,
    typer.Argument(
        help="run.npz, or the folder that --out wrote.", metavar="RUN", show_default=False
    ),
]


def price(
    run: RunFile,
    hardware: options.Hardware = None,
    convention: options.ConventionName = None,
    count: options.Count = None,
    host: options.Host = None,
    out: options.Out = None,
    json: options.Json = False,
    silence: options.Silence = None,
) -> None:
    """Price a saved run again; nothing is simulated."""
    from neurosim.cli import show
    from neurosim.cli.output import staged
    from neurosim.cli.trust import check_names, trust
    from neurosim.ir.store import load_run
    from neurosim.studies.estimate import check_chips, document, price_all

    counts = options.counts(count)
    chips = check_chips(hardware or ["cmos_45nm"], convention, host, counts)
    silent = check_names(silence or ())
    found = load_run(run / "run.npz" if run.is_dir() else run)
    with staged(out) if out else nullcontext() as folder:
        reports = price_all(found, chips, convention, host, counts)
        claims = trust(found, reports, silent, None, convention, counts)
        if folder is not None:
            folder.write(found, reports, trust=claims)
    if json:
        show.print_json({**document(found, reports), **show.about(found, claims)})
    else:
        show.print_estimate(found, reports, claims)
