"""Variables in several pieces, and the partitioners that say in how many."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import variable_operators
from .compiler.dtypes import DType, as_dtype
from .compiler.ir import Tensor
from .compiler.ops.slicing import concat
from .compiler.shapes import TensorShape
from .framework import name_scope
from .variable_kinds import SaveSliceInfo

Partitioner = Callable[..., Sequence[int]]


class PartitionedVariable:
    """A variable that is kept as several, split along one axis; where a tensor is wanted, the pieces joined."""

    def __init__(self, name: str, shape: Sequence[int], dtype: Any, variable_list: Sequence[Any],
                 partitions: Sequence[int]):
        if len(partitions) != len(shape):
            raise ValueError(f"len(partitions) = {len(partitions)} does not match len(shape) = {len(shape)}: "
                             f"{partitions}")
        if any(v._save_slice_info is None for v in variable_list):
            raise ValueError("All variables must have a save_slice_info available")
        self._name, self._shape, self._dtype = name, list(shape), as_dtype(dtype)
        self._variable_list = list(variable_list)
        self._partitions = list(partitions)
        self._joined: Tensor | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def dtype(self) -> DType:
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self._shape)

    def get_shape(self) -> TensorShape:
        return self.shape

    @property
    def graph(self) -> Any:
        return self._variable_list[0].graph

    def _get_variable_list(self) -> list[Any]:
        return self._variable_list

    def _get_partitions(self) -> list[int]:
        return self._partitions

    def _partition_axes(self) -> list[int]:
        return [i for i, n in enumerate(self._partitions) if n > 1] or [0]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._variable_list)

    def __len__(self) -> int:
        return len(self._variable_list)

    def as_tensor(self) -> Tensor:
        """The pieces joined."""
        with name_scope(self._name + "/ConcatPartitions/"):
            return concat([v.value() for v in self._variable_list], self._partition_axes()[0], name="concat")

    def _as_graph_element(self) -> Tensor:
        if self._joined is None:
            with self.graph.as_default(), self.graph.control_dependencies(None):
                self._joined = self.as_tensor()
        return self._joined

    def _apply(self, method: str, value: Any, name: str | None, read_value: bool) -> list[Any]:
        parts = [value[v._save_slice_info.slices] for v in self._variable_list]
        return [getattr(v, method)(part, name=name, read_value=read_value)
                for v, part in zip(self._variable_list, parts, strict=True)]

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
               ) -> list[Any]:
        """Store a tensor or array of the whole shape; the new values of the pieces."""
        return self._apply("assign", value, name, read_value)

    def assign_add(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
                   ) -> list[Any]:
        return self._apply("assign_add", value, name, read_value)

    def assign_sub(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
                   ) -> list[Any]:
        return self._apply("assign_sub", value, name, read_value)

    def __repr__(self) -> str:
        return f"<tf.PartitionedVariable '{self._name}' shape={self.shape} in {len(self)} pieces>"


variable_operators.install(PartitionedVariable, "getitem")


def pieces(name: str, shape: TensorShape, dtype: DType, partitioner: Partitioner
           ) -> tuple[list[int], list[SaveSliceInfo]]:
    """How many pieces along each axis, and where each stands. Raises ValueError for a partition that cannot be."""
    sizes = [d or 0 for d in shape.as_list()]
    partitions = [int(p) for p in partitioner(shape=shape, dtype=dtype)]
    if len(partitions) != len(sizes) or any(p < 1 for p in partitions):
        raise ValueError(f"Partitioner returned a partition list that does not match the variable's rank or has zero "
                         f"partitions: {partitions} for {shape} ({name})")
    axes = [i for i, p in enumerate(partitions) if p > 1]
    if len(axes) > 1:
        raise ValueError(f"Cannot slice variable {name} along more than one dimension, received {partitions}")
    axis = axes[0] if axes else 0
    count, found, at = partitions[axis], [], 0
    for i in range(count):
        size = sizes[axis] // count + (i < sizes[axis] % count)
        offset = [0] * len(sizes)
        offset[axis] = at
        found.append(SaveSliceInfo(name, sizes, offset, [*sizes[:axis], size, *sizes[axis + 1:]]))
        at += size
    return partitions, found


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """A partitioner that makes `num_shards` pieces along `axis`."""
    def partition(shape: Any, **unused: Any) -> list[int]:
        counts = [1] * len(shape)
        counts[axis] = min(num_shards, shape[axis].value)
        return counts

    return partition


def _bytes_per_row(shape: Any, dtype: Any, axis: int, bytes_per_string_element: int) -> int:
    element = bytes_per_string_element if as_dtype(dtype).is_string else as_dtype(dtype).size
    total = element
    for i, size in enumerate(shape.as_list()):
        total *= 1 if i == axis else size
    return max(total, 1)


def variable_axis_size_partitioner(max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16,
                                   max_shards: int | None = None) -> Partitioner:
    """A partitioner that makes pieces of at most `max_shard_bytes` bytes along `axis`, at most `max_shards` of them."""
    if max_shard_bytes < 1 or bytes_per_string_element < 1 or (max_shards is not None and max_shards < 1):
        raise ValueError("max_shard_bytes, bytes_per_string_element and max_shards must be positive")

    def partition(shape: Any, dtype: Any) -> list[int]:
        size = shape[axis].value
        rows = max(1, max_shard_bytes // _bytes_per_row(shape, dtype, axis, bytes_per_string_element))
        counts = [1] * len(shape)
        counts[axis] = min(size, -(-size // rows), max_shards or size)
        return counts

    return partition


def min_max_variable_partitioner(max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10,
                                 bytes_per_string_element: int = 16) -> Partitioner:
    """A partitioner that makes up to `max_partitions` pieces, each of at least `min_slice_size` bytes."""
    def partition(shape: Any, dtype: Any) -> list[int]:
        size = shape[axis].value
        total = size * _bytes_per_row(shape, dtype, axis, bytes_per_string_element)
        counts = [1] * len(shape)
        counts[axis] = max(1, min(size, max_partitions, -(-total // min_slice_size)))
        return counts

    return partition
