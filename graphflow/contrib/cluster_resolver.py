"""`tf.contrib.cluster_resolver`: where the machines of a cluster are; there is one."""
from __future__ import annotations

from typing import Any

from ..train import ClusterSpec

__all__ = ["ClusterResolver", "SimpleClusterResolver", "TPUClusterResolver"]


class ClusterResolver:
    """Says where the machines are."""

    def cluster_spec(self) -> ClusterSpec:
        return ClusterSpec({})

    def master(self, task_type: str | None = None, task_id: int | None = None, rpc_layer: str | None = None) -> str:
        """The address that a session connects to: this process."""
        return ""


class SimpleClusterResolver(ClusterResolver):
    """A given ClusterSpec."""

    def __init__(self, cluster_spec: ClusterSpec, master: str = "", **options: Any):
        self._cluster_spec, self._master = cluster_spec, master

    def cluster_spec(self) -> ClusterSpec:
        return self._cluster_spec

    def master(self, task_type: str | None = None, task_id: int | None = None, rpc_layer: str | None = None) -> str:
        return self._master


class TPUClusterResolver(ClusterResolver):
    """Raises ValueError: there are no TPUs."""

    def __init__(self, tpu: Any = None, **options: Any):
        raise ValueError(f"TPUClusterResolver: there are no TPUs here, received tpu={tpu!r}")
