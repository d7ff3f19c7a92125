"""Activations, normalizations, losses, encodings and attention."""
from __future__ import annotations

import math
from typing import Any

from ... import array_ops, ctc, normalization, sparse_ops
from ...compiler.ir import Tensor
from ...compiler.ops import complex as cx
from ...compiler.ops import elementwise as ew
from ...compiler.ops import nn as _nn
from ...compiler.ops import reduction as red
from ...compiler.ops import slicing, view
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.einsum import einsum
from ...compiler.ops.gather import range_
from .. import activations, backend
from ..losses import functions as losses
from . import windows
from .axes import rank_of
from .dtypes import as_tensor, floating, result_type, strong
from .linalg import norm
from .naming import alias, exported, unary
from .numpy.shaping import repeat

# activations

relu = unary("relu", activations.relu, "max(x, 0)", convert_to_tensor)
relu6 = unary("relu6", activations.relu6, "min(max(x, 0), 6)", convert_to_tensor)
sigmoid = unary("sigmoid", activations.sigmoid, "1 / (1 + exp(-x))")
sparse_sigmoid = unary("sparse_sigmoid", activations.sparse_sigmoid, "(x + 1) / 2, cut to [0, 1]")
sparse_plus = unary("sparse_plus", activations.sparse_plus, "0 up to -1, square(x + 1) / 4 up to 1, then x")
softplus = unary("softplus", activations.softplus, "log(1 + exp(x))")
softsign = unary("softsign", activations.softsign, "x / (1 + abs(x))")
silu = unary("silu", activations.silu, "x * sigmoid(x)")
log_sigmoid = unary("log_sigmoid", activations.log_sigmoid, "log(sigmoid(x))")
hard_sigmoid = unary("hard_sigmoid", activations.hard_sigmoid, "x / 6 + 0.5, cut to [0, 1]")
hard_silu = unary("hard_silu", activations.hard_silu, "x * hard_sigmoid(x)")
hard_tanh = unary("hard_tanh", activations.hard_tanh, "x cut to [-1, 1]")
tanh_shrink = unary("tanh_shrink", activations.tanh_shrink, "x - tanh(x)")
selu = unary("selu", activations.selu, "The self-normalizing activation of Klambauer et al. 2017")
swish, hard_swish = alias("swish", silu), alias("hard_swish", hard_silu)
leaky_relu, elu, celu, glu = activations.leaky_relu, activations.elu, activations.celu, activations.glu
soft_shrink, hard_shrink, threshold = activations.soft_shrink, activations.hard_shrink, activations.threshold
sparsemax, squareplus = activations.sparsemax, activations.squareplus


def gelu(x: Any, approximate: bool = True) -> Tensor:
    """x * P(X <= x) for standard normal X (Hendrycks & Gimpel 2016), or its tanh approximation."""
    return activations.gelu(x, approximate)


def _along(function: Any, x: Any, axis: Any) -> Tensor:
    """A function of the last axis over `axis`, over all of several axes, or over everything (None)."""
    tensor = floating(x)
    if isinstance(axis, int):
        return function(tensor, axis)
    rank = rank_of("softmax", tensor)
    axes = list(range(rank)) if axis is None else [a % rank for a in axis]
    rest = [a for a in range(rank) if a not in axes]
    moved = view.transpose(tensor, [*rest, *axes])
    dims = view.known_rank("softmax", moved)
    found = view.reshape(function(view.reshape(moved, [*dims[:len(rest)], -1]), -1), dims)
    return view.transpose(found, [[*rest, *axes].index(a) for a in range(rank)])


def softmax(x: Any, axis: Any = -1) -> Tensor:
    """exp(x) / sum(exp(x)) over `axis`, an axis or several (None: all)."""
    return _along(_nn.softmax, x, axis)


def log_softmax(x: Any, axis: Any = -1) -> Tensor:
    """log(softmax(x)) over `axis`, an axis or several (None: all)."""
    return _along(_nn.log_softmax, x, axis)


# normalizations

