"""Graphs and runs on disk: one .npz of JSON and plain arrays. Loading executes nothing and needs no
torch."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from neurosim.errors import StoreError
from neurosim.ir.counts import Counts
from neurosim.ir.facts import NodeFacts
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.manifest import Manifest
from neurosim.ir.run import Run, Trace
from neurosim.ir.types import Kind, ValueType

FORMAT = 1


def write_atomically(path: str | Path, data: bytes) -> Path:
    """Write ``data`` under a temporary name beside ``path``, then rename: nothing half-written
    under the final name.

    Raises StoreError: the folder is missing, not writable, or full; or ``path`` is a folder or a
    device, which a rename would destroy.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise StoreError(f"cannot write {path}: it is not a regular file; choose another name")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        try:
            temporary.unlink(missing_ok=True)
        except OSError:
            pass
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; choose a writable folder"
        ) from None
    return path


def _pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    text = json.dumps(header, sort_keys=True, default=_jsonable).encode()
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, allow_pickle=False, header=np.frombuffer(text, np.uint8), **cast(Any, arrays)
    )
    return buffer.getvalue()


def _jsonable(value: Any) -> Any:
    if isinstance(value, np.generic):
        return cast(Any, value).item()
    if isinstance(value, np.ndarray):
        array = cast("np.ndarray", value)
        return {"array": array.tolist(), "dtype": str(array.dtype)}
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON-ready")


def _unpack(path: str | Path, what: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise StoreError(f"no such file: {path}") from None
    except OSError as error:
        raise StoreError(
            f"cannot read {path}: {error.strerror or error}; give a file that neurosim wrote"
        ) from None
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise _foreign(path, what, "no .npz file, or cut short")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            header: Any = json.loads(file["header"].tobytes())
            arrays = {k: file[k] for k in file.files if k != "header"}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise _foreign(path, what, error) from None
    if not isinstance(header, dict):
        raise _foreign(path, what, "its header is no table")
    return _of_this_kind(path, what, cast("dict[str, Any]", header)), arrays


def _foreign(path: str | Path, what: str, why: object) -> StoreError:
    found = " ".join(str(why).split())[:120]
    return StoreError(f"{path} is not a neurosim {what}: {found}; give a file that neurosim wrote")


def _of_this_kind(path: str | Path, what: str, header: dict[str, Any]) -> dict[str, Any]:
    if header.get("what") != what or header.get("format") != FORMAT:
        found = f"{header.get('what')} format {header.get('format')}"
        raise StoreError(
            f"{path} holds {found}, expected {what} format {FORMAT}; give a file of that kind, "
            "or save it anew"
        )
    return header


def _type_out(t: ValueType | None) -> dict[str, Any] | None:
    if t is None:
        return None
    scale = t.scale if t.uniform else np.asarray(t.scale)
    return {
        "shape": t.shape,
        "steps": t.steps,
        "kind": t.kind.value,
        "lo": t.lo,
        "hi": t.hi,
        "scale": float(scale) if t.uniform else _jsonable(scale),
        "masked": t.masked,
    }


def _type_in(d: Mapping[str, Any] | None) -> ValueType | None:
    if d is None:
        return None
    scale = d["scale"]
    if isinstance(scale, dict):
        stored = cast("dict[str, Any]", scale)
        scale = np.array(stored["array"], dtype=stored["dtype"])
    return ValueType(
        tuple(d["shape"]), d["steps"], Kind(d["kind"]), d["lo"], d["hi"], scale, d["masked"]
    )


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in cast("list[Any]", value)) if isinstance(value, list) else value


def _graph_out(graph: Graph) -> dict[str, Any]:
    nodes = [
        {
            "name": n.name,
            "op": n.op,
            "inputs": [[e.node, e.delay, e.initial] for e in n.inputs],
            "attrs": dict(n.attrs),
            "params": dict(n.params),
            "type": _type_out(n.type),
            "facts": n.facts.to_dict() if n.facts else None,
            "source": n.source,
        }
        for n in graph.nodes
    ]
    return {
        "nodes": nodes,
        "outputs": graph.outputs,
        "steps": graph.steps,
        "samples": graph.samples,
        "pipeline": graph.pipeline,
        "meta": dict(graph.meta),
        "params": list(graph.params),
    }


