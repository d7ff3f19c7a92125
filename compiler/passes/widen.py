"""What computes with floats of 16 bits computes with float32, whose results are rounded to 16 bits after each op, as
TensorFlow's are: kernels then know them as elements to read, to write and to round to. What only moves them stays."""
from __future__ import annotations

from collections.abc import Sequence

from ..dtypes import HALVES, float32
from ..ir import Graph, Operation, Tensor, TensorType, default_graph
from ..opdef import CONTRACTION, ELEMENTWISE, RANDOM, REDUCTION, WINDOW
from ..ops.elementwise import cast
from .rewrite import transform

COMPUTES = {ELEMENTWISE, REDUCTION, CONTRACTION, WINDOW, RANDOM}
MATRICES = {"Cholesky", "LogMatrixDeterminant", "Lu", "MatrixDeterminant", "MatrixInverse", "MatrixSolve",
            "MatrixTriangularSolve", "Qr"}


def widen(graph: Graph) -> Graph:
    return transform(graph, _widen) if any(t.dtype in HALVES for op in graph.operations for t in op.outputs) else graph


def _widen(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
    computes = op.definition.family in COMPUTES or op.type in MATRICES
    if not computes or not any(t.dtype in HALVES for t in (*op.inputs, *op.outputs)):
        return None
    if op.type == "Cast":
        wide = cast(inputs[0], float32)
        return None if wide is inputs[0] or op.output.dtype == float32 else [cast(wide, op.output.dtype)]
    given = [cast(x, float32) if x.dtype in HALVES else x for x in inputs]
    attrs = op.attrs if op.attrs.get("dtype") not in HALVES else {**op.attrs, "dtype": float32}
    wide_types = [TensorType(float32, t.dims) if t.dtype in HALVES else t.type for t in op.outputs]
    results = default_graph().add(op.definition, given, attrs, op.type, wide_types).outputs
    return [cast(wide, t.dtype) for wide, t in zip(results, op.outputs, strict=True)]
