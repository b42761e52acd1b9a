"""The commands, in the order in which ``neurosim --help`` lists them."""

from __future__ import annotations

import typer

from neurosim.cli import (
    calibrate,
    catalogue,
    compare,
    estimate,
    evaluate,
    graph,
    plot,
    price,
    reproduce,
    sweep,
    train,
)
from neurosim.cli import map as map_
from neurosim.cli.options import top

app = typer.Typer(
    name="neurosim",
    help="What a spiking video model costs in hardware: exact counts, priced in joules per video.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.callback()(top)
app.command("estimate")(estimate.estimate)
app.command("price")(price.price)
app.command("graph")(graph.graph)
app.command("map")(map_.map_model)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(sweep.sweep, name="sweep")
app.command("plot")(plot.plot)
app.command("compare")(compare.compare)
app.command("reproduce")(reproduce.reproduce)
app.command("calibrate")(calibrate.calibrate)
app.add_typer(catalogue.profiles, name="profiles")
app.add_typer(catalogue.conventions, name="conventions")
app.add_typer(catalogue.models, name="models")
