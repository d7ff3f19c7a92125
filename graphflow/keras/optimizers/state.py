"""The variables of an optimizer: the number of steps, the learning rate, and what it keeps of the weights."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...compiler.ir import Graph, Operation, default_graph
from ...compiler.site import warn
from .. import backend, initializers
from ..saving.saveable import Saveable
from ..variables import Variable


class OptimizerState(Saveable):
    """Variables by their names in files. They are made when first needed, in the graph of the weights."""

    def __init__(self, name: str, learning_rate: Any):
        self.name = name
        self.built = False
        self._state: dict[str, Variable] = {}
        self._graph: Graph | None = None
        self._slots: dict[str, dict[Any, Variable]] = {}  # by kind and the weight's operation
        self._trainable: list[Variable] = []
        self._positions: dict[Operation, int] = {}
        self._rate: Any = learning_rate if callable(learning_rate) else _number(learning_rate)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Variable) and "_state" in vars(self) and value not in self._state.values():
            self._track(value.name, value)
        super().__setattr__(name, value)

    def _begin(self, graph: Graph | None = None) -> None:
        """Make the step counter and the rate, anew if they were made in another graph than the weights'."""
        if self._graph is not None and (graph is None or self._graph is graph):
            return
        previous, self._graph = dict(self._state), graph or default_graph().symbolic
        self._state.clear()
        self._iterations = self.add_variable((), "zeros", "int64", name="iteration")
        if isinstance(self._rate, float):
            self._learning_rate = self.add_variable((), initializers.Constant(self._rate), name="learning_rate")
        for path, variable in previous.items():
            if path in self._state:
                backend.set_value(self._state[path], variable.numpy())
            else:
                self._state[path] = variable

    def add_variable(self, shape: Any, initializer: Any = "zeros", dtype: Any = None, aggregation: Any = "none",
                     layout: Any = None, name: str | None = None) -> Variable:
        """A variable of the optimizer's state."""
        self._begin()
        assert self._graph is not None
        name = name or "variable"
        with self._graph.as_default(), self._graph.name_scope(f"{self.name}/"):
            variable = Variable(initializers.get(initializer), shape, dtype, False, name)
        self._track(name, variable)
        return variable

    def add_variable_from_reference(self, reference_variable: Any, name: str | None = None,
                                    initializer: Any = "zeros") -> Variable:
        """A variable in the shape of a weight. Its name is Keras's: the weight's path with underscores."""
        path = reference_variable.path.replace("/", "_")
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype,
                                 name=f"{path}_{name or 'var'}")

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        """The kinds of slots, in the order of Keras's files: those in one tuple alternate weight by weight."""
        return ()

    def initial_slot(self, kind: str) -> Any:
        """The initializer of a kind of slots."""
        return initializers.Zeros()

    def add_state(self, variables: Sequence[Variable]) -> None:
        """Make what further variables an optimizer has."""

    def add_slot(self, kind: str, variable: Variable) -> None:
        """A variable in the shape of a weight, which `slot(kind, variable)` finds."""
        slot = self.add_variable_from_reference(variable, kind, self.initial_slot(kind))
        self._slots.setdefault(kind, {})[variable.op] = slot

    def slot(self, kind: str, variable: Variable) -> Variable:
        return self._slots[kind][variable.op]

    def add_optimizer_variables(self, trainable_variables: Sequence[Any], name: Any, initializer: Any = "zeros") -> Any:
        """A list of variables, one for each weight; for a list of names, as many lists. They alternate in files."""
        names = [name] if isinstance(name, str) else list(name)
        values = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(names) != len(values):
            raise ValueError("The number of provided names must match the number of provided initializers. Received "
                             f"name={name!r}, initializer={initializer!r}")
        made: tuple[list[Variable], ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for kept, kind, value in zip(made, names, values, strict=True):
                kept.append(self.add_variable_from_reference(variable, kind, value))
        return made[0] if isinstance(name, str) else made

    def _track(self, name: str, variable: Variable) -> None:
        path, count = f"{self.name}/{name}", 0
        while path in self._state:
            count += 1
            path = f"{self.name}/{name}_{count}"
        self._state[path] = variable

    def _replace(self, name: str, variable: Variable) -> Variable:
        self._state[f"{self.name}/{name}"] = variable
        return variable

    def _forget_slots(self) -> None:
        """Keep only the steps and the rate."""
        kept = (f"{self.name}/iteration", f"{self.name}/learning_rate")
        self._state = {path: v for path, v in self._state.items() if path in kept}
        self._slots, self.built = {}, False

    def _get_variable_index(self, variable: Any) -> int:
        return self._positions[variable.op]

    def _check_known(self, variables: Sequence[Variable]) -> None:
        unknown = next((v for v in variables if v.op not in self._positions), None)
        if unknown is not None:
            raise ValueError(f"Unknown variable: {unknown}. The optimizer {self.name!r} can only be called for the "
                             "variables it was originally built with. When working with a new set of variables, you "
                             "should recreate a new optimizer instance.")

    @property
    def variables(self) -> list[Variable]:
        self._begin()
        return list(self._state.values())

    @property
    def variable_paths(self) -> list[str]:
        """The names of `variables` in files."""
        self._begin()
        return list(self._state)

    @property
    def weights(self) -> list[Variable]:
        return self.variables

    @weights.setter
    def weights(self, variables: Sequence[Variable]) -> None:
        """Keras 2's optimizers list what they keep."""
        for variable in variables:
            if variable not in self._state.values():
                self._track(variable.name, variable)

    def get_weights(self) -> list[np.ndarray]:
        """The values of `variables`."""
        return backend.batch_get_value(self.variables)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the whole state. Raises ValueError when it does not fit."""
        if not self.built:
            raise ValueError("You are calling `set_weights()` on an optimizer that has not yet been built. Please call "
                             "`optimizer.build(trainable_variables)` to create the optimizer weights before calling "
                             "`set_weights()`.")
        variables = self.variables
        if len(weights) != len(variables) or any(
                np.shape(w) != v.shape for w, v in zip(weights, variables, strict=True)):
            raise ValueError(f"The optimizer {self.name!r} has {len(variables)} variables of shapes "
                             f"{[v.shape for v in variables]}. Received: {[np.shape(w) for w in weights]}")
        backend.batch_set_value(list(zip(variables, weights, strict=True)))

    def _stored_variables(self) -> list[Variable]:
        return self.variables

    def load_own_variables(self, store: Any) -> None:
        """Take the whole state from a file, or with a warning nothing where it does not fit."""
        variables = self.variables
        if len(store) != len(variables):
            warn(f"Skipping variable loading for optimizer {self.name!r}, because it has {len(variables)} "
                 f"variables whereas the saved optimizer has {len(store)} variables.")
            return
        backend.batch_set_value([(v, store[str(i)]) for i, v in enumerate(variables)])

    def assign(self, variable: Variable, value: Any) -> None:
        """Give a variable of the state, or a weight, a value in this step."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        variable.assign_sub(value)

    # the learning rate

    @property
    def schedule(self) -> Any:
        """The function that gives the learning rate, None where it is a number."""
        return None if isinstance(self._rate, float) else self._rate

    def _current_rate(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no learning rate of its own.")

    @property
    def learning_rate(self) -> Any:
        """The rate, a variable; or what a schedule makes of the number of steps."""
        self._begin()
        return self._learning_rate if isinstance(self._rate, float) else self._current_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, Variable):  # Keras 2's optimizers make their own
            self._begin()
            self._learning_rate = self._replace("learning_rate", value)
            return
        if callable(value):
            self._rate = value
            self._state.pop(f"{self.name}/learning_rate", None)
            return
        if callable(self._rate):
            raise TypeError("This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` "
                            "constructor argument, hence its learning rate is not settable. If you need the learning "
                            "rate to be settable, you should instantiate the optimizer with a float `learning_rate` "
                            "argument.")
        self._rate = _number(value)
        if self._graph is not None:
            self._learning_rate.assign(self._rate)

    lr = learning_rate


def _number(learning_rate: Any) -> float:
    if isinstance(learning_rate, (str, bytes, list, tuple, dict)) or learning_rate is None:
        raise ValueError("Argument `learning_rate` should be float, or an instance of LearningRateSchedule, or a "
                         "callable (that takes in the current iteration value and returns the corresponding learning "
                         f"rate value). Received instead: learning_rate={learning_rate!r}")
    return float(learning_rate)
