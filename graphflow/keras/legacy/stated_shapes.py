"""Sizes that only a layer's own `compute_output_shape` tells. In Keras 2 its word was what `K.int_shape`, and what came
after in the model, saw; ops did not."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ..layers.input_spec import is_shape
from ..nest import flatten, map_structure
from ..stated import STATED, stated_shape

_PACKAGE = f"{__name__.partition('.')[0]}."


def state_sizes(layer: Any, tensors: dict[str, Any], outputs: Any) -> None:
    """Note what a program's layer, or one that is called on what such a layer gave, states about its outputs."""
    given = next(iter(tensors.values()), None)
    own = not type(layer).compute_output_shape.__module__.startswith(_PACKAGE)
    if len(tensors) != 1 or not own and not any(STATED in vars(t) for t in flatten(given) if isinstance(t, Tensor)):
        return
    found = [t for t in flatten(outputs) if isinstance(t, Tensor) and t.eager_value is None]
    if all(t.dims is not None and None not in t.shape.as_list()[1:] for t in found):
        return
    stated = layer.compute_output_shape(map_structure(stated_shape, given))
    for tensor, shape in zip(found, [stated] if is_shape(stated) else list(stated or ()), strict=False):
        if tensor.dims is None or len(tensor.dims) == len(shape):
            vars(tensor)[STATED] = tuple(shape)
