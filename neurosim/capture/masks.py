"""Masked attention: a pair that −infinity takes out of the softmax counts no event (counting rules,
section 4).

scores = Q·K, + a constant that holds −infinity, softmax, · V: the product that made the scores gets
the allowed pairs as ``keep_out`` (…, M, N), the product that uses the weights as ``keep_left`` (…,
M, K).
"""

from __future__ import annotations

import torch
from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.fold import Folded, Id

_ALONG = ("affine", "reshape")


def exclude(nodes: list[Folded]) -> None:
    """Mark the products on both sides of every masked softmax."""
    by_id = {f.id: f for f in nodes}
    readers: dict[Id, list[Folded]] = {f.id: [] for f in nodes}
    for f in nodes:
        for operand in f.operands:
            readers[operand.node].append(f)
    for f in nodes:
        allowed = _allowed(f, by_id) if f.op == "softmax" else None
        if allowed is not None:
            _before(f, allowed, by_id, readers)
            _after(f, allowed, readers)


def _allowed(softmax: Folded, by_id: dict[Id, Folded]) -> Tensor | None:
    """bool, the shape of the scores; None: nothing is masked. The softmax must run over the last
    axis."""
    shape = axes.slice_shape(softmax.dims)
    masked = by_id[softmax.operands[0].node]
    bias = (
        masked.params.get("bias")
        if masked.op == "affine" and not masked.attrs.get("per_step")
        else None
    )
    if (
        bias is None
        or softmax.attrs["axis"] != len(shape) - 1
        or not bool(torch.isneginf(bias).any())
    ):
        return None
    return (~torch.isneginf(bias)).expand(shape)


def _before(
    softmax: Folded, allowed: Tensor, by_id: dict[Id, Folded], readers: dict[Id, list[Folded]]
) -> None:
    node = by_id[softmax.operands[0].node]
    while node.op in _ALONG and len(readers[node.id]) == 1:
        node = by_id[node.operands[0].node]
        shape = axes.slice_shape(node.dims)
        if shape != tuple(allowed.shape):
            if allowed.numel() != torch.Size(shape).numel():
                return
            allowed = allowed.reshape(shape)
    if node.op == "matmul" and len(readers[node.id]) == 1:
        node.params = node.params | {"keep_out": allowed.contiguous()}


def _after(softmax: Folded, allowed: Tensor, readers: dict[Id, list[Folded]]) -> None:
    todo = [(softmax, allowed)]
    while todo:
        node, mask = todo.pop()
        for reader in readers[node.id]:
            if reader.op == "reshape":
                todo.append((reader, mask.reshape(axes.slice_shape(reader.dims))))
            elif reader.op == "matmul" and reader.operands[0].node == node.id:
                reader.params = reader.params | {"keep_left": mask.contiguous()}
