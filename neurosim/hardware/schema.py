"""What a hardware profile is: a structure (``fabric``, read by mapping) and prices (read by the
accountant).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from neurosim.hardware.quantity import Bytes, Joules, Power, Price, Strict, Text, Time

Sram = Literal["loglog", "power_law", "linear", "packed"]


class Host(Strict):
    """Another profile that prices what this chip cannot do; shown as a row of its own, labelled
    assumed.
    """

    profile: Text
    events: tuple[str, ...] = ()


class SramPoint(Strict):
    """Energy of one 64-bit access to an SRAM of a given size."""

    size: Bytes
    energy: Joules
    source: Text


class Dram(Strict):
    """Energy of one 64-bit access to external memory."""

    value: Joules
    low: Joules
    high: Joules
    source: Text
    note: str = ""


class Memory(Strict):
    """SRAM priced by the capacity that a layer needs.

    ``model``: which law between and beyond the points; ``low``/``high`` of a word span all laws
    (``linear`` only where its two coefficients are given). ``spill``: weights larger than
    ``largest_sram`` are streamed from DRAM, never or once per step.
    """

    model: Sram = "loglog"
    points: tuple[SramPoint, ...] = Field(min_length=2)
    linear_base: Joules | None = None
    linear_per_bit: Joules | None = None
    word_bits: int = Field(default=32, gt=0)
    state_bits: int | None = Field(default=None, gt=0)  # of states and accumulators; None: a word's
    event_bits: int = Field(default=32, gt=0)
    largest_sram: Bytes | None = None
    spill: Literal["never", "each_step"] = "never"
    dram: Dram | None = None
    note: str = ""

    def __hash__(self) -> int:
        """Words are cached by model: cheap, and settled by equality."""
        return hash((self.model, self.word_bits, self.event_bits, len(self.points)))


class Addressing(Strict):
    """Energy of the integer arithmetic that finds a word: one addition, one multiply-add."""

    add: Joules
    mac: Joules
    source: Text
    note: str = ""


class Dataflow(Strict):
    """How words move. ``counted``: as counted, no reuse. ``once``: no word of a layer more than
    once per step and sample. ``lemaire``: reads, writes and addressing of Lemaire 2022.

    ``variant``: where the published code and the printed formulae differ, which one to follow.
    ``addressing``: priced where it is given; ``lemaire`` bills its own.
    """

    kind: Literal["counted", "once", "lemaire"] = "counted"
    variant: Literal["paper", "code"] = "code"
    addressing: Addressing | None = None
    source: str = ""
    note: str = ""


class Fabric(Strict):
    """What a chip is made of; every figure is per chip unless its name says otherwise. Read by
    mapping alone.
    """

    cores: int = Field(gt=0)
    tiles: tuple[int, int] | None = None
    cores_per_tile: int | None = Field(default=None, gt=0)
    neurons_per_core: int | None = Field(default=None, gt=0)
    neurons_per_chip: int | None = Field(default=None, gt=0)
    synapses_per_chip: int | None = Field(default=None, gt=0)
    synapse_memory_per_core: Bytes | None = None
    routing_memory_per_core: Bytes | None = None
    axons_in_per_core: int | None = Field(default=None, gt=0)
    axons_out_per_core: int | None = Field(default=None, gt=0)
    population_axons: bool = False  # one axon in serves all channels at a position, by their number
    weight_bits: tuple[int, int] | None = None
    state_bits: int | None = Field(default=None, gt=0)
    payload_bits: int | None = Field(default=None, ge=0)
    message_bits: int | None = Field(default=None, gt=0)
    delay_steps: int | None = Field(default=None, ge=0)
    link_messages_per_second: float | None = Field(default=None, gt=0)
    chip_link_messages_per_second: float | None = Field(default=None, gt=0)
    link_buffer_messages: int | None = Field(default=None, gt=0)
    step: Literal["barrier", "tick", "asynchronous"] = "barrier"
    sources: dict[str, Text] = {}


class Profile(Strict):
    """One chip. Every billed event is in exactly one of prices (or static), host, ignores and
    impossible.
    """

    name: Text
    title: Text
    vendor: str = ""
    node: str = ""
    voltage: str = ""
    basis: Text
    extends: str = ""
    variant_of: str = ""
    convention: str = "exact"
    count: dict[str, Any] = {}
    prices: dict[str, Price]
    static: Power | None = None
    timing: dict[str, Time] = {}
    host: Host | None = None
    ignores: dict[str, Text] = {}
    impossible: dict[str, Text] = {}
    proxies: dict[str, Text] = {}
    memory: Memory | None = None
    dataflow: Dataflow = Dataflow()
    fabric: Fabric | None = None
    doubts: tuple[Text, ...] = ()
    measured: tuple[Text, ...] = ()

    @property
    def hosted(self) -> tuple[str, ...]:
        """Events that the host prices."""
        return self.host.events if self.host else ()
