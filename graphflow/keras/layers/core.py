"""Layers without weights that every kind of model uses: inputs, activations, masks, repetition."""
from __future__ import annotations

from typing import Any

from ...compiler import dims as dm
from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor, default_graph
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, not_equal
from ...compiler.ops.reduction import reduce_any
from ...compiler.ops.state import placeholder
from ...compiler.ops.view import broadcast_to, expand_dims
from .. import activations, regularizers
from .arguments import activation_config, integers
from .input_spec import InputSpec
from .layer import Layer
from .node import Node, set_mask

BATCH = dm.fresh("batch")  # the batch size of every model's inputs: they agree on it


class InputLayer(Layer):
    """The entry of a model: a placeholder. `shape` is without the batch axis, `batch_shape` with it."""

    made_for_data = False  # whether its sizes are only those of a model's first data

    def __init__(self, shape: Any = None, batch_size: int | None = None, dtype: Any = None, sparse: bool | None = None,
                 ragged: bool | None = None, batch_shape: Any = None, input_tensor: Tensor | None = None,
                 optional: bool = False, name: str | None = None, input_shape: Any = None,
                 batch_input_shape: Any = None):
        if input_tensor is not None:  # one that is no placeholder is not fed
            input_tensor = convert_to_tensor(input_tensor)
            dtype = dtype or input_tensor.dtype.name
        super().__init__(dtype=dtype, name=name)
        if sparse or ragged:
            raise ValueError("Sparse and ragged inputs are not supported; convert them to dense arrays.")
        shape = input_shape if shape is None else shape
        batch_shape = batch_input_shape if batch_shape is None else batch_shape
        if (shape is None) == (batch_shape is None) and input_tensor is None:
            raise ValueError("You must pass either `shape` or `batch_shape` to `Input`.")
        if input_tensor is not None:
            batch_shape = input_tensor.shape.as_list()
        elif batch_shape is None:
            batch_shape = (batch_size, *(shape if hasattr(shape, "__iter__") else (shape,)))
        self.batch_shape = integers(batch_shape, "shape")
        self._batch_input_shape = self.batch_shape
        self.optional = optional
        self.built = True
        if input_tensor is None:
            sizes = (BATCH if i == 0 and d is None else d for i, d in enumerate(self.batch_shape))
            with default_graph().symbolic.as_default():
                input_tensor = placeholder(as_dtype(self.dtype), tuple(sizes), self.name)
        Node(self, (), {}, input_tensor)

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {"batch_shape": list(self.batch_shape), "dtype": self.dtype, "sparse": False, "ragged": False,
                "name": self.name, "optional": self.optional}


def Input(shape: Any = None, batch_size: int | None = None, dtype: Any = None, sparse: bool | None = None,
          ragged: bool | None = None, batch_shape: Any = None, name: str | None = None, tensor: Tensor | None = None,
          optional: bool = False, batch_input_shape: Any = None) -> Tensor:
    """A symbolic tensor from which a model starts. `shape` does not include the batch axis."""
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name,
                       batch_input_shape=batch_input_shape)
    return layer.output


class Activation(Layer):
    """A function applied to its input, by name or as a callable."""

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **activation_config(self)}


class Identity(Layer):
    """The input as it is."""

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs


class Masking(Layer):
    """Time steps in which every feature is `mask_value` become 0, and later layers pass over them."""

    supports_masking = True
    input_spec: Any = InputSpec()

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs: Tensor) -> Tensor:
        differs = not_equal(inputs, cast(self.mask_value, inputs.dtype))
        outputs = inputs * cast(reduce_any(differs, -1, keepdims=True), inputs.dtype)
        set_mask(outputs, self.compute_mask(inputs))
        return outputs

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return reduce_any(not_equal(inputs, cast(self.mask_value, inputs.dtype)), -1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}


class RepeatVector(Layer):
    """[batch, features] repeated `n` times: [batch, n, features]."""

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        if not hasattr(n, "__index__"):
            raise TypeError(f"Expected an integer value for `n`, got {type(n)}.")
        self.n = int(n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        return broadcast_to(expand_dims(inputs, 1), (inputs.dims[0], self.n, inputs.dims[1]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}


class ActivityRegularization(Layer):
    """The input; l1 * sum(abs(x)) + l2 * sum(square(x)) is added to the loss."""

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Tensor) -> Tensor:
        return inputs

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}
