"""What `train_and_evaluate` may be told to export. Models are kept as checkpoints: exporters are accepted."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import logging


class Exporter:
    """A named exporter. Subclasses may define `export`, which runs after each evaluation."""

    def __init__(self, name: str):
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def export(self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any,
               is_the_final_export: bool) -> Any:
        """Says where the model is: in its checkpoint."""
        logging.info("%s: the model is in its checkpoint, %s.", self._name, checkpoint_path)


class FinalExporter(Exporter):
    """Exports the model once, after training."""

    def __init__(self, name: str, serving_input_receiver_fn: Callable[[], Any], assets_extra: Any = None,
                 as_text: bool = False):
        super().__init__(name)


class LatestExporter(Exporter):
    """After each evaluation, of which it would keep `exports_to_keep`."""

    def __init__(self, name: str, serving_input_receiver_fn: Callable[[], Any], assets_extra: Any = None,
                 as_text: bool = False, exports_to_keep: int | None = 5):
        if exports_to_keep is not None and exports_to_keep <= 0:
            raise ValueError("`exports_to_keep`, if provided, must be positive number")
        super().__init__(name)


class BestExporter(Exporter):
    """After an evaluation that `compare_fn` finds better than the best before."""

    def __init__(self, name: str = "best_exporter", serving_input_receiver_fn: Any = None,
                 event_file_pattern: str = "eval/*.tfevents.*", compare_fn: Any = None, assets_extra: Any = None,
                 as_text: bool = False, exports_to_keep: int | None = 5):
        super().__init__(name)
