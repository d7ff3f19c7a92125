"""One step of the recurrent layers. Each cell projects its input first, which a layer does for all steps at once."""
from __future__ import annotations

import inspect
import random
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.slicing import concat, split
from ...compiler.ops.view import ones_like, zeros
from .. import activations, initializers
from ..nest import as_list, flatten
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .arguments import take_weight_arguments, weight_config
from .input_spec import is_shape
from .layer import Layer
from .linear import dense
from .regularization import dropped


class Cell(Layer):
    """Base class. Subclasses define `gates`, how many projections of `units` features there are, and `advance`."""

    gates = 1
    default_activation: Any = "tanh"

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
                 bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0,
                 seed: int | None = None, implementation: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        if isinstance(units, bool) or not hasattr(units, "__index__") or units <= 0:
            raise ValueError(f"Received an invalid value for argument `units`, expected a positive integer, got "
                             f"{units}.")
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias, self.implementation = use_bias, implementation
        self.dropout, self.recurrent_dropout = (min(1.0, max(0.0, r or 0.0)) for r in (dropout, recurrent_dropout))
        self.seed = seed
        own = random.Random(random.getrandbits(32) if seed is None and (dropout or recurrent_dropout) else seed)
        self._seeds = own.randint(1, 10**9), own.randint(1, 10**9)
        self._masks: dict[str, Tensor] = {}  # dropout decisions that hold for a whole sequence
        take_weight_arguments(
            self, kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint)

    @property
    def state_size(self) -> Any:
        return self.units

    @property
    def output_size(self) -> int:
        return self.units

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] is None:
            raise ValueError(f"The last dimension of the inputs to {self.name!r} must be known. "
                             f"Received: input_shape={input_shape}")
        width = self.gates * self.units
        self.kernel = self.add_weight((input_shape[-1], width), self.kernel_initializer, name="kernel",
                                      regularizer=self.kernel_regularizer, constraint=self.kernel_constraint)
        self.recurrent_kernel = self.add_weight(
            (self.units, width), self.recurrent_initializer, name="recurrent_kernel",
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint)
        self.bias = self.add_weight(self.bias_shape(), self._first_bias(), name="bias",
                                    regularizer=self.bias_regularizer,
                                    constraint=self.bias_constraint) if self.use_bias else None

    def _first_bias(self) -> Any:
        return self.bias_initializer

    # the two halves of a step

    def project(self, inputs: Tensor, training: Any = False) -> Tensor:
        """What the inputs [..., features] contribute: [..., gates * units]."""
        if training and self.dropout > 0:
            inputs = inputs * self._mask("inputs", inputs, self.dropout, self._seeds[0])
        return dense(inputs, self.kernel, self._input_bias())

    def _input_bias(self) -> Any:
        return self.bias

    def advance(self, projected: Tensor, states: list[Tensor], training: Any = False) -> tuple[Tensor, list[Tensor]]:
        """The output and the next states."""
        raise NotImplementedError(f"Layer {type(self).__name__} must define `advance()`.")

    def call(self, inputs: Tensor, states: Any, training: Any = False) -> tuple[Tensor, list[Tensor]]:
        given = isinstance(states, (list, tuple))
        masks, self._masks = self._masks, {}
        try:
            output, following = self.advance(self.project(inputs, training), as_list(states), training)
        finally:
            self._masks = masks
        return output, following if given else following[0]  # type: ignore[return-value]

    def start(self, inputs: Tensor, states: list[Tensor], training: Any) -> None:
        """Before a sequence: decide what is dropped in all of its steps."""
        self._masks = {}
        if training and self.dropout > 0:
            assert inputs.dims is not None
            decisions = dropped(ones_like(inputs[:, 0]), self.dropout, self._seeds[0])
            self._masks["inputs"] = decisions
        if training and self.recurrent_dropout > 0:
            self._masks["states"] = dropped(ones_like(states[0]), self.recurrent_dropout, self._seeds[1])

    def finish(self) -> None:
        self._masks = {}

    def _mask(self, what: str, like: Tensor, rate: float, seed: int) -> Tensor:
        return self._masks[what] if what in self._masks else dropped(ones_like(like), rate, seed)

    def _before(self, state: Tensor, training: Any) -> Tensor:
        """The state with what is dropped of it."""
        if not training or self.recurrent_dropout == 0:
            return state
        return state * self._mask("states", state, self.recurrent_dropout, self._seeds[1])

    def get_initial_state(self, batch_size: Any = None, **kwargs: Any) -> list[Tensor]:
        sizes = as_list(self.state_size)
        return [zeros((batch_size, n), self.compute_dtype) for n in sizes]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "activation": activations.serialize(self.activation),
                "use_bias": self.use_bias, **self._weights_config(), "dropout": self.dropout,
                "recurrent_dropout": self.recurrent_dropout, "seed": self.seed}

    def _weights_config(self) -> dict[str, Any]:
        return weight_config(self, *(f"{n}_{k}" for k in ("initializer", "regularizer", "constraint")
                                     for n in ("kernel", "recurrent", "bias")))


class SimpleRNNCell(Cell):
    """activation(x @ kernel + h @ recurrent_kernel + bias)."""

    def advance(self, projected: Tensor, states: list[Tensor], training: Any = False) -> tuple[Tensor, list[Tensor]]:
        output = self.activation(projected + matmul(self._before(states[0], training), self.recurrent_kernel))
        return output, [output]


class _GatedCell(Cell):
    """Cells whose gates have an activation of their own."""

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", *args: Any,
                 **kwargs: Any):
        super().__init__(units, activation, *args, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "recurrent_activation": activations.serialize(self.recurrent_activation)}


