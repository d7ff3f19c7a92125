"""Einstein's summation as transposes, reshapes and matrix products."""
from __future__ import annotations

from typing import Any

from .. import dims as dm
from ..errors import ShapeError
from ..ir import Tensor
from .arguments import convert_all
from .contraction import matmul
from .reduction import reduce_sum
from .view import known_rank, reshape, transpose

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def einsum(equation: str, *operands: Any, name: str | None = None) -> Tensor:
    """`einsum("ij,jk->ik", a, b)`: the sum over every label that the output does not have.

    "..." stands for any further axes. Operands are contracted from left to right. Raises ValueError for an equation
    that does not fit the operands, or that names an axis of one operand twice.
    """
    tensors = convert_all("Einsum", operands)
    labels, output = _labels(equation.replace(" ", ""), tensors)
    current, names = tensors[0], labels[0]
    for i, (tensor, own) in enumerate(zip(tensors[1:], labels[1:], strict=True)):
        later = "".join(labels[i + 2:]) + output
        current, names = _pair(current, names, tensor, own, later)
    current, names = _summed(current, names, output)
    return transpose(current, [names.index(n) for n in output], name=name or "einsum") if names != output else current


def _labels(equation: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """(labels of each operand, labels of the output), an ellipsis written out in capitals that are free."""
    left, arrow, output = equation.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(tensors):
        raise ValueError(f"einsum: the equation {equation!r} has {len(inputs)} operands, received {len(tensors)}")
    spare = [c for c in LETTERS if c not in equation]
    extra = ""
    labels = []
    for own, tensor in zip(inputs, tensors, strict=True):
        rank = len(known_rank("Einsum", tensor))
        if "..." in own:
            count = rank - len(own) + 3
            inner = "".join(spare[max(0, len(spare) - count):]) if count else ""
            extra = inner if len(inner) > len(extra) else extra
            own = own.replace("...", inner)
        if len(own) != rank:
            raise ShapeError(f"einsum: the equation {equation!r} gives {len(own)} axes to an operand of shape "
                             f"{tensor.shape}")
        if len(set(own)) != len(own):
            raise ValueError(f"einsum: the equation {equation!r} names an axis of one operand twice")
        labels.append(own)
    if not arrow:
        every = "".join(inputs).replace(".", "")
        output = ("..." if extra else "") + "".join(sorted(c for c in set(every) if every.count(c) == 1))
    output = output.replace("...", extra)
    unknown = set(output) - set("".join(labels))
    if unknown or len(set(output)) != len(output):
        raise ValueError(f"einsum: the output of {equation!r} names labels twice or that no operand has")
    return labels, output


def _summed(x: Tensor, names: str, keep: str) -> tuple[Tensor, str]:
    axes = [i for i, n in enumerate(names) if n not in keep]
    return (reduce_sum(x, axes), "".join(n for n in names if n in keep)) if axes else (x, names)


def _pair(a: Tensor, a_names: str, b: Tensor, b_names: str, later: str) -> tuple[Tensor, str]:
    """Two operands contracted over what they share and nothing later needs."""
    a, a_names = _summed(a, a_names, b_names + later)
    b, b_names = _summed(b, b_names, a_names + later)
    shared = [n for n in a_names if n in b_names]
    batch = "".join(n for n in shared if n in later)
    inner = "".join(n for n in shared if n not in later)
    left, right = ("".join(n for n in own if n not in shared) for own in (a_names, b_names))
    sizes: dict[str, Any] = {}
    for tensor, own in ((b, b_names), (a, a_names)):
        for n, d in zip(own, known_rank("Einsum", tensor), strict=True):
            if n not in sizes or isinstance(sizes[n], int) and sizes[n] == 1 or not isinstance(sizes[n], int):
                sizes[n] = d
            elif isinstance(d, int) and d not in (1, sizes[n]):
                raise ShapeError(f"einsum: axis {n!r} is {sizes[n]} in one operand and {d} in another")

    def matrix(x: Tensor, own: str, rows: str, columns: str) -> Tensor:
        order = batch + rows + columns
        x = transpose(x, [own.index(n) for n in order]) if own != order else x
        dims = dict(zip(order, known_rank("Einsum", x), strict=True))
        return reshape(x, (*(dims[n] for n in batch), dm.product(dims[n] for n in rows),
                           dm.product(dims[n] for n in columns)))

    product = matmul(matrix(a, a_names, left, inner), matrix(b, b_names, inner, right))
    return reshape(product, tuple(sizes[n] for n in batch + left + right)), batch + left + right
