"""`tf.contrib.crf`: linear-chain conditional random fields (Lafferty et al. 2001).

Everywhere: `inputs` are unary scores [batch, time, tags], `tag_indices` int [batch, time], `sequence_lengths` int
[batch], `transition_params` [tags, tags] the scores of a tag (row) being followed by another (column).
"""
from __future__ import annotations

from typing import Any

import numpy as np

from ..array_ops import gather, gather_nd, reverse_sequence, sequence_mask
from ..array_ops import shape as shape_of
from ..compiler.dtypes import int32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, less_equal, maximum, where
from ..compiler.ops.gather import range_
from ..compiler.ops.reduction import argmax, reduce_logsumexp, reduce_max, reduce_sum
from ..compiler.ops.slicing import concat, stack
from ..compiler.ops.view import expand_dims, reshape, squeeze, zeros_of
from ..rnn.base import RNNCell
from ..rnn.dynamic import dynamic_rnn
from ..variable_scope import get_variable

__all__ = [
    "CrfDecodeBackwardRnnCell", "CrfDecodeForwardRnnCell", "CrfForwardRnnCell", "crf_binary_score", "crf_decode",
    "crf_log_likelihood", "crf_log_norm", "crf_multitag_sequence_score", "crf_sequence_score", "crf_unary_score",
    "viterbi_decode",
]

# scores


