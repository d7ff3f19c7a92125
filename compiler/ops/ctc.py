"""Connectionist temporal classification (Graves et al. 2006): the loss over alignments, and the decoders."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import FLOATS, int32, int64
from ..errors import FailedPreconditionError, InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef
from .arguments import check_dtype
from .ctc_search import best_labels, forward_backward, log_softmax, search
from .view import expand_dims


def _batch(name: str, inputs: Sequence[Tensor]) -> Any:
    """The size of the batch that [time, batch, classes] and the sequence lengths (the last input) agree on."""
    x, lengths = inputs[0], inputs[-1]
    check_dtype(name, x, FLOATS)
    if x.dims is not None and len(x.dims) != 3:
        raise ShapeError(f"{name}: inputs must be [time, batch, classes], received {x!r}")
    if lengths.dims is not None and len(lengths.dims) != 1:
        raise ShapeError(f"{name}: sequence_length must be a vector, received {lengths!r}")
    sizes = [d for d in ((x.dims or (None, None))[1], (lengths.dims or (None,))[0]) if d is not None]
    if len({d for d in sizes if isinstance(d, int)}) > 1:
        raise ShapeError(f"{name}: inputs {x!r} and sequence_length {lengths!r} differ in the batch size")
    return next((d for d in sizes if isinstance(d, int)), sizes[0] if sizes else dm.fresh())


def _loss_types(name: str) -> Any:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        batch = _batch(name, inputs)
        return [TensorType(inputs[0].dtype, (batch,)), inputs[0].type]
    return infer


def _loss_grad(op: Operation, g: Tensor | None, g_gradient: Tensor | None) -> Sequence[Tensor | None]:
    if g_gradient is not None or g is None:
        raise LookupError(f"No gradient defined for operation {op.name!r} (op type: {op.type}): the loss can be "
                          "differentiated once, its gradient is not a function of graph")
    return [expand_dims(expand_dims(g, -1), 0) * op.outputs[1], *[None] * (len(op.inputs) - 1)]


def _check_lengths(name: str, error: type, lengths: np.ndarray, time: int) -> None:
    for b, length in enumerate(lengths):
        if not 0 <= length <= time:
            raise error(f"{name}: sequence_length({b}) is {length}, the inputs have {time} steps")


def _targets(labels: Sequence[np.ndarray], classes: int, collapse: bool) -> list[np.ndarray]:
    """The label sequences proper: without repetitions if `collapse`, and without null labels at the end."""
    targets = []
    for b, label in enumerate(labels):
        if not len(label):
            raise InvalidArgumentError(f"CTCLoss: Labels length is zero in batch {b}")
        kept = label[np.append(True, label[1:] != label[:-1])] if collapse else label
        null = kept >= classes - 1
        if np.any(null[:-1] & ~null[1:]):
            raise InvalidArgumentError("CTCLoss: Saw a non-null label (index >= num_classes - 1) following a null "
                                       f"label, batch: {b} num_classes: {classes} labels: {label.tolist()}")
        if np.any(kept < 0):
            raise InvalidArgumentError(f"CTCLoss: All labels must be nonnegative integers, batch: {b} labels: "
                                       f"{label.tolist()}")
        targets.append(kept[~null])
    return targets


def _loss_reference(inputs: np.ndarray, labels_indices: np.ndarray, labels_values: np.ndarray, lengths: np.ndarray,
                    preprocess_collapse_repeated: bool, ctc_merge_repeated: bool,
                    ignore_longer_outputs_than_inputs: bool) -> tuple[np.ndarray, np.ndarray]:
    time, batch, classes = inputs.shape
    _check_lengths("CTCLoss", InvalidArgumentError, lengths, time)
    rows = labels_indices[:, 0]
    if rows.size and not 0 <= rows.min() <= rows.max() < batch:
        raise InvalidArgumentError(f"CTCLoss: the labels name batch {rows.max()} of {batch}")
    labels = [labels_values[rows == b] for b in range(batch)]
    targets = _targets(labels, classes, preprocess_collapse_repeated)
    sizes = np.array([len(label) for label in labels])
    longer = sizes > lengths
    if longer.any() and not ignore_longer_outputs_than_inputs:
        b = int(np.argmax(longer))
        raise InvalidArgumentError(
            f"CTCLoss: Not enough time for target transition sequence (required: {sizes[b]}, available: {lengths[b]})"
            f"{b} You can turn this error into a warning by using the flag ignore_longer_outputs_than_inputs")
    return forward_backward(inputs, targets, np.where(longer, 0, lengths), classes - 1, ctc_merge_repeated)


# (loss, its gradient by the inputs) of inputs, label indices, label values, sequence lengths; blank is the last class
ctc_loss = OpDef("CTCLoss", HOST, _loss_types("CTCLoss"), _loss_grad, _loss_reference)


def _dense_reference(inputs: np.ndarray, labels: np.ndarray, label_length: np.ndarray, lengths: np.ndarray,
                     blank: int) -> tuple[np.ndarray, np.ndarray]:
    _check_lengths("ctc_loss_dense", InvalidArgumentError, lengths, inputs.shape[0])
    targets = [row[:length] for row, length in zip(labels, label_length, strict=True)]
    return forward_backward(inputs, targets, lengths, blank, True)


# the same of inputs, dense labels [batch, length], label lengths, sequence lengths
ctc_loss_dense = OpDef("CTCLossDense", HOST, _loss_types("CTCLossDense"), _loss_grad, _dense_reference)


# decoders: for each path the indices, values and shape of a sparse [batch, length]; then a score [batch, paths]


def _decoder_types(name: str) -> Any:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        batch = _batch(name, inputs)
        paths = attrs.get("top_paths", 1)
        counts = [dm.fresh() for _ in range(paths)]
        return [*(TensorType(int64, (n, 2)) for n in counts), *(TensorType(int64, (n,)) for n in counts),
                *(TensorType(int64, (2,)) for _ in counts), TensorType(inputs[0].dtype, (batch, paths))]
    return infer


def _sparse(paths: Sequence[Sequence[Sequence[int]]], batch: int) -> list[np.ndarray]:
    """paths[p][b] is a list of labels: all indices, then all values, then all shapes."""
    indices = [np.array([(b, t) for b, row in enumerate(path) for t in range(len(row))], np.int64).reshape(-1, 2)
               for path in paths]
    values = [np.array([label for row in path for label in row], np.int64) for path in paths]
    shapes = [np.array([batch, max((len(row) for row in path), default=0)], np.int64) for path in paths]
    return [*indices, *values, *shapes]


def _greedy_reference(inputs: np.ndarray, lengths: np.ndarray, merge_repeated: bool,
                      blank_index: int) -> tuple[np.ndarray, ...]:
    time, batch, classes = inputs.shape
    _check_lengths("CTCGreedyDecoder", FailedPreconditionError, lengths, time)
    if not -classes <= blank_index < classes:
        raise InvalidArgumentError(f"CTCGreedyDecoder: blank_index expected to be between {-classes} and "
                                   f"{classes - 1} but was {blank_index}")
    best = best_labels(inputs, lengths, blank_index % classes, merge_repeated)
    inside = np.arange(time)[:, None] < lengths
    score = -np.sum(np.where(inside, inputs.max(2), 0), 0, keepdims=True).T
    return *_sparse([best], batch), score


ctc_greedy_decoder = OpDef("CTCGreedyDecoder", HOST, _decoder_types("CTCGreedyDecoder"),
                           lambda op, *g: [None, None], _greedy_reference)


def _beam_reference(inputs: np.ndarray, lengths: np.ndarray, beam_width: int, top_paths: int,
                    merge_repeated: bool) -> tuple[np.ndarray, ...]:
    time, batch, _ = inputs.shape
    _check_lengths("CTCBeamSearchDecoder", FailedPreconditionError, lengths, time)
    if top_paths > beam_width:
        raise InvalidArgumentError("CTCBeamSearchDecoder: requested more paths than the beam width.")
    probabilities = log_softmax(inputs)
    paths: list[list[list[int]]] = [[] for _ in range(top_paths)]
    scores = np.zeros((batch, top_paths))
    for b in range(batch):
        found = search(probabilities[:lengths[b], b], beam_width)[:top_paths]
        if len(found) < top_paths:
            raise InvalidArgumentError("CTCBeamSearchDecoder: Less leaves in the beam search than requested.")
        for p, (labels, score) in enumerate(found):
            kept = [c for k, c in enumerate(labels) if not (merge_repeated and k and labels[k - 1] == c)]
            paths[p].append(kept)
            scores[b, p] = score
    return *_sparse(paths, batch), scores


ctc_beam_search_decoder = OpDef("CTCBeamSearchDecoder", HOST, _decoder_types("CTCBeamSearchDecoder"),
                                lambda op, *g: [None, None], _beam_reference)


# [batch, length] labels and their lengths -> labels with repetitions merged, padded with 0, and the new lengths


def _collapse_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    labels, lengths = inputs
    batch = labels.dims[0] if labels.dims else dm.fresh()
    return [TensorType(labels.dtype, (batch, dm.fresh())), lengths.type]


def _collapse_reference(labels: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first = np.concatenate([np.ones_like(labels[:, :1], bool), labels[:, 1:] != labels[:, :-1]], 1)
    kept = first & (np.arange(labels.shape[1]) < lengths[:, None])
    counts = kept.sum(1)
    out = np.zeros((len(labels), counts.max(initial=0)), labels.dtype)
    out[np.arange(out.shape[1]) < counts[:, None]] = labels[kept]
    return out, counts


collapse_repeated = OpDef("CollapseRepeated", HOST, _collapse_types, lambda op, *g: [None, None], _collapse_reference)


def _unique_reference(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, where = np.zeros(labels.shape, np.int64), np.zeros(labels.shape, np.int32)
    for b, row in enumerate(labels):
        order = list(dict.fromkeys(row.tolist()))
        values[b, :len(order)] = order
        where[b] = [order.index(v) for v in row.tolist()]
    return values, where


# the distinct labels of each row in order of appearance, padded with 0, and where each label stands among them
unique_labels = OpDef("CTCUniqueLabels", HOST, lambda inputs, attrs: [TensorType(int64, inputs[0].dims),
                                                                      TensorType(int32, inputs[0].dims)],
                      lambda op, *g: [None], _unique_reference)
