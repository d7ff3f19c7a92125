"""`trace_on` and `trace_export`: what ran in between, as graphs with the times of their nodes."""
from __future__ import annotations

import threading
from typing import Any

import numpy as np

from ..compiler.ir import Graph, Operation
from ..compiler.ops.summary import messages
from ..compiler.passes.specialise import needed_operations
from ..runtime.step_stats import RunMetadata, step_stats
from ..runtime.trace import Recorder
from .graph_message import graph_message
from .values import write_value


class _State(threading.local):
    recorder: Recorder | None = None


_state = _State()


def trace_on(graph: bool = True, profiler: bool = False, profiler_outdir: Any = None) -> None:
    """Record what runs from now on: sessions, functions, Keras's steps. All is recorded, whatever the arguments say."""
    trace_off()
    _state.recorder = Recorder().start()


def trace_off() -> None:
    """Stop, and forget what was recorded."""
    if _state.recorder is not None:
        _state.recorder.stop()
        _state.recorder = None


def trace_export(name: str, step: Any = None, profiler_outdir: Any = None) -> None:
    """Stop, and write the graphs that ran and their times to the default writer. Raises ValueError where nothing is
    recorded."""
    recorder = _state.recorder
    if recorder is None:
        raise ValueError("Must enable trace before export through tf.summary.trace_on.")
    trace_off()
    content = np.empty((), object)
    content[()] = _message(recorder)
    write_value(name, lambda value: value, "graph_run_metadata", content, step, content=b"1")


def _message(recorder: Recorder) -> bytes:
    """The recording as a RunMetadata message with the graphs."""
    messages()
    from tensorboard.compat.proto import config_pb2
    message = config_pb2.RunMetadata.FromString(RunMetadata(step_stats=step_stats(recorder)).SerializeToString())
    needed: dict[Graph, dict[Operation, None]] = {}
    for whole in recorder.wholes.values():
        for op in needed_operations(whole.runner.outputs, whole.runner.targets, ()):
            needed.setdefault(op.graph, {})[op] = None
    for graph, operations in needed.items():
        chosen = [op for op in graph.operations if op in operations]
        message.function_graphs.add(pre_optimization_graph=graph_message(graph, chosen))
    return message.SerializeToString()
