"""`tf.function`: a Python function as a compiled graph, made once for each kind of arguments."""
from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor, default_graph
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.shapes import format_dims
from ..compiler.site import warn
from ..config import functions_run_eagerly
from ..nest import flatten, flatten_up_to, pack_sequence_as
from .graph import EagerGraph
from .trace import Trace, is_given

if TYPE_CHECKING:
    from ..explain import Explanation

MANY_TRACES = 5  # after which one more is worth a warning

Kind = tuple[str, Sequence[tuple[str, Any]]]  # of arguments: their structure; (name, what a trace is made for) of each


class Function:
    """A Python function that is compiled: called where ops run at once, it is traced to a graph once for each
    structure, dtypes and shapes of its tensors and for each value of other arguments; later calls run the graph. The
    first size of a tensor stays open, so that batches of all sizes share a trace, unless the function must know it.

    Python code in the function runs while it is traced. Called where a graph is built, the function adds to that.
    """

    def __init__(self, python_function: Callable[..., Any], input_signature: Any = None):
        self.python_function = python_function
        self.input_signature = input_signature
        self._traces: weakref.WeakKeyDictionary[EagerGraph, dict[Any, Trace]] = weakref.WeakKeyDictionary()
        self._last: Kind | None = None  # traced
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
        arguments = self._with_tensors(args, kwargs)
        return self._traced(home, arguments).call([t for t in flatten(arguments) if isinstance(t, Tensor)])

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Trace:
        """The trace for such arguments: tensors, or a TensorSpec in place of each."""
        home = default_graph()
        if not isinstance(home, EagerGraph):
            raise RuntimeError("get_concrete_function() needs eager execution.")
        if self.input_signature is not None and not args and not kwargs:
            return self._traced(home, [list(self.input_signature), {}])
        return self._traced(home, self._with_tensors(args, kwargs))

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """How a call with such arguments is compiled, with its times: see `graphflow.explain`. The call is not made."""
        from ..explain import explained  # which few programs ask for
        home = default_graph()
        if not isinstance(home, EagerGraph):
            raise RuntimeError("explain() of a function needs eager execution.")
        arguments = self._with_tensors(args, kwargs)
        runner, values = self._traced(home, arguments).looked_at([t for t in flatten(arguments) if is_given(t)])
        return explained(runner, runner.shapes_of(values), values)

    def experimental_get_tracing_count(self) -> int:
        """How many graphs were made."""
        return sum(map(len, self._traces.values()))

    def _traced(self, home: EagerGraph, arguments: Any) -> Trace:
        traces = self._traces.setdefault(home, {})
        leaves = flatten(arguments)
        exact = [leaf.shape.as_list() if is_given(leaf) and leaf.shape.rank is not None else None for leaf in leaves]
        open_ = [shape and [None, *shape[1:]] for shape in exact]
        for shapes in (open_, exact):
            if (key := _key(arguments, leaves, shapes)) in traces:
                return traces[key]
        shapes = open_
        try:
            trace = Trace(self.python_function, arguments, open_, home)
        except (ShapeError, TypeError, ValueError):  # it may need to know a size
            if exact == open_:
                raise
            shapes = exact
            trace = Trace(self.python_function, arguments, exact, home)
        traces[_key(arguments, leaves, shapes)] = trace
        before, self._last = self._last, self._kind(arguments, leaves, shapes)
        if len(traces) == MANY_TRACES:
            warn(f"{self.python_function!r} has been traced {MANY_TRACES} times, the last time because "
                 f"{_difference(self._last, before)}. Each trace is compiled: pass tensors in place of Python "
                 "values that change, and see that dtypes and sizes but the first stay the same (or give an "
                 "input_signature).")
        return trace

    def _kind(self, arguments: Any, leaves: Sequence[Any], shapes: Sequence[Any]) -> Kind:
        """What the trace of such arguments is for."""
        args, kwargs = arguments
        parameters = [*inspect.signature(self.python_function).parameters]
        names = [*parameters[:len(args)], *(f"args[{i}]" for i in range(len(parameters), len(args)))]
        found = []
        for name, value in [*zip(names, args, strict=True), *((k, kwargs[k]) for k in sorted(kwargs))]:
            count = len(flatten(value))
            found += [name if count == 1 else f"{name}[{i}]" for i in range(count)]
        kinds = [f"{leaf.dtype.name}{'' if s is None else format_dims(s)}" if is_given(leaf) else repr(leaf)
                 for leaf, s in zip(leaves, shapes, strict=True)]
        return repr(pack_sequence_as(arguments, [0] * len(leaves))), list(zip(found, kinds, strict=True))

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


def _key(arguments: Any, leaves: Sequence[Any], shapes: Sequence[Any]) -> Any:
    """What calls with the same trace agree in."""
    structure = repr(pack_sequence_as(arguments, [0] * len(leaves)))
    return (structure, *((leaf.dtype, None if s is None else tuple(s)) if is_given(leaf) else _hashable(leaf)
                         for leaf, s in zip(leaves, shapes, strict=True)))


def _difference(now: Kind, before: Kind | None) -> str:
    """Why a call did not have the trace of the call before."""
    if before is None or [n for n, _ in now[1]] != [n for n, _ in before[1]] or now[0] != before[0]:
        return "its arguments have another structure"
    changes = [f"{name} is {new}, and was {old}" for (name, new), (_, old) in zip(now[1], before[1], strict=True)
               if new != old]
    return ", ".join(changes) or "an argument is another object"


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
