"""Layers that make one tensor of several."""
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ...compiler.dtypes import bool_
from ...compiler.ir import Tensor
from ...compiler.names import named
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.elementwise import logical_or
from ...compiler.ops.reduction import reduce_any, reduce_sum
from ...compiler.ops.slicing import concat
from ...compiler.ops.view import broadcast_to, expand_dims, reshape, transpose
from .input_spec import is_shape
from .layer import Layer


class Merge(Layer):
    """Base class: several tensors joined elementwise, their shapes broadcast after the batch axis. Fewer axes are
    padded after the batch's. Subclasses define `join(a, b)`.
    """

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        if is_shape(input_shape) or not isinstance(input_shape, (list, tuple)):
            raise ValueError("A merge layer should be called on a list of inputs. Received: "
                             f"input_shape={input_shape} (not a list of shapes)")
        if len(input_shape) < 1:
            raise ValueError(f"A merge layer should be called on a list of at least 1 input. Received "
                             f"{len(input_shape)} inputs. Full input_shape received: {input_shape}")
        batches = {s[0] for s in input_shape if s} - {None}
        if len(batches) > 1:
            raise ValueError("Cannot merge tensors with different batch sizes. Received tensors with shapes "
                             f"{input_shape}")
        _broadcast_shape(input_shape)

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        raise NotImplementedError(f"Layer {type(self).__name__} must define `join()`.")

    def _merge_function(self, inputs: Sequence[Tensor]) -> Tensor:
        return functools.reduce(self.join, inputs)

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"A merge layer should be called on a list of inputs. Received: inputs={inputs}")
        rank = max(len(t.dims) for t in inputs)
        return self._merge_function([reshape(t, (t.dims[:1] + (1,) * (rank - len(t.dims)) + t.dims[1:]))
                                     if len(t.dims) < rank else t for t in inputs])

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        masks = _checked_masks(inputs, previous_mask)
        if masks is None or any(m is None for m in masks):
            return None
        return functools.reduce(logical_or, [ew.cast(m, bool_) for m in masks])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return _broadcast_shape(input_shape)


def _checked_masks(inputs: Any, masks: Any) -> Any:
    """The masks of the inputs, None where there are none. Raises ValueError unless there is one for each input."""
    if masks is None:
        return None
    for what, value in (("mask", masks), ("inputs", inputs)):
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"`{what}` should be a list. Received: {what}={value!r}")
    if len(masks) != len(inputs):
        raise ValueError("The lists `inputs` and `mask` should have the same length. Received: inputs of length "
                         f"{len(inputs)} and mask of length {len(masks)}")
    return masks


def _broadcast_shape(shapes: Any) -> tuple[int | None, ...]:
    """The shape of an elementwise operation. Raises ValueError where sizes conflict."""
    rank = max(len(s) for s in shapes)
    padded = [(*tuple(s)[:1], *(1,) * (rank - len(s)), *tuple(s)[1:]) for s in shapes]
    sizes: list[int | None] = []
    for axis in zip(*padded, strict=True):
        known = {d for d in axis if d is not None} - {1}
        if len(known) > 1:
            raise ValueError(f"Inputs have incompatible shapes. Received shapes {' and '.join(map(str, shapes))}")
        sizes.append(known.pop() if known else None if None in axis else 1)
    return tuple(sizes)


class Add(Merge):
    """The sum of the inputs, element by element; shapes are broadcast."""

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b


