"""Configs as Keras 2 and tf.keras wrote them, in the words of today's constructors."""
from __future__ import annotations

from typing import Any

# arguments that are no more: (class, or the start of several; argument; the values with which nothing is lost: () is
# any)
_GONE: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("MultiHeadAttention", "query_shape", ()), ("MultiHeadAttention", "key_shape", ()),
    ("MultiHeadAttention", "value_shape", ()), ("Attention", "causal", (False,)),
    ("AdditiveAttention", "causal", (False,)),
    ("SpatialDropout", "noise_shape", (None,)),
    ("DepthwiseConv", "groups", (1,)), ("SeparableConv", "groups", (1,)), ("Conv2DTranspose", "groups", (1,)),
    ("Conv3DTranspose", "groups", (1,)), ("Conv1DTranspose", "groups", (1,)),
    ("BatchNormalization", "fused", (None, True, False)),
    ("BatchNormalization", "virtual_batch_size", (None,)),
    ("BatchNormalization", "adjustment", (None,)),
    ("LSTM", "implementation", (0, 1, 2)), ("GRU", "implementation", (0, 1, 2)),
    ("SimpleRNN", "implementation", (0, 1, 2)), ("ConvLSTM", "implementation", (0, 1, 2)),
    ("LSTM", "time_major", (False,)), ("GRU", "time_major", (False,)), ("SimpleRNN", "time_major", (False,)),
    ("RNN", "time_major", (False,)), ("ConvLSTM", "time_major", (False,)), ("RNN", "implementation", (0, 1, 2)),
)
_INITIALIZERS = ("Zeros", "Ones", "Constant", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling",
                 "Orthogonal", "Identity", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal",
                 "LecunUniform")


def updated(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """The config of a class that was written without its module. What is not known to have changed stays."""
    config = dict(config)
    for start, key, harmless in _GONE:
        if name.startswith(start) and key in config and (not harmless or config[key] in harmless):
            del config[key]
    if name in _INITIALIZERS:  # before version 2 they had a dtype
        config.pop("dtype", None)
    if name == "BatchNormalization" and isinstance(config.get("axis"), list) and len(config["axis"]) == 1:
        config["axis"] = config["axis"][0]
    if config.get("reduction") == "auto":  # losses
        config["reduction"] = "sum_over_batch_size"
    if "reduction" in config and name != "LossFunctionWrapper":
        config.pop("fn", None)
    return config
