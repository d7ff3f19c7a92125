"""Cells of `tf.contrib.rnn` that run through frequency as well as time, and one in groups."""
from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

from ..array_ops import zeros
from ..clip_ops import clip_by_value
from ..compiler.ir import Tensor
from ..compiler.ops.elementwise import sigmoid, tanh
from ..compiler.ops.slicing import concat, split
from ..compiler.ops.view import shape_of
from ..initializers import zeros as zeros_initializer
from ..late import pad
from ..math_ops import matmul
from ..nn_ops import bias_add
from ..variable_scope import get_variable, get_variable_scope, variable_scope
from .base import LSTMStateTuple, Projected, RNNCell, memory_and_output
from .contributed import linear


def _product(x: Tensor, prefix: tuple[str, str], width: int, shards: int) -> Tensor:
    """x times a matrix, kept in `shards` variables "W_0", "W_1", ..., plus "B"."""
    rows, dtype = _width(x), x.dtype
    if shards > rows:
        raise ValueError(f"Too many shards: shape={[rows, width]}, num_shards={shards}")
    sizes = [rows // shards + (k < rows % shards) for k in range(shards)]
    parts = [get_variable(f"{prefix[0]}_{k}", [size, width], dtype) for k, size in enumerate(sizes)]
    bias = get_variable(prefix[1], [width], dtype, zeros_initializer())
    return bias_add(matmul(x, concat(parts, 0) if shards > 1 else parts[0]), bias)


def _width(x: Tensor) -> int:
    width = x.shape.as_list()[-1]
    if width is None:
        raise ValueError("Cannot infer input_size from static shape inference.")
    return width


class TimeFreqLSTMCell(RNNCell):
    """An LSTM of windows of `feature_size` features, `frequency_skip` apart, each of which also takes the output of the
    window before (Sainath and Li 2016). The state is [batch, 2 * num_units * windows]."""

    def __init__(self, num_units: int, use_peepholes: bool = False, cell_clip: float | None = None,
                 initializer: Any = None, num_unit_shards: int = 1, forget_bias: float = 1.0,
                 feature_size: int | None = None, frequency_skip: int = 1, reuse: Any = None):
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes, self._cell_clip = num_units, use_peepholes, cell_clip
        self._shards, self._forget_bias = num_unit_shards, forget_bias
        self._feature_size, self._skip = feature_size, frequency_skip

    @property
    def state_size(self) -> int:
        return 2 * self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        n, size = self._num_units, self._feature_size or _width(inputs)
        count = (_width(inputs) - size) // self._skip + 1
        before: Any = zeros([inputs.shape.as_list()[0] or shape_of(inputs)[0], n], inputs.dtype)
        outputs: list[Tensor] = []
        states: list[Tensor] = []
        for k in range(count):
            window = inputs[:, k * self._skip:k * self._skip + size]
            c, h = state[:, 2 * k * n:(2 * k + 1) * n], state[:, (2 * k + 1) * n:(2 * k + 2) * n]
            with variable_scope(get_variable_scope(), reuse=True if k else None):
                i, j, f, o = split(_product(concat([window, h, before], 1), ("W", "B"), 4 * n, self._shards), 4, axis=1)
                peeps = [get_variable(f"W_{gate}_diag", [n], inputs.dtype) if self._use_peepholes else 0.0
                         for gate in "FIO"]
            c = sigmoid(f + self._forget_bias + peeps[0] * c) * c + sigmoid(i + peeps[1] * c) * tanh(j)
            if self._cell_clip is not None:
                c = clip_by_value(c, -self._cell_clip, self._cell_clip)
            before = sigmoid(o + peeps[2] * c) * tanh(c)
            outputs.append(before)
            states += [c, before]
        return concat(outputs, 1), concat(states, 1)


class GridLSTMCell(RNNCell):
    """A grid of LSTMs through time and frequency (Kalchbrenner et al. 2015; with peepholes Sainath and Li 2016).

    The features are cut into blocks (from `start_freqindex_list` to `end_freqindex_list`) of num_frequency_blocks[b]
    windows each. The state is a tuple of c and m for each window, or with `state_is_tuple` false one tensor; outputs
    are [batch, 2 * num_units * windows]. Raises ValueError without num_frequency_blocks and for another number of
    windows.
    """

    def __init__(self, num_units: int, use_peepholes: bool = False, share_time_frequency_weights: bool = False,
                 cell_clip: float | None = None, initializer: Any = None, num_unit_shards: int = 1,
                 forget_bias: float = 1.0, feature_size: int | None = None, frequency_skip: int | None = None,
                 num_frequency_blocks: Sequence[int] | None = None, start_freqindex_list: Sequence[int] | None = None,
                 end_freqindex_list: Sequence[int] | None = None, couple_input_forget_gates: bool = False,
                 state_is_tuple: bool = True, reuse: Any = None):
        super().__init__(_reuse=reuse)
        self._state_tuple_type: Any
        self._state_size: Any
        if num_frequency_blocks is None:
            raise ValueError("Must specify num_frequency_blocks")
        self._num_units, self._use_peepholes, self._cell_clip = num_units, use_peepholes, cell_clip
        self._shared, self._coupled = share_time_frequency_weights, couple_input_forget_gates
        self._shards, self._forget_bias = num_unit_shards, forget_bias
        self._feature_size, self._skip, self._blocks = feature_size, frequency_skip, list(num_frequency_blocks)
        self._starts, self._ends = start_freqindex_list, end_freqindex_list
        self._state_is_tuple = state_is_tuple
        self._set_state("GridLSTMStateTuple", ["state"])

    def _set_state(self, name: str, prefixes: Sequence[str]) -> None:
        names = [f"{prefix}_f{k:02d}_b{b:02d}_{part}" for prefix in prefixes for b, count in enumerate(self._blocks)
                 for k in range(count) for part in "cm"]
        sizes = [self._num_units] * len(names)
        self._state_tuple_type, self._state_size, self._output_size = None, sum(sizes), sum(sizes)
        if self._state_is_tuple:
            self._state_tuple_type = namedtuple(name, names)  # type: ignore[misc]
            self._state_size = self._state_tuple_type(*sizes)

    @property
    def state_size(self) -> Any:
        return self._state_size

    @property
    def output_size(self) -> int:
        return self._output_size

    @property
    def state_tuple_type(self) -> Any:
        """The class of the state, None where it is one tensor."""
        return self._state_tuple_type

    def call(self, inputs: Any, state: Any) -> Any:
        found = [self._block(windows, b, state, "state") for b, windows in enumerate(self._windows(inputs))]
        outputs, states = ([t for block in found for t in block[k]] for k in (0, 1))
        return concat(outputs, 1), self._state_tuple_type(*states) if self._state_is_tuple else concat(states, 1)

    def _windows(self, x: Tensor, offset: int = 0) -> list[list[Tensor]]:
        """The windows of each block."""
        width, size, skip = _width(x), self._feature_size or _width(x), self._skip or 1
        if offset:
            x = pad(x, [[0, 0], [0, offset] if offset > 0 else [-offset, 0]])
        starts, ends = self._starts or [0], self._ends or [width]
        if not len(starts) == len(ends) == len(self._blocks):
            raise ValueError(f"Lengths of num_frequency_blocks {len(self._blocks)}, start {len(starts)} and end "
                             f"freqindex_list {len(ends)} differ")
        blocks = []
        for start, end, wanted in zip(starts, ends, self._blocks, strict=True):
            count = (end - start - size) // skip + 1
            if count != wanted:
                raise ValueError(f"Invalid num_frequency_blocks, requires {wanted} but gets {count}, please check the "
                                 "input size and filter config are correct.")
            first = start + max(offset, 0)
            blocks.append([x[:, first + k * skip:first + k * skip + size] for k in range(count)])
        return blocks

    def _block(self, windows: Sequence[Tensor], block: int, state: Any, prefix: str
               ) -> tuple[list[Tensor], list[Tensor]]:
        """(outputs, states) of a block's windows."""
        n, dtype = self._num_units, windows[0].dtype
        m_freq: Any = zeros([windows[0].shape.as_list()[0] or shape_of(windows[0])[0], n], dtype)
        c_freq = m_freq
        outputs: list[Tensor] = []
        states: list[Tensor] = []
        for k, window in enumerate(windows):
            if self._state_is_tuple:
                c_time, m_time = (getattr(state, f"{prefix}_f{k:02d}_b{block:02d}_{part}") for part in "cm")
            else:
                c_time, m_time = state[:, 2 * k * n:(2 * k + 1) * n], state[:, (2 * k + 1) * n:(2 * k + 2) * n]
            x = concat([window, m_time, m_freq], 1)
            new = {}
            for way in ("freq", "time"):
                with self._weights(way, k):
                    new[way] = self._memory(x, way, block, c_freq, c_time, dtype)
            c_freq, c_time = new["freq"][0], new["time"][0]
            for way in ("freq", "time"):
                with self._weights(way, k):
                    gate = sigmoid(new[way][1] + self._peep("O", way, block, c_freq, c_time, dtype))
                new[way] = new[way][0], gate * tanh(new[way][0])
            m_freq, m_time = new["freq"][1], new["time"][1]
            outputs += [m_time, m_freq]
            states += [c_time, m_time]
        return outputs, states

    def _weights(self, way: str, window: int) -> Any:
        """The scope of a window's variables: made for the first, along a way of its own."""
        return variable_scope(get_variable_scope(), reuse=True if window or self._shared and way == "time" else None)

    def _memory(self, x: Tensor, way: str, block: int, c_freq: Tensor, c_time: Tensor, dtype: Any
                ) -> tuple[Tensor, Tensor]:
        """(new memory, output gate before its sigmoid) along one way."""
        letter = "f" if way == "freq" or self._shared else "t"
        product = _product(x, (f"W_{letter}_{block}", f"B_{letter}_{block}"), (3 if self._coupled else 4)
                           * self._num_units, self._shards)
        parts = split(product, 3 if self._coupled else 4, axis=1)
        i = sigmoid(parts[0] + self._peep("I", way, block, c_freq, c_time, dtype))
        if self._coupled:
            f = 1.0 - i
        else:
            f = sigmoid(parts[2] + self._forget_bias + self._peep("F", way, block, c_freq, c_time, dtype))
        c = f * (c_freq if way == "freq" else c_time) + i * tanh(parts[1])
        if self._cell_clip is not None:
            c = clip_by_value(c, -self._cell_clip, self._cell_clip)
        return c, parts[-1]

    def _peep(self, gate: str, way: str, block: int, c_freq: Tensor, c_time: Tensor, dtype: Any) -> Any:
        if not self._use_peepholes:
            return 0.0
        to = "freq" if self._shared else way
        return sum(get_variable(f"W_{gate}_diag_{to}{source}_{block}", [self._num_units], dtype) * c
                   for source, c in (("f", c_freq), ("t", c_time)))


class BidirectionalGridLSTMCell(GridLSTMCell):
    """A grid whose LSTMs through frequency run both ways, with weights of their own."""

    def __init__(self, num_units: int, use_peepholes: bool = False, share_time_frequency_weights: bool = False,
                 cell_clip: float | None = None, initializer: Any = None, num_unit_shards: int = 1,
                 forget_bias: float = 1.0, feature_size: int | None = None, frequency_skip: int | None = None,
                 num_frequency_blocks: Sequence[int] | None = None, start_freqindex_list: Sequence[int] | None = None,
                 end_freqindex_list: Sequence[int] | None = None, couple_input_forget_gates: bool = False,
                 backward_slice_offset: int = 0, reuse: Any = None):
        super().__init__(num_units, use_peepholes, share_time_frequency_weights, cell_clip, initializer,
                         num_unit_shards, forget_bias, feature_size, frequency_skip, num_frequency_blocks,
                         start_freqindex_list, end_freqindex_list, couple_input_forget_gates, True, reuse)
        self._offset = int(backward_slice_offset)
        self._set_state("BidirectionalGridLSTMStateTuple", ["fwd_state", "bwd_state"])

    def call(self, inputs: Any, state: Any) -> Any:
        outputs, states = [], []
        for way, offset, step in (("fwd", 0, 1), ("bwd", self._offset, -1)):
            with variable_scope(way):
                for b, windows in enumerate(self._windows(inputs, offset)):
                    out, new = self._block(windows[::step], b, state, f"{way}_state")
                    outputs += out
                    states += new
        return concat(outputs, 1), self._state_tuple_type(*states)


class GLSTMCell(Projected, RNNCell):
    """An LSTM in groups, each with a matrix for its part of inputs and output (Kuchaiev and Ginsburg 2017). Raises
    ValueError for sizes that the number of groups does not divide."""

    def __init__(self, num_units: int, initializer: Any = None, num_proj: int | None = None, number_of_groups: int = 1,
                 forget_bias: float = 1.0, activation: Callable[..., Tensor] = tanh, reuse: Any = None):
        super().__init__(_reuse=reuse)
        if num_units % number_of_groups:
            raise ValueError("num_units must be divisible by number_of_groups")
        if num_proj and num_proj % number_of_groups:
            raise ValueError("num_proj must be divisible by number_of_groups")
        self._num_units, self._initializer, self._num_proj = num_units, initializer, num_proj
        self._groups, self._forget_bias, self._activation = number_of_groups, forget_bias, activation

    def call(self, inputs: Any, state: Any) -> Any:
        c, m = memory_and_output(state)
        part = self.output_size // self._groups
        found = []
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            for k in range(self._groups):
                with variable_scope(f"group{k}"):
                    own = [t[:, k * part:(k + 1) * part] for t in (inputs, m)]
                    found.append(split(linear(own, 4 * self._num_units // self._groups, False), 4, axis=1))
            i, j, f, o = (
                bias_add(concat(list(gates), 1), get_variable(f"bias_{gate}", [self._num_units], inputs.dtype,
                                                              zeros_initializer()))
                for gate, gates in zip("ijfo", zip(*found, strict=True), strict=True))
        c = sigmoid(f + self._forget_bias) * c + sigmoid(i) * tanh(j)
        m = sigmoid(o) * self._activation(c)
        if self._num_proj is not None:
            with variable_scope("projection"):
                m = linear(m, self._num_proj, False)
        return m, LSTMStateTuple(c, m)
