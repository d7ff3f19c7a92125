"""Serialized `tf.train.Example`s as tensors."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .array_ops import shape, zeros
from .compiler.dtypes import DType, as_dtype, string
from .compiler.ir import Tensor
from .compiler.ops import example as _ops
from .compiler.ops.constant import as_array, convert_to_tensor
from .compiler.ops.slicing import concat, stack, unstack
from .compiler.shapes import TensorShape
from .framework import name_scope
from .math import reduce_max


class FixedLenFeature(NamedTuple):
    """A feature of a fixed shape; `default_value` where it is missing, None: it must not be."""

    shape: Any
    dtype: Any
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature of any number of values, as a sparse tensor."""

    dtype: Any


class SparseFeature(NamedTuple):
    """A sparse tensor from features with its indices and values; `size` is its dense shape."""

    index_key: Any
    value_key: str
    dtype: Any
    size: Any
    already_sorted: bool = False


class FixedLenSequenceFeature(NamedTuple):
    """A feature of any number of rows of a fixed shape, padded with `default_value` to the longest of a batch."""

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


def _dtype(key: str, feature: Any) -> DType:
    dtype = as_dtype(feature.dtype)
    if dtype not in _ops.KINDS.values():
        raise TypeError(f"parse_example: feature {key!r} must be of dtype float32, int64 or string, received {dtype}")
    return dtype


def _shape(key: str, feature: Any) -> tuple[int, ...]:
    shape = TensorShape(feature.shape)
    if not shape.is_fully_defined():
        raise ValueError(f"First dimension of shape for feature {key} unknown. Consider using FixedLenSequenceFeature."
                         f" (shape {shape})")
    return tuple(shape.as_list())  # type: ignore[arg-type]


def _specs(features: Mapping[str, Any]) -> tuple[Any, ...]:
    """What to read for each feature, by name."""
    if not features:
        raise ValueError("Missing features.")
    found: list[Any] = []
    for key in sorted(features):
        feature = features[key]
        if isinstance(feature, FixedLenFeature):
            dtype, default = _dtype(key, feature), feature.default_value
            flat = None if default is None else tuple(as_array(default, dtype).ravel().tolist())
            found.append(_ops.Fixed(key, dtype, _shape(key, feature), flat))
        elif isinstance(feature, VarLenFeature):
            found.append(_ops.Varying(key, _dtype(key, feature)))
        elif isinstance(feature, FixedLenSequenceFeature):
            if not feature.allow_missing:
                raise ValueError("Unsupported: FixedLenSequenceFeature requires allow_missing to be True (feature "
                                 f"{key}).")
            default = feature.default_value
            dtype = _dtype(key, feature)
            found.append(_ops.Varying(key, dtype, _shape(key, feature),
                                      None if default is None else as_array(default, dtype).item()))
        elif isinstance(feature, SparseFeature):
            found.append(_ops.Varying(feature.value_key, _dtype(key, feature)))
            found += [_ops.Varying(k, as_dtype("int64")) for k in _index_keys(feature)]
        else:
            raise ValueError(f"Invalid feature {key}:{feature!r}.")
    return tuple(found)


def _index_keys(feature: SparseFeature) -> list[str]:
    return [feature.index_key] if isinstance(feature.index_key, str) else list(feature.index_key)


def _results(features: Mapping[str, Any], outputs: Any) -> dict[str, Any]:
    """Tensors and sparse tensors by name."""
    from .sparse_tensor import SparseTensor
    rest = iter(outputs)
    found: dict[str, Any] = {}
    for key in sorted(features):
        feature = features[key]
        if isinstance(feature, SparseFeature):
            values = [next(rest) for _ in range(3)]
            indices = [[next(rest) for _ in range(3)] for _ in _index_keys(feature)]
            found[key] = _sparse_feature(feature, values, [i[1] for i in indices])
        else:
            found[key] = (
                SparseTensor(next(rest), next(rest), next(rest)) if isinstance(feature, VarLenFeature) else next(rest)
            )
    return found


def _sparse_feature(feature: SparseFeature, values: list[Tensor], columns: list[Tensor]) -> Any:
    """The sparse tensor whose last indices are the columns' values, in order."""
    from .compiler.ops.slicing import concat
    from .compiler.ops.view import expand_dims
    from .sparse_ops import sparse_reorder
    from .sparse_tensor import SparseTensor
    front = values[0][:, :-1]
    indices = concat([front, *(expand_dims(c, 1) for c in columns)], 1)
    sizes = np.atleast_1d(np.asarray(feature.size, np.int64))
    whole = SparseTensor(indices, values[1], concat([values[2][:-1], convert_to_tensor(sizes)], 0))
    return whole if feature.already_sorted else sparse_reorder(whole)


def parse_example(serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
                  ) -> dict[str, Any]:
    """The features of a vector of serialized Examples, by name: tensors (batch, ...) and sparse tensors.

    `features` are FixedLenFeature, VarLenFeature, SparseFeature and FixedLenSequenceFeature by name. Raises, when the
    graph runs, InvalidArgumentError for features that are missing or of another dtype or number.
    """
    return _parsed(serialized, features, name or "ParseExample/ParseExample", example_names, 1)


