"""Bands and diagonals of matrices, in the last two axes: masks and moves of existing ops, so they compile natively.

A diagonal is named by column - row: 0 the main one, 1 the one above it. Several are packed as TensorFlow packs them:
rows of equal length, from the highest diagonal on, each filled up at the side that `align` says ("RIGHT_LEFT": the
upper ones stand right, those from the main one down stand left).
"""
from __future__ import annotations

from typing import Any

from .. import dims as dm
from ..dims import Dim, DimLike
from ..dtypes import int32
from ..errors import ShapeError
from ..ir import Tensor
from ..shapes import Dims, format_dims
from .arguments import convert_all
from .complex import conj
from .constant import convert_to_tensor
from .elementwise import cast, equal, logical_and, logical_or, where
from .gather import gather, range_
from .reduction import reduce_sum
from .slicing import place, slice_axis, stack
from .symbolic import static_ints
from .view import dim_scalar, expand_dims, identity, known_rank, reshape, squeeze, transpose, zeros_of

ALIGNMENTS = ("RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT")


def matrix_dims(op: str, x: Tensor) -> Dims:
    """The dims of a batch of matrices. Raises ShapeError for a rank below 2 or unknown."""
    dims = known_rank(op, x)
    if len(dims) < 2:
        raise ShapeError(f"{op}: Shape must be at least rank 2 but is rank {len(dims)}, received {x!r}")
    return dims


def matrix_transpose(a: Any, conjugate: bool = False, name: str | None = None) -> Tensor:
    """The last two axes swapped, and conjugated if asked for. Raises ShapeError for a rank below 2 or unknown."""
    x = convert_to_tensor(a)
    rank = len(matrix_dims("matrix_transpose", x))
    swapped = transpose(x, [*range(rank - 2), rank - 1, rank - 2], name or "matrix_transpose")
    return conj(swapped) if conjugate else swapped


def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """The conjugate transpose."""
    return matrix_transpose(matrix, True, name)


def _offsets(rows: DimLike, columns: DimLike) -> Tensor:
    """column - row of each element, int32."""
    return expand_dims(range_(0, size_tensor(columns)), 0) - expand_dims(range_(0, size_tensor(rows)), 1)


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """The elements up to `num_lower` diagonals below the main one and `num_upper` above, 0 elsewhere; negative: all."""
    x = convert_to_tensor(input, name="MatrixBandPart/input")
    offsets = _offsets(*matrix_dims("MatrixBandPart", x)[-2:])
    lower, upper = (cast(convert_to_tensor(n), int32) for n in (num_lower, num_upper))
    below = logical_or(lower < 0, -offsets <= lower)
    above = logical_or(upper < 0, offsets <= upper)
    return where(logical_and(below, above), x, zeros_of(x), name or "MatrixBandPart")


# diagonals


def _band(op: str, k: Any) -> tuple[int, int]:
    """(lowest, highest) of the diagonals that `k` names."""
    k = static_ints(op, "k", k)
    items = [int(i) for i in k] if hasattr(k, "__iter__") else [int(k)]
    if len(items) not in (1, 2) or items[0] > items[-1]:
        raise ShapeError(f"{op}: k must be an integer or (lowest, highest), received {k!r}")
    return items[0], items[-1]


def _length(rows: DimLike, columns: DimLike, k: int) -> DimLike:
    """How many elements diagonal `k` has."""
    return dm.minimum(rows + min(k, 0), columns - max(k, 0))


def _longest(rows: DimLike, columns: DimLike, lowest: int, highest: int) -> DimLike:
    return dm.minimum(rows + min(highest, 0), columns - max(lowest, 0))


def _stands_right(k: int, align: str) -> bool:
    if align not in ALIGNMENTS:
        raise ValueError(f"align must be one of {', '.join(ALIGNMENTS)}, received {align!r}")
    return align.split("_")[k <= 0] == "RIGHT"


def diag_part(input: Any, k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT",
              name: str | None = None) -> Tensor:
    """The diagonal `k` of each matrix [..., m, n], or the diagonals k[0] to k[1] packed, filled with `padding_value`.

    Raises ShapeError for a diagonal outside the matrices.
    """
    x = convert_to_tensor(input, name="MatrixDiagPart/input")
    *batch, rows, columns = matrix_dims("MatrixDiagPart", x)
    lowest, highest = _band("MatrixDiagPart", k)
    for d in (lowest, highest):
        if isinstance(rows, int) and isinstance(columns, int) and d and not -rows < d < columns:
            raise ShapeError(f"MatrixDiagPart: diagonal {d} is outside the matrices {format_dims((rows, columns))}")
    flat = reshape(x, (*batch, rows * columns))
    longest = _longest(rows, columns, lowest, highest)
    parts = []
    for d in range(highest, lowest - 1, -1):
        length = _length(rows, columns, d)
        first = d if d >= 0 else size_tensor(columns) * -d
        part = gather(flat, range_(0, size_tensor(length)) * size_tensor(columns + 1) + first, len(batch))
        if length != longest:
            begin = longest - length if _stands_right(d, align) else 0
            part = place(part, (*batch, longest), (*[0] * len(batch), begin), value=padding_value)
        parts.append(part)
    return identity(parts[0] if lowest == highest else stack(parts, len(batch)), name or "MatrixDiagPart")


