"""`tf.function`: a Python function as a compiled graph, made once for each kind of arguments."""
from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compiler.autodiff import gradients
from ..compiler.errors import ShapeError
from ..compiler.ir import Graph, Operation, Tensor, TensorType, default_graph
from ..compiler.opdef import EFFECT, HOST, OpDef, writes_variable
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.state import placeholder, read_variable
from ..config import functions_run_eagerly
from ..nest import flatten, flatten_up_to, pack_sequence_as
from ..runtime.runner import Runner
from ..runtime.session import Session
from .graph import EagerGraph

MANY_TRACES = 5  # after which one more is worth a warning


class FunctionGraph(Graph):
    """What a function builds. Its operations with effects run in the order in which it made them, and variables of the
    program are read as they are then."""

    borrows = True

    def __init__(self, home: EagerGraph):
        super().__init__()
        self.home = home
        self.effects: list[Operation] = []
        self.captured: dict[Tensor, Tensor] = {}  # handles of variables, and their first read here
        self._handles: dict[Tensor, Tensor] = {}
        self.written: dict[Tensor, Tensor] = {}

    @property
    def symbolic(self) -> Graph:
        return self.home.symbolic

    def adopt(self, tensor: Tensor) -> Tensor:
        if tensor.op.type != "VariableV2" or tensor.op.graph is self:
            return super().adopt(tensor)
        handle = self.home.adopt(tensor)
        if handle not in self._handles:
            op = handle.op
            self._handles[handle] = Graph.add(self, op.definition, (), op.attrs, op.name + "/").output
        return self._handles[handle]

    def read(self, variable: Any) -> Tensor:
        """A variable's value at this point of the function."""
        handle = self.adopt(variable.handle)
        if handle in self.written:
            return self.written[handle]
        if variable.handle not in self.captured:
            with self.as_default(), self.control_dependencies(None):
                self.captured[variable.handle] = read_variable(handle, name="read")
        return self.captured[variable.handle]

    def add(self, definition: OpDef, inputs: Sequence[Tensor], *args: Any, **kwargs: Any) -> Operation:
        op = super().add(definition, inputs, *args, **kwargs)
        if definition.family == EFFECT and inputs or definition.stateful and definition.family == HOST:
            op._add_control_inputs(self.effects[-1:])
            self.effects.append(op)
            if writes_variable(op):
                self.written[op.inputs[0]] = op.output
        return op


