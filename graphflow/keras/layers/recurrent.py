"""Recurrent layers: a cell run over time."""
from __future__ import annotations

from typing import Any

import numpy as np

from ...array_ops import ensure_shape
from ...compiler.dtypes import bool_
from ...compiler.ir import Tensor
from ..naming import to_snake_case
from ..nest import as_list, flatten, map_structure, pack
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .cells import (
    Cell,
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
    call_cell,
    initial_states_of,
)
from .input_spec import InputSpec, is_shape
from .layer import Layer
from .rnn_loop import run_over_time, swapped


class RNN(Layer):
    """`cell` over the time steps of [batch, time, ...].

    The output is the last one, or all with `return_sequences`; `return_state` adds the last states. A stateful layer
    starts each batch with the states in which the one before ended.
    """

    supports_masking = True

    def __init__(self, cell: Any, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
                 zero_output_for_mask: bool = False, num_constants: int | None = None, **kwargs: Any):
        cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        for needed in ("call", "state_size"):
            if not hasattr(cell, needed):
                raise ValueError(f"Argument `cell` should have a `{needed}`. Received: cell={cell}")
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.zero_output_for_mask = zero_output_for_mask
        self._num_constants = num_constants or 0
        self._held: Any = None

    @property
    def states(self) -> Any:
        """The variables of a stateful layer's states, None for each before there are any."""
        if self._held is None:
            return [None] * len(flatten(self.cell.state_size))
        return map_structure(lambda held: held.variable, self._held)

    @states.setter
    def states(self, variables: Any) -> None:
        held = [v for v in flatten(variables) if v is not None]
        self._held = map_structure(_Held, variables) if held else None

    @property
    def state_size(self) -> list[Any]:
        return as_list(self.cell.state_size)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None, constants_shape: Any = None) -> None:
        shape, *others = [sequences_shape] if is_shape(sequences_shape) else sequences_shape
        if isinstance(self.cell, Layer) and not self.cell.built:
            step, constants = (shape[0], *shape[2:]), others[len(others) - self._num_constants:]
            if constants_shape is not None:
                constants = [constants_shape] if is_shape(constants_shape) else list(constants_shape)
            self.cell.build_from_config({"input_shape": [step, *constants] if constants else step})
        if self.stateful and self._held is None:
            if shape[0] is None:
                raise ValueError("When using `stateful=True` in a RNN, the batch size must be static. Found dynamic "
                                 f"batch size: sequence.shape={shape}")
            self._make_states(shape)

    def _make_states(self, shape: Any) -> None:
        self._keep(initial_states_of(self.cell, shape[0], self.compute_dtype))

    def _keep(self, first: Any) -> None:
        """Variables for states of these shapes."""
        kept = [self.add_weight(tuple(s.shape.as_list()), "zeros", trainable=False, name="rnn_state")
                for s in flatten(first)]
        self._weights = [w for w in self._weights if w not in kept]  # Keras does not count them among the weights
        self._held = pack(first, [_Held(v) for v in kept])

    def first_states(self, sequences: Tensor) -> Any:
        """The states at the start of a sequence: zeros, or what the cell says."""
        assert sequences.dims is not None
        return initial_states_of(self.cell, sequences.dims[0], self.compute_dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None) -> list[Any]:
        """The states at the start of `inputs`, or for a batch size, as a list."""
        if isinstance(inputs, Tensor):
            return as_list(self.first_states(inputs))
        return as_list(initial_states_of(self.cell, inputs if batch_size is None else batch_size, self.compute_dtype))

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = False,
             constants: Any = None) -> Any:
        if isinstance(mask, bool) or isinstance(training, (list, tuple)) or getattr(initial_state, "dtype", 0) == bool_:
            initial_state, mask, training = training, initial_state, mask  # the order of Keras 2, from a subclass
        sequences, initial_state, constants = self._apart(sequences, initial_state, constants)
        mask = flatten(mask)[0]
        if initial_state is not None:
            wanted = self.first_states(sequences)
            leaves = flatten(initial_state)
            if len(leaves) != len(flatten(wanted)):
                raise ValueError(f"Layer {self.name!r} has {len(flatten(wanted))} states, received initial_state with "
                                 f"{len(leaves)}")
            states = pack(wanted, leaves)
        elif self.stateful:
            states = map_structure(lambda held: held.variable.value(), self._held)
            sequences = ensure_shape(sequences, [flatten(states)[0].dims[0], *[None] * (len(sequences.dims) - 1)])
        else:
            states = self.first_states(sequences)
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        last, outputs, states = self._run(sequences, states, mask, training, constants)
        if self.stateful:
            for held, value in zip(flatten(self._held), flatten(states), strict=True):
                held.variable.assign(value)
        output = outputs if self.return_sequences else last
        return (output, *states) if self.return_state else output

    def _apart(self, sequences: Any, initial_state: Any, constants: Any) -> tuple[Any, Any, list[Any]]:
        """The sequence, the states and the constants. Keras 2: these may stand behind the sequence, in that order."""
        constants = [] if constants is None else as_list(constants)
        if isinstance(sequences, (list, tuple)):
            sequences, *given = sequences
            states = given[:len(given) - self._num_constants]
            initial_state, constants = states or initial_state, given[len(states):] or constants
        self._num_constants = len(constants)
        return sequences, initial_state, constants

    def _run(self, sequences: Tensor, states: list[Any], mask: Any, training: Any, constants: list[Any]) -> Any:
        cell, more = self.cell, {"constants": constants} if constants else {}
        whole = isinstance(cell, Cell) and type(cell).call is Cell.call
        if whole:
            cell.start(sequences, states, training)
            sequences = cell.project(swapped(sequences), training)  # time first: a step's rows lie together

        def step(now: Tensor, current: Any) -> Any:
            if whole:
                return cell.advance(now, list(current), training)
            output, new = call_cell(cell, now, current, training, more)
            return output, as_list(new)

        masked = [c for c in getattr(cell, "cells", [cell]) if hasattr(c, "reset_dropout_mask")]
        for part in masked:
            part.reset_dropout_mask()
            part.reset_recurrent_dropout_mask()
        if masked:  # their masks hold for all steps: they are made in one that stands before the loop
            step(sequences[:, 0], states)
        try:
            return run_over_time(step, sequences, states, self.go_backwards, mask, self.unroll,
                                 self.zero_output_for_mask, self.return_sequences, time_major=whole)
        finally:
            if whole:
                cell.finish()

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = flatten(previous_mask)[0] if self.return_sequences else None
        return [mask, *(None for _ in self.state_size)] if self.return_state else mask

    def reset_state(self) -> None:
        """Make the states zero."""
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        if self._held is not None:
            for held in flatten(self._held):
                held.variable.assign(np.zeros(held.variable.shape, np.float32))

    def reset_states(self, states: Any = None) -> None:
        """Keras 2's name of `reset_state`, which can also set the states."""
        if states is None:
            self.reset_state()
            return
        for held, value in zip(flatten(self._held), flatten(states), strict=True):
            held.variable.assign(value)

    def _own_config(self) -> dict[str, Any]:
        constants = {"num_constants": self._num_constants} if self._num_constants else {}
        return {**constants, "return_sequences": self.return_sequences, "return_state": self.return_state,
                "go_backwards": self.go_backwards, "stateful": self.stateful, "unroll": self.unroll,
                "zero_output_for_mask": self.zero_output_for_mask}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._own_config(), "cell": serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        return cls(deserialize_keras_object(config.pop("cell"), custom_objects), **config)


