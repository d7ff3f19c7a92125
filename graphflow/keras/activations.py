"""Activation functions: from tensor to tensor."""
from __future__ import annotations

from typing import Any

from .. import nn_ops
from ..compiler.ir import Tensor
from ..compiler.ops import elementwise as ew
from ..compiler.ops import nn
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.cumulative import cumsum
from ..compiler.ops.elementwise import cast
from ..compiler.ops.gather import range_
from ..compiler.ops.reduction import reduce_sum
from ..compiler.ops.slicing import split
from ..compiler.ops.sorting import sort
from ..compiler.ops.view import dim_scalar, reshape, zeros_of


def linear(x: Any) -> Any:
    """`x` as it is, as a tensor."""
    return x


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0,
         alpha: float | None = None) -> Tensor:
    """max(x, 0), with a slope below the threshold (`alpha` in Keras 2) and a ceiling if given."""
    x = convert_to_tensor(x)
    negative_slope = negative_slope if alpha is None else alpha
    if threshold:
        y = ew.where(x > threshold, x, zeros_of(x))
        below = negative_slope * (x - threshold) if negative_slope else None
    elif negative_slope and max_value is None:
        return nn_ops.leaky_relu(x, negative_slope)
    elif negative_slope:
        y, below = ew.relu(x), negative_slope * x
    elif max_value == 6:
        return ew.relu6(x)
    else:
        y, below = ew.relu(x), None
    if max_value is not None:
        y = ew.minimum(ew.maximum(y, 0.0) if threshold < 0 else y, max_value)
    return y if below is None else ew.where(x > threshold, y, below)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x where positive, else negative_slope * x."""
    return relu(x, negative_slope)


def relu6(x: Any) -> Tensor:
    """min(max(x, 0), 6)."""
    return ew.relu6(x)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `axis`."""
    return nn.softmax(x, axis)


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """log(softmax(x))."""
    return nn.log_softmax(x, axis)


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x))."""
    return ew.sigmoid(x)


def hard_sigmoid(x: Any) -> Tensor:
    """x / 6 + 0.5, cut to [0, 1]."""
    return ew.relu6(convert_to_tensor(x) + 3.0) / 6.0


def silu(x: Any) -> Tensor:
    """x * sigmoid(x)."""
    x = convert_to_tensor(x)
    return x * ew.sigmoid(x)


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent."""
    return ew.tanh(x)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where positive, else alpha * (exp(x) - 1)."""
    x = convert_to_tensor(x)
    return ew.elu(x) if alpha == 1 else ew.where(x > 0, x, alpha * ew.expm1(ew.minimum(x, 0.0)))


def selu(x: Any) -> Tensor:
    """Klambauer et al. 2017."""
    return ew.selu(x)


def softplus(x: Any) -> Tensor:
    """log(1 + exp(x))."""
    return ew.softplus(x)


def softsign(x: Any) -> Tensor:
    """x / (1 + abs(x))."""
    return ew.softsign(x)


def exponential(x: Any) -> Tensor:
    """exp(x)."""
    return ew.exp(x)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x * P(X <= x) for standard normal X (Hendrycks & Gimpel 2016), or its tanh approximation."""
    return nn_ops.gelu(x, approximate)


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1) (Barron 2017)."""
    return ew.maximum(x, 0.0) + alpha * ew.expm1(ew.minimum(x, 0.0) / alpha)


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half along `axis` times the sigmoid of the second (Dauphin et al. 2017)."""
    x = convert_to_tensor(x)
    if x.shape[axis] % 2:
        raise ValueError(f"axis size must be divisible by 2. Received: x.shape={x.shape} with axis={axis}")
    first, second = split(x, 2, axis)
    return first * ew.sigmoid(second)


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x where abs(x) > threshold, else 0."""
    x = convert_to_tensor(x)
    return ew.where(ew.abs_(x) > threshold, x, zeros_of(x))


def hard_silu(x: Any) -> Tensor:
    """x * hard_sigmoid(x)."""
    x = convert_to_tensor(x)
    return x * hard_sigmoid(x)


def hard_tanh(x: Any) -> Tensor:
    """x cut to [-1, 1]."""
    return ew.minimum(ew.maximum(x, -1.0), 1.0)


def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x))."""
    return -ew.softplus(-convert_to_tensor(x))


