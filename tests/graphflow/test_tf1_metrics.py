"""Streaming metrics over two batches against NumPy on all of it."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphflow as tf

RNG = np.random.default_rng(4)
SCORES = RNG.uniform(0, 1, (2, 12)).astype(np.float32)
TRUTH = RNG.integers(0, 2, (2, 12)).astype(bool)
GUESS = RNG.integers(0, 2, (2, 12)).astype(bool)
WEIGHTS = RNG.uniform(0.5, 2, (2, 12)).astype(np.float32)
LABELS, CLASSES = RNG.integers(0, 3, (2, 12)), RNG.integers(0, 3, (2, 12))
RANKED = RNG.permuted(np.tile(np.arange(5) / 5, (2, 6, 1)), axis=-1).astype(np.float32)
SETS = RNG.integers(0, 6, (2, 6, 3))  # 5 is no class; some labels stand twice


def stream(build: Callable[..., Any], *batches: np.ndarray) -> list[Any]:
    """[the value before any batch, each update's result, the value after all], with batches along the first axis."""
    with tf.Graph().as_default(), tf.Session() as sess:
        feeds = [tf.placeholder(tf.as_dtype(b.dtype), [None, *b.shape[2:]]) for b in batches]
        value, update = build(*feeds)
        sess.run(tf.local_variables_initializer())
        results = [sess.run(value)]
        for parts in zip(*batches, strict=True):
            results.append(sess.run(update, dict(zip(feeds, parts, strict=True))))
        return [*results, sess.run(value)]


def top(scores: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-scores, -1)[..., :k].reshape(-1, k)


def at_k(k: int, other: str, only: int | None = None) -> float:
    hits = misses = 0
    for best, row in zip(top(RANKED, k), SETS.reshape(-1, 3), strict=True):
        p, y = set(best.tolist()), set(row.tolist())
        p, y = (s if only is None else s & {only} for s in (p, y))
        hits, misses = hits + len(p & y), misses + len(p - y if other == "precision" else y - p)
    return hits / (hits + misses)


def average_precision(k: int) -> float:
    found = []
    for best, row in zip(top(RANKED, k), SETS.reshape(-1, 3), strict=True):
        relevant = np.isin(best, row)
        found.append(np.sum(np.cumsum(relevant) / np.arange(1, k + 1) * relevant) / min(k, np.sum(row < 5)))
    return float(np.mean(found))


def rate(count: np.ndarray, *others: np.ndarray) -> Any:
    return count.sum() / (count.sum() + sum(o.sum() for o in others))


ABOVE = SCORES[..., None] > np.array([0.25, 0.75])
T = TRUTH[..., None]
CASES: list[tuple[str, Callable[..., Any], tuple[np.ndarray, ...], Any]] = [
    ("mean", tf.metrics.mean, (SCORES,), SCORES.mean()),
    ("weighted mean", lambda x, w: tf.metrics.mean(x, w), (SCORES, WEIGHTS), np.average(SCORES, weights=WEIGHTS)),
    ("accuracy", tf.metrics.accuracy, (LABELS, CLASSES), np.mean(LABELS == CLASSES)),
    ("weighted accuracy", tf.metrics.accuracy, (LABELS, CLASSES, WEIGHTS),
     np.average(LABELS == CLASSES, weights=WEIGHTS)),
    ("mae", tf.metrics.mean_absolute_error, (SCORES, WEIGHTS), np.mean(abs(SCORES - WEIGHTS))),
    ("mse", tf.metrics.mean_squared_error, (SCORES, WEIGHTS), np.mean((SCORES - WEIGHTS) ** 2)),
    ("rmse", tf.metrics.root_mean_squared_error, (SCORES, WEIGHTS), np.mean((SCORES - WEIGHTS) ** 2) ** 0.5),
    ("relative", tf.metrics.mean_relative_error, (SCORES, WEIGHTS, WEIGHTS), np.mean(abs(SCORES - WEIGHTS) / WEIGHTS)),
    ("below", lambda x: tf.metrics.percentage_below(x, 0.4), (SCORES,), np.mean(SCORES < 0.4)),
    ("true positives", tf.metrics.true_positives, (TRUTH, GUESS), np.sum(TRUTH & GUESS)),
    ("false positives", tf.metrics.false_positives, (TRUTH, GUESS, WEIGHTS), np.sum((~TRUTH & GUESS) * WEIGHTS)),
    ("precision", tf.metrics.precision, (TRUTH, GUESS), rate(TRUTH & GUESS, ~TRUTH & GUESS)),
    ("recall", tf.metrics.recall, (TRUTH, GUESS), rate(TRUTH & GUESS, TRUTH & ~GUESS)),
    ("true negatives at thresholds", lambda y, p: tf.metrics.true_negatives_at_thresholds(y, p, [0.25, 0.75]),
     (TRUTH, SCORES), np.sum(~T & ~ABOVE, (0, 1))),
    ("precision at thresholds", lambda y, p: tf.metrics.precision_at_thresholds(y, p, [0.25, 0.75]), (TRUTH, SCORES),
     np.sum(T & ABOVE, (0, 1)) / np.sum(ABOVE, (0, 1))),
    ("recall at thresholds", lambda y, p: tf.metrics.recall_at_thresholds(y, p, [0.25, 0.75]), (TRUTH, SCORES),
     np.sum(T & ABOVE, (0, 1)) / np.sum(T, (0, 1))),
    ("mean per class", lambda y, p: tf.metrics.mean_per_class_accuracy(y, p, 3), (LABELS, CLASSES),
     np.mean([np.mean(CLASSES[c == LABELS] == c) for c in range(3)])),
    ("mean iou", lambda y, p: tf.metrics.mean_iou(y, p, 4), (LABELS, CLASSES),
     np.mean([np.sum((c == LABELS) & (c == CLASSES)) / np.sum((c == LABELS) | (c == CLASSES)) for c in range(3)])),
    ("precision at k", lambda y, p: tf.metrics.precision_at_k(y, p, 2), (SETS, RANKED), at_k(2, "precision")),
    ("precision of a class", lambda y, p: tf.metrics.precision_at_k(y, p, 3, class_id=1), (SETS, RANKED),
     at_k(3, "precision", 1)),
    ("recall at k", lambda y, p: tf.metrics.recall_at_k(y, p, 2), (SETS, RANKED), at_k(2, "recall")),
    ("average precision at k", lambda y, p: tf.metrics.average_precision_at_k(y, p, 3), (SETS, RANKED),
     average_precision(3)),
]


@pytest.mark.parametrize(("build", "batches", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_value_after_all_batches(build, batches, wanted):
    first, *_, last = stream(build, *batches)
    np.testing.assert_allclose(last, wanted, rtol=2e-5)
    assert not np.any(np.nan_to_num(first))


def test_update_gives_the_value_so_far():
    _, one, both, value = stream(tf.metrics.accuracy, LABELS, CLASSES)
    assert one == pytest.approx(np.mean(LABELS[0] == CLASSES[0]))
    assert both == value


def pairs(scores: np.ndarray, truth: np.ndarray) -> float:
    """The chance that a positive is scored above a negative, which is the area under the ROC curve."""
    return float(np.mean(scores[truth][:, None] > scores[~truth]))


def test_area_under_curves():
    value = stream(lambda y, p: tf.metrics.auc(y, p, num_thresholds=1000), TRUTH, SCORES)[-1]
    assert value == pytest.approx(pairs(SCORES.ravel(), TRUTH.ravel()), abs=2e-3)
    lower, upper = (stream(lambda y, p, m=m: tf.metrics.auc(y, p, curve="PR", summation_method=m), TRUTH, SCORES)[-1]
                    for m in ("minoring", "majoring"))
    careful = stream(lambda y, p: tf.metrics.auc(y, p, curve="PR", summation_method="careful_interpolation"),
                     TRUTH, SCORES)[-1]
    assert lower < careful < upper


def test_sensitivity_and_specificity_at_each_other():
    t, s = TRUTH.ravel(), SCORES.ravel()
    cut = np.sort(s[~t])[len(s[~t]) // 2]  # half of the negatives are below
    sensitivity = stream(lambda y, p: tf.metrics.sensitivity_at_specificity(y, p, np.mean(s[~t] <= cut)),
                         TRUTH, SCORES)[-1]
    assert sensitivity == pytest.approx(np.mean(s[t] > cut), abs=0.15)
    specificity = stream(lambda y, p: tf.metrics.specificity_at_sensitivity(y, p, 1.0), TRUTH, SCORES)[-1]
    assert specificity == pytest.approx(np.mean(s[~t] < s[t].min()), abs=0.1)


def test_variables_and_collections():
    with tf.Graph().as_default():
        value, update = tf.metrics.precision([True], [True], metrics_collections="m", updates_collections=["u"],
                                             name="p")
        assert tf.get_collection("m") == [value] and tf.get_collection("u") == [update]
        assert (value.name, update.name) == ("p/value:0", "p/update_op:0")
        assert [v.name for v in tf.local_variables()] == ["p/true_positives/count:0", "p/false_positives/count:0"]
        assert tf.get_collection(tf.GraphKeys.METRIC_VARIABLES) == tf.local_variables()
        assert tf.global_variables() == []


def test_shapes_of_one_more_axis_are_squeezed():
    with tf.Graph().as_default(), tf.Session() as sess:
        _, update = tf.metrics.accuracy(np.array([[1], [2]]), np.array([1, 3]), weights=np.array([[3.0], [1.0]]))
        sess.run(tf.local_variables_initializer())
        assert sess.run(update) == 0.75


def test_wrong_arguments():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="ROC or PR"):
            tf.metrics.auc([True], [0.5], curve="F1")
        with pytest.raises(ValueError, match="summation_method"):
            tf.metrics.auc([True], [0.5], summation_method="middle")
        with pytest.raises(ValueError, match=r"range \[0, 1\]"):
            tf.metrics.sensitivity_at_specificity([True], [0.5], 2.0)
        with pytest.raises(ValueError, match="Invalid k"):
            tf.metrics.average_precision_at_k([1], [[0.5, 0.5]], 0)
        with pytest.raises(ValueError, match="not compatible|rank|Shapes"):
            tf.metrics.accuracy([1, 2, 3], [1, 2])


def test_a_class_out_of_range_is_an_error_of_the_run():
    with tf.Graph().as_default(), tf.Session() as sess:
        _, update = tf.metrics.mean_iou(np.array([0, 3]), np.array([0, 1]), 3)
        sess.run(tf.local_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="label 3"):
            sess.run(update)


def test_sparse_labels_have_rows_of_any_length():
    with tf.Graph().as_default(), tf.Session() as sess:
        labels = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], np.array([1, 2, 0]), [2, 3])
        _, update = tf.metrics.recall_at_k(labels, np.array([[0.1, 0.9, 0.2], [0.1, 0.5, 0.4]], np.float32), 2)
        sess.run(tf.local_variables_initializer())
        assert sess.run(update) == pytest.approx(2 / 3)