def crf_sequence_score(inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Tensor:
    """The score of each tag sequence, not normalized: [batch]."""
    return (crf_unary_score(tag_indices, sequence_lengths, inputs)
            + crf_binary_score(tag_indices, sequence_lengths, transition_params))


def crf_multitag_sequence_score(inputs: Any, tag_bitmap: Any, sequence_lengths: Any,
                                transition_params: Any) -> Tensor:
    """The log of the summed exponentials of the scores of all sequences of the tags that `tag_bitmap` bool
    [batch, time, tags] allows: [batch]."""
    scores = convert_to_tensor(inputs)
    impossible = convert_to_tensor(np.asarray(-np.inf, scores.dtype.np))
    return crf_log_norm(where(convert_to_tensor(tag_bitmap), scores, impossible), sequence_lengths, transition_params)


def crf_unary_score(tag_indices: Any, sequence_lengths: Any, inputs: Any) -> Tensor:
    """The sum of the scores of the tags: [batch]."""
    tags, scores = convert_to_tensor(tag_indices), convert_to_tensor(inputs)
    sizes = shape_of(scores, out_type=tags.dtype)
    count = sizes[0] * sizes[1]
    chosen = gather(reshape(scores, [-1]), range_(count) * sizes[2] + reshape(tags, [-1]))
    return _masked_sum(reshape(chosen, shape_of(tags)), sequence_lengths, 0)


def crf_binary_score(tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Tensor:
    """The sum of the scores of the transitions: [batch]."""
    tags, transitions = convert_to_tensor(tag_indices), convert_to_tensor(transition_params)
    pairs = tags[:, :-1] * transitions.shape.as_list()[0] + tags[:, 1:]
    return _masked_sum(gather(reshape(transitions, [-1]), pairs), sequence_lengths, 1)


def _masked_sum(scores: Tensor, sequence_lengths: Any, skipped: int) -> Tensor:
    """The sum over time of [batch, time] scores that begin at step `skipped`, up to the sequences' ends."""
    left = convert_to_tensor(sequence_lengths) - skipped
    return reduce_sum(scores * sequence_mask(left, shape_of(scores)[1], scores.dtype), 1)


def _rest(sequence_lengths: Tensor) -> Tensor:
    """The lengths without the first step."""
    return maximum(sequence_lengths - 1, zeros_of(sequence_lengths))


def crf_log_norm(inputs: Any, sequence_lengths: Any, transition_params: Any) -> Tensor:
    """The log of the summed exponentials of the scores of all tag sequences: [batch], 0 for empty sequences."""
    scores, lengths = convert_to_tensor(inputs), convert_to_tensor(sequence_lengths)
    _, alphas = dynamic_rnn(CrfForwardRnnCell(transition_params), scores[:, 1:], _rest(lengths), scores[:, 0])
    log_norm = reduce_logsumexp(alphas, 1)
    return where(less_equal(lengths, 0), zeros_of(log_norm), log_norm)


def crf_log_likelihood(inputs: Any, tag_indices: Any, sequence_lengths: Any,
                       transition_params: Any = None) -> tuple[Tensor, Any]:
    """(log likelihood of each tag sequence [batch], transition parameters: those given, or a new variable
    "transitions")."""
    if transition_params is None:
        tags = convert_to_tensor(inputs).shape.as_list()[2]
        transition_params = get_variable("transitions", [tags, tags])
    scores = crf_sequence_score(inputs, tag_indices, sequence_lengths, transition_params)
    return scores - crf_log_norm(inputs, sequence_lengths, transition_params), transition_params


# cells


class _TagCell(RNNCell):
    """A cell whose state is a score for each tag."""

    def __init__(self, transition_params: Any):
        super().__init__()
        transitions = convert_to_tensor(transition_params)
        self._transition_params = expand_dims(transitions, 0)
        self._num_tags = transitions.shape.as_list()[0]

    @property
    def state_size(self) -> int:
        return self._num_tags  # type: ignore[return-value]

    @property
    def output_size(self) -> int:
        return self._num_tags  # type: ignore[return-value]


class CrfForwardRnnCell(_TagCell):
    """The forward recursion: from the log sums over all beginnings that end in a tag to those one step longer."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        new_alphas = inputs + reduce_logsumexp(expand_dims(state, 2) + self._transition_params, 1)
        return new_alphas, new_alphas


class CrfDecodeForwardRnnCell(_TagCell):
    """The Viterbi recursion: the best score of a beginning that ends in a tag; outputs the tags before, int32."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        scores = expand_dims(state, 2) + self._transition_params
        return cast(argmax(scores, 1), int32), inputs + reduce_max(scores, 1)


class CrfDecodeBackwardRnnCell(RNNCell):
    """Follows the tags before, from the last step to the first; states are [batch, 1], int32."""

    def __init__(self, num_tags: int):
        super().__init__()
        self._num_tags = num_tags

    @property
    def state_size(self) -> int:
        return 1

    @property
    def output_size(self) -> int:
        return 1

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        at = stack([range_(shape_of(inputs)[0]), squeeze(state, [1])], 1)
        tags = expand_dims(gather_nd(inputs, at), -1)
        return tags, tags


# decoding


def viterbi_decode(score: np.ndarray, transition_params: np.ndarray) -> tuple[list[int], float]:
    """The best tag sequence for scores [time, tags] and its score (Viterbi 1967), in NumPy."""
    trellis = np.zeros_like(score)
    before = np.zeros_like(score, dtype=np.int32)
    trellis[0] = score[0]
    for t in range(1, len(score)):
        totals = trellis[t - 1][:, None] + transition_params
        trellis[t] = score[t] + totals.max(0)
        before[t] = totals.argmax(0)
    tags = [np.argmax(trellis[-1])]
    for row in before[:0:-1]:
        tags.append(row[tags[-1]])
    return tags[::-1], np.max(trellis[-1])  # type: ignore[return-value]


def crf_decode(potentials: Any, transition_params: Any, sequence_length: Any) -> tuple[Tensor, Tensor]:
    """(best tags int32 [batch, time], their score [batch]) for unary scores [batch, time, tags]."""
    scores, lengths = convert_to_tensor(potentials), convert_to_tensor(sequence_length)
    before, last = dynamic_rnn(CrfDecodeForwardRnnCell(transition_params), scores[:, 1:], _rest(lengths), scores[:, 0],
                               dtype=int32)
    before = reverse_sequence(before, _rest(lengths), seq_axis=1)
    final = expand_dims(cast(argmax(last, 1), int32), -1)
    tags, _ = dynamic_rnn(
        CrfDecodeBackwardRnnCell(scores.shape.as_list()[2]), before, _rest(lengths), final,  # type: ignore[arg-type]
        dtype=int32)
    path = concat([final, squeeze(tags, [2])], 1)
    return reverse_sequence(path, lengths, seq_axis=1), reduce_max(last, 1)
