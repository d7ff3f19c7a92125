"""Gradients that users define: for a function, for an op type, for the ops made in a scope; and hessians."""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from . import nest
from .compiler.autodiff import REGISTERED
from .compiler.ir import Operation, Tensor, default_graph
from .compiler.ops import custom
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.reduction import size_of
from .compiler.ops.view import identity, known_rank, reshape, shape_of, zeros
from .compiler.recomputation import recomputed
from .control_flow import map_fn
from .framework import GraphKeys, gradients, name_scope
from .math_ops import range_


def identity_n(input: Sequence[Any], name: str | None = None) -> list[Tensor]:
    """Each tensor as it is, as the outputs of one operation."""
    return list(custom.identity_n.operation(*(convert_to_tensor(x) for x in input), grad=None, name=name).outputs)


def custom_gradient(f: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Decorates a function of tensors that returns (result, grad): `grad` takes the results' gradients and returns
    those of the arguments.

    Where the function makes variables, `grad` also takes `variables` and returns (the arguments' gradients, a list of
    the variables'). Raises TypeError when it does not.
    """
    if f is None:
        return custom_gradient
    function = f

    @functools.wraps(function)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        graph = default_graph()
        with name_scope(None, "CustomGradient"):
            inputs = [identity(convert_to_tensor(a)) for a in args]
            before = list(graph.get_collection(GraphKeys.TRAINABLE_VARIABLES))
            result, grad = function(*inputs, **kwargs)
            made = [v for v in graph.get_collection(GraphKeys.TRAINABLE_VARIABLES) if v not in before]
            takes = inspect.signature(grad).parameters
            if made and "variables" not in takes and not any(
                    p.kind is inspect.Parameter.VAR_KEYWORD for p in takes.values()):
                raise TypeError("If using @custom_gradient with a function that uses variables, then grad_fn must "
                                "accept a 'variables' keyword argument.")
            many = isinstance(result, (list, tuple))
            outputs = [convert_to_tensor(r) for r in (result if many else [result])]
            count = len(outputs)

            def op_grad(op: Operation, *grads: Tensor | None) -> list[Any]:
                given = [zeros(shape_of(y), y.dtype) if g is None else g
                         for y, g in zip(op.outputs[:count], grads[:count], strict=True)]
                found = grad(*given, variables=made) if made else grad(*given)
                first, rest = found if made else (found, [])
                first = list(first) if isinstance(first, (list, tuple)) else [first]
                if len(first) != len(inputs):
                    raise ValueError(f"custom_gradient function expected to return {len(inputs)} gradients, but "
                                     f"returned {len(first)} instead.")
                return [None] * count + first + list(rest)

            op = custom.identity_n.operation(*outputs, *inputs, *(v.value() for v in made), grad=op_grad)
        return type(result)(op.outputs[:count]) if many else op.outputs[0]
    return decorated


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the gradient of the identity."""
    @custom_gradient
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return f(*args, **kwargs), lambda *grads: grads
    return wrapped


def _graph_mode_decorator(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`custom_gradient(f)` of the arguments, by the name in TensorFlow's code that programs import."""
    return custom_gradient(f)(*args, **kwargs)


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function, computed a second time where gradients need what is in it: memory for time.

    Between its call and its gradients only the tensors that it is given and the variables that it reads are kept, and
    random numbers. What it returns is a tensor or a nest of tensors.
    """
    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        graph = default_graph()
        if graph.eager:
            return f(*args, **kwargs)
        before = len(graph.operations)
        return computed_again(f(*args, **kwargs), (args, kwargs), graph.operations[before:])
    return decorated


def computed_again(results: Any, given: Any, operations: Sequence[Operation]) -> Any:
    """A nest of tensors that `operations` made of a nest of tensors: for gradients they run a second time."""
    graph = default_graph()
    inputs = [t for t in nest.flatten(given) if isinstance(t, Tensor) and t.op.graph is graph]
    outputs = [t for t in nest.flatten(results) if isinstance(t, Tensor) and t.op.graph is graph
               and t.dtype.is_differentiable]
    if not inputs or not outputs:
        return results
    again = dict(zip(outputs, recomputed(outputs, inputs, operations), strict=True))
    return nest.map_structure(lambda t: again.get(t, t) if isinstance(t, Tensor) else t, results)


class RegisterGradient:
    """Decorates a function `grad(op, *output_grads)` as the gradient of an op type, or under a name for
    `Graph.gradient_override_map`. Raises KeyError for a name that is registered already."""

    def __init__(self, op_type: str):
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: Callable[..., Any]) -> Callable[..., Any]:
        _register(self._op_type, f)
        return f


def _register(name: str, grad: Callable[..., Any] | None) -> None:
    if name in REGISTERED:
        raise KeyError(f"Registering two gradient with name '{name}'!")
    REGISTERED[name] = grad


def NotDifferentiable(op_type: str) -> None:  # noqa: N802
    """State that an op type has no gradient: what it computes counts as constant."""
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    _register(op_type, None)


NoGradient = no_gradient = NotDifferentiable


def hessians(ys: Any, xs: Any, name: str = "hessians", colocate_gradients_with_ops: bool = False,
             gate_gradients: bool = False, aggregation_method: Any = None) -> list[Tensor]:
    """For each x the second derivatives of the sum of the ys: a tensor of shape x.shape + x.shape.

    Raises ValueError for an x of unknown rank.
    """
    sources = list(xs) if isinstance(xs, (list, tuple)) else [xs]
    results = []
    with name_scope(name, None):
        for x, g in zip(sources, gradients(ys, sources), strict=True):
            if g is None:
                raise ValueError(f"hessians: no y depends on {x!r}")
            source = convert_to_tensor(x)
            dims = known_rank("hessians", source)
            flat = reshape(g, [-1])
            rows = map_fn(lambda i, x=x, flat=flat, source=source: _dense(gradients(flat[i], [x])[0], source),
                          range_(size_of(flat)), dtype=g.dtype)
            results.append(reshape(rows, (*dims, *dims)))
    return results


def _dense(gradient: Any, x: Tensor) -> Tensor:
    return zeros(shape_of(x), x.dtype) if gradient is None else convert_to_tensor(gradient)
