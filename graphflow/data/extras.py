"""Of `tf.data.experimental` what is accepted or only describes: snapshots, structures, policies."""
from __future__ import annotations

import enum
import os
from typing import Any

from ..tensor_spec import TypeSpec
from ..type_specs import OptionalSpec, TensorArraySpec
from .options import _Settings

SHARD_HINT = -1  # `Dataset.shard`'s number of shards, where the workers decide it
Structure = TypeSpec
OptionalStructure = OptionalSpec


class AutoShardPolicy(enum.IntEnum):
    """How a dataset is divided among workers: there is one."""

    OFF, AUTO, FILE, DATA, HINT = -1, 0, 1, 2, 3


class ExternalStatePolicy(enum.Enum):
    """What is done about state outside a dataset when that is written to a file."""

    WARN, IGNORE, FAIL = range(3)


class AutotuneAlgorithm(enum.Enum):
    """How sizes of buffers are found; accepted."""

    DEFAULT, HILL_CLIMB, GRADIENT_DESCENT, MAX_PARALLELISM, STAGE_BASED = range(5)


class AutotuneOptions(_Settings):
    """Whether and how sizes of buffers are found; accepted."""


def snapshot(path: Any, compression: str | None = "AUTO", reader_func: Any = None, shard_func: Any = None) -> Any:
    """The elements, kept below the folder `path` when they first come and read from there by later programs. The other
    arguments are accepted."""
    os.makedirs(os.fspath(path), exist_ok=True)
    return lambda dataset: dataset.cache(os.path.join(os.fspath(path), "snapshot"))


def enable_debug_mode() -> None:
    """Nothing: functions of datasets are compiled, and `tf.py_function` runs Python."""


def TensorArrayStructure(dtype: Any, element_shape: Any, dynamic_size: bool, infer_shape: bool) -> TensorArraySpec:
    """The spec of a TensorArray as a part of elements."""
    return TensorArraySpec(element_shape, dtype, dynamic_size, infer_shape)
