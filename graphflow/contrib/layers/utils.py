"""Collections of outputs and variables, and arguments that are integers or pairs."""
from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...framework import add_to_collection, add_to_collections, get_collection, get_default_graph
from ...variables import Variable
from ..framework.support import smart_cond, smart_constant_value

__all__ = ["NamedOutputs", "add_to_variable_collections", "append_tensor_alias", "channel_dimension",
           "collect_named_outputs", "constant_value", "convert_collection_to_dict", "gather_tensors_aliases",
           "get_tensor_aliases", "get_variable_collections", "last_dimension", "n_positive_integers", "smart_cond",
           "static_cond", "two_element_tuple"]

_aliases: weakref.WeakKeyDictionary[Any, list[str]] = weakref.WeakKeyDictionary()


class NamedOutputs(NamedTuple):
    name: str
    outputs: Any


def collect_named_outputs(collections: Any, alias: str, outputs: Any) -> Any:
    """The outputs, put under a name into collections."""
    if collections:
        append_tensor_alias(outputs, alias)
        add_to_collections(collections, outputs)
    return outputs


def append_tensor_alias(tensor: Any, alias: str) -> Any:
    """The tensor, under one more name."""
    _aliases.setdefault(tensor, []).append(alias.removesuffix("/"))
    return tensor


def get_tensor_aliases(tensor: Any) -> list[str]:
    """The names given to a tensor, else its own."""
    return list(_aliases.get(tensor) or [tensor.name.removesuffix(":0")])


def gather_tensors_aliases(tensors: Sequence[Any]) -> list[str]:
    return [alias for tensor in tensors for alias in get_tensor_aliases(tensor)]


def convert_collection_to_dict(collection: str, clear_collection: bool = False) -> OrderedDict[str, Any]:
    """{name: tensor} of the outputs in a collection."""
    output = OrderedDict((alias, tensor) for tensor in get_collection(collection)
                         for alias in get_tensor_aliases(tensor))
    if clear_collection:
        get_default_graph().clear_collection(collection)
    return output


def constant_value(value_or_tensor_or_var: Any, dtype: Any = None) -> Any:
    """A flag where it is known while the graph is built, else None. Raises ValueError for None."""
    if value_or_tensor_or_var is None:
        raise ValueError("value_or_tensor_or_var cannot be None")
    return None if isinstance(value_or_tensor_or_var, Variable) else smart_constant_value(value_or_tensor_or_var)


def static_cond(pred: Any, fn1: Callable[[], Any], fn2: Callable[[], Any]) -> Any:
    """What the function that Python's `pred` chooses gives."""
    return fn1() if pred else fn2()


def get_variable_collections(variables_collections: Any, name: str) -> Any:
    """The collections of the variable `name`: those under its name in a dict, else all."""
    return variables_collections.get(name) if isinstance(variables_collections, dict) else variables_collections


def add_to_variable_collections(variable: Any, variables_collections: Any, name: str) -> None:
    """Put a variable into its collections, once into each."""
    for collection in get_variable_collections(variables_collections, name) or ():
        if variable not in get_collection(collection):
            add_to_collection(collection, variable)


def _dimension(shape: Any, dim: int, min_rank: int) -> int:
    if shape.dims is None:
        raise ValueError("dims of shape must be known but is None")
    if len(shape) < min_rank:
        raise ValueError(f"rank of shape must be at least {min_rank} not: {len(shape)}")
    value = shape.as_list()[dim]
    if value is None:
        raise ValueError(f"dimension {dim} of shape must be known but is None: {shape}")
    return value


def channel_dimension(shape: Any, data_format: str, min_rank: int = 1) -> int:
    """The number of channels. Raises ValueError when it is not known."""
    return _dimension(shape, 1 if data_format == "channels_first" else -1, min_rank)


def last_dimension(shape: Any, min_rank: int = 1) -> int:
    """The last size. Raises ValueError when it is not known."""
    return _dimension(shape, -1, min_rank)


def two_element_tuple(int_or_tuple: Any) -> tuple[int, int]:
    """One integer or two, as two."""
    if isinstance(int_or_tuple, int):
        return int_or_tuple, int_or_tuple
    if not hasattr(int_or_tuple, "__len__") or len(int_or_tuple) != 2:
        raise ValueError(f"Must be an int, a list with 2 elements or a TensorShape of length 2: {int_or_tuple}")
    return int(int_or_tuple[0]), int(int_or_tuple[1])


def n_positive_integers(n: int, value: Any) -> tuple[int, ...]:
    """One positive integer, or `n` of them, as `n`."""
    items = (int(value),) * n if hasattr(value, "__index__") else tuple(int(v) for v in value)
    if len(items) != n or min(items) < 1:
        raise ValueError(f"Expected sequence of {n} positive integers, but received {value!r}")
    return items
