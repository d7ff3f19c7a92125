"""The structure of a dataset's elements: nests of tuples, named tuples and dicts, whose leaves have a spec.

Lists are no structure here: a list is one tensor, as everywhere in tf.data. When a dataset runs, an element is the
tuple of its leaves' values: arrays, `SparseTensorValue`s and, for datasets within datasets, what runs them.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import DType, as_dtype, int64
from ..compiler.ir import Tensor, TensorType
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.shapes import TensorShape
from ..tensor_spec import SparseTensorSpec, TensorSpec, TypeSpec


def children(value: Any) -> list[Any] | None:
    """The parts of a nest (a dict's by sorted key), None for a leaf."""
    if isinstance(value, Mapping):
        return [value[k] for k in sorted(value)]
    return list(value) if isinstance(value, tuple) and not is_sparse_value(value) else None


def is_sparse_value(value: Any) -> bool:
    """Whether it is a sparse tensor, symbolic or not."""
    return hasattr(value, "indices") and hasattr(value, "values") and hasattr(value, "dense_shape")


def rebuild(like: Any, parts: Sequence[Any]) -> Any:
    """A nest of the type of `like` with these parts."""
    if isinstance(like, Mapping):
        found = dict(zip(sorted(like), parts, strict=True))
        return type(like)((k, found[k]) for k in like)  # type: ignore[call-arg]
    return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)


def flatten(value: Any) -> list[Any]:
    """The leaves, depth first."""
    parts = children(value)
    return [value] if parts is None else [leaf for part in parts for leaf in flatten(part)]


def map_structure(function: Callable[..., Any], like: Any, *others: Any) -> Any:
    """The nest `like` with each leaf replaced by `function` of it and of the leaves in the same place of `others`."""
    parts = children(like)
    if parts is None:
        return function(like, *others)
    matching = [_matching(like, len(parts), other) for other in others]
    return rebuild(like, [map_structure(function, *row) for row in zip(parts, *matching, strict=True)])


def _matching(like: Any, count: int, other: Any) -> list[Any]:
    parts = children(other)
    if parts is None or len(parts) != count or isinstance(like, Mapping) != isinstance(other, Mapping):
        raise ValueError(f"The two structures don't have the same nested structure: {like!r} and {other!r}")
    return parts


def pack(like: Any, leaves: Sequence[Any]) -> Any:
    """A nest like `like` of these leaves."""
    rest = iter(leaves)
    return map_structure(lambda _: next(rest), like)


# specs


class DatasetSpec(TypeSpec):
    """The spec of a dataset as an element of another."""

    def __init__(self, element_spec: Any, dataset_shape: Any = ()):
        self.element_spec = element_spec
        self.dtype = None
        self.shape = TensorShape(dataset_shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatasetSpec) and flatten(self.element_spec) == flatten(other.element_spec)

    def __hash__(self) -> int:
        return hash(DatasetSpec)

    def __repr__(self) -> str:
        return f"DatasetSpec({self.element_spec}, {self.shape})"


class Structured:
    """What hands out elements of one structure, `_spec`."""

    _spec: Any

    @property
    def element_spec(self) -> Any:
        """The structure of an element, with a spec in place of each of its tensors."""
        return self._spec

    @property
    def output_types(self) -> Any:
        """The dtype of each part of an element."""
        return map_structure(lambda s: s.dtype, self._spec)

    @property
    def output_shapes(self) -> Any:
        """The static shape of each part of an element."""
        return map_structure(lambda s: s.shape, self._spec)

    @property
    def output_classes(self) -> Any:
        """The class of each part of an element."""
        return classes(self._spec)


def spec_of(value: Any) -> Any:
    """The spec of a leaf of an element in the graph: a tensor, sparse tensor or dataset."""
    if is_sparse_value(value):
        return SparseTensorSpec(value.get_shape(), value.dtype)
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    return DatasetSpec(value.element_spec)


def to_graph(value: Any, name: str = "component") -> Any:
    """A leaf as what stands for it in the graph. Raises TypeError where nothing can."""
    if hasattr(value, "element_spec") and hasattr(value, "_iterate"):
        return value
    if is_sparse_value(value):
        return value if hasattr(value, "get_shape") else _sparse_tensor(value)
    return convert_to_tensor(value, name=name)


def _sparse_tensor(value: Any) -> Any:
    from .. import SparseTensor
    return SparseTensor(value.indices, value.values, value.dense_shape)


