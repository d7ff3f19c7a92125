"""Values, dtypes and control flow."""
from __future__ import annotations

from typing import Any

import numpy as np

from ... import control_flow
from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor
from ...compiler.ops import constant
from ...compiler.ops.elementwise import cast as _cast
from ...compiler.ops.view import dim_scalar
from ...compiler.ops.view import shape as _shape
from ...compiler.ops.view import stop_gradient as _stop_gradient
from .. import backend


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Tensor:
    """The tensor of an array, number, variable or tensor."""
    tensor = constant.convert_to_tensor(x)
    return tensor if dtype is None else _cast(tensor, as_dtype(dtype))


def convert_to_numpy(x: Any) -> np.ndarray:
    """The value of a tensor that needs no feeds, or of a variable."""
    return np.asarray(backend.eval(x))


def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def cast(x: Any, dtype: Any) -> Tensor:
    return _cast(constant.convert_to_tensor(x), as_dtype(dtype))


def shape(x: Any) -> Any:
    """The sizes as a tuple: integers where they are known, scalar tensors where they are not."""
    tensor = constant.convert_to_tensor(x)
    if tensor.dims is None:
        return _shape(tensor)
    return tuple(d if isinstance(d, int) else dim_scalar(d) for d in tensor.dims)


def stop_gradient(variable: Any) -> Tensor:
    return _stop_gradient(variable)


def cond(pred: Any, true_fn: Any, false_fn: Any) -> Any:
    """`true_fn()` where `pred` holds, else `false_fn()`."""
    return control_flow.cond(pred, true_fn, false_fn)


def while_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any = None) -> Any:
    """`loop_vars = body(*loop_vars)` while `cond(*loop_vars)`."""
    return control_flow.while_loop(cond, body, loop_vars, maximum_iterations=maximum_iterations)