def _graph_in(d: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Graph:
    nodes = tuple(
        Node(
            n["name"],
            n["op"],
            tuple(Edge(*e) for e in n["inputs"]),
            {k: _tuples(v) for k, v in n["attrs"].items()},
            n["params"],
            _type_in(n["type"]),
            NodeFacts.from_dict(n["facts"]) if n["facts"] else None,
            n["source"],
        )
        for n in d["nodes"]
    )
    params = {key: arrays[f"param{i}"] for i, key in enumerate(d["params"])}
    return Graph(
        nodes,
        params,
        tuple(d["outputs"]),
        d["steps"],
        d["samples"],
        tuple(d["pipeline"]),
        d["meta"],
    )


def save_graph(graph: Graph, path: str | Path) -> Path:
    """Write a graph with its parameters. Raises StoreError."""
    arrays = {f"param{i}": np.asarray(a) for i, a in enumerate(graph.params.values())}
    header = {"what": "graph", "format": FORMAT, "graph": _graph_out(graph)}
    return write_atomically(path, _pack(header, arrays))


def load_graph(path: str | Path) -> Graph:
    """Read what ``save_graph`` wrote. Raises StoreError."""
    header, arrays = _unpack(path, "graph")
    try:
        return _graph_in(header["graph"], arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # GraphError is a ValueError
        raise _foreign(path, "graph", f"{type(error).__name__} {error}") from None


def save_run(run: Run, path: str | Path) -> Path:
    """Write counts, facts, manifest, trace and outputs (not the graph's weights). Raises
    StoreError."""
    counts = run.counts
    arrays = {f"count{i}": a for i, a in enumerate(counts.table.values())}
    arrays |= {f"trace{i}": a for i, a in enumerate(run.trace.values.values())}
    outputs = [np.asarray(o) for o in _flat(run.outputs)]
    arrays |= {f"output{i}": a for i, a in enumerate(outputs)}
    header = {
        "what": "run",
        "format": FORMAT,
        "counts": list(counts.table),
        "samples": counts.samples,
        "steps": counts.steps,
        "steps_per_bin": counts.steps_per_bin,
        "samples_summed": counts.samples_summed,
        "squares": [[*k, v] for k, v in counts.squares.items()],
        "facts": [f.to_dict() for f in run.facts.values()],
        "manifest": run.manifest.to_dict(),
        "trace": list(run.trace.values),
        "outputs": len(outputs),
    }
    return write_atomically(path, _pack(header, arrays))


def load_run(path: str | Path) -> Run:
    """Read what ``Run.save`` wrote; outputs come back as a list of arrays. Raises StoreError."""
    header, arrays = _unpack(path, "run")
    try:
        return _run_in(header, arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _foreign(path, "run", f"{type(error).__name__} {error}") from None


def _run_in(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Run:
    table = {(n, e): arrays[f"count{i}"] for i, (n, e) in enumerate(header["counts"])}
    squares = {(n, e): v for n, e, v in header["squares"]}
    counts = Counts(
        table,
        header["samples"],
        header["steps"],
        header["steps_per_bin"],
        header["samples_summed"],
        squares,
    )
    facts = {f["name"]: NodeFacts.from_dict(f) for f in header["facts"]}
    trace = Trace({n: arrays[f"trace{i}"] for i, n in enumerate(header["trace"])})
    outputs = [arrays[f"output{i}"] for i in range(header["outputs"])]
    return Run(counts, facts, Manifest.from_dict(header["manifest"]), outputs, trace)


def _flat(nest: Any) -> list[Any]:
    """Leaves of nested tuples, lists and dicts, None left out."""
    if nest is None:
        return []
    if isinstance(nest, Mapping):
        return [leaf for v in cast("Mapping[str, Any]", nest).values() for leaf in _flat(v)]
    if isinstance(nest, (list, tuple)):
        return [leaf for v in cast("list[Any]", nest) for leaf in _flat(v)]
    return [nest.detach().cpu().numpy() if hasattr(nest, "detach") else nest]
