"""Beam search."""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import nest
from ..array_ops import gather, gather_nd, one_hot, sequence_mask, shape, zeros
from ..compiler.dtypes import as_dtype, bool_, int32, int64
from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor
from ..compiler.ops.beam import gather_tree
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import cast, equal, log, logical_not, logical_or, minimum, where
from ..compiler.ops.gather import range_
from ..compiler.ops.reduction import reduce_max, reduce_mean, reduce_sum
from ..compiler.ops.slicing import stack, tile
from ..compiler.ops.sorting import top_k
from ..compiler.ops.view import broadcast_to, expand_dims, ones_of, reshape, shape_of, transpose, zeros_of
from ..compiler.shapes import TensorShape
from ..control_flow import TensorArray
from ..framework import is_tensor, name_scope
from ..nn_ops import embedding_lookup, log_softmax
from ..rnn.base import assert_like_rnncell, batch_size_of
from .attention_wrapper import AttentionWrapperState
from .decoder import Decoder, projected_size


class BeamSearchDecoderState(NamedTuple):
    """The state of a beam search: the cell's [batch, beam, ...], and for each path [batch, beam] its log probability,
    whether it is finished, its length, and the attention it has paid to each step (or ())."""

    cell_state: Any
    log_probs: Any
    finished: Any
    lengths: Any
    accumulated_attention_probs: Any


class BeamSearchDecoderOutput(NamedTuple):
    """What a step of a beam search puts out, each [batch, beam]."""

    scores: Any
    predicted_ids: Any
    parent_ids: Any


class FinalBeamSearchDecoderOutput(NamedTuple):
    """The paths found, int32 [batch, time, beam], best first, and what the steps put out."""

    predicted_ids: Any
    beam_search_decoder_output: Any


def tile_batch(t: Any, multiplier: int, name: str | None = None) -> Any:
    """Each row of the tensors [batch, ...] of a nest `multiplier` times: [batch * multiplier, ...]."""
    def tiled(value: Any) -> Tensor:
        x = convert_to_tensor(value)
        if x.dims is None or not x.dims:
            raise ValueError(f"tile_batch: t must have statically known rank of 1 or more, received {x!r}")
        copies = tile(expand_dims(x, 1), [1, multiplier, *[1] * (len(x.dims) - 1)])
        return reshape(copies, [x.dims[0] * multiplier, *x.dims[1:]])

    with name_scope(name, "tile_batch"):
        return nest.map_structure(tiled, t)


