"""Vectors for integers."""
from __future__ import annotations

from typing import Any

from ...compiler import dims as dm
from ...compiler.dtypes import int32, int64
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, not_equal, tanh
from ...compiler.ops.gather import gather
from ...compiler.ops.view import known_rank, reshape, transpose
from ..nest import as_list
from .arguments import take_weight_arguments, weight_config
from .building import building
from .input_spec import InputSpec
from .linear import dense
from .low_rank import LowRank
from .node import set_mask
from .quantized import Axes, rounded


class Embedding(LowRank):
    """Row i of a table for each index i; with `mask_zero` index 0 is padding, which later layers pass over."""

    autocast = False
    input_spec: Any = InputSpec()
    adapted = "embeddings"
    modes = ("int8", "int4")
    _blocks_along = 1

    def __init__(self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform",
                 embeddings_regularizer: Any = None, embeddings_constraint: Any = None, mask_zero: bool = False,
                 weights: Any = None, lora_rank: Any = None, lora_alpha: Any = None, quantization_config: Any = None,
                 input_length: Any = None, **kwargs: Any):
        for name, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if isinstance(value, bool) or not hasattr(value, "__index__") or value <= 0:
                raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value} (of type "
                                 f"{type(value).__name__}).")
        if "input_shape" not in kwargs and "batch_input_shape" not in kwargs and input_length is not None:
            kwargs["input_shape"] = input_length if isinstance(input_length, (list, tuple)) else (input_length,)
        super().__init__(**kwargs)
        self._take_quantization(quantization_config)
        self._take_lora(lora_rank, lora_alpha)
        self.input_dim, self.output_dim, self.mask_zero = int(input_dim), int(output_dim), mask_zero
        self.input_length = input_length
        self.supports_masking = mask_zero
        self._given = weights
        take_weight_arguments(self, embeddings_initializer=embeddings_initializer,
                              embeddings_regularizer=embeddings_regularizer,
                              embeddings_constraint=embeddings_constraint)

    @property
    def input_dtype(self) -> str:
        return "int32"

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        lengths = as_list(self.input_length) if self.input_length is not None else []
        if input_shape is not None and lengths and (len(lengths) != len(input_shape) - 1 or any(
                a is not None and b is not None and a != b for a, b in zip(lengths, input_shape[1:], strict=True))):
            raise ValueError(f"`input_length` is {self.input_length}, but received input has shape {input_shape}")
        self._add_adapted((self.input_dim, self.output_dim))
        self.built = True
        if self._given is not None:
            self.set_weights(self._given if isinstance(self._given, (list, tuple)) else [self._given])
        self._adapt_if_asked()

    def set_weights(self, weights: Any) -> None:
        """Set the table, which needs no input to be made."""
        if not self.built and len(weights):
            with building(self):
                self.build()
        super().set_weights(weights)

    def call(self, inputs: Tensor) -> Tensor:
        indices = inputs if inputs.dtype in (int32, int64) else cast(inputs, int32)
        rows = cast(self._rows(indices), self.compute_dtype)
        if not self.lora_enabled:
            return rows
        a, b, scale = self._lora()
        return rows + cast(scale * dense(gather(a.value(), indices), b.value()), self.compute_dtype)

    def _rows(self, indices: Tensor) -> Tensor:
        """The rows of these indices, as floats."""
        if self._form is None:
            return gather(self.embeddings.value(), indices)
        dims = known_rank("Embedding", indices)
        flat = reshape(indices, (-1,))

        def read(suffix: str) -> Tensor:
            value: Tensor = getattr(self, self._name_of(suffix)).value()
            return value if suffix == "g_idx" else gather(value, flat)
        rows = self._form.weight(read, self.compute_dtype, dm.product(dims))
        return reshape(rows, (*dims, self.output_dim))

    def _weight_axes(self, shape: Any) -> Axes:
        return Axes((1,), (0,), (self.input_dim,))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return not_equal(inputs, cast(0, inputs.dtype)) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "input_dim": self.input_dim, "output_dim": self.output_dim,
                **weight_config(self, "embeddings_initializer", "embeddings_regularizer", "activity_regularizer",
                                "embeddings_constraint"), "mask_zero": self.mask_zero,
                **self._quantization_config(), **self._lora_config()}


class ReversibleEmbedding(Embedding):
    """An embedding that also scores vectors against its rows (`reverse=True`), by the same table if `tie_weights`.

    Only with one table can it be quantized.
    """

    modes = ("int8", "int4")

    def __init__(self, input_dim: int, output_dim: int, tie_weights: bool = True,
                 embeddings_initializer: Any = "uniform", embeddings_regularizer: Any = None,
                 embeddings_constraint: Any = None, mask_zero: bool = False, reverse_dtype: Any = None,
                 logit_soft_cap: float | None = None, **kwargs: Any):
        super().__init__(input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint,
                         mask_zero, **kwargs)
        self.tie_weights, self.reverse_dtype, self.logit_soft_cap = tie_weights, reverse_dtype, logit_soft_cap

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight((self.output_dim, self.input_dim), self.embeddings_initializer,
                                                      name="reverse_embeddings")

    def call(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        if not reverse:
            rows = super().call(inputs)
            mask = super().compute_mask(inputs)
            if mask is not None:
                set_mask(rows, mask)
            return rows
        kernel = transpose(self._weight()) if self.tie_weights else convert_to_tensor(self.reverse_embeddings)
        if self.reverse_dtype is not None:
            inputs, kernel = cast(inputs, self.reverse_dtype), cast(kernel, self.reverse_dtype)
        if self._form is not None and self._form.inputs is not None:
            inputs = rounded(inputs, self._form.inputs, -1)
        logits = dense(inputs, kernel)
        return logits if self.logit_soft_cap is None else tanh(logits / self.logit_soft_cap) * self.logit_soft_cap

    def _weight_axes(self, shape: Any) -> Axes:
        if not self.tie_weights:
            raise NotImplementedError(f"Layer {self.name!r}: a ReversibleEmbedding can be quantized only with "
                                      "tie_weights=True.")
        return super()._weight_axes(shape)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "tie_weights": self.tie_weights, "reverse_dtype": self.reverse_dtype,
                "logit_soft_cap": self.logit_soft_cap}