def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple[Tensor, Tensor]:
    """(mean, variance) over `axes`, of half precision computed in float32. `synchronized` is accepted."""
    tensor = convert_to_tensor(x)
    found = normalization.moments(as_tensor(tensor, result_type(tensor.dtype, "float32")), axes, keepdims=keepdims)
    return as_tensor(found[0], tensor.dtype), as_tensor(found[1], tensor.dtype)


def batch_normalization(x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None,
                        epsilon: float = 1e-3) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, where all but `x` have one element along `axis`."""
    tensor = convert_to_tensor(x)
    rank = rank_of("batch_normalization", tensor)
    dims = view.known_rank("batch_normalization", tensor)
    shape = [dims[axis] if i == axis % rank else 1 for i in range(rank)]

    def aligned(value: Any) -> Tensor:
        return view.reshape(as_tensor(value, tensor.dtype), shape)

    inverse = ew.rsqrt(aligned(variance) + epsilon)
    if scale is not None:
        inverse = inverse * aligned(scale)
    shift = -aligned(mean) * inverse
    return tensor * inverse + (shift if offset is None else shift + aligned(offset))


def _wide(x: Any) -> tuple[Tensor, Tensor]:
    """(the tensor, itself in at least float32)."""
    tensor = convert_to_tensor(x)
    return tensor, as_tensor(tensor, result_type(tensor.dtype, "float32"))


def layer_normalization(x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None,
                        **kwargs: Any) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, the moments being over `axis` (Ba et al. 2016).

    With `rms_scaling` the mean is not taken off. Half precision is computed in float32.
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization() got unexpected keyword arguments {sorted(kwargs)}")
    tensor, wide = _wide(x)
    dims = view.known_rank("layer_normalization", wide)
    axes = sorted(a % len(dims) for a in ([axis] if isinstance(axis, int) else axis))
    mean, variance = normalization.moments(wide, axes, keepdims=True)

    def aligned(value: Any) -> Tensor:
        given = as_tensor(value, wide.dtype)
        whole = rank_of("layer_normalization", given) == len(dims)
        return given if whole else view.reshape(given, [d if i in axes else 1 for i, d in enumerate(dims)])

    inverse = ew.rsqrt(variance + (backend.epsilon() if epsilon is None else epsilon))
    inverse = inverse if gamma is None else inverse * aligned(gamma)
    if rms_scaling:
        return as_tensor(wide * inverse, tensor.dtype)
    shift = -mean * inverse
    return as_tensor(wide * inverse + (shift if beta is None else shift + aligned(beta)), tensor.dtype)


def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Tensor:
    """x / sqrt(mean(square(x)) + epsilon) * scale, the mean being over `axis` (Zhang & Sennrich 2019)."""
    tensor, wide = _wide(x)
    if not rank_of("rms_normalization", wide):
        wide = view.expand_dims(wide, 0)
    mean = red.reduce_mean(ew.square(wide), axis, keepdims=True)
    found = wide * ew.rsqrt(mean + (backend.epsilon() if epsilon is None else epsilon))
    return as_tensor(found if scale is None else found * as_tensor(scale, wide.dtype), tensor.dtype)


def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Tensor:
    """x / max(norm, epsilon), the norm of that order being over `axis`. Raises ValueError for a bad order."""
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"Argument `order` must be an int >= 1. Received: order={order}")
    tensor = floating(x)
    tensor = tensor if rank_of("normalize", tensor) else view.expand_dims(tensor, 0)
    least = backend.epsilon() if epsilon is None else epsilon
    if order == 2:
        inverse = ew.rsqrt(red.reduce_sum(ew.square(tensor), axis, keepdims=True))
        return tensor * ew.minimum(inverse, 1.0 / least)
    return tensor / ew.maximum(norm(tensor, order, axis, keepdims=True), least)


# losses

def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """-sum(target * log(output)) along `axis`, where `output` are probabilities or, `from_logits`, logits."""
    return losses.categorical_crossentropy(target, output, from_logits, axis=axis)


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """-log(output[target]) along `axis`, for integer targets."""
    return losses.sparse_categorical_crossentropy(target, output, from_logits, axis=axis)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-target * log(output) - (1 - target) * log(1 - output), for each element. Raises ValueError for other shapes."""
    truth, share = strong(target, output)
    if not truth.shape.is_compatible_with(share.shape):
        raise ValueError("Arguments `target` and `output` must have the same shape. Received: "
                         f"target.shape={truth.shape}, output.shape={share.shape}")
    if from_logits:
        return _nn.sigmoid_cross_entropy_with_logits(truth, share)
    share = losses.clip_shares(share)
    return -(truth * ew.log(share) + (1 - truth) * ew.log(1 - share))


