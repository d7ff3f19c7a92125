"""Activations, losses of logits, linear layers, embeddings and dropout, under TensorFlow 1's names."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .arguments import named_only, renamed
from .clip_ops import clip_by_norm
from .compiler.dtypes import float32
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.names import named
from .compiler.ops import elementwise, reduction
from .compiler.ops import nn as ops
from .compiler.ops.arguments import convert_all
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.contraction import matmul
from .compiler.ops.elementwise import cast, greater, sigmoid, square, where
from .compiler.ops.gather import gather
from .compiler.ops.slicing import concat
from .compiler.ops.symbolic import operand_dims, shape_operand
from .compiler.ops.view import (
    identity,
    known_rank,
    ones_of,
    reshape,
    shape_of,
    squeeze,
    stop_gradient,
    transpose,
    zeros_of,
)
from .compiler.shapes import normalize_axis
from .framework import name_scope
from .late import of_rank
from .random_ops import bernoulli_mask

# activations


def _activation(build: Callable[..., Tensor], doc: str) -> Callable[..., Tensor]:
    def activation(features: Any, name: str | None = None) -> Tensor:
        return build(features, name)
    return named(build.__name__, activation, doc)


relu = _activation(elementwise.relu, "max(x, 0).")
relu6 = _activation(elementwise.relu6, "min(max(x, 0), 6).")
elu = _activation(elementwise.elu, "x above 0, exp(x) - 1 below.")
selu = _activation(elementwise.selu, "The scaled elu that keeps activations normalized (Klambauer et al. 2017).")
softplus = _activation(elementwise.softplus, "log(1 + exp(x)), without overflow.")
softsign = _activation(elementwise.softsign, "x / (1 + abs(x)).")


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Tensor:
    """x above 0, alpha * x below."""
    x = convert_to_tensor(features)
    x = cast(x, float32) if x.dtype.is_integer else x
    with name_scope(name, "LeakyRelu", [x]) as scope:
        return where(greater(x, zeros_of(x)), x, x * convert_to_tensor(alpha, x.dtype), name=scope)


def swish(features: Any, beta: Any = 1.0) -> Tensor:
    """x * sigmoid(beta * x)."""
    x = convert_to_tensor(features)
    with name_scope("swish", None, [x]):
        return x * sigmoid(x if isinstance(beta, float) and beta == 1 else x * convert_to_tensor(beta, x.dtype))


silu = swish


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """x times the normal distribution function at x, or its tanh approximation (Hendrycks and Gimpel 2016)."""
    x = convert_to_tensor(features)
    with name_scope(name, "Gelu", [x]):
        if approximate:
            # (1 + tanh(u)) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x**3)
            return x * sigmoid(x * (1.5957691216057308 + 0.07135481627260025 * (x * x)))
        return 0.5 * x * (1.0 + elementwise.erf(x * 0.7071067811865476))  # 1 / sqrt(2)


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Tensor:
    """relu of x and of -x, joined along `axis`."""
    x = convert_to_tensor(features)
    with name_scope(name, "CRelu", [x]):
        return elementwise.relu(concat([x, -x], axis))


def softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """exp(logits) / sum(exp(logits)) along `axis` (default the last)."""
    along = renamed("axis", axis, "dim", dim)
    return ops.softmax(logits, -1 if along is None else along, name)


def log_softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """logits - log(sum(exp(logits))) along `axis` (default the last)."""
    along = renamed("axis", axis, "dim", dim)
    return ops.log_softmax(logits, -1 if along is None else along, name)


# losses of logits


def softmax_cross_entropy_with_logits_v2(labels: Any, logits: Any, axis: int | None = None, name: str | None = None,
                                         dim: int | None = None) -> Tensor:
    """-sum(labels * log_softmax(logits)) along `axis` (default the last), with gradients for both; the labels may have
    any type of numbers."""
    along = renamed("axis", axis, "dim", dim)
    x = convert_to_tensor(logits)
    target = cast(labels, x.dtype)
    if not x.shape.is_compatible_with(target.shape) and 1 not in (*(x.dims or ()), *(target.dims or ())):
        raise ShapeError(f"softmax_cross_entropy_with_logits: logits and labels must have the same shape, received "
                         f"{x.shape} and {target.shape}")
    if along is not None and x.dims is not None and normalize_axis("softmax", along, len(x.dims)) != len(x.dims) - 1:
        order = [a for a in range(len(x.dims)) if a != along % len(x.dims)] + [along % len(x.dims)]
        x, target = transpose(x, order), transpose(target, order)
    return ops.softmax_cross_entropy_with_logits_v2(target, x, name=name or "softmax_cross_entropy_with_logits")


def softmax_cross_entropy_with_logits(_sentinel: Any = None, labels: Any = None, logits: Any = None, dim: int = -1,
                                      name: str | None = None, axis: int | None = None) -> Tensor:
    """-sum(labels * log_softmax(logits)) along the last axis; the labels are constants to the gradient."""
    named_only("softmax_cross_entropy_with_logits", _sentinel, labels=labels, logits=logits)
    return softmax_cross_entropy_with_logits_v2(stop_gradient(labels), logits, dim if axis is None else axis, name)


def sparse_softmax_cross_entropy_with_logits(_sentinel: Any = None, labels: Any = None, logits: Any = None,
                                             name: str | None = None) -> Tensor:
    """-log_softmax(logits)[label] for each row.

    `labels` are class numbers with one axis less than the logits; one that is out of range raises InvalidArgumentError
    at run time.
    """
    named_only("sparse_softmax_cross_entropy_with_logits", _sentinel, labels=labels, logits=logits)
    known = convert_to_tensor(labels).shape
    if known.ndims is not None:
        logits = of_rank(convert_to_tensor(logits), known.ndims + 1)
    losses = ops.sparse_softmax_cross_entropy_with_logits(labels, logits, name)
    if known.is_fully_defined() and not losses.shape.is_fully_defined():
        losses.set_shape(known)
    return losses


def sigmoid_cross_entropy_with_logits(_sentinel: Any = None, labels: Any = None, logits: Any = None,
                                      name: str | None = None) -> Tensor:
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)) by elements."""
    named_only("sigmoid_cross_entropy_with_logits", _sentinel, labels=labels, logits=logits)
    return ops.sigmoid_cross_entropy_with_logits(labels, logits, name or "logistic_loss")


