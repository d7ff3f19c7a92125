"""Keras's global settings and the numbering of names."""
from __future__ import annotations

import os
from typing import Any

import numpy as np

from .. import naming

_settings: dict[str, Any] = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}  # Keras 1's names of the layouts

get_uid = naming.get_uid
reset_uids = naming.reset_uids


def backend() -> str:
    """The backend whose programs run here: their graphs are TensorFlow's."""
    return "tensorflow"


def _is_tf_1() -> bool:
    """Whether that is TensorFlow 1."""
    return True


def _get_available_gpus() -> list[str]:
    """The names of the GPUs: there are none."""
    return []


def floatx() -> str:
    """The default float type."""
    return _settings["floatx"]


def set_floatx(value: str) -> None:
    """Set the default float type. Raises ValueError for another than float16, bfloat16, float32 and float64."""
    if value not in ("float16", "bfloat16", "float32", "float64"):
        raise ValueError(f"Unknown `floatx` value: {value}. Expected one of float16, bfloat16, float32, float64.")
    _settings["floatx"] = value


def cast_to_floatx(x: Any) -> Any:
    """An array, or a tensor, in the default float type."""
    if hasattr(x, "_as_graph_element"):
        from ...compiler.ops.elementwise import cast
        return cast(x, floatx())
    return np.asarray(x, dtype=floatx())


def epsilon() -> float:
    """The fuzz factor of logarithms and divisions."""
    return _settings["epsilon"]


def set_epsilon(value: float) -> None:
    """Set the small number that keeps divisions and logarithms finite (1e-7 at the start)."""
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """"channels_last" or "channels_first"."""
    return _settings["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Set the layout that layers have by default. Raises ValueError."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError("The `data_format` argument must be one of 'channels_first', 'channels_last'. "
                         f"Received: data_format={data_format!r}")
    _settings["image_data_format"] = data_format


def normalize_data_format(value: str | None) -> str:
    """The layout's name in lower case; None is the global setting. Raises ValueError."""
    word = image_data_format() if value is None else str(value).lower()
    if word not in ("channels_last", "channels_first"):
        raise ValueError("The `data_format` argument must be one of 'channels_first', 'channels_last'. "
                         f"Received: data_format={value!r}")
    return word


def image_dim_ordering() -> str:
    """Keras 1's name of the layout: "tf" or "th"."""
    return next(k for k, v in _ORDERINGS.items() if v == image_data_format())


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Set the layout by Keras 1's name. Raises ValueError."""
    if dim_ordering not in _ORDERINGS:
        raise ValueError(f"Unknown dim_ordering: {dim_ordering!r}. Expected 'tf' or 'th'.")
    set_image_data_format(_ORDERINGS[dim_ordering])


def keras_home() -> str:
    """The folder of Keras's cached files: KERAS_HOME, else ~/.keras."""
    return os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
