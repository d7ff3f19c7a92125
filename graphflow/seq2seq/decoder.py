"""The decoding loop, and the decoder that follows a helper."""
from __future__ import annotations

from typing import Any, NamedTuple

from .. import nest
from ..compiler.dtypes import int32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import greater_equal, logical_not, logical_or, where
from ..compiler.ops.reduction import reduce_all
from ..compiler.ops.view import zeros_like
from ..compiler.shapes import TensorShape
from ..control_flow import TensorArray, while_loop
from ..framework import is_tensor, name_scope
from ..rnn.base import assert_like_rnncell
from ..rnn.steps import select_rows, swap_batch_time
from ..variable_scope import variable_scope
from .helpers import Helper


class Decoder:
    """What `dynamic_decode` runs: batch_size, output_size and output_dtype (nests), `initialize` and `step`."""

    @property
    def batch_size(self) -> Any:
        """The number of sequences, an int or a scalar tensor."""
        raise NotImplementedError

    @property
    def output_size(self) -> Any:
        """The sizes of what a step puts out, without the batch: ints or TensorShapes."""
        raise NotImplementedError

    @property
    def output_dtype(self) -> Any:
        """The dtypes of what a step puts out."""
        raise NotImplementedError

    def initialize(self, name: str | None = None) -> Any:
        """(finished bool [batch], first inputs, initial state)."""
        raise NotImplementedError

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> Any:
        """(outputs, next state, next inputs, finished bool [batch])."""
        raise NotImplementedError

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> Any:
        """(outputs, final state) in the form that `dynamic_decode` is to return; not implemented: as they are."""
        raise NotImplementedError

    @property
    def tracks_own_finished(self) -> bool:
        """Whether `finished` of a step is the whole truth, because the decoder moves sequences about."""
        return False


def dynamic_decode(decoder: Decoder, output_time_major: bool = False, impute_finished: bool = False,
                   maximum_iterations: Any = None, parallel_iterations: int = 32, swap_memory: bool = False,
                   scope: Any = None) -> tuple[Any, Any, Tensor]:
    """Step a decoder until all sequences are finished, or `maximum_iterations` times.

    Returns (outputs [batch, time, ...], or [time, batch, ...] if `output_time_major`; final state; lengths int32
    [batch]). `impute_finished` makes outputs of finished sequences 0 and keeps their states. Raises TypeError for what
    is no Decoder, ValueError when `maximum_iterations` is no scalar.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    with variable_scope(scope, "decoder"):
        if maximum_iterations is not None:
            maximum_iterations = convert_to_tensor(maximum_iterations, int32)
            if maximum_iterations.dims != ():
                raise ValueError("maximum_iterations must be a scalar")
        finished, inputs, state = decoder.initialize()
        finished = convert_to_tensor(finished)
        if maximum_iterations is not None:
            finished = logical_or(finished, greater_equal(constant(0, int32), maximum_iterations))
        batch = finished.dims[0] if finished.dims else None
        arrays = nest.map_structure(
            lambda size, dtype: TensorArray(dtype, size=0, dynamic_size=True,
                                            element_shape=TensorShape([batch]).concatenate(size)),
            decoder.output_size, decoder.output_dtype)

        def step(time: Tensor, arrays: Any, state: Any, inputs: Any, finished: Tensor, lengths: Tensor) -> Any:
            outputs, next_state, next_inputs, now_finished = decoder.step(time, inputs, state)
            if not decoder.tracks_own_finished:
                now_finished = logical_or(now_finished, finished)
            nest.assert_same_structure(state, next_state)
            nest.assert_same_structure(inputs, next_inputs)
            if impute_finished:
                outputs = nest.map_structure(lambda new: select_rows(finished, None, new), outputs)
                next_state = nest.map_structure(lambda old, new: select_rows(finished, old, new), state, next_state)
            arrays = nest.map_structure(lambda array, out: array.write(time, out), arrays, outputs)
            return time + 1, arrays, next_state, next_inputs, now_finished, where(finished, lengths, time + 1)

        _, arrays, state, _, _, lengths = while_loop(
            lambda time, arrays, state, inputs, finished, lengths: logical_not(reduce_all(finished)), step,
            (constant(0, int32), arrays, state, inputs, finished, zeros_like(finished, int32)),
            parallel_iterations=parallel_iterations, maximum_iterations=maximum_iterations, swap_memory=swap_memory)
        outputs = nest.map_structure(lambda array: array.stack(), arrays)
        try:
            outputs, state = decoder.finalize(outputs, state, lengths)
        except NotImplementedError:
            pass
        if not output_time_major:
            outputs = nest.map_structure(swap_batch_time, outputs)
        return outputs, state, lengths


def projected_size(size: Any, output_layer: Any) -> Any:
    """The output size of a cell after a layer."""
    if output_layer is None:
        return size
    return nest.map_structure(
        lambda s: TensorShape(output_layer.compute_output_shape(TensorShape([None]).concatenate(s)))[1:], size)


class BasicDecoderOutput(NamedTuple):
    """The output of the cell (or of the output layer) and the ids sampled from it."""

    rnn_output: Any
    sample_id: Any


class BasicDecoder(Decoder):
    """A cell whose inputs a helper supplies, with a layer (if any) applied to its outputs before sampling.

    Raises TypeError when `cell` is no cell, `helper` no Helper, or `output_layer` cannot be called.
    """

    def __init__(self, cell: Any, helper: Helper, initial_state: Any, output_layer: Any = None):
        assert_like_rnncell("cell", cell)
        if not isinstance(helper, Helper):
            raise TypeError(f"helper must be a Helper, received: {type(helper)}")
        if output_layer is not None and not hasattr(output_layer, "compute_output_shape"):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell = cell
        self._helper = helper
        self._initial_state = initial_state
        self._output_layer = output_layer

    @property
    def batch_size(self) -> Any:
        return self._helper.batch_size

    @property
    def output_size(self) -> BasicDecoderOutput:
        return BasicDecoderOutput(projected_size(self._cell.output_size, self._output_layer),
                                  self._helper.sample_ids_shape)

    @property
    def output_dtype(self) -> BasicDecoderOutput:
        dtype = next(s for s in nest.flatten(self._initial_state) if is_tensor(s)).dtype
        return BasicDecoderOutput(nest.map_structure(lambda _: dtype, self.output_size.rnn_output),
                                  self._helper.sample_ids_dtype)

    def initialize(self, name: str | None = None) -> Any:
        return (*self._helper.initialize(), self._initial_state)

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> Any:
        with name_scope(name, "BasicDecoderStep"):
            outputs, cell_state = self._cell(inputs, state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            sample_ids = self._helper.sample(time=time, outputs=outputs, state=cell_state)
            finished, next_inputs, next_state = self._helper.next_inputs(
                time=time, outputs=outputs, state=cell_state, sample_ids=sample_ids)
        return BasicDecoderOutput(outputs, sample_ids), next_state, next_inputs, finished
