"""Recurrent networks as loops over time."""
from __future__ import annotations

from typing import Any

from .. import nest
from ..array_ops import shape as shape_of
from ..compiler.dtypes import int32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import less, maximum, minimum
from ..compiler.ops.reduction import reduce_max
from ..compiler.ops.view import reshape
from ..compiler.shapes import TensorShape
from ..control_flow import TensorArray, while_loop
from ..variable_scope import variable_scope
from .base import assert_like_rnncell, batch_size_of
from .steps import copy_through, initial_state_of, reverse_time, sequence_lengths, state_dtype, swap_batch_time


def dynamic_rnn(cell: Any, inputs: Any, sequence_length: Any = None, initial_state: Any = None, dtype: Any = None,
                parallel_iterations: int | None = None, swap_memory: bool = False, time_major: bool = False,
                scope: Any = None) -> tuple[Any, Any]:
    """Run a cell over inputs [batch, time, ...] (or [time, batch, ...] if `time_major`; or a nest of such).

    Returns (outputs [batch, time, output_size], final state [batch, state_size], nests if the cell's sizes are). From
    `sequence_length` int [batch] on, outputs are 0 and the state stays. The initial state is zero by default; then
    `dtype` must be given. Raises TypeError when `cell` is no cell, ValueError for inputs of too low a rank or unknown
    size, or when dtype and initial state are missing.
    """
    assert_like_rnncell("cell", cell)
    with variable_scope(scope or "rnn"):
        given = [convert_to_tensor(x) for x in nest.flatten(inputs)]
        for x in given:
            if x.dims is not None and len(x.dims) < 3:
                raise ValueError("dynamic_rnn: inputs must have rank at least 3, "
                                 f"{'[time, batch' if time_major else '[batch, time'}, depth]. Received: {x!r}")
        flat = given if time_major else [swap_batch_time(x) for x in given]
        _check_sizes(flat)
        lengths = None
        if sequence_length is not None:
            # one length for each sequence of the batch, whatever is known about either
            lengths = reshape(sequence_lengths(sequence_length), [flat[0].dims[1]],  # type: ignore[index]
                              name="sequence_length")
        state = initial_state_of(cell, initial_state, batch_size_of(flat[0], 1), dtype,
                                 "If there is no initial_state, you must give a dtype.")
        outputs, final_state = _loop(cell, inputs, flat, state, lengths, dtype, parallel_iterations or 32, swap_memory)
        if not time_major:
            outputs = nest.map_structure(swap_batch_time, outputs)
        return outputs, final_state


def _check_sizes(flat: list[Tensor]) -> None:
    steps_and_batch = None
    for x in flat:
        shape = x.shape.with_rank_at_least(3)
        if not shape[2:].is_fully_defined():
            raise ValueError("Input size (depth of inputs) must be accessible via shape inference, but saw value None.")
        sizes = shape.as_list()[:2]
        if steps_and_batch is not None and sizes != steps_and_batch:
            what = "Time steps" if sizes[0] != steps_and_batch[0] else "Batch_size"
            raise ValueError(f"{what} is not the same for all the elements in the input.")
        steps_and_batch = sizes


def _loop(cell: Any, inputs: Any, flat: list[Tensor], state: Any, lengths: Tensor | None, dtype: Any,
          parallel_iterations: int, swap_memory: bool) -> tuple[Any, Any]:
    """(outputs [time, batch, ...], final state) of a cell over inputs [time, batch, ...]."""
    steps = shape_of(flat[0])[0]
    batch = flat[0].dims[1]  # type: ignore[index]
    sizes = [TensorShape([batch]).concatenate(size) for size in nest.flatten(cell.output_size)]
    written = state_dtype(dtype, state)
    sources = [TensorArray(x.dtype, size=steps, element_shape=x.shape[1:], name=f"dynamic_rnn/input_{k}").unstack(x)
               for k, x in enumerate(flat)]
    targets = [TensorArray(written, size=steps, element_shape=size, name=f"dynamic_rnn/output_{k}")
               for k, size in enumerate(sizes)]
    bound = steps if lengths is None else minimum(steps, maximum(1, reduce_max(lengths)))

    def step(time: Tensor, arrays: list[Any], state: Any) -> Any:
        values = [source.read(time) for source in sources]
        for value, x in zip(values, flat, strict=True):
            value.set_shape(x.shape[1:])
        new_output, new_state = cell(nest.pack_sequence_as(inputs, values), state)
        output, state = copy_through(time, lengths, state, new_output, new_state)
        arrays = [array.write(time, value) for array, value in zip(arrays, nest.flatten(output), strict=True)]
        return time + 1, arrays, state

    _, arrays, final_state = while_loop(
        lambda time, *_: less(time, bound), step, (constant(0, int32, name="time"), targets, state),
        parallel_iterations=parallel_iterations, maximum_iterations=steps, swap_memory=swap_memory)
    outputs = [array.stack() for array in arrays]
    for output, size in zip(outputs, sizes, strict=True):
        output.set_shape(TensorShape([flat[0].dims[0]]).concatenate(size))  # type: ignore[index]
    return nest.pack_sequence_as(cell.output_size, outputs), final_state


def bidirectional_dynamic_rnn(cell_fw: Any, cell_bw: Any, inputs: Any, sequence_length: Any = None,
                              initial_state_fw: Any = None, initial_state_bw: Any = None, dtype: Any = None,
                              parallel_iterations: int | None = None, swap_memory: bool = False,
                              time_major: bool = False, scope: Any = None) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """`dynamic_rnn` of one cell forwards and of one backwards in time.

    Returns ((forward outputs, backward outputs), (forward final state, backward final state)); outputs stand at the
    time of their input.
    """
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    time_axis, batch_axis = (0, 1) if time_major else (1, 0)

    def backwards(x: Any) -> Tensor:
        return reverse_time(convert_to_tensor(x), sequence_length, time_axis, batch_axis)

    options: dict[str, Any] = {
        "sequence_length": sequence_length, "dtype": dtype, "parallel_iterations": parallel_iterations,
        "swap_memory": swap_memory, "time_major": time_major}
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw_scope:
            forward, state_fw = dynamic_rnn(cell_fw, inputs, initial_state=initial_state_fw, scope=fw_scope, **options)
        with variable_scope("bw") as bw_scope:
            backward, state_bw = dynamic_rnn(cell_bw, nest.map_structure(backwards, inputs),
                                             initial_state=initial_state_bw, scope=bw_scope, **options)
    return (forward, nest.map_structure(backwards, backward)), (state_fw, state_bw)
