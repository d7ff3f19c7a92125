"""Clusters of one: `tf.train.Server` and what goes with it are accepted on this one machine."""
from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..devices import DeviceSpec
from ..messages import ClusterDef, JobDef, ServerDef


class ClusterSpec:
    """Which tasks make up a cluster: {job: [address, ...]}, {job: {task: address}} or a ClusterDef."""

    def __init__(self, cluster: Any):
        jobs = cluster.as_dict() if isinstance(cluster, (ClusterSpec, ClusterDef)) else cluster
        if not isinstance(jobs, Mapping):
            raise TypeError("`cluster` must be a dictionary mapping one or more job names to lists of network "
                            "addresses, or a `ClusterDef` protocol buffer")
        self._jobs: dict[str, dict[int, str]] = {}
        for name, tasks in jobs.items():
            if not isinstance(tasks, (list, tuple, Mapping)):
                raise TypeError(f"The tasks for job {name!r} must be a list or a dictionary from integers to strings.")
            self._jobs[name] = {int(k): v for k, v in (tasks.items() if isinstance(tasks, Mapping)
                                                       else enumerate(tasks))}

    @property
    def jobs(self) -> list[str]:
        return list(self._jobs)

    def _tasks(self, job_name: str) -> dict[int, str]:
        if job_name not in self._jobs:
            raise ValueError(f"No such job in cluster: {job_name!r}")
        return self._jobs[job_name]

    def num_tasks(self, job_name: str) -> int:
        """How many tasks a job has. Raises ValueError for a job that is not there, as the others do."""
        return len(self._tasks(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        return sorted(self._tasks(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        tasks = self._tasks(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[str | None]:
        tasks = self._tasks(job_name)
        return [tasks.get(i) for i in range(max(tasks, default=-1) + 1)]

    def as_dict(self) -> dict[str, Any]:
        return {job: list(tasks.values()) if sorted(tasks) == list(range(len(tasks))) else dict(tasks)
                for job, tasks in self._jobs.items()}

    def as_cluster_def(self) -> ClusterDef:
        """The cluster as a message."""
        return ClusterDef(job=[JobDef(name=job, tasks=tasks) for job, tasks in self._jobs.items()])

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ClusterSpec({self.as_dict()!r})"


class Server:
    """Accepted: sessions on its `target` run in this process, whatever the cluster."""

    def __init__(self, server_or_cluster_def: Any, job_name: str | None = None, task_index: int | None = None,
                 protocol: str | None = None, config: Any = None, start: bool = True):
        if isinstance(server_or_cluster_def, ServerDef):
            job_name = job_name or server_or_cluster_def.job_name or None
            task_index = server_or_cluster_def.task_index if task_index is None else task_index
            server_or_cluster_def = server_or_cluster_def.cluster
        self._cluster = ClusterSpec(server_or_cluster_def)
        if not self._cluster:
            raise ValueError("cluster must be specified.")
        if job_name is None and len(self._cluster.jobs) != 1:
            raise ValueError("Must specify an explicit job_name")
        self._job_name = job_name or self._cluster.jobs[0]
        self._task_index = task_index or 0
        self._cluster.task_address(self._job_name, self._task_index)

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> Server:
        """A server that is its own cluster."""
        return Server({"localhost": ["localhost:0"]}, config=config, start=start)

    @property
    def target(self) -> str:
        """What to give `Session` as its target: this process."""
        return ""

    @property
    def server_def(self) -> ServerDef:
        """The cluster, and this server's job and task in it."""
        return ServerDef(cluster=self._cluster.as_cluster_def(), job_name=self._job_name, task_index=self._task_index,
                         protocol="grpc")

    def start(self) -> None:
        """Nothing: there is nothing to start."""

    def join(self) -> None:
        """Wait for ever, as a server does."""
        threading.Event().wait()


def replica_device_setter(ps_tasks: int = 0, ps_device: str = "/job:ps", worker_device: str = "/job:worker",
                          merge_devices: bool = True, cluster: Any = None, ps_ops: Sequence[str] | None = None,
                          ps_strategy: Callable[..., Any] | None = None) -> Callable[[Any], str] | None:
    """A function for `tf.device`: variables on the parameter servers in turn (or as `ps_strategy` says), the rest on
    the worker; None without parameter servers. Raises TypeError for a cluster that is none."""
    if cluster is not None:
        jobs = ClusterSpec(cluster)
        name = ps_device.strip("/").removeprefix("job:")
        ps_tasks = jobs.num_tasks(name) if name in jobs.jobs else 0
    if not ps_tasks:
        return None
    turns = itertools.count()
    next_task = ps_strategy or (lambda op: next(turns) % ps_tasks)

    def chosen(op: Any) -> str:
        spec = DeviceSpec.from_string(worker_device)
        if op.type in (ps_ops or ("Variable", "VariableV2", "VarHandleOp", "HashTableV2", "MutableHashTableV2")):
            spec = DeviceSpec.from_string(ps_device)
            if spec.task is None:
                spec.task = next_task(op)
        return spec.merged(op.device) if merge_devices else op.device or spec.to_string()

    return chosen
