"""The recursions of connectionist temporal classification in NumPy, in log space (Graves et al. 2006; Graves 2012,
chapter 7)."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ZERO = -np.inf  # log 0


def log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x.astype(np.float64) - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def forward_backward(inputs: np.ndarray, targets: Sequence[np.ndarray], lengths: np.ndarray, blank: int,
                     merge_repeated: bool) -> tuple[np.ndarray, np.ndarray]:
    """(-log p(target | inputs) [batch], its derivative by the inputs [time, batch, classes]).

    `inputs` are logits; an element of length 0 has loss and derivative 0. States are the labels with blanks between:
    state u may follow u, u - 1, and u - 2 where that skips only a blank.
    """
    time, batch, classes = inputs.shape
    width = 2 * max((len(t) for t in targets), default=0) + 1
    states = np.full((batch, width), blank)
    for b, target in enumerate(targets):
        states[b, 1:2 * len(target):2] = target
    last = 2 * np.array([len(t) for t in targets], int)
    stay = (states == blank) | merge_repeated
    skip = np.zeros((batch, width), bool)
    skip[:, 2:] = (states[:, 2:] != blank) & ~((states[:, 2:] == states[:, :-2]) & merge_repeated)
    log_y = log_softmax(inputs)
    emitted = np.take_along_axis(log_y, np.broadcast_to(states, (time, batch, width)), 2)
    final = np.where((np.arange(width) == last[:, None]) | (np.arange(width) == last[:, None] - 1), 0.0, ZERO)

    with np.errstate(invalid="ignore"):
        alpha = _forward(emitted, stay, skip)
        beta = _backward(emitted, stay, skip, final, lengths)
        joint = alpha + beta
        total = np.logaddexp.reduce(joint[0], 1) if time else np.zeros(batch)
        found = np.isfinite(total)
        posterior = np.exp(joint - np.where(found, total, 0.0)[:, None])
    hot = states[:, :, None] == np.arange(classes)
    gradient = np.exp(log_y) - (posterior.transpose(1, 0, 2) @ hot).transpose(1, 0, 2) * found[:, None]
    inside = np.arange(time)[:, None] < lengths
    return np.where(lengths > 0, -total, 0.0), np.where(inside[:, :, None], gradient, 0.0)


def _shifted(x: np.ndarray, by: int) -> np.ndarray:
    """x[:, u - by] at u, log 0 where there is none."""
    out = np.full_like(x, ZERO)
    if by > 0:
        out[:, by:] = x[:, :-by]
    else:
        out[:, :by] = x[:, -by:]
    return out


def _forward(emitted: np.ndarray, stay: np.ndarray, skip: np.ndarray) -> np.ndarray:
    """Log probability of all beginnings that end in state u at time t, its emission included."""
    alpha = np.full_like(emitted, ZERO)
    if len(emitted):
        alpha[0, :, :2] = emitted[0, :, :2]
    for t in range(1, len(emitted)):
        before = alpha[t - 1]
        reached = np.logaddexp(np.where(stay, before, ZERO), _shifted(before, 1))
        reached = np.logaddexp(reached, np.where(skip, _shifted(before, 2), ZERO))
        alpha[t] = reached + emitted[t]
    return alpha


def _backward(emitted: np.ndarray, stay: np.ndarray, skip: np.ndarray, final: np.ndarray,
              lengths: np.ndarray) -> np.ndarray:
    """Log probability of all endings after state u at time t, its emission excluded."""
    beta = np.full_like(emitted, ZERO)
    for t in range(len(emitted) - 1, -1, -1):
        if t + 1 < len(emitted):
            after = beta[t + 1] + emitted[t + 1]
            reached = np.logaddexp(np.where(stay, after, ZERO), _shifted(after, -1))
            beta[t] = np.logaddexp(reached, _shifted(np.where(skip, after, ZERO), -2))
        beta[t] = np.where((lengths == t + 1)[:, None], final, beta[t])
    return beta


def best_labels(inputs: np.ndarray, lengths: np.ndarray, blank: int, merge_repeated: bool) -> list[list[int]]:
    """The labels of the likeliest class at each step, without blanks, and without repetitions if they are merged."""
    found = []
    for b, length in enumerate(lengths):
        best = inputs[:length, b].argmax(1)
        kept = best != blank
        if merge_repeated:
            kept[1:] &= best[1:] != best[:-1]
        found.append(best[kept].tolist())
    return found


def search(log_y: np.ndarray, beam_width: int) -> list[tuple[tuple[int, ...], float]]:
    """Prefix beam search (Graves 2012, 7.5.2) over [time, classes]: the most likely label sequences of at most
    `beam_width`, with their log probabilities, best first. The last class is the blank."""
    blank = log_y.shape[1] - 1
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, ZERO)}  # ending in a blank, ending in a label
    for step in log_y:
        totals = {prefix: np.logaddexp(*parts) for prefix, parts in beams.items()}
        grown: dict[tuple[int, ...], tuple[float, float]] = {}
        for prefix, (_, label) in beams.items():
            ends = label + step[prefix[-1]] if prefix else ZERO
            parent = prefix[:-1]
            if prefix and parent in beams:
                twin = len(parent) and parent[-1] == prefix[-1]
                ends = np.logaddexp(ends, (beams[parent][0] if twin else totals[parent]) + step[prefix[-1]])
            grown[prefix] = (totals[prefix] + step[blank], ends)
        for prefix, (blanked, _) in beams.items():
            scores = totals[prefix] + step[:blank]
            if prefix:
                scores[prefix[-1]] = blanked + step[prefix[-1]]
            for c in np.argsort(-scores, kind="stable")[:beam_width]:
                if scores[c] > ZERO:
                    grown.setdefault((*prefix, int(c)), (ZERO, float(scores[c])))
        ranked = sorted(grown, key=lambda prefix: -np.logaddexp(*grown[prefix]))
        beams = {prefix: grown[prefix] for prefix in ranked[:beam_width]}
    return [(prefix, float(np.logaddexp(*parts))) for prefix, parts in beams.items()]
