"""A lint for energy claims: what reviewers object to, found in a run and its reports.

Every rule is one function in ``lint_rules`` with a name, why it matters and a source; ``silence``
takes names. A warning says what was done, not that it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.energy import lint_rules
from neurosim.energy.report import EnergyReport
from neurosim.errors import UnknownName
from neurosim.ir.run import Run


@dataclass(frozen=True)
class Rule:
    """``finds``: what a report of a run would be criticised for, "" where for nothing."""

    name: str
    why: str
    source: str
    finds: Callable[[Run, EnergyReport], str]


@dataclass(frozen=True)
class Finding:
    """What a rule found, and in the reports of which profiles."""

    rule: Rule
    text: str
    profiles: tuple[str, ...]

    def line(self) -> str:
        """One short line: ``name (profiles): text``."""
        where = f" ({', '.join(self.profiles)})" if self.profiles else ""
        return f"{self.rule.name}{where}: {self.text}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        rule = self.rule
        return {
            "name": rule.name, "profiles": list(self.profiles), "text": self.text,
            "why": rule.why, "source": rule.source,
        }  # fmt: skip


RULES: tuple[Rule, ...] = (
    Rule(
        "real-as-spikes",
        "a real or integer operand needs a multiplication; as a spike it is billed a fifth of it",
        "Zhou et al., Spikingformer, arXiv 2304.11954, which bills the non-binary inputs of "
        "earlier spiking transformers as multiply-accumulates",
        lint_rules.real_as_spikes,
    ),
    Rule(
        "unfolded-norms",
        "a norm is free only where it folds into weights; behind an addition, or with parameters "
        "per step, it multiplies every element at every step",
        "Rueckauer et al., Front. Neurosci. 11:682 (2017), on what folds",
        lint_rules.unfolded_norms,
    ),
    Rule(
        "stem-billed-once",
        "the first layer is real and runs at every step unless its result is kept",
        "arXiv 2304.11954: its own rows bill the stem at every step, its SEW-ResNet rows once",
        lint_rules.stem_billed_once,
    ),
    Rule(
        "memory-ignored",
        "moving a word costs more than the addition that it feeds",
        "Horowitz, ISSCC 2014; Lemaire et al., ICONIP 2022; Yan et al., arXiv 2409.08290",
        lint_rules.memory_ignored,
    ),
    Rule(
        "static-absent",
        "a powered chip leaks whether or not a neuron fires; short networks pay mostly for that",
        "Frady et al. 2020, Table 1: 3.34 W for 32 Loihi chips",
        lint_rules.static_absent,
    ),
    Rule(
        "views-mismatch",
        "an accuracy over several views costs the energy of all of them",
        "SVFormer, arXiv 2406.15034: 84.03 % is at 5×3 views, its energy log at one",
        lint_rules.views_mismatch,
    ),
    Rule(
        "untrained-rates",
        "the energy of events follows the firing rates, and those come from training",
        "Yan et al., arXiv 2409.08290: who wins is decided by the rate",
        lint_rules.untrained_rates,
    ),
)  # fmt: skip
NAMES = tuple(rule.name for rule in RULES)


def lint(
    run: Run, reports: Mapping[str, EnergyReport], silence: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """Warnings in the order of the rules; one a text, with all profiles that it is about.

    Raises UnknownName: ``silence`` names no rule.
    """
    silent = check_names(silence)
    found: dict[tuple[str, str], list[str]] = {}
    for rule in RULES:
        for profile, report in reports.items() if rule.name not in silent else ():
            if text := rule.finds(run, report):
                found.setdefault((rule.name, text), []).append(profile)
    rules = {rule.name: rule for rule in RULES}
    return tuple(Finding(rules[name], text, tuple(at)) for (name, text), at in found.items())


def check_names(names: Iterable[str]) -> frozenset[str]:
    """Names of rules. Raises UnknownName."""
    given = frozenset(names)
    for name in sorted(given - set(NAMES)):
        raise UnknownName("warning", name, NAMES)
    return given