def weighted_cross_entropy_with_logits(labels: Any = None, logits: Any = None, pos_weight: Any = None,
                                       name: str | None = None, targets: Any = None) -> Tensor:
    """`sigmoid_cross_entropy_with_logits` with the positive term multiplied by `pos_weight`."""
    x, z = convert_all("weighted_cross_entropy_with_logits", (logits, renamed("labels", labels, "targets", targets)))
    if not x.shape.is_compatible_with(z.shape):
        raise ValueError(f"logits and targets must have the same shape ({x.shape} vs {z.shape})")
    with name_scope(name, "logistic_loss", [x, z]) as scope:
        weight = 1 + (convert_to_tensor(pos_weight, x.dtype) - 1) * z
        return elementwise.add((1 - z) * x, weight * elementwise.softplus(-x), scope)


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Tensor:
    """exp(c) - z * c for c = log_input, with Stirling's approximation of log(z!) for `compute_full_loss`."""
    c, z = convert_all("log_poisson_loss", (log_input, targets))
    with name_scope(name, "log_poisson_loss", [c, z]):
        loss = elementwise.exp(c) - c * z
        if compute_full_loss:
            safe = where(z > 1, z, ones_of(z))
            stirling = safe * elementwise.log(safe) - safe + 0.5 * elementwise.log(6.283185307179586 * safe)
            loss += where(z > 1, stirling, zeros_of(z))
        return loss


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """sum(t ** 2) / 2."""
    x = convert_to_tensor(t)
    with name_scope(name, "L2Loss", [x]) as scope:
        return elementwise.multiply(reduction.reduce_sum(square(x)), 0.5, scope)


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Tensor:
    """For each row of `predictions`, whether fewer than `k` elements exceed the target's; bool."""
    x, t = of_rank(convert_to_tensor(predictions), 2), of_rank(convert_to_tensor(targets), 1)
    from .array_ops import one_hot
    with name_scope(name, "in_top_k", [x, t]) as scope:
        hot = one_hot(t, x.dims[-1], True, False)  # type: ignore[index]
        at_target = reduction.reduce_sum(where(hot, x, zeros_of(x)), -1, True)
        above = reduction.reduce_sum(cast(x > at_target, "int32"), -1)
        return elementwise.logical_and(above < k, elementwise.is_finite(squeeze(at_target, -1)), scope)


def compute_average_loss(per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None) -> Tensor:
    """The (weighted) sum of the losses of examples over the number of examples, or over `global_batch_size`."""
    losses = convert_to_tensor(per_example_loss)
    if not losses.dims:
        raise ValueError("`per_example_loss` must have rank 1 or more")
    if sample_weight is not None:
        losses = losses * cast(sample_weight, losses.dtype)
    count = shape_of(losses)[0] if global_batch_size is None else convert_to_tensor(global_batch_size)
    return reduction.reduce_sum(losses) / cast(count, losses.dtype)


def scale_regularization_loss(regularization_loss: Any) -> Tensor:
    """The sum of regularization losses: there is one replica."""
    return reduction.reduce_sum(convert_to_tensor(regularization_loss))