def parse_single_example(serialized: Any, features: Mapping[str, Any], name: str | None = None,
                         example_names: Any = None) -> dict[str, Any]:
    """The features of one serialized Example, a scalar, by name: as `parse_example`, without the batch."""
    return _parsed(serialized, features, name or "ParseSingleExample/ParseSingleExample", example_names, 0)


def _parsed(serialized: Any, features: Mapping[str, Any], name: str, example_names: Any, rank: int) -> dict[str, Any]:
    data = convert_to_tensor(serialized, string, name="serialized")
    if data.dims is None:
        data.set_shape([None] * rank)
    if len(data.dims) != rank and not (rank == 0 and len(data.dims) == 1):  # type: ignore[arg-type]
        raise ValueError(f"Shape must be rank {rank} but is rank {data.shape.rank}: serialized {data!r}")
    names = convert_to_tensor(np.empty(0, object) if example_names is None else example_names, string)
    op = _ops.parse_example.operation(data, names, specs=_specs(features), name=name)
    return _results(features, op.outputs)


def parse_single_sequence_example(serialized: Any, context_features: Mapping[str, Any] | None = None,
                                  sequence_features: Mapping[str, Any] | None = None, example_name: Any = None,
                                  name: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """(context, sequences) of one serialized SequenceExample: of a FixedLenSequenceFeature (steps, ...), of a
    VarLenFeature a sparse tensor (steps, values)."""
    return _sequence(serialized, context_features, sequence_features, example_name, name)[:2]


def _sequence(serialized: Any, context_features: Mapping[str, Any] | None, sequence_features: Mapping[str, Any] | None,
              example_name: Any, name: str | None) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    if not (context_features or sequence_features):
        raise ValueError("Missing features.")
    context, sequences = dict(context_features or {}), dict(sequence_features or {})
    lists = []
    for key in sorted(sequences):
        feature = sequences[key]
        if isinstance(feature, VarLenFeature):
            lists.append(_ops.Varying(key, _dtype(key, feature)))
        elif isinstance(feature, FixedLenSequenceFeature):
            lists.append(_ops.Varying(key, _dtype(key, feature), _shape(key, feature),
                                      "allowed" if feature.allow_missing else None))
        else:
            raise ValueError(f"Unsupported feature {key}: {feature!r}; expected VarLenFeature or "
                             "FixedLenSequenceFeature")
    with name_scope(name, "ParseSingleSequenceExample"):
        data = convert_to_tensor(serialized, string, name="serialized")
        names = convert_to_tensor(np.empty(0, object) if example_name is None else [example_name], string)
        op = _ops.parse_sequence_example.operation(data, names, context=_specs(context) if context else (),
                                                   lists=tuple(lists))
    count = sum(3 if isinstance(f, VarLenFeature) else 1 for f in context.values())
    end = len(op.outputs) - len(lists)
    lengths = dict(zip(sorted(sequences), op.outputs[end:], strict=True))
    return _results(context, op.outputs[:count]), _results(sequences, op.outputs[count:end]), lengths


def parse_sequence_example(serialized: Any, context_features: Mapping[str, Any] | None = None,
                           sequence_features: Mapping[str, Any] | None = None, example_names: Any = None,
                           name: str | None = None) -> tuple[dict[str, Any], dict[str, Any], dict[str, Tensor]]:
    """(context, sequences, lengths) of a vector of serialized SequenceExamples, whose number must be known.

    Sequences are padded with 0 to the longest (batch, steps, ...); a VarLenFeature is a sparse tensor
    (batch, steps, values). `lengths` has the steps of each dense one (batch,).
    """
    from .sparse_ops import sparse_concat, sparse_expand_dims
    data = convert_to_tensor(serialized, string, name="serialized")
    if data.shape.rank != 1 or data.shape.as_list()[0] is None:
        raise ValueError(f"parse_sequence_example: serialized must be a vector of known length, received {data!r}")
    rows = [_sequence(row, context_features, sequence_features, None, name) for row in unstack(data)]

    def joined(parts: list[Any]) -> Any:
        if hasattr(parts[0], "dense_shape"):
            return sparse_concat(0, [sparse_expand_dims(p, 0) for p in parts], expand_nonconcat_dim=True)
        return stack(parts)

    def padded(parts: list[Any]) -> Any:
        if hasattr(parts[0], "dense_shape"):
            return joined(parts)
        longest = reduce_max(stack([shape(p)[0] for p in parts]))
        return stack([_padded_rows(p, longest) for p in parts])

    context, sequences, lengths = ({k: [row[i][k] for row in rows] for k in rows[0][i]} for i in range(3))
    dense = {k: joined(v) for k, v in lengths.items() if not hasattr(sequences[k][0], "dense_shape")}
    return {k: joined(v) for k, v in context.items()}, {k: padded(v) for k, v in sequences.items()}, dense


def _padded_rows(x: Tensor, rows: Tensor) -> Tensor:
    """`x` with zeros (empty strings) after its rows."""
    assert x.dims is not None
    rest = zeros([rows - shape(x)[0], *x.dims[1:]], x.dtype)
    return concat([x, rest], 0)


def decode_json_example(json_examples: Any, name: str | None = None) -> Tensor:
    """Examples in JSON (strings of any shape), serialized. Raises InvalidArgumentError when the graph runs."""
    return _ops.decode_json_example(convert_to_tensor(json_examples, string), name=name)
