"""Recurrent networks unrolled over a list of inputs."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import nest
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.slicing import concat, stack, unstack
from ..compiler.ops.view import identity
from ..framework import control_dependencies
from ..variable_scope import variable_scope
from .base import assert_like_rnncell, batch_size_of
from .steps import copy_through, initial_state_of, reverse_time, sequence_lengths


def _check_inputs(inputs: Any) -> Tensor:
    """The first input. Raises TypeError or ValueError unless the inputs are a list of tensors of known sizes."""
    if not nest.is_nested(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    flat = [convert_to_tensor(x) for x in nest.flatten(inputs)]
    for x in flat:
        for i, size in enumerate(x.shape.as_list()[1:] if x.dims is not None else ()):
            if size is None:
                raise ValueError(f"Input size (dimension {i} of inputs) must be accessible via shape inference, but "
                                 "saw value None.")
    return flat[0]


def static_rnn(cell: Any, inputs: Sequence[Any], initial_state: Any = None, dtype: Any = None,
               sequence_length: Any = None, scope: Any = None) -> tuple[list[Any], Any]:
    """Run a cell over a list of inputs, one step of graph for each.

    Inputs are [batch, size] each (or nests). Returns (list of outputs [batch, output_size], final state). From
    `sequence_length` [batch] on, outputs are 0 and the state stays. Raises TypeError when `cell` is no cell, ValueError
    for no inputs, unknown input sizes, or neither an initial state nor a dtype.
    """
    assert_like_rnncell("cell", cell)
    first = _check_inputs(inputs)
    outputs = []
    with variable_scope(scope or "rnn") as varscope:
        state = initial_state_of(cell, initial_state, batch_size_of(first), dtype,
                                 "If no initial_state is provided, dtype must be specified")
        lengths = None if sequence_length is None else sequence_lengths(sequence_length)
        for time, value in enumerate(inputs):
            if time > 0:
                varscope.reuse_variables()
            output, state = copy_through(time, lengths, state, *cell(value, state))
            outputs.append(output)
    return outputs, state


def static_state_saving_rnn(cell: Any, inputs: Sequence[Any], state_saver: Any, state_name: Any,
                            sequence_length: Any = None, scope: Any = None) -> tuple[list[Any], Any]:
    """`static_rnn` from the state `state_saver.state(name)`, which is saved by `state_saver.save_state(name, value)`.

    `state_name` is a name, or a nest of names like the cell's state_size. Raises ValueError when it is not like that.
    """
    nested = nest.is_nested(cell.state_size)
    if nested != nest.is_nested(state_name):
        raise ValueError(f"state_name should be the same type as cell.state_size.  state_name: {state_name}, "
                         f"cell.state_size: {cell.state_size}")
    names = nest.flatten(state_name)
    if len(names) != len(nest.flatten(cell.state_size)):
        raise ValueError(f"#elems(state_name) != #elems(state_size): {len(names)} vs. "
                         f"{len(nest.flatten(cell.state_size))}")
    initial = nest.pack_sequence_as(cell.state_size, [state_saver.state(name) for name in names])
    outputs, state = static_rnn(cell, inputs, initial, sequence_length=sequence_length, scope=scope)
    saved = [state_saver.save_state(name, part) for name, part in zip(names, nest.flatten(state), strict=True)]
    with control_dependencies(saved):
        outputs[-1] = nest.map_structure(identity, outputs[-1])
        state = nest.map_structure(identity, state)
    return outputs, state


def _reversed(sequence: Sequence[Any], lengths: Any) -> list[Any]:
    """A list of (nests of) inputs in reverse time, each sequence of the batch over its own length."""
    if lengths is None:
        return list(reversed(sequence))
    parts = [unstack(reverse_time(stack(list(steps)), lengths, 0, 1), len(sequence))
             for steps in zip(*(nest.flatten(x) for x in sequence), strict=True)]
    return [nest.pack_sequence_as(x, [part[k] for part in parts]) for k, x in enumerate(sequence)]


def static_bidirectional_rnn(cell_fw: Any, cell_bw: Any, inputs: Sequence[Any], initial_state_fw: Any = None,
                             initial_state_bw: Any = None, dtype: Any = None, sequence_length: Any = None,
                             scope: Any = None) -> tuple[list[Any], Any, Any]:
    """`static_rnn` of one cell forwards and of one backwards in time.

    Returns (list of outputs [batch, forward + backward output size], forward final state, backward final state).
    """
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    _check_inputs(inputs)
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw_scope:
            forward, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, fw_scope)
        with variable_scope("bw") as bw_scope:
            backward, state_bw = static_rnn(cell_bw, _reversed(inputs, sequence_length), initial_state_bw, dtype,
                                            sequence_length, bw_scope)
    backward = _reversed(backward, sequence_length)
    pairs = zip(nest.flatten(forward), nest.flatten(backward), strict=True)
    return nest.pack_sequence_as(forward, [concat([f, b], 1) for f, b in pairs]), state_fw, state_bw
