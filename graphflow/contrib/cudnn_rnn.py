"""`tf.contrib.cudnn_rnn`: the layers that ran on GPUs only, computed as any other; and cells with their variables.

A layer's variables are those that TensorFlow saved for it, kernels and biases of each layer and direction, not one
opaque buffer.
"""
from __future__ import annotations

from typing import Any

from ..array_ops import zeros
from ..compiler.dtypes import float32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, relu, sigmoid, tanh
from ..compiler.ops.slicing import split, stack, unstack
from ..framework import is_tensor
from ..initializers import constant as constant_initializer
from ..initializers import glorot_uniform
from ..initializers import zeros as zeros_initializer
from ..layers.base import Layer
from ..math_ops import matmul
from ..nn_ops import bias_add
from ..rnn.base import LSTMStateTuple, batch_size_of, input_depth
from ..rnn.cells import BasicRNNCell, GRUCell, MultiRNNCell
from ..rnn.dynamic import dynamic_rnn
from ..rnn.fused import LSTMBlockCell
from ..rnn.steps import swap_batch_time
from ..rnn.wrappers import DropoutWrapper
from ..variable_scope import get_variable_scope, variable_scope
from .rnn import stack_bidirectional_dynamic_rnn

__all__ = ["CudnnCompatibleGRUCell", "CudnnCompatibleLSTMCell", "CudnnGRU", "CudnnLSTM", "CudnnRNNRelu",
           "CudnnRNNTanh"]


class CudnnCompatibleLSTMCell(LSTMBlockCell):
    """The LSTM without forget bias or peepholes."""

    def __init__(self, num_units: int, reuse: Any = None):
        super().__init__(num_units, 0.0, reuse=reuse, name="cudnn_compatible_lstm_cell")


class CudnnCompatibleGRUCell(GRUCell):
    """The GRU that resets after the matrix product (Cho et al. 2014, first version)."""

    def __init__(self, num_units: int, reuse: Any = None, kernel_initializer: Any = None):
        super().__init__(num_units, reuse=reuse, kernel_initializer=kernel_initializer)

    def build(self, inputs_shape: Any) -> None:
        units, depth, start = self._num_units, input_depth(inputs_shape), self._kernel_initializer
        bias = self._bias_initializer
        self._gate_kernel = self.add_variable("gates/kernel", [depth + units, 2 * units], initializer=start)
        self._gate_bias = self.add_variable("gates/bias", [2 * units], initializer=bias or constant_initializer(1.0))
        self._projections = [
            (self.add_variable(f"candidate/{part}_projection/kernel", [size, units], initializer=start),
             self.add_variable(f"candidate/{part}_projection/bias", [units], initializer=bias or zeros_initializer()))
            for part, size in (("input", depth), ("hidden", units))]
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        reset, update = split(sigmoid(self._affine((inputs, state), self._gate_kernel, self._gate_bias)), 2, axis=1)
        new, old = (bias_add(matmul(x, kernel), bias)
                    for x, (kernel, bias) in zip((inputs, state), self._projections, strict=True))
        output = (1 - update) * self._activation(new + reset * old) + update * state
        return output, output


