"""Connectionist temporal classification (Graves et al. 2006) under TensorFlow 1's names."""
from __future__ import annotations

from typing import Any

from .arguments import renamed
from .array_ops import transpose
from .compiler.dtypes import DType, int32, int64
from .compiler.ir import Tensor
from .compiler.ops import ctc as ops
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, less, where
from .compiler.ops.slicing import concat
from .framework import name_scope
from .sparse_tensor import SparseTensor

__all__ = [
    "collapse_repeated", "ctc_beam_search_decoder", "ctc_beam_search_decoder_v2", "ctc_greedy_decoder", "ctc_loss",
    "ctc_loss_v2", "ctc_unique_labels",
]

Decoded = tuple[list[SparseTensor], Tensor]


def _ints(value: Any, dtype: DType = int32) -> Tensor:
    return cast(convert_to_tensor(value), dtype)


def ctc_loss(labels: Any, inputs: Any = None, sequence_length: Any = None, preprocess_collapse_repeated: bool = False,
             ctc_merge_repeated: bool = True, ignore_longer_outputs_than_inputs: bool = False, time_major: bool = True,
             logits: Any = None) -> Tensor:
    """The negative log probability [batch] of the `labels` under `inputs`, logits [time, batch, classes].

    `labels` is a SparseTensor int32 [batch, length] of classes below the last one, which is the blank;
    `sequence_length` is int32 [batch]. `preprocess_collapse_repeated` merges repeated labels first; without
    `ctc_merge_repeated` repeated outputs are not merged. With `time_major` False, inputs are [batch, time, classes].
    Raises TypeError for labels that are not sparse; at run time InvalidArgumentError for labels that do not fit, or
    that are longer than the inputs, unless `ignore_longer_outputs_than_inputs`, which makes their loss 0.
    """
    if not isinstance(labels, SparseTensor):
        raise TypeError("Expected labels (first argument) to be a SparseTensor")
    x = convert_to_tensor(renamed("inputs", inputs, "logits", logits))
    if not time_major:
        x = transpose(x, [1, 0, 2])
    return ops.ctc_loss(x, _ints(labels.indices, int64), _ints(labels.values), _ints(sequence_length),
                        preprocess_collapse_repeated=preprocess_collapse_repeated,
                        ctc_merge_repeated=ctc_merge_repeated,
                        ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs)


def ctc_loss_v2(labels: Any, logits: Any, label_length: Any, logit_length: Any, logits_time_major: bool = True,
                unique: Any = None, blank_index: int | None = None, name: str | None = None) -> Tensor:
    """`ctc_loss` with labels that are sparse, or dense int [batch, length] with `label_length` [batch].

    The blank is class `blank_index`, counted from the end if negative; 0 by default, and to be given for sparse labels
    (else ValueError). `unique` is accepted and not used.
    """
    with name_scope(name, "ctc_loss_dense"):
        x = convert_to_tensor(logits)
        if not logits_time_major:
            x = transpose(x, [1, 0, 2])
        sparse = isinstance(labels, SparseTensor)
        if sparse and blank_index is None:
            raise ValueError("blank_index must be given when using SparseTensor labels.")
        blank = blank_index or 0
        if blank < 0:
            classes = x.shape.as_list()[2]
            if classes is None:
                raise ValueError(f"ctc_loss: a blank_index of {blank} needs a known number of classes")
            blank += classes
        if not sparse:
            return ops.ctc_loss_dense(x, _ints(labels), _ints(label_length), _ints(logit_length), blank=blank)
        if blank_index != -1:  # the op takes the last class
            x = concat([x[:, :, :blank], x[:, :, blank + 1:], x[:, :, blank:blank + 1]], 2)
            values = _ints(labels.values)
            labels = SparseTensor(labels.indices, where(less(values, blank), values, values - 1), labels.dense_shape)
        return ctc_loss(labels, x, logit_length)


def _decoded(outputs: Any, paths: int) -> Decoded:
    sparse = [SparseTensor(*outputs[p:-1:paths]) for p in range(paths)]
    return sparse, outputs[-1]


def ctc_greedy_decoder(inputs: Any, sequence_length: Any, merge_repeated: bool = True,
                       blank_index: int | None = None) -> Decoded:
    """([SparseTensor int64 [batch, length]], minus the sum of the largest logits [batch, 1]) of the best path.

    `inputs` are logits [time, batch, classes]. `merge_repeated` merges repeated classes that no blank (class
    `blank_index`, by default the last) separates.
    """
    op = ops.ctc_greedy_decoder.operation(convert_to_tensor(inputs), _ints(sequence_length),
                                          merge_repeated=merge_repeated,
                                          blank_index=-1 if blank_index is None else blank_index)
    return _decoded(op.outputs, 1)


def ctc_beam_search_decoder(inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1,
                            merge_repeated: bool = True) -> Decoded:
    """([SparseTensor int64 [batch, length]] of the `top_paths` best label sequences, their log probabilities
    [batch, top_paths]).

    `inputs` are logits [time, batch, classes]; the last class is the blank. `merge_repeated` merges repeated labels of
    what was found, whether or not a blank separated them.
    """
    op = ops.ctc_beam_search_decoder.operation(convert_to_tensor(inputs), _ints(sequence_length),
                                               beam_width=beam_width, top_paths=top_paths,
                                               merge_repeated=merge_repeated)
    return _decoded(op.outputs, top_paths)


def ctc_beam_search_decoder_v2(inputs: Any, sequence_length: Any, beam_width: int = 100,
                               top_paths: int = 1) -> Decoded:
    """`ctc_beam_search_decoder` without merging."""
    return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, False)


def collapse_repeated(labels: Any, seq_length: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(labels [batch, length] with repetitions merged and padded with 0, their lengths [batch])."""
    op = ops.collapse_repeated.operation(convert_to_tensor(labels), convert_to_tensor(seq_length),
                                         name=name or "collapse_repeated_labels")
    return op.outputs[0], op.outputs[1]


def ctc_unique_labels(labels: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(the distinct labels of each row [batch, length], int64, padded with 0; where each label is among them)."""
    op = ops.unique_labels.operation(convert_to_tensor(labels), name=name or "ctc_unique_labels")
    return op.outputs[0], op.outputs[1]
