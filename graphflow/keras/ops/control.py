"""Functions that call functions: branches, loops, maps and scans."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import control_flow
from ...compiler.ir import Tensor, default_graph
from ...compiler.ops import elementwise as ew
from ...compiler.ops import slicing, view
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.subgraph import SubGraph
from ..nest import flatten, map_structure, pack
from .axes import moveaxis
from .dtypes import as_tensor


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` where `pred` holds, else `false_fn()`. Both must give the same structure and dtypes."""
    if isinstance(pred, (bool, int, np.bool_)):
        return true_fn() if pred else false_fn()
    return control_flow.cond(as_tensor(pred, "bool"), true_fn, false_fn, strict=True)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """`branches[index](*operands)`; an index out of range means the nearest branch."""
    last = len(branches) - 1
    chosen = ew.minimum(ew.maximum(as_tensor(index, "int32"), 0), last)
    return control_flow.switch_case(chosen, [lambda b=branch: b(*operands) for branch in branches])


def while_loop(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: Any = None
               ) -> Any:
    """`loop_vars` after `loop_vars = body(*loop_vars)` while `cond(*loop_vars)`: a tuple, or one value alone."""
    several = isinstance(loop_vars, (tuple, list))
    start = map_structure(convert_to_tensor, tuple(loop_vars) if several else (loop_vars,))

    def step(*values: Any) -> tuple[Any, ...]:
        result = body(*values)
        return tuple(result) if several else (result,)

    result = control_flow.while_loop(cond, step, start, maximum_iterations=maximum_iterations,
                                     return_same_structure=True)
    return tuple(result) if several else result[0]


def fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    """`value` after `value = body_fun(i, value)` for i from `lower` to `upper` - 1."""
    start = as_tensor(lower, "int32"), map_structure(convert_to_tensor, init_val)
    end = as_tensor(upper, "int32")
    return control_flow.while_loop(lambda i, value: i < end, lambda i, value: (i + 1, body_fun(i, value)), start,
                                   return_same_structure=True)[1]


