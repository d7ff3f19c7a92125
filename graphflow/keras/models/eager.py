"""Steps whose operations run at once (`run_eagerly`): for looking at values inside them."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compiler.ir import Graph, default_graph
from ...eager_mode import EagerGraph
from ..nest import flatten, map_structure
from ..scope import training_as
from .data import Batch
from .steps import Inputs, flat_logs

if TYPE_CHECKING:
    from .stepper import Stepper


_BESIDE = "eager_graph"  # the collection with the graph beside another where operations run at once


@contextlib.contextmanager
def at_once(graph: Graph) -> Iterator[None]:
    """Operations run at once inside, with the variables of `graph`; random numbers go on from block to block."""
    held = graph.get_collection_ref(_BESIDE)
    if not held:
        held.append(EagerGraph(graph))
    if held[0].seed != graph.seed:
        held[0].seed = graph.seed
    with contextlib.nullcontext() if default_graph().eager else held[0].as_default():
        yield


def eager_step(model: Stepper, kind: str, batch: Batch) -> Callable[..., Any]:
    """The step for arrays like the batch's, as steps.py has it compiled: "predict" gives the outputs, "train" and
    "test" the logs of the model's step (None where they are no dict)."""
    def run(*arrays: np.ndarray) -> Any:
        with at_once(model.graph), training_as(kind == "train"):
            data = Inputs(model, batch.holding(arrays)).data  # type: ignore[arg-type]
            given = getattr(model, f"{kind}_step")(data)
            if kind != "predict":
                return numbers(given) if isinstance(given, dict) else None
            model._output_structure = map_structure(lambda _: None, given)
            values = [np.asarray(v) for v in flatten(given)]
            return values[0] if len(values) == 1 else values
    return run


def numbers(logs: dict[str, Any]) -> dict[str, Any]:
    """The values of logs: Python numbers where they are scalars."""
    arrays = {name: np.asarray(value) for name, value in flat_logs(logs).items()}
    return {name: array.item() if array.ndim == 0 else array for name, array in arrays.items()}


def eager_results(model: Stepper) -> Callable[[], dict[str, Any]]:
    """() -> the metrics by name."""
    def read() -> dict[str, Any]:
        with at_once(model.graph):
            return numbers(model.get_metrics_result())
    return read
