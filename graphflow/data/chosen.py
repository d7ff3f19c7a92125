"""One dataset of several: each element comes from the one that is chosen or drawn for it."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import int64
from ..compiler.errors import InvalidArgumentError
from ..compiler.ops.constant import convert_to_tensor
from . import Dataset, transforms
from .dataset import Core
from .function import Failure, Scope


def _directed(datasets: Sequence[Dataset], choices: Callable[[Scope], Iterator[Any]], inputs: Sequence[Core],
              tensors: Sequence[Any], stop_on_empty: bool) -> Dataset:
    """The next element of the dataset whose number comes next."""
    if not datasets:
        raise ValueError("`datasets` must not be empty.")
    spec = datasets[0].element_spec
    for other in datasets[1:]:
        spec = transforms.common_spec(spec, other.element_spec, "choose_from_datasets")

    def iterate(scope: Scope) -> Iterator[Any]:
        sources_: list[Iterator[Any] | None] = [d._iterate(scope) for d in datasets]
        for choice in choices(scope):
            if isinstance(choice, Failure):
                yield choice
                continue
            if not 0 <= choice < len(sources_):
                yield Failure(InvalidArgumentError(f"Selector index out of range: {choice} >= {len(sources_)}"))
                continue
            source = sources_[choice]
            element = None if source is None else next(source, None)
            if element is not None:
                yield element
                continue
            sources_[choice] = None
            if stop_on_empty or not any(s is not None for s in sources_):
                return

    return Dataset._of(spec, iterate, inputs=[*datasets, *inputs], tensors=tensors)


def choose_from_datasets(datasets: Sequence[Dataset], choice_dataset: Dataset, stop_on_empty_dataset: bool = False
                         ) -> Dataset:
    """The next element of the dataset that the next int64 scalar of `choice_dataset` numbers."""
    if choice_dataset.output_types != int64 or not choice_dataset.output_shapes.is_compatible_with([]):
        raise TypeError("`choice_dataset` must be a dataset of scalar `tf.int64` tensors.")

    def choices(scope: Scope) -> Iterator[Any]:
        return (e if isinstance(e, Failure) else int(e[0]) for e in choice_dataset._iterate(scope))

    return _directed(datasets, choices, [choice_dataset], (), stop_on_empty_dataset)


def sample_from_datasets(datasets: Sequence[Dataset], weights: Any = None, seed: Any = None,
                         stop_on_empty_dataset: bool = False) -> Dataset:
    """The next element of a dataset drawn with the probabilities `weights` (a vector, or a dataset of them; default
    equal); one at its end is passed over."""
    count, seeds = len(datasets), transforms.seeds_of(seed)
    varying = weights if isinstance(weights, Core) else None
    fixed = convert_to_tensor(np.full(count, 1 / count) if weights is None else weights) if varying is None else None
    if fixed is not None and fixed.shape.as_list() != [count]:
        raise ValueError("`weights` must be a vector of length `len(datasets)`.")

    def choices(scope: Scope) -> Iterator[Any]:
        draw = transforms.generator(scope, made, seeds, True)
        rows = itertools.repeat((scope[fixed],)) if varying is None else varying._iterate(scope)
        for row in rows:
            if isinstance(row, Failure):
                yield row
                continue
            shares = np.cumsum(np.asarray(row[0], np.float64))
            yield int(np.searchsorted(shares, draw.random() * shares[-1], side="right"))

    made = _directed(datasets, choices, [] if varying is None else [varying], [] if fixed is None else [fixed],
                     stop_on_empty_dataset)
    return made
