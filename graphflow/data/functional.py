"""Datasets made by functions of elements: map, filter, flat_map, interleave, scan, windows by key."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..compiler.dtypes import bool_, int64
from ..compiler.errors import InvalidArgumentError
from ..compiler.ir import Tensor
from ..compiler.ops.arguments import is_tensor
from ..compiler.ops.elementwise import cast
from ..tensor_spec import TensorSpec
from . import structure as st
from .background import Buffer, in_parallel, processors
from .dataset import AUTOTUNE, as_scalar, known, positive, take_error
from .function import Element, Failure, Function, Runs, Scope, attempt, each


def _threads(value: Any) -> Tensor | None:
    return None if value is None else as_scalar(cast(value, int64) if is_tensor(value) else value, int64,
                                                "num_parallel_calls")


def parallelism(scope: Scope, tensor: Tensor | None) -> int:
    """How many threads to use. Raises InvalidArgumentError for 0 and below AUTOTUNE (-1)."""
    if tensor is None:
        return 1
    number = int(scope.scalar(tensor))
    if number == AUTOTUNE:
        return processors()
    if number < 1:
        raise InvalidArgumentError("num_parallel_calls must be greater than zero.")
    return number


def map_(dataset: Any, map_func: Callable[..., Any], num_parallel_calls: Any, what: str = "Dataset.map()") -> Any:
    function = Function(map_func, dataset._spec, what)
    threads = _threads(num_parallel_calls)

    def iterate(scope: Scope) -> Iterator[Any]:
        call, count = function.bind(scope), parallelism(scope, threads)
        elements = dataset._iterate(scope)
        return each(elements, call) if count == 1 else in_parallel(elements, call, count)

    return dataset._derive(function.output_spec, iterate, tensors=[] if threads is None else [threads],
                           functions=[function], size=dataset._size)


def _predicate(function: Callable[..., Any], dataset: Any, what: str) -> Function:
    traced = Function(function, dataset._spec, what)
    spec = traced.output_spec
    if not (isinstance(spec, TensorSpec) and spec.dtype == bool_ and spec.shape.is_compatible_with([])):
        raise ValueError(f"`predicate` passed to {what} must return a scalar boolean tensor, received {spec}")
    return traced


def filter_(dataset: Any, predicate: Callable[..., Any]) -> Any:
    function = _predicate(predicate, dataset, "Dataset.filter()")

    def iterate(scope: Scope) -> Iterator[Any]:
        call = function.bind(scope)
        for element in dataset._iterate(scope):
            verdict = element if isinstance(element, Failure) else attempt(call, element)
            if isinstance(verdict, Failure):
                yield verdict
            elif verdict[0]:
                yield element

    return dataset._derive(dataset._spec, iterate, functions=[function])


def take_while(dataset: Any, predicate: Callable[..., Any]) -> Any:
    function = _predicate(predicate, dataset, "take_while()")

    def iterate(scope: Scope) -> Iterator[Any]:
        call = function.bind(scope)
        for element in dataset._iterate(scope):
            verdict = element if isinstance(element, Failure) else attempt(call, element)
            if isinstance(verdict, Failure):
                yield verdict
            elif not verdict[0]:
                return
            else:
                yield element

    return dataset._derive(dataset._spec, iterate, functions=[function])


def _to_datasets(function: Callable[..., Any], dataset: Any, what: str) -> Function:
    traced = Function(function, dataset._spec, what)
    if not isinstance(traced.output_spec, st.DatasetSpec):
        raise TypeError(f"`map_func` must return a `Dataset` object. Got {traced.output!r} ({what}).")
    return traced


def flat_map(dataset: Any, map_func: Callable[..., Any]) -> Any:
    function = _to_datasets(map_func, dataset, "Dataset.flat_map()")

    def iterate(scope: Scope) -> Iterator[Any]:
        for made in each(dataset._iterate(scope), function.bind(scope)):
            if isinstance(made, Failure):
                yield made
            else:
                yield from made[0]

    return dataset._derive(function.output_spec.element_spec, iterate, functions=[function])


def interleave(dataset: Any, map_func: Callable[..., Any], cycle_length: Any, block_length: Any,
               num_parallel_calls: Any, ahead: int = 1) -> Any:
    """`ahead` elements of each open dataset are made ahead where there are parallel calls."""
    function = _to_datasets(map_func, dataset, "Dataset.interleave()")
    width = as_scalar(AUTOTUNE if cycle_length is None else cycle_length, int64, "cycle_length")
    length = as_scalar(1 if block_length is None else block_length, int64, "block_length")
    threads = _threads(num_parallel_calls)
    if known(width) is not None and known(width) < AUTOTUNE or known(width) == 0:
        raise ValueError(f"`cycle_length` must be > 0, received {cycle_length}")

    def iterate(scope: Scope) -> Iterator[Any]:
        cycle, block = int(scope.scalar(width)), positive(scope, length, "`block_length`")
        count = parallelism(scope, threads)
        cycle = max(count, processors()) if cycle == AUTOTUNE else cycle
        made = each(dataset._iterate(scope), function.bind(scope))

        def opened(element: Any) -> Iterator[Any]:
            if isinstance(element, Failure):
                return iter([element])
            source = iter(element[0])
            return Buffer.ahead(source, max(ahead, block)) if threads is not None else source

        return interleaved(made, opened, cycle, block)

    return dataset._derive(function.output_spec.element_spec, iterate, functions=[function],
                           tensors=[width, length, *([] if threads is None else [threads])])


def interleaved(sources: Iterator[Any], opened: Callable[[Any], Iterator[Any]], cycle: int, block: int
                ) -> Iterator[Any]:
    """`block` elements in turn from each of `cycle` sources; one at its end is replaced by the next source."""
    slots: list[Iterator[Any] | None] = [None] * cycle
    more = True
    while True:
        idle = True
        for i in range(cycle):
            if slots[i] is None and more:
                element = next(sources, None)
                more = element is not None
                slots[i] = opened(element) if more else None
            source = slots[i]
            if source is None:
                continue
            idle = False
            taken = 0
            for value in itertools.islice(source, block):
                taken += 1
                yield value
            if taken < block:
                slots[i] = None
        if idle and not more:
            return


def scan(dataset: Any, initial_state: Any, scan_func: Callable[..., Any]) -> Any:
    state = st.map_structure(st.to_graph, initial_state)
    specs = st.map_structure(st.spec_of, state)
    function = Function(scan_func, (specs, dataset._spec), "scan()")
    if not isinstance(function.output, tuple) or len(function.output) != 2:
        raise TypeError("The scan function must return a pair comprising the new state and the output value.")
    _check_state(specs, function.output_spec[0], "scan")
    leaves, width = st.flatten(state), len(st.flatten(specs))

    def iterate(scope: Scope) -> Iterator[Any]:
        call = function.bind(scope)
        current = _values(scope, leaves)
        for element in dataset._iterate(scope):
            made = element if isinstance(element, Failure) else attempt(call, (*current, *element))
            if isinstance(made, Failure):
                yield made
                continue
            current = made[:width]
            yield made[width:]

    return dataset._derive(function.output_spec[1], iterate, functions=[function],
                           tensors=[t for leaf in leaves for t in st.tensors_of(leaf)], size=dataset._size)


def _values(scope: Scope, leaves: list[Any]) -> Element:
    return tuple(st.from_arrays(st.spec_of(leaf), [scope[t] for t in st.tensors_of(leaf)]) for leaf in leaves)


def _check_state(before: Any, after: Any, what: str) -> None:
    """Raises TypeError or ValueError unless a new state has the structure and the dtypes of the one before."""
    def check(a: Any, b: Any) -> None:
        if type(a) is not type(b) or a.dtype != b.dtype:
            raise TypeError(f"The element types for the new state must match the initial state ({what}). Expected {a}; "
                            f"got {b}.")
    st.map_structure(check, before, after)


def reducer(dataset: Any, initial_state: Any, reduce_func: Callable[..., Any]) -> tuple[Function, list[Any], Any]:
    """The traced function of `Dataset.reduce`, the initial state's leaves and the spec of the result."""
    state = st.map_structure(st.to_graph, initial_state)
    specs = st.map_structure(st.spec_of, state)
    for _ in range(2):  # shapes that change from step to step are unknown
        function = Function(reduce_func, (specs, dataset._spec), "reduce()")
        _check_state(specs, function.output_spec, "reduce")
        relaxed = st.map_structure(lambda a, b: type(a)(st.most_general(a.shape, b.shape), a.dtype), specs,
                                   function.output_spec)
        if st.flatten(relaxed) == st.flatten(specs):
            break
        specs = relaxed
    return function, st.flatten(state), specs


