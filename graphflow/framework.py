"""The default graph and what stands around it: names, control edges, collections, gradients."""
from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from .compiler import autodiff
from .compiler.dtypes import as_dtype
from .compiler.errors import DTypeError
from .compiler.ir import Graph, Operation, Tensor, building_graph, default_graph
from .compiler.ops import state
from .compiler.ops.constant import constant as _constant
from .compiler.ops.constant import convert_to_tensor as _convert
from .compiler.ops.view import identity
from .compiler.shapes import TensorShape
from .compiler.subgraph import enclosing, lifted
from .devices import placing

get_default_graph = default_graph


class GraphKeys:
    """Names of the standard collections."""

    GLOBAL_VARIABLES = "variables"
    VARIABLES = GLOBAL_VARIABLES
    LOCAL_VARIABLES = "local_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    TRAINABLE_RESOURCE_VARIABLES = "trainable_resource_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    METRIC_VARIABLES = "metric_variables"
    SUMMARIES = "summaries"
    SUMMARY_OP = "summary_op"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    ACTIVATIONS = "activations"
    WEIGHTS = "weights"
    BIASES = "biases"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    REGULARIZATION_LOSSES = "regularization_losses"
    EVAL_STEP = "eval_step"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    TRAIN_OP = "train_op"
    GLOBAL_STEP = "global_step"
    SAVERS = "savers"
    SAVEABLE_OBJECTS = "saveable_objects"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"
    CONCATENATED_VARIABLES = "concatenated_variables"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"


# values


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor that is fed at each run. `shape` None: any shape; None inside it: a size that may vary."""
    return state.placeholder(as_dtype(dtype), shape, name)


placeholder_with_default = state.placeholder_with_default


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const",
             verify_shape: bool = False) -> Tensor:
    """A constant tensor; `shape` reshapes the value or repeats its last element to fill it.

    Raises TypeError when the value has another dtype or, with `verify_shape`, another shape.
    """
    tensor = _constant(value, dtype, None if verify_shape else shape, name)
    if verify_shape and shape is not None and tensor.shape != TensorShape(shape):
        raise TypeError(f"Expected Tensor's shape: {TensorShape(shape)}, got {tensor.shape}.")
    return tensor


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None,
                      dtype_hint: Any = None) -> Tensor:
    """`value` (tensor, variable, number, array, nested list of these) as a tensor. Raises ValueError for a tensor of
    another dtype, TypeError for what cannot have it (a list with such a tensor)."""
    try:
        return _convert(value, dtype, name, preferred_dtype if dtype_hint is None else dtype_hint)
    except DTypeError as error:
        if isinstance(value, (list, tuple)):  # of tensors that differ
            raise
        raise ValueError(error.message) from None


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor or can stand for one, as a variable does."""
    return isinstance(x, Tensor) or hasattr(x, "_as_graph_element") and not isinstance(x, Operation)


# names


class name_scope:
    """Prefix the names of the ops made inside with `name`, or with `default_name` when that is None.

    `values` are the inputs of a function that makes ops: their graph becomes the default inside. As a context it gives
    the scope's name with a "/", which used as an op's name names the op like the scope.
    """

    def __init__(self, name: str | None, default_name: str | None = None, values: Sequence[Any] | None = None):
        if not (default_name is None or isinstance(default_name, str)):
            raise TypeError(f"`default_name` type ({type(default_name)}) is not a string type. You likely meant to "
                            "pass this into the `values` kwarg.")
        self._name = default_name if name is None else name
        self._default_name = default_name
        self._values = values
        if self._name is None and values is not None:
            raise ValueError(f"At least one of name ({name}) and default_name ({default_name}) must be provided.")
        self._exits: list[contextlib.ExitStack] = []

    @property
    def name(self) -> str | None:
        return self._name

    def __enter__(self) -> str:
        graph = building_graph(*(self._values or ()))
        with contextlib.ExitStack() as stack:
            if graph is not default_graph():
                stack.enter_context(graph.as_default())
            scope = stack.enter_context(default_graph().name_scope(self._name))
            self._exits.append(stack.pop_all())
        return scope

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._exits.pop().__exit__(kind, error, traceback)


@contextlib.contextmanager
def op_scope(values: Sequence[Any], name: str | None, default_name: str | None = None) -> Iterator[str]:
    """`name_scope` with its arguments in an older order."""
    with name_scope(name, default_name, values) as scope:
        yield scope


def device(device_name_or_function: Any) -> contextlib.AbstractContextManager[None]:
    """Operations made inside bear this device, a name, a function of the operation that gives one, or None to ignore
    those around; everything runs on the CPU all the same. Raises ValueError for what names no device."""
    return placing(default_graph(), device_name_or_function)


@contextlib.contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """Accepted: everything runs on one device."""
    yield


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """Without the control dependencies around it, and outside of every branch and loop."""
    with lifted():
        yield


