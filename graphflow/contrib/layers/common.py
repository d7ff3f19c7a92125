"""What contrib's layers share: they are `tf.layers` layers in a scope, with other names of variables."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...framework import GraphKeys
from ...initializers import zeros
from .utils import add_to_variable_collections, collect_named_outputs

ZEROS = zeros()
WEIGHTS_AND_BIASES = {"bias": "biases", "kernel": "weights"}


def model_variable_getter(rename: dict[str, str] | None = None) -> Callable[..., Any]:
    """A custom getter that renames variables and puts them into the collection of model variables."""
    def getter(get: Callable[..., Any], name: str, *args: Any, **kwargs: Any) -> Any:
        head, slash, tail = name.rpartition("/")
        kwargs["collections"] = list(dict.fromkeys((*(kwargs.get("collections") or ()), GraphKeys.GLOBAL_VARIABLES,
                                                    GraphKeys.MODEL_VARIABLES)))  # getters may be nested
        return get(f"{head}{slash}{(rename or {}).get(tail, tail)}", *args, **kwargs)
    return getter


def layout_of(data_format: str | None, allowed: tuple[str, ...] = ("NHWC", "NCHW")) -> str:
    """`tf.layers`' name of a layout. Raises ValueError."""
    if data_format not in (None, *allowed):
        raise ValueError(f"data_format has to be either {' or '.join(allowed[::-1])}.")
    return "channels_first" if (data_format or "").startswith("NC") else "channels_last"


def collect(layer: Any, variables_collections: Any, **names: str) -> None:
    """Put a layer's variables (attribute=name in contrib) into their collections."""
    for attribute, name in names.items():
        variable = getattr(layer, attribute)
        if variable is not None:
            add_to_variable_collections(variable, variables_collections, name)


def finish(outputs: Any, scope: Any, normalizer_fn: Any, normalizer_params: dict[str, Any] | None, activation_fn: Any,
           outputs_collections: Any) -> Any:
    """The outputs normalized, activated, and in their collections."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    return collect_named_outputs(outputs_collections, getattr(scope, "name", scope), outputs)
