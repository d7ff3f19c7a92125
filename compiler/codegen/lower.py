"""From ops of a compiled graph to kernel calls, for concrete sizes."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from .. import window as windows
from ..dims import DimLike
from ..dtypes import NATIVE_FLOATS, int32, int64
from ..ir import Operation, Tensor
from ..native.processor import isa
from ..opdef import CONTRACTION, COPY, WINDOW, has_native_types
from ..passes.row_blocks import RowBlock
from .boxes import copy_all, lower_boxes, lower_scatter
from .conv import lower_conv, lower_conv_input_grad
from .conv_filter_grad import lower_conv_filter_grad
from .depthwise import lower_depthwise, lower_depthwise_filter_grad, lower_depthwise_input_grad
from .fused_epilogue import FusedEpilogue, after
from .gemm import lower_gemm
from .kernel import KernelCall, Scratch
from .loop_group import LoopGroup
from .loops import lower_loops
from .lu import lower_lu
from .pool import lower_pool2d
from .pool_grad import lower_avg_pool2d_grad, lower_max_pool2d_grad
from .qr import lower_qr
from .recurrence import RecurrenceKernel
from .row_sums import lower_row_sums
from .scan import lower_scan
from .scatter import lower_row_update, lower_sum_equal_rows
from .sort import lower_sort
from .top import lower_top
from .triangular import lower_cholesky, lower_triangular_solve
from .unit_rows import UnitRows
from .vector_rows import VectorRows


class Lowering:
    """What lowering needs to know: the fed sizes, which tensors `stay` the same from run to run, and numbers for ops
    that may fault."""

    def __init__(self, sizes: Callable[[DimLike], int], stays: Callable[[Any], bool] = lambda handle: False):
        self.sizes = sizes
        self.stays = stays
        self.faults: list[Operation] = []

    def fault_id(self, op: Operation) -> int:
        if op not in self.faults:
            self.faults.append(op)
        return self.faults.index(op) + 1

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        assert tensor.dims is not None
        return tuple(self.sizes(d) for d in tensor.dims)

    def lower(self, op: Operation) -> list[KernelCall] | None:
        """The op's kernel calls, or None for an op that runs its reference on the host."""
        if op.type == "Fused":
            return self._fused(op)
        if op.type == "Recurrence":
            return RecurrenceKernel(op, self.sizes, self.fault_id).calls()
        if not has_native_types(op):
            return None
        if op.definition.family == CONTRACTION and op.output.dtype in (*NATIVE_FLOATS, int32, int64):
            return self._matmul(op, op.output, op.inputs, None)
        if op.definition.family == WINDOW and op.output.dtype in NATIVE_FLOATS:
            return self._window(op, op, op.output, op.inputs, None)
        if "rows" in op.definition.fields:
            return lower_row_update(op, self.shape, self.fault_id)
        if "scan" in op.definition.fields:
            return lower_scan(op, self.shape)
        if "copied_rows" in op.definition.fields:
            copy = copy_all(f"{op.name}/copy", op.inputs[0], op.output, prod(self.shape(op.output)), op.output.dtype)
            return [copy, *lower_row_update(op, self.shape, self.fault_id)]
        if op.definition.fields.get("sum_rows"):
            return lower_sum_equal_rows(op, self.shape, self.sizes(op.attrs["rows"]), self.fault_id)
        if "order" in op.definition.fields:
            return lower_top(op, self.shape) or lower_sort(op, self.shape)
        if op.type == "Cholesky":
            return lower_cholesky(op, self.shape, self.fault_id)
        if op.type == "MatrixTriangularSolve":
            return lower_triangular_solve(op, self.shape, self.fault_id)
        if op.type in ("Lu", "MatrixSolve", "MatrixInverse", "MatrixDeterminant", "LogMatrixDeterminant"):
            return lower_lu(op, self.shape, self.fault_id)
        if op.type == "Qr":
            return lower_qr(op, self.shape)
        if op.definition.family == COPY:
            if op.definition.fields.get("scatter"):
                return lower_scatter(op, self.shape, self.fault_id)
            return lower_boxes(op, self.shape, self.sizes)
        return None

    def lower_block(self, block: RowBlock) -> KernelCall | None:
        """The call of a block of rows, None where its operations are to be lowered one by one."""
        return (UnitRows if isa().matrix_unit else VectorRows)(block, self).call()

    def _fused(self, op: Operation) -> list[KernelCall] | None:
        body, anchor = op.attrs["body"], op.attrs["anchor"]
        handles: dict[Tensor, Any] = dict(zip(body.inputs, op.inputs, strict=True))
        handles.update(zip(body.outputs, op.outputs, strict=True))
        # a variable that is read and assigned here is one buffer, so that the order of its accesses is plain
        variables: dict[Tensor, Any] = {}
        for i, handle in op.attrs["writes"].items():
            handles[body.outputs[i]] = variables.setdefault(op.inputs[handle], op.outputs[i])
            for parameter, x in zip(body.inputs, op.inputs, strict=True):
                if _variable(x) is op.inputs[handle]:
                    handles[parameter] = variables[op.inputs[handle]]
        group = LoopGroup(op.name, body, op.attrs["domain"], op.attrs["axes"], self.sizes, self.fault_id,
                          lambda t: handles.get(t, t))
        if anchor is None:
            return lower_row_sums(group) if group.row_sums else lower_loops(group)
        plain = [t for i, t in enumerate(op.outputs) if i not in op.attrs["writes"]]
        raw: Any = handles.get(anchor.output, plain[-1] if plain else None)
        epilogue = FusedEpilogue(group, anchor.output, raw)
        inputs = [handles[t] for t in anchor.inputs]
        if anchor.definition.family != CONTRACTION:
            return self._window(op, anchor, raw, inputs, epilogue)
        if not op.attrs["writes"]:
            return self._matmul(anchor, raw, inputs, epilogue)
        calls = [] if plain else self._matmul(anchor, None, inputs, epilogue)
        product = handles.get(anchor.output) or Scratch(group.elements * anchor.output.dtype.size)
        return calls or [*self._matmul(anchor, product, inputs, None),
                         *lower_loops(after(group, anchor.output, product))]

    def _matmul(self, product: Operation, out: Any, inputs: Any, epilogue: Any) -> list[KernelCall]:
        a, b = inputs
        return lower_gemm(a, b, out, **self.product_sizes(product, inputs), epilogue=epilogue)

    def product_sizes(self, product: Operation, inputs: Sequence[Tensor]) -> dict[str, Any]:
        """The arguments of `product_of` for a matrix product of these tensors, but for its buffers."""
        a_shape, b_shape, c_shape = (self.shape(t) for t in (*inputs, product.output))
        transpose_a, transpose_b = product.attrs["transpose_a"], product.attrs["transpose_b"]
        batch = c_shape[:-2]
        return {"dtype": product.output.dtype.code, "m": c_shape[-2], "n": c_shape[-1],
                "k": a_shape[-2] if transpose_a else a_shape[-1], "batch": batch,
                "a_batch_strides": _batch_strides(a_shape, batch), "b_batch_strides": _batch_strides(b_shape, batch),
                "transpose_a": transpose_a, "transpose_b": transpose_b}

    def _window(self, op: Operation, window: Operation, out: Tensor, inputs: Any, epilogue: Any
                ) -> list[KernelCall] | None:
        shapes = [self.shape(t) for t in inputs]
        out_shape, dtype = self.shape(window.output), window.output.dtype.code
        attrs = window.attrs
        match window.type:
            case "Conv2D" | "Conv3D" | "DepthwiseConv2dNative":
                each, geometry = _conv(window, dtype, shapes[0], shapes[1])
                if each:
                    return lower_depthwise(inputs[0], inputs[1], out, epilogue=epilogue, **geometry)
                return lower_conv(inputs[0], inputs[1], out, epilogue=epilogue, stays=self.stays(inputs[1]), **geometry)
            case "Conv2DBackpropInput" | "Conv3DBackpropInputV2" | "DepthwiseConv2dNativeBackpropInput":
                each, geometry = _conv(window, dtype, out_shape, shapes[1])
                transposed = lower_depthwise_input_grad if each else lower_conv_input_grad
                return transposed(inputs[0], inputs[1], out, epilogue=epilogue, **geometry)
            case "Conv2DBackpropFilter" | "Conv3DBackpropFilterV2" | "DepthwiseConv2dNativeBackpropFilter":
                each, geometry = _conv(window, dtype, shapes[0], out_shape)
                gradient = lower_depthwise_filter_grad if each else lower_conv_filter_grad
                return gradient(inputs[0], inputs[1], out, **geometry)
            case "MaxPool" | "AvgPool":
                return lower_pool2d(inputs[0], out, kind="max" if window.type == "MaxPool" else "avg",
                                    **_pool(dtype, shapes[0], attrs))
            case "MaxPoolGrad":
                x, y, dy = inputs
                return lower_max_pool2d_grad(x, y, dy, out, epilogue=epilogue, **_pool(dtype, shapes[0], attrs))
            case "AvgPoolGrad":
                return lower_avg_pool2d_grad(inputs[0], out, **_pool(dtype, out_shape, attrs))
        return None