# control edges


def control_dependencies(control_inputs: Any) -> contextlib.AbstractContextManager[None]:
    """Ops made inside run after `control_inputs` (operations, tensors, variables); None drops those set outside."""
    return default_graph().control_dependencies(control_inputs)


def group(*inputs: Any, name: str | None = None) -> Operation:
    """An operation that has run when all `inputs` have."""
    return state.group(*inputs, name=name)


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing; it may carry control dependencies."""
    return default_graph().add(state.no_op, (), {}, name)


def tuple_(tensors: Sequence[Any], name: str | None = None, control_inputs: Sequence[Any] | None = None) -> list[Any]:
    """The tensors, none of which is available before all are (and `control_inputs` have run); None stays None."""
    given = [t for t in tensors if t is not None]
    if not given:
        raise ValueError("Must have at least one Tensor")
    with name_scope(name, "tuple", given):
        gate = group(*given, *(control_inputs or ()))
        with control_dependencies([gate]):
            return [None if t is None else identity(t, name="control_dependency") if not isinstance(t, Operation)
                    else t for t in tensors]


# collections


def add_to_collection(name: str, value: Any) -> None:
    """Append `value` to a collection of the default graph."""
    default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Append `value` to each of the collections `names` (a name or several), once."""
    for name in dict.fromkeys([names] if isinstance(names, str) else names):
        add_to_collection(name, value)


def get_collection(key: str, scope: str | None = None) -> list[Any]:
    """A copy of a collection; with `scope`, the items whose names it matches (a regular expression, from the start)."""
    return default_graph().get_collection(key, scope)


def get_collection_ref(key: str) -> list[Any]:
    """The collection itself, which changes with the list."""
    return default_graph().get_collection_ref(key)


# gradients


class UnconnectedGradients(enum.Enum):
    """What `gradients` gives for an x that no y depends on: None, or zeros."""

    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    """Accepted by `gradients`; gradients are always summed in the order that the compiler finds best."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def _source(x: Any) -> Any:
    """What to differentiate by: for a variable its handle, on which all its reads depend."""
    if not hasattr(x, "handle"):
        return x if is_tensor(x) else convert_to_tensor(x)
    graph = enclosing(default_graph())
    return graph.adopt(x.handle) if graph.home is not None and graph.home is x.handle.graph else x.handle


def _sources(xs: Any) -> Any:
    return [_source(x) for x in xs] if isinstance(xs, (list, tuple)) else [_source(xs)]


def _differentiable(ys: Any, grad_ys: Any) -> tuple[list[Any], list[Any]]:
    """What gradients flow from, with the weights: integers are left out."""
    ys = [y if is_tensor(y) else convert_to_tensor(y) for y in (ys if isinstance(ys, (list, tuple)) else [ys])]
    given = list(grad_ys) if isinstance(grad_ys, (list, tuple)) else [grad_ys] * len(ys)
    if len(given) != len(ys):
        raise ValueError(f"gradients: {len(given)} grad_ys for {len(ys)} ys")
    kept = [k for k, y in enumerate(ys) if as_dtype(y.dtype).is_differentiable]
    return [ys[k] for k in kept], [given[k] for k in kept]


def gradients(ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", colocate_gradients_with_ops: bool = False,
              gate_gradients: bool = False, aggregation_method: Any = None, stop_gradients: Any = None,
              unconnected_gradients: Any = UnconnectedGradients.NONE) -> list[Any]:
    """d(sum of ys)/dx for each x; None (or zeros, see `unconnected_gradients`) where no y depends on it, or only
    integers do.

    `grad_ys` weights each y (default ones); `stop_gradients` are treated as constants. Raises RuntimeError where ops
    run at once.
    """
    if building_graph(*(ys if isinstance(ys, (list, tuple)) else [ys])).eager:
        raise RuntimeError("tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape "
                           "instead.")
    policy = UnconnectedGradients(unconnected_gradients)
    ys, grad_ys = _differentiable(ys, grad_ys)
    results = autodiff.gradients(ys, _sources(xs), grad_ys, name or "gradients",
                                 None if stop_gradients is None else _sources(stop_gradients), sparse=True)
    if policy is UnconnectedGradients.ZERO:
        from .array_ops import zeros_like
        items = xs if isinstance(xs, (list, tuple)) else [xs]
        return [zeros_like(x) if g is None else g for x, g in zip(items, results, strict=True)]
    return results


def set_random_seed(seed: int | None) -> None:
    """Set the default graph's seed, from which ops without a seed of their own derive theirs."""
    graph = default_graph()
    graph.seed = graph.symbolic.seed = seed


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """(graph seed, op seed) as a random op made now would use them."""
    graph: Graph = default_graph()
    if graph.seed is None:
        return (None, None) if op_seed is None else (87654321, op_seed)
    return graph.seed, len(graph._by_name) if op_seed is None else op_seed