def types_of(spec: Any) -> list[TensorType]:
    """The tensors that stand for a leaf: one, or a sparse tensor's three. A dataset has none."""
    if isinstance(spec, DatasetSpec):
        return []
    if isinstance(spec, SparseTensorSpec):
        rank = spec.shape.rank
        return [TensorType(int64, TensorShape([None, rank]).dims), TensorType(spec.dtype, TensorShape([None]).dims),
                TensorType(int64, TensorShape([rank]).dims)]
    # unknown sizes are those of this one tensor
    return [TensorType(spec.dtype, TensorShape(None if spec.shape.dims is None else spec.shape.as_list()).dims)]


def tensors_of(leaf: Any) -> list[Tensor]:
    """The tensors of a leaf in the graph, as `types_of` says."""
    if is_sparse_value(leaf):
        return [leaf.indices, leaf.values, leaf.dense_shape]
    return [leaf] if isinstance(leaf, Tensor) else []


def from_tensors(spec: Any, tensors: Sequence[Tensor]) -> Any:
    """The leaf in the graph that these tensors make up."""
    if isinstance(spec, SparseTensorSpec):
        from .. import SparseTensor
        return SparseTensor(*tensors)
    return tensors[0]


def arrays_of(spec: Any, value: Any) -> list[np.ndarray]:
    """The arrays of a leaf's value, as `types_of` says."""
    return [value.indices, value.values, value.dense_shape] if isinstance(spec, SparseTensorSpec) else [value]


def from_arrays(spec: Any, arrays: Sequence[Any]) -> Any:
    """The leaf's value that these arrays make up."""
    if isinstance(spec, SparseTensorSpec):
        from .. import SparseTensorValue
        return SparseTensorValue(*arrays)
    return arrays[0]


def classes(spec: Any) -> Any:
    """The class of each leaf, for `output_classes`."""
    def class_of(leaf: Any) -> Any:
        if isinstance(leaf, SparseTensorSpec):
            from .. import SparseTensor
            return SparseTensor
        return Tensor if isinstance(leaf, TensorSpec) else type(leaf)
    return map_structure(class_of, spec)


def specs_from(output_types: Any, output_shapes: Any = None, output_classes: Any = None) -> Any:
    """Specs from the older way of saying them: nests of types, shapes (default unknown) and classes."""
    if output_shapes is None:
        output_shapes = map_structure(lambda _: None, output_types)
    shapes = flatten_shapes(output_types, output_shapes)
    kinds = [None] * len(shapes) if output_classes is None else flatten(output_classes)
    leaves = [_spec(as_dtype(t), s, kind) for t, s, kind in zip(flatten(output_types), shapes, kinds, strict=True)]
    return pack(output_types, leaves)


def _spec(dtype: DType, shape: TensorShape, kind: Any) -> Any:
    sparse = kind is not None and getattr(kind, "__name__", "") == "SparseTensor"
    return SparseTensorSpec(shape, dtype) if sparse else TensorSpec(shape, dtype)


def flatten_shapes(like: Any, shapes: Any) -> list[TensorShape]:
    """The shapes for the leaves of `like`; a shape may be a TensorShape, a list, a tuple or a vector of sizes.

    Raises ValueError when they do not fit the structure.
    """
    parts = children(like)
    if parts is None:
        if isinstance(shapes, Tensor):
            from ..compiler.ops.symbolic import static_dims
            shapes = [d if isinstance(d, int) else None for d in static_dims("Dataset", "a shape", shapes)]
        if isinstance(shapes, (list, tuple, np.ndarray)):
            shapes = [None if s is None or int(s) == -1 else int(s) for s in shapes]
        return [TensorShape(shapes)]
    given = children(shapes)
    if given is None and isinstance(shapes, list):
        given = shapes
    if given is None or len(given) != len(parts):
        raise ValueError(f"The shapes {shapes!r} do not have the structure of {like!r}")
    return [shape for a, b in zip(parts, given, strict=True) for shape in flatten_shapes(a, b)]


def most_general(a: TensorShape, b: TensorShape) -> TensorShape:
    """The most specific shape that both fit."""
    if a.dims is None or b.dims is None or len(a.dims) != len(b.dims):
        return TensorShape(None)
    return TensorShape([x if x == y else None for x, y in zip(a.as_list(), b.as_list(), strict=True)])
