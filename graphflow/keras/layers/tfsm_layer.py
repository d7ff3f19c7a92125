"""Models that were exported, as layers."""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ... import graph_util
from ...compiler.graph_def import GraphDef
from .. import tree
from .layer import Layer

ENDPOINTS = "endpoints.json"  # the file of an artifact that names its endpoints' inputs and outputs
DEFAULT = "serve"


class TFSMLayer(Layer):
    """An endpoint of an artifact as a layer without weights. Raises ValueError for an unknown endpoint."""

    def __init__(self, filepath: Any, call_endpoint: str = DEFAULT, call_training_endpoint: str | None = None,
                 trainable: bool = True, name: str | None = None, dtype: Any = None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.filepath, self.call_endpoint = os.fspath(filepath), call_endpoint
        self.call_training_endpoint = call_training_endpoint
        told = json.loads((Path(filepath) / ENDPOINTS).read_text(encoding="utf-8"))["endpoints"]
        for endpoint in (call_endpoint, call_training_endpoint or call_endpoint):
            if endpoint not in told:
                raise ValueError(f"The endpoint '{endpoint}' is not among the endpoints of {self.filepath}: "
                                 f"{sorted(told)}.")
        self._told = told
        self.built = True

    def call(self, inputs: Any, training: bool = False, **kwargs: Any) -> Any:
        name = self.call_training_endpoint if training and self.call_training_endpoint else self.call_endpoint
        told = self._told[name]
        graph_def = GraphDef()
        graph_def.ParseFromString((Path(self.filepath) / f"{name}.graphdef").read_bytes())
        wanted = tree.flatten(told["inputs"])
        given = dict(zip(wanted, tree.flatten(inputs), strict=True))
        outputs = tree.flatten(told["outputs"])
        found = graph_util.import_graph_def(graph_def, given, outputs, name=name)
        return tree.pack_sequence_as(told["outputs"], found or [])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filepath": self.filepath, "call_endpoint": self.call_endpoint,
                "call_training_endpoint": self.call_training_endpoint}
