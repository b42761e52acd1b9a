"""``neurosim profiles | conventions | models [show NAME]``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from neurosim.cli.options import Json

profiles = typer.Typer(help="Chips that a run can be priced on.", rich_markup_mode=None)
conventions = typer.Typer(help="Rules of what is billed.", rich_markup_mode=None)
models = typer.Typer(help="Models that ship with neurosim.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


@profiles.callback(invoke_without_command=True)
def list_profiles(context: typer.Context, json: Json = False) -> None:
    """Chips that a run can be priced on; show NAME prints every price, source and doubt."""
    from neurosim.hardware import load_profile
    from neurosim.hardware import profiles as names

    if context.invoked_subcommand is None:
        found = [load_profile(name) for name in names()]
        keys = ("name", "title", "basis", "convention")
        _list([{k: getattr(p, k) for k in keys} for p in found], json, "title")


@profiles.command("show")
def show_profile(name: Name, json: Json = False) -> None:
    """Every price with its range, source and doubts."""
    from neurosim.hardware import describe, load_profile

    profile = load_profile(name)
    _show(lambda: profile.model_dump(mode="json"), lambda: describe(profile), json)


@conventions.callback(invoke_without_command=True)
def list_conventions(context: typer.Context, json: Json = False) -> None:
    """Rules of what is billed; show NAME prints every key."""
    from neurosim.hardware import conventions as names
    from neurosim.hardware import load_convention

    if context.invoked_subcommand is None:
        found = [load_convention(name) for name in names()]
        _list(
            [{k: getattr(c, k) for k in ("name", "title", "source")} for c in found], json, "title"
        )


@conventions.command("show")
def show_convention(name: Name, json: Json = False) -> None:
    """Every key of a convention and what it means."""
    from neurosim.hardware import describe_convention, load_convention

    found = load_convention(name)
    _show(lambda: found.model_dump(mode="json"), lambda: describe_convention(found), json)


@models.callback(invoke_without_command=True)
def list_models(context: typer.Context, json: Json = False) -> None:
    """Models that ship with neurosim; show NAME prints a model's card."""
    from neurosim.models import card
    from neurosim.models import list as names

    if context.invoked_subcommand is None:
        _list([_card(card(name)) for name in names()], json, "title")


@models.command("show")
def show_model(name: Name, json: Json = False) -> None:
    """Source, input, parameters, published accuracy and rates of a model."""
    from neurosim.models import card

    found = _card(card(name))
    _show(lambda: found, lambda: "\n".join(_card_lines(found)), json)


def _card(card: Any) -> dict[str, Any]:
    """A model card, JSON-ready."""
    return {
        "name": card.name,
        "title": card.title,
        "parameters": card.parameters,
        "classes": card.classes,
        "recipe": card.recipe.to_dict(),
        "paper": card.paper,
        "accuracy": [str(a) for a in card.accuracy],
        "published_rates": card.published_rates is not None,
        "weights": "pretrained" if card.weights else "untrained",
        "note": card.note,
    }


def _card_lines(card: Mapping[str, Any]) -> list[str]:
    recipe = card["recipe"]
    height, width = recipe["size"]
    rates = "published (--rates published)" if card["published_rates"] else "none published"
    lines = [
        f"{card['name']}: {card['title']}",
        f"  parameters  {card['parameters']:,}",
        f"  input       {recipe['frames']} steps of {height}×{width}, {recipe['channels']}",
        f"  classes     {card['classes']}",
        f"  weights     {card['weights']}",
        f"  rates       {rates}",
    ]
    lines += [f"  accuracy    {text}" for text in card["accuracy"]]
    lines += [f"  {key:<11} {card[key]}" for key in ("paper", "note") if card[key]]
    return lines


def _list(items: Iterable[Mapping[str, Any]], json: bool, said: str) -> None:
    from neurosim.cli.show import print_json

    listed = list(items)
    if json:
        print_json(listed)
        return
    width = max(len(item["name"]) for item in listed)
    for item in listed:
        typer.echo(f"{item['name']:<{width}}  {item[said]}")


def _show(data: Callable[[], Any], text: Callable[[], str], json: bool) -> None:
    from neurosim.cli.show import print_json

    if json:
        print_json(data())
    else:
        typer.echo(text())
