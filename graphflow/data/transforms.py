"""Datasets of other datasets' elements: counted, repeated, shuffled, joined, kept, prefetched."""
from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..compiler.dtypes import int64
from ..compiler.errors import InvalidArgumentError
from ..compiler.ir import Tensor, default_graph
from ..compiler.ops.constant import convert_to_tensor
from ..tensor_spec import TensorSpec
from . import structure as st
from .background import Buffer
from .dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, as_scalar, counted, known, positive
from .function import Failure, Scope

# how many elements a prefetch without a size keeps ready
PREFETCHED = 8


def take(dataset: Any, count: Any) -> Any:
    limit = as_scalar(count, int64, "count")
    size = counted(dataset._size, known(limit), lambda n, k: n if k < 0 else k if n < 0 else min(n, k))

    def iterate(scope: Scope) -> Iterator[Any]:
        number = int(scope.scalar(limit))
        elements = dataset._iterate(scope)
        return elements if number < 0 else itertools.islice(elements, number)

    return dataset._derive(dataset._spec, iterate, tensors=[limit], size=size)


def skip(dataset: Any, count: Any) -> Any:
    limit = as_scalar(count, int64, "count")
    size = counted(dataset._size, known(limit), lambda n, k: n if n < 0 else 0 if k < 0 else max(n - k, 0))

    def iterate(scope: Scope) -> Iterator[Any]:
        number = int(scope.scalar(limit))
        return iter(()) if number < 0 else itertools.islice(dataset._iterate(scope), number, None)

    return dataset._derive(dataset._spec, iterate, tensors=[limit], size=size)


def repeat(dataset: Any, count: Any) -> Any:
    times = as_scalar(-1 if count is None else count, int64, "count")
    size = counted(dataset._size, known(times), lambda n, k: 0 if n == 0 or k == 0 else -1 if n < 0 or k < 0 else n * k)

    def iterate(scope: Scope) -> Iterator[Any]:
        number = int(scope.scalar(times))
        for _ in itertools.count() if number < 0 else range(number):
            empty = True
            for element in dataset._iterate(scope):
                empty = False
                yield element
            if empty and number < 0:  # nothing would ever come
                return

    return dataset._derive(dataset._spec, iterate, tensors=[times], size=size)


