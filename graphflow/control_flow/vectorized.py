"""`vectorized_map`: `map_fn` that finds out by itself what its function gives."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nest
from ..compiler.ir import default_graph
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.slicing import stack
from ..compiler.subgraph import SubGraph
from .functional import map_fn


def vectorized_map(fn: Callable[..., Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """fn(slice) for each slice of `elems` (a tensor, or a nest of them) along the first axis, stacked.

    The results may have another structure and other dtypes than the slices; a result that is no tensor, such as a
    number, is the same for every slice. The options are accepted.
    """
    tensors = nest.map_structure(convert_to_tensor, elems)
    graph = default_graph()
    if graph.eager:
        count = nest.flatten(tensors)[0].shape[0].value
        rows = [fn(nest.map_structure(lambda t, k=k: t[k], tensors)) for k in range(count)]
        return nest.map_structure(lambda *values: stack(values), *rows)
    with SubGraph(graph).as_default():  # only to see what the function gives
        found = fn(nest.map_structure(lambda t: t[0], tensors))
    dtypes = nest.map_structure(lambda value: convert_to_tensor(value).dtype, found)
    return map_fn(fn, tensors, dtype=dtypes)