# linear


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """`value` plus the vector `bias` along the channels: the last axis, or axis 1 for a data format like "NCHW"."""
    x, b = convert_all("BiasAdd", (value, bias))
    if b.dims is not None and len(b.dims) != 1:
        raise ShapeError(f"BiasAdd: the bias must be a vector, received {b.shape}")
    if data_format not in (None, "NHWC", "NCHW", "N...C", "NC...", "NDHWC", "NCDHW", "NWC", "NCW"):
        raise ValueError(f"BiasAdd: data_format must be of the form `N...C` or `NC...`, received {data_format!r}")
    if x.dims is not None and b.dims is not None:
        axis = 1 if (data_format or "").startswith("NC") else len(x.dims) - 1
        channels, size = x.dims[axis], b.dims[0]
        if isinstance(channels, int) and isinstance(size, int) and channels != size:
            raise ShapeError(f"BiasAdd: Dimensions must be equal, but are {channels} and {size}: the channels of {x!r} "
                             "and the size of the bias")
        if axis != len(x.dims) - 1:
            b = reshape(b, [size if a == axis else 1 for a in range(len(x.dims))])
    return elementwise.add(x, b, name or "BiasAdd")


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """matmul(x, weights) + biases."""
    with name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        return bias_add(matmul(x, weights), biases, name=scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """relu(matmul(x, weights) + biases)."""
    with name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        return elementwise.relu(bias_add(matmul(x, weights), biases), scope)


def embedding_lookup(params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None,
                     validate_indices: bool = True, max_norm: float | None = None) -> Tensor:
    """The rows of `params` at `ids`; with `max_norm`, longer rows are scaled down to that length.

    Of several tables, the strategy "mod" finds row i in table i % n, at i // n; "div" counts on from table to table.
    """
    tables = list(params) if isinstance(params, (list, tuple)) else [params]
    if not tables:
        raise ValueError("Need at least one param")
    if partition_strategy not in ("mod", "div"):
        raise ValueError(f"Unrecognized partition strategy: {partition_strategy}")
    with name_scope(name, "embedding_lookup"):
        rows = _lookup([convert_to_tensor(t) for t in tables], convert_to_tensor(ids), partition_strategy)
        if max_norm is None:
            return identity(rows)
        rank = len(convert_to_tensor(ids).dims or ())
        return clip_by_norm(rows, max_norm, list(range(rank, len(rows.dims or ()))))


def _lookup(tables: list[Tensor], ids: Tensor, strategy: str) -> Tensor:
    count = len(tables)
    if count == 1:
        return gather(tables[0], ids)
    if strategy == "mod":
        lengths = [known_rank("embedding_lookup", t)[0] for t in tables]
        starts = cast(shape_operand([sum(lengths[:n], 0) for n in range(count)]), ids.dtype)
        ids = gather(starts, ids % count) + ids // count
    return gather(concat(tables, 0), ids)


# dropout


def dropout(x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: int | None = None, name: str | None = None,
            rate: Any = None) -> Tensor:
    """Each element 0 with probability `rate` (= 1 - keep_prob), else divided by 1 - rate.

    Where `noise_shape` has a 1, the elements along that axis are kept or dropped together. The backward pass keeps the
    mask, one byte per element. Raises ValueError for a rate outside [0, 1) or an input that is not float.
    """
    value = convert_to_tensor(x)
    if keep_prob is not None and rate is not None:
        raise ValueError("Only one of keep_prob and rate can be set.")
    if keep_prob is not None:
        rate = 1 - keep_prob
    if rate is None:
        raise ValueError("You must provide a rate to dropout.")
    if not value.dtype.is_floating:
        raise ValueError(f"x has to be a floating point tensor since it's going to be scaled. Got a {value.dtype} "
                         "tensor instead.")
    return dropped(value, rate, noise_shape, lambda shape, chance: bernoulli_mask(shape, chance, float32, seed), name,
                   "dropout")


def dropped(value: Tensor, rate: Any, noise_shape: Any, mask: Callable[[Any, Tensor], Tensor], name: str | None,
            default_name: str) -> Tensor:
    """`value` over 1 - rate where `mask(shape, rate)` holds, else 0."""
    known = not isinstance(rate, Tensor) and not hasattr(rate, "_as_graph_element")
    if known and not 0 <= rate < 1:
        raise ValueError(f"rate must be a scalar tensor or a float in the range [0, 1), got {rate}")
    if known and rate == 0:
        return value
    with name_scope(name, default_name, [value]) as scope:
        chance = convert_to_tensor(rate, value.dtype)
        if chance.dims is None:  # fed by a placeholder of no shape
            chance = reshape(chance, ())
        if chance.dims != ():
            raise ValueError(f"{default_name}: rate must be a scalar, received {chance.shape}")
        kept = mask(_noise_shape(value, noise_shape), chance)
        scale = convert_to_tensor(1 / (1 - rate), value.dtype) if known else 1 / (1 - chance)
        return where(kept, value * scale, zeros_of(value), name=scope)


def _noise_shape(x: Tensor, noise_shape: Any) -> Any:
    if noise_shape is None:
        return shape_of(x)
    if isinstance(noise_shape, (list, tuple)) and x.dims is not None and len(noise_shape) == len(x.dims):
        return tuple(d if n is None else n for d, n in zip(x.dims, noise_shape, strict=True))
    dims = operand_dims(shape_operand(noise_shape))
    return noise_shape if dims is None else dims
