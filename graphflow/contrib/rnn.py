"""`tf.contrib.rnn`."""
from __future__ import annotations

from typing import Any

from ..compiler.ops.slicing import concat
from ..rnn.base import LayerRNNCell, LSTMStateTuple, RNNCell
from ..rnn.cells import BasicLSTMCell, BasicRNNCell, GRUCell, LSTMCell, MultiRNNCell
from ..rnn.contributed import (
    CoupledInputForgetGateLSTMCell,
    IndRNNCell,
    IndyLSTMCell,
    IntersectionRNNCell,
    LayerNormBasicLSTMCell,
    Linear,
    NASCell,
    SRUCell,
    UGRNNCell,
    linear,
)
from ..rnn.contributed_wrappers import (
    AttentionCellWrapper,
    EmbeddingWrapper,
    HighwayWrapper,
    InputProjectionWrapper,
    OutputProjectionWrapper,
    PhasedLSTMCell,
)
from ..rnn.convolutional import Conv1DLSTMCell, Conv2DLSTMCell, Conv3DLSTMCell, ConvLSTMCell
from ..rnn.dynamic import bidirectional_dynamic_rnn
from ..rnn.fused import (
    FusedRNNCell,
    FusedRNNCellAdaptor,
    GRUBlockCell,
    GRUBlockCellV2,
    LSTMBlockCell,
    LSTMBlockFusedCell,
    LSTMBlockWrapper,
    TimeReversedFusedRNN,
)
from ..rnn.grid import BidirectionalGridLSTMCell, GLSTMCell, GridLSTMCell, TimeFreqLSTMCell
from ..rnn.private import _best_effort_input_batch_size as best_effort_input_batch_size
from ..rnn.static import static_bidirectional_rnn, static_rnn, static_state_saving_rnn
from ..rnn.steps import swap_batch_time as transpose_batch_time
from ..rnn.wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper
from ..variable_scope import variable_scope

__all__ = [
    "AttentionCellWrapper", "BasicLSTMCell", "BasicRNNCell", "BidirectionalGridLSTMCell", "Conv1DLSTMCell",
    "Conv2DLSTMCell", "Conv3DLSTMCell", "ConvLSTMCell", "CoupledInputForgetGateLSTMCell", "DeviceWrapper",
    "DropoutWrapper", "EmbeddingWrapper", "FusedRNNCell", "FusedRNNCellAdaptor", "GLSTMCell", "GRUBlockCell",
    "GRUBlockCellV2", "GRUCell", "GridLSTMCell", "HighwayWrapper", "IndRNNCell", "IndyLSTMCell",
    "InputProjectionWrapper", "IntersectionRNNCell", "LSTMBlockCell", "LSTMBlockFusedCell", "LSTMBlockWrapper",
    "LSTMCell", "LSTMStateTuple", "LayerNormBasicLSTMCell", "LayerRNNCell", "MultiRNNCell", "NASCell",
    "OutputProjectionWrapper", "PhasedLSTMCell", "RNNCell", "ResidualWrapper", "SRUCell", "TimeFreqLSTMCell",
    "TimeReversedFusedRNN", "UGRNNCell", "best_effort_input_batch_size", "stack_bidirectional_dynamic_rnn",
    "stack_bidirectional_rnn", "static_bidirectional_rnn", "static_rnn", "static_state_saving_rnn",
    "transpose_batch_time",
]

_linear, _Linear = linear, Linear  # which programs took from core_rnn_cell


def _check_stacks(cells_fw: Any, cells_bw: Any, states_fw: Any, states_bw: Any) -> None:
    for name, cells in (("fw", cells_fw), ("bw", cells_bw)):
        if not cells:
            raise ValueError(f"Must specify at least one {name} cell for BidirectionalRNN.")
        if not isinstance(cells, list):
            raise ValueError(f"cells_{name} must be a list of RNNCells (one per layer).")
    if len(cells_fw) != len(cells_bw):
        raise ValueError("Forward and Backward cells must have the same depth.")
    for name, states in (("fw", states_fw), ("bw", states_bw)):
        if states is not None and (not isinstance(states, list) or len(states) != len(cells_fw)):
            raise ValueError(f"initial_states_{name} must be a list of state tensors (one per layer).")


def stack_bidirectional_rnn(cells_fw: list[Any], cells_bw: list[Any], inputs: Any, initial_states_fw: Any = None,
                            initial_states_bw: Any = None, dtype: Any = None, sequence_length: Any = None,
                            scope: Any = None) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """`static_bidirectional_rnn` in layers: (outputs of the last, forward final states, backward final states)."""
    _check_stacks(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    count = len(cells_fw)
    states_fw, states_bw = [], []
    layers = zip(cells_fw, cells_bw, initial_states_fw or [None] * count, initial_states_bw or [None] * count,
                 strict=True)
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for k, (cell_fw, cell_bw, first_fw, first_bw) in enumerate(layers):
            with variable_scope(f"cell_{k}") as cell_scope:
                inputs, fw, bw = static_bidirectional_rnn(cell_fw, cell_bw, inputs, first_fw, first_bw, dtype,
                                                          sequence_length, cell_scope)
            states_fw.append(fw)
            states_bw.append(bw)
    return inputs, tuple(states_fw), tuple(states_bw)


def stack_bidirectional_dynamic_rnn(cells_fw: list[Any], cells_bw: list[Any], inputs: Any,
                                    initial_states_fw: Any = None, initial_states_bw: Any = None, dtype: Any = None,
                                    sequence_length: Any = None, parallel_iterations: int | None = None,
                                    time_major: bool = False, scope: Any = None, swap_memory: bool = False
                                    ) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """`bidirectional_dynamic_rnn` in layers, each fed with the concatenated outputs of the one before.

    Returns (outputs of the last, forward final states, backward final states). Raises ValueError for lists of cells
    and states that do not go together.
    """
    _check_stacks(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    count = len(cells_fw)
    states_fw, states_bw = [], []
    layers = zip(cells_fw, cells_bw, initial_states_fw or [None] * count, initial_states_bw or [None] * count,
                 strict=True)
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for k, (cell_fw, cell_bw, first_fw, first_bw) in enumerate(layers):
            with variable_scope(f"cell_{k}"):
                outputs, (fw, bw) = bidirectional_dynamic_rnn(
                    cell_fw, cell_bw, inputs, sequence_length, first_fw, first_bw, dtype, parallel_iterations,
                    swap_memory, time_major)
            inputs = concat(list(outputs), 2)
            states_fw.append(fw)
            states_bw.append(bw)
    return inputs, tuple(states_fw), tuple(states_bw)
