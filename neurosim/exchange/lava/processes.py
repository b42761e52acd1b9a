"""Lava processes of our own: numbers from a file, spikes into a file, and a switch in time.

Reading a variable of a running Lava process costs about 25 µs an element (measured on 200,000), a
memory-mapped file next to nothing; Lava's ring buffers serve where a network is built on by hand.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class FileSource(AbstractProcess):
    """Sends row t − 1 of a ``.npy`` file (steps, *shape) at Lava's step t, then zeros."""

    def __init__(self, *, path: str | Path, shape: tuple[int, ...]) -> None:
        super().__init__(path=str(path), shape=shape)
        self.s_out = OutPort(shape=shape)


class FileSink(AbstractProcess):
    """Writes what arrives at Lava's step t into row t − 1 of a ``.npy`` file that exists, and
    touches the file ``beat``, where there is one, as a sign of life."""

    def __init__(
        self, *, path: str | Path, shape: tuple[int, ...], beat: str | Path | None = None
    ) -> None:
        super().__init__(path=str(path), shape=shape, beat=None if beat is None else str(beat))
        self.a_in = InPort(shape=shape)


class Switch(AbstractProcess):
    """Sends ``before`` up to Lava's step ``last`` and ``after`` from then on."""

    def __init__(self, *, before: np.ndarray, after: np.ndarray, last: int) -> None:
        super().__init__(before=before, after=after, last=last)
        self.s_out = OutPort(shape=before.shape)


class _Source(PyLoihiProcessModel):
    """A port carries the type that its class declares, whatever is sent: hence a model for each."""

    proc_params: Any

    def row(self) -> np.ndarray:
        """Opens the file in the process that reads it."""
        rows = np.load(self.proc_params["path"], mmap_mode="r")
        past = self.time_step > len(rows)
        return np.zeros(rows.shape[1:]) if past else rows[self.time_step - 1]


class _Switched(PyLoihiProcessModel):
    """Two values, one after the other."""

    proc_params: Any

    def row(self) -> np.ndarray:
        """The value of this step."""
        p = self.proc_params
        return p["before"] if self.time_step <= p["last"] else p["after"]


@implements(proc=FileSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyFileSourceFixed(_Source):
    """Whole numbers."""

    s_out: Any = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        """One step."""
        self.s_out.send(np.ascontiguousarray(self.row(), np.int32))


@implements(proc=FileSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyFileSourceFloat(_Source):
    """Real numbers."""

    s_out: Any = LavaPyType(PyOutPort.VEC_DENSE, float)

    def run_spk(self) -> None:
        """One step."""
        self.s_out.send(np.ascontiguousarray(self.row(), np.float64))


@implements(proc=Switch, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySwitchFixed(_Switched):
    """Whole numbers."""

    s_out: Any = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        """One step."""
        self.s_out.send(np.ascontiguousarray(self.row(), np.int32))


@implements(proc=Switch, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PySwitchFloat(_Switched):
    """Real numbers."""

    s_out: Any = LavaPyType(PyOutPort.VEC_DENSE, float)

    def run_spk(self) -> None:
        """One step."""
        self.s_out.send(np.ascontiguousarray(self.row(), np.float64))


@implements(proc=FileSink, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt", "fixed_pt")
class PyFileSink(PyLoihiProcessModel):
    """The map is shared: what is written is seen by whoever reads the file."""

    proc_params: Any
    a_in: Any = LavaPyType(PyInPort.VEC_DENSE, float)

    def run_spk(self) -> None:
        """One step."""
        rows = np.load(self.proc_params["path"], mmap_mode="r+")
        arrived = self.a_in.recv()
        if self.time_step <= len(rows):
            rows[self.time_step - 1] = arrived
        if self.proc_params["beat"] is not None:
            os.utime(self.proc_params["beat"])
