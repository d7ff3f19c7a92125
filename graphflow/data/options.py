"""`tf.data.Options`: accepted, and kept for those who look; order is always deterministic."""
from __future__ import annotations

from typing import Any


class _Settings:
    """Settings of which none changes what a dataset gives."""

    def __init__(self) -> None:
        self.__dict__["_values"] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._values.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._values[name] = value

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values == other._values

    def __hash__(self) -> int:
        return id(self)


class ServiceOptions(_Settings):
    """Where batches that come from other processes lie in memory."""


class OptimizationOptions(_Settings):
    """Which rewrites of a pipeline to make."""


class ThreadingOptions(_Settings):
    """Sizes of thread pools."""


class DistributeOptions(_Settings):
    """How a dataset is divided among workers."""


class StatsOptions(_Settings):
    """What is measured of a pipeline."""


class Options(_Settings):
    """Options of a dataset, see `Dataset.with_options`."""

    def __init__(self) -> None:
        super().__init__()
        self._values.update(experimental_optimization=OptimizationOptions(), threading=ThreadingOptions(),
                            experimental_threading=ThreadingOptions(), experimental_distribute=DistributeOptions(),
                            experimental_stats=StatsOptions(), experimental_deterministic=True, deterministic=True)

    def merge(self, other: Options) -> Options:
        """These options with the other's where those say something."""
        merged = Options()
        merged._values.update(self._values)
        merged._values.update({k: v for k, v in other._values.items() if v is not None})
        return merged