def ctc_loss(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0) -> Tensor:
    """The connectionist temporal classification loss [batch] (Graves et al. 2006).

    target [batch, length] are labels, output [batch, time, classes] logits, `mask_index` is the blank.
    """
    logits = convert_to_tensor(output)
    wanted = result_type(logits.dtype, "float32")
    found = ctc.ctc_loss_v2(as_tensor(target, "int32"), as_tensor(logits, "float32"), as_tensor(target_length, "int32"),
                            as_tensor(output_length, "int32"), logits_time_major=False, blank_index=mask_index)
    return as_tensor(found, wanted)


def ctc_decode(inputs: Any, sequence_lengths: Any, strategy: str = "greedy", beam_width: int = 100, top_paths: int = 1,
               merge_repeated: bool = True, mask_index: int = 0) -> tuple[Tensor, Tensor]:
    """(the labels of each path, filled up with -1: int32 [paths, batch, time]; the paths' scores).

    `inputs` [batch, time, classes] are logits; `strategy` is "greedy" (one path) or "beam_search". Raises ValueError
    for another.
    """
    logits = view.transpose(convert_to_tensor(inputs), (1, 0, 2))
    logits = as_tensor(logits, result_type(logits.dtype, "float32"))
    sizes: Any = view.known_rank("ctc_decode", logits)
    time, batch, classes = sizes
    lengths = as_tensor(sequence_lengths, "int32")
    if strategy == "greedy":
        paths, scores = ctc.ctc_greedy_decoder(logits, lengths, merge_repeated, mask_index)
    elif strategy == "beam_search":
        if mask_index is not None:  # the decoder's blank is the last class
            mask_index = mask_index % classes
            logits = slicing.concat([logits[..., :mask_index], logits[..., mask_index + 1:],
                                     logits[..., mask_index:mask_index + 1]], -1)
        paths, scores = ctc.ctc_beam_search_decoder_v2(logits, lengths, beam_width, top_paths)
    else:
        raise ValueError(f"Invalid strategy {strategy}. Supported values are 'greedy' and 'beam_search'.")
    shape = view.shape_of(logits)[1::-1]
    found = as_tensor(slicing.stack([sparse_ops.sparse_to_dense(p.indices, shape, p.values, -1) for p in paths]),
                      "int32")
    found = view.reshape(found, (len(paths), batch, time))
    if strategy == "beam_search" and mask_index is not None:
        found = ew.where(found >= mask_index, found + 1, found)
    return found, scores


def psnr(x1: Any, x2: Any, max_val: Any) -> Tensor:
    """The peak signal-to-noise ratio in decibels: a scalar. Raises ValueError for different shapes."""
    a, b = convert_to_tensor(x1), convert_to_tensor(x2)
    if not a.shape.is_compatible_with(b.shape):
        raise ValueError(f"Input shapes {a.shape} and {b.shape} must match for PSNR calculation. ")
    error = red.reduce_mean(ew.square(a - b))
    return (20 * ew.log(as_tensor(max_val, b.dtype)) - 10 * ew.log(error)) / math.log(10)


# encodings

def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Tensor:
    """1 at each index along a new axis of size `num_classes`, 0 elsewhere and for indices out of range.

    `sparse` is accepted; the result is dense.
    """
    hot = array_ops.one_hot(as_tensor(x, "int64"), num_classes, axis=axis, dtype="float32")
    return as_tensor(hot, dtype or backend.floatx())


