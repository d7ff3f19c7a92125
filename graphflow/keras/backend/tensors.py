"""`K.*`: variables, placeholders and constants, and what is known of a tensor."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import array_ops, random_ops
from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor
from ...compiler.ops import state
from ...compiler.ops.constant import constant as _constant
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast as _cast
from ...compiler.ops.view import identity as _identity
from ...framework import is_tensor
from ...sparse_ops import sparse_tensor_to_dense
from ...sparse_tensor import SparseTensor, sparse_placeholder
from ...variables import Variable as GraphVariable
from ..scope import current_scope, in_order
from ..stated import STATED, stated_shape
from ..variables import Variable
from .settings import floatx


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Any:
    """A variable with this initial value (array, number, tensor), floatx by default; of a scipy matrix, a constant
    SparseTensor. Raises TypeError for an unknown dtype."""
    element = as_dtype(dtype or floatx())
    if hasattr(value, "tocoo"):
        matrix = value.tocoo()
        indices = np.stack([matrix.row, matrix.col], 1).astype(np.int64)
        return SparseTensor(indices, matrix.data.astype(element.np), matrix.shape)
    if isinstance(value, (Tensor, GraphVariable)):
        tensor = _cast(convert_to_tensor(value), element)
        return Variable(lambda shape, dtype: tensor, tensor.shape, element, name=name, constraint=constraint)
    return Variable(np.asarray(value), dtype=element, name=name, constraint=constraint)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A constant, floatx by default."""
    return _constant(value, dtype or floatx(), shape, name or "Const")


def placeholder(shape: Any = None, ndim: int | None = None, dtype: Any = None, sparse: bool = False,
                name: str | None = None) -> Any:
    """What is fed to a function: of `shape`, or of `ndim` axes of any size."""
    if shape is None and ndim is None and not sparse:
        shape = None
    elif shape is None:
        shape = (None,) * (ndim or 0)
    element = as_dtype(dtype or floatx())
    return sparse_placeholder(element, shape, name) if sparse else state.placeholder(element, shape, name)


def is_placeholder(x: Any) -> bool:
    """Whether `x` is a placeholder."""
    return getattr(getattr(x, "op", None), "type", None) == "Placeholder"


def is_variable(x: Any) -> bool:
    """Whether `x` is a variable."""
    return isinstance(x, GraphVariable)


def is_sparse(tensor: Any) -> bool:
    """Whether `tensor` is a SparseTensor."""
    return isinstance(tensor, SparseTensor)


def to_dense(tensor: Any) -> Any:
    """A SparseTensor as a tensor; anything else as it is."""
    return sparse_tensor_to_dense(tensor) if is_sparse(tensor) else tensor


def is_keras_tensor(x: Any) -> bool:
    """Whether a layer (`Input` too) gave out `x`. Raises ValueError when it is no tensor at all."""
    if not is_tensor(x) and not is_sparse(x):
        raise ValueError(f"Unexpectedly found an instance of type `{type(x)}`. Expected a symbolic tensor instance.")
    return getattr(x, "_keras_history", None) is not None


def shape(x: Any) -> Tensor:
    """The shape as a tensor."""
    return array_ops.shape(x)


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The shape as a tuple, None where a size may vary; None for an unknown rank."""
    if isinstance(x, np.ndarray):
        return x.shape
    known = getattr(x, "shape", None)
    if isinstance(known, tuple):
        return known
    if isinstance(x, Tensor) and STATED in vars(x):  # by a layer, and not known otherwise
        return stated_shape(x)
    found = convert_to_tensor(x).shape if known is None else known
    return None if found.rank is None else tuple(found.as_list())


def ndim(x: Any) -> int | None:
    """The number of axes."""
    sizes = int_shape(x)
    return None if sizes is None else len(sizes)


def size(x: Any, name: str | None = None) -> Tensor:
    """The number of elements, as a tensor."""
    return array_ops.size(x, name)


def count_params(x: Any) -> int:
    """The number of elements."""
    return math.prod(d or 0 for d in int_shape(x) or ())


def dtype(x: Any) -> str:
    """The dtype's name."""
    return as_dtype(x.dtype).name


