"""`K.ctc_*`: connectionist temporal classification (Graves et al. 2006)."""
from __future__ import annotations

from typing import Any

from ... import ctc
from ...blocks import sequence_mask
from ...compiler.dtypes import int32, int64
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.slicing import stack
from ...compiler.ops.view import dim_scalar, expand_dims, known_rank, reshape, transpose
from ...indexing import gather_nd, where
from ...sparse_ops import sparse_tensor_to_dense
from ...sparse_tensor import SparseTensor
from .settings import epsilon


def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> SparseTensor:
    """The first `label_lengths` [batch] elements of each row of `labels` [batch, length]."""
    dense, lengths = convert_to_tensor(labels), reshape(ew.cast(label_lengths, int32), (-1,))
    sizes = [dim_scalar(d) if not isinstance(d, int) else d for d in known_rank("ctc_label_dense_to_sparse", dense)]
    positions = where(sequence_mask(lengths, sizes[1]))
    return SparseTensor(ew.cast(positions, int64), gather_nd(dense, positions), ew.cast(stack(sizes), int64))


def _logits(y_pred: Any) -> Tensor:
    """Logarithms of probabilities [batch, time, classes], time first."""
    return ew.log(transpose(y_pred, (1, 0, 2)) + epsilon())


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Tensor:
    """The CTC loss [batch, 1] of labels [batch, length] under probabilities [batch, time, classes], the last class
    being the blank; the lengths are [batch, 1]."""
    labels = ctc_label_dense_to_sparse(ew.cast(y_true, int32), label_length)
    lengths = reshape(ew.cast(input_length, int32), (-1,))
    return expand_dims(ctc.ctc_loss(labels, _logits(y_pred), lengths), 1)


def ctc_decode(y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1,
               merge_repeated: bool = False) -> tuple[list[Tensor], Tensor]:
    """(the decoded labels [batch, length] of each path, padded with -1; their log probabilities).

    `greedy` takes the most likely class at each time step, else a beam of `beam_width` finds the `top_paths` best.
    """
    lengths = ew.cast(input_length, int32)
    if greedy:
        decoded, log_prob = ctc.ctc_greedy_decoder(_logits(y_pred), lengths)
    else:
        decoded, log_prob = ctc.ctc_beam_search_decoder(_logits(y_pred), lengths, beam_width, top_paths,
                                                        merge_repeated)
    return [sparse_tensor_to_dense(path, -1) for path in decoded], log_prob
