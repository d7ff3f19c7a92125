"""Models for inference alone: their graphs with the weights as constants, which need none of the code that made them.

An artifact is a folder of GraphDefs, one for each endpoint, and `endpoints.json`, which names their inputs and outputs.
`keras.layers.TFSMLayer` reads it. It is graphflow's own (see graph_util.py): TensorFlow reads SavedModels alone.
"""
from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import graph_util
from ..compiler.dtypes import as_dtype
from ..compiler.ir import Tensor, default_graph
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.state import placeholder
from ..compiler.ops.view import identity
from . import backend, tree
from .layers.input_spec import shape_of
from .layers.layer import Layer
from .layers.tfsm_layer import DEFAULT, ENDPOINTS, TFSMLayer
from .scope import StepScope, outside_steps, training_as
from .utils.progbar import print_message


class ExportArchive:
    """Collects endpoints, functions of tensors, and writes them. `track` says whose variables they use."""

    def __init__(self, format: str = "saved_model"):
        if format != "saved_model":
            raise ValueError(f"Unsupported format: {format}. Expected 'saved_model'.")
        self._tracked: list[Any] = []
        self._endpoints: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self._collections: dict[str, list[Any]] = {}

    @property
    def variables(self) -> list[Any]:
        return [v for resource in self._tracked for v in resource.variables]

    @property
    def trainable_variables(self) -> list[Any]:
        return [v for resource in self._tracked for v in resource.trainable_variables]

    @property
    def non_trainable_variables(self) -> list[Any]:
        return [v for resource in self._tracked for v in resource.non_trainable_variables]

    def track(self, resource: Any) -> None:
        """Use a layer or model in endpoints. Raises ValueError for one that is not built."""
        if not isinstance(resource, Layer):
            raise ValueError("Invalid resource type. Expected a Keras layer or model. Received instead an object of "
                             f"type '{type(resource)}'. Object received: {resource}")
        if not resource.built:
            raise ValueError("The layer provided has not yet been built. It must be built before export.")
        self._tracked.append(resource)

    def add_endpoint(self, name: str, fn: Callable[..., Any], input_signature: Any = None, **kwargs: Any) -> Any:
        """Add `fn`, for inputs of these shapes and dtypes (a list with one entry for each argument, of what has `shape`
        and `dtype`). Raises ValueError without them, or for a name that is taken."""
        if name in self._endpoints:
            raise ValueError(f"Endpoint name '{name}' is already taken.")
        if input_signature is None:
            raise ValueError("Please provide an `input_signature`, the shapes and dtypes of the inputs of endpoint "
                             f"'{name}'.")
        graph: Any = getattr(self._tracked[0], "graph", None) if self._tracked else None
        graph = default_graph() if graph is None else graph
        with graph.as_default(), outside_steps(), StepScope(), training_as(False):
            entries = tree.map_structure(_entry, list(input_signature))
            outputs = tree.map_structure(lambda t: identity(convert_to_tensor(t)), fn(*entries))
        session = backend.get_session(graph)
        frozen = graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), [t.op.name for t in [*tree.flatten(entries), *tree.flatten(outputs)]])
        self._endpoints[name] = frozen.SerializeToString(), {
            "inputs": tree.map_structure(lambda t: t.name, entries),
            "outputs": tree.map_structure(lambda t: t.name, outputs)}
        return fn

    def track_and_add_endpoint(self, name: str, resource: Any, input_signature: Any, **kwargs: Any) -> None:
        """`track` and `add_endpoint` of a layer or model itself."""
        self.track(resource)
        self.add_endpoint(name, resource, input_signature, **kwargs)

    def add_variable_collection(self, name: str, variables: Any) -> None:
        """Note a list of variables by name. Raises ValueError for what is no list of them."""
        if not isinstance(variables, (list, tuple, set)) or not all(hasattr(v, "handle") for v in variables):
            raise ValueError("Expected `variables` to be a list/tuple/set of variables. Received instead: "
                             f"{variables} (of type '{type(variables)}').")
        self._collections[name] = [v.path for v in variables]

    def write_out(self, filepath: Any, options: Any = None, verbose: bool = True) -> None:
        """Write the folder. Raises ValueError without endpoints."""
        if not self._endpoints:
            raise ValueError("No endpoint has been set yet. Call add_endpoint().")
        folder = Path(filepath)
        folder.mkdir(parents=True, exist_ok=True)
        told = {"endpoints": {name: told for name, (_, told) in self._endpoints.items()},
                "collections": self._collections}
        for name, (graph_def, _) in self._endpoints.items():
            (folder / f"{name}.graphdef").write_bytes(graph_def)
        (folder / ENDPOINTS).write_text(json.dumps(told), encoding="utf-8")
        if verbose:
            print_message(f"Saved artifact at '{os.fspath(filepath)}'. Endpoints: {sorted(self._endpoints)}")


def export_model(model: Any, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None,
                 input_signature: Any = None, **kwargs: Any) -> None:
    """Write the model's inference as the endpoint "serve". Raises ValueError for formats of other programs."""
    if format != "tf_saved_model":
        raise ValueError(f"Unrecognized format={format}. Supported is 'tf_saved_model', which writes graphflow's own "
                         "artifact (see keras.export); formats of other programs need those programs.")
    if input_signature is None:
        input_signature = [model.input]
    archive = ExportArchive()
    archive.track_and_add_endpoint(DEFAULT, model, input_signature, **kwargs)
    archive.write_out(filepath, verbose=verbose is not False)


def _entry(spec: Any) -> Tensor:
    shape = shape_of(spec) if isinstance(spec, Tensor) else tuple(spec.shape)
    return placeholder(as_dtype(spec.dtype or backend.floatx()), shape, getattr(spec, "name", None) and "input")


__all__ = ["ExportArchive", "TFSMLayer", "export_model"]
