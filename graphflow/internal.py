"""Helpers inside `tensorflow.python` that have no public name, by the module that programs import them from.

Each name here is such a module (`from tensorflow.python.util import tf_inspect`); graphflow/aliases.py leads to them.
"""
from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from . import metrics
from .array_ops import get_static_value
from .compiler.autodiff import REGISTERED
from .compiler.ir import Tensor
from .compiler.ops import tensor_proto
from .compiler.ops.view import identity
from .compiler.shapes import Dimension, TensorShape
from .contrib.framework.support import deprecated, deprecated_arg_values, deprecated_args
from .conversions import dimension_at_index, dimension_value
from .devices import list_logical_devices
from .framework import control_dependencies, group, is_tensor
from .linalg import triangular_solve
from .math import div_no_nan
from .math_ops import matmul
from .metrics.base import metric_variable as _metric_variable
from .partitioned import PartitionedVariable
from .session import InteractiveSession, Session
from .variables import Variable
from .weighting import remove_squeezable

__all__ = [
    "all_util", "context", "control_flow_ops", "control_flow_util", "deprecation", "device_lib", "function_utils",
    "linear_operator_util", "metrics_impl", "ops", "resource_variable_ops", "resources", "session",
    "tensor_shape", "tensor_util", "tf_contextlib", "tf_decorator", "tf_export", "tf_inspect", "variable_scope",
    "variables",
]


class ArgSpec(NamedTuple):
    """What `inspect.getargspec`, which Python has dropped, gave."""

    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple[Any, ...] | None


def getargspec(func: Callable[..., Any]) -> ArgSpec:
    """The positional arguments of a function, with their defaults."""
    found = inspect.getfullargspec(func)
    return ArgSpec(found.args, found.varargs, found.varkw, found.defaults)


def make_decorator(target: Callable[..., Any], decorator_func: Callable[..., Any], *_: Any, **__: Any
                   ) -> Callable[..., Any]:
    """`decorator_func` under the name and documentation of `target`."""
    return functools.wraps(target)(decorator_func)


def unwrap(maybe_decorated: Any) -> tuple[list[Any], Any]:
    """(the decorators around a function, the function)."""
    return [], inspect.unwrap(maybe_decorated)


def fn_args(fn: Any) -> tuple[str, ...]:
    """The names of the arguments that a call of `fn` (a function, method, partial or object) takes."""
    return tuple(name for name, p in inspect.signature(fn).parameters.items()
                 if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))


def has_kwargs(fn: Any) -> bool:
    """Whether it takes any keyword argument."""
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(fn).parameters.values())


def list_local_devices(session_config: Any = None) -> list[SimpleNamespace]:
    """The CPU, with the fields of TensorFlow's DeviceAttributes message."""
    return [SimpleNamespace(name=f"/device:{d.device_type}:{i}", device_type=d.device_type, memory_limit=0,
                            incarnation=0, locality=None, physical_device_desc="")
            for i, d in enumerate(list_logical_devices())]


def constant_value_as_shape(tensor: Any) -> TensorShape:
    """The shape that an integer vector holds, as far as it is known while the graph is built."""
    value = get_static_value(tensor)
    if value is None:
        return TensorShape([None] * tensor.shape[0].value if tensor.shape[0].value is not None else None)
    return TensorShape([None if n == -1 else int(n) for n in value])


def make_tensor_proto(values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False,
                      allow_broadcast: bool = False) -> Any:
    """An array as a TensorProto message. Raises ImportError without the package tensorboard, ValueError for a shape
    that the values do not have, nor, with `allow_broadcast`, can be broadcast to."""
    from .framework import constant
    if allow_broadcast and shape is not None:
        values, shape = np.broadcast_to(values, shape), None
    array = get_static_value(constant(values, dtype=dtype, shape=shape, verify_shape=verify_shape))
    return _message().FromString(tensor_proto.serialize(np.asarray(array)))


def make_ndarray(tensor: Any) -> np.ndarray:
    """The array in a TensorProto message."""
    return tensor_proto.parse(tensor.SerializeToString())


def _message() -> Any:
    from .compiler.ops.summary import messages
    messages()
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    return TensorProto


def register_session_run_conversion_functions(tensor_type: type, fetch_function: Callable[[Any], Any],
                                              feed_function: Callable[[Any, Any], Any] | None = None,
                                              feed_function_for_partial_run: Any = None) -> None:
    """Let `Session.run` take objects of a class: `fetch_function(object)` gives (tensors, what makes the result of the
    list of their values), `feed_function(object, value)` the (tensor, value) pairs that are fed."""
    def fetch_parts(self: Any) -> tuple[Any, Callable[..., Any]]:
        tensors, contract = fetch_function(self)
        return tensors, lambda *values: contract(list(values))

    tensor_type._fetch_parts = fetch_parts  # type: ignore[attr-defined]
    if feed_function is not None:
        tensor_type._feed_parts = feed_function  # type: ignore[attr-defined]


