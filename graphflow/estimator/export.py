"""`tf.estimator.export`: what a model serves, named in an EstimatorSpec's `export_outputs`."""
from __future__ import annotations

from typing import Any


class ExportOutput:
    """One way to read a model's result."""


class PredictOutput(ExportOutput):
    """Any tensors, by name."""

    def __init__(self, outputs: Any):
        self.outputs = outputs if isinstance(outputs, dict) else {"output": outputs}


class ClassificationOutput(ExportOutput):
    """Scores and classes of a classification. Raises ValueError where neither is given."""

    def __init__(self, scores: Any = None, classes: Any = None):
        if scores is None and classes is None:
            raise ValueError("At least one of scores and classes must be set.")
        self.scores, self.classes = scores, classes


class RegressionOutput(ExportOutput):
    """The value of a regression."""

    def __init__(self, value: Any):
        self.value = value


__all__ = ["ClassificationOutput", "ExportOutput", "PredictOutput", "RegressionOutput"]
