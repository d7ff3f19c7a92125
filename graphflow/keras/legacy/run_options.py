"""Keras 2's `compile(..., options=run_options, run_metadata=metadata)`: times of steps, for TensorFlow's timeline."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...runtime.step_stats import Recorder, fill


def recorder_of(arguments: dict[str, Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Takes `options` and `run_metadata` out of the arguments of `compile`. What is returned makes of a step one whose
    latest run is recorded in the metadata, if there is such."""
    options, metadata = arguments.pop("options", None), arguments.pop("run_metadata", None)

    def recorded(step: Callable[..., Any]) -> Callable[..., Any]:
        if options is None or metadata is None:
            return step

        def run(*arrays: Any) -> Any:
            with Recorder(own_thread=True) as recorder:
                result = step(*arrays)
            fill(metadata, recorder, options)
            return result

        run.runner = getattr(step, "runner", None)  # type: ignore[attr-defined]
        return run

    return recorded