def size_tensor(dim: DimLike) -> Any:
    """A size as an operand of integer arithmetic between tensors."""
    return dim_scalar(dim) if isinstance(dim, Dim) else dim


def _by_row(diagonal: Tensor, k: int, rows: DimLike, columns: DimLike) -> Tensor:
    """The elements of diagonal `k` at the rows they stand in, with a last axis of size 1 to broadcast along columns."""
    batch = known_rank("MatrixDiag", diagonal)[:-1]
    full = diagonal if _length(rows, columns, k) == rows else place(
        diagonal, (*batch, rows), (*[0] * len(batch), max(-k, 0)))
    return expand_dims(full, len(batch) + 1)


def set_diag(input: Any, diagonal: Any, k: Any = 0, align: str = "RIGHT_LEFT", name: str | None = None) -> Tensor:
    """Matrices [..., m, n] with their diagonal(s) `k` replaced by `diagonal` [..., length] (packed for several).

    Raises ShapeError for a diagonal of another length.
    """
    x, given = convert_all("MatrixSetDiag", (input, diagonal))
    *_, rows, columns = matrix_dims("MatrixSetDiag", x)
    return _set(x, given, _band("MatrixSetDiag", k), rows, columns, align, name or "MatrixSetDiag")


def _set(x: Tensor, diagonal: Tensor, band: tuple[int, int], rows: DimLike, columns: DimLike, align: str,
         name: str) -> Tensor:
    lowest, highest = band
    dims = known_rank(name, diagonal)
    longest = _longest(rows, columns, lowest, highest)
    if isinstance(dims[-1], int) and isinstance(longest, int) and dims[-1] != longest:
        raise ShapeError(f"{name}: the diagonals {lowest} to {highest} of matrices {format_dims((rows, columns))} have "
                         f"{longest} elements, received {format_dims(dims)}")
    offsets = _offsets(rows, columns)
    for n, d in enumerate(range(highest, lowest - 1, -1)):
        part = diagonal if lowest == highest else squeeze(slice_axis(diagonal, len(dims) - 2, n, 1), [len(dims) - 2])
        length = _length(rows, columns, d)
        if length != longest:
            begin = longest - length if _stands_right(d, align) else 0
            part = slice_axis(part, len(known_rank(name, part)) - 1, begin, length)
        x = where(equal(offsets, d), _by_row(part, d, rows, columns), x, name)
    return x


def diag(diagonal: Any, k: Any = 0, num_rows: int = -1, num_cols: int = -1, padding_value: Any = 0,
         align: str = "RIGHT_LEFT", name: str | None = None) -> Tensor:
    """Matrices with the given diagonal(s) `k` and `padding_value` elsewhere: the smallest that hold them, unless
    `num_rows` and `num_cols` say otherwise."""
    given = convert_to_tensor(diagonal, name="MatrixDiag/diagonal")
    dims = known_rank("MatrixDiag", given)
    lowest, highest = _band("MatrixDiag", k)
    if len(dims) < 1 + (lowest != highest):
        raise ShapeError(f"MatrixDiag: Shape must be at least rank {1 + (lowest != highest)} but is rank {len(dims)}")
    rows, columns = (static_ints("MatrixDiag", "num_rows and num_cols", n) for n in (num_rows, num_cols))
    # the longest diagonal spans these at least
    least_rows, least_columns = dims[-1] - min(highest, 0), dims[-1] + max(lowest, 0)
    if rows == columns == -1:
        rows = columns = dm.maximum(least_rows, least_columns)
    rows, columns = (least_rows if rows == -1 else rows), (least_columns if columns == -1 else columns)
    background = convert_to_tensor(padding_value, given.dtype)
    return _set(background, given, (lowest, highest), rows, columns, align, name or "MatrixDiag")


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of the main diagonal of each matrix."""

    return reduce_sum(diag_part(x), -1, name=name or "Trace")


# diagonals of tensors of rank 2k: element [i..., i...]


def tensor_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """For shape [d...] the tensor of shape [d..., d...] with `diagonal` at [i..., i...] and 0 elsewhere."""
    x = convert_to_tensor(diagonal, name="Diag/diagonal")
    dims = known_rank("Diag", x)
    with x.graph.name_scope(name or "Diag") as scope:
        return reshape(diag(reshape(x, (dm.product(dims),))), (*dims, *dims), name=scope)


def tensor_diag_part(input: Any, name: str | None = None) -> Tensor:
    """The elements [i..., i...] of a tensor of shape [d..., d...]. Raises ShapeError for any other."""
    x = convert_to_tensor(input, name="DiagPart/input")
    dims = known_rank("DiagPart", x)
    half = len(dims) // 2
    fits = all(a == b or not (isinstance(a, int) and isinstance(b, int))
               for a, b in zip(dims[:half], dims[half:], strict=False))
    if not dims or len(dims) % 2 or not fits:
        raise ShapeError(f"DiagPart: the shape must be [d..., d...], received {format_dims(dims)}")
    rows, columns = dm.product(dims[:half]), dm.product(dims[half:])
    sizes = tuple(a if isinstance(a, int) else b for a, b in zip(dims[:half], dims[half:], strict=True))
    return reshape(diag_part(reshape(x, (rows, columns))), sizes, name=name or "DiagPart")
