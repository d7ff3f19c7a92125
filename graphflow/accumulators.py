"""What is kept between runs beside variables: accumulators of gradients, tensors by handle; critical sections."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import nest
from .array_ops import gather
from .compiler.dtypes import DType, as_dtype, int64, string
from .compiler.ir import Operation, Tensor, default_graph
from .compiler.ops import accumulator as ops
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, not_equal
from .compiler.ops.gather import IndexedSlices
from .compiler.ops.selection import where_true
from .compiler.ops.view import identity, reshape, zeros_of
from .compiler.shapes import TensorShape
from .framework import control_dependencies, name_scope, placeholder
from .math_ops import reduce_any
from .runtime.session import default_session


class ConditionalAccumulatorBase:
    """Adds up gradients that come in runs of their own, for a run that takes their mean once there are enough."""

    def __init__(self, dtype: Any, shape: Any, accumulator_ref: Tensor):
        self._dtype = as_dtype(dtype)
        self._shape = TensorShape(shape)
        self._accumulator_ref = accumulator_ref

    @property
    def accumulator_ref(self) -> Tensor:
        return self._accumulator_ref

    @property
    def name(self) -> str:
        return self._accumulator_ref.op.name

    @property
    def dtype(self) -> DType:
        return self._dtype

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """How many gradients there are, int32."""
        return ops.num_accumulated(self._accumulator_ref, name=name or f"{self.name}_num_accumulated")

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Operation:
        """Gradients of earlier steps will be dropped."""
        return ops.set_global_step.operation(self._accumulator_ref, cast(new_global_step, int64), name=name)

    def _apply(self, gradient: Any, local_step: Any, name: str | None) -> Operation:
        value = convert_to_tensor(gradient, self._dtype)
        if not value.shape.is_compatible_with(self._shape):
            raise ValueError(f"Shapes {value.shape} and {self._shape} are incompatible: a gradient for {self.name!r}")
        return ops.apply_gradient.operation(self._accumulator_ref, cast(local_step, int64), value, name=name)

    def _take(self, num_required: Any, name: str | None) -> Tensor:
        return ops.take_gradient(self._accumulator_ref, cast(num_required, int64), dtype=self._dtype,
                                 dims=_sizes(self._shape), name=name)


def _sizes(shape: TensorShape) -> tuple[int | None, ...] | None:
    return None if shape.dims is None else tuple(shape.as_list())


def _reference(kind: str, dtype: Any, shape: Any, shared_name: str | None, name: str, reduction_type: str) -> Tensor:
    if reduction_type not in ("MEAN", "SUM"):
        raise ValueError(f"{kind}: reduction_type must be 'MEAN' or 'SUM', received {reduction_type!r}")
    key = shared_name or f"{default_graph().unique_name(name, mark_as_used=False)}"
    return ops.accumulator(key=key, dtype=as_dtype(dtype), dims=_sizes(TensorShape(shape)),
                           mean=reduction_type == "MEAN", name=name)


class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Of dense gradients. Raises ValueError for a reduction other than "MEAN" and "SUM"."""

    def __init__(self, dtype: Any, shape: Any = None, shared_name: str | None = None,
                 name: str = "conditional_accumulator", reduction_type: str = "MEAN"):
        super().__init__(dtype, shape, _reference(name, dtype, shape, shared_name, name, reduction_type))

    def apply_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Operation:
        """Add a gradient, unless its step is before the accumulator's."""
        return self._apply(grad, local_step, name)

    def take_grad(self, num_required: Any, name: str | None = None) -> Tensor:
        """The mean (or sum), once `num_required` gradients have come; the accumulator then begins anew."""
        return self._take(num_required, name)


