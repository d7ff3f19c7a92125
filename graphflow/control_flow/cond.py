"""`cond`, `case` and `switch_case`: of several functions only the one that is chosen runs."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import nest
from ..arguments import renamed
from ..compiler.control import add_if
from ..compiler.dtypes import bool_
from ..compiler.ir import Operation, Tensor, default_graph
from ..compiler.ops.checks import assert_
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, equal, logical_or
from ..compiler.ops.reduction import reduce_sum
from ..compiler.ops.slicing import stack
from ..compiler.ops.symbolic import static_value
from ..compiler.ops.view import identity
from ..compiler.subgraph import SubGraph
from ..framework import control_dependencies, name_scope
from .leaves import Leaf, leaves_of, rebuilt, tensors_of

Function = Callable[[], Any]


def cond(pred: Any, true_fn: Function | None = None, false_fn: Function | None = None, strict: bool = False,
         name: str | None = None, fn1: Function | None = None, fn2: Function | None = None) -> Any:
    """`true_fn()` if the scalar bool tensor `pred` is true, else `false_fn()`.

    Only the ops made inside the function that is chosen run. Both must return the same structure (tensors, nests of
    them, or operations, which give a bool), of the same dtypes. A list or tuple of one is returned as that one, unless
    `strict`. Raises TypeError for a Python bool or functions that are not callable, ValueError when a function returns
    None or dtypes differ.
    """
    true_fn, false_fn = renamed("true_fn", true_fn, "fn1", fn1), renamed("false_fn", false_fn, "fn2", fn2)
    for what, function in (("true_fn", true_fn), ("false_fn", false_fn)):
        if not callable(function):
            raise TypeError(f"{what} must be callable. Received: {function!r}")
    if default_graph().eager:
        return _single((true_fn if bool(convert_to_tensor(pred, bool_)) else false_fn)(), strict)
    with name_scope(name, "cond", [pred]):
        if isinstance(pred, bool):
            raise TypeError("pred must not be a Python bool")
        predicate = convert_to_tensor(pred, bool_, name="pred")
        for taken in ("Switch", "switch_t", "switch_f", "pred_id"):  # the names of TensorFlow's ops
            default_graph().unique_name(taken)
        branches = [
            _Branch(predicate, function, what, strict)
            for function, what in ((true_fn, "true_fn"), (false_fn, "false_fn"))
        ]
        _check_alike(*branches)
        made = add_if(predicate, branches[0].graph, branches[1].graph, "If")
        merged = [identity(t, name="Merge") for t in made.outputs]
        return nest.pack_sequence_as(branches[0].result, rebuilt(branches[0].leaves, merged))


def _single(result: Any, strict: bool) -> Any:
    return result[0] if not strict and isinstance(result, (list, tuple)) and len(result) == 1 else result


class _Branch:
    """A branch built: its graph, what it returned, and the tensors of that."""

    def __init__(self, predicate: Tensor, function: Function, what: str, strict: bool):
        self.predicate = predicate
        self.graph = SubGraph(default_graph())
        with self.graph.as_default():
            self.result = function()
            if self.result is None:
                raise ValueError(f"{what} must have a return value.")
            self.result = _single(self.result, strict)
            self.result = nest.map_structure(self._value, self.result)
            self.leaves: list[Leaf] = leaves_of(self.result)
            self.graph.outputs = tuple(self.graph.adopt(t) for t in tensors_of(self.leaves))

    def _value(self, value: Any) -> Any:
        """An operation runs for its effect; its value is the predicate's."""
        convert = getattr(value, "_as_graph_element", None)
        element = value if convert is None else convert()
        if not isinstance(element, Operation):
            return value
        with control_dependencies([element]):
            return identity(self.predicate)


def _check_alike(then: _Branch, other: _Branch) -> None:
    try:
        nest.assert_same_structure(then.result, other.result)
    except (TypeError, ValueError) as error:
        raise type(error)(f"Incompatible return types of true_fn and false_fn: {error}") from None
    a, b = then.graph.outputs, other.graph.outputs
    if len(a) != len(b):
        raise ValueError(f"Incompatible return values of true_fn and false_fn: {len(a)} and {len(b)} tensors")
    for x, y in zip(a, b, strict=True):
        if x.dtype != y.dtype:
            raise ValueError(f"Outputs of true_fn and false_fn must have the same type: {x.dtype.name}, {y.dtype.name}")


