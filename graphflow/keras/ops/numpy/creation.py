"""Tensors from sizes and numbers: constant, evenly spaced, windows, triangles."""
from __future__ import annotations

import math
from typing import Any

from .... import array_ops, signal_windows
from ....compiler.ir import Tensor
from ....compiler.ops import elementwise as ew
from ....compiler.ops import view
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.gather import range_
from ... import backend
from ..axes import moveaxis
from ..dtypes import as_tensor, kind_of, result_type, standardize_dtype
from ..naming import alias
from .elementwise import scalar


def array(x: Any, dtype: Any = None) -> Tensor:
    """The tensor of an array, number or nest of them."""
    return as_tensor(x, dtype)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """Every element `fill_value`, which is broadcast to the shape."""
    return view.broadcast_to(as_tensor(fill_value, dtype or backend.floatx()), shape)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """`fill_value` in the shape of `x`, and in its dtype unless another is given."""
    tensor = convert_to_tensor(x)
    return view.broadcast_to(as_tensor(fill_value, dtype or tensor.dtype), view.shape_of(tensor))


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """Zeros, of floatx unless a dtype is given."""
    return array_ops.zeros(shape, standardize_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """Ones, of floatx unless a dtype is given."""
    return array_ops.ones(shape, standardize_dtype(dtype))


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros in the shape of `x`, and in its dtype unless another is given."""
    return array_ops.zeros_like(x, None if dtype is None else standardize_dtype(dtype))


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones in the shape of `x`, and in its dtype unless another is given."""
    return array_ops.ones_like(x, None if dtype is None else standardize_dtype(dtype))


empty, empty_like = alias("empty", zeros), alias("empty_like", zeros_like)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """start, start + step, ... below `stop`; 0, 1, ... below `start` without one."""
    given = [kind_of(v) for v in (start, stop, step) if v is not None]
    wanted = standardize_dtype(dtype) if dtype is not None else result_type(*given)
    if wanted in ("int32", "int64", "float32", "float64"):
        return range_(start, stop, 1 if step is None else step, wanted)
    return as_tensor(range_(start, stop, 1 if step is None else step, "float32"), wanted)


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
             axis: int = 0) -> Any:
    """`num` numbers from `start` to `stop` in equal steps along a new axis; with `retstep` (numbers, step).

    Raises ValueError for a negative `num`.
    """
    if num < 0:
        raise ValueError(f"`num` must be a non-negative integer. Received: num={num}")
    wanted = result_type(kind_of(start), kind_of(stop), float) if dtype is None else standardize_dtype(dtype)
    exact = wanted if "float" in wanted else backend.floatx()
    first, last = (as_tensor(as_tensor(v, wanted), exact) for v in (start, stop))
    first, last = first + view.zeros_like(last), last + view.zeros_like(first)
    intervals = num - 1 if endpoint else num
    step = (last - first) / scalar(intervals, first) if intervals > 0 else scalar(math.nan, first)
    rank = len(view.known_rank("linspace", first))
    counts = view.reshape(as_tensor(range_(num), exact), [num] + [1] * rank)
    steps = counts * view.expand_dims(step, 0) if intervals > 0 else view.zeros([num] + [1] * rank, exact)
    values = view.expand_dims(first, 0) + steps
    if endpoint and num > 1:  # the end exactly
        values = ew.where(ew.equal(counts, scalar(num - 1, counts)), view.expand_dims(last, 0), values)
    values = moveaxis(values, 0, axis)
    result = as_tensor(ew.floor(values) if "int" in wanted else values, wanted)
    return (result, step) if retstep else result


def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None,
             axis: int = 0) -> Tensor:
    """`base` to the powers of `linspace`."""
    powers = linspace(start, stop, num, endpoint, dtype=dtype, axis=axis)
    return ew.power(as_tensor(base, powers.dtype), powers)


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Tensor:
    """`num` numbers from `start` to `stop` in equal ratios; both have the same sign."""
    first, last = (as_tensor(v, dtype or backend.floatx()) for v in (start, stop))
    low, high = (ew.log(ew.abs_(v)) / scalar(math.log(10), v) for v in (first, last))
    values = logspace(low, high, num, endpoint, dtype=dtype, axis=axis)
    return values * as_tensor(ew.sign(first), values.dtype)