class _Held:
    """A state's variable, kept where a layer does not find it among its weights."""

    def __init__(self, variable: Any):
        self.variable = variable


class _OfCell(RNN):
    """A recurrent layer with a cell of its own, whose arguments it takes. Subclasses define `cell_class`."""

    cell_class: Any
    rank = 0  # of the space at each step
    _LAYER = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask",
              "activity_regularizer")
    _BASE = ("name", "input_shape", "batch_input_shape", "batch_shape", "input_dim", "input_length", "batch_size",
             "weights", "autocast", "input_dtype")

    def __init__(self, units: int, *args: Any, **kwargs: Any):
        own = {k: kwargs.pop(k) for k in (*self._LAYER, *self._BASE) if k in kwargs}
        for ignored in ("use_cudnn", "time_major", "consume_less"):
            kwargs.pop(ignored, None)
        shared = {k: kwargs[k] for k in ("dtype", "trainable") if k in kwargs}
        name = to_snake_case(self.cell_class.__name__)
        super().__init__(self.cell_class(units, *args, name=name, **kwargs), **own, **shared)
        self.input_spec = InputSpec(ndim=3 + self.rank)

    def __getattr__(self, name: str) -> Any:
        """The arguments of the cell are the layer's as well: `lstm.units`."""
        cell = self.__dict__.get("cell")
        if cell is None or name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(cell, name)

    def get_config(self) -> dict[str, Any]:
        cell = self.cell.get_config()
        for key in ("name", "trainable", "dtype"):
            cell.pop(key)
        return {**Layer.get_config(self), **cell, **self._own_config(),
                "activity_regularizer": None if self.activity_regularizer is None else (
                    serialize_keras_object(self.activity_regularizer))}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        if "units" in config and config.get("implementation") == 0:  # Keras 1
            config["implementation"] = 1
        return cls(**config)


class SimpleRNN(_OfCell):
    """The fully connected recurrent layer: the output is fed back.

    Takes [batch, time, features] and gives the last output [batch, units]; all of them [batch, time, units] with
    `return_sequences`, and the states after them with `return_state`.
    """

    cell_class = SimpleRNNCell


class GRU(_OfCell):
    """The gated recurrent unit (Cho et al. 2014).

    Takes [batch, time, features] and gives the last output [batch, units]; all of them [batch, time, units] with
    `return_sequences`, and the states after them with `return_state`.
    """

    cell_class = GRUCell


class LSTM(_OfCell):
    """The long short-term memory (Hochreiter & Schmidhuber 1997).

    Takes [batch, time, features] and gives the last output [batch, units]; all of them [batch, time, units] with
    `return_sequences`, and the states after them with `return_state`.
    """

    cell_class = LSTMCell


class CuDNNGRU(GRU):
    """Keras 2's GRU for GPUs: `reset_after`, by the same code as GRU here."""

    def __init__(self, units: int, *args: Any, **kwargs: Any):
        super().__init__(units, *args, **{"reset_after": True, **kwargs})


class CuDNNLSTM(LSTM):
    """Keras 2's LSTM for GPUs, by the same code as LSTM here."""