def smart_cond(pred: Any, true_fn: Function, false_fn: Function, name: str | None = None) -> Any:
    """`cond` that calls only one function, now, where `pred` is known while the graph is built."""
    known = pred
    if isinstance(pred, Tensor) or hasattr(pred, "_as_graph_element"):
        known = static_value(convert_to_tensor(pred))
    if known is None:
        return cond(pred, true_fn, false_fn, name=name)
    if not isinstance(pred, Tensor) and known not in (0, 1, True, False):
        raise TypeError(f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: {pred}")
    return true_fn() if bool(known) else false_fn()


def case(pred_fn_pairs: Any, default: Function | None = None, exclusive: bool = False, strict: bool = False,
         name: str = "case") -> Any:
    """The result of the first function whose predicate is true, else of `default`.

    `pred_fn_pairs` is a list of (scalar bool tensor, function), or a dict of them. Without a default, and with
    `exclusive` when several predicates are true, the run raises InvalidArgumentError.
    """
    pairs = list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, Mapping) else pred_fn_pairs
    if not isinstance(pairs, (list, tuple)):
        raise TypeError("pred_fn_pairs must be a list, tuple, or dict")
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError("Each entry in pred_fn_pairs must be a 2-tuple")
        if not (isinstance(pair[0], Tensor) or hasattr(pair[0], "_as_graph_element")) or (
                convert_to_tensor(pair[0]).dtype != bool_):
            raise TypeError(f"pred must be of type bool: {pair[0]!r}")
        if not callable(pair[1]):
            raise TypeError(f"fn for pred {pair[0]!r} must be callable. Received: {pair[1]!r}")
    if default is not None and not callable(default):
        raise TypeError(f"default must be callable. Received: {default!r}")
    if not pairs:
        if default is None:
            raise ValueError("cases must be a non-empty list")
        return default()
    with name_scope(name, "case", [p for p, _ in pairs]):
        predicates = [convert_to_tensor(p) for p, _ in pairs]
        functions = [f for _, f in pairs]
        checks: list[Operation] = []
        if exclusive and len(pairs) > 1:
            count = reduce_sum(cast(stack(predicates), "int32"))
            checks.append(_assertion(count < 2, f"More than one condition evaluated as True but exclusive=True.  "
                                                f"Conditions: ({', '.join(p.name for p in predicates)}), Values:",
                                     predicates))
        if default is None:
            any_true = predicates[0]
            for p in predicates[1:]:
                any_true = logical_or(any_true, p)
            message = "None of the conditions evaluated as True."
            checks.append(_assertion(any_true, f"{message}  Conditions: ({', '.join(p.name for p in predicates)}), "
                                               "Values:", predicates))
            default, functions = functions[-1], functions[:-1]
        with control_dependencies(checks):
            return _chain(list(zip(predicates, functions, strict=False)), default, strict)


def _chain(pairs: Sequence[tuple[Tensor, Function]], default: Function, strict: bool) -> Any:
    if not pairs:
        return default()
    (predicate, function), *rest = pairs
    return cond(predicate, function, lambda: _chain(rest, default, strict), strict=strict)


def _assertion(condition: Tensor, message: str, values: Sequence[Tensor]) -> Operation:
    return assert_.operation(condition, *values, texts=(message, *(None for _ in values)), summarize=3, name="Assert")


def switch_case(branch_index: Any, branch_fns: Any, default: Function | None = None, name: str = "switch_case") -> Any:
    """The result of the function numbered by the scalar integer `branch_index`.

    `branch_fns` is a list of functions, of (number, function), or a dict of these. Another index means `default`, or
    without one the function of the largest number.
    """
    if isinstance(branch_fns, Mapping):
        pairs = sorted(branch_fns.items())
    elif branch_fns and all(callable(f) for f in branch_fns):
        pairs = list(enumerate(branch_fns))
    else:
        pairs = list(branch_fns)
    if not pairs:
        raise ValueError("branch_fns must be a non-empty list")
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], int) or not callable(pair[1]):
            raise TypeError(
                f"Each entry in branch_fns must be a function, or a tuple of an int and one, received {pair!r}"
            )
    if len({n for n, _ in pairs}) < len(pairs):
        raise ValueError(f"branch_fns has the same number twice: {[n for n, _ in pairs]}")
    with name_scope(name, "switch_case", [branch_index]):
        index = convert_to_tensor(branch_index, name="branch_index")
        if default is None:
            *pairs, (_, default) = sorted(pairs)
        return _chain([(equal(index, n), f) for n, f in pairs], default, False)
