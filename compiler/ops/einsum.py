"""Einstein summation, as products, transposes and sums."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import dims as dm
from ..dims import Dim
from ..errors import ShapeError
from ..ir import Tensor
from .arguments import convert_all
from .contraction import matmul
from .elementwise import cast, equal
from .gather import range_
from .reduction import reduce_sum
from .view import expand_dims, identity, known_rank, reshape, transpose

Labels = list[str]


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """The sum of products that the equation says: "bij,bjk->bik" is a batched matrix product, "ii->" a trace.

    A label that the result lacks is summed over; without `->` the result has the labels that stand once, in
    alphabetical order. `...` stands for any axes, which are broadcast. Raises ValueError for an equation that does not
    fit its inputs. `name` names the result; `optimize` is accepted.
    """
    name = kwargs.pop("name", None)
    kwargs.pop("optimize", None)
    if kwargs:
        raise TypeError(f"Invalid keyword arguments for einsum: {', '.join(kwargs)}")
    tensors = convert_all("einsum", list(inputs[0]) if len(inputs) == 1 and isinstance(inputs[0], (list, tuple))
                          else list(inputs))
    with tensors[0].graph.name_scope(name or "einsum") as scope:
        terms, wanted = _parse(equation, tensors)
        pairs = [_diagonals(t, labels) for t, labels in zip(tensors, terms, strict=True)]
        x, labels = pairs[0]
        for k, (y, others) in enumerate(pairs[1:], 1):
            keep = {*wanted, *(n for _, rest in pairs[k + 1:] for n in rest)}
            x, labels = _product(*_summed(x, labels, keep | {*others}), *_summed(y, others, keep | {*labels}), keep,
                                 wanted)
        x, labels = _summed(x, labels, set(wanted))
        order = [labels.index(n) for n in wanted]
        return identity(x, scope) if order == sorted(order) else transpose(x, order, scope)


def _parse(equation: str, tensors: Sequence[Tensor]) -> tuple[list[Labels], Labels]:
    """The labels of each input and of the result; axes under `...` are labelled "0", "1", ... from the last one on."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise ValueError(f"einsum: the equation {equation!r} has {len(terms)} inputs, received {len(tensors)}")
    found: list[Labels] = []
    widest = 0
    for term, x in zip(terms, tensors, strict=True):
        rank = len(known_rank("einsum", x))
        before, dots, after = term.partition("...")
        hidden = rank - len(before) - len(after) if dots else 0
        if len(before) + len(after) + hidden != rank or hidden < 0 or not (before + after).isalpha() and before + after:
            raise ShapeError(f"einsum: {term!r} does not fit an input of shape {x.shape}: Shape must be rank "
                             f"{len(before) + len(after)} but is rank {rank}")
        widest = max(widest, hidden)
        found.append([*before, *(str(k) for k in reversed(range(hidden))), *after])
    dots_of_result = [str(k) for k in reversed(range(widest))]
    if arrow:
        before, dots, after = right.partition("...")
        wanted = [*before, *(dots_of_result if dots else ()), *after]
    else:
        every = "".join(terms).replace(".", "")
        wanted = [*dots_of_result, *sorted(n for n in set(every) if every.count(n) == 1)]
    known = {n for labels in found for n in labels}
    if len(set(wanted)) < len(wanted) or not set(wanted) <= known:
        raise ValueError(f"einsum: the labels of the result of {equation!r} must each stand in an input, and once")
    return found, wanted


def _diagonals(x: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """The diagonal where a label stands twice in one input."""
    labels = list(labels)
    for n in dict.fromkeys(labels):
        while labels.count(n) > 1:
            first = labels.index(n)
            second = labels.index(n, first + 1)
            sizes = [known_rank("einsum", x)[k] for k in (first, second)]
            size = next((d for d in sizes if isinstance(d, int)), sizes[0])
            mask = equal(expand_dims(range_(size), 1), expand_dims(range_(size), 0))
            shape: list[Any] = [1] * len(labels)
            shape[first] = shape[second] = size
            x = reduce_sum(x * reshape(cast(mask, x.dtype), shape), second)
            del labels[second]
    return x, labels


def _summed(x: Tensor, labels: Labels, keep: set[str]) -> tuple[Tensor, Labels]:
    """Without the axes whose labels are not kept."""
    gone = [k for k, n in enumerate(labels) if n not in keep]
    return (reduce_sum(x, gone), [n for n in labels if n in keep]) if gone else (x, labels)


def _product(x: Tensor, a: Labels, y: Tensor, b: Labels, keep: set[str], wanted: Labels) -> tuple[Tensor, Labels]:
    """The product of two inputs, summed over what both have and nothing else needs; free axes as they are wanted."""
    inner = [n for n in a if n in b and n not in keep]
    batch = [n for n in a if n in b and n in keep]
    left, right = [n for n in a if n not in b], [n for n in b if n not in a]
    for n in (*inner, *batch):
        p, q = (known_rank("einsum", t)[own.index(n)] for t, own in ((x, a), (y, b)))
        if isinstance(p, int) and isinstance(q, int) and p != q and not (n.isdigit() and 1 in (p, q)):
            raise ShapeError(f"einsum: Dimensions must be equal, but are {p} and {q} for the label {n!r}")
    if not inner:
        order = [*batch, *left, *right]
        return _aligned(x, a, order) * _aligned(y, b, order), order
    free = [n for n in wanted if n in (*left, *right)]
    if free and left and free[0] in right:  # then the product needs no transpose
        x, a, left, y, b, right = y, b, right, x, a, left
    first, transpose_a = _matrices(x, a, batch, left, inner)
    second, transpose_b = _matrices(y, b, batch, right, inner)
    product = matmul(first, second, transpose_a, not transpose_b)
    sizes = [known_rank("einsum", t)[own.index(n)] for t, own, names in ((x, a, left), (y, b, right)) for n in names]
    return reshape(product, (*known_rank("einsum", product)[:-2], *sizes)), [*batch, *left, *right]


def _matrices(x: Tensor, labels: Labels, batch: Labels, free: Labels, inner: Labels) -> tuple[Tensor, bool]:
    """The input as matrices [*batch, free, inner], and whether they are transposed: its last axis stays the last."""
    transposed = labels[-1] in free
    groups = [free, inner][::-1 if transposed else 1]
    order = [labels.index(n) for n in (*batch, *groups[0], *groups[1])]
    x = x if order == sorted(order) else transpose(x, order)
    shape, count, middle = known_rank("einsum", x), len(batch), len(batch) + len(groups[0])
    return reshape(x, (*shape[:count], dm.product(shape[count:middle]), dm.product(shape[middle:]))), transposed


def _aligned(x: Tensor, labels: Labels, order: Labels) -> Tensor:
    """The axes in this order, with axes of size 1 for labels that it lacks."""
    own = [n for n in order if n in labels]
    moved = transpose(x, [labels.index(n) for n in own]) if own != labels else x
    if len(own) == len(order):
        return moved
    dims = iter(known_rank("einsum", moved))
    sizes: list[int | Dim] = [next(dims) if n in labels else 1 for n in order]
    return reshape(moved, tuple(sizes))