class GRUCell(_GatedCell):
    """Cho et al. 2014. `reset_after`: the reset gate acts after the matrix product, as on GPUs."""

    gates = 3

    def __init__(self, units: int, *args: Any, reset_after: bool = True, **kwargs: Any):
        super().__init__(units, *args, **kwargs)
        self.reset_after = reset_after

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self) -> Any:
        return self.bias if self.bias is None or not self.reset_after else self.bias.value()[0]

    def advance(self, projected: Tensor, states: list[Tensor], training: Any = False) -> tuple[Tensor, list[Tensor]]:
        before, n = states[0], self.units
        h = self._before(before, training)
        kernel = convert_to_tensor(self.recurrent_kernel)
        x_z, x_r, x_h = split(projected, 3, -1)
        if self.reset_after:
            inner = matmul(h, kernel)
            if self.bias is not None:
                inner = inner + self.bias.value()[1]
            inner_z, inner_r, inner_h = split(inner, 3, -1)
            z, r = self.recurrent_activation(x_z + inner_z), self.recurrent_activation(x_r + inner_r)
            candidate = self.activation(x_h + r * inner_h)
        else:
            inner_z, inner_r = split(matmul(h, kernel[:, :2 * n]), 2, -1)
            z, r = self.recurrent_activation(x_z + inner_z), self.recurrent_activation(x_r + inner_r)
            candidate = self.activation(x_h + matmul(r * h, kernel[:, 2 * n:]))
        output = z * before + (1 - z) * candidate
        return output, [output]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "reset_after": self.reset_after}


class LSTMCell(_GatedCell):
    """Hochreiter & Schmidhuber 1997; `unit_forget_bias` starts the forget gate's bias at 1 (Jozefowicz et al. 2015)."""

    gates = 4

    def __init__(self, units: int, *args: Any, unit_forget_bias: bool = True, **kwargs: Any):
        super().__init__(units, *args, **kwargs)
        self.unit_forget_bias = unit_forget_bias

    @property
    def state_size(self) -> Any:
        return [self.units, self.units]

    def _first_bias(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer

        def initial(shape: Any, dtype: Any = None) -> Tensor:
            n = (self.units,)
            ones = initializers.Ones()(n, dtype=dtype)
            draw = self.bias_initializer
            return concat([draw(n, dtype=dtype), ones, draw((2 * self.units,), dtype=dtype)], 0)
        return initial

    def advance(self, projected: Tensor, states: list[Tensor], training: Any = False) -> tuple[Tensor, list[Tensor]]:
        h, c = states
        i, f, candidate, o = split(projected + self._recurrent(self._before(h, training)), 4, -1)
        gate = self.recurrent_activation
        carry = gate(f) * c + gate(i) * self.activation(candidate)
        output = gate(o) * self.activation(carry)
        return output, [output, carry]

    def _recurrent(self, h: Tensor) -> Tensor:
        return matmul(h, self.recurrent_kernel)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}


class StackedRNNCells(Layer):
    """Cells one after the other as a single one; its states are a list with those of each."""

    def __init__(self, cells: Any, **kwargs: Any):
        super().__init__(**kwargs)
        for cell in cells:
            for needed in ("call", "state_size"):
                if not hasattr(cell, needed):
                    raise ValueError(f"All cells must have a `{needed}`. Received: {cell}")
        self.cells = list(cells)

    @property
    def state_size(self) -> Any:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: Any = None, **kwargs: Any) -> list[Any]:
        return [initial_states_of(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape: Any) -> None:
        step, *constants = [input_shape] if is_shape(input_shape) else input_shape
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                takes = constants and "constants" in cell._signature.parameters
                cell.build_from_config({"input_shape": [step, *constants] if takes else step})
            step = (step[0], output_size_of(cell))

    def call(self, inputs: Tensor, states: Any, training: Any = False, **kwargs: Any) -> Any:
        following = []
        for cell, own in zip(self.cells, states, strict=True):
            several = isinstance(own, (list, tuple))
            inputs, new = call_cell(cell, inputs, as_list(own), training, kwargs)
            following.append(new if several else flatten(new)[0])
        return inputs, following

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        return cls([deserialize_keras_object(c, custom_objects) for c in config.pop("cells")], **config)


def output_size_of(cell: Any) -> Any:
    """How many features a cell gives: `output_size`, else its first state's size."""
    size = getattr(cell, "output_size", None)
    return flatten(cell.state_size)[0] if size is None else size


def initial_states_of(cell: Any, batch_size: Any, dtype: str) -> Any:
    """A cell's first states: what it says, else zeros."""
    own = getattr(cell, "get_initial_state", None)
    if own is not None:
        takes = inspect.signature(own).parameters
        given = {"inputs": None, "batch_size": batch_size, "dtype": dtype}  # tf.keras gave all three
        return own(**{name: value for name, value in given.items() if name == "batch_size" or name in takes})
    return [zeros((batch_size, n), dtype) for n in as_list(cell.state_size)]


def call_cell(cell: Any, inputs: Any, states: Any, training: Any, kwargs: dict[str, Any]) -> tuple[Tensor, Any]:
    """A step of any cell, told of training and of constants if it takes these."""
    if isinstance(cell, Layer) and cell._signature.takes_training:
        kwargs = {**kwargs, "training": training}
    if "constants" in kwargs and not {"constants", "kwargs"} & set(inspect.signature(cell.call).parameters):
        del kwargs["constants"]
    return cell(inputs, states, **kwargs) if callable(cell) else cell.call(inputs, states, **kwargs)
