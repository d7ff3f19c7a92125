"""Cells around cells: dropout, residual connections, devices."""
from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from .. import nest
from ..array_ops import zeros_like
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import floor
from ..compiler.ops.symbolic import static_value
from ..compiler.shapes import TensorShape
from ..framework import device, is_tensor, name_scope
from ..nn_ops import dropout
from ..random_ops import random_uniform
from .base import LSTMStateTuple, RNNCell, assert_like_rnncell


class CellWrapper(RNNCell):
    """A cell with the state and output of the cell it wraps, and no variables of its own."""

    def __init__(self, cell: Any, **kwargs: Any):
        super().__init__(**kwargs)
        assert_like_rnncell("cell", cell)
        self.cell = self._cell = cell

    @property
    def wrapped_cell(self) -> Any:
        return self.cell

    @property
    def state_size(self) -> Any:
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        return self.cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with name_scope(f"{type(self).__name__}ZeroState"):
            return self.cell.zero_state(batch_size, dtype)

    @property
    def trainable_weights(self) -> list[Any]:
        return list(self.cell.trainable_weights)

    @property
    def non_trainable_weights(self) -> list[Any]:
        return list(self.cell.non_trainable_weights)


def _keep_lstm_memory(substate: Any) -> Any:
    """Which parts of a state dropout may change: all but the memory of an LSTM."""
    if isinstance(substate, LSTMStateTuple):
        return LSTMStateTuple(c=False, h=True)
    return nest.is_nested(substate) or is_tensor(substate)


class DropoutWrapper(CellWrapper):
    """Dropout of the inputs, outputs and states of a cell.

    Each keep probability is a float or scalar tensor; 1.0 means no dropout. With `variational_recurrent`, one mask
    serves all steps of a run (Gal and Ghahramani 2016), which needs `dtype`, and `input_size` where inputs are dropped.
    `dropout_state_filter_visitor(substate)` says, for a level of the state, with booleans whether to drop it; by
    default all but the `c` of an LSTMStateTuple. Raises ValueError for a probability outside [0, 1].
    """

    def __init__(self, cell: Any, input_keep_prob: Any = 1.0, output_keep_prob: Any = 1.0, state_keep_prob: Any = 1.0,
                 variational_recurrent: bool = False, input_size: Any = None, dtype: Any = None,
                 seed: int | None = None, dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
                 **kwargs: Any):
        super().__init__(cell, dtype=dtype, **kwargs)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._filter = dropout_state_filter_visitor or _keep_lstm_memory
        self._input_keep_prob = _probability("input_keep_prob", input_keep_prob)
        self._state_keep_prob = _probability("state_keep_prob", state_keep_prob)
        self._output_keep_prob = _probability("output_keep_prob", output_keep_prob)
        self._seed = seed
        self._noise: dict[str, list[Any]] | None = None
        if variational_recurrent:
            if dtype is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            sizes = {"state": cell.state_size, "output": cell.output_size}
            if _drops(self._input_keep_prob):
                if input_size is None:
                    raise ValueError("When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, "
                                     "input_size must be provided")
                sizes["input"] = input_size
            self._noise = {part: [random_uniform([1, *TensorShape(size).as_list()], dtype=dtype,
                                                 seed=self._gen_seed(part, k))
                                  for k, size in enumerate(nest.flatten(nested))] for part, nested in sizes.items()}

    def _gen_seed(self, salt: str, index: int) -> int | None:
        if self._seed is None:
            return None
        digest = hashlib.md5(f"{self._seed}{salt}_{index}".encode()).hexdigest()
        return int(digest[:8], 16) & 0x7FFFFFFF

    def _dropped(self, part: str, values: Any, keep_prob: Any, chosen: list[bool] | None = None) -> Any:
        if not _drops(keep_prob):
            return values
        results = []
        for k, value in enumerate(nest.flatten(values)):
            if chosen is not None and not chosen[k]:
                results.append(value)
            elif self._noise is None:
                results.append(dropout(value, rate=1 - keep_prob, seed=self._gen_seed(part, k)))
            elif isinstance(keep_prob, float) and keep_prob == 0.0:
                results.append(zeros_like(value))
            else:
                results.append(value / keep_prob * floor(keep_prob + self._noise[part][k]))
        return nest.pack_sequence_as(values, results)

    def _chosen(self, state: Any) -> list[bool]:
        """For each leaf of a state, whether it may be dropped."""
        wanted = self._filter(state)
        if not nest.is_nested(state) or not nest.is_nested(wanted) and not wanted:
            return [bool(wanted)] * len(nest.flatten(state))
        below = _level(state)
        keep = _level(wanted) if nest.is_nested(wanted) else [True] * len(below)
        return [flag for k, child in zip(keep, below, strict=True)
                for flag in (self._chosen(child) if k else [False] * len(nest.flatten(child)))]

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        inputs = self._dropped("input", inputs, self._input_keep_prob)
        output, new_state = self.cell(inputs, state, scope=scope)
        if _drops(self._state_keep_prob):
            new_state = self._dropped("state", new_state, self._state_keep_prob, self._chosen(new_state))
        return self._dropped("output", output, self._output_keep_prob), new_state


def _level(nested: Any) -> list[Any]:
    """The members of the top level of a nest, in the order of `nest.flatten`."""
    return [nested[k] for k in sorted(nested)] if isinstance(nested, dict) else list(nested)


def _drops(keep_prob: Any) -> bool:
    return not isinstance(keep_prob, float) or keep_prob < 1


def _probability(name: str, value: Any) -> Any:
    """A keep probability as a float where it is known, else as a tensor."""
    known = value
    if is_tensor(value):
        tensor = convert_to_tensor(value)
        known = tensor.op.attrs["value"] if tensor.op.type == "Const" else static_value(tensor)
        if known is None:
            return tensor
    if not 0 <= float(known) <= 1:
        raise ValueError(f"Parameter {name} must be between 0 and 1: {known}")
    return float(known)


def _sum(inputs: Any, outputs: Any) -> Any:
    def add(x: Any, y: Any) -> Any:
        x.shape.assert_is_compatible_with(y.shape)
        return x + y

    nest.assert_same_structure(inputs, outputs)
    return nest.map_structure(add, inputs, outputs)


class ResidualWrapper(CellWrapper):
    """A cell whose inputs are added to its outputs, or combined with them by `residual_fn(inputs, outputs)`.

    Raises TypeError or ValueError when inputs and outputs differ in structure or shape.
    """

    def __init__(self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None, **kwargs: Any):
        super().__init__(cell, **kwargs)
        self._residual_fn = residual_fn or _sum

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        outputs, new_state = self.cell(inputs, state, scope=scope)
        return self._residual_fn(inputs, outputs), new_state


class DeviceWrapper(CellWrapper):
    """A cell on a device, which is accepted: everything runs on the CPU."""

    def __init__(self, cell: Any, device: Any, **kwargs: Any):
        super().__init__(cell, **kwargs)
        self._device = device

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        with device(self._device):
            return self.cell(inputs, state, scope=scope)
