"""What checkpoints may be told: accepted options, how files are divided, and states of Python objects."""
from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..compiler.dtypes import DType
from ..compiler.shapes import TensorShape

__all__ = ["CheckpointOptions", "MaxShardSizePolicy", "PythonState", "ShardByTaskPolicy", "ShardableTensor",
           "ShardingCallback", "VocabInfo"]


@dataclass
class CheckpointOptions:
    """Accepted by `Checkpoint` and `CheckpointManager`: a checkpoint is one file, written before `save` returns.

    Raises ValueError for a sharding callback that is none.
    """

    experimental_io_device: str | None = None
    experimental_enable_async_checkpoint: bool = False
    experimental_write_callbacks: Sequence[Callable[..., Any]] | None = None
    enable_async: bool = False
    experimental_skip_slot_variables: bool = False
    experimental_sharding_callback: ShardingCallback | None = None

    def __post_init__(self) -> None:
        callback = self.experimental_sharding_callback
        if callback is not None and not isinstance(callback, ShardingCallback):
            raise ValueError("The experimental_sharding_callback checkpoint option must be of type ShardingCallback. "
                             f"Received {type(callback).__name__}")
        self.enable_async = self.enable_async or self.experimental_enable_async_checkpoint


@dataclass(frozen=True)
class ShardableTensor:
    """A tensor as a sharding callback sees it."""

    _tensor_save_spec: Any
    tensor: Any
    dtype: DType
    device: Any
    name: str
    shape: TensorShape
    slice_spec: Any
    checkpoint_key: str
    trackable: Any


class ShardingCallback(abc.ABC):
    """Says which tensors of a checkpoint go together: from ShardableTensors to a list of {key: {slice: tensor}}."""

    @property
    @abc.abstractmethod
    def description(self) -> str:
        """What it does."""

    @abc.abstractmethod
    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[dict[str, dict[Any, Any]]]:
        """The shards."""


class ShardByTaskPolicy(ShardingCallback):
    """All tensors of a task together."""

    @property
    def description(self) -> str:
        return "Split tensors into shards based on task."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[dict[str, dict[Any, Any]]]:
        tasks: dict[str, dict[str, dict[Any, Any]]] = {}
        for tensor in shardable_tensors:
            task = tasks.setdefault(str(tensor.device), {})
            task.setdefault(tensor.checkpoint_key, {})[tensor.slice_spec] = tensor.tensor
        return list(tasks.values())


class MaxShardSizePolicy(ShardingCallback):
    """Shards of at most `max_shard_size` bytes. A larger tensor has a shard to itself."""

    def __init__(self, max_shard_size: int):
        self.max_shard_size = max_shard_size

    @property
    def description(self) -> str:
        return f"Split tensors into shards with a max shard size of {self.max_shard_size}."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[dict[str, dict[Any, Any]]]:
        shards: list[dict[str, dict[Any, Any]]] = []
        room = 0
        for tensor in shardable_tensors:
            size = (tensor.shape.num_elements() or 0) * tensor.dtype.size
            if not shards or size > room:
                shards.append({})
                room = self.max_shard_size
            shards[-1].setdefault(tensor.checkpoint_key, {})[tensor.slice_spec] = tensor.tensor
            room -= size
        return shards


class PythonState(abc.ABC):
    """The state of a Python object, as a string that a checkpoint keeps."""

    @abc.abstractmethod
    def serialize(self) -> str:
        """The state."""

    @abc.abstractmethod
    def deserialize(self, string_value: str) -> None:
        """Take on a state."""


class VocabInfo(NamedTuple):
    """How the rows of a variable follow from a former vocabulary's: files of words, how many of them count (-1: all),
    buckets for others, and what new rows begin with."""

    new_vocab: str
    new_vocab_size: int
    num_oov_buckets: int
    old_vocab: str
    old_vocab_size: int = -1
    backup_initializer: Any = None
    axis: int = 0
