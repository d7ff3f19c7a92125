"""Cells of `tf.contrib.rnn` with one matrix of variables or few."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..clip_ops import clip_by_value
from ..compiler.ir import Tensor
from ..compiler.ops.elementwise import relu, rsqrt, sigmoid, square, tanh
from ..compiler.ops.reduction import reduce_mean
from ..compiler.ops.slicing import concat, split, tile
from ..initializers import constant as constant_initializer
from ..initializers import random_uniform as random_uniform_initializer
from ..initializers import zeros as zeros_initializer
from ..math_ops import matmul
from ..nn_ops import bias_add, dropout
from ..variable_scope import get_variable, get_variable_scope, variable_scope
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


class Linear:
    """The concatenation of arguments [batch, n] times the variable "kernel", plus "bias", made in the current scope.

    It is called with arguments like those it was made for. Raises ValueError for others than matrices of known size.
    """

    def __init__(self, args: Any, output_size: int, build_bias: bool = True, bias_initializer: Any = None,
                 kernel_initializer: Any = None):
        parts = _parts(args)
        if not parts:
            raise ValueError("`args` must be specified")
        for part in parts:
            if len(part.shape) != 2 or part.shape.as_list()[1] is None:
                raise ValueError(f"linear expects 2D arguments of known size, received {[p.shape for p in parts]}")
        depth = sum(part.shape.as_list()[1] or 0 for part in parts)
        self._kernel = get_variable("kernel", [depth, output_size], parts[0].dtype, kernel_initializer)
        self._bias = None
        if build_bias:
            start = zeros_initializer() if bias_initializer is None else bias_initializer
            self._bias = get_variable("bias", [output_size], parts[0].dtype, start)

    def __call__(self, args: Any) -> Tensor:
        parts = _parts(args)
        product = matmul(parts[0] if len(parts) == 1 else concat(parts, 1), self._kernel)
        return product if self._bias is None else bias_add(product, self._bias)


def _parts(args: Any) -> list[Tensor]:
    return list(args) if isinstance(args, (list, tuple)) else [args]


def linear(args: Any, output_size: int, bias: bool = True, bias_initializer: Any = None,
           kernel_initializer: Any = None) -> Tensor:
    """`Linear(args, ...)(args)`."""
    return Linear(args, output_size, bias, bias_initializer, kernel_initializer)(args)


def layer_norm(x: Tensor, scope: str, gain: float = 1.0, shift: float = 0.0) -> Tensor:
    """Normalized over the last axis (Ba et al. 2016), times "gamma" and plus "beta" of a variable scope."""
    size = [x.shape.as_list()[-1]]
    with variable_scope(scope):
        gamma = get_variable("gamma", size, x.dtype, constant_initializer(gain))
        beta = get_variable("beta", size, x.dtype, constant_initializer(shift))
    mean = reduce_mean(x, -1, True)
    variance = reduce_mean(square(x - mean), -1, True)
    return (x - mean) * rsqrt(variance + 1e-12) * gamma + beta


class _Sized(OfUnits, RNNCell):
    """A cell with states and outputs of `num_units`."""

    def __init__(self, num_units: int, reuse: Any = None):
        super().__init__(_reuse=reuse)
        self._num_units = num_units


class LayerNormBasicLSTMCell(_Sized):
    """An LSTM whose gates and memory are normalized (Ba et al. 2016), with dropout of the new input only
    (Semeniuta et al. 2016)."""

    def __init__(self, num_units: int, forget_bias: float = 1.0, input_size: Any = None,
                 activation: Callable[..., Tensor] = tanh, layer_norm: bool = True, norm_gain: float = 1.0,
                 norm_shift: float = 0.0, dropout_keep_prob: Any = 1.0, dropout_prob_seed: int | None = None,
                 reuse: Any = None):
        super().__init__(num_units, reuse)
        self._activation = activation
        self._forget_bias = forget_bias
        self._layer_norm = layer_norm
        self._norm = norm_gain, norm_shift
        self._keep_prob = dropout_keep_prob
        self._seed = dropout_prob_seed

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self._num_units)

    def call(self, inputs: Any, state: Any) -> Any:
        c, h = memory_and_output(state)
        product = linear([inputs, h], 4 * self._num_units, bias=False)
        if not self._layer_norm:
            product = bias_add(product, get_variable("bias", [4 * self._num_units], inputs.dtype))
        parts = split(product, 4, axis=1)
        if self._layer_norm:
            names = ("input", "transform", "forget", "output")
            parts = [layer_norm(part, name, *self._norm) for part, name in zip(parts, names, strict=True)]
        i, j, f, o = parts
        new = self._activation(j)
        if not isinstance(self._keep_prob, float) or self._keep_prob < 1:
            new = dropout(new, self._keep_prob, seed=self._seed)
        new_c = c * sigmoid(f + self._forget_bias) + sigmoid(i) * new
        if self._layer_norm:
            new_c = layer_norm(new_c, "state", *self._norm)
        new_h = self._activation(new_c) * sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)


class CoupledInputForgetGateLSTMCell(Projected, _Sized):
    """An LSTM whose input gate is 1 - forget gate (Greff et al. 2015); options as of LSTMCell."""

    def __init__(self, num_units: int, use_peepholes: bool = False, initializer: Any = None,
                 num_proj: int | None = None, proj_clip: float | None = None, num_unit_shards: int = 1,
                 num_proj_shards: int = 1, forget_bias: float = 1.0, state_is_tuple: bool = True,
                 activation: Callable[..., Tensor] = tanh, reuse: Any = None, layer_norm: bool = False,
                 norm_gain: float = 1.0, norm_shift: float = 0.0):
        super().__init__(num_units, reuse)
        self._use_peepholes = use_peepholes
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation
        self._layer_norm = layer_norm
        self._norm = norm_gain, norm_shift

    def call(self, inputs: Any, state: Any) -> Any:
        units, dtype, start = self._num_units, inputs.dtype, self._initializer
        c, h = memory_and_output(state) if self._state_is_tuple else split(state, [units, self.output_size], axis=1)
        kernel = get_variable("W", [inputs.shape.as_list()[1] + self.output_size, 3 * units], dtype, start)
        bias = get_variable("B", [3 * units], dtype, zeros_initializer())
        product = matmul(concat([inputs, h], 1), kernel)
        parts = split(product if self._layer_norm else bias_add(product, bias), 3, axis=1)
        if self._layer_norm:
            names = ("transform", "forget", "output")
            parts = [layer_norm(part, name, *self._norm) for part, name in zip(parts, names, strict=True)]
        j, f, o = parts
        if self._use_peepholes:
            f = f + get_variable("W_F_diag", [units], dtype, start) * c
        keep = sigmoid(f + self._forget_bias)
        new_c = keep * c + (1 - keep) * self._activation(j)
        if self._layer_norm:
            new_c = layer_norm(new_c, "state", *self._norm)
        if self._use_peepholes:
            o = o + get_variable("W_O_diag", [units], dtype, start) * new_c
        new_h = sigmoid(o) * self._activation(new_c)
        if self._num_proj:
            new_h = matmul(new_h, get_variable("W_P", [units, self._num_proj], dtype, start))
            if self._proj_clip is not None:
                new_h = clip_by_value(new_h, -self._proj_clip, self._proj_clip)
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else concat([new_c, new_h], 1)


class UGRNNCell(_Sized):
    """The update gate recurrent network (Collins et al. 2017)."""

    def __init__(self, num_units: int, initializer: Any = None, forget_bias: float = 1.0,
                 activation: Callable[..., Tensor] = tanh, reuse: Any = None):
        super().__init__(num_units, reuse)
        self._initializer = initializer
        self._forget_bias = forget_bias
        self._activation = activation

    def call(self, inputs: Any, state: Any) -> Any:
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            g, c = split(linear([inputs, state], 2 * self._num_units), 2, axis=1)
        gate = sigmoid(g + self._forget_bias)
        new_state = gate * state + (1.0 - gate) * self._activation(c)
        return new_state, new_state


class IntersectionRNNCell(_Sized):
    """The intersection recurrent network (Collins et al. 2017): gated through time and through depth."""

    def __init__(self, num_units: int, num_in_proj: int | None = None, initializer: Any = None,
                 forget_bias: float = 1.0, y_activation: Callable[..., Tensor] = relu, reuse: Any = None):
        super().__init__(num_units, reuse)
        self._initializer = initializer
        self._forget_bias = forget_bias
        self._num_input_proj = num_in_proj
        self._y_activation = y_activation

    def call(self, inputs: Any, state: Any) -> Any:
        units = self._num_units
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            if inputs.shape.as_list()[1] != units:
                if not self._num_input_proj:
                    raise ValueError("Must have input size == output size for Intersection RNN. To fix, num_in_proj "
                                     "should be set to num_units at cell init.")
                with variable_scope("in_projection"):
                    inputs = linear(inputs, units)
            gh, h, gy, y = split(linear([inputs, state], 4 * units), 4, axis=1)
        time_gate, depth_gate = sigmoid(gh + self._forget_bias), sigmoid(gy + self._forget_bias)
        new_state = time_gate * state + (1.0 - time_gate) * tanh(h)
        return depth_gate * inputs + (1.0 - depth_gate) * self._y_activation(y), new_state


class NASCell(Projected, LayerRNNCell):
    """The cell found by architecture search (Zoph and Le 2017)."""

    def __init__(self, num_units: int, num_proj: int | None = None, use_bias: bool = False, reuse: Any = None,
                 **kwargs: Any):
        super().__init__(_reuse=reuse, **kwargs)
        self._num_units = num_units
        self._num_proj = num_proj
        self._use_bias = use_bias

    def build(self, inputs_shape: Any) -> None:
        units = self._num_units
        self.recurrent_kernel = self.add_variable("recurrent_kernel", [self.output_size, 8 * units])
        self.kernel = self.add_variable("kernel", [input_depth(inputs_shape), 8 * units])
        if self._use_bias:
            self.bias = self.add_variable("bias", [8 * units], initializer=zeros_initializer())
        if self._num_proj:
            self.projection_weights = self.add_variable("projection_weights", [units, self._num_proj])
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        c, h = memory_and_output(state)
        recurrent = matmul(h, self.recurrent_kernel)
        if self._use_bias:
            recurrent = bias_add(recurrent, self.bias)
        m, x = split(recurrent, 8, axis=1), split(matmul(inputs, self.kernel), 8, axis=1)
        first = [sigmoid(x[0] + m[0]), relu(x[1] + m[1]), sigmoid(x[2] + m[2]), relu(x[3] * m[3]), tanh(x[4] + m[4]),
                 sigmoid(x[5] + m[5]), tanh(x[6] + m[6]), sigmoid(x[7] + m[7])]
        new_c = tanh(tanh(first[0] * first[1]) + c) * tanh(first[2] + first[3])
        new_h = tanh(new_c * tanh(tanh(first[4] * first[5]) + sigmoid(first[6] + first[7])))
        if self._num_proj:
            new_h = matmul(new_h, self.projection_weights)
        return new_h, LSTMStateTuple(new_c, new_h)


class SRUCell(OfUnits, LayerRNNCell):
    """The simple recurrent unit (Lei et al. 2017), for inputs of any size."""

    def __init__(self, num_units: int, activation: Any = None, reuse: Any = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(_reuse=reuse, name=name, **kwargs)
        self._num_units = num_units
        self._activation = activation_of(activation)

    def build(self, inputs_shape: Any) -> None:
        self._kernel = self.add_variable("kernel", [input_depth(inputs_shape), 4 * self._num_units])
        self._bias = self.add_variable("bias", [2 * self._num_units], initializer=zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        x, f, r, skip = split(matmul(inputs, self._kernel), 4, axis=1)
        forget, reset = split(sigmoid(bias_add(concat([f, r], 1), self._bias)), 2, axis=1)
        c = forget * state + (1.0 - forget) * x
        return reset * self._activation(c) + (1.0 - reset) * skip, c


class IndRNNCell(OfUnits, LayerRNNCell):
    """The independently recurrent network (Li et al. 2018): each unit sees only its own state."""

    def __init__(self, num_units: int, activation: Any = None, reuse: Any = None, name: str | None = None,
                 dtype: Any = None):
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units = num_units
        self._activation = activation_of(activation)

    def build(self, inputs_shape: Any) -> None:
        units = self._num_units
        self._kernel_w = self.add_variable("kernel_w", [input_depth(inputs_shape), units])
        self._kernel_u = self.add_variable("kernel_u", [1, units], initializer=random_uniform_initializer(-1.0, 1.0))
        self._bias = self.add_variable("bias", [units], initializer=zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        output = self._activation(bias_add(matmul(inputs, self._kernel_w) + state * self._kernel_u, self._bias))
        return output, output


class IndyLSTMCell(IndRNNCell):
    """The LSTM whose units see only their own state (Gonnet and Deselaers 2019)."""

    def __init__(self, num_units: int, forget_bias: float = 1.0, activation: Any = None, reuse: Any = None,
                 kernel_initializer: Any = None, bias_initializer: Any = None, name: str | None = None,
                 dtype: Any = None):
        super().__init__(num_units, activation, reuse, name, dtype)
        self._forget_bias = forget_bias
        self._initializers = kernel_initializer, bias_initializer or zeros_initializer()

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self._num_units)

    def build(self, inputs_shape: Any) -> None:
        units, (kernel, bias) = 4 * self._num_units, self._initializers
        self._kernel_w = self.add_variable("kernel_w", [input_depth(inputs_shape), units], initializer=kernel)
        self._kernel_u = self.add_variable("kernel_u", [1, units], initializer=random_uniform_initializer(-1.0, 1.0))
        self._bias = self.add_variable("bias", [units], initializer=bias)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        c, h = memory_and_output(state)
        gates = bias_add(matmul(inputs, self._kernel_w) + tile(h, [1, 4]) * self._kernel_u, self._bias)
        i, j, f, o = split(gates, 4, axis=1)
        new_c = c * sigmoid(f + self._forget_bias) + sigmoid(i) * self._activation(j)
        new_h = self._activation(new_c) * sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)
