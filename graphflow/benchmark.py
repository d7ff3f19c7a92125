"""`tf.test.Benchmark`, and what else tests use: stubs, configurations, comparisons of graphs."""
from __future__ import annotations

import statistics
import sys
import time
import types
from collections.abc import Callable
from typing import Any

from .config import ConfigProto
from .session import get_default_session
from .training.server import Server


class Benchmark:
    """A benchmark: methods named benchmark... that time operations with `run_op_benchmark`."""

    def run_op_benchmark(self, sess: Any, op_or_tensor: Any, feed_dict: Any = None, burn_iters: int = 2,
                         min_iters: int = 10, store_trace: bool = False, store_memory_usage: bool = True,
                         name: str | None = None, extras: dict[str, Any] | None = None, mbs: float = 0
                         ) -> dict[str, Any]:
        """Runs an operation, and reports and returns its median time in seconds ("wall_time") and "iters"."""
        for _ in range(burn_iters):
            sess.run(op_or_tensor, feed_dict)
        times = []
        for _ in range(min_iters):
            start = time.perf_counter()
            sess.run(op_or_tensor, feed_dict)
            times.append(time.perf_counter() - start)
        median = statistics.median(times)
        self.report_benchmark(iters=min_iters, wall_time=median, name=name, extras=extras)
        return {"iters": min_iters, "wall_time": median, "name": name, "extras": dict(extras or {}),
                "throughput": mbs / median if mbs else 0.0}

    def report_benchmark(self, iters: int | None = None, cpu_time: float | None = None, wall_time: float | None = None,
                         throughput: float | None = None, extras: dict[str, Any] | None = None,
                         name: str | None = None, metrics: Any = None) -> None:
        """Prints a result."""
        shown = {"iters": iters, "cpu_time": cpu_time, "wall_time": wall_time, "throughput": throughput,
                 **(extras or {})}
        print(f"{name or type(self).__name__}: "
              + ", ".join(f"{k} {v:.6g}" if isinstance(v, float) else f"{k} {v}" for k, v in shown.items()
                          if v is not None), file=sys.stderr)

    def evaluate(self, tensors: Any) -> Any:
        """The values in the default session."""
        session = get_default_session()
        if session is None:
            raise ValueError("No default session is registered: use `with session:`")
        return session.run(tensors)


def benchmark_config() -> ConfigProto:
    """The configuration of a session for timing."""
    return ConfigProto()


class StubOutForTesting:
    """Replaces attributes, and puts them back."""

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> StubOutForTesting:
        return self

    def __exit__(self, *error: Any) -> None:
        self.CleanUp()

    def Set(self, parent: Any, child_name: str, new_child: Any) -> None:  # noqa: N802
        """Replace an attribute."""
        old = getattr(parent, child_name)
        self._replaced.append((parent, child_name, parent.__dict__.get(child_name, old)
                               if isinstance(parent, type) else old))
        setattr(parent, child_name, new_child)

    SmartSet = Set  # noqa: N815

    def UnsetAll(self) -> None:  # noqa: N802
        """Put everything back."""
        while self._replaced:
            parent, name, old = self._replaced.pop()
            setattr(parent, name, old)

    CleanUp = SmartUnsetAll = UnsetAll  # noqa: N815


def assert_equal_graph_def(actual: Any, expected: Any, checkpoint_v2: bool = False,
                           hash_table_shared_name: bool = False) -> None:
    """Raises AssertionError where two GraphDefs differ in a node, naming it; their order does not matter."""
    first, second = ({node.name: node for node in graph.node} for graph in (actual, expected))
    if first.keys() != second.keys():
        raise AssertionError(f"Graphs have different nodes: {sorted(first.keys() ^ second.keys())}")
    for name, node in first.items():
        other = second[name]
        if (node.op, list(node.input)) != (other.op, list(other.input)) or str(node) != str(other):
            raise AssertionError(f"Node {name!r} differs: {node} and {other}")


def create_local_cluster(num_workers: int, num_ps: int, protocol: str = "grpc", worker_config: Any = None,
                         ps_config: Any = None) -> tuple[list[Any], list[Any]]:
    """(workers, parameter servers), which all are this process."""
    cluster = {kind: [f"localhost:{i}" for i in range(count)]
               for kind, count in (("worker", num_workers), ("ps", num_ps))}
    made = {kind: [Server(cluster, job_name=kind, task_index=i) for i in range(len(addresses))]
            for kind, addresses in cluster.items()}
    return made["worker"], made["ps"]


def disable_with_predicate(pred: Callable[[], bool], skip_message: str) -> Callable[..., Any]:
    """Decorates a test that is skipped where `pred()` holds."""
    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            if pred():
                self.skipTest(skip_message)
            return test(self, *args, **kwargs)
        return wrapped
    return decorate


def with_eager_op_as_function(cls: Any = None, only_as_function: bool = False) -> Any:
    """The test class as it is."""
    return (lambda decorated: decorated) if cls is None else cls


def sync_devices() -> None:
    """Nothing: a run has ended when it returns."""


experimental = types.SimpleNamespace(sync_devices=sync_devices)