def reduced(function: Function, leaves: list[Any], dataset: Any, scope: Scope) -> Element:
    """The last state of a reduction. Raises what an element or the function raises."""
    call, state = function.bind(scope), _values(scope, leaves)
    for element in dataset._iterate(scope):
        state = call((*state, *take_error(element)))
    return state


def group_by_window(dataset: Any, key_func: Callable[..., Any], reduce_func: Callable[..., Any], window_size: Any,
                    window_size_func: Callable[..., Any] | None) -> Any:
    if (window_size is None) == (window_size_func is None):
        raise ValueError("Must pass either window_size or window_size_func, but not both.")
    key = Function(key_func, dataset._spec, "group_by_window()")
    key_spec = key.output_spec
    if not isinstance(key_spec, TensorSpec) or key_spec.dtype != int64 or not key_spec.shape.is_compatible_with([]):
        raise ValueError(f"`key_func` must return a single tf.int64 tensor, received {key_spec}")
    sizes = None if window_size_func is None else Function(window_size_func, TensorSpec([], int64), "group_by_window()")
    fixed = None if window_size is None else as_scalar(window_size, int64, "window_size")
    reduce = Function(reduce_func, (TensorSpec([], int64), st.DatasetSpec(dataset._spec)), "group_by_window()")
    if not isinstance(reduce.output_spec, st.DatasetSpec):
        raise TypeError("`reduce_func` must return a `Dataset` object.")

    def iterate(scope: Scope) -> Iterator[Any]:
        key_of, combine = key.bind(scope), reduce.bind(scope)
        size_of = None if sizes is None else sizes.bind(scope)
        windows: dict[int, tuple[int, list[Element]]] = {}

        def closed(group: int) -> Iterator[Any]:
            rows = windows.pop(group)[1]
            made = attempt(combine, (np.array(group, np.int64), Runs(lambda: iter(rows))))
            return iter([made]) if isinstance(made, Failure) else iter(made[0])

        for element in dataset._iterate(scope):
            made = element if isinstance(element, Failure) else attempt(key_of, element)
            if isinstance(made, Failure):
                yield made
                continue
            group = int(made[0])
            if group not in windows:
                assert size_of is not None or fixed is not None
                size = int(scope.scalar(fixed)) if size_of is None else int(size_of((np.array(group, np.int64),))[0])  # type: ignore[arg-type]
                if size < 1:
                    yield Failure(InvalidArgumentError(f"Window size must be greater than zero, but got {size}."))
                    return
                windows[group] = size, []
            size, rows = windows[group]
            rows.append(element)
            if len(rows) == size:
                yield from closed(group)
        for group in sorted(windows):
            yield from closed(group)

    functions = [key, reduce, *([] if sizes is None else [sizes])]
    return dataset._derive(reduce.output_spec.element_spec, iterate, functions=functions,
                           tensors=[] if fixed is None else [fixed])


def unique(dataset: Any) -> Any:
    spec = dataset._spec
    if not isinstance(spec, TensorSpec) or spec.dtype.name not in ("int32", "int64", "string"):
        raise TypeError("`tf.data.experimental.unique()` only supports inputs with a single `tf.int32`, `tf.int64`, or "
                        f"`tf.string` component, received {spec}")

    def iterate(scope: Scope) -> Iterator[Any]:
        seen = set()
        for element in dataset._iterate(scope):
            if not isinstance(element, Failure):
                mark = str(np.shape(element[0])), tuple(np.ravel(element[0]).tolist())
                if mark in seen:
                    continue
                seen.add(mark)
            yield element

    return dataset._derive(spec, iterate)


def ignore_errors(dataset: Any) -> Any:
    return dataset._derive(dataset._spec, lambda scope: (
        e for e in dataset._iterate(scope) if not isinstance(e, Failure)))
