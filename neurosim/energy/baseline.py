"""A report beside its dense twin: what a network of activations would cost on the same prices, and
below which firing rate the spiking one is cheaper.

Two twins: in the number format of the profile (fp32 on ``cmos_45nm``), and bit-matched: activations
of ⌈log2(T + 1)⌉ bits hold as many values as T steps of spikes (Yan et al., arXiv 2409.08290), with
weights of as many bits; then the spiking network's arithmetic, and what a host does for a chip, is
priced at that width too, so that formats are equal on both sides. A chip that has no MACs is
compared with the twin on its host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from neurosim.energy import break_even as even
from neurosim.energy.bits import at_bits, has_bits
from neurosim.energy.break_even import BreakEven
from neurosim.energy.placed import Placed
from neurosim.energy.price import price
from neurosim.energy.report import EnergyReport
from neurosim.energy.root import proved
from neurosim.energy.scaled import ScaledPlacement, awake, repeats_for, scaled
from neurosim.energy.twin import dense_twin
from neurosim.errors import UnpricedEvents
from neurosim.hardware.convention import Convention, with_counts
from neurosim.hardware.profile import load_profile
from neurosim.hardware.schema import Profile
from neurosim.ir.run import Run

Chip = str | Path | Profile
FORMATS = {
    "cmos_45nm": "fp32", "cmos_45nm_memory": "fp32", "cmos_45nm_memory_reuse": "fp32",
    "cmos_7nm": "fp32", "spikformer_v1": "fp32", "spikingjelly_simple": "fp32",
    "cmos_45nm_fp16": "fp16", "cmos_45nm_int16": "int16", "cmos_45nm_int8": "int8",
    "cmos_45nm_memory_lemaire": "int32", "gpu": "bf16", "jetson": "int8",
}  # fmt: skip


@dataclass(frozen=True)
class DenseTwin:
    """How the twin is made. ``frames``: new frames of the clip (None: every step is one).
    ``bits``: of the bit-matched twin (None: ⌈log2(T + 1)⌉). ``on``: the profile it runs on (None:
    the chip itself, or its host where it has no MACs). ``zeros``: activations that it skips.
    """

    frames: int | None = None
    bits: int | None = None
    on: Chip | None = None
    zeros: float = 0.0


_WORDS = {
    "all": "the SNN wins against {twin} below {factor:.4g} times the given rates",
    "nothing": "nothing fires, so no rate compares with {twin}",
    "costs": "the SNN costs as much as {twin} at any firing rate",
    "never": "the SNN loses against {twin} at any firing rate: what no rate changes costs more",
    "always": "the SNN wins against {twin} at any firing rate up to one spike a step",
}


@dataclass(frozen=True)
class Compared:
    """One twin beside the spiking network. ``format``: fp32, or 5 bit."""

    profile: str
    on: str
    format: str
    frames: int
    steps: int
    network: BreakEven
    layers: tuple[BreakEven, ...]
    twin: EnergyReport
    bits: int | None = None

    @property
    def passes(self) -> str:
        """How often the twin runs, and what its bits stand for."""
        ran = f"{self.frames} passes over {self.steps} steps"
        if self.bits is None:
            return ran
        matched = matched_bits(self.steps) == self.bits
        return f"{ran}, {self.bits} = ⌈log2({self.steps} + 1)⌉" if matched else ran

    @property
    def caution(self) -> str:
        """What the match of bits rests on where every step is a frame of its own; else nothing."""
        if self.bits != matched_bits(self.steps) or self.frames == 1:
            return ""
        each = matched_bits(self.steps // self.frames)
        return (
            f"{self.bits} bits hold what a neuron sends in all {self.steps} steps; of one of the "
            f"{self.frames} frames they hold {each} (bits={each} is the twin of that)"
        )

    def verdict(self) -> str:
        """The result in one line."""
        n, twin = self.network, f"the {self.format} twin"
        on = "" if self.on == self.profile else f", the twin on {self.on}"
        under = f"under {self.profile}{on}"
        if n.possible:
            result = "it wins" if n.wins else "it loses"
            return (
                f"the SNN wins against {twin} if its mean firing rate is below {n.break_even:.4g} "
                f"{under}; measured {n.rate:.4g}: {result}"
            )
        words = _WORDS[n.said().partition(" ")[0]]
        return f"{words.format(twin=twin, factor=n.factor)} {under}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "profile": self.profile,
            "twin_on": self.on,
            "format": self.format,
            "bits": self.bits,
            "frames": self.frames,
            "steps": self.steps,
            "verdict": self.verdict(),
            "caution": self.caution or None,
            "twin_mj": self.twin.joules_per_video * 1e3,
            "twin_mj_low": self.twin.low * self.twin.per_video * 1e3,
            "twin_mj_high": self.twin.high * self.twin.per_video * 1e3,
            "network": self.network.to_dict(),
            "layers": [layer.to_dict() for layer in self.layers],
        }


@dataclass(frozen=True)
class Baseline:
    """The twins of one report; ``missing``: why one is not there."""

    compared: tuple[Compared, ...]
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"twins": [c.to_dict() for c in self.compared], "missing": list(self.missing)}


def baseline(
    run: Run,
    report: EnergyReport,
    twin: DenseTwin | None = None,
    placement: Placed | None = None,
    host: Chip | None = None,
) -> Baseline:
    """``report``, and how it was made (``placement``, ``host``), beside its twins.

    A twin that cannot be priced is said in ``missing``. Raises UnknownName, ProfileError: no such
    profile to run it on, or no such bits; ClipError: no such frames.
    """
    asked = twin or DenseTwin()
    made = dense_twin(run, asked.frames, asked.zeros)
    bits = asked.bits or matched_bits(run.steps)
    try:
        on = _machine(report.profile, asked.on, host)
    except UnpricedEvents as error:
        return Baseline((), (str(error),))
    found: list[Compared] = []
    missing: list[str] = []
    for width in (None, bits):
        if width is not None and not has_bits(on):
            missing.append(f"{width} bit: no prices of integer arithmetic are known for {on.name}")
            continue
        sides = _Sides(run, report, placement, host, made, on, width)
        try:
            found.append(sides.compared())
        except UnpricedEvents as error:
            missing.append(str(error))
    return Baseline(tuple(found), tuple(missing))


def matched_bits(steps: int) -> int:
    """⌈log2(T + 1)⌉: bits that hold the T + 1 counts of T steps."""
    return steps.bit_length()


def _machine(chip: Profile, on: Chip | None, host: Chip | None) -> Profile:
    """Where the twin runs."""
    if on is not None:
        return load_profile(on)
    if "mac" in chip.prices:
        return chip
    if host is not None:
        return load_profile(host)
    if chip.host is not None and "mac" in chip.hosted:
        return load_profile(chip.host.profile)
    raise UnpricedEvents(
        f"profile {chip.name!r} has no multiply-accumulates and no host for them: say where the "
        "dense twin runs"
    )


@dataclass(frozen=True)
class _Sides:
    """Both networks under one pair of profiles; ``bits`` None: in the profiles' own format."""

    run: Run
    report: EnergyReport
    placement: Placed | None
    host: Chip | None
    made: Run
    on: Profile
    bits: int | None

    def compared(self) -> Compared:
        """Raises UnpricedEvents: the twin needs what its profile has no price for."""
        twin = price(_of_width(self.made, self.bits), self._at(self.on), convention=self._rules())
        whole, nodes = self._network(twin.joules_per_video), self._layers(even.joules_of(twin))
        form = FORMATS.get(self.on.name, "same format") if self.bits is None else f"{self.bits} bit"
        return Compared(
            self.report.profile.name, self.on.name, form, self.made.steps, self.run.steps, whole,
            nodes, twin, self.bits,
        )  # fmt: skip

    def _network(self, twin: float) -> BreakEven:
        """All rates as one."""
        at = [self._spiking(self.run, s).joules_per_video for s in (0, 1, 2)]
        guess = even.crossing(even.polynomial(*at), twin)

        def energy(factors: Mapping[str, float]) -> Mapping[str, float]:
            found = self._spiking(self.run, factors["network"])
            return {"network": found.joules_per_video}

        s = proved(energy, {"network": twin}, {"network": guess})["network"]
        return even.network(self.run, at[0], at[1], twin, s)

    def _layers(self, twin: Mapping[str, float]) -> tuple[BreakEven, ...]:
        """Each by itself, all of them priced at once."""
        up = awake(self.run)
        prices = [even.joules_of(self._spiking(self.run, s)) for s in (0, 1, 2)]
        woken = (
            prices if up is self.run else [even.joules_of(self._spiking(up, s)) for s in (0, 1, 2)]
        )
        guesses = even.layers(self.run, prices, twin, up, woken)
        found = proved(
            lambda factors: even.joules_of(self._spiking(up, factors)),
            {n: g.twin for n, g in guesses.items()}, {n: g.crossing for n, g in guesses.items()},
        )  # fmt: skip
        return tuple(guess.at(found[name]) for name, guess in guesses.items())

    def _rules(self) -> Convention:
        """The report's, of a network of real values that is run as it is."""
        given = {"real_into_weights": "mac", "input_neurons": False, "stem": "per_step"}
        return with_counts(self.report.convention, given)

    def _at(self, profile: Profile) -> Profile:
        return profile if self.bits is None else at_bits(profile, self.bits)

    def _spiking(self, measured: Run, factor: float | Mapping[str, float]) -> EnergyReport:
        """The spiking network at ``factor`` times its rates; a chip keeps its own arithmetic."""
        chip, narrow = self.report.profile, has_bits(self.report.profile)
        if self.bits is not None and narrow:
            chip = self._at(chip)
        factors = list(factor.values()) if isinstance(factor, Mapping) else [factor]
        whole = all(s in (0, 1, 2) for s in factors)
        repeats = 1 if whole else repeats_for(measured, max(factors))
        run = _of_width(scaled(measured, factor, repeats), self.bits if narrow else None)
        placed = None
        if self.placement is not None:
            s = 1 if isinstance(factor, Mapping) else factor
            placed = ScaledPlacement(self.placement, self.run, Fraction(s) * repeats)
        return price(run, chip, placed, self.report.convention, self._host())

    def _host(self) -> Chip | None:
        """What the host of a chip does for it is done at the twin's width too."""
        chip = self.report.profile
        if self.bits is None or self.host is None and chip.host is None:
            return self.host
        host = load_profile(self.host or (chip.host.profile if chip.host else chip))
        return at_bits(host, self.bits) if has_bits(host) else host


def _of_width(run: Run, bits: int | None) -> Run:
    """The run with weights of so many bits."""
    if bits is None:
        return run
    facts = {n: replace(f, weight_bits=bits) for n, f in run.facts.items()}
    return replace(run, facts=facts)