class _CudnnRNN(Layer):
    """Layers of cells over inputs [time, batch, size] (or [batch, time, size] when not `time_major`).

    Returns (outputs, final states), states being a tuple of tensors [num_layers * directions, batch, num_units]: (h, c)
    for an LSTM, else (h,). `dropout` is applied to the inputs of layers after the first while `training`. Raises
    ValueError for another direction than "unidirectional" and "bidirectional".
    """

    def __init__(self, num_layers: int, num_units: int, input_mode: str = "linear_input",
                 direction: str = "unidirectional", dropout: float = 0.0, seed: int | None = None,
                 dtype: Any = float32, kernel_initializer: Any = None, bias_initializer: Any = None,
                 name: str | None = None):
        super().__init__(dtype=dtype, name=name)
        if direction not in ("unidirectional", "bidirectional"):
            raise ValueError(f"Invalid direction: {direction}, expecting unidirectional or bidirectional")
        if input_mode not in ("linear_input", "skip_input", "auto_select"):
            raise ValueError(f"Invalid input_mode: {input_mode}, expecting linear_input, skip_input or auto_select")
        self.num_layers = num_layers
        self.num_units = num_units
        self.input_mode = input_mode
        self.direction = direction
        self.num_dirs = 1 if direction == "unidirectional" else 2
        self._dropout = dropout
        self._seed = seed
        self._start = kernel_initializer
        self._bias_start = bias_initializer or zeros_initializer()
        self._cells: list[Any] = []

    @property
    def trainable_weights(self) -> list[Any]:
        return list(dict.fromkeys(w for cell in self._cells for w in cell.trainable_weights)) if self.trainable else []

    def _cell(self) -> Any:
        raise NotImplementedError

    def _layer_cells(self, training: Any) -> list[Any]:
        """A cell for each layer, with dropout of what it takes from the layer before."""
        cells = [self._cell() for _ in range(self.num_layers)]
        self._cells += cells
        if not self._dropout or training is False:
            return cells
        rate = cast(training, float32) * self._dropout if is_tensor(training) else self._dropout
        return [cells[0], *(DropoutWrapper(cell, input_keep_prob=1 - rate, seed=self._seed) for cell in cells[1:])]

    def _states(self, state: Any) -> list[Any]:
        """The state of each cell from stacked ones."""
        return unstack(state[0], self.num_layers * self.num_dirs)

    def _stacked(self, states: list[Any]) -> tuple[Tensor, ...]:
        return (stack(states),)

    def state_shape(self, batch_size: Any) -> list[list[Any]]:
        """The shapes of the states."""
        return [[self.num_layers * self.num_dirs, batch_size, self.num_units]]

    def call(self, inputs: Any, initial_state: Any = None, sequence_lengths: Any = None, time_major: bool = True,
             training: Any = True) -> Any:
        if initial_state is not None and not isinstance(initial_state, tuple):
            raise TypeError(f"Invalid initial_state type: {initial_state}, expecting tuple.")
        x = convert_to_tensor(inputs, self.dtype)
        x = x if time_major else swap_batch_time(x)
        if initial_state is None:
            initial_state = tuple(zeros(s, self.dtype) for s in self.state_shape(batch_size_of(x, 1)))
        states = self._states(initial_state)
        with variable_scope(get_variable_scope(), initializer=self._start or glorot_uniform(seed=self._seed)):
            if self.num_dirs == 1:
                outputs, final = dynamic_rnn(MultiRNNCell(self._layer_cells(training)), x, sequence_lengths,
                                             tuple(states), time_major=True)
            else:
                outputs, forward, backward = stack_bidirectional_dynamic_rnn(
                    self._layer_cells(training), self._layer_cells(training), x, states[::2], states[1::2],
                    sequence_length=sequence_lengths, time_major=True)
                final = [state for pair in zip(forward, backward, strict=True) for state in pair]
        return outputs if time_major else swap_batch_time(outputs), self._stacked(list(final))


class CudnnLSTM(_CudnnRNN):
    """Layers of LSTMs; initial and final states are (h, c)."""

    def _cell(self) -> Any:
        return CudnnCompatibleLSTMCell(self.num_units)

    def _states(self, state: Any) -> list[Any]:
        h, c = (unstack(part, self.num_layers * self.num_dirs) for part in state)
        return [LSTMStateTuple(*pair) for pair in zip(c, h, strict=True)]

    def _stacked(self, states: list[Any]) -> tuple[Tensor, ...]:
        return stack([s.h for s in states]), stack([s.c for s in states])

    def state_shape(self, batch_size: Any) -> list[list[Any]]:
        return super().state_shape(batch_size) * 2


class CudnnGRU(_CudnnRNN):
    """Layers of GRUs."""

    def _cell(self) -> Any:
        cell = CudnnCompatibleGRUCell(self.num_units)
        cell._bias_initializer = self._bias_start
        return cell


class CudnnRNNTanh(_CudnnRNN):
    """Layers of simple cells."""

    def _cell(self) -> Any:
        return BasicRNNCell(self.num_units, tanh)


class CudnnRNNRelu(_CudnnRNN):
    """Layers of simple cells with relu."""

    def _cell(self) -> Any:
        return BasicRNNCell(self.num_units, relu)
