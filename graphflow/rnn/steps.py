"""What unrolled and looping recurrent networks share: the initial state, and sequences that have ended."""
from __future__ import annotations

from typing import Any

from .. import nest
from ..array_ops import reverse_sequence, transpose
from ..compiler.dtypes import DType, as_dtype, int32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, greater_equal, where
from ..compiler.ops.view import reshape, zeros_of
from ..framework import is_tensor


def initial_state_of(cell: Any, initial_state: Any, batch_size: Any, dtype: Any, message: str) -> Any:
    """The given state with its leaves as tensors, or the cell's zero state. Raises ValueError for no dtype then."""
    if initial_state is not None:
        return nest.map_structure(lambda s: convert_to_tensor(s) if not hasattr(s, "unstack") else s, initial_state)
    if not dtype:
        raise ValueError(message)
    if getattr(cell, "get_initial_state", None) is not None:
        return cell.get_initial_state(inputs=None, batch_size=batch_size, dtype=dtype)
    return cell.zero_state(batch_size, dtype)


def state_dtype(explicit: Any, state: Any) -> DType:
    """The dtype of outputs: as given, else that of the state. Raises ValueError when that has none or several."""
    if explicit is not None:
        return as_dtype(explicit)
    found = {leaf.dtype for leaf in nest.flatten(state)}
    if not found:
        raise ValueError("Unable to infer dtype from empty state.")
    if len(found) > 1:
        raise ValueError("State has tensors of different inferred_dtypes. Unable to infer a single representative "
                         "dtype.")
    return found.pop()


def sequence_lengths(lengths: Any) -> Tensor:
    """A vector of lengths as int32. Raises ValueError for another rank."""
    vector = cast(convert_to_tensor(lengths), int32)
    if vector.dims is not None and len(vector.dims) != 1:
        raise ValueError(f"sequence_length must be a vector of length batch_size, but saw shape: {vector.shape}")
    return vector


def select_rows(rows: Tensor, ended: Any, going: Any) -> Any:
    """`ended` (a tensor, or None for zeros) in the rows where `rows` [batch] holds, `going` in the others; scalars and
    tensor arrays are not selected."""
    if not is_tensor(going):
        return going
    tensor = convert_to_tensor(going)
    if tensor.dims == ():
        return tensor
    test = reshape(rows, [-1] + [1] * (len(tensor.dims or (0,)) - 1))
    result = where(test, zeros_of(tensor) if ended is None else ended, tensor)
    result.set_shape(tensor.shape)
    return result


def copy_through(time: Any, lengths: Tensor | None, state: Any, output: Any, new_state: Any) -> tuple[Any, Any]:
    """(output, new state) of a step: sequences that ended before `time` have zero outputs and keep their state.

    Raises ValueError when the cell changed the structure of its state.
    """
    nest.assert_same_structure(state, new_state)
    if lengths is None:
        return output, new_state
    ended = greater_equal(time, lengths)
    return (nest.map_structure(lambda new: select_rows(ended, None, new), output),
            nest.map_structure(lambda old, new: select_rows(ended, old, new), state, new_state))


def swap_batch_time(x: Any) -> Tensor:
    """The first two axes exchanged; a tensor of rank below 2 as it is."""
    tensor = convert_to_tensor(x)
    if tensor.dims is None or len(tensor.dims) < 2:
        return tensor
    return transpose(tensor, [1, 0, *range(2, len(tensor.dims))])


def reverse_time(x: Tensor, lengths: Any, time_axis: int, batch_axis: int) -> Tensor:
    """The first lengths[b] steps of each sequence b backwards, or all steps without lengths."""
    if lengths is None:
        return x[tuple(slice(None, None, -1 if a == time_axis else None) for a in range(time_axis + 1))]
    return reverse_sequence(x, lengths, seq_axis=time_axis, batch_axis=batch_axis)