class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Of gradients of some rows; `shape` is that of the whole."""

    def __init__(self, dtype: Any, shape: Any = None, shared_name: str | None = None,
                 name: str = "sparse_conditional_accumulator", reduction_type: str = "MEAN"):
        super().__init__(dtype, shape, _reference(name, dtype, shape, shared_name, name, reduction_type))

    def apply_indexed_slices_grad(self, grad: IndexedSlices, local_step: Any = 0, name: str | None = None) -> Operation:
        """Add a gradient given as rows and their indices."""
        return self.apply_grad(grad.indices, grad.values, grad.dense_shape, local_step, name)

    def apply_grad(self, grad_indices: Any, grad_values: Any, grad_shape: Any = None, local_step: Any = 0,
                   name: str | None = None) -> Operation:
        """Add `grad_values`, the rows at `grad_indices`."""
        shape = self._shape if grad_shape is None else grad_shape
        rows = IndexedSlices(convert_to_tensor(grad_values, self._dtype), convert_to_tensor(grad_indices),
                             convert_to_tensor(shape))
        return self._apply(rows, local_step, name)

    def take_indexed_slices_grad(self, num_required: Any, name: str | None = None) -> IndexedSlices:
        """The mean (or sum) of each row, once there are enough: the rows that are not all 0."""
        dense = self._take(num_required, name)
        used = reduce_any(not_equal(reshape(dense, [dense.shape.as_list()[0] or -1, -1]), zeros_of(dense)), 1)
        indices = reshape(where_true(used), [-1])
        return IndexedSlices(gather(dense, indices), indices, convert_to_tensor(self._shape))

    def take_grad(self, num_required: Any, name: str | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """(indices, values, shape) of `take_indexed_slices_grad`."""
        found = self.take_indexed_slices_grad(num_required, name)
        return found.indices, found.values, convert_to_tensor(self._shape)


class CriticalSection:
    """Functions executed through one section run one after the other, also where nothing else orders them."""

    def __init__(self, name: str | None = None, shared_name: str | None = None, critical_section_def: Any = None,
                 import_scope: str | None = None):
        self.name = shared_name or name or "critical_section"
        self._last: dict[Any, list[Any]] = {}  # graph -> what was executed last

    def execute(self, fn: Callable[[], Any], exclusive_resource_access: bool = True, name: str | None = None) -> Any:
        """The value of `fn()`, computed after what was executed before. Raises ValueError for what it captured late."""
        graph = default_graph()
        with name_scope(name, "critical_section_execute"), control_dependencies(self._last.get(graph, [])):
            result = fn()
            tensors = [t for t in nest.flatten(result) if t is not None]
            with control_dependencies(tensors):
                result = nest.map_structure(lambda t: t if t is None or isinstance(t, Operation) else identity(t),
                                            result)
        self._last[graph] = [t for t in nest.flatten(result) if t is not None]
        return result


class TensorHandle:
    """A tensor that the session keeps."""

    def __init__(self, handle: bytes, dtype: DType):
        self.handle = handle.decode()
        self._dtype = dtype

    def eval(self) -> Any:
        """The value, from the default session."""
        session = default_session()
        if session is None:
            raise ValueError("No default session is registered: a handle is evaluated in the session that made it")
        return session.resources["handle", self.handle]

    def get_raw_handle(self) -> str:
        return self.handle

    def delete(self) -> None:
        """Let the default session forget the tensor."""
        session = default_session()
        if session is not None:
            session.resources.pop(("handle", self.handle), None)

    def __str__(self) -> str:
        return self.handle


class _HandleFetch:
    """A tensor whose fetched value is a TensorHandle."""

    def __init__(self, tensor: Tensor, dtype: DType):
        self._tensor, self._dtype = tensor, dtype

    def _fetch_parts(self) -> Any:
        return [self._tensor], lambda handle: TensorHandle(handle, self._dtype)

    def _as_graph_element(self) -> Tensor:
        return self._tensor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tensor, name)


def get_session_handle(data: Any, name: str | None = None) -> Any:
    """Keeps a value in the session; fetched, it gives a TensorHandle for later runs."""
    value = convert_to_tensor(data)
    return _HandleFetch(ops.get_session_handle(value, name=name), value.dtype)


def get_session_tensor(handle: Any, dtype: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(a placeholder for a handle's text, the tensor kept under it)."""
    holder = placeholder(string, [])
    return holder, ops.get_session_tensor(holder, dtype=as_dtype(dtype), name=name)


def delete_session_tensor(handle: Any, name: str | None = None) -> tuple[Tensor, Operation]:
    """(a placeholder for a handle's text, the operation that makes the session forget its tensor)."""
    holder = placeholder(string, [])
    return holder, ops.delete_session_tensor.operation(holder, name=name)
