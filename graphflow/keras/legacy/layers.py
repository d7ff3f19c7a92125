"""Layers that Keras 1 had, and its `merge`."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.elementwise import sigmoid
from ...compiler.ops.reduction import reduce_max
from ...compiler.ops.view import reshape
from .. import activations, initializers, layers
from ..layers.arguments import activation_config, take_weight_arguments, weight_config
from ..layers.merging import Merge as _Merge
from ..nest import flatten
from ..saving.registration import register_keras_serializable
from .recurrent import Recurrent, _time_distributed_dense

__all__ = ["Highway", "MaxoutDense", "Merge", "Recurrent", "_Merge", "_time_distributed_dense", "merge"]

_MODES: dict[str, Callable[..., Any]] = {
    "sum": layers.add, "mul": layers.multiply, "ave": layers.average, "max": layers.maximum}


def merge(inputs: Sequence[Any], mode: Any = "sum", concat_axis: int = -1, dot_axes: Any = -1,
          output_shape: Any = None, output_mask: Any = None, arguments: Any = None, name: str | None = None) -> Any:
    """Several tensors as one: "sum", "mul", "ave", "max", "concat", "dot", "cos", or a function of their list.

    Raises ValueError for another mode.
    """
    if callable(mode):
        return layers.Lambda(mode, output_shape, output_mask, arguments, name=name)(list(inputs))
    if mode == "concat":
        return layers.concatenate(list(inputs), axis=concat_axis, name=name)
    if mode in ("dot", "cos"):
        return layers.dot(list(inputs), axes=dot_axes, normalize=mode == "cos", name=name)
    if mode not in _MODES:
        raise ValueError(f"Invalid merge mode: {mode!r}. Expected one of {[*_MODES, 'concat', 'dot', 'cos']} or a "
                         "function.")
    return _MODES[mode](list(inputs), name=name)


class Merge(layers.Layer):
    """`merge` as a layer. With `layers`, models or layers that have been called, it joins what these give out: it is
    the first layer of a Sequential model, whose inputs are theirs."""

    def __init__(self, layers: Sequence[Any] | None = None, mode: Any = "sum", concat_axis: int = -1,
                 dot_axes: Any = -1, output_shape: Any = None, output_mask: Any = None, arguments: Any = None,
                 node_indices: Any = None, tensor_indices: Any = None, name: str | None = None):
        super().__init__(name=name)
        self.branches = list(layers or ())
        self._merged = {"mode": mode, "concat_axis": concat_axis, "dot_axes": dot_axes, "output_shape": output_shape,
                        "output_mask": output_mask, "arguments": arguments}

    def call(self, inputs: Any) -> Tensor:
        return merge(inputs, **self._merged)

    def joined(self) -> tuple[list[Tensor], Any]:
        """(the inputs of what it joins, its output)."""
        given = [branch.input for branch in self.branches]
        return flatten(given), self([branch.output for branch in self.branches])


class _OldDense(layers.Layer):
    """Weights W and b under Keras 1's arguments. Subclasses define `shapes` and `call`."""

    def __init__(self, init: Any = "glorot_uniform", weights: Any = None, W_regularizer: Any = None,  # noqa: N803
                 b_regularizer: Any = None, activity_regularizer: Any = None, W_constraint: Any = None,  # noqa: N803
                 b_constraint: Any = None, bias: bool = True, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, weights=weights, **kwargs)
        self.bias = bias
        take_weight_arguments(self, kernel_initializer=init, kernel_regularizer=W_regularizer,
                              bias_regularizer=b_regularizer, kernel_constraint=W_constraint,
                              bias_constraint=b_constraint)

    def shapes(self, features: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        raise NotImplementedError

    def build(self, input_shape: Any) -> None:
        kernel, offset = self.shapes(input_shape[-1])
        self.W = self._pair("W", kernel, self.kernel_initializer)
        self.b = self._pair("b", offset, "zeros") if self.bias else None

    def _pair(self, name: str, shape: tuple[int, ...], initializer: Any) -> Any:
        kind = "kernel" if name == "W" else "bias"
        return self.add_weight(shape, initializer, name=name, regularizer=getattr(self, f"{kind}_regularizer"),
                               constraint=getattr(self, f"{kind}_constraint"))

    def get_config(self) -> dict[str, Any]:
        told = weight_config(self, "kernel_initializer", "kernel_regularizer", "bias_regularizer",
                             "kernel_constraint", "bias_constraint")
        names = {"kernel_initializer": "init", "kernel_regularizer": "W_regularizer", "kernel_constraint":
                 "W_constraint", "bias_regularizer": "b_regularizer", "bias_constraint": "b_constraint"}
        return {**super().get_config(), **{names[k]: v for k, v in told.items()}, "bias": self.bias}


@register_keras_serializable("legacy")
class MaxoutDense(_OldDense):
    """The largest of `nb_feature` linear maps to `output_dim` (Goodfellow et al. 2013)."""

    def __init__(self, output_dim: int, nb_feature: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        self.output_dim, self.nb_feature = output_dim, nb_feature

    def shapes(self, features: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (self.nb_feature, features, self.output_dim), (self.nb_feature, self.output_dim)

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        maps = matmul(reshape(inputs, (1, *inputs.dims)), self.W)
        offset = 0 if self.b is None else reshape(self.b, (self.nb_feature, 1, self.output_dim))
        return reduce_max(maps + offset, 0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_dim": self.output_dim, "nb_feature": self.nb_feature}


@register_keras_serializable("legacy")
class Highway(_OldDense):
    """sigmoid(x W_carry + b_carry) * activation(x W + b) and the rest of x (Srivastava et al. 2015)."""

    def __init__(self, activation: Any = None, transform_bias: float = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation, self.transform_bias = activations.get(activation), transform_bias

    def shapes(self, features: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (features, features), (features,)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.W_carry = self.add_weight((input_shape[-1],) * 2, self.kernel_initializer, name="W_carry")
        self.b_carry = self.add_weight((input_shape[-1],), initializers.Constant(self.transform_bias),
                                       name="b_carry") if self.bias else None

    def call(self, inputs: Tensor) -> Tensor:
        carry, y = matmul(inputs, self.W_carry), matmul(inputs, self.W)
        if self.b is not None and self.b_carry is not None:
            carry, y = carry + self.b_carry, y + self.b
        share = sigmoid(carry)
        return self.activation(y) * share + (1 - share) * inputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **activation_config(self), "transform_bias": self.transform_bias}
