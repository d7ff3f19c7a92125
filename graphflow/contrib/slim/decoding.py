"""`slim.tfexample_decoder`: items of data (images, labels, boxes) from serialized `Example` messages."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...compiler.dtypes import uint8
from ...compiler.ir import Tensor as GraphTensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, equal, logical_or
from ...compiler.ops.slicing import stack
from ...compiler.ops.view import reshape
from ...control_flow import cond, map_fn
from ...image import decode_image
from ...io_ops import decode_raw
from ...parsing_ops import FixedLenFeature, parse_single_example
from ...sparse_ops import sparse_reshape, sparse_tensor_to_dense
from ...sparse_tensor import SparseTensor as GraphSparseTensor

__all__ = ["BoundingBox", "DataDecoder", "Image", "ItemHandler", "ItemHandlerCallback", "LookupTensor", "SparseTensor",
           "TFExampleDecoder", "Tensor"]


class DataDecoder:
    """Gives items by name of a piece of data: subclasses define `decode(data, items)` and `list_items()`."""

    def decode(self, data: Any, items: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define decode")

    def list_items(self) -> list[str]:
        raise NotImplementedError(f"{type(self).__name__} must define list_items")


class ItemHandler:
    """Makes an item of the features `keys`: subclasses define `tensors_to_item(keys_to_tensors)`."""

    def __init__(self, keys: Any):
        self._keys = list(keys) if isinstance(keys, (list, tuple)) else [keys]

    @property
    def keys(self) -> list[str]:
        return self._keys

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define tensors_to_item")


class ItemHandlerCallback(ItemHandler):
    """An item that a function of {key: tensor} makes."""

    def __init__(self, keys: Any, func: Callable[[Mapping[str, Any]], Any]):
        super().__init__(keys)
        self._func = func

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        return self._func(keys_to_tensors)


class Tensor(ItemHandler):
    """A feature, dense (a sparse one filled up with `default_value`), in `shape` or the one that `shape_keys` hold.

    Raises ValueError when both are given.
    """

    def __init__(self, tensor_key: str, shape_keys: Any = None, shape: Any = None, default_value: Any = 0):
        if shape_keys is not None and shape is not None:
            raise ValueError("Cannot specify both shape_keys and shape parameters.")
        names = [] if shape_keys is None else [shape_keys] if isinstance(shape_keys, str) else list(shape_keys)
        super().__init__([tensor_key, *names])
        self._shape, self._shape_keys, self._default = shape, names, default_value

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        tensor, shape = keys_to_tensors[self._keys[0]], self._shape
        if self._shape_keys:
            sizes = [_dense(keys_to_tensors[key]) for key in self._shape_keys]
            shape = reshape(stack([reshape(s, [-1]) for s in sizes]), [-1])
        if isinstance(tensor, GraphSparseTensor):
            tensor = tensor if shape is None else sparse_reshape(tensor, shape)
            return sparse_tensor_to_dense(tensor, self._default)
        return tensor if shape is None else reshape(tensor, shape)


class LookupTensor(Tensor):
    """A feature looked up in a table."""

    def __init__(self, tensor_key: str, table: Any, shape_keys: Any = None, shape: Any = None,
                 default_value: Any = ""):
        super().__init__(tensor_key, shape_keys, shape, default_value)
        self._table = table

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        return self._table.lookup(super().tensors_to_item(keys_to_tensors))


class SparseTensor(ItemHandler):
    """A sparse tensor (dense with `densify`) from two features: `indices_key` and `values_key`."""

    def __init__(self, indices_key: str = "indices", values_key: str = "values", shape_key: str | None = None,
                 shape: Any = None, densify: bool = False, default_value: Any = 0):
        super().__init__([indices_key, values_key, *([] if shape_key is None else [shape_key])])
        self._shape_key, self._shape = shape_key, shape
        self._densify, self._default = densify, default_value

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        indices, values = (keys_to_tensors[key] for key in self._keys[:2])
        shape = self._shape if self._shape_key is None else _dense(keys_to_tensors[self._shape_key])
        if shape is None:
            shape = values.dense_shape if isinstance(values, GraphSparseTensor) else values.shape.as_list()
        columns = reshape(_dense(indices), [-1, 1])
        found = GraphSparseTensor(cast(columns, "int64"), reshape(_dense(values), [-1]),
                                  cast(convert_to_tensor(shape), "int64"))
        return sparse_tensor_to_dense(found, self._default) if self._densify else found


class Image(ItemHandler):
    """An image [height, width, channels]: encoded in `image_key` in the format that `format_key` names, or "raw".

    `repeated` images are stacked. Raises ValueError for neither 1 nor 3 channels of an encoded one.
    """

    def __init__(self, image_key: str | None = None, format_key: str | None = None, shape: Any = None,
                 channels: int = 3, dtype: Any = uint8, repeated: bool = False, dct_method: str = ""):
        super().__init__([image_key or "image/encoded", format_key or "image/format"])
        self._shape, self._channels, self._dtype, self._repeated = shape, channels, dtype, repeated

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> GraphTensor:
        contents, kind = (keys_to_tensors[key] for key in self._keys)
        if self._repeated:
            return map_fn(lambda one: self._decode(one, kind), _dense(contents), dtype=self._dtype)
        return self._decode(contents, kind)

    def _decode(self, contents: Any, kind: Any) -> GraphTensor:
        contents = reshape(contents, [])

        def raw() -> GraphTensor:
            values = decode_raw(contents, self._dtype)
            return values if self._shape is None else reshape(values, self._shape)

        def encoded() -> GraphTensor:
            return cast(decode_image(contents, self._channels), self._dtype)

        kind = reshape(kind, [])
        image = cond(logical_or(equal(kind, "raw"), equal(kind, "RAW")), raw, encoded)
        image.set_shape([None, None, self._channels])
        return image if self._shape is None else reshape(image, self._shape)


class BoundingBox(ItemHandler):
    """Boxes [n, 4] from the features prefix + ymin, xmin, ymax, xmax. Raises ValueError for other than four keys."""

    def __init__(self, keys: Sequence[str] | None = None, prefix: str = ""):
        names = ["ymin", "xmin", "ymax", "xmax"] if keys is None else list(keys)
        if len(names) != 4:
            raise ValueError(f"BoundingBox expects 4 keys but got {len(names)}")
        super().__init__([prefix + name for name in names])

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> GraphTensor:
        sides = [keys_to_tensors[key] for key in self._keys]
        return stack([s.values if isinstance(s, GraphSparseTensor) else reshape(s, [-1]) for s in sides], 1)


class TFExampleDecoder(DataDecoder):
    """Parses an `Example` by `keys_to_features` (FixedLenFeature, VarLenFeature), and makes of the features the items
    of `items_to_handlers`."""

    def __init__(self, keys_to_features: Mapping[str, Any], items_to_handlers: Mapping[str, ItemHandler]):
        self._features, self._handlers = dict(keys_to_features), dict(items_to_handlers)

    def list_items(self) -> list[str]:
        """The names of the items."""
        return list(self._handlers)

    def decode(self, serialized_example: Any, items: Sequence[str] | None = None) -> list[Any]:
        """The items (default: all) of a serialized `Example`, a string scalar."""
        found = parse_single_example(serialized_example, self._features)
        for key, feature in self._features.items():
            if isinstance(feature, FixedLenFeature):
                found[key] = reshape(found[key], feature.shape)
        return [handler.tensors_to_item({key: found[key] for key in handler.keys if key in found})
                for handler in (self._handlers[item] for item in items or self._handlers)]


def _dense(value: Any) -> Any:
    return sparse_tensor_to_dense(value) if isinstance(value, GraphSparseTensor) else value
