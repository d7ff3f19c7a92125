"""Recurrent networks whose inputs, outputs and end a function of the caller determines."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nest
from ..compiler.dtypes import int32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import logical_not, logical_or
from ..compiler.ops.reduction import reduce_all
from ..compiler.shapes import TensorShape
from ..control_flow import TensorArray, while_loop
from ..variable_scope import variable_scope
from .base import assert_like_rnncell
from .steps import select_rows


def raw_rnn(cell: Any, loop_fn: Callable[..., Any], parallel_iterations: int | None = None, swap_memory: bool = False,
            scope: Any = None) -> tuple[Any, Any, Any]:
    """Run a cell until `loop_fn` says that all sequences of the batch are finished.

    `loop_fn(time, cell_output, cell_state, loop_state)` gives (finished [batch], next input, next state, what to emit,
    next loop state); it is first called with time 0 and None for the others, to give the initial input and state and
    the structure of what is emitted (None: as the cell's output). What sequences that are finished emit is 0, and their
    state stays. Returns (tensor arrays of what was emitted, final state, final loop state). Raises TypeError when
    `cell` is no cell or `loop_fn` not callable.
    """
    assert_like_rnncell("cell", cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with variable_scope(scope or "rnn"):
        start = constant(0, int32, name="time")
        finished, inputs, state, emitted, loop_state = loop_fn(start, None, None, None)
        nest.assert_same_structure(state, cell.state_size)
        state = nest.map_structure(convert_to_tensor, state)
        has_loop_state = loop_state is not None
        loop_state = loop_state if has_loop_state else constant(0, int32)
        batch = next((x.dims[0] for x in nest.flatten(inputs) if x.dims), None)
        structure = cell.output_size if emitted is None else emitted
        first = nest.flatten(state)[0].dtype
        arrays = nest.pack_sequence_as(structure, [
            TensorArray(first if emitted is None else part.dtype, size=0, dynamic_size=True, name=f"rnn_output_{k}",
                        element_shape=TensorShape([batch]).concatenate(part if emitted is None else part.shape))
            for k, part in enumerate(nest.flatten(structure))])

        def step(time: Tensor, finished: Tensor, inputs: Any, arrays: Any, state: Any, loop_state: Any) -> Any:
            output, cell_state = cell(inputs, state)
            nest.assert_same_structure(state, cell_state)
            ended, next_inputs, next_state, emit, next_loop_state = loop_fn(time + 1, output, cell_state,
                                                                            loop_state)
            nest.assert_same_structure(state, next_state)
            nest.assert_same_structure(inputs, next_inputs)
            emit = nest.map_structure(lambda new: select_rows(finished, None, convert_to_tensor(new)), emit)
            next_state = nest.map_structure(lambda old, new: select_rows(finished, old, new), state, next_state)
            arrays = nest.map_structure(lambda array, value: array.write(time, value), arrays, emit)
            return (time + 1, logical_or(finished, ended), next_inputs, arrays, next_state,
                    loop_state if next_loop_state is None else next_loop_state)

        *_, arrays, state, loop_state = while_loop(
            lambda time, finished, *_: logical_not(reduce_all(finished)), step,
            [start, convert_to_tensor(finished), inputs, arrays, state, loop_state],
            parallel_iterations=parallel_iterations or 32, swap_memory=swap_memory)
        return arrays, state, loop_state if has_loop_state else None
