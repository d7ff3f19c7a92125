"""What few programs use: approximate top k, Sobol's sequence, convolutions whose shapes are given by tensors."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .compiler.dtypes import as_dtype, float32
from .compiler.ir import Tensor
from .compiler.ops import sobol
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.sorting import top_k
from .compiler.ops.view import known_rank, shape_of, transpose
from .compiler.shapes import normalize_axis
from .convolution import conv2d, conv2d_backprop_filter, conv2d_backprop_input, conv3d
from .framework import name_scope


class ApproxTopK(NamedTuple):
    """The k largest or smallest elements along an axis, and where they are."""

    values: Tensor
    indices: Tensor


def approx_top_k(input: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
                 is_max_k: bool = True, reduction_input_size_override: int = -1, aggregate_to_topk: bool = True,
                 name: str | None = None) -> ApproxTopK:
    """The `k` largest (`is_max_k`) or smallest elements along an axis, best first: all of them, whatever
    `recall_target` allows to miss."""
    with name_scope(name, "ApproxTopK", [input]):
        x = convert_to_tensor(input)
        rank = len(known_rank("ApproxTopK", x))
        axis = normalize_axis("ApproxTopK", reduction_dimension, rank)
        order = list(range(rank))
        order[axis], order[-1] = order[-1], order[axis]
        values, indices = top_k(transpose(x if is_max_k else -x, order), k)
        return ApproxTopK(transpose(values if is_max_k else -values, order), transpose(indices, order))


def approx_max_k(operand: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
                 reduction_input_size_override: int = -1, aggregate_to_topk: bool = True,
                 name: str | None = None) -> ApproxTopK:
    """The `k` largest elements along an axis, largest first, and where they are (see `approx_top_k`)."""
    return approx_top_k(operand, k, reduction_dimension, recall_target, True, name=name)


def approx_min_k(operand: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
                 reduction_input_size_override: int = -1, aggregate_to_topk: bool = True,
                 name: str | None = None) -> ApproxTopK:
    """The `k` smallest elements along an axis, smallest first, and where they are (see `approx_top_k`)."""
    return approx_top_k(operand, k, reduction_dimension, recall_target, False, name=name)


def sobol_sample(dim: Any, num_results: Any, skip: Any = 0, dtype: Any = float32, name: str | None = None) -> Tensor:
    """`num_results` points of Sobol's sequence in `dim` dimensions, after the origin and the first `skip`: [n, dim] in
    [0, 1). The direction numbers are those of Joe and Kuo (2008) in SciPy (`pip install graphflow[scipy]`)."""
    operands = [convert_to_tensor(v, "int32") for v in (dim, num_results, skip)]
    return sobol.sobol_sample(*operands, dtype=as_dtype(dtype), name=name)


def conv(input: Any, filter: Any, strides: Any, padding: str, explicit_paddings: Sequence[int] = (),
         data_format: str = "CHANNELS_LAST", dilations: Any = (), batch_dims: int = 1, groups: int = 1,
         name: str | None = None) -> Tensor:
    """`conv2d` or `conv3d` by the rank of the input; `strides` and `dilations` have an element for each of its axes.

    `explicit_paddings`, for padding "EXPLICIT": before and after, for each axis in turn. Raises ValueError for another
    rank or data format and for more than one batch axis.
    """
    x = convert_to_tensor(input)
    rank = len(known_rank("Conv", x))
    if rank not in (4, 5) or batch_dims != 1 or data_format not in ("CHANNELS_LAST", "CHANNELS_FIRST"):
        raise ValueError("Conv: input must have 1 batch axis and 2 or 3 spatial ones, the data format be CHANNELS_LAST "
                         f"or CHANNELS_FIRST; received {x!r}, batch_dims={batch_dims}, data_format={data_format!r}")
    for what, given in (("Stride", strides), ("Dilations", dilations or [1] * rank)):
        if len(given) != rank:
            raise ValueError(f"{what} attribute should contain {rank} values, but got: {len(given)}")
    formats = {4: ("NHWC", "NCHW"), 5: ("NDHWC", "NCDHW")}[rank]
    return (conv2d if rank == 4 else conv3d)(
        x, filter, list(strides), _explicit(padding, explicit_paddings),
        data_format=formats[data_format == "CHANNELS_FIRST"],
        dilations=list(dilations or [1] * rank), name=name or "Conv")


def _explicit(padding: Any, explicit_paddings: Sequence[int]) -> Any:
    pairs = [list(explicit_paddings[i:i + 2]) for i in range(0, len(explicit_paddings), 2)]
    return pairs if padding == "EXPLICIT" else padding


def conv2d_backprop_filter_v2(input: Any, filter: Any, out_backprop: Any, strides: Any, padding: str,
                              use_cudnn_on_gpu: bool = True, explicit_paddings: Sequence[int] = (),
                              data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1),
                              name: str | None = None) -> Tensor:
    """The gradient of `conv2d` for its filter, which gives its shape."""
    return conv2d_backprop_filter(input, shape_of(convert_to_tensor(filter)), out_backprop, strides,
                                  _explicit(padding, explicit_paddings), use_cudnn_on_gpu, data_format, dilations, name)


def conv2d_backprop_input_v2(input: Any, filter: Any, out_backprop: Any, strides: Any, padding: str,
                             use_cudnn_on_gpu: bool = True, explicit_paddings: Sequence[int] = (),
                             data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1),
                             name: str | None = None) -> Tensor:
    """The gradient of `conv2d` for its input, which gives its shape."""
    return conv2d_backprop_input(shape_of(convert_to_tensor(input)), filter, out_backprop, strides,
                                 _explicit(padding, explicit_paddings), use_cudnn_on_gpu, data_format, dilations, name)


def my_fact(name: str | None = None) -> Tensor:
    """The example of an op of one's own: a fact."""
    return constant(b"0! == 1", name=name or "Fact")
