"""What layers that prepare data share: inputs that are not tensors yet, data to learn from, counts of categories."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ....compiler import dims as dm
from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.elementwise import cast, greater, greater_equal, less, logical_and, where
from ....compiler.ops.gather import one_hot, range_
from ....compiler.ops.segment import unsorted_segment_sum
from ....compiler.ops.view import broadcast_to, dim_scalar, expand_dims, ones_like, reshape, squeeze, transpose
from ... import backend
from ...nest import flatten
from ..layer import Layer


class DataLayer(Layer):
    """A layer that takes lists, strings and numbers too: they become arrays, those within dicts each its own."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*(as_data(a) for a in args), **{k: as_data(v) for k, v in kwargs.items()})


def as_data(value: Any) -> Any:
    """A list of plain values as an array; nests of tensors and arrays stay nests."""
    if isinstance(value, Mapping):
        return {k: as_data(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) or hasattr(v, "__array__")
                                                for v in flatten(value)):
        return type(value)(as_data(v) for v in value)
    if isinstance(value, (list, tuple, str, bytes)) or hasattr(value, "__array__") and not isinstance(value, Tensor):
        return plain_array(value)
    return value


def plain_array(value: Any) -> np.ndarray:
    """An array of numbers (float64 of Python's floats as floatx), or of objects for text."""
    if isinstance(value, Tensor):
        return np.asarray(backend.eval(value))
    array = np.asarray(value)
    if array.dtype.kind in "US":
        return array.astype(object)
    return array if hasattr(value, "dtype") or array.dtype.kind != "f" else array.astype(backend.floatx())


def batches_of(data: Any, steps: int | None = None) -> Iterator[np.ndarray]:
    """The arrays to learn from: `data` itself if it is an array, a tensor or a list of plain values, else the batches
    that it yields (of tuples the inputs), at most `steps` of them.
    """
    is_list = isinstance(data, (list, tuple)) and not any(hasattr(v, "__array__") for v in data)
    if is_list or isinstance(data, Tensor) or hasattr(data, "__array__"):
        yield plain_array(data)
    elif hasattr(data, "__iter__") or hasattr(data, "__getitem__"):
        for i, batch in enumerate(data if hasattr(data, "__iter__") else (data[i] for i in range(len(data)))):
            if steps is not None and i >= steps:
                return
            yield plain_array(batch[0] if isinstance(batch, tuple) else batch)
    else:
        raise TypeError(f"Unsupported data type: {type(data)}. `adapt` supports arrays, tensors, datasets, "
                        "`keras.utils.PyDataset` and iterables of batches.")


def check_choice(layer: Any, name: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raises ValueError unless `value` is one of the choices."""
    if value not in choices:
        raise ValueError(f"Unknown argument of layer {type(layer).__name__}: {name}={value!r}. Expected one of: "
                         f"{choices}")


def refuse_sparse(layer: Any, sparse: bool, output_mode: str) -> None:
    if sparse:
        raise ValueError(f"{type(layer).__name__}: `sparse=True` is not supported, outputs are dense. "
                         f"Received: sparse={sparse} and output_mode={output_mode}")


def encoded(indices: Tensor, output_mode: str, depth: int, dtype: Any, weights: Any = None) -> Tensor:
    """Integers ("int") as `dtype`; as a vector of `depth` for each ("one_hot"); or, along the last axis, whether each
    of 0 .. depth - 1 is among them ("multi_hot") or how often ("count", as the sum of their `weights`).

    Other integers count for nothing. Of more than two axes Keras sums the second, and so does this.
    """
    if output_mode == "int":
        return cast(indices, dtype)
    assert indices.dims is not None
    if not indices.dims:
        indices = expand_dims(indices, 0)
    if len(indices.dims or ()) > 2 and output_mode != "one_hot":
        order = [a for a in range(len(indices.dims or ())) if a != 1] + [1]
        indices = transpose(indices, order)
        weights = None if weights is None else transpose(weights, order)
    *rest, last = indices.dims or ()
    if output_mode == "one_hot":
        return one_hot(squeeze(indices, -1) if last == 1 and rest else indices, depth, dtype=dtype)
    if last == 1 and rest and weights is None:
        return one_hot(squeeze(indices, -1), depth, dtype=dtype)
    rows = expand_dims(range_(dim_scalar(dm.product(rest))), 1)
    flat = cast(reshape(indices, (dm.product(rest), last)), rows.dtype)
    inside = logical_and(greater_equal(flat, 0), less(flat, depth))
    places = where(inside, flat + rows * depth, broadcast_to(cast(-1, rows.dtype), flat.dims))
    amounts = ones_like(flat, dtype) if weights is None else reshape(cast(weights, dtype), flat.dims)
    total = unsorted_segment_sum(amounts, places, dim_scalar(dm.product((*rest, depth))))
    total = reshape(total, (*rest, depth))
    return cast(greater(total, cast(0, dtype)), dtype) if output_mode == "multi_hot" else total


def integers(value: Any) -> Tensor:
    """Category indices as integers: floats are rounded down."""
    tensor = convert_to_tensor(value)
    return tensor if tensor.dtype.is_integer else cast(tensor, "int32")
