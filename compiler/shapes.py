"""Static shapes: TensorFlow's TensorShape over our dimensions, and the broadcasting rule."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from . import dims as dm
from .dims import Dim, DimLike
from .errors import InvalidArgumentError, ShapeError

Dims = tuple[DimLike, ...]


class Dimension(int):
    """A known dimension: an int that also has what TensorFlow 1's has."""

    def __new__(cls, value: Any) -> Any:
        """The dimension of that size, an unknown one for None."""
        return dm.fresh() if value is None else super().__new__(cls, value)

    @property
    def value(self) -> int:
        return int(self)

    def is_compatible_with(self, other: Any) -> bool:
        """Whether the other dimension may have this size."""
        return not isinstance(size := as_dim(other), int) or size == self

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError if the other dimension has another size."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other: Any) -> Dimension:
        """This dimension. Raises ValueError if the other has another size."""
        self.assert_is_compatible_with(other)
        return self


def _arithmetic(name: str) -> Callable[[Any, Any], Any]:
    whole = getattr(int, name)

    def method(self: Dimension, other: Any) -> Any:
        result = whole(self, other)
        return Dimension(result) if type(result) is int else result

    return method


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "floordiv", "rfloordiv", "mod", "rmod"):
    setattr(Dimension, f"__{_name}__", _arithmetic(f"__{_name}__"))


class _Sizes(tuple[Any, ...]):
    """The dims of a TensorShape, which TensorFlow gives as a list: they can be joined with one."""

    def __add__(self, other: Any) -> Any:
        return [*self, *other] if isinstance(other, list) else super().__add__(other)

    def __radd__(self, other: Any) -> Any:
        return [*other, *self] if isinstance(other, list) else (*other, *self)