def cast(x: Any, dtype: Any) -> Tensor:
    """`x` in another dtype."""
    return _cast(x, as_dtype(dtype))


def identity(x: Any, name: str | None = None) -> Tensor:
    """A tensor with the same contents."""
    return _identity(x, name)


def _filled(fill: Any, shape: Any, dtype: Any, name: str | None) -> Any:
    """A variable, or where a size is known late a tensor, as Keras 2 has it."""
    tensor = fill(shape, as_dtype(dtype or floatx()))
    return variable(tensor, dtype, name) if tensor.shape.is_fully_defined() else tensor


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of zeros; a tensor if the shape is not known in full."""
    return _filled(array_ops.zeros, shape, dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of ones; a tensor if the shape is not known in full."""
    return _filled(array_ops.ones, shape, dtype, name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """The identity matrix of `size`: rows, or (rows, columns)."""
    rows, columns = size if isinstance(size, (list, tuple)) else (size, size)
    return array_ops.eye(rows, columns, dtype=as_dtype(dtype or floatx()), name=name)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros in the shape of `x`."""
    return array_ops.zeros_like(x, dtype, name)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones in the shape of `x`."""
    return array_ops.ones_like(x, dtype, name)


# random values


def _seed(seed: int | None) -> int:
    return int(np.random.randint(10**7)) if seed is None else int(seed)


def random_uniform_variable(shape: Sequence[int], low: float, high: float, dtype: Any = None, name: str | None = None,
                            seed: int | None = None) -> Any:
    """A variable drawn evenly from [low, high)."""
    return variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


def random_normal_variable(shape: Sequence[int], mean: float, scale: float, dtype: Any = None, name: str | None = None,
                           seed: int | None = None) -> Any:
    """A variable drawn from a normal distribution."""
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)


def random_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None,
                  seed: int | None = None) -> Tensor:
    """Normal values. Without `seed`, NumPy's generator gives one."""
    return random_ops.random_normal(shape, mean, stddev, as_dtype(dtype or floatx()), _seed(seed))


def random_uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None,
                   seed: int | None = None) -> Tensor:
    """Values spread evenly over [minval, maxval)."""
    return random_ops.random_uniform(shape, minval, maxval, as_dtype(dtype or floatx()), _seed(seed))


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: int | None = None) -> Tensor:
    """1 with probability `p`, else 0."""
    return _cast(random_uniform(shape, seed=seed) <= p, as_dtype(dtype or floatx()))


random_binomial = random_bernoulli


def truncated_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None,
                     seed: int | None = None) -> Tensor:
    """Normal values within two standard deviations."""
    return random_ops.truncated_normal(shape, mean, stddev, as_dtype(dtype or floatx()), _seed(seed))


# updates


def _changed(change: Any, x: Any, value: Any) -> Tensor:
    return change(x.handle, _cast(convert_to_tensor(value, None if is_tensor(value) else x.dtype), x.dtype))


def update(x: Any, new_x: Any) -> Tensor:
    """The operation that gives the variable `x` the value `new_x`; reading its output gives the value."""
    return _changed(state.assign, x, new_x)


def update_add(x: Any, increment: Any) -> Tensor:
    """The operation that adds to the variable `x`."""
    return _changed(state.assign_add, x, increment)


def update_sub(x: Any, decrement: Any) -> Tensor:
    """The operation that subtracts from the variable `x`."""
    return _changed(state.assign_sub, x, decrement)


def moving_average_update(x: Any, value: Any, momentum: Any) -> Any:
    """The variable `x` moved to x * momentum + value * (1 - momentum): the operation, or within a training step the
    step's change."""
    target = convert_to_tensor(x)
    moved = target - (target - _cast(value, x.dtype)) * _cast(1.0 - momentum, x.dtype)
    return x.assign(moved) if current_scope() is not None or in_order() else update(x, moved)
