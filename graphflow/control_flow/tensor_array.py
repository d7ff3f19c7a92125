"""`TensorArray`: tensors by number, written once each, in loops above all."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..check_ops import Assert
from ..compiler import dims as dm
from ..compiler.dtypes import as_dtype, int32
from ..compiler.ir import Operation, Tensor
from ..compiler.ops import tensor_array as ops
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.gather import gather, range_
from ..compiler.ops.slicing import concat
from ..compiler.ops.symbolic import static_value
from ..compiler.ops.view import expand_dims, identity, reshape, shape, zeros_like
from ..compiler.shapes import TensorShape
from ..compiler.subgraph import knows_sizes
from ..framework import constant, control_dependencies, name_scope


class _Content:
    """What the successive states of one array share."""

    def __init__(self, dtype: Any, element_shape: TensorShape, infer_shape: bool, dynamic_size: bool, origin: Tensor,
                 name: str, additive: bool = False):
        self.dtype = dtype
        self.element_shape = element_shape
        self.infer_shape = infer_shape
        self.dynamic_size = dynamic_size
        self.origin = origin
        self.name = name
        self.additive = additive

    @property
    def size(self) -> int | None:
        """The number of elements, where it was given as a constant and stays."""
        op = self.origin.op
        if op.type != "TensorArrayV3" or self.dynamic_size or not op.inputs:  # where ops run at once they are forgotten
            return None
        return int(op.inputs[0].op.attrs["value"]) if op.inputs[0].op.type == "Const" else None

    def settle(self, shape: TensorShape) -> None:
        """Learn the shape of the elements from one. Raises ValueError for one that does not fit."""
        if self.infer_shape:
            if not self.element_shape.is_compatible_with(shape):
                raise ValueError(f"Inconsistent shapes: saw {shape} but expected {self.element_shape}")
            self.element_shape = shape.merge_with(self.element_shape)
        elif self.element_shape.dims is None:
            self.element_shape = shape
        dims = self.element_shape.dims
        if dims is not None and self.origin.eager_value is None:
            ops.settle(self.origin, dims, knows_sizes(self.origin.op.graph, dims))


class TensorArray:
    """An array of `size` tensors of one dtype (and, with `infer_shape`, one shape), each written at most once.

    Every method that writes returns the array that follows; the one before must not be used any more. With
    `dynamic_size` it grows when it is written past its end. `flow` is its content as a tensor [size, *element_shape].
    `clear_after_read` and `colocate_with_first_write_call` are accepted. Raises InvalidArgumentError when the graph
    runs with an index out of range, writes twice to an index that is known while it is built, or reads where nothing
    has said what elements are like.
    """

    def __init__(self, dtype: Any, size: Any = None, dynamic_size: bool | None = None,
                 clear_after_read: bool | None = None, tensor_array_name: str | None = None, handle: Any = None,
                 flow: Any = None, infer_shape: bool = True, element_shape: Any = None,
                 colocate_with_first_write_call: bool = True, name: str | None = None):
        if handle is not None and tensor_array_name:
            raise ValueError("Cannot provide both `handle` and `tensor_array_name` arguments at the same time.")
        if handle is not None and not isinstance(handle, Tensor):
            raise TypeError(f"Expected `handle` to be a Tensor, but got `{handle}` of type `{type(handle)}` instead.")
        if handle is None and size is None:
            raise ValueError("Argument `size` must be provided if handle is not provided.")
        if handle is not None and size is not None:
            raise ValueError("Cannot provide both a `handle` and `size` arguments at the same time.")
        if handle is not None and element_shape is not None:
            raise ValueError("Cannot provide both `handle` and `element_shape` arguments at the same time.")
        if handle is not None and dynamic_size is not None:
            raise ValueError("Cannot provide both `handle` and `dynamic_size` arguments at the same time.")
        kind = as_dtype(dtype)
        element = TensorShape(element_shape)
        if handle is None:
            label = tensor_array_name or "TensorArray"
            with name_scope(name, "TensorArray") as scope:
                count = convert_to_tensor(size, int32 if not isinstance(size, Tensor) else None, name="size")
                known = element.dims if knows_sizes(count.graph, element.dims) else None
                handle = ops.new_array(kind, count, known, scope, label)
        else:
            label = handle.op.name
            if element.dims is None and handle.dims is not None:
                element = TensorShape(handle.dims[1:])
        self._content = _Content(kind, element, infer_shape or element.dims is not None, bool(dynamic_size), handle,
                                 label)
        self._flow: Tensor = handle if flow is None else flow
        self._written: frozenset[int] = frozenset()

    def continued(self, flow: Tensor, written: frozenset[int] = frozenset()) -> TensorArray:
        """The same array with another content, of which the elements `written` are known to have been."""
        array = object.__new__(type(self))
        array._content, array._flow, array._written = self._content, flow, written
        return array

    @property
    def flow(self) -> Tensor:
        return self._flow

    @property
    def handle(self) -> Tensor:
        return self._content.origin

    @property
    def dtype(self) -> Any:
        return self._content.dtype

    @property
    def dynamic_size(self) -> bool:
        return self._content.dynamic_size

    @property
    def element_shape(self) -> TensorShape:
        return self._content.element_shape

    @property
    def op(self) -> Operation:
        return self._content.origin.op

    @property
    def graph(self) -> Any:
        return self._flow.graph

    def _elements(self, flow: Tensor) -> Tensor:
        """`flow` with the shape of the elements, where that has become known since it was made."""
        element = self._content.element_shape
        if flow.dims is None and element.dims is not None:
            flow.set_shape((None, *element.as_list()))
        return flow

    def _readable(self, index: Any = 0) -> Tensor:
        """The elements, which cannot be read before any is written unless their shape was given."""
        flow = self._elements(self._flow)
        if flow is not self._content.origin or flow.op.type != "TensorArrayV3" or flow.dims is not None:
            return flow
        return self._refused(flow, f"Could not read from TensorArray index {static_value(convert_to_tensor(index))}: "
                             "nothing has been written, and the element shape is not fully defined: <unknown>.")

    def _refused(self, flow: Tensor, message: str) -> Tensor:
        with control_dependencies([Assert(constant(False), [f"TensorArray {self._content.name}: {message}"])]):
            return identity(flow)

    def identity(self) -> TensorArray:
        """The same array."""
        return self.continued(identity(self._flow))

    def grad(self, source: str, flow: Any = None, name: str | None = None) -> TensorArray:
        """An array of zeros like this one, whose writes add, for gradients computed by hand."""
        with name_scope(name, "TensorArrayGrad"):
            zeros = zeros_like(self._elements(self._flow if flow is None else flow))
        array = self.continued(zeros)
        own = self._content
        array._content = _Content(own.dtype, own.element_shape, own.infer_shape, False, zeros, f"{own.name}@{source}",
                                  additive=True)
        return array

    # reading

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """Element `index`."""
        row = ops.read_row(self._readable(index), convert_to_tensor(index, name="index"),
                           name=name or "TensorArrayReadV3")
        row.set_shape(self._content.element_shape.as_list() if self._content.element_shape.dims is not None else None)
        return row

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements at `indices` (a vector), stacked."""
        at = convert_to_tensor(indices, None if isinstance(indices, Tensor) else int32)
        return self._listed(gather(self._readable(), at), name)

    def stack(self, name: str | None = None) -> Tensor:
        """All elements, stacked."""
        with name_scope(name, "TensorArrayStack"):
            result, own = self._listed(self._readable(), None), self._content
            if result.dims and own.element_shape.dims is not None and own.size is not None:
                result.set_shape([own.size, *result.shape.as_list()[1:]])
            return result

    def concat(self, name: str | None = None) -> Tensor:
        """All elements, joined along their first axis."""
        flow = self._readable()
        if flow.dims is None:
            sizes = shape(flow)
            return reshape(flow, concat([[-1], sizes[2:]], 0), name=name or "TensorArrayConcatV3")
        return reshape(flow, (dm.product(flow.dims[:2]), *flow.dims[2:]), name=name or "TensorArrayConcatV3")

    def _listed(self, value: Tensor, name: str | None) -> Tensor:
        """With a first size that is not known while the graph is built, as TensorFlow's shape rule has it."""
        result = ops.listed(value, name=name or "TensorArrayGatherV3")
        if result.eager_value is not None:
            return result
        element = self._content.element_shape
        if value.dims is not None:
            result.dims = TensorShape((None, *value.dims[1:])).dims
        elif element.dims is not None:
            result.dims = TensorShape((None, *element.as_list())).dims
        return result

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements, a scalar."""
        if self._flow.dims is not None:
            return reshape(shape(self._flow)[:1], (), name=name or "TensorArraySizeV3")
        return shape(self._flow, name=name)[0]

    # writing

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """With element `index` set to `value`."""
        with name_scope(name, "TensorArrayWrite"):
            x = self._value(value)
            self._content.settle(x.shape)
            at = convert_to_tensor(index, name="index")
            flow = self._elements(self._flow)
            if self._content.dynamic_size:
                flow = self._elements(ops.grown(flow, at))
            rows = expand_dims(x, 0) if x.dims is not None else reshape(x, concat([[1], shape(x)], 0))
            if self._content.additive:
                return self.continued(ops.add_rows(flow, expand_dims(at, 0), rows))
            known = static_value(at)
            number = frozenset() if known is None else frozenset([int(known)])
            if number & self._written:
                flow = self._refused(flow, f"Could not write to TensorArray index {known} because it has already been "
                                           "written to.")
            return self.continued(ops.set_rows(flow, expand_dims(at, 0), rows), self._written | number)

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """With the slices of `value` along its first axis as its elements."""
        with name_scope(name, "TensorArrayUnstack"):
            x = self._value(value)
            if x.dims is not None and not x.dims:
                raise ValueError("Shape must be at least rank 1, received a scalar")
            self._content.settle(x.shape[1:])
            held, given = self._flow.dims, x.dims
            if held and given and held[0] != given[0]:
                before, count = held[0], given[0]
                if isinstance(before, int) and isinstance(count, int):
                    whole = count >= before
                else:  # at least as many as the array has, unless it can keep more
                    whole = before == 0 or not self._content.dynamic_size
                if not whole:
                    return self._with_first(x)
            flow = identity(x, name="TensorArrayScatterV3")
            if held and given and isinstance(held[0], int) and not self._content.dynamic_size:
                flow.set_shape(held[:1] + given[1:])
            return self.continued(flow)

    def _with_first(self, x: Tensor) -> TensorArray:
        """With the slices of `x` as the first elements."""
        flow, count = self._elements(self._flow), shape(x)[0]
        if self._content.dynamic_size:
            flow = self._elements(ops.grown(flow, count - 1))
        return self.continued(ops.set_rows(flow, range_(count), x))

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """With the slices of `value` along its first axis as the elements at `indices` (a vector)."""
        with name_scope(name, "TensorArrayScatter"):
            x = self._value(value)
            self._content.settle(x.shape[1:])
            flow = self._elements(self._flow)
            at = convert_to_tensor(indices, int32 if not isinstance(indices, Tensor) else None)
            if self._content.dynamic_size:
                flow = self._elements(ops.grown(flow, _largest(at)))
            return self.continued(ops.set_rows(flow, at, x))

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """With consecutive parts of `value` along its first axis, of these lengths, as its elements.

        The lengths must be known and equal: an element has the shape of every other.
        """
        with name_scope(name, "TensorArraySplit"):
            x = self._value(value)
            sizes = static_value(convert_to_tensor(lengths))
            if sizes is None or len({*sizes.tolist()}) > 1:
                raise ValueError("TensorArray.split: lengths must be known while the graph is built and equal, "
                                 f"received {lengths!r}")
            if x.dims is None:
                raise ValueError("TensorArray.split: the rank of the value must be known")
            count = len(sizes)
            element: Sequence[Any] = (int(sizes[0]) if count else 0, *x.dims[1:])
            self._content.settle(TensorShape(element))
            return self.continued(reshape(x, (count, *element)))

    def close(self, name: str | None = None) -> Operation:
        """Nothing: the memory is the plan's."""
        from ..framework import no_op
        return no_op(name)

    def _value(self, value: Any) -> Tensor:
        x = convert_to_tensor(value, preferred_dtype=self._content.dtype, name="value")
        if x.dtype != self._content.dtype:
            raise TypeError(f"TensorArray dtype is {self._content.dtype.name} but Op is trying to write dtype "
                            f"{x.dtype.name}.")
        return x


def _largest(indices: Tensor) -> Tensor:
    from ..compiler.ops.reduction import reduce_max
    return reduce_max(indices)
