"""`tf.contrib.tfprof`: the profiler under the names that it had first."""
from __future__ import annotations

import os
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from ..profiler import GraphNodeProto, ProfileOptionBuilder, Profiler, profile, write_op_log
from ..profiling import Profile

__all__ = ["ProfileContext", "model_analyzer", "tfprof_logger"]

TRAINABLE_VARS_PARAMS_STAT_OPTIONS = ProfileOptionBuilder.trainable_variables_parameter()
FLOAT_OPS_OPTIONS = ProfileOptionBuilder.float_operation()
PRINT_ALL_TIMING_MEMORY = ProfileOptionBuilder.time_and_memory()


def print_model_analysis(graph: Any, run_meta: Any = None, op_log: Any = None, tfprof_cmd: str = "scope",
                         tfprof_options: Any = None) -> GraphNodeProto:
    """`tf.profiler.profile`: parameters (the default), operations or times of a graph, printed."""
    return profile(graph, run_meta, op_log, tfprof_cmd, tfprof_options or TRAINABLE_VARS_PARAMS_STAT_OPTIONS)


class ProfileContext:
    """Records the runs inside a `with`; at its end a Chrome trace `profile.json` is written to `profile_dir`, and what
    `add_auto_profiling` asked for is printed. All steps are recorded."""

    def __init__(self, profile_dir: str, trace_steps: Iterable[int] | None = None,
                 dump_steps: Iterable[int] | None = None, enabled: bool = True, debug: bool = False):
        self._folder, self._enabled = profile_dir, enabled
        self._profile = Profile()
        self._wanted: list[tuple[str, Any]] = []

    @property
    def profiler(self) -> Profiler:
        """A profiler of the default graph that knows the recorded times."""
        found = Profiler()
        found.add_step(0, self._profile.run_metadata)
        return found

    def add_auto_profiling(self, cmd: str, options: Any, profile_steps: Any = ()) -> None:
        """Print this at the end."""
        self._wanted.append((cmd, options))

    def trace_next_step(self) -> None:
        """Nothing: every step is recorded."""

    dump_next_step = trace_next_step

    def __enter__(self) -> ProfileContext:
        if self._enabled:
            self._profile.start()
        return self

    def __exit__(self, *error: Any) -> None:
        if not self._enabled:
            return
        self._profile.stop()
        self._profile.save(os.path.join(self._folder, "profile.json"))
        for cmd, options in self._wanted:
            profile(None, self._profile.run_metadata, cmd=cmd, options=options)


model_analyzer = SimpleNamespace(
    FLOAT_OPS_OPTIONS=FLOAT_OPS_OPTIONS, PRINT_ALL_TIMING_MEMORY=PRINT_ALL_TIMING_MEMORY, Profiler=Profiler,
    TRAINABLE_VARS_PARAMS_STAT_OPTIONS=TRAINABLE_VARS_PARAMS_STAT_OPTIONS, print_model_analysis=print_model_analysis)
tfprof_logger = SimpleNamespace(write_op_log=write_op_log)
