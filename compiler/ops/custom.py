"""Identity under a gradient of its own."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ir import Operation, Tensor, TensorType
from ..opdef import COMPOSITE, OpDef


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [t.type for t in inputs]


def _grad(op: Operation, *grads: Tensor | None) -> Sequence[Any]:
    function = op.attrs["grad"]
    return list(grads) if function is None else function(op, *grads)


# its inputs; `grad`, if given, takes the op and the outputs' gradients
identity_n = OpDef("IdentityN", COMPOSITE, _types, _grad, lambda *xs, grad: tuple(xs),
                   expand=lambda *xs, grad: list(xs))