def multi_hot(inputs: Any, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False,
              **kwargs: Any) -> Tensor:
    """1 at every index that comes in the last axis of `inputs` [..., n]: [..., num_classes].

    `num_tokens` is an old name of `num_classes`; `sparse` is accepted. Raises ValueError without either.
    """
    classes = kwargs.pop("num_tokens", num_classes)
    if kwargs or classes is None:
        raise ValueError("Argument `num_classes` must be specified." if classes is None else
                         f"Unrecognized keyword arguments: {sorted(kwargs)}")
    indices = convert_to_tensor(inputs)
    over = 1 if rank_of("multi_hot", indices) > 1 else 0
    return as_tensor(red.reduce_max(one_hot(indices, classes, axis, "float32"), over), dtype or backend.floatx())


def polar(abs_: Any, angle: Any) -> Tensor:
    """The complex numbers of these magnitudes and angles in radians."""
    size, turn = convert_to_tensor(abs_), convert_to_tensor(angle)
    return cx.complex_(size * ew.cos(turn), size * ew.sin(turn))


# attention

def dot_product_attention(query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None, scale: Any = None,
                          is_causal: bool = False, flash_attention: bool | None = None,
                          attn_logits_soft_cap: float | None = None) -> Tensor:
    """softmax(query key^T * scale + bias) value (Vaswani et al. 2017): [batch, queries, heads, depth].

    query is [batch, queries, heads, depth], key and value [batch, keys, heads, depth], where groups of query heads may
    share one. `bias` is added to, and `mask` (bool) says which are kept of, [batch, heads, queries, keys]; `is_causal`
    keeps keys up to the query's place. `scale` is 1 / sqrt(depth) by default. Raises ValueError for other ranks and for
    flash attention; the soft cap is accepted.
    """
    if flash_attention:
        raise ValueError("Flash attention is not supported.")
    q, k, v = strong(query, key, value)
    if rank_of("dot_product_attention", q) != 4:
        raise ValueError(f"`dot_product_attention` only supports 4D inputs. Received: query.shape={q.shape}, "
                         f"key.shape={k.shape}, value.shape={v.shape}.")
    heads, shared = q.shape[2], k.shape[2]
    if heads is not None and shared is not None and int(heads) > int(shared) > 1:
        k, v = (repeat(t, int(heads) // int(shared), 2) for t in (k, v))
    precise = result_type(q.dtype, "float32")
    depth = view.known_rank("dot_product_attention", k)[3]
    factor = 1.0 / ew.sqrt(as_tensor(view.dim_scalar(depth) if not isinstance(depth, int) else depth, "float32"))
    scores = as_tensor(einsum("btnh,bsnh->bnts", q, k), precise)
    scores = scores * as_tensor(factor if scale is None else scale, precise)
    if bias is not None:
        scores = scores + as_tensor(bias, precise)
    kept = None if mask is None else as_tensor(mask, "bool")
    if is_causal:
        *_, rows, columns = view.known_rank("dot_product_attention", scores)
        before = view.expand_dims(range_(columns), 0) <= view.expand_dims(range_(rows), 1)
        kept = before if kept is None else ew.logical_and(kept, before)
    if kept is not None:
        low = -0.7 * (65500.0 if scores.dtype.name == "float16" else 3.38953e38)
        scores = ew.where(kept, scores, as_tensor(low, scores.dtype))
    return einsum("bnts,bsnh->btnh", as_tensor(_nn.softmax(scores, -1), k.dtype), v)


globals().update(exported(windows))

__all__ = [
    *windows.__all__, "batch_normalization", "binary_crossentropy", "categorical_crossentropy", "celu", "ctc_decode",
    "ctc_loss", "dot_product_attention", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "layer_normalization", "leaky_relu", "log_sigmoid", "log_softmax", "moments",
    "multi_hot", "normalize", "one_hot", "polar", "psnr", "relu", "relu6", "rms_normalization", "selu", "sigmoid",
    "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_categorical_crossentropy", "sparse_plus",
    "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold",
]