def shard(dataset: Any, num_shards: Any, index: Any) -> Any:
    count, own = as_scalar(num_shards, int64, "num_shards"), as_scalar(index, int64, "index")
    size = None if not known(count) or known(own) is None or dataset._size < 0 else max(
        0, -(-(dataset._size - known(own)) // known(count)))

    def iterate(scope: Scope) -> Iterator[Any]:
        first, step = int(scope.scalar(own)), int(scope.scalar(count))
        if step < 1:
            raise InvalidArgumentError(f"Number of shards must be greater than zero (currently num_shards = {step}).")
        if not 0 <= first < step:
            raise InvalidArgumentError(f"Index must be between 0 and {step - 1} (currently index = {first}).")
        return itertools.islice(dataset._iterate(scope), first, None, step)

    return dataset._derive(dataset._spec, iterate, tensors=[count, own], size=size)


def enumerate_(dataset: Any, start: Any) -> Any:
    first = as_scalar(start, int64, "start")

    def iterate(scope: Scope) -> Iterator[Any]:
        number = int(scope.scalar(first))
        for element in dataset._iterate(scope):
            if not isinstance(element, Failure):
                element = (np.array(number, np.int64), *element)
                number += 1
            yield element

    return dataset._derive((TensorSpec([], int64), dataset._spec), iterate, tensors=[first], size=dataset._size)


# shuffling


def seeds_of(seed: Any) -> tuple[int, int] | None:
    """The graph's and the op's seed, None without either: then each iterator draws its own."""
    graph = default_graph()
    if graph.seed is None and seed is None:
        return None
    if isinstance(seed, Tensor) and known(seed) is not None:
        seed = known(seed)
    own = len(graph.operations) if seed is None else int(seed)
    return (87654321 if graph.seed is None else int(graph.seed)) & (2**64 - 1), own & (2**64 - 1)


def generator(scope: Scope, key: Any, seeds: tuple[int, int] | None, again: bool) -> np.random.Generator:
    """Random numbers for one pass over a dataset; with `again` each pass of an iterator has others.

    The scope's state may say how many "passes" went before, and what is to "draw" the seeds of those that have none.
    """
    passes = scope.state.setdefault((key, "pass"), itertools.count(scope.state.get("passes", 0)))
    number = next(passes) if again else 0
    if seeds is None and again and "draw" in scope.state:
        seeds = (int(scope.state["draw"]()), 0)
    if seeds is None:
        entropy = scope.state.setdefault((key, "seed"), np.random.SeedSequence().entropy)
        seeds = (int(entropy) & (2**64 - 1), 0)  # type: ignore[arg-type]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([*seeds, number])))


def shuffle(dataset: Any, buffer_size: Any, seed: Any, reshuffle_each_iteration: bool | None) -> Any:
    capacity, seeds = as_scalar(buffer_size, int64, "buffer_size"), seeds_of(seed)
    again = reshuffle_each_iteration is not False

    def iterate(scope: Scope) -> Iterator[Any]:
        number = positive(scope, capacity, "buffer_size")
        draw = generator(scope, key, seeds, again)
        elements = dataset._iterate(scope)
        kept = list(itertools.islice(elements, number))
        for element in elements:
            i = int(draw.integers(number))
            kept[i], out = element, kept[i]
            yield out
        while kept:
            i = int(draw.integers(len(kept)))
            kept[i], kept[-1] = kept[-1], kept[i]
            yield kept.pop()

    key = dataset._derive(dataset._spec, iterate, tensors=[capacity], size=dataset._size)
    return key


# kept and fetched ahead


def cache(dataset: Any, filename: Any) -> Any:
    path = convert_to_tensor(filename, "string", name="filename")
    specs = st.flatten(dataset._spec)

    def iterate(scope: Scope) -> Iterator[Any]:
        name = os.fsdecode(np.asarray(scope[path]).item())
        return _file_cached(scope, name) if name else _kept(scope)

    def _kept(scope: Scope) -> Iterator[Any]:
        if (key, "kept") not in scope.state:
            elements = []
            for element in dataset._iterate(scope):
                elements.append(element)
                yield element
            scope.state[key, "kept"] = elements
        else:
            yield from scope.state[key, "kept"]

    def _file_cached(scope: Scope, name: str) -> Iterator[Any]:
        from . import cache_file
        if os.path.exists(name + cache_file.SUFFIX):
            return cache_file.read(name, specs)
        return cache_file.write(name, specs, dataset._iterate(scope))

    key = dataset._derive(dataset._spec, iterate, tensors=[path], size=dataset._size)
    return key


def prefetch(dataset: Any, buffer_size: Any) -> Any:
    capacity = as_scalar(AUTOTUNE if buffer_size is None else buffer_size, int64, "buffer_size")

    def iterate(scope: Scope) -> Iterator[Any]:
        number = int(scope.scalar(capacity))
        if number < AUTOTUNE:
            raise InvalidArgumentError(f"buffer_size must be >= 0 or AUTOTUNE, received {number}")
        elements = dataset._iterate(scope)
        return elements if number == 0 else Buffer.ahead(elements, PREFETCHED if number == AUTOTUNE else number)

    return dataset._derive(dataset._spec, iterate, tensors=[capacity], size=dataset._size)


# several datasets


def common_spec(first: Any, other: Any, what: str) -> Any:
    """The most specific structure that two datasets fit. Raises TypeError or ValueError when there is none."""
    def merge(a: Any, b: Any) -> Any:
        if type(a) is not type(b) or a.dtype != b.dtype:
            raise TypeError(f"{what}: the datasets have different types: {a} and {b}")
        if isinstance(a, st.DatasetSpec):
            return st.DatasetSpec(common_spec(a.element_spec, b.element_spec, what))
        return type(a)(st.most_general(a.shape, b.shape), a.dtype)
    try:
        return st.map_structure(merge, first, other)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def concatenate(dataset: Any, other: Any) -> Any:
    spec = common_spec(dataset._spec, other._spec, "concatenate")
    sizes = (dataset._size, other._size)
    finite = None if UNKNOWN_CARDINALITY in sizes else sum(sizes)
    size = INFINITE_CARDINALITY if INFINITE_CARDINALITY in sizes else finite

    def iterate(scope: Scope) -> Iterator[Any]:
        return itertools.chain(dataset._iterate(scope), _later(other, scope))

    return dataset._derive(spec, iterate, inputs=[dataset, other], size=size)


def _later(dataset: Any, scope: Scope) -> Iterator[Any]:
    """Started only when its first element is asked for."""
    yield from dataset._iterate(scope)


def zip_(make: Any, datasets: Any) -> Any:
    parts = st.flatten(datasets)
    if isinstance(datasets, list) or any(not hasattr(d, "_iterate") for d in parts):
        raise TypeError("The argument to `Dataset.zip()` must be a (nested) structure of `Dataset` objects (not a "
                        f"Python `list`), received {datasets!r}")
    sizes = [d._size for d in parts]
    finite = [n for n in sizes if n >= 0]
    size = None if UNKNOWN_CARDINALITY in sizes else min(finite) if finite else INFINITE_CARDINALITY

    def iterate(scope: Scope) -> Iterator[Any]:
        for row in zip(*(d._iterate(scope) for d in parts), strict=False):
            failed = next((e for e in row if isinstance(e, Failure)), None)
            yield failed if failed is not None else tuple(v for element in row for v in element)

    return make(st.map_structure(lambda d: d._spec, datasets), iterate, inputs=parts, size=size)