def _made_by(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function makes of arguments, for its structure and dtypes: in a graph that is then thrown away."""
    with SubGraph(default_graph()).as_default():
        return map_structure(lambda t: None if t is None else convert_to_tensor(t), function(*arguments))


def _dtypes(made: Any) -> Any:
    return map_structure(lambda t: None if t is None else t.dtype, made)


def map(f: Callable[..., Any], xs: Any) -> Any:
    """f(slice) for each slice of `xs` (a tensor, or a nest of them) along the first axis, stacked."""
    tensors = map_structure(convert_to_tensor, xs)
    made = _made_by(f, map_structure(lambda t: t[0], tensors))
    return control_flow.map_fn(f, tensors, dtype=_dtypes(made))


def vectorized_map(function: Callable[..., Any], elements: Any) -> Any:
    """function(slice) for each slice of `elements` along the first axis, stacked."""
    return map(function, elements)


def scan(f: Callable[..., Any], init: Any, xs: Any = None, length: int | None = None, reverse: bool = False,
         unroll: Any = 1) -> Any:
    """(the last carry, every y stacked) of `carry, y = f(carry, x)` for the slices x of `xs` along the first axis.

    Without `xs` there are `length` steps, x being None. `reverse` goes from the last to the first. `unroll` is checked
    and has no other effect. Raises TypeError and ValueError for bad arguments.
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(f"`unroll` must be an positive integer or boolean. Received: unroll={unroll}")
    if xs is None and length is None:
        raise ValueError("Got no `xs` to scan over and `length` not provided.")
    carry, inputs = map_structure(convert_to_tensor, init), map_structure(
        lambda x: None if x is None else convert_to_tensor(x), xs)
    tensors = [t for t in flatten(inputs) if t is not None]
    count: Any = length if length is not None else view.shape_of(tensors[0])[0]

    def at(i: Any) -> Any:
        return map_structure(lambda x: None if x is None else x[i], inputs)

    _, y = _made_by(f, carry, at(0))
    arrays = [control_flow.TensorArray(t.dtype, count) for t in flatten(y) if t is not None]

    def step(i: Tensor, value: Any, stored: Any) -> Any:
        now = count - 1 - i if reverse else i
        value, result = f(value, at(now))
        leaves = [r for r in flatten(result) if r is not None]
        return i + 1, value, [a.write(now, r) for a, r in zip(stored, leaves, strict=True)]

    _, last, stored = control_flow.while_loop(lambda i, *_: i < count, step, (convert_to_tensor(0), carry, arrays),
                                              return_same_structure=True)
    stacks = iter([a.stack() for a in stored])
    return last, map_structure(lambda t: None if t is None else next(stacks), y)


def associative_scan(f: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """What an associative `f(a, b)` makes of all elements up to each along `axis` (with `reverse`: from each on).

    `elems` is a tensor or a nest of them; `f` is called on several elements at once, about 2 log2(n) times (Blelloch
    1990), or for an unknown size on one after another. Raises TypeError if `f` is not callable, ValueError for
    different sizes.
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    tensors = [moveaxis(t, axis, 0) for t in flatten(elems)]
    sizes = {view.known_rank("associative_scan", t)[0] for t in tensors}
    known = {n for n in sizes if isinstance(n, int)}
    if len(known) > 1:
        raise ValueError("Array inputs to associative_scan must have the same first dimension. (saw: "
                         f"{[t.shape for t in tensors]})")
    if reverse:
        tensors = [view.reverse(t, [0]) for t in tensors]

    def combined(first: Sequence[Tensor], second: Sequence[Tensor]) -> list[Tensor]:
        # `f` sees the elements along their own axis
        a, b = (pack(elems, [moveaxis(t, 0, axis) for t in side]) for side in (first, second))
        return [moveaxis(t, axis, 0) for t in flatten(f(a, b))]

    found = _scanned(combined, tensors) if known == sizes else _folded(combined, tensors)
    if reverse:
        found = [view.reverse(t, [0]) for t in found]
    return pack(elems, [moveaxis(t, 0, axis) for t in found])


def _scanned(combined: Callable[..., list[Tensor]], tensors: list[Tensor]) -> list[Tensor]:
    """The scan along the first axis: pairs are combined, scanned, and give every second result."""
    count: Any = view.known_rank("associative_scan", tensors[0])[0]
    if count < 2:
        return tensors
    odd = _scanned(combined, combined([t[0:count - 1:2] for t in tensors], [t[1::2] for t in tensors]))
    if count == 2:
        even = [t[:1] for t in tensors]
    else:
        later = combined([t[:(count - 1) // 2] for t in odd], [t[2::2] for t in tensors])
        even = [slicing.concat([t[:1], r], 0) for t, r in zip(tensors, later, strict=True)]
    return [_alternating(a, b, count) for a, b in zip(even, odd, strict=True)]


def _alternating(even: Tensor, odd: Tensor, count: int) -> Tensor:
    """One of `even`, one of `odd`, and so on."""
    if count % 2:
        odd = slicing.concat([odd, even[:1]], 0)  # one too many
    pairs = slicing.stack([even, odd], 1)
    return view.reshape(pairs, [count + count % 2, *view.known_rank("associative_scan", pairs)[2:]])[:count]


def _folded(combined: Callable[..., list[Tensor]], tensors: list[Tensor]) -> list[Tensor]:
    """The scan along the first axis, one element after another."""
    def step(before: list[Tensor], now: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        both = combined([view.expand_dims(t, 0) for t in before], [view.expand_dims(t, 0) for t in now])
        after = [view.squeeze(t, [0]) for t in both]
        return after, after

    _, later = scan(step, [t[0] for t in tensors], [t[1:] for t in tensors])
    return [slicing.concat([t[:1], r], 0) for t, r in zip(tensors, later, strict=True)]


def vectorize(pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None) -> Callable[..., Any]:
    """A function of scalars made one of tensors of any shapes, which are broadcast, as NumPy does.

    `excluded` names arguments (by position or name) that are passed as they are. `signature`, as "(n),(n)->()", says
    which last axes the function takes as a whole.
    """
    kept = set(excluded or ())
    core = [len(part.split(",")) if part.strip() else 0 for part in
            _parenthesized(signature.partition("->")[0])] if signature else None

    def vectorized(*args: Any, **kwargs: Any) -> Any:
        places = [i for i, a in enumerate(args) if i not in kept and a is not None]
        tensors = [convert_to_tensor(args[i]) for i in places]
        depths = core or [0] * len(tensors)
        whole = [t.shape[len(t.shape) - d:] if d else [] for t, d in zip(tensors, depths, strict=True)]
        leads = [t.shape[:len(t.shape) - d] if d else t.shape for t, d in zip(tensors, depths, strict=True)]
        outer = np.broadcast_shapes(*(tuple(int(n) for n in lead) for lead in leads))

        def one(slices: Sequence[Tensor]) -> Any:
            given = list(args)
            for i, value in zip(places, slices, strict=True):
                given[i] = value
            return pyfunc(*given, **kwargs)

        if not outer:
            return one(tensors)
        rows = [view.reshape(view.broadcast_to(t, [*outer, *w]), [-1, *w]) for t, w in zip(tensors, whole, strict=True)]
        return map_structure(lambda t: view.reshape(t, [*outer, *t.shape[1:]]), map(one, rows))

    vectorized.__name__, vectorized.__doc__ = getattr(pyfunc, "__name__", "vectorized"), pyfunc.__doc__
    return vectorized


def _parenthesized(text: str) -> list[str]:
    return [part.partition(")")[0] for part in text.split("(")[1:]]


__all__ = ["associative_scan", "cond", "fori_loop", "map", "scan", "switch", "vectorize", "vectorized_map",
           "while_loop"]