def mish(x: Any) -> Tensor:
    """x * tanh(softplus(x)) (Misra 2019)."""
    x = convert_to_tensor(x)
    return x * ew.tanh(ew.softplus(x))


def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by `threshold`, at most to 0."""
    x = convert_to_tensor(x)
    return ew.where(x > threshold, x - threshold, ew.where(x < -threshold, x + threshold, zeros_of(x)))


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, square(x + 1) / 4 up to 1, then x."""
    x = convert_to_tensor(x)
    return ew.where(x <= -1.0, zeros_of(x), ew.where(x < 1.0, 0.25 * ew.square(x + 1.0), x))


def sparse_sigmoid(x: Any) -> Tensor:
    """(x + 1) / 2, cut to [0, 1]."""
    x = convert_to_tensor(x)
    return ew.where(x <= -1.0, zeros_of(x), ew.where(x >= 1.0, zeros_of(x) + 1, 0.5 * (x + 1.0)))


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """A softmax with zeros (after Martins & Astudillo 2016), as Keras computes it."""
    x = convert_to_tensor(x)
    assert x.dims is not None
    axis %= len(x.dims)
    ordered = sort(x, axis, "DESCENDING")
    total = cumsum(ordered, axis)
    ranks = reshape(cast(range_(1, dim_scalar(x.dims[axis]) + 1), x.dtype),
                    [x.dims[axis] if a == axis else 1 for a in range(len(x.dims))])
    support = ordered - (total - 1) / ranks > 0.0
    count = reduce_sum(cast(support, x.dtype), axis, keepdims=True)
    # Keras sums the running totals of the support, not its members, and files depend on its numbers
    inside = reduce_sum(ew.where(support, total, zeros_of(x)), axis, keepdims=True)
    return ew.maximum(x - (inside - 1) / count, 0.0)


def squareplus(x: Any, b: float = 4) -> Tensor:
    """(x + sqrt(square(x) + b)) / 2."""
    x = convert_to_tensor(x)
    return (x + ew.sqrt(ew.square(x) + b)) / 2


def tanh_shrink(x: Any) -> Tensor:
    """x - tanh(x)."""
    x = convert_to_tensor(x)
    return x - ew.tanh(x)


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """x where it is above `threshold`, else `default_value`."""
    x = convert_to_tensor(x)
    return ew.where(x > threshold, x, zeros_of(x) + default_value)


swish, hard_swish = silu, hard_silu

_OBJECTS: dict[str, Any] = {f.__name__: f for f in (
    linear, relu, leaky_relu, relu6, softmax, log_softmax, sigmoid, hard_sigmoid, silu, tanh, elu, selu, softplus,
    softsign, exponential, gelu, celu, glu, hard_shrink, hard_silu, hard_tanh, log_sigmoid, mish, soft_shrink,
    sparse_plus, sparse_sigmoid, sparsemax, squareplus, tanh_shrink, threshold)} | {
        "swish": silu, "hard_swish": hard_silu}


def get(identifier: Any) -> Any:
    """The activation for None (linear), a name, config or function."""
    if identifier is None:
        return linear
    from .utils.lookup import lookup
    return lookup("activation function", identifier, _OBJECTS)


def serialize(activation: Any) -> Any:
    """A built-in function's name, or a config."""
    name = getattr(activation, "__name__", "")
    if name and _OBJECTS.get(name) is activation:
        return name
    from .saving.serialization import serialize_keras_object
    return serialize_keras_object(activation)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The activation of a config or a name. Raises ValueError for unknown ones; `custom_objects` adds names."""
    from .saving.serialization import deserialize_keras_object
    return deserialize_keras_object(config, custom_objects, module_objects=_OBJECTS)
