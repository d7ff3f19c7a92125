"""Cells that TensorFlow computes in one kernel, and networks over whole sequences, [time, batch, size]."""
from __future__ import annotations

from typing import Any

from ..compiler.ir import Tensor
from ..compiler.ops.elementwise import sigmoid, tanh
from ..compiler.ops.slicing import concat, split, stack, unstack
from ..initializers import constant as constant_initializer
from ..initializers import zeros as zeros_initializer
from ..layers.base import Layer
from ..math_ops import matmul
from ..nn_ops import bias_add
from .base import LayerRNNCell, input_depth
from .cells import LSTMCell
from .dynamic import dynamic_rnn
from .static import static_rnn
from .steps import reverse_time


class LSTMBlockCell(LSTMCell):
    """LSTMCell under the name and with the arguments of TensorFlow's fused kernel."""

    def __init__(self, num_units: int, forget_bias: float = 1.0, cell_clip: float | None = None,
                 use_peephole: bool = False, dtype: Any = None, reuse: Any = None, name: str = "lstm_cell"):
        super().__init__(num_units, use_peephole, cell_clip if cell_clip is not None and cell_clip > 0 else None,
                         forget_bias=forget_bias, reuse=reuse, name=name, dtype=dtype)


class GRUBlockCell(LayerRNNCell):
    """GRUCell with the variables of TensorFlow's fused kernel: "w_ru", "b_ru", "w_c", "b_c"."""

    _names = ("w_ru", "b_ru", "w_c", "b_c")

    def __init__(self, num_units: int | None = None, cell_size: int | None = None, reuse: Any = None,
                 name: str = "gru_cell"):
        super().__init__(_reuse=reuse, name=name)
        if (num_units is None) == (cell_size is None):
            raise ValueError("Exactly one of num_units or cell_size must be provided.")
        self._cell_size: int = num_units or cell_size  # type: ignore[assignment]

    @property
    def state_size(self) -> int:
        return self._cell_size

    @property
    def output_size(self) -> int:
        return self._cell_size

    def build(self, inputs_shape: Any) -> None:
        units, names = self._cell_size, self._names
        depth = input_depth(inputs_shape) + units
        self._gate_kernel = self.add_variable(names[0], [depth, 2 * units])
        self._gate_bias = self.add_variable(names[1], [2 * units], initializer=constant_initializer(1.0))
        self._candidate_kernel = self.add_variable(names[2], [depth, units])
        self._candidate_bias = self.add_variable(names[3], [units], initializer=zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        gates = sigmoid(bias_add(matmul(concat([inputs, state], 1), self._gate_kernel), self._gate_bias))
        reset, update = split(gates, 2, axis=1)
        candidate = tanh(bias_add(matmul(concat([inputs, reset * state], 1), self._candidate_kernel),
                                  self._candidate_bias))
        output = update * state + (1 - update) * candidate
        return output, output


class GRUBlockCellV2(GRUBlockCell):
    """GRUBlockCell with the variable names of GRUCell."""

    _names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")


class FusedRNNCell:
    """A network over a whole sequence: outputs, final state = cell(inputs [time, batch, size] or list of them)."""

    def __call__(self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None,
                 scope: Any = None) -> Any:
        raise NotImplementedError


class FusedRNNCellAdaptor(FusedRNNCell):
    """A cell run over a whole sequence, by `dynamic_rnn` or `static_rnn`."""

    def __init__(self, cell: Any, use_dynamic_rnn: bool = False):
        self._cell = cell
        self._use_dynamic_rnn = use_dynamic_rnn

    def __call__(self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None,
                 scope: Any = None) -> Any:
        is_list = isinstance(inputs, list)
        if self._use_dynamic_rnn:
            outputs, state = dynamic_rnn(self._cell, stack(inputs) if is_list else inputs, sequence_length,
                                         initial_state, dtype, time_major=True, scope=scope)
            return (unstack(outputs, len(inputs)) if is_list else outputs), state
        steps, state = static_rnn(self._cell, inputs if is_list else unstack(inputs), initial_state, dtype,
                                  sequence_length, scope)
        return (steps if is_list else stack(steps)), state


class TimeReversedFusedRNN(FusedRNNCell):
    """A fused network run backwards in time; its outputs stand at the time of their input."""

    def __init__(self, cell: FusedRNNCell):
        self._cell = cell

    def __call__(self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None,
                 scope: Any = None) -> Any:
        def backwards(value: Any) -> Any:
            return list(reversed(value)) if isinstance(value, list) else reverse_time(value, sequence_length, 0, 1)

        outputs, state = self._cell(backwards(inputs), initial_state=initial_state, dtype=dtype,
                                    sequence_length=sequence_length, scope=scope)
        return backwards(outputs), state


class LSTMBlockWrapper(Layer):
    """Base of networks of LSTM cells over whole sequences."""

    @property
    def num_units(self) -> int:
        """The number of units."""
        raise NotImplementedError


class LSTMBlockFusedCell(LSTMBlockWrapper):
    """An LSTM over inputs [time, batch, size], or a list of [batch, size]; options as of LSTMBlockCell.

    Called with `initial_state`, or `dtype` for zeros, and optionally `sequence_length` [batch]. Returns (outputs
    [time, batch, units], final state as LSTMStateTuple).
    """

    def __init__(self, num_units: int, forget_bias: float = 1.0, cell_clip: float | None = None,
                 use_peephole: bool = False, reuse: Any = None, dtype: Any = None, name: str = "lstm_fused_cell"):
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units = num_units
        self._options = forget_bias, cell_clip, use_peephole

    @property
    def num_units(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        units, depth = self._num_units, input_depth(input_shape[0] if isinstance(input_shape, list) else input_shape)
        cell = LSTMBlockCell(units, *self._options)
        cell._kernel = self.add_variable("kernel", [depth + units, 4 * units])
        cell._bias = self.add_variable("bias", [4 * units], initializer=zeros_initializer())
        if self._options[2]:
            cell._w_i_diag, cell._w_f_diag, cell._w_o_diag = (
                self.add_variable(f"w_{gate}_diag", [units]) for gate in "ifo")
        cell.built = True
        self._cell = cell
        self.built = True

    def call(self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None) -> Any:
        if initial_state is None and dtype is None:
            raise ValueError("Either initial_state or dtype needs to be specified")
        if initial_state is not None and len(initial_state) != 2:
            raise ValueError("Expecting initial_state to be a tuple with length 2 or None")
        state = None if initial_state is None else type(self._cell.state_size)(*initial_state)
        x: Tensor = stack(inputs) if isinstance(inputs, list) else inputs
        outputs, final_state = dynamic_rnn(self._cell, x, sequence_length, state, dtype, time_major=True)
        return (unstack(outputs, len(inputs)) if isinstance(inputs, list) else outputs), final_state
