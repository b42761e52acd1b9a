"""Event recordings in HDF5, in the layouts that are about:

- ``t``, ``x``, ``y``, ``p`` at the top or in a group ``events`` (DSEC; its ``t_offset`` moves all
  times alike and is not needed);
- ``ts``, ``xs``, ``ys``, ``ps`` at the top or in ``events`` (the event-CNN tools);
- a table with the fields t, x, y, p called ``events`` or ``CD/events`` (Metavision).

Whole-number times are microseconds; floating-point ``ts`` are seconds and are rounded to them.
Sensor size: ``height`` and ``width`` as data sets or attributes of the file, or its attribute
``sensor_resolution`` (height, width).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.data.pictures import fault

if TYPE_CHECKING:
    import h5py

_SHORT, _PLURAL = ("t", "x", "y", "p"), ("ts", "xs", "ys", "ps")
_TABLES = ("events", "CD/events")


def read_hdf5(path: Path) -> dict[str, np.ndarray]:
    """t (µs), x, y, p, and height and width where the file states them.

    Raises ClipError: not HDF5, damaged, none of the layouts.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = _events(file)
            size = _size(file)
    except (OSError, RuntimeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise fault(path, f"HDF5 that cannot be read ({reason})", "fetch it again") from None
    if found is None:
        raise fault(path, "none of the known layouts", "give data sets t, x, y and p")
    return {**found, **size}


def _events(file: h5py.File) -> dict[str, np.ndarray] | None:
    homes: tuple[Any, ...] = (file, file.get("events"))
    for home in homes:
        for names in (_SHORT, _PLURAL):
            if _holds(home, names):
                return _columns([np.asarray(home[name]) for name in names], names is _PLURAL)
    for name in _TABLES:
        table = file.get(name)
        if _fields(table) >= set(_SHORT):
            rows = np.asarray(table)
            return {field: rows[field] for field in _SHORT}
    return None


def _holds(home: Any, names: tuple[str, ...]) -> bool:
    import h5py

    return isinstance(home, h5py.Group) and all(
        isinstance(home.get(name), h5py.Dataset) for name in names
    )


def _fields(table: Any) -> set[str]:
    import h5py

    return set(table.dtype.names or ()) if isinstance(table, h5py.Dataset) else set()


def _columns(columns: list[np.ndarray], seconds: bool) -> dict[str, np.ndarray]:
    t, x, y, p = columns
    if seconds and t.dtype.kind == "f":
        t = np.rint(t * 1e6)
    return {"t": t, "x": x, "y": y, "p": p}


def _size(file: h5py.File) -> dict[str, np.ndarray]:
    if "sensor_resolution" in file.attrs:
        height, width = np.ravel(np.asarray(file.attrs["sensor_resolution"]))[:2]
        return {"height": height, "width": width}
    homes = (file, file.attrs)
    for home in homes:
        if "height" in home and "width" in home:
            return {name: np.asarray(home[name]) for name in ("height", "width")}
    return {}