class Trace:
    """A function's graph for one kind of arguments, and what runs it."""

    def __init__(self, function: Callable[..., Any], arguments: Any, shapes: list[Any], home: EagerGraph):
        self.graph = FunctionGraph(home)
        self.session = Session(graph=self.graph)
        self.session.store, self.session.resources = home.session.store, home.session.resources
        with self.graph.as_default():
            leaves = flatten(arguments)
            given = [placeholder(leaf.dtype, shape) if isinstance(leaf, Tensor) else leaf
                     for leaf, shape in zip(leaves, shapes, strict=True)]
            self.inputs = [t for t, leaf in zip(given, leaves, strict=True) if isinstance(leaf, Tensor)]
            args, kwargs = pack_sequence_as(arguments, given)
            self.result = function(*args, **kwargs)
            self._leaves = [leaf if leaf is None else convert_to_tensor(leaf) for leaf in flatten(self.result)]
        self.outputs = [t for t in self._leaves if t is not None]
        self.handles = list(self.graph.captured)
        self._run = Runner(self.session, self.outputs, self.graph.effects, self.inputs)
        self._back: Runner | None = None

    def __call__(self, tensors: Sequence[Tensor], variables: Sequence[Tensor]) -> Any:
        op = _call.operation(*tensors, *variables, trace=self)
        values = iter(op.outputs)
        return pack_sequence_as(self.result, [None if leaf is None else next(values) for leaf in self._leaves])

    def run(self, values: Sequence[np.ndarray]) -> list[Any]:
        """The outputs' values; the function's effects happen."""
        return self._run(values)

    def gradients(self, values: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> list[Any]:
        """The gradients of the arguments and variables (None where there is none), computed from the arguments anew."""
        if self._back is None:
            with self.graph.as_default():
                dys = [placeholder(y.dtype, y.shape) for y in self.outputs]
                sources = [*self.inputs, *self.graph.captured.values()]
                pairs = [(y, dy) for y, dy in zip(self.outputs, dys, strict=True) if y.dtype.is_differentiable]
                found = gradients([y for y, _ in pairs], sources, [dy for _, dy in pairs])
            self._wanted = [g is not None for g in found]
            self._back = Runner(self.session, [g for g in found if g is not None], [], [*self.inputs, *dys])
        results = iter(self._back([*values, *weights]))
        return [next(results) if wanted else None for wanted in self._wanted]


def _call_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [t.type for t in attrs["trace"].outputs]


def _call_grad(op: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    trace = op.attrs["trace"]
    weights = [np.zeros(y.shape.as_list(), y.dtype.np) if g is None else g.eager_value  # type: ignore[arg-type]
               for y, g in zip(op.outputs, grads, strict=True)]
    values = [t.eager_value for t in op.inputs[:len(trace.inputs)]]
    return [None if g is None else convert_to_tensor(g) for g in trace.gradients(values, weights)]


# a traced function where ops run at once: (arguments, values of the variables that it reads, for their gradients)
_call = OpDef("PartitionedCall", HOST, _call_types, _call_grad,
              lambda *arrays, trace: tuple(trace.run(arrays[:len(trace.inputs)])), stateful=True)


class Function:
    """A Python function that is compiled: called where ops run at once, it is traced to a graph once for each
    structure, dtypes and shapes of its tensors and for each value of other arguments; later calls run the graph. The
    first size of a tensor stays open, so that batches of all sizes share a trace, unless the function must know it.

    Python code in the function runs while it is traced. Called where a graph is built, the function adds to that.
    """

    def __init__(self, python_function: Callable[..., Any], input_signature: Any = None):
        self.python_function = python_function
        self.input_signature = input_signature
        self._traces: dict[Any, Trace] = {}
        functools.update_wrapper(self, python_function)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        name = f"_graphflow_function_{self.python_function.__name__}"
        if name not in vars(instance):  # traces of its own for each object
            vars(instance)[name] = Function(functools.partial(self.python_function, instance), self.input_signature)
        return vars(instance)[name]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        home = default_graph()
        if not isinstance(home, EagerGraph) or functions_run_eagerly():
            return self.python_function(*args, **kwargs)
        arguments, trace = self._traced(home, args, kwargs)
        tensors = [t for t in flatten(arguments) if isinstance(t, Tensor)]
        return trace(tensors, [read_variable(h) for h in trace.handles])

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Trace:
        """The trace for such arguments."""
        home = default_graph()
        if not isinstance(home, EagerGraph):
            raise RuntimeError("get_concrete_function() needs eager execution.")
        return self._traced(home, args, kwargs)[1]

    def experimental_get_tracing_count(self) -> int:
        """How many graphs were made."""
        return len(self._traces)

    def _traced(self, home: EagerGraph, args: Any, kwargs: Any) -> tuple[Any, Trace]:
        arguments = self._with_tensors(args, kwargs)
        leaves = flatten(arguments)
        exact = [leaf.shape.as_list() if isinstance(leaf, Tensor) else None for leaf in leaves]
        open_ = [shape and [None, *shape[1:]] for shape in exact]
        structure = repr(pack_sequence_as(arguments, [0] * len(leaves)))

        def key(shapes: list[Any]) -> Any:
            return (home, structure, *((leaf.dtype, tuple(s)) if isinstance(leaf, Tensor) else _hashable(leaf)
                                       for leaf, s in zip(leaves, shapes, strict=True)))

        for shapes in (open_, exact):
            if key(shapes) in self._traces:
                return arguments, self._traces[key(shapes)]
        shapes = open_
        try:
            trace = Trace(self.python_function, arguments, open_, home)
        except (ShapeError, TypeError, ValueError):  # it may need to know a size
            if exact == open_:
                raise
            shapes = exact
            trace = Trace(self.python_function, arguments, exact, home)
        self._traces[key(shapes)] = trace
        if len(self._traces) == MANY_TRACES:
            warnings.warn(f"{self.python_function!r} has been traced {MANY_TRACES} times: its calls differ in Python "
                          "values, dtypes, ranks or sizes. Pass tensors in place of Python numbers, or see that sizes "
                          "but the first stay the same.", stacklevel=4)
        return arguments, trace

    def _with_tensors(self, args: Any, kwargs: Any) -> Any:
        """The arguments with arrays as tensors; numbers stay what they are, unless a signature says otherwise."""
        if self.input_signature is not None:
            names = list(inspect.signature(self.python_function).parameters)
            given = [*args, *(kwargs[n] for n in names[len(args):] if n in kwargs)]
            signature = list(self.input_signature)
            if len(signature) != len(given):
                raise ValueError(f"{self.python_function!r} takes {len(signature)} arguments by its input_signature, "
                                 f"received {len(given)}")
            specs, leaves = flatten(signature), flatten_up_to(signature, given)
            tensors = [convert_to_tensor(leaf, spec.dtype) for leaf, spec in zip(leaves, specs, strict=True)]
            for tensor, spec in zip(tensors, specs, strict=True):
                if not tensor.shape.is_compatible_with(spec.shape):
                    raise ValueError(f"{self.python_function!r}: {tensor!r} does not fit {spec} of the input_signature")
            return [pack_sequence_as(signature, tensors), {}]
        leaves = [convert_to_tensor(leaf) if isinstance(leaf, (np.ndarray, np.generic)) else leaf
                  for leaf in flatten([list(args), kwargs])]
        return pack_sequence_as([list(args), kwargs], leaves)


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return id(value)
    return type(value), value


def function(func: Callable[..., Any] | None = None, input_signature: Any = None, autograph: bool = True,
             experimental_autograph_options: Any = None, experimental_relax_shapes: bool = False,
             **_: Any) -> Any:
    """`func` compiled, see Function; also a decorator. `autograph` is accepted: tensors in Python's `if` and `while`
    raise TypeError, see `cond` and `while_loop`."""
    if func is None:
        return functools.partial(function, input_signature=input_signature)
    return Function(func, input_signature)
