"""The base class of recurrent layers up to Keras 2.0: the layer itself says what a step does."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...compiler.ir import Tensor
from .. import backend, layers
from ..layers.node import history_of
from ..nest import as_list

__all__ = ["Recurrent", "_time_distributed_dense"]


class Recurrent(layers.Layer):
    """A layer over `(samples, steps, features)`. Subclasses define `step(inputs, states) -> (output, new states)`,
    whose states end with what `get_constants` gives, and in `build` set `units` and `states` (a list as long as there
    are states, of None). They may define `get_initial_state`, `preprocess_input` and `get_constants`.
    """

    units: int
    states: list[Any]

    def __init__(self, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
                 stateful: bool = False, unroll: bool = False, implementation: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.stateful, self.unroll, self.implementation = stateful, unroll, implementation
        self.supports_masking = True
        self.input_spec: Any = [layers.InputSpec(ndim=3)]
        self.state_spec: Any = None
        self.dropout = self.recurrent_dropout = 0

    def step(self, inputs: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        raise NotImplementedError

    def get_constants(self, inputs: Tensor, training: Any = None) -> list[Any]:
        """What every step is given after the states."""
        return []

    def get_initial_state(self, inputs: Tensor) -> list[Tensor]:
        """Zeros `(samples, units)` for each state."""
        zeros = backend.expand_dims(backend.sum(backend.zeros_like(inputs), axis=(1, 2)))
        return [backend.tile(zeros, [1, self.units])] * len(self.states)

    def preprocess_input(self, inputs: Tensor, training: Any = None) -> Tensor:
        """What the steps are given a row of, made once from all inputs."""
        return inputs

    def __call__(self, inputs: Any, initial_state: Any = None, **kwargs: Any) -> Any:
        given = [] if initial_state is None else as_list(initial_state)
        if given and all(history_of(t) is not None for t in given):
            inputs, given = [inputs, *given], []
        if given:
            kwargs["initial_state"] = given
        if not isinstance(inputs, (list, tuple)):
            return super().__call__(inputs, **kwargs)
        spec, self.input_spec = self.input_spec, None  # which tells of the sequence alone
        try:
            return super().__call__(inputs, **kwargs)
        finally:
            self.input_spec = self.input_spec or spec

    def call(self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None) -> Any:
        if isinstance(inputs, (list, tuple)):
            inputs, *initial_state = inputs
        if not initial_state:
            initial_state = self.states if self.stateful else self.get_initial_state(inputs)
        if len(initial_state) != len(self.states):
            raise ValueError(f"Layer has {len(self.states)} states but was passed {len(initial_state)} initial states.")
        last, outputs, states = backend.rnn(
            self.step, self.preprocess_input(inputs, training=None), list(initial_state),
            go_backwards=self.go_backwards, mask=mask[0] if isinstance(mask, list) else mask,
            constants=self.get_constants(inputs, training=None), unroll=self.unroll,
            input_length=backend.int_shape(inputs)[1])
        if self.stateful:
            self.add_update(list(zip(self.states, states, strict=True)), inputs)
        output = outputs if self.return_sequences else last
        return [output, *states] if self.return_state else output

    def compute_output_shape(self, input_shape: Any) -> Any:
        samples, steps = (input_shape[0] if isinstance(input_shape, list) else input_shape)[:2]
        output = (samples, steps, self.units) if self.return_sequences else (samples, self.units)
        return [output, *[(samples, self.units)] * len(self.states)] if self.return_state else output

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, list) else previous_mask
        mask = mask if self.return_sequences else None
        return [mask, *[None] * len(self.states)] if self.return_state else mask

    def reset_states(self, states: Any = None) -> None:
        """Set the states of a stateful layer, to zeros or to these arrays. Raises AttributeError for another layer and
        ValueError where the batch size is not known, or arrays do not fit."""
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        samples = self.input_spec[0].shape[0]
        if not samples:
            raise ValueError("If a RNN is stateful, it needs to know its batch size. Specify it by `batch_input_shape` "
                             "or `batch_shape` of the first layer.")
        if self.states[0] is None:
            self.states = [backend.zeros((samples, self.units)) for _ in self.states]
        values = [np.zeros((samples, self.units))] * len(self.states) if states is None else as_list(states)
        if len(values) != len(self.states) or any(np.shape(v) != (samples, self.units) for v in values):
            raise ValueError(f"Layer {self.name} expects {len(self.states)} states of shape {(samples, self.units)}, "
                             f"but it received {[np.shape(v) for v in values]}.")
        for state, value in zip(self.states, values, strict=True):
            backend.set_value(state, value)

    def get_config(self) -> dict[str, Any]:
        names = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "implementation")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _time_distributed_dense(x: Tensor, w: Any, b: Any = None, dropout: Any = None, input_dim: int | None = None,
                            output_dim: int | None = None, timesteps: int | None = None, training: Any = None
                            ) -> Tensor:
    """`x w + b` at every step; `dropout` (a rate) leaves out the same features at each of a sample's."""
    if dropout is not None and 0.0 < dropout < 1.0:
        kept = backend.ones_like(x[:, 0, :])
        kept = backend.in_train_phase(lambda: backend.dropout(kept, dropout), kept, training=training)
        x = x * backend.expand_dims(kept, 1)
    x = backend.dot(x, w)
    return x if b is None else backend.bias_add(x, b)
