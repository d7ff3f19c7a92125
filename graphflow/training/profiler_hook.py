"""The hook that records runs."""
from __future__ import annotations

import os
from typing import Any

from ..config import RunOptions
from ..timeline import Timeline
from ..whole_files import write_whole
from .hooks import _step_tensor, event_writer
from .session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from .step_timer import SecondOrStepTimer


class ProfilerHook(SessionRunHook):
    """Every so many steps or seconds, but not at the first step, writes a Chrome trace `timeline-<step>.json` into
    `output_dir`, and the run's metadata for TensorBoard."""

    def __init__(self, save_steps: int | None = None, save_secs: float | None = None, output_dir: Any = "",
                 show_dataflow: bool = True, show_memory: bool = False):
        self._output_file = os.path.join(output_dir, "timeline-{}.json")
        self._writer = event_writer(output_dir) if output_dir else None
        self._show = show_dataflow, show_memory
        self._timer = SecondOrStepTimer(save_secs, save_steps)

    def begin(self) -> None:
        self._next_step: int | None = None
        self._global_step_tensor = _step_tensor("ProfilerHook")

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        self._request = self._next_step is not None and self._timer.should_trigger_for_step(self._next_step)
        options = RunOptions(trace_level=RunOptions.FULL_TRACE) if self._request else None
        return SessionRunArgs({"global_step": self._global_step_tensor}, options=options)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        step = int(run_values.results["global_step"])
        if self._next_step is None:
            self._timer.update_last_triggered_step(step)
        step += 1
        if self._request:
            step = int(run_context.session.run(self._global_step_tensor))
            self._timer.update_last_triggered_step(step)
            self._save(step, run_values.run_metadata)
        self._next_step = step + 1

    def _save(self, step: int, metadata: Any) -> None:
        trace = Timeline(metadata.step_stats).generate_chrome_trace_format(*self._show)
        write_whole(self._output_file.format(step), trace)
        if self._writer is not None:
            self._writer.add_run_metadata(metadata, f"step_{step}")