def with_dependencies(dependencies: Any, output_tensor: Any, name: str | None = None) -> Tensor:
    """A tensor that is there only when the dependencies have run."""
    with control_dependencies(dependencies):
        return identity(output_tensor, name=name or "control_dependency")


def register_proto_function(collection_name: str, proto_type: Any = None, to_proto: Any = None,
                            from_proto: Any = None) -> None:
    """Accepted: how the members of a collection are written is asked of themselves (`to_proto`)."""


def metric_variable(shape: Any, dtype: Any, validate_shape: bool = True, name: str | None = None) -> Any:
    """A local variable of zeros, in METRIC_VARIABLES."""
    return _metric_variable(shape, dtype, name)  # type: ignore[arg-type]


def _unchanged(target: Any) -> Any:
    return target


tensor_shape = SimpleNamespace(
    Dimension=Dimension, TensorShape=TensorShape, as_dimension=Dimension, as_shape=TensorShape,
    dimension_value=dimension_value, dimension_at_index=dimension_at_index, scalar=lambda: TensorShape([]),
    vector=lambda length: TensorShape([length]), matrix=lambda rows, cols: TensorShape([rows, cols]),
    unknown_shape=lambda ndims=None, rank=None: TensorShape(None if ndims is rank is None else [None] * (
        rank if ndims is None else ndims)))
control_flow_ops = SimpleNamespace(with_dependencies=with_dependencies)
ops = SimpleNamespace(register_proto_function=register_proto_function,
                      _gradient_registry=SimpleNamespace(_registry=REGISTERED, list=lambda: list(REGISTERED)))
session = SimpleNamespace(InteractiveSession=InteractiveSession, Session=Session, BaseSession=Session,
                          register_session_run_conversion_functions=register_session_run_conversion_functions)
tf_contextlib = SimpleNamespace(contextmanager=contextlib.contextmanager)
tf_decorator = SimpleNamespace(make_decorator=make_decorator, unwrap=unwrap, rewrap=lambda _, old, new: new)
tf_export = SimpleNamespace(tf_export=lambda *_, **__: _unchanged, keras_export=lambda *_, **__: _unchanged)
tf_inspect = SimpleNamespace(**{name: getattr(inspect, name) for name in (
    "currentframe", "getcallargs", "getdoc", "getfile", "getfullargspec", "getmembers", "getmodule", "getmro",
    "getsource", "getsourcefile", "getsourcelines", "isabstract", "isbuiltin", "isclass", "isfunction", "isgenerator",
    "isgeneratorfunction", "ismethod", "ismodule", "isroutine", "signature", "stack")}, getargspec=getargspec)
deprecation = SimpleNamespace(
    deprecated=deprecated, deprecated_args=deprecated_args, deprecated_arg_values=deprecated_arg_values,
    deprecated_endpoints=lambda *_: _unchanged, silence=contextlib.nullcontext, _PRINT_DEPRECATION_WARNINGS=True,
    deprecated_argument_lookup=lambda new_name, new, old_name, old: old if new is None else new)
function_utils = SimpleNamespace(fn_args=fn_args, has_kwargs=has_kwargs)
all_util = SimpleNamespace(make_all=lambda *_: [], remove_undocumented=lambda *_, **__: None)
device_lib = SimpleNamespace(list_local_devices=list_local_devices)
variables = SimpleNamespace(PartitionedVariable=PartitionedVariable, RefVariable=Variable, Variable=Variable,
                            VariableV1=Variable)
variable_scope = SimpleNamespace(variable=Variable)
resource_variable_ops = SimpleNamespace(ResourceVariable=Variable, is_resource_variable=lambda _: False)
# what a session keeps besides variables is there from its start
resources = SimpleNamespace(shared_resources=list, local_resources=list, register_resource=lambda *args, **kwargs: None,
                            initialize_resources=lambda resource_list, name="init": group(name=name))
context = SimpleNamespace(executing_eagerly=lambda: False, in_eager_mode=lambda: False, in_graph_mode=lambda: True,
                          graph_mode=contextlib.nullcontext, num_gpus=lambda: 0)
control_flow_util = SimpleNamespace(GetContainingXLAContext=lambda _: None, GraphOrParentsInXlaContext=lambda _: False)
linear_operator_util = SimpleNamespace(matmul_with_broadcast=matmul,
                                       matrix_triangular_solve_with_broadcast=triangular_solve)
tensor_util = SimpleNamespace(constant_value=get_static_value, constant_value_as_shape=constant_value_as_shape,
                              is_tensor=is_tensor, make_tensor_proto=make_tensor_proto, MakeNdarray=make_ndarray,
                              make_ndarray=make_ndarray)
metrics_impl = SimpleNamespace(**{n: v for n, v in vars(metrics).items() if not n.startswith("_")} | dict(
    metric_variable=metric_variable, _remove_squeezable_dimensions=lambda predictions, labels, weights=None: (
        *remove_squeezable(labels, predictions)[::-1], weights),
    _safe_scalar_div=lambda numerator, denominator, name: div_no_nan(numerator, denominator, name=name)))