def _variable(x: Tensor) -> Tensor | None:
    """The handle of the variable whose value `x` is, as read or as an earlier kernel left it."""
    if x.op.type == "Fused":
        return x.op.inputs[x.op.attrs["writes"][x.index]] if x.index in x.op.attrs["writes"] else None
    return x.op.inputs[0] if x.op.type == "ReadVariableOp" else None


def _conv(op: Operation, dtype: str, x_shape: tuple[int, ...], w_shape: tuple[int, ...]) -> tuple[bool, dict[str, Any]]:
    """(whether each channel of images is filtered by itself, the arguments of the kernels of a convolution)."""
    attrs, channels = op.attrs, x_shape[-1]
    pads, _ = windows.resolve(attrs["padding"], x_shape[1:-1], w_shape[:-2], attrs["strides"], attrs["dilations"])
    each = op.type.startswith("Depthwise") and channels > 1
    if len(w_shape) == 4 and w_shape[2] == 1 < channels and not each:
        each, w_shape = True, (*w_shape[:2], channels, w_shape[3] // channels)
    return each, {"dtype": dtype, "x_shape": x_shape, "w_shape": w_shape, "strides": attrs["strides"],
                  "dilations": attrs["dilations"], "padding": pads}


def _pool(dtype: str, x_shape: tuple[int, ...], attrs: dict[str, Any]) -> dict[str, Any]:
    pads, _ = windows.resolve(attrs["padding"], x_shape[1:3], attrs["window"], attrs["strides"])
    return {"dtype": dtype, "x_shape": x_shape, "window": attrs["window"], "strides": attrs["strides"],
            "padding": pads}


def _batch_strides(shape: tuple[int, ...], batch: tuple[int, ...]) -> tuple[int, ...]:
    """Elements between consecutive matrices along each axis of the batch, 0 where they are repeated."""
    own = (1,) * (len(batch) + 2 - len(shape)) + shape
    return tuple(0 if own[i] == 1 else prod(own[i + 1:]) for i in range(len(batch)))
