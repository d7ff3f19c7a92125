"""Initial values of variables that are computed from other variables' ones."""
from __future__ import annotations

import functools
from typing import Any

from .compiler.ir import Operation, Tensor
from .framework import GraphKeys


def initialized(value: Tensor) -> Tensor:
    """`value` computed from the initial values of the variables it reads, which may be initialized in the same run."""
    @functools.cache
    def variables() -> dict[Operation, Any]:  # few initial values read any, and there may be many
        return {v.op: v for key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES)
                for v in value.graph.collections.get(key, ()) if hasattr(v, "initialized_value")}

    copies: dict[Operation, tuple[Tensor, ...]] = {}

    def outputs(op: Operation) -> tuple[Tensor, ...]:
        if op not in copies:
            variable = variables().get(op.inputs[0].op) if op.type == "ReadVariableOp" else None
            if variable is not None:
                copies[op] = (variable.initialized_value(),)
            else:
                inputs = [outputs(t.op)[t.index] for t in op.inputs]
                same = all(a is b for a, b in zip(inputs, op.inputs, strict=True))
                copies[op] = op.outputs if same else op.graph.add(
                    op.definition, inputs, op.attrs, op.type, types=[t.type for t in op.outputs]).outputs
        return copies[op]

    return outputs(value.op)[value.index]
