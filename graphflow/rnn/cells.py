"""The basic recurrent cells: simple, GRU, LSTM, and stacks of cells."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import nest
from ..clip_ops import clip_by_value
from ..compiler.dtypes import DType, as_dtype
from ..compiler.ir import Tensor
from ..compiler.ops.elementwise import sigmoid
from ..compiler.ops.slicing import concat, split
from ..framework import name_scope
from ..initializers import constant as constant_initializer
from ..initializers import zeros as zeros_initializer
from ..math_ops import matmul
from ..nn_ops import bias_add
from ..variable_scope import variable_scope
from .base import (
    LayerRNNCell,
    LSTMStateTuple,
    OfUnits,
    Projected,
    RNNCell,
    activation_of,
    input_depth,
    memory_and_output,
)


def _is_float(dtype: DType) -> bool:
    return dtype.is_floating or dtype.is_complex


def check_floats(*values: Any) -> None:
    """Raises ValueError unless inputs and state of a cell are floats."""
    for value in nest.flatten(list(values)):
        if not _is_float(value.dtype):
            raise ValueError(f"RNN cell only supports floating point inputs, but saw dtype: {value.dtype}")


class _FloatCell(LayerRNNCell):
    """A cell of vectors [batch, size] of floats."""

    def __init__(self, activation: Any, reuse: Any, name: str | None, dtype: Any, **kwargs: Any):
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        if dtype is not None and not _is_float(as_dtype(dtype)):
            raise ValueError(f"RNN cell only supports floating point inputs, but saw dtype: {as_dtype(dtype)}")
        self._activation = activation_of(activation)

    def _affine(self, inputs: Sequence[Tensor], kernel: Any, bias: Any) -> Tensor:
        return bias_add(matmul(concat(list(inputs), 1), kernel), bias)


class BasicRNNCell(OfUnits, _FloatCell):
    """output = state = activation([inputs, state] @ kernel + bias), both [batch, num_units] (Elman 1990)."""

    def __init__(self, num_units: int, activation: Any = None, reuse: Any = None, name: str | None = None,
                 dtype: Any = None, **kwargs: Any):
        super().__init__(activation, reuse, name, dtype, **kwargs)
        self._num_units = num_units

    def build(self, inputs_shape: Any) -> None:
        units = self._num_units
        self._kernel = self.add_variable("kernel", shape=[input_depth(inputs_shape) + units, units])
        self._bias = self.add_variable("bias", shape=[units], initializer=zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        check_floats(inputs, state)
        output = self._activation(self._affine((inputs, state), self._kernel, self._bias))
        return output, output


class GRUCell(OfUnits, _FloatCell):
    """The gated recurrent unit (Cho et al. 2014, in the version that resets before the matrix product)."""

    def __init__(self, num_units: int, activation: Any = None, reuse: Any = None, kernel_initializer: Any = None,
                 bias_initializer: Any = None, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(activation, reuse, name, dtype, **kwargs)
        self._num_units = num_units
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer

    def build(self, inputs_shape: Any) -> None:
        units, start = self._num_units, self._bias_initializer
        depth = input_depth(inputs_shape) + units
        self._gate_kernel = self.add_variable("gates/kernel", shape=[depth, 2 * units],
                                              initializer=self._kernel_initializer)
        self._gate_bias = self.add_variable("gates/bias", shape=[2 * units],
                                            initializer=constant_initializer(1.0) if start is None else start)
        self._candidate_kernel = self.add_variable("candidate/kernel", shape=[depth, units],
                                                   initializer=self._kernel_initializer)
        self._candidate_bias = self.add_variable("candidate/bias", shape=[units],
                                                 initializer=zeros_initializer() if start is None else start)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        check_floats(inputs, state)
        gates = sigmoid(self._affine((inputs, state), self._gate_kernel, self._gate_bias))
        reset, update = split(gates, 2, axis=1)
        candidate = self._activation(
            self._affine((inputs, reset * state), self._candidate_kernel, self._candidate_bias))
        output = update * state + (1 - update) * candidate
        return output, output


class BasicLSTMCell(_FloatCell):
    """The LSTM (Hochreiter and Schmidhuber 1997) without clipping, projection or peepholes.

    The columns of the kernel [inputs + units, 4 * units] are those of the input gate, the new input, the forget gate
    (to which `forget_bias` is added) and the output gate. The state is an LSTMStateTuple, or [batch, 2 * units] (c, h)
    when not `state_is_tuple`.
    """

    def __init__(self, num_units: int, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None,
                 reuse: Any = None, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(activation, reuse, name, dtype, **kwargs)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self._num_units) if self._state_is_tuple else 2 * self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, inputs_shape: Any) -> None:
        units = self._num_units
        self._kernel = self.add_variable("kernel", shape=[input_depth(inputs_shape) + units, 4 * units])
        self._bias = self.add_variable("bias", shape=[4 * units], initializer=zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        check_floats(inputs, state)
        c, h = memory_and_output(state) if self._state_is_tuple else split(state, 2, axis=1)
        i, j, f, o = split(self._affine((inputs, h), self._kernel, self._bias), 4, axis=1)
        new_c = c * sigmoid(f + self._forget_bias) + sigmoid(i) * self._activation(j)
        new_h = self._activation(new_c) * sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else concat([new_c, new_h], 1)


class LSTMCell(Projected, _FloatCell):
    """The LSTM with optional peepholes (Gers and Schmidhuber 2000), projection and clipping (Sak et al. 2014).

    `use_peepholes` adds the memory, scaled, to the gates; `cell_clip` bounds the memory to [-cell_clip, cell_clip];
    `num_proj` projects the output, and `proj_clip` bounds it. Otherwise as BasicLSTMCell. The numbers of shards are
    accepted and not used.
    """

    def __init__(self, num_units: int, use_peepholes: bool = False, cell_clip: float | None = None,
                 initializer: Any = None, num_proj: int | None = None, proj_clip: float | None = None,
                 num_unit_shards: int | None = None, num_proj_shards: int | None = None, forget_bias: float = 1.0,
                 state_is_tuple: bool = True, activation: Any = None, reuse: Any = None, name: str | None = None,
                 dtype: Any = None, **kwargs: Any):
        super().__init__(activation, reuse, name, dtype, **kwargs)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple

    def build(self, inputs_shape: Any) -> None:
        units, start = self._num_units, self._initializer
        self._kernel = self.add_variable("kernel", shape=[input_depth(inputs_shape) + self.output_size, 4 * units],
                                         initializer=start)
        self._bias = self.add_variable("bias", shape=[4 * units], initializer=zeros_initializer())
        if self._use_peepholes:
            self._w_f_diag = self.add_variable("w_f_diag", shape=[units], initializer=start)
            self._w_i_diag = self.add_variable("w_i_diag", shape=[units], initializer=start)
            self._w_o_diag = self.add_variable("w_o_diag", shape=[units], initializer=start)
        if self._num_proj:
            self._proj_kernel = self.add_variable("projection/kernel", shape=[units, self._num_proj],
                                                  initializer=start)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        check_floats(inputs, state)
        sizes = [self._num_units, self.output_size]
        c, h = memory_and_output(state) if self._state_is_tuple else split(state, sizes, axis=1)
        i, j, f, o = split(self._affine((inputs, h), self._kernel, self._bias), 4, axis=1)
        if self._use_peepholes:
            i, f = i + self._w_i_diag * c, f + self._w_f_diag * c
        new_c = sigmoid(f + self._forget_bias) * c + sigmoid(i) * self._activation(j)
        if self._cell_clip is not None:
            new_c = clip_by_value(new_c, -self._cell_clip, self._cell_clip)
        if self._use_peepholes:
            o = o + self._w_o_diag * new_c
        new_h = sigmoid(o) * self._activation(new_c)
        if self._num_proj:
            new_h = matmul(new_h, self._proj_kernel)
            if self._proj_clip is not None:
                new_h = clip_by_value(new_h, -self._proj_clip, self._proj_clip)
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else concat([new_c, new_h], 1)


class MultiRNNCell(RNNCell):
    """Cells in a stack, each the input of the next; the state is the tuple of theirs.

    When not `state_is_tuple`, states are concatenated along the columns. Raises ValueError for no cells, or for cells
    with tuples as states then.
    """

    def __init__(self, cells: Sequence[Any], state_is_tuple: bool = True):
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not nest.is_nested(cells):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        self._cells = cells
        self._state_is_tuple = state_is_tuple
        if not state_is_tuple and any(nest.is_nested(cell.state_size) for cell in cells):
            raise ValueError("Some cells return tuples of states, but the flag state_is_tuple is not set.  State sizes "
                             f"are: {[cell.state_size for cell in cells]}")

    @property
    def state_size(self) -> Any:
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with name_scope(f"{type(self).__name__}ZeroState"):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
            return super().zero_state(batch_size, dtype)

    @property
    def trainable_weights(self) -> list[Any]:
        return [w for cell in self._cells for w in cell.trainable_weights] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        frozen = [w for cell in self._cells for w in cell.non_trainable_weights]
        return frozen if self.trainable else [w for cell in self._cells for w in cell.trainable_weights] + frozen

    def call(self, inputs: Any, state: Any) -> Any:
        if self._state_is_tuple and not nest.is_nested(state):
            raise ValueError(f"Expected state to be a tuple of length {len(self.state_size)}, but received: {state}")
        states = state if self._state_is_tuple else split(state, [cell.state_size for cell in self._cells], axis=1)
        new_states = []
        for k, cell in enumerate(self._cells):
            with variable_scope(f"cell_{k}"):
                inputs, new_state = cell(inputs, states[k])
                new_states.append(new_state)
        return inputs, tuple(new_states) if self._state_is_tuple else concat(new_states, 1)