def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of the grid that vectors span: one tensor for each."""
    return array_ops.meshgrid(*map(convert_to_tensor, x), indexing=indexing)


def diagonal_offsets(rows: Any, columns: Any) -> Tensor:
    """[rows, columns] with the number of the diagonal that an element lies on: 0 the main one, above it positive."""
    return view.expand_dims(range_(columns), 0) - view.expand_dims(range_(rows), 1)


def eye(N: Any, M: Any = None, k: Any = 0, dtype: Any = None) -> Tensor:
    """[N, M] with ones on the k-th diagonal."""
    return as_tensor(ew.equal(diagonal_offsets(N, N if M is None else M), k), dtype or backend.floatx())


def identity(n: Any, dtype: Any = None) -> Tensor:
    """[n, n] with ones on the diagonal."""
    return eye(n, n, 0, dtype)


def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = None) -> Tensor:
    """[N, M] with ones at and below the k-th diagonal."""
    return as_tensor(diagonal_offsets(N, N if M is None else M) <= k, dtype or backend.floatx())


def _kept(x: Any, inside: Any) -> Tensor:
    tensor = convert_to_tensor(x)
    dims = view.known_rank("tril", tensor)
    return ew.where(inside(diagonal_offsets(*dims[-2:])), tensor, view.zeros_of(tensor))


def tril(x: Any, k: Any = 0) -> Tensor:
    """The matrices of `x` with zeros above the k-th diagonal."""
    return _kept(x, lambda offsets: offsets <= k)


def triu(x: Any, k: Any = 0) -> Tensor:
    """The matrices of `x` with zeros below the k-th diagonal."""
    return _kept(x, lambda offsets: offsets >= k)


# windows of `x` points, as floatx

def _positions(x: Any) -> tuple[Tensor, Tensor]:
    """(0, 1, ...; how many intervals lie between them)."""
    count = as_tensor(x, backend.floatx())
    return as_tensor(range_(as_tensor(x, "int32")), backend.floatx()), count - 1.0


def bartlett(x: Any) -> Tensor:
    """The triangular window of `x` points: [x]."""
    at, end = _positions(x)
    return ew.where(ew.equal(end, 0.0), view.ones_of(at), 1.0 - ew.abs_(2.0 * at / ew.maximum(end, 1.0) - 1.0))


def blackman(x: Any) -> Tensor:
    """The Blackman window of `x` points: [x]."""
    at, end = _positions(x)
    turn = 2.0 * math.pi * at / ew.maximum(end, 1.0)
    return ew.where(ew.equal(end, 0.0), view.ones_of(at), 0.42 - 0.5 * ew.cos(turn) + 0.08 * ew.cos(2.0 * turn))


def hamming(x: Any) -> Tensor:
    """The Hamming window of `x` points: [x]."""
    return signal_windows.hamming_window(as_tensor(x, "int32"), periodic=False)


def hanning(x: Any) -> Tensor:
    """The Hann window of `x` points: [x]."""
    return signal_windows.hann_window(as_tensor(x, "int32"), periodic=False)


def kaiser(x: Any, beta: Any) -> Tensor:
    """The Kaiser window of `x` points with shape parameter `beta`: [x]."""
    return signal_windows.kaiser_window(as_tensor(x, "int32"), beta)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector: [n, N], the highest first unless `increasing`."""
    tensor = convert_to_tensor(x)
    wide = as_tensor(tensor, result_type(tensor.dtype, "float32"))
    count = view.known_rank("vander", tensor)[0] if N is None else N
    powers = as_tensor(range_(count), wide.dtype)
    powers = powers if increasing else scalar(-1, powers) - powers + as_tensor(view.dim_scalar(count), wide.dtype)
    return as_tensor(ew.power(view.expand_dims(wide, -1), powers), tensor.dtype)


__all__ = [
    "arange", "array", "bartlett", "blackman", "empty", "empty_like", "eye", "full", "full_like", "geomspace",
    "hamming", "hanning", "identity", "kaiser", "linspace", "logspace", "meshgrid", "ones", "ones_like", "tri", "tril",
    "triu", "vander", "zeros", "zeros_like",
]
