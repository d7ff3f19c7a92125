"""Wrappers of `tf.contrib.rnn`: projections, embeddings, attention to past outputs, highways, phases."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import nest
from ..compiler.dtypes import float32
from ..compiler.ir import Tensor
from ..compiler.ops.elementwise import cast, exp, less, sigmoid, tanh, where
from ..compiler.ops.reduction import reduce_sum
from ..compiler.ops.slicing import concat, split
from ..compiler.ops.view import expand_dims, reshape, stop_gradient
from ..framework import name_scope
from ..initializers import constant as constant_initializer
from ..initializers import random_uniform as random_uniform_initializer
from ..math_ops import matmul
from ..nn_ops import embedding_lookup, softmax, xw_plus_b
from ..random_ops import random_uniform
from ..variable_scope import get_variable, get_variable_scope, variable_scope
from .base import LSTMStateTuple, RNNCell, assert_like_rnncell
from .contributed import linear


class _Around(RNNCell):
    """A cell around another, with variables of its own."""

    def __init__(self, cell: Any, reuse: Any = None):
        super().__init__(_reuse=reuse)
        assert_like_rnncell("cell", cell)
        self._cell = cell

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        return self._cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with name_scope(f"{type(self).__name__}ZeroState"):
            return self._cell.zero_state(batch_size, dtype)


class EmbeddingWrapper(_Around):
    """A cell whose inputs are ids [batch] or [batch, 1], embedded by the variable "embedding".

    Raises ValueError unless classes and size are positive.
    """

    def __init__(self, cell: Any, embedding_classes: int, embedding_size: int, initializer: Any = None,
                 reuse: Any = None):
        super().__init__(cell, reuse)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(f"Both embedding_classes and embedding_size must be > 0: {embedding_classes}, "
                             f"{embedding_size}.")
        self._embedding_shape = [embedding_classes, embedding_size]
        self._initializer = initializer

    def call(self, inputs: Any, state: Any) -> Any:
        # uniform with variance 1
        start = self._initializer or get_variable_scope().initializer or random_uniform_initializer(
            -math.sqrt(3), math.sqrt(3))
        dtype = nest.flatten(state)[0].dtype
        embedding = get_variable("embedding", self._embedding_shape, dtype, start)
        return self._cell(embedding_lookup(embedding, reshape(inputs, [-1])), state)


class InputProjectionWrapper(_Around):
    """A cell whose inputs are projected to `num_proj` first."""

    def __init__(self, cell: Any, num_proj: int, activation: Callable[..., Tensor] | None = None,
                 input_size: Any = None, reuse: Any = None):
        super().__init__(cell, reuse)
        self._num_proj = num_proj
        self._activation = activation

    def call(self, inputs: Any, state: Any) -> Any:
        projected = linear(inputs, self._num_proj)
        return self._cell(self._activation(projected) if self._activation else projected, state)


class OutputProjectionWrapper(_Around):
    """A cell whose outputs are projected to `output_size`. Raises ValueError unless that is positive."""

    def __init__(self, cell: Any, output_size: int, activation: Callable[..., Tensor] | None = None,
                 reuse: Any = None):
        super().__init__(cell, reuse)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._output_size = output_size
        self._activation = activation

    @property
    def output_size(self) -> int:
        return self._output_size

    def call(self, inputs: Any, state: Any) -> Any:
        output, new_state = self._cell(inputs, state)
        projected = linear(output, self._output_size)
        return (self._activation(projected) if self._activation else projected), new_state


class HighwayWrapper(_Around):
    """A cell whose output is mixed with its input by a gate (Srivastava et al. 2015)."""

    def __init__(self, cell: Any, couple_carry_transform_gates: bool = True, carry_bias_init: float = 1.0):
        super().__init__(cell)
        self._coupled = couple_carry_transform_gates
        self._carry_bias_init = carry_bias_init

    def _gate(self, name: str, inputs: Tensor, bias: float) -> Tensor:
        size = inputs.shape.as_list()[1]
        return sigmoid(xw_plus_b(inputs, get_variable(f"{name}_w", [size, size]),
                                 get_variable(f"{name}_b", [size], initializer=constant_initializer(bias))))

    def _mixed(self, inputs: Tensor, output: Tensor) -> Tensor:
        inputs.shape.assert_is_compatible_with(output.shape)
        carry = self._gate("carry", inputs, self._carry_bias_init)
        transform = 1 - carry if self._coupled else self._gate("transform", inputs, -self._carry_bias_init)
        return inputs * carry + output * transform

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        outputs, new_state = self._cell(inputs, state, scope=scope)
        return nest.map_structure(self._mixed, inputs, outputs), new_state


class AttentionCellWrapper(_Around):
    """A cell that attends to its last `attn_length` outputs (Bahdanau et al. 2015).

    The state is (the cell's, the last attention, the last outputs), or their concatenation when not `state_is_tuple`.
    Raises ValueError for a length that is not positive, or for a cell with tuples as states then.
    """

    def __init__(self, cell: Any, attn_length: int, attn_size: int | None = None, attn_vec_size: int | None = None,
                 input_size: int | None = None, state_is_tuple: bool = True, reuse: Any = None):
        super().__init__(cell, reuse)
        if nest.is_nested(cell.state_size) and not state_is_tuple:
            raise ValueError("Cell returns tuple of states, but the flag state_is_tuple is not set. State size is: "
                             f"{cell.state_size}")
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        self._length = attn_length
        self._size = attn_size or cell.output_size
        self._vec_size = attn_vec_size or self._size
        self._input_size = input_size
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = self._cell.state_size, self._size, self._size * self._length
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> int:
        return self._size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        return RNNCell.zero_state(self, batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> Any:
        sizes = [self._cell.state_size, self._size, self._size * self._length]
        cell_state, attention, past = state if self._state_is_tuple else split(state, sizes, axis=1)
        past = reshape(past, [-1, self._length, self._size])
        inputs = linear([inputs, attention], self._input_size or inputs.shape.as_list()[1])
        cell_output, cell_state = self._cell(inputs, cell_state)
        attention = self._attention(concat(nest.flatten(cell_state), 1), past)
        with variable_scope("attn_output_projection"):
            output = linear([cell_output, attention], self._size)
        past = concat([past[:, 1:], expand_dims(output, 1)], 1)
        new_state = cell_state, attention, reshape(past, [-1, self._length * self._size])
        return output, new_state if self._state_is_tuple else concat(list(new_state), 1)

    def _attention(self, query: Tensor, past: Tensor) -> Tensor:
        with variable_scope("attention"):
            w = get_variable("attn_w", [1, 1, self._size, self._vec_size])
            v = get_variable("attn_v", [self._vec_size])
            keys = reshape(matmul(reshape(past, [-1, self._size]), reshape(w, [self._size, self._vec_size])),
                           [-1, self._length, self._vec_size])
            scores = reduce_sum(v * tanh(keys + expand_dims(linear(query, self._vec_size), 1)), 2)
            return reduce_sum(expand_dims(softmax(scores), 2) * past, 1)


def _exp_uniform(low: float, high: float) -> Callable[..., Tensor]:
    """An initializer with the exponentials of numbers uniform between log(low) and log(high)."""
    def make(shape: Any, dtype: Any = float32, **unused: Any) -> Tensor:
        return exp(random_uniform(shape, np.log(low), np.log(high), dtype))
    return make


class PhasedLSTMCell(RNNCell):
    """The LSTM that updates each unit in phases of time (Neil et al. 2016); inputs are (time [batch, 1], x)."""

    def __init__(self, num_units: int, use_peepholes: bool = False, leak: float = 0.001, ratio_on: float = 0.1,
                 trainable_ratio_on: bool = True, period_init_min: float = 1.0, period_init_max: float = 1000.0,
                 reuse: Any = None):
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._leak = leak
        self._ratio_on = ratio_on
        self._trainable_ratio_on = trainable_ratio_on
        self._period = _exp_uniform(period_init_min, period_init_max)

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> int:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        (c, h), (time, x), units = state, inputs, self._num_units
        with variable_scope("mask_gates"):
            gates = sigmoid(linear([x, h, *([c] if self._use_peepholes else [])], 2 * units))
            input_gate, forget_gate = split(gates, 2, axis=1)
        with variable_scope("new_input"):
            new_c = c * forget_gate + input_gate * tanh(linear([x, h], units))
        with variable_scope("output_gate"):
            new_h = tanh(new_c) * sigmoid(linear([x, h, *([new_c] if self._use_peepholes else [])], units))
        period = get_variable("period", [units], initializer=self._period)
        phase = get_variable("phase", [units], initializer=lambda shape, dtype=float32, **unused: random_uniform(
            shape, dtype=dtype) * period.initial_value)
        ratio_on = get_variable("ratio_on", [units], initializer=constant_initializer(self._ratio_on),
                                trainable=self._trainable_ratio_on)
        period, shifted = cast(period, time.dtype), time - cast(phase, time.dtype)
        # the remainder, with the gradient of the identity
        cycle = cast((stop_gradient(shifted % period - shifted) + shifted) / period, float32)
        up = 2 * cycle / ratio_on
        k = where(less(cycle, ratio_on), 2 - up, self._leak * cycle)
        k = where(less(cycle, 0.5 * ratio_on), up, k)
        new_c, new_h = k * new_c + (1 - k) * c, k * new_h + (1 - k) * h
        return new_h, LSTMStateTuple(new_c, new_h)