class BeamSearchDecoder(Decoder):
    """Keeps the `beam_width` best paths of each sequence (with tf.contrib.seq2seq's scores and penalties).

    `embedding` is a table or a function of ids; `start_tokens` int [batch]; `initial_state` has batch * beam_width rows
    (see `tile_batch`). A path's score is its log probability divided by ((5 + length) / 6)^length_penalty_weight, plus
    `coverage_penalty_weight` times its coverage of the memory (Wu et al. 2016). Raises ValueError for tokens of other
    ranks.
    """

    def __init__(self, cell: Any, embedding: Any, start_tokens: Any, end_token: Any, initial_state: Any,
                 beam_width: int, output_layer: Any = None, length_penalty_weight: float = 0.0,
                 coverage_penalty_weight: float = 0.0, reorder_tensor_arrays: bool = True):
        assert_like_rnncell("cell", cell)
        if output_layer is not None and not hasattr(output_layer, "compute_output_shape"):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell = cell
        self._output_layer = output_layer
        self._reorder_tensor_arrays = reorder_tensor_arrays
        self._beam_width = beam_width
        self._length_penalty_weight = length_penalty_weight
        self._coverage_penalty_weight = coverage_penalty_weight
        self._embedding_fn = embedding if callable(embedding) else lambda ids: embedding_lookup(embedding, ids)
        tokens = cast(convert_to_tensor(start_tokens), int32)
        self._end_token = cast(convert_to_tensor(end_token), int32)
        if tokens.dims is None or len(tokens.dims) != 1:
            raise ValueError("start_tokens must be a vector")
        if self._end_token.dims != ():
            raise ValueError("end_token must be a scalar")
        self._batch_size = batch_size_of(tokens)
        self._batch = tokens.dims[0]
        self._initial_cell_state = nest.map_structure(self._split, initial_state)
        self._start_inputs = self._embedding_fn(tile(expand_dims(tokens, 1), [1, beam_width]))

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    @property
    def tracks_own_finished(self) -> bool:
        """True: the search moves paths about within the beam."""
        return True

    @property
    def output_size(self) -> BeamSearchDecoderOutput:
        width = TensorShape([self._beam_width])
        return BeamSearchDecoderOutput(width, width, width)

    @property
    def output_dtype(self) -> BeamSearchDecoderOutput:
        return BeamSearchDecoderOutput(self._dtype, int32, int32)

    @property
    def _dtype(self) -> Any:
        return next(s for s in nest.flatten(self._initial_cell_state) if is_tensor(s)).dtype

    def _rnn_output_size(self) -> Any:
        return projected_size(self._cell.output_size, self._output_layer)

    def _split(self, value: Any) -> Any:
        """[batch * beam, ...] as [batch, beam, ...]; scalars and tensor arrays stay."""
        if not is_tensor(value) or not convert_to_tensor(value).dims:
            return value
        x = convert_to_tensor(value)
        rows = x.shape.as_list()[0]
        if isinstance(self._batch, int) and rows is not None and rows != self._batch * self._beam_width:
            raise ShapeError(
                f"BeamSearchDecoder: Unexpected behavior when reshaping between beam width and batch size.  The tensor "
                f"has shape {x.shape}, expected {self._batch * self._beam_width} rows.  Perhaps you forgot to create a "
                "zero_state with batch_size=encoder_batch_size * beam_width?")
        return reshape(x, [self._batch, self._beam_width, *x.dims[1:]])  # type: ignore[index]

    def _merge(self, value: Any) -> Any:
        """[batch, beam, ...] as [batch * beam, ...]; scalars and tensor arrays stay."""
        if not is_tensor(value) or len(value.dims) < 2:
            return value
        return reshape(value, [self._batch * self._beam_width, *value.dims[2:]])

    def initialize(self, name: str | None = None) -> Any:
        first = one_hot(zeros([self._batch], int32), self._beam_width, True, False, dtype=bool_)
        dtype = as_dtype(self._dtype)
        low = constant(np.array(-np.inf, dtype.np))
        attention = _attention(self._initial_cell_state, self._coverage_penalty_weight)
        state = BeamSearchDecoderState(
            cell_state=self._initial_cell_state, log_probs=where(first, zeros_of(low), low),
            finished=logical_not(first), lengths=zeros([self._batch, self._beam_width], int64),
            accumulated_attention_probs=() if attention is None else attention)
        return state.finished, self._start_inputs, state

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> Any:
        with name_scope(name, "BeamSearchDecoderStep"):
            outputs, cell_state = self._cell(nest.map_structure(self._merge, inputs),
                                             nest.map_structure(self._merge, state.cell_state))
            logits = self._split(outputs)
            cell_state = nest.map_structure(self._split, cell_state)
            if self._output_layer is not None:
                logits = self._output_layer(logits)
            output, next_state = self._search(logits, cell_state, state)
        return output, next_state, self._embedding_fn(output.predicted_ids), next_state.finished

    def _search(self, logits: Tensor, cell_state: Any, state: Any) -> tuple[Any, Any]:
        """The best paths that are one step longer, finished ones staying as they are."""
        finished, vocabulary = state.finished, logits.dims[-1]  # type: ignore[index]
        is_end = equal(range_(shape(logits)[-1]), self._end_token)
        stay = where(is_end, zeros_of(logits), constant(np.array(np.finfo(logits.dtype.np).min)))
        step = where(expand_dims(finished, 2), stay, log_softmax(logits))
        totals = expand_dims(state.log_probs, 2) + step
        longer = cast(logical_not(logical_or(is_end, expand_dims(finished, 2))), int64)
        attention = _attention(cell_state, self._coverage_penalty_weight)
        if attention is not None:
            going = cast(expand_dims(logical_not(finished), 2), attention.dtype)
            attention = state.accumulated_attention_probs + attention * going
        scores = self._scores(totals, longer + expand_dims(state.lengths, 2), finished, attention)
        count = vocabulary * self._beam_width
        best, at = top_k(reshape(scores, [self._batch, count]), self._beam_width)
        size = shape(logits)[-1]
        ids, parents = at % size, at // size
        was_finished = self._chosen(finished, parents)
        offsets = expand_dims(range_(shape(at)[0]) * (size * self._beam_width), 1)
        next_state = BeamSearchDecoderState(
            cell_state=nest.map_structure(lambda s: self._chosen(s, parents), cell_state),
            log_probs=gather(reshape(totals, [-1]), at + offsets),
            finished=logical_or(was_finished, equal(ids, self._end_token)),
            lengths=self._chosen(state.lengths, parents) + cast(logical_not(was_finished), int64),
            accumulated_attention_probs=() if attention is None else self._chosen(attention, parents))
        return BeamSearchDecoderOutput(best, ids, parents), next_state

    def _chosen(self, value: Any, parents: Tensor) -> Any:
        """The rows of [batch, beam, ...] that `parents` [batch, beam] name; scalars and tensor arrays stay."""
        if not is_tensor(value) or len(value.dims) < 2:
            return value
        rows = parents + expand_dims(range_(shape(parents)[0]) * self._beam_width, 1)
        return gather(self._merge(value), rows)

    def _scores(self, log_probs: Tensor, lengths: Tensor, finished: Tensor, attention: Tensor | None) -> Tensor:
        weight = self._length_penalty_weight
        if is_tensor(weight) or weight != 0:
            log_probs = log_probs / (((5.0 + cast(lengths, log_probs.dtype)) / 6.0) ** weight)
        if attention is None:
            return log_probs
        paid = where(equal(attention, zeros_of(attention)), ones_of(attention), attention)
        covered = reduce_sum(log(minimum(paid, ones_of(paid))), 2) * cast(finished, log_probs.dtype)
        return log_probs + expand_dims(covered * self._coverage_penalty_weight, 2)

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> Any:
        longest = cast(reduce_max(final_state.lengths, 1), int32)
        ids = gather_tree(outputs.predicted_ids, outputs.parent_ids, longest, self._end_token)
        if self._reorder_tensor_arrays:
            final_state = final_state._replace(cell_state=nest.map_structure(
                lambda s: self._reordered(s, outputs.parent_ids, final_state.lengths), final_state.cell_state))
        return FinalBeamSearchDecoderOutput(ids, outputs), final_state

    def _reordered(self, array: Any, parents: Tensor, lengths: Tensor) -> Any:
        """A tensor array of [batch * beam, ...] for each step as a tensor in the order of the final paths."""
        return gather_tree_from_array(array.stack(), parents, lengths) if isinstance(array, TensorArray) else array


