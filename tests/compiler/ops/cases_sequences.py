"""Cases of the CTC and candidate sampling ops."""
from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import numpy as np
from example import F32, case, floats
from graphflow.compiler.ir import Tensor
from graphflow.compiler.ops import candidate, ctc
from graphflow.compiler.ops.beam import gather_tree
from graphflow.compiler.ops.constant import constant
from graphflow.compiler.ops.ctc_search import log_softmax
from graphflow.compiler.ops.reduction import reduce_sum

# connectionist temporal classification, against the sum over all alignments

LOGITS = floats((4, 2, 3), seed=3)  # [time, batch, classes]
LENGTHS = np.array([4, 3], np.int32)
LABELS = [[0, 1, 1], [1]]
INDICES = np.array([(b, k) for b, row in enumerate(LABELS) for k in range(len(row))], np.int64)


def merged(path: Any, blank: int, merge: bool) -> list[int]:
    return [c for k, c in enumerate(path) if c != blank and not (merge and k and path[k - 1] == c)]


def likelihoods(x: np.ndarray, length: int, blank: int, merge: bool = True) -> dict[tuple[int, ...], float]:
    """The log probability of every label sequence."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(x.shape[1]), repeat=length):
        key = tuple(merged(path, blank, merge))
        found[key] = np.logaddexp(found.get(key, -np.inf), log_softmax(x)[np.arange(length), path].sum())
    return found


def ctc_losses(x: np.ndarray, labels: list[list[int]], blank: int = 2, merge: bool = True) -> np.ndarray:
    return np.array([-likelihoods(x[:, b], n, blank, merge)[tuple(label)]
                     for b, (n, label) in enumerate(zip(LENGTHS, labels, strict=True))])


def ctc_loss(x: Tensor, values: Any, lengths: Any = LENGTHS, collapse: bool = False, merge: bool = True,
             ignore: bool = False) -> Tensor:
    operands = [constant(a) for a in (INDICES, np.array(values, np.int32), lengths)]
    return ctc.ctc_loss(x, *operands, preprocess_collapse_repeated=collapse, ctc_merge_repeated=merge,
                        ignore_longer_outputs_than_inputs=ignore)


case("CTCLoss", partial(ctc_loss, values=[0, 1, 0, 1]), LOGITS, expect=partial(ctc_losses, labels=[[0, 1, 0], [1]]))
case("CTCLoss", partial(ctc_loss, values=[0, 1, 1, 1]), LOGITS, expect=partial(ctc_losses, labels=LABELS))
case("CTCLoss", partial(ctc_loss, values=[0, 1, 1, 1], collapse=True), LOGITS,
     expect=partial(ctc_losses, labels=[[0, 1], [1]]))
case("CTCLoss", partial(ctc_loss, values=[0, 1, 1, 1], merge=False), LOGITS,
     expect=partial(ctc_losses, labels=LABELS, merge=False))
case("CTCLoss", partial(ctc_loss, values=[0, 1, 2, 1]), LOGITS, expect=partial(ctc_losses, labels=[[0, 1], [1]]))
case("CTCLoss", partial(ctc_loss, values=[0, 1, 0, 1], lengths=np.array([2, 3], np.int32), ignore=True), LOGITS,
     expect=lambda x: ctc_losses(x, LABELS) * [0, 1])
case("CTCLossDense", lambda x, labels, sizes, lengths: ctc.ctc_loss_dense(x, labels, sizes, lengths, blank=0), LOGITS,
     np.array([[1, 2, 2], [0, 0, 0]], np.int32), np.array([3, 0], np.int32), LENGTHS,
     expect=lambda x, *_: ctc_losses(x, [[1, 2, 2], []], blank=0))


def greedy_score(x: Tensor, merge_repeated: bool = True, blank_index: int = -1) -> Tensor:
    return ctc.ctc_greedy_decoder.operation(x, constant(LENGTHS), merge_repeated=merge_repeated,
                                            blank_index=blank_index).outputs[-1]


def beam_scores(x: Tensor, beam_width: int, top_paths: int, merge_repeated: bool) -> Tensor:
    return ctc.ctc_beam_search_decoder.operation(x, constant(LENGTHS), beam_width=beam_width, top_paths=top_paths,
                                                 merge_repeated=merge_repeated).outputs[-1]


case("CTCGreedyDecoder", greedy_score, LOGITS, grad=False,
     expect=lambda x: -np.array([[x[:n, b].max(1).sum()] for b, n in enumerate(LENGTHS)]))
case("CTCBeamSearchDecoder", partial(beam_scores, beam_width=100, top_paths=3, merge_repeated=False), LOGITS,
     grad=False, expect=lambda x: np.array([sorted(likelihoods(x[:, b], n, 2).values())[:-4:-1]
                                            for b, n in enumerate(LENGTHS)]))
case("CollapseRepeated", lambda labels, lengths: ctc.collapse_repeated.operation(labels, lengths).outputs[1],
     np.array([[1, 1, 2, 2, 1], [1, 2, 3, 4, 5]], np.int32), np.array([5, 3], np.int32), grad=False,
     expect=lambda labels, lengths: np.array([3, 3]))
case("CTCUniqueLabels", lambda labels: list(ctc.unique_labels.operation(labels).outputs),
     np.array([[3, 4, 4, 3], [0, 5, 0, 0]], np.int64),
     expect=lambda labels: [np.array([[3, 4, 0, 0], [0, 5, 0, 0]]), np.array([[0, 1, 1, 0], [0, 1, 0, 0]])])

# candidate sampling: the distributions are tested with the functions (tests/graphflow/test_tf1_sequences.py)

TRUE = np.array([[0, 3], [2, 1], [4, 4]], np.int64)
WEIGHTS = np.array([1.0, 2.0, 0.0, 5.0, 2.0])


def sampled(op: Any, true: Tensor, unique: bool = False, count: int = 4, **attrs: Any) -> list[Tensor]:
    bits = constant(np.array([7, 9], np.int32))
    return list(op.operation(true, bits, num_sampled=count, num_true=2, unique=unique, **attrs).outputs)


def expected_true(probability: Any) -> Any:
    return lambda true: (4 * probability(true)).astype(F32)


for _name, _op, _attrs, _probability in (
        ("UniformCandidateSampler", candidate.uniform_sampler, {"range_max": 5}, lambda v: np.full(v.shape, 0.2)),
        ("LogUniformCandidateSampler", candidate.log_uniform_sampler, {"range_max": 5},
         lambda v: np.log((v + 2) / (v + 1)) / np.log(6)),
        ("FixedUnigramCandidateSampler", candidate.fixed_unigram_sampler, {"weights": WEIGHTS},
         lambda v: WEIGHTS[v] / 10)):
    case(_name, lambda true, op=_op, attrs=_attrs: sampled(op, true, **attrs)[1], TRUE,
         expect=expected_true(_probability))
    case(_name, partial(sampled, _op, unique=True, **_attrs), TRUE)
case("LearnedUnigramCandidateSampler",
     lambda true: sampled(candidate.learned_unigram_sampler, true, unigrams=candidate.Unigrams(5))[1],
     np.array([[0, 3], [2, 1], [4, 4], [3, 2], [1, 0]], np.int64),  # each class as often: the next run finds the same
     expect=expected_true(lambda v: np.full(v.shape, 0.2)))
case("AllCandidateSampler", partial(sampled, candidate.all_sampler, count=5), TRUE,
     expect=lambda true: [np.arange(5), np.ones((3, 2)), np.ones(5)])
case("ComputeAccidentalHits",
     lambda true, samples: [reduce_sum(t) for t in candidate.accidental_hits.operation(true, samples,
                                                                                       num_true=2).outputs[:2]],
     TRUE, np.array([3, 4, 7], np.int64), expect=lambda *_: [0 + 2 + 2, 0 + 1 + 1])

case("GatherTree", partial(gather_tree, max_sequence_lengths=np.array([3, 2], np.int32), end_token=9),
     np.array([[[1, 2], [3, 4]], [[5, 6], [7, 9]], [[7, 8], [5, 6]]], np.int32),
     np.array([[[0, 0], [0, 0]], [[0, 1], [1, 0]], [[1, 0], [0, 1]]], np.int32),
     expect=lambda *_: np.array([[[2, 1], [4, 3]], [[6, 5], [7, 9]], [[7, 8], [9, 9]]]))
case("GatherTree", partial(gather_tree, max_sequence_lengths=[4], end_token=0),  # nothing after the first end
     np.array([[[1]], [[0]], [[2]]], np.int32), np.zeros((3, 1, 1), np.int32),
     expect=lambda *_: np.array([[[1]], [[0]], [[0]]]))
