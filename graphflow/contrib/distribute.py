"""`tf.contrib.distribute`: strategies for several devices, of which there is one: the model runs as it is."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["AllReduceCrossDeviceOps", "CollectiveAllReduceStrategy", "DistributionStrategy", "MirroredStrategy",
           "OneDeviceStrategy", "ParameterServerStrategy", "get_distribution_strategy", "get_tower_context",
           "has_distribution_strategy"]


class DistributionStrategy:
    """One replica, here. What says where others would be is accepted."""

    num_replicas_in_sync = num_towers = 1

    def __init__(self, *args: Any, **kwargs: Any):
        """Accepted: devices, their number, how they add up."""

    @contextlib.contextmanager
    def scope(self) -> Iterator[DistributionStrategy]:
        """Variables are made as they are outside."""
        yield self

    def call_for_each_replica(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`fn(*args, **kwargs)`."""
        return fn(*args, **kwargs)

    call_for_each_tower = experimental_run_v2 = run = call_for_each_replica

    def distribute_dataset(self, dataset_fn: Any) -> Any:
        """The dataset."""
        return dataset_fn() if callable(dataset_fn) else dataset_fn

    def experimental_distribute_dataset(self, dataset: Any) -> Any:
        """The dataset."""
        return dataset

    def unwrap(self, value: Any) -> list[Any]:
        """The values of all replicas."""
        return [value]

    def reduce(self, reduce_op: Any, value: Any, axis: Any = None, **unused: Any) -> Any:
        """The one replica's value."""
        return value


class MirroredStrategy(DistributionStrategy):
    """One copy of the variables."""


class OneDeviceStrategy(DistributionStrategy):
    """One device."""


class ParameterServerStrategy(DistributionStrategy):
    """Variables here."""


class CollectiveAllReduceStrategy(DistributionStrategy):
    """One worker."""


class AllReduceCrossDeviceOps:
    """Accepted: how gradients are added up over devices."""

    def __init__(self, all_reduce_alg: str = "nccl", num_packs: int = 1, agg_small_grads_max_bytes: int = 0,
                 agg_small_grads_max_group: int = 10):
        self.algorithm, self.num_packs = all_reduce_alg, num_packs


AllReduceCrossTowerOps = AllReduceCrossDeviceOps
_default = DistributionStrategy()


def has_distribution_strategy() -> bool:
    """False: there is one device."""
    return False


def get_distribution_strategy() -> DistributionStrategy:
    """The strategy of one device."""
    return _default


def get_tower_context() -> None:
    """None: no strategy runs a replica."""


get_replica_context = get_tower_context
