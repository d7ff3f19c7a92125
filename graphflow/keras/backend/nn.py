"""`K.*`: activations, cross-entropies, normalization and dropout."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import array_ops, nn_ops, normalization
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops import nn
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.reduction import reduce_mean
from ...compiler.ops.view import known_rank, reshape
from .. import activations, losses
from .settings import epsilon as _epsilon
from .settings import normalize_data_format
from .tensors import _seed, int_shape, ndim


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """max(x, 0), with slope `alpha` below the threshold and a ceiling if given."""
    return activations.relu(x, alpha, max_value, threshold)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where positive, else alpha * (exp(x) - 1)."""
    return activations.elu(x, alpha)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `axis`."""
    return activations.softmax(x, axis)


def softplus(x: Any) -> Tensor:
    """log(1 + exp(x))."""
    return activations.softplus(x)


def softsign(x: Any) -> Tensor:
    """x / (1 + abs(x))."""
    return activations.softsign(x)


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x))."""
    return activations.sigmoid(x)


def hard_sigmoid(x: Any) -> Tensor:
    """0.2 * x + 0.5, cut to [0, 1]: Keras 2's, which differs from the activation of Keras 3."""
    return ew.minimum(ew.maximum(0.2 * convert_to_tensor(x) + 0.5, 0.0), 1.0)


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent."""
    return activations.tanh(x)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """-sum(target * log(output)) along `axis`, where `output` are probabilities or, `from_logits`, logits."""
    return losses.categorical_crossentropy(target, output, from_logits, axis=axis)


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """-log(output[target]) along `axis`, for integer targets."""
    return losses.sparse_categorical_crossentropy(target, output, from_logits, axis=axis)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-target * log(output) - (1 - target) * log(1 - output), for each element."""
    prediction = convert_to_tensor(output)
    truth = ew.cast(target, prediction.dtype)
    if from_logits or prediction.op.type == "Sigmoid":
        logits = prediction if from_logits else prediction.op.inputs[0]
        return nn.sigmoid_cross_entropy_with_logits(truth, logits)
    share = ew.minimum(ew.maximum(prediction, _epsilon()), 1 - _epsilon())
    return -(truth * ew.log(share + _epsilon()) + (1 - truth) * ew.log(1 - share + _epsilon()))


def in_top_k(predictions: Any, targets: Any, k: Any) -> Tensor:
    """For each row of `predictions`, whether the target is among the `k` largest: bool."""
    return nn_ops.in_top_k(predictions, targets, k)


def l2_normalize(x: Any, axis: Any = None) -> Tensor:
    """x / sqrt(sum(square(x))) along `axis`."""
    return normalization.l2_normalize(x, axis)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: int | None = None) -> Tensor:
    """Each element 0 with probability `level`, else divided by 1 - level. Raises ValueError outside [0, 1)."""
    return nn_ops.dropout(x, noise_shape=noise_shape, seed=_seed(seed), rate=level)


def batch_normalization(x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1,
                        epsilon: float = 1e-3) -> Tensor:
    """(x - mean) / sqrt(var + epsilon) * gamma + beta; beta and gamma may be None. Vectors go along `axis`."""
    tensor = convert_to_tensor(x)
    rank = len(known_rank("batch_normalization", tensor))

    def along(v: Any) -> Any:
        if v is None or ndim(v) != 1 or axis in (-1, rank - 1):
            return v
        return reshape(v, [-1 if a == axis % rank else 1 for a in range(rank)])

    return normalization.batch_normalization(tensor, along(mean), along(var), along(beta), along(gamma), epsilon)


def normalize_batch_in_training(x: Any, gamma: Any, beta: Any, reduction_axes: Sequence[int],
                                epsilon: float = 1e-3) -> tuple[Tensor, Tensor, Tensor]:
    """(x normalized over `reduction_axes`, its mean, its variance). Of images the variance has Bessel's correction, as
    TensorFlow's fused kernel gives it."""
    tensor = convert_to_tensor(x)
    dims = known_rank("normalize_batch_in_training", tensor)
    axes = [a % len(dims) for a in reduction_axes]
    if len(dims) == 4 and sorted(axes) == [0, 1, 2]:
        ones = array_ops.ones_like(reduce_mean(tensor, axes))
        return normalization.fused_batch_norm(tensor, ones if gamma is None else gamma,
                                              array_ops.zeros_like(ones) if beta is None else beta, epsilon=epsilon)
    mean, variance = normalization.moments(tensor, axes)
    kept = [1 if a in axes else d for a, d in enumerate(dims)]

    def spread(v: Any) -> Any:
        return None if v is None else reshape(v, kept)

    normed = normalization.batch_normalization(tensor, spread(mean), spread(variance), spread(beta), spread(gamma),
                                               epsilon)
    return normed, mean, variance


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Tensor:
    """x plus a bias: a vector along the channels, or one value for each position and channel.

    A bias of more axes has the channels last, whatever the layout of x. Raises ValueError for another rank.
    """
    first = normalize_data_format(data_format) == "channels_first"
    tensor, shape = convert_to_tensor(x), int_shape(bias) or ()
    rank = len(known_rank("bias_add", tensor))
    if len(shape) not in (1, rank - 1):
        raise ValueError(f"Unexpected bias dimensions {len(shape)}, expect to be 1 or {rank - 1} dimensions")
    sizes = (shape[-1], *(shape[:-1] or (1,) * (rank - 2))) if first else ((1,) * (rank - 1 - len(shape)) + shape)
    return tensor + reshape(bias, (1, *sizes))
