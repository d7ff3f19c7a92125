"""`while_loop`: a body that runs as long as a condition holds."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import nest
from ..compiler.control import add_while
from ..compiler.dtypes import bool_
from ..compiler.errors import DTypeError
from ..compiler.ir import Tensor, TensorType, default_graph
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import logical_and
from ..compiler.ops.view import identity, reshape
from ..compiler.shapes import TensorShape
from ..compiler.subgraph import SubGraph
from ..framework import name_scope
from .leaves import Leaf, leaves_of, rebuilt, tensors_of
from .tensor_array import TensorArray


def while_loop(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, shape_invariants: Any = None,
               parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
               name: str | None = None, maximum_iterations: Any = None, return_same_structure: bool = False) -> Any:
    """The loop variables after `loop_vars = body(*loop_vars)` while `cond(*loop_vars)`.

    `loop_vars` is a list or tuple of tensors, TensorArrays and nests of them. A variable keeps its shape, unless
    `shape_invariants` gives a less specific one. At most `maximum_iterations` are made. A single variable is returned
    by itself, unless `return_same_structure`. `parallel_iterations`, `back_prop` and `swap_memory` are accepted.
    Raises TypeError for functions that are not callable, ValueError when the body changes structure or shapes.
    """
    for what, function in (("cond", cond), ("body", body)):
        if not callable(function):
            raise TypeError(f"'{what}' must be callable. Received: {function!r}")
    if not isinstance(parallel_iterations, Tensor) and parallel_iterations < 1:
        raise TypeError("'parallel_iterations' must be a positive integer.")
    if not nest.flatten(loop_vars):
        raise ValueError("'loop_vars' must be provided.")
    if not isinstance(loop_vars, (list, tuple)):
        loop_vars = [loop_vars]
    if default_graph().eager:
        return _repeated(cond, body, loop_vars, maximum_iterations, return_same_structure)
    with name_scope(name, "while", nest.flatten(loop_vars)):
        variables, structure = leaves_of(loop_vars), loop_vars
        invariants = _invariants(loop_vars, shape_invariants)
        extra: list[Tensor] = []
        if maximum_iterations is not None:
            limit = convert_to_tensor(maximum_iterations, name="maximum_iterations")
            if limit.dims != ():
                if limit.dims is not None:
                    raise ValueError(f"'maximum_iterations' must be a scalar. Received shape: {limit.shape}")
                limit = reshape(limit, ())
            extra = [constant(0, limit.dtype, name="iteration_counter")]
            invariants = [TensorShape(()), *invariants]
        loop = _Loop([*extra, *tensors_of(variables)], invariants)

        def condition(tensors: Sequence[Tensor]) -> Tensor:
            going = _call(cond, structure, variables, tensors[len(extra):])
            test = convert_to_tensor(going, bool_)
            if test.dims != ():
                test = reshape(test, ())
            return logical_and(tensors[0] < limit, test) if extra else test

        def step(tensors: Sequence[Tensor]) -> list[Tensor]:
            result = _call(body, structure, variables, tensors[len(extra):])
            loop.take_result(result, structure)
            following = [convert_to_tensor(t) for t in tensors_of(loop.leaves)]
            return [*([tensors[0] + 1] if extra else []), *following]

        final = loop.build(condition, step)[len(extra):]
        packed = nest.pack_sequence_as(loop.result, rebuilt(loop.leaves, final))
        return packed if return_same_structure or len(loop.leaves) > 1 else packed[0]


def _repeated(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: Any,
              return_same_structure: bool) -> Any:
    """The loop where ops run at once."""
    values = nest.pack_sequence_as(loop_vars, rebuilt(leaves_of(loop_vars), tensors_of(leaves_of(loop_vars))))
    count = 0
    while (maximum_iterations is None or count < int(maximum_iterations)) and bool(cond(*values)):
        values = body(*values)
        values = values if isinstance(values, (list, tuple)) else [values]
        count += 1
    return values if return_same_structure or len(values) > 1 else values[0]


def _call(function: Callable[..., Any], structure: Any, leaves: Sequence[Leaf], tensors: Sequence[Tensor]) -> Any:
    return function(*nest.pack_sequence_as(structure, rebuilt(leaves, tensors)))


def _invariants(loop_vars: Any, shape_invariants: Any) -> list[TensorShape]:
    """The shape that each tensor of the loop variables keeps. Raises ValueError for one that it does not have."""
    given: list[Any] = [None] * len(nest.flatten(loop_vars))
    if shape_invariants is not None:
        given = nest.flatten_up_to(loop_vars, shape_invariants, check_types=False)
    found = []
    for leaf, invariant in zip(nest.flatten(loop_vars), given, strict=True):
        tensors = leaves_of([leaf])[0].tensors
        for t in tensors:
            shape = t.shape
            if isinstance(leaf, TensorArray) and leaf.dynamic_size and shape.dims:
                shape = TensorShape([None, *shape.dims[1:]])
            if invariant is not None and len(tensors) == 1 and not isinstance(leaf, TensorArray):
                stated = TensorShape(getattr(invariant, "shape", invariant))
                if not _at_least(stated, shape):
                    raise ValueError(f"The shape invariant specified for {t.name} is not compatible with the initial "
                                     f"shape of the loop variable. It enters the loop with shape {shape}, but the "
                                     f"specified shape invariant is {stated}.")
                shape = stated
            found.append(shape)
    return found


def _at_least(general: TensorShape, special: TensorShape) -> bool:
    """Whether every shape that `special` allows is allowed by `general`."""
    if general.dims is None:
        return True
    return special.dims is not None and len(general.dims) == len(special.dims) and all(
        g == s for g, s in zip(general.as_list(), special.as_list(), strict=True) if g is not None)


class _Loop:
    """The two graphs of a loop in the making."""

    def __init__(self, initial: Sequence[Tensor], invariants: Sequence[TensorShape]):
        self.initial = initial
        graph = default_graph()
        for _ in initial:
            graph.unique_name("Enter")
        self.tests = self._parameters("Merge", invariants)
        # sizes that are not known may change from one iteration to the next, so each is a symbol of its own
        self.parameters = self._parameters("Identity", invariants)
        self.leaves: list[Leaf] = []
        self.result: Any = None

    @staticmethod
    def _parameters(name: str, shapes: Sequence[TensorShape]) -> list[tuple[str, Any]]:
        graph = default_graph()
        return [(graph.unique_name(name), None if s.dims is None else TensorShape(s.as_list()).dims) for s in shapes]

    def take_result(self, result: Any, structure: Any) -> None:
        """What the body returned. Raises ValueError unless it has the structure of the loop variables."""
        if not isinstance(result, (list, tuple)):
            result = [result]
        nest.assert_same_structure(list(structure), list(result))
        self.leaves, self.result = leaves_of(result), result

    def build(self, condition: Callable[..., Tensor], step: Callable[..., list[Tensor]]) -> list[Tensor]:
        test, body = SubGraph(default_graph()), SubGraph(default_graph())
        with test.as_default():
            found = condition(self._add(test, self.tests))
            test.outputs = (test.adopt(found),)
        default_graph().unique_name("LoopCond")
        with body.as_default():
            inputs = self._add(body, self.parameters)
            following = [body.adopt(t) for t in step(inputs)]
            for before, after, initial in zip(inputs, following, self.initial, strict=True):
                _check_next(initial, before, after)
            body.outputs = tuple(following)
        made = add_while(self.initial, test, body, "While")
        return [identity(t, name="Exit") for t in made.outputs[:len(self.initial)]]

    def _add(self, graph: SubGraph, parameters: Sequence[tuple[str, Any]]) -> list[Tensor]:
        return [graph.add_parameter(TensorType(t.dtype, dims), name)
                for t, (name, dims) in zip(self.initial, parameters, strict=True)]


def _check_next(initial: Tensor, before: Tensor, after: Tensor) -> None:
    if before.dtype != after.dtype:
        raise DTypeError(f"while_loop: the loop variable {initial.name!r} has dtype {before.dtype.name}, but after one "
                         f"iteration {after.dtype.name}")
    if not _at_least(before.shape, after.shape):
        raise ValueError(f"Input tensor {initial.name!r} enters the loop with shape {before.shape}, but has shape "
                         f"{after.shape} after one iteration. To allow the shape to vary across iterations, use the "
                         "`shape_invariants` argument of tf.while_loop to specify a less-specific shape.")
