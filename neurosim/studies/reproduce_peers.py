"""Other tools' estimates of net A, term by term, beside ours from exact counts.

What the tools' own programs printed is recorded in ``peer_runs.json`` (how is said there);
``peers/`` holds, a file a tool, the billed events that make up each term in our report and the
reason of every difference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from neurosim.energy.price import price
from neurosim.energy.report import EnergyReport
from neurosim.hardware import load_profile
from neurosim.hardware.complain import complaint
from neurosim.hardware.quantity import Strict, Text
from neurosim.hardware.read_yaml import read_yaml
from neurosim.hardware.schema import Profile
from neurosim.ir.run import Run
from neurosim.registry import data_files
from neurosim.studies.claims import Verdict
from neurosim.studies.verdict import Reproduced

RUNS = Path(__file__).with_name("peer_runs.json")


@dataclass(frozen=True)
class PeerRun:
    """What a program said, when. ``printed``: joules of the whole batch; ``counts``: as it names
    them."""

    program: str
    run: str
    printed: Mapping[str, float]
    counts: Mapping[str, Any]


class Term(Strict):
    """A figure that the tool prints (``printed``: of another name than the term's). Ours is the
    sum over ``events``, as counted, of all nodes or of those in one role, of all steps or of one.
    """

    id: Text
    events: tuple[Text, ...]
    expected: Verdict
    reason: Text
    printed: str = ""
    of: Literal["", "neuron", "weights"] = ""
    per: Literal["", "step"] = ""
    profile: str = ""
    convention: str = ""
    count: dict[str, Any] = {}


class Tool(Strict):
    """``profile`` and ``convention`` (the profile's own unless given) hold for terms without;
    ``relative``: what the floats of two programs may differ by."""

    source: Text
    profile: Text
    convention: str = ""
    variant: Literal["", "paper", "code"] = ""
    relative: float = 1e-9
    terms: tuple[Term, ...]


def peers() -> list[Reproduced]:
    """Every term of every tool. Raises ProfileError: a malformed file."""
    return [row for name in tools() for row in compare(name)]


def tools() -> tuple[str, ...]:
    """Names of the tools."""
    return tuple(data_files("studies.peers", ".yaml"))


def load_tool(name: str) -> Tool:
    """The terms of a tool. Raises ProfileError."""
    return _read(data_files("studies.peers", ".yaml")[name])


@cache
def load_run(name: str) -> PeerRun:
    """What its program said of net A."""
    return PeerRun(**json.loads(RUNS.read_text(encoding="utf-8"))[name])


@cache
def _read(path: Path) -> Tool:
    document = read_yaml(path)
    try:
        return Tool.model_validate(document.data)
    except ValidationError as error:
        raise complaint(error, Tool, document) from None


def compare(name: str) -> list[Reproduced]:
    """The terms of one tool."""
    tool = load_tool(name)
    return [_row(name, tool, term) for term in tool.terms]


def _row(name: str, tool: Tool, term: Term) -> Reproduced:
    report, run = _report(tool, term), load_run(name)
    reported, ours = run.printed[term.printed or term.id], _joules(report, term)
    left_open = tool.relative * max(ours, reported)
    near = abs(ours - reported) <= left_open
    return Reproduced(
        id=f"{name}.{term.id}",
        model=f"net A, {run.program}, run {run.run}",
        reported_mj=reported * 1e3,
        recomputed_mj=ours * 1e3,
        convention=report.convention.name,
        verdict="match" if near else "mismatch",
        reason=term.reason,
        expected=term.expected,
        digits_mj=left_open * 1e3,
    )


def _report(tool: Tool, term: Term) -> EnergyReport:
    convention = term.convention or ("" if term.profile else tool.convention)
    profile = _profile(term.profile or tool.profile, tool.variant)
    return price(_run(), profile, convention=convention or None, **term.count)


def _profile(name: str, variant: str) -> Profile:
    """A shipped profile, with another reading of its dataflow where one is asked for."""
    profile = load_profile(name)
    if not variant:
        return profile
    dataflow = profile.dataflow.model_copy(update={"variant": variant})
    return profile.model_copy(update={"dataflow": dataflow})


def _joules(report: EnergyReport, term: Term) -> float:
    """The whole batch."""
    facts = _run().facts
    total = sum(
        row.joules
        for row in report.rows
        if row.event in term.events and term.of in ("", facts[row.node].role)
    )
    return total / _run().steps if term.per == "step" else total


@cache
def _run() -> Run:
    """Net A, captured and simulated."""
    from neurosim.capture.capture import capture
    from neurosim.sim.simulate import simulate
    from neurosim.studies.peer_net import net_a

    model, clip = net_a()
    return simulate(capture(model, clip, kind="spike"), clip, "dense")
