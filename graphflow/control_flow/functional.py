"""`map_fn`, `foldl`, `foldr` and `scan`: functions over the slices of tensors along their first axis, as loops."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import nest
from ..compiler.dtypes import as_dtype
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.view import shape
from ..compiler.shapes import TensorShape
from ..framework import name_scope
from .tensor_array import TensorArray
from .while_loop import while_loop


class _Elements:
    """The slices of a nest of tensors."""

    def __init__(self, function: Any, elems: Any):
        if not callable(function):
            raise TypeError(f"{function.__name__ if hasattr(function, '__name__') else 'fn'} is not callable. Please "
                            "provide a callable function.")
        self.structure = elems
        self.tensors = [convert_to_tensor(e, name="elem") for e in nest.flatten(elems)]
        if not self.tensors:
            raise ValueError("elems must be a Tensor or (possibly nested) sequence of Tensors. Got no tensors.")
        for t in self.tensors:
            if t.dims is not None and not t.dims:
                raise ValueError("Elements in elems must be 1+ dimensional Tensors, not scalars.")
        static = self.tensors[0].dims
        known = static is not None and isinstance(static[0], int)
        self.count: Any = static[0] if known else shape(self.tensors[0])[0]  # type: ignore[index]
        self.arrays = [TensorArray(t.dtype, self.count, element_shape=t.shape[1:], infer_shape=True).unstack(t)
                       for t in self.tensors]

    def at(self, index: Any) -> Any:
        """The nest of slices `index`."""
        return nest.pack_sequence_as(self.structure, [array.read(index) for array in self.arrays])

    def results(self, dtypes: Sequence[Any], infer_shape: bool = True) -> list[TensorArray]:
        return [TensorArray(dtype, self.count, infer_shape=infer_shape) for dtype in dtypes]

    def stacked(self, structure: Any, arrays: Sequence[TensorArray]) -> Any:
        """The nest of the arrays' contents, as long as the elements."""
        length = self.tensors[0].shape[:1]
        for t in self.tensors[1:]:
            length = length.merge_with(t.shape[:1])
        stacks = []
        for array in arrays:
            stack = array.stack()
            if stack.dims is not None:
                stack.set_shape(length.concatenate(TensorShape(stack.dims[1:])))
            stacks.append(stack)
        return nest.pack_sequence_as(structure, stacks)


def map_fn(fn: Callable[..., Any], elems: Any, dtype: Any = None, parallel_iterations: int | None = None,
           back_prop: bool = True, swap_memory: bool = False, infer_shape: bool = True, name: str | None = None,
           fn_output_signature: Any = None) -> Any:
    """fn(slice) for each slice of `elems` (a tensor, or a nest of them) along the first axis, stacked.

    `dtype` (or `fn_output_signature`) is the nest of the results' dtypes, by default those of `elems`.
    """
    if fn_output_signature is not None:
        dtype = nest.map_structure(lambda s: getattr(s, "dtype", s), fn_output_signature)
    with name_scope(name, "map", nest.flatten(elems)):
        elements = _Elements(fn, elems)
        structure = nest.map_structure(lambda t: convert_to_tensor(t).dtype, elems) if dtype is None else (
            nest.map_structure(as_dtype, dtype))

        def compute(i: Tensor, arrays: Sequence[TensorArray]) -> Any:
            result = fn(elements.at(i))
            nest.assert_same_structure(structure, result)
            return i + 1, [a.write(i, v) for a, v in zip(arrays, nest.flatten(result), strict=True)]

        start = elements.results(nest.flatten(structure), infer_shape)
        _, arrays = while_loop(
            lambda i, _: i < elements.count, compute, (constant(0), start),
            parallel_iterations=parallel_iterations or 10, back_prop=back_prop, swap_memory=swap_memory,
            maximum_iterations=elements.count)
        return elements.stacked(structure, arrays)


def _fold(fn: Callable[..., Any], elems: Any, initializer: Any, name: str | None, default_name: str, right: bool,
          options: dict[str, Any]) -> Any:
    with name_scope(name, default_name, nest.flatten(elems)):
        elements = _Elements(fn, elems)
        count = elements.count
        last = count - 1
        if initializer is None:
            value, first = elements.at(last if right else 0), last if right else 1
        else:
            value, first = nest.map_structure(convert_to_tensor, initializer), count if right else 0

        def compute(i: Tensor, value: Any) -> Any:
            at = i - 1 if right else i
            result = fn(value, elements.at(at))
            nest.assert_same_structure(value, result)
            return at if right else i + 1, result

        return while_loop((lambda i, _: i > 0) if right else (lambda i, _: i < count), compute,
                          [convert_to_tensor(first), value], maximum_iterations=count, **options)[1]


def foldl(fn: Callable[..., Any], elems: Any, initializer: Any = None, parallel_iterations: int = 10,
          back_prop: bool = True, swap_memory: bool = False, name: str | None = None) -> Any:
    """fn(...fn(fn(initializer, slice 0), slice 1)..., last slice); without initializer it starts with slice 0."""
    options = {"parallel_iterations": parallel_iterations, "back_prop": back_prop, "swap_memory": swap_memory}
    return _fold(fn, elems, initializer, name, "foldl", False, options)


def foldr(fn: Callable[..., Any], elems: Any, initializer: Any = None, parallel_iterations: int = 10,
          back_prop: bool = True, swap_memory: bool = False, name: str | None = None) -> Any:
    """`foldl` from the last slice to the first."""
    options = {"parallel_iterations": parallel_iterations, "back_prop": back_prop, "swap_memory": swap_memory}
    return _fold(fn, elems, initializer, name, "foldr", True, options)


def scan(fn: Callable[..., Any], elems: Any, initializer: Any = None, parallel_iterations: int = 10,
         back_prop: bool = True, swap_memory: bool = False, infer_shape: bool = True, reverse: bool = False,
         name: str | None = None) -> Any:
    """The successive values of `foldl(fn, elems, initializer)`, stacked; from the last slice on with `reverse`, where
    value i is that after slice i."""
    with name_scope(name, "scan", nest.flatten(elems)):
        elements = _Elements(fn, elems)
        count = elements.count
        first: Any = count - 1 if reverse else 0
        if initializer is None:
            value = elements.at(first)
        else:
            value = nest.map_structure(convert_to_tensor, initializer)
        structure = elems if initializer is None else initializer
        arrays = elements.results([t.dtype for t in nest.flatten(value)], infer_shape)
        if initializer is None:
            arrays = [a.write(first, v) for a, v in zip(arrays, nest.flatten(value), strict=True)]
            first = first - 1 if reverse else 1

        def compute(i: Tensor, value: Any, arrays: Sequence[TensorArray]) -> Any:
            result = fn(value, elements.at(i))
            nest.assert_same_structure(structure, result)
            written = [a.write(i, v) for a, v in zip(arrays, nest.flatten(result), strict=True)]
            return i - 1 if reverse else i + 1, result, written

        _, _, arrays = while_loop(
            (lambda i, *_: i >= 0) if reverse else (lambda i, *_: i < count), compute,
            (convert_to_tensor(first), value, arrays), parallel_iterations=parallel_iterations, back_prop=back_prop,
            swap_memory=swap_memory, maximum_iterations=count)
        return elements.stacked(structure, arrays)
