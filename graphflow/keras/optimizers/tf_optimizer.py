"""TensorFlow 1's optimizers in Keras models, as Keras 2 has them."""
from __future__ import annotations

from typing import Any

from ...compiler.ops.state import group
from ...framework import GraphKeys
from .. import backend
from ..scope import current_scope, outside_steps
from ..variables import Variable
from .gradients import bounded_after
from .optimizer import Optimizer


class TFOptimizer(Optimizer):
    """Wraps an optimizer of `train`. Its state is that optimizer's: it has neither weights nor a config."""

    def __init__(self, optimizer: Any, iterations: Any = None):
        super().__init__(0.0)
        self.optimizer = optimizer

    def _apply(self, pairs: list[tuple[Any, Variable]]) -> None:
        scope = current_scope()
        assert scope is not None
        graph = pairs[0][1].graph
        known = set(graph.get_collection_ref(GraphKeys.GLOBAL_VARIABLES))
        with outside_steps():
            update = self.optimizer.apply_gradients(pairs)
        made = [v for v in graph.get_collection_ref(GraphKeys.GLOBAL_VARIABLES) if v not in known]
        if made:
            backend.get_session(graph).run(group(*(v.initializer for v in made)))
        scope.operations += [update, *bounded_after([update], [v for _, v in pairs])]
        self._iterations.assign_add(1)

    @property
    def weights(self) -> Any:
        raise NotImplementedError("The weights of a TFOptimizer are those of the optimizer that it wraps.")

    @weights.setter
    def weights(self, variables: Any) -> None:
        raise NotImplementedError("The weights of a TFOptimizer are those of the optimizer that it wraps.")

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError("A TFOptimizer has no config.")

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        raise NotImplementedError("A TFOptimizer has no config.")
