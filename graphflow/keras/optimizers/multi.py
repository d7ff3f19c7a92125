"""Several optimizers for one model: each has the variables whose paths match its pattern."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from typing import Any

from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..variables import Variable
from .loss_scale import LossScaleOptimizer
from .optimizer import Optimizer


class OptimizerMap(MutableMapping[str, Any]):
    """Optimizers by patterns of variable paths (full matches of regular expressions), and one for the others."""

    def __init__(self, default_optimizer: Any, optimizer_map: dict[str, Any] | None = None):
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"default_optimizer must be a Keras Optimizer instance. Received: {default_optimizer}")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"optimizer_map must be a dictionary. Received: {optimizer_map}")
        self.default_optimizer = default_optimizer
        self._optimizers = optimizer_map or {}

    def __getitem__(self, key: str) -> Any:
        if key in self._optimizers:
            return self._optimizers[key]
        matching = [pattern for pattern in self._optimizers if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(f"Multiple optimizers assigned to variable {key}.")
        return self._optimizers[matching[0]] if matching else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Any) -> None:
        if key in self._optimizers:
            raise ValueError(f"{key!r} already exists in the OptimizerMap with value {self._optimizers[key]}.")
        if not isinstance(key, str):
            raise ValueError(f"key must be a string. Received: {key}")
        if not isinstance(optimizer, Optimizer) or isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
            raise ValueError("optimizer must be a Keras Optimizer instance that does not wrap others. Received: "
                             f"{optimizer}")
        self._optimizers[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizers[key]

    def __len__(self) -> int:
        return len(self._optimizers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizers)

    def __call__(self, variable: Any) -> Any:
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        return {"default_optimizer": serialize_keras_object(self.default_optimizer),
                "optimizer_map": serialize_keras_object(self._optimizers)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        return cls(deserialize_keras_object(config["default_optimizer"], custom_objects),
                   deserialize_keras_object(config["optimizer_map"], custom_objects))


class MultiOptimizer(Optimizer):
    """Updates each variable with the optimizer that `optimizer_map(variable)` gives."""

    def __init__(self, optimizer_map: Any, loss_scale_factor: float | None = None, name: str | None = None):
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        known = [*optimizer_map.values()] if hasattr(optimizer_map, "values") else []
        self.optimizers: list[Any] = list(dict.fromkeys([*known, *(
            [optimizer_map.default_optimizer] if hasattr(optimizer_map, "default_optimizer") else [])]))

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        for optimizer, own in self._shares(variables).items():
            if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
                raise ValueError(f"{type(optimizer).__name__} cannot be used inside an MultiOptimizer.")
            if optimizer not in self.optimizers:
                self.optimizers.append(optimizer)
            optimizer.build(own)
        for optimizer in self.optimizers:
            optimizer.loss_scale_factor = self.loss_scale_factor

    def _shares(self, variables: Iterable[Variable]) -> dict[Any, list[Variable]]:
        shares: dict[Any, list[Variable]] = {}
        for variable in variables:
            shares.setdefault(self._optimizer_map(variable), []).append(variable)
        return shares

    @property
    def variables(self) -> list[Variable]:
        return [*super().variables, *(v for o in self.optimizers for v in o.variables)]

    @property
    def variable_paths(self) -> list[str]:
        return [*super().variable_paths, *(f"{self.name}/{p}" for o in self.optimizers for p in o.variable_paths)]

    @property
    def learning_rate(self) -> Any:
        """Raises AttributeError: the optimizers within have their own."""
        raise AttributeError("Learning rate cannot be accessed on a MultiOptimizer. Access the learning rate on the "
                             "individual sub-optimizers instead.")

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError("Learning rate cannot be set on a MultiOptimizer. Set the learning rate on the individual "
                             "sub-optimizers instead.")

    def _apply(self, pairs: list[tuple[Any, Variable]]) -> None:
        grads = {variable: gradient for gradient, variable in pairs}
        for optimizer, own in self._shares(grads).items():
            optimizer.apply([grads[v] for v in own], own)
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        for optimizer, own in self._shares(var_list).items():
            optimizer.finalize_variable_values(own)

    def get_config(self) -> dict[str, Any]:
        return {"optimizer_map": serialize_keras_object(self._optimizer_map),
                "loss_scale_factor": self.loss_scale_factor, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        return cls(**{**config, "optimizer_map": deserialize_keras_object(config["optimizer_map"], custom_objects)})
