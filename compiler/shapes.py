"""Static shapes: TensorFlow's TensorShape over our dimensions, and the broadcasting rule."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from . import dims as dm
from .dims import Dim, DimLike
from .errors import ShapeError

Dims = tuple[DimLike, ...]


class Dimension(int):
    """A known dimension: an int that also answers to TensorFlow 1's `.value`."""

    @property
    def value(self) -> int:
        return int(self)


class TensorShape:
    """The static shape of a tensor. `dims` is a tuple of int or Dim, or None when even the rank is unknown."""

    __slots__ = ("dims",)

    def __init__(self, dims: Any):
        if isinstance(dims, TensorShape):
            self.dims: Dims | None = dims.dims
        elif dims is None:
            self.dims = None
        else:
            items = dims if isinstance(dims, Iterable) else (dims,)
            self.dims = tuple(as_dim(d) for d in items)

    @property
    def rank(self) -> int | None:
        return None if self.dims is None else len(self.dims)

    ndims = rank

    def as_list(self) -> list[int | None]:
        """The sizes, None where unknown. Raises ValueError when the rank is unknown."""
        if self.dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return [d if isinstance(d, int) else None for d in self.dims]

    def is_fully_defined(self) -> bool:
        return self.dims is not None and all(isinstance(d, int) for d in self.dims)

    def num_elements(self) -> int | None:
        return dm.product(self.dims) if self.is_fully_defined() else None  # type: ignore[return-value]

    def is_compatible_with(self, other: Any) -> bool:
        mine, theirs = self.dims, TensorShape(other).dims
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
        if self.dims is None or other.dims is None:
            return other if self.dims is None else self
        return TensorShape(b if isinstance(a, Dim) and isinstance(b, int) else a
                           for a, b in zip(self.dims, other.dims, strict=True))

    def concatenate(self, other: Any) -> TensorShape:
        other = TensorShape(other)
        return TensorShape(None if self.dims is None or other.dims is None else self.dims + other.dims)

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, of unknown sizes if its rank was unknown. Raises ValueError for another rank."""
        if self.dims is None:
            return TensorShape([None] * rank)
        if len(self.dims) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}")
        return self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape. Raises ValueError for a lower rank."""
        if self.dims is not None and len(self.dims) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape. Raises ValueError for a higher rank."""
        if self.dims is not None and len(self.dims) > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __len__(self) -> int:
        if self.dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self.dims)

    def __bool__(self) -> bool:
        return self.dims is not None

    def __iter__(self) -> Iterator[Any]:
        if self.dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return (Dimension(d) if isinstance(d, int) else d for d in self.dims)

    def __getitem__(self, key: Any) -> Any:
        if self.dims is None:
            return TensorShape(None) if isinstance(key, slice) else None
        found = self.dims[key]
        if isinstance(key, slice):
            return TensorShape(found)
        return Dimension(found) if isinstance(found, int) else found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorShape):
            try:
                other = TensorShape(other)
            except (TypeError, ValueError):
                return NotImplemented
        if self.dims is None or other.dims is None:
            return self.dims is other.dims
        return self.as_list() == other.as_list()

    def __hash__(self) -> int:
        return hash(None if self.dims is None else tuple(self.as_list()))

    def __repr__(self) -> str:
        return f"TensorShape({None if self.dims is None else self.as_list()})"

    def __str__(self) -> str:
        return format_dims(self.dims)


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
        raise ShapeError(f"{op}: axis {index} is out of range for a tensor of rank {rank}")
    return index % rank


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
