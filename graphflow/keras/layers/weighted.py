"""What a layer owns: its variables and those of the layers within it."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ...layers.base import Layer as GraphLayer
from ...variables import Variable as GraphVariable
from .. import backend, constraints, initializers, regularizers
from ..legacy.layer import name_first
from ..legacy.weights import OwnWeights, own_weights
from ..nest import flatten
from ..variables import Variable, adopted


class Weighted:
    """The part of a layer that owns variables."""

    name: str
    built: bool
    dtype_policy: Any
    _weights: list[Variable]
    _trainable: bool
    _trainable_weights = own_weights(True)  # Keras 2 programs add to these
    _non_trainable_weights = own_weights(False)

    @name_first
    def add_weight(self, shape: Any = None, initializer: Any = None, dtype: Any = None, trainable: bool = True,
                   autocast: bool = True, regularizer: Any = None, constraint: Any = None, aggregation: Any = None,
                   overwrite_with_gradient: bool = False, name: Any = None) -> Variable:
        """A new variable of this layer. Without an initializer floats are Glorot-uniform, others zero."""
        dtype = dtype or self.dtype_policy.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if backend.is_float(dtype) else "zeros"
        variable = Variable(initializers.get(initializer), () if shape is None else shape, dtype, trainable,
                            name or "variable", regularizers.get(regularizer), constraints.get(constraint), autocast)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._weights.append(variable)
        return variable

    add_variable = add_weight

    def _own_weights(self) -> list[Variable]:
        """Its own variables, those that are plain attributes and those of `tf.layers` included."""
        leaves = [leaf for value in vars(self).values()
                  for leaf in (value if isinstance(value, (list, tuple)) else [value])]
        attributes = [adopted(v) for leaf in leaves if isinstance(leaf, (GraphVariable, GraphLayer))
                      for v in ([leaf] if isinstance(leaf, GraphVariable) else leaf.variables)]
        own = list(dict.fromkeys([*self._weights, *attributes]))
        return [v for v in own if v.trainable] + [v for v in own if not v.trainable]

    def _stored_variables(self) -> Sequence[Any]:
        return self._own_weights()

    def _sublayers(self) -> Iterator[Any]:
        for key, value in list(vars(self).items()):
            if isinstance(value, (Weighted, list, tuple, dict)) and key != "_arguments":
                yield from (leaf for leaf in flatten(value) if isinstance(leaf, Weighted))

    def _all_layers(self) -> list[Any]:
        """This layer and those within it, each once."""
        found: dict[Any, None] = {self: None}
        for layer in self._sublayers():
            found |= dict.fromkeys(layer._all_layers())
        return list(found)

    @property
    def weights(self) -> list[Variable]:
        inner = [w for layer in self._sublayers() for w in layer.weights]
        return list(dict.fromkeys(self._own_weights() + inner))

    @property
    def variables(self) -> list[Variable]:
        return self.weights

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._sublayers():
            layer.trainable = value

    @property
    def trainable_weights(self) -> list[Variable]:
        if not self._trainable:
            return []
        own = [v for v in self._own_weights() if v.trainable]
        return list(dict.fromkeys(own + [w for layer in self._sublayers() for w in layer.trainable_weights]))

    @trainable_weights.setter
    def trainable_weights(self, variables: Sequence[Any]) -> None:
        OwnWeights(self, True).extend(variables)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        trained = set(self.trainable_weights)
        return [w for w in self.weights if w not in trained]

    @non_trainable_weights.setter
    def non_trainable_weights(self, variables: Sequence[Any]) -> None:
        OwnWeights(self, False).extend(variables)

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return self.non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        return backend.batch_get_value(self.weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set every weight. Raises ValueError when their number or shapes differ."""
        if not isinstance(weights, Iterable):
            raise TypeError(f"`set_weights` takes a list of arrays. Received: {weights!r}")
        weights = list(weights)
        variables = self.weights
        if len(weights) != len(variables):
            raise ValueError(f"You called `set_weights(weights)` on layer {self.name!r} with a weight list of length "
                             f"{len(weights)}, but the layer was expecting {len(variables)} weights.")
        for variable, value in zip(variables, weights, strict=True):
            if np.shape(value) != variable.shape:
                raise ValueError(f"Layer {self.name} weight shape {variable.shape} is not compatible with provided "
                                 f"weight shape {np.shape(value)} (weight {variable.path!r}).")
        backend.batch_set_value(list(zip(variables, weights, strict=True)))

    def count_params(self) -> int:
        if not self.built:
            raise ValueError(f"You tried to call `count_params` on layer {self.name!r}, but the layer isn't built. "
                             "You can build it manually via: `layer.build(input_shape)`.")
        return sum(int(np.prod(w.shape)) for w in self.weights)
