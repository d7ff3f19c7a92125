"""What all recurrent cells share: the base class, zero states, and sizes of states."""
from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import nest, nn_ops
from ..array_ops import shape as shape_of
from ..array_ops import zeros
from ..compiler.dtypes import DType
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import tanh
from ..compiler.ops.slicing import unstack
from ..compiler.ops.view import identity
from ..compiler.shapes import TensorShape
from ..framework import is_tensor, name_scope
from ..layers.base import Layer
from ..variable_scope import get_variable_scope, variable_scope


class LSTMStateTuple(NamedTuple):
    """The state of an LSTM: the memory `c` and the output `h`, each [batch, units]."""

    c: Any
    h: Any

    @property
    def dtype(self) -> DType:
        """That of both. Raises TypeError when they differ."""
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} vs {self.h.dtype}")
        return self.c.dtype


def memory_and_output(state: Any) -> tuple[Any, Any]:
    """The (c, h) of an LSTM's state. Raises TypeError for anything but a pair."""
    if not nest.is_nested(state) or len(state) != 2:
        raise TypeError("The state of an LSTM cell must be a pair (c, h), such as an LSTMStateTuple, received: "
                        f"{state!r} (a single tensor is one where the cell has state_is_tuple=False).")
    return state


def assert_like_rnncell(cell_name: str, cell: Any) -> None:
    """Raises TypeError unless `cell` can be used as a recurrent cell."""
    problems = [] if hasattr(cell, "output_size") else ["'output_size' property is missing"]
    if not hasattr(cell, "state_size"):
        problems.append("'state_size' property is missing")
    if not (hasattr(cell, "get_initial_state") or hasattr(cell, "zero_state")):
        problems.append("either 'zero_state' or 'get_initial_state' method is required")
    if not callable(cell):
        problems.append("is not callable")
    if problems:
        raise TypeError(f"The argument {cell_name!r} ({cell}) is not an RNNCell: {', '.join(problems)}.")


def sized(batch_size: Any, size: Any) -> list[Any]:
    """The shape [batch, *size] of a state or output whose size is an int, TensorShape or integer tensor."""
    if is_tensor(size):
        known = convert_to_tensor(size)
        tail = unstack(known) if known.dims else [known]
    else:
        tail = list(TensorShape(size))
    return [convert_to_tensor(batch_size) if is_tensor(batch_size) else int(batch_size), *tail]


def zero_tensors(sizes: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros [batch, size] for each size in a nest."""
    return nest.map_structure(lambda size: zeros(sized(batch_size, size), dtype), sizes)


def batch_size_of(value: Tensor, axis: int = 0) -> Any:
    """The size of an axis: an int where it is known, else a scalar tensor."""
    known = None if value.dims is None else value.shape.as_list()[axis]
    return shape_of(value)[axis] if known is None else known


def activation_of(activation: Any, default: Callable[..., Tensor] = tanh) -> Callable[..., Tensor]:
    """The function an activation argument (a function, a name of one in `tf.nn`, or None) stands for."""
    if not activation:
        return default
    if not isinstance(activation, str):
        return activation
    found = identity if activation == "linear" else getattr(nn_ops, activation, None)
    if found is None:
        raise ValueError(f"Unknown activation function: {activation!r}")
    return found


class Projected:
    """The sizes of a cell whose memory has `_num_units` numbers and whose output, unless None, `_num_proj`."""

    _num_units: int
    _num_proj: int | None
    _state_is_tuple = True

    @property
    def state_size(self) -> Any:
        sizes = LSTMStateTuple(self._num_units, self.output_size)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units


class OfUnits:
    """A cell whose states and outputs have `_num_units` features."""

    _num_units: int

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units


class RNNCell(Layer):
    """A recurrent cell: output, next state = cell(inputs, state).

    A subclass has the properties `state_size` and `output_size` (an int or TensorShape, or a nest of them) and the
    method `call(inputs, state)`, which may make variables with `tf.get_variable`, or overrides `__call__` itself.
    Inputs are [batch, size] (or a nest), states [batch, state_size] in the structure of `state_size`.
    """

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """(output, next state) for one step."""
        if scope is not None:
            with variable_scope(scope, custom_getter=self._rnn_get_variable) as entered:
                return super().__call__(inputs, state, scope=entered)
        if getattr(self, "rnncell_scope", None) is None:
            self.rnncell_scope = variable_scope(get_variable_scope(), custom_getter=self._rnn_get_variable)
        with self.rnncell_scope:
            return super().__call__(inputs, state)

    def __deepcopy__(self, memo: dict[int, Any]) -> RNNCell:
        """The same cell before its first use, which makes variables where it is used (`embedding_attention_seq2seq`
        copies the cell for its encoder)."""
        result = memo[id(self)] = copy.copy(self)
        fresh = ("_scope", "_current_scope", "_input", "_output", "rnncell_scope")
        for name, value in vars(self).items():
            if getattr(self, "built", False) and (name in fresh or is_tensor(value)):
                value = None
            elif name in ("_trainable_weights", "_non_trainable_weights", "_updates", "_losses"):
                value = []
            setattr(result, name, copy.deepcopy(value, memo))
        result.built = False
        return result

    def _rnn_get_variable(self, getter: Any, *args: Any, **kwargs: Any) -> Any:
        """A custom getter that notes the variables that `call` makes as the cell's."""
        variable = getter(*args, **kwargs)
        kept = self._trainable_weights if getattr(variable, "trainable", False) else self._non_trainable_weights
        if all(variable is not v for v in kept):
            kept.append(variable)
        return variable

    @property
    def state_size(self) -> Any:
        """Size or sizes of the state: an int, a TensorShape, or a nest of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """Size of the output: an int or TensorShape."""
        raise NotImplementedError("Abstract method")

    def build(self, _: Any) -> None:
        """Nothing: variables are made by `call`."""

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """The zero state for the batch of `inputs`, or for a given batch size and dtype. Raises ValueError."""
        if inputs is not None:
            value = convert_to_tensor(inputs)
            known = value.shape.as_list()[0]
            if batch_size is not None and not is_tensor(batch_size) and known != batch_size:
                raise ValueError("batch size from input tensor is different from the input param. Input tensor batch: "
                                 f"{known}, batch_size: {batch_size}")
            if dtype is not None and value.dtype != dtype:
                raise ValueError("dtype from input tensor is different from the input param. Input tensor dtype: "
                                 f"{value.dtype}, dtype: {dtype}")
            batch_size, dtype = batch_size_of(value), value.dtype
        if batch_size is None or dtype is None:
            raise ValueError("batch_size and dtype cannot be None while constructing initial state: "
                             f"batch_size={batch_size}, dtype={dtype}")
        return self.zero_state(batch_size, dtype)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Zeros [batch_size, size] in the structure of `state_size`; the batch size is an int or a scalar tensor."""
        with name_scope(f"{type(self).__name__}ZeroState"):
            return zero_tensors(self.state_size, batch_size, dtype)


class LayerRNNCell(RNNCell):
    """A cell that makes its variables in `build`, once, like a layer."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """(output, next state) for one step."""
        return Layer.__call__(self, inputs, state, *args, scope=scope, **kwargs)


def input_depth(shape: Any) -> int:
    """The last size of an input shape. Raises ValueError when it is not known."""
    depth = TensorShape(shape).as_list()[-1]
    if depth is None:
        raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {shape}")
    return depth
