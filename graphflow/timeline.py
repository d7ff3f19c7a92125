"""`tensorflow.python.client.timeline`: the step_stats of a RunMetadata as Chrome's trace events."""
from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["AllocationMaximum", "StepStatsAnalysis", "Timeline"]

LABEL = re.compile(r"(.*) = ([^(]*)\((.*)\)$", re.DOTALL)


class AllocationMaximum(NamedTuple):
    """When an allocator had given out the most (microseconds), how much (bytes), and which tensors were alive then."""

    timestamp: int
    num_bytes: int
    tensors: set[str]


class StepStatsAnalysis(NamedTuple):
    """The trace, and by allocator the AllocationMaximum."""

    chrome_trace: Timeline
    allocator_maximums: dict[str, AllocationMaximum]


class Timeline:
    """Events of a StepStats, this package's or TensorFlow's message: a process for each device, nodes that overlap in
    rows of their own, arrows (`show_dataflow`) from a node to those that take its result, and with `show_memory` the
    bytes of results that are still needed."""

    def __init__(self, step_stats: Any, graph: Any = None):
        self._step_stats = step_stats
        self._graph = graph

    def generate_chrome_trace_format(self, show_dataflow: bool = True, show_memory: bool = False,
                                     op_time: str = "schedule") -> str:
        """The trace as JSON. `op_time` is "schedule", "gpu" or "all": here a node's time is the same in all."""
        return json.dumps({"traceEvents": list(self._events(show_dataflow, show_memory))}, indent=4)

    def analyze_step_stats(self, show_dataflow: bool = True, show_memory: bool = True, op_time: str = "schedule"
                           ) -> StepStatsAnalysis:
        """The trace, and the most memory that results took at one time."""
        maximums: dict[str, AllocationMaximum] = {}
        for device in self._step_stats.dev_stats:
            for time, nbytes, alive in _memory(device):
                if device.node_stats and nbytes > maximums.get("cpu", AllocationMaximum(0, 0, set())).num_bytes:
                    maximums["cpu"] = AllocationMaximum(time, nbytes, alive)
        return StepStatsAnalysis(self, maximums)

    def _events(self, show_dataflow: bool, show_memory: bool) -> Iterator[dict[str, Any]]:
        flows = 0
        for pid, device in enumerate(self._step_stats.dev_stats):
            yield {"name": "process_name", "ph": "M", "pid": pid, "args": {"name": f"{device.device} Compute"}}
            ends: list[int] = []  # of the last node in each row
            placed: dict[str, tuple[int, int]] = {}  # (row, end) of the nodes so far, by name
            for node in sorted(device.node_stats, key=lambda n: n.all_start_micros):
                end = node.all_start_micros + node.all_end_rel_micros
                row = next((i for i, e in enumerate(ends) if e <= node.all_start_micros), len(ends))
                ends[row:row + 1] = [end]
                name, kind, inputs = _parsed(node)
                arguments = {"name": name, "op": kind} | {f"input{i}": v for i, v in enumerate(inputs)}
                yield {"name": kind, "cat": "Op", "ph": "X", "ts": node.all_start_micros,
                       "dur": node.all_end_rel_micros, "pid": pid, "tid": row, "args": arguments}
                for source in inputs if show_dataflow else ():
                    if source in placed and placed[source][0] != row:
                        at = {"name": source, "cat": "DataFlow", "id": flows, "pid": pid}
                        yield at | {"ph": "s", "ts": placed[source][1], "tid": placed[source][0]}
                        yield at | {"ph": "t", "ts": node.all_start_micros, "tid": row}
                        flows += 1
                placed[name] = row, end
            if show_memory:
                for time, nbytes, _ in _memory(device):
                    yield {"name": "cpu", "cat": "Memory", "ph": "C", "ts": time, "pid": pid, "tid": 0,
                           "args": {"cpu": nbytes}}


def _parsed(node: Any) -> tuple[str, str, list[str]]:
    """(name, type, inputs) of a node, from its label."""
    found = LABEL.match(node.timeline_label)
    if found is None:
        return node.node_name, node.node_name, []
    return node.node_name, found[2], [i for i in found[3].split(", ") if i and not i.startswith("^")]


def _memory(device: Any) -> Iterator[tuple[int, int, set[str]]]:
    """(time, bytes of results still needed, their names) whenever that changes."""
    nodes = sorted(device.node_stats, key=lambda n: n.all_start_micros)
    last_use = {name: i for i, node in enumerate(nodes) for name in (node.node_name, *_parsed(node)[2])}
    alive: dict[str, int] = {}
    for i, node in enumerate(nodes):
        alive[node.node_name] = sum(o.tensor_description.allocation_description.allocated_bytes for o in node.output)
        yield node.all_start_micros, sum(alive.values()), {n for n, size in alive.items() if size}
        alive = {name: nbytes for name, nbytes in alive.items() if last_use[name] > i}