def gather_tree_from_array(t: Any, parent_ids: Any, sequence_length: Any) -> Tensor:
    """[time, batch, beam, ...] (or [time, batch * beam, ...]) values in the order of the final paths.

    `parent_ids` is [time, batch, beam], `sequence_length` [batch, beam].
    """
    values, parents, lengths = convert_to_tensor(t), convert_to_tensor(parent_ids), convert_to_tensor(sequence_length)
    time, batch, beam = (shape(parents)[k] for k in range(3))
    here = broadcast_to(range_(beam), shape_of(parents))
    path = gather_tree(here, parents, cast(reduce_max(lengths, 1), int32), beam + 1)
    inside = transpose(sequence_mask(lengths, time), [2, 0, 1])
    path = where(inside, path, here)
    at = stack([broadcast_to(reshape(range_(time), [-1, 1, 1]), shape_of(parents)),
                broadcast_to(reshape(range_(batch), [-1, 1]), shape_of(parents)), path], -1)
    steps, rows, width = parents.dims  # type: ignore[misc]
    return reshape(gather_nd(reshape(values, [steps, rows, width, -1]), at), shape_of(values))


def _attention(cell_state: Any, coverage_penalty_weight: float) -> Tensor | None:
    """The alignments [batch, beam, memory time] of the attentional cells, their mean for several; None without a
    penalty. Raises ValueError when no cell is attentional."""
    if not is_tensor(coverage_penalty_weight) and coverage_penalty_weight == 0.0:
        return None
    states = [cell_state] if isinstance(cell_state, AttentionWrapperState) else [
        s for s in (cell_state if isinstance(cell_state, tuple) else ()) if isinstance(s, AttentionWrapperState)]
    if not states:
        raise ValueError("coverage_penalty_weight must be 0.0 if no cell is attentional.")
    return _mean([_mean(list(s.alignments) if isinstance(s.alignments, tuple) else [s.alignments]) for s in states])


def _mean(tensors: list[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else reduce_mean(stack(tensors, -1), -1)
