"""Layers that only change the shape."""
from __future__ import annotations

from typing import Any

from ...compiler import dims as dm
from ...compiler.ir import Tensor
from ...compiler.ops.view import reshape, transpose
from .arguments import data_format_word
from .input_spec import InputSpec
from .layer import Layer


class Flatten(Layer):
    """All axes but the batch's become one."""

    tells_build_shape = True

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format_word(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        rank = len(inputs.dims)
        if self.data_format == "channels_first" and rank > 2:
            inputs = transpose(inputs, (0, *range(2, rank), 1))
        return reshape(inputs, (inputs.dims[0], dm.product(inputs.dims[1:])))  # type: ignore[index]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """The elements of each sample under `target_shape`, in which one size may be -1."""

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape = tuple(int(d) for d in target_shape)

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        open_axes = [i for i, d in enumerate(self.target_shape) if d == -1]
        if len(open_axes) > 1:
            raise ValueError(f"There must be at most one unknown dimension (-1) in target_shape. "
                             f"Received: target_shape={self.target_shape}.")
        given = dm.product(d for d in self.target_shape if d != -1)
        total = dm.product(inputs.dims[1:])
        rest = dm.exact_quotient(total, given)
        if isinstance(total, int) and (rest is None or not open_axes and total != given):
            raise ValueError(f"The total size of the tensor must be unchanged. Layer {self.name!r} received: "
                             f"input_shape={inputs.shape}, target_shape={self.target_shape}")
        sizes = tuple((rest if rest is not None else total // given) if d == -1 else d for d in self.target_shape)
        return reshape(inputs, (inputs.dims[0], *sizes))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": list(self.target_shape)}


class Permute(Layer):
    """The axes of each sample in another order; `dims` counts them from 1."""

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(int(d) for d in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError("Invalid permutation argument `dims` for Permute Layer. The set of indices in `dims` "
                             f"must be consecutive and start from 1. Received dims={dims}")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Tensor) -> Tensor:
        return transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": list(self.dims)}