class Subtract(Merge):
    """The first less the second of two tensors."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f"A `Subtract` layer should be called on exactly 2 inputs. Received: "
                             f"input_shape={input_shape}")

    def _merge_function(self, inputs: Sequence[Tensor]) -> Tensor:
        if len(inputs) != 2:
            raise ValueError(f"A `Subtract` layer should be called on exactly 2 inputs. Received: inputs={inputs}")
        return inputs[0] - inputs[1]


class Multiply(Merge):
    """The product of the inputs, element by element; shapes are broadcast."""

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        return a * b


class Average(Merge):
    """The mean of the inputs, element by element; shapes are broadcast."""

    def _merge_function(self, inputs: Sequence[Tensor]) -> Tensor:
        return functools.reduce(lambda a, b: a + b, inputs) / len(inputs)


class Maximum(Merge):
    """The largest of the inputs, element by element; shapes are broadcast."""

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        return ew.maximum(a, b)


class Minimum(Merge):
    """The smallest of the inputs, element by element; shapes are broadcast."""

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        return ew.minimum(a, b)


class Concatenate(Merge):
    """Tensors put one after the other along `axis`; the other sizes must agree."""

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        if is_shape(input_shape) or len(input_shape) < 1:
            raise ValueError("A `Concatenate` layer should be called on a list of at least 1 input. Received: "
                             f"input_shape={input_shape}")
        rank = len(input_shape[0])
        for shape in input_shape:
            if len(shape) != rank or any(a != b for i, (a, b) in enumerate(zip(shape, input_shape[0], strict=True))
                                         if i != self.axis % rank and None not in (a, b)):
                raise ValueError("A `Concatenate` layer requires inputs with matching shapes except for the "
                                 f"concatenation axis. Received: input_shape={input_shape}")

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"A `Concatenate` layer should be called on a list of inputs. Received: inputs={inputs}")
        return concat(list(inputs), self.axis)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape[0])
        sizes = [s[self.axis] for s in input_shape]
        shape[self.axis] = None if None in sizes else sum(sizes)
        return tuple(shape)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        masks = _checked_masks(inputs, previous_mask)
        if masks is None or all(m is None for m in masks):
            return None
        full = []
        for tensor, mask in zip(inputs, masks, strict=True):
            if mask is None:
                full.append(broadcast_to(convert_to_tensor(True), tensor.dims))
            else:
                mask = ew.cast(convert_to_tensor(mask), bool_)
                full.append(broadcast_to(expand_dims(mask, -1), tensor.dims) if len(mask.dims or ()) < len(tensor.dims)
                            else mask)
        return reduce_any(concat(full, self.axis), -1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class Dot(Merge):
    """The sum of products along an axis of each of two tensors, sample by sample; with `normalize` the cosine."""

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(axes, int) and (not isinstance(axes, (list, tuple)) or len(axes) != 2 or not all(
                isinstance(a, int) for a in axes)):
            raise ValueError(f"Invalid value for argument `axes`: it must be an integer or a list of two integers. "
                             f"Received: axes={axes}")
        self.axes, self.normalize = axes, normalize

    def _axes(self, ranks: Sequence[int]) -> list[int]:
        pair = [self.axes, self.axes] if isinstance(self.axes, int) else list(self.axes)
        return [a % rank for a, rank in zip(pair, ranks, strict=True)]

    def build(self, input_shape: Any) -> None:
        if is_shape(input_shape) or len(input_shape) != 2:
            raise ValueError(f"A `Dot` layer should be called on a list of 2 inputs. Received: "
                             f"input_shape={input_shape}")
        a, b = self._axes([len(s) for s in input_shape])
        sizes = input_shape[0][a], input_shape[1][b]
        if None not in sizes and sizes[0] != sizes[1]:
            raise ValueError(f"Incompatible input shapes: axis values {sizes[0]} (at axis {a}) != {sizes[1]} (at axis "
                             f"{b}). Full input shapes: {input_shape[0]}, {input_shape[1]}")

    def call(self, inputs: Any) -> Tensor:
        x, y = inputs
        a, b = self._axes([len(x.dims), len(y.dims)])
        if self.normalize:
            x, y = _unit(x, a), _unit(y, b)
        return batch_dot(x, y, (a, b))

    def compute_output_shape(self, input_shape: Any) -> Any:
        a, b = self._axes([len(s) for s in input_shape])
        rest = [d for i, d in enumerate(input_shape[0]) if i != a] + [
            d for i, d in enumerate(input_shape[1]) if i not in (0, b)]
        return tuple(rest) if len(rest) > 1 else (rest[0], 1)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _unit(x: Tensor, axis: int) -> Tensor:
    return x * ew.rsqrt(ew.maximum(reduce_sum(ew.square(x), axis, keepdims=True), 1e-12))


def batch_dot(x: Tensor, y: Tensor, axes: tuple[int, int]) -> Tensor:
    """The sum of products along axes[0] of `x` and axes[1] of `y`, for each sample: [batch, rest of x, rest of y], and
    [batch, 1] where no axis is left."""
    assert x.dims is not None and y.dims is not None
    left = [i for i in range(1, len(x.dims)) if i != axes[0]]
    right = [i for i in range(1, len(y.dims)) if i != axes[1]]
    a = transpose(x, (0, *left, axes[0]))
    b = transpose(y, (0, axes[1], *right))
    batch = x.dims[0]
    rows, columns = [x.dims[i] for i in left], [y.dims[i] for i in right]
    inner = x.dims[axes[0]]
    product = matmul(reshape(a, (batch, _size(rows), inner)), reshape(b, (batch, inner, _size(columns))))
    return reshape(product, (batch, *rows, *columns) if rows or columns else (batch, 1))


def _size(dims: Sequence[Any]) -> Any:
    return functools.reduce(lambda a, b: a * b, dims, 1)


def _function(cls: Callable[..., Layer]) -> Callable[..., Any]:
    def merged(inputs: Any, **kwargs: Any) -> Any:
        return cls(**kwargs)(inputs)
    return named(cls.__name__.lower(), merged, f"`{cls.__name__}()(inputs)`: {(cls.__doc__ or '').strip()}")


add, subtract, multiply = _function(Add), _function(Subtract), _function(Multiply)
average, maximum, minimum = _function(Average), _function(Maximum), _function(Minimum)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate(axis)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, normalize: bool = False, **kwargs: Any) -> Any:
    """`Dot(axes)(inputs)`."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)


__all__ = ["Add", "Average", "Concatenate", "Dot", "Maximum", "Merge", "Minimum", "Multiply", "Subtract", "add",
           "average", "batch_dot", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"]
