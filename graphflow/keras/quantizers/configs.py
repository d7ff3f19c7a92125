"""How weights and activations are to be quantized."""
from __future__ import annotations

from typing import Any

from ..dtype_policies import QUANTIZATION_MODES
from .integers import AbsMaxQuantizer


class QuantizationConfig:
    """The quantizers of weights and of activations, None for the mode's own and for none. Subclasses have a `mode`."""

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = None):
        self.weight_quantizer, self.activation_quantizer = weight_quantizer, activation_quantizer

    @property
    def mode(self) -> str:
        raise NotImplementedError("Subclasses must implement this property. Do not instantiate QuantizationConfig "
                                  "directly.")

    def get_config(self) -> dict[str, Any]:
        from ..saving.serialization import serialize_keras_object
        return {name: serialize_keras_object(getattr(self, name))
                for name in ("weight_quantizer", "activation_quantizer")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        from ..saving.serialization import deserialize_keras_object
        return cls(**{k: deserialize_keras_object(v) if k.endswith("quantizer") else v for k, v in config.items()})


class Int8QuantizationConfig(QuantizationConfig):
    """Weights and, unless `activation_quantizer` is None, inputs in eight bits. Raises ValueError for a quantizer of
    weights that gives other than int8.
    """

    mode = "int8"

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = "default"):
        if activation_quantizer == "default":
            activation_quantizer = AbsMaxQuantizer()
        super().__init__(weight_quantizer, activation_quantizer)
        if weight_quantizer is not None and weight_quantizer.output_dtype != "int8":
            raise ValueError("Int8QuantizationConfig requires a weight_quantizer with output_dtype='int8'. Received: "
                             f"output_dtype={weight_quantizer.output_dtype}")


class Int4QuantizationConfig(QuantizationConfig):
    """Weights in four bits, two to a byte, with a scale and a zero point for each `block_size` inputs, or (None, -1)
    one scale for all of them. Inputs stay floats by default. Raises ValueError for quantizers that do not fit.
    """

    mode = "int4"

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = "default",
                 block_size: int | None = 128):
        if activation_quantizer == "default":
            activation_quantizer = None
        super().__init__(weight_quantizer, activation_quantizer)
        self.block_size = block_size
        if block_size is not None and block_size != -1 and block_size <= 0:
            raise ValueError(f"block_size must be None, -1, or a positive integer. Received: block_size={block_size}")
        if (block_size or -1) > 0 and (weight_quantizer is not None or activation_quantizer is not None):
            raise ValueError("Int4 sub-channel quantization (block_size > 0) does not support custom quantizers. "
                             "Either set block_size to None or -1 for per-channel quantization, or remove the custom "
                             f"quantizer arguments. Received: block_size={block_size}")
        for name, wanted in (("value_range", (-8, 7)), ("output_dtype", "int8")):
            if weight_quantizer is not None and getattr(weight_quantizer, name) != wanted:
                raise ValueError(f"Int4QuantizationConfig requires a weight_quantizer with {name}={wanted!r}. "
                                 f"Received: {name}={getattr(weight_quantizer, name)}")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "block_size": self.block_size}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return super().from_config({"block_size": None, **config})  # as it was before there were blocks


class Float8QuantizationConfig(QuantizationConfig):
    """Training with inputs, weights and gradients rounded to eight-bit floats."""

    mode = "float8"

    def __init__(self) -> None:
        super().__init__()

    def get_config(self) -> dict[str, Any]:
        return {}


_CONFIGS = {config.mode: config for config in (Int8QuantizationConfig, Int4QuantizationConfig,
                                               Float8QuantizationConfig)}


def resolved(mode: str | None, config: Any) -> Any:
    """The config that `quantize(mode, config)` means. Raises ValueError where they contradict or mean none."""
    if isinstance(config, str):
        mode, config = config, None
    if mode is not None and mode not in QUANTIZATION_MODES:
        raise ValueError(f"Invalid quantization mode. Expected one of {QUANTIZATION_MODES}. Received: mode={mode}")
    if config is None:
        if mode is None:
            raise ValueError("You must provide either `mode` or `config` to `quantize`.")
        if mode not in _CONFIGS:
            raise ValueError(f"For {mode.upper()}, you must pass a `{mode.upper()}Config` object in the `config` "
                             "argument.")
        return _CONFIGS[mode]()
    if not isinstance(config, QuantizationConfig):
        raise ValueError("Argument `config` must be an instance of `QuantizationConfig`. Received: "
                         f"config={config} (of type {type(config)})")
    if mode is not None and config.mode != mode:
        raise ValueError(f"Contradictory arguments: mode='{mode}' but config.mode='{config.mode}'")
    return config