class TensorShape:
    """The static shape of a tensor. `dims` is a tuple of Dimension or Dim, or None when even the rank is unknown."""

    __slots__ = ("_dims",)

    def __init__(self, dims: Any):
        if isinstance(dims, TensorShape):
            self._dims: Dims | None = dims._dims
        elif dims is None:
            self._dims = None
        else:
            items = dims if isinstance(dims, Iterable) else (dims,)
            self._dims = tuple(as_dim(d) for d in items)

    @property
    def dims(self) -> Dims | None:
        return None if self._dims is None else _Sizes(self)

    @property
    def rank(self) -> int | None:
        return None if self._dims is None else len(self._dims)

    ndims = rank

    def as_list(self) -> list[int | None]:
        """The sizes, None where unknown. Raises ValueError when the rank is unknown."""
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return [d if isinstance(d, int) else None for d in self._dims]

    def is_fully_defined(self) -> bool:
        return self._dims is not None and all(isinstance(d, int) for d in self._dims)

    def num_elements(self) -> int | None:
        return dm.product(self._dims) if self.is_fully_defined() else None  # type: ignore[return-value]

    def is_compatible_with(self, other: Any) -> bool:
        mine, theirs = self._dims, TensorShape(other)._dims
        if mine is None or theirs is None:
            return True
        return len(mine) == len(theirs) and not any(
            isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(mine, theirs, strict=True))

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError unless some shape fits both."""
        other = TensorShape(other)
        if self.is_compatible_with(other):
            return
        if len(self) != len(other):
            raise ValueError(f"Shapes {self} and {other} must have the same rank")
        a, b = next((a, b) for a, b in zip(self, other, strict=True) if not TensorShape([a]).is_compatible_with([b]))
        raise ValueError(f"Dimension sizes must be equal, but are {a} and {b}: shapes {self} and {other} are not "
                         "compatible")

    def assert_has_rank(self, rank: int) -> None:
        """Raises ValueError if the rank is known to be another."""
        self.with_rank(rank)

    def assert_is_fully_defined(self) -> None:
        """Raises ValueError unless every size is known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def merge_with(self, other: Any) -> TensorShape:
        """The shape that both agree on. Raises ValueError if they conflict."""
        other = TensorShape(other)
        self.assert_is_compatible_with(other)
        if self._dims is None or other._dims is None:
            return other if self._dims is None else self
        return TensorShape(b if isinstance(a, Dim) and isinstance(b, int) else a
                           for a, b in zip(self._dims, other._dims, strict=True))

    def concatenate(self, other: Any) -> TensorShape:
        other = TensorShape(other)
        return TensorShape(None if self._dims is None or other._dims is None else self._dims + other._dims)

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, of unknown sizes if its rank was unknown. Raises ValueError for another rank."""
        if self._dims is None:
            return TensorShape([None] * rank)
        if len(self._dims) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}")
        return self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape. Raises ValueError for a lower rank."""
        if self._dims is not None and len(self._dims) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape. Raises ValueError for a higher rank."""
        if self._dims is not None and len(self._dims) > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    def __iter__(self) -> Iterator[Any]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return (Dimension(d) if isinstance(d, int) else d for d in self._dims)

    def __getitem__(self, key: Any) -> Any:
        if self._dims is None:
            return TensorShape(None) if isinstance(key, slice) else dm.fresh()
        found = self._dims[key]
        if isinstance(key, slice):
            return TensorShape(found)
        return Dimension(found) if isinstance(found, int) else found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorShape):
            try:
                other = TensorShape(other)
            except (TypeError, ValueError):
                return NotImplemented
        if self._dims is None or other._dims is None:
            return self._dims is other._dims
        return self.as_list() == other.as_list()

    def __hash__(self) -> int:
        return hash(None if self._dims is None else tuple(self.as_list()))

    def __repr__(self) -> str:
        dims = self._dims and [d if isinstance(d, int) else None for d in self._dims]
        return f"TensorShape({None if dims is None else [f'Dimension({d})' for d in dims]})".replace("'", "")

    def __str__(self) -> str:
        return format_dims(self._dims)


def as_dim(value: Any) -> DimLike:
    """A dimension from an int, None or -1 (unknown: a fresh symbol), or a Dim."""
    if isinstance(value, Dim):
        return value
    if value is None:
        return dm.fresh()
    if getattr(value, "value", value) is None:
        return dm.fresh()
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"Dimension value must be integer or None, received {value!r} of type {type(value).__name__}")
    size = value.__index__()
    if size < 0:
        raise ValueError(f"Dimension {size} must be >= 0")
    return size


def format_dims(dims: Dims | None) -> str:
    """`(?, 784)`, as TensorFlow prints shapes."""
    if dims is None:
        return "<unknown>"
    return "(" + ", ".join(str(d) if isinstance(d, int) else "?" for d in dims) + (",)" if len(dims) == 1 else ")")


def normalize_axis(op: str, axis: int, rank: int) -> int:
    """A possibly negative axis as 0 <= axis < rank; raises ShapeError."""
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise TypeError(f"{op}: axis must be an integer, received {axis!r}")
    index = axis.__index__()
    if not -rank <= index < rank:
        detail = _AXIS_ERRORS.get(op, "").format(axis=index, rank=rank, needed=index + 1, last=rank - 1)
        kind = InvalidArgumentError if op in _FOUND_LATE else ShapeError
        raise kind(f"{op}: axis {index} is out of range for a tensor of rank {rank}{detail and f': {detail}'}")
    return index % rank


# whose axis TensorFlow looks at no sooner than when the graph runs
_FOUND_LATE = ("Cumprod", "Cumsum", "LogSoftmax", "Softmax")
# TensorFlow's words
_AXIS_ERRORS = {
    **dict.fromkeys(("Sum", "Mean", "Prod", "Max", "Min", "All", "Any", "LogSumExp"),
                    "Invalid reduction dimension {axis} for input with {rank} dimensions."),
    **dict.fromkeys(("ArgMax", "ArgMin"), "Dimension ({axis}) must be in the range [-{rank}, {rank}), where {rank} is "
                                          "the number of dimensions in the input."),
    **dict.fromkeys(("ConcatV2", "GatherV2"), "Shape must be at least rank {needed} but is rank {rank}"),
    **dict.fromkeys(("Pack", "Unpack"), "Argument `axis` = {axis} not in range [-{rank}, {rank})"),
    **dict.fromkeys(("Split", "SplitV"), "Dimension size, given by scalar input {axis} must be in range "
                                         "[-{rank}, {rank})"),
    "ExpandDims": "dim {axis} not in the interval [-{rank}, {last}].",
    "Squeeze": "squeeze_dims[0] not in [-{rank},{rank}).",
    "Transpose": "perm dim {axis} is out of range of input rank {rank}",
}


def aligned(dims: Dims, whole: Dims) -> Dims:
    """The axes of `dims`, which broadcasts to `whole`, with as many of 1 before them as that has more."""
    return (*(1,) * (len(whole) - len(dims)), *dims)


def merged_axes(dims: Dims | None, source: Dims | None) -> int | None:
    """How many leading axes of `source` are the one leading axis of `dims`, where the others are the same axes."""
    if not dims or source is None:
        return None
    count = len(source) - len(dims) + 1
    return count if count >= 1 and source[count:] == dims[1:] else None


def unequal(a: Dims | None, b: Dims | None) -> str:
    """What differs between shapes that must be equal, in TensorFlow's words."""
    assert a is not None and b is not None
    if len(a) != len(b):
        return f"Shapes must be equal rank, but are {len(a)} and {len(b)}"
    i = next(i for i, (m, n) in enumerate(zip(a, b, strict=True))
             if m != n and isinstance(m, int) and isinstance(n, int))
    return f"Dimension {i} in both shapes must be equal, but are {a[i]} and {b[i]}"


def broadcast(op: str, *shapes: Dims | None) -> Dims | None:
    """The broadcast of shapes by NumPy's rule, None if a rank is unknown. Raises ShapeError."""
    if any(s is None for s in shapes):
        return None
    known: Sequence[Dims] = [s for s in shapes if s is not None]
    rank = max((len(s) for s in known), default=0)
    result: list[DimLike] = [1] * rank
    for shape in known:
        for axis, dim in enumerate(shape, rank - len(shape)):
            merged = dm.broadcast(result[axis], dim)
            if merged is None:
                received = " and ".join(format_dims(s) for s in known)
                raise ShapeError(f"{op}: Dimensions must be equal, but are {result[axis]} and {dim}: shapes {received} "
                                 "cannot be broadcast together")
            result[axis] = merged
    return tuple(result)
