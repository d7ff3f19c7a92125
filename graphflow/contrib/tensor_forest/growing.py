"""Trees grown batch by batch, with NumPy: nodes, and for leaves that may split statistics of candidate splits.

A leaf draws its candidates (a random feature, and the value that an example has there) from the first examples that
reach it, counts what each would send left, and takes the best after `split_after_samples` examples (Saffari et al.
2009, "On-line random forests"; Colthurst et al. 2016, "TensorForest").
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Trees(NamedTuple):
    """T trees of at most N nodes, S leaves of each with K candidates. A statistic is a vector of D sums over examples:
    of each class; or, for regression, the count and the sums of outputs and of their squares."""

    nodes: np.ndarray           # int32 [T]: how many there are
    feature: np.ndarray         # int32 [T, N]: what a node splits by, -1 for a leaf
    threshold: np.ndarray       # float32 [T, N]: up to this value an example goes left
    child: np.ndarray           # int32 [T, N]: the left child; the right one comes after it
    stats: np.ndarray           # float32 [T, N, D]
    slot: np.ndarray            # int32 [T, N]: where the candidates of a leaf are, -1 for nowhere
    used: np.ndarray            # bool [T, S]: slots that are taken
    split_feature: np.ndarray   # int32 [T, S, K], -1 for none yet
    split_value: np.ndarray     # float32 [T, S, K]
    left: np.ndarray            # float32 [T, S, K, D]
    total: np.ndarray           # float32 [T, S, D]: of all examples since the slot was taken
    step: np.ndarray            # int32 []


class Options(NamedTuple):
    features: int
    regression: bool
    split_after_samples: int
    bagging_fraction: float
    feature_bagging_fraction: float
    seed: int


def planted(trees: int, nodes: int, slots: int, candidates: int, size: int) -> Trees:
    """Trees of one leaf each."""
    shape, held = (trees, nodes), (trees, slots)
    return Trees(np.ones(trees, np.int32), np.full(shape, -1, np.int32), np.zeros(shape, np.float32),
                 np.zeros(shape, np.int32), np.zeros((*shape, size), np.float32), np.full(shape, -1, np.int32),
                 np.zeros(held, bool), np.full((*held, candidates), -1, np.int32),
                 np.zeros((*held, candidates), np.float32), np.zeros((*held, candidates, size), np.float32),
                 np.zeros((*held, size), np.float32), np.zeros((), np.int32))


def leaves(trees: Trees, x: np.ndarray) -> np.ndarray:
    """The leaf of each example [n, features] in each tree: [T, n]."""
    rows = np.arange(len(x))
    found = np.zeros((len(trees.nodes), len(x)), np.int64)
    for t, node in enumerate(found):
        while True:
            feature = trees.feature[t][node]
            inner = feature >= 0
            if not inner.any():
                break
            right = x[rows, np.maximum(feature, 0)] > trees.threshold[t][node]
            node[:] = np.where(inner, trees.child[t][node] + right, node)
    return found


def spread(stats: np.ndarray, regression: bool) -> np.ndarray:
    """Gini's impurity, or the variance, times the number of examples."""
    if not regression:
        count = stats.sum(-1)
        return count - (stats * stats).sum(-1) / np.maximum(count, 1e-9)
    sums, squares = np.split(stats[..., 1:], 2, axis=-1)
    return (squares - sums * sums / np.maximum(stats[..., :1], 1e-9)).sum(-1)


def counted(stats: np.ndarray, regression: bool) -> np.ndarray:
    return stats[..., 0] if regression else stats.sum(-1)


def grown(trees: Trees, x: np.ndarray, statistics: np.ndarray, options: Options) -> Trees:
    """The trees after a batch: x [n, features], statistics [n, D] of each example."""
    trees = Trees(*(np.array(part) for part in trees))
    where = leaves(trees, x)
    for t in range(len(trees.nodes)):
        rng = np.random.default_rng([options.seed, t, int(trees.step)])
        tree = Trees(*(part[t] if part.ndim else part for part in trees))
        chosen = slice(None) if options.bagging_fraction >= 1 else rng.random(len(x)) < options.bagging_fraction
        allowed = np.arange(options.features)
        if options.feature_bagging_fraction < 1:  # always the same for a tree
            size = max(1, int(options.features * options.feature_bagging_fraction))
            allowed = np.random.default_rng([options.seed, t]).choice(options.features, size, replace=False)
        _grow(tree, trees.nodes[t:t + 1], x[chosen], statistics[chosen], where[t][chosen], allowed, options, rng)
    trees.step[...] += 1
    return trees


def _grow(tree: Trees, count: np.ndarray, x: np.ndarray, statistics: np.ndarray, leaf: np.ndarray, allowed: np.ndarray,
          options: Options, rng: np.random.Generator) -> None:
    """One tree, in place; `count` is a view of its number of nodes."""
    np.add.at(tree.stats, leaf, statistics)
    new = np.unique(leaf[tree.slot[leaf] < 0])
    free = np.flatnonzero(~tree.used)[:len(new)] if count[0] + 2 <= len(tree.feature) else new[:0]
    tree.slot[new[:len(free)]], tree.used[free] = free, True
    inside = tree.slot[leaf] >= 0
    if not inside.any():
        return
    order = np.argsort(tree.slot[leaf[inside]], kind="stable")
    x, statistics, leaf = (part[inside][order] for part in (x, statistics, leaf))
    slot = tree.slot[leaf]
    first = np.flatnonzero(np.r_[True, slot[1:] != slot[:-1]])
    _draw(tree, x, slot, first, allowed, rng)

    features = tree.split_feature[slot]
    goes_left = (np.take_along_axis(x, np.maximum(features, 0), 1) <= tree.split_value[slot]) & (features >= 0)
    tree.left[slot[first]] += np.add.reduceat(goes_left[:, :, None] * statistics[:, None], first, axis=0)
    tree.total[slot[first]] += np.add.reduceat(statistics, first, axis=0)
    seen = counted(tree.total[slot[first]], options.regression)
    for at in first[seen >= options.split_after_samples]:
        _split(tree, count, leaf[at], slot[at], options)


def _draw(tree: Trees, x: np.ndarray, slot: np.ndarray, first: np.ndarray, allowed: np.ndarray,
          rng: np.random.Generator) -> None:
    """Candidates for the slots that have too few, one from each example; `first` are those of each slot."""
    begin = np.repeat(first, np.diff(np.r_[first, len(slot)]))
    place = (tree.split_feature[slot] >= 0).sum(1) + np.arange(len(slot)) - begin
    taken = np.flatnonzero(place < tree.split_feature.shape[1])
    feature = rng.choice(allowed, len(taken))
    tree.split_feature[slot[taken], place[taken]] = feature
    tree.split_value[slot[taken], place[taken]] = x[taken, feature]


def _split(tree: Trees, count: np.ndarray, leaf: int, slot: int, options: Options) -> None:
    """Give the leaf the best of its candidates, if it has one that parts its examples and there is room."""
    left, total = tree.left[slot], tree.total[slot]
    right = total - left
    parts = (counted(left, options.regression) > 0) & (counted(right, options.regression) > 0)
    score = np.where(parts, spread(left, options.regression) + spread(right, options.regression), np.inf)
    best = int(np.argmin(score))
    if score[best] < spread(total, options.regression) - 1e-6 and count[0] + 2 <= len(tree.feature):
        tree.feature[leaf], tree.threshold[leaf] = tree.split_feature[slot, best], tree.split_value[slot, best]
        tree.child[leaf] = child = count[0]
        tree.stats[child], tree.stats[child + 1] = left[best], right[best]
        tree.slot[leaf], tree.used[slot] = -1, False
        count += 2
    tree.split_feature[slot], tree.left[slot], tree.total[slot] = -1, 0, 0


def predicted(trees: Trees, x: np.ndarray, regression: bool) -> np.ndarray:
    """The mean over the trees, and for regression also the mean of squares: [n, outputs] or [2, n, outputs]."""
    found = np.stack([trees.stats[t][node] for t, node in enumerate(leaves(trees, x))])  # [T, n, D]
    if regression:
        means = found[..., 1:] / np.maximum(found[..., :1], 1)
        outputs = np.split(means, 2, axis=-1)[0]
        return np.stack([outputs.mean(0), (outputs * outputs).mean(0)]).astype(np.float32)
    count = found.sum(-1, keepdims=True)
    classes = np.where(count > 0, found / np.maximum(count, 1e-9), 1 / found.shape[-1])
    return classes.mean(0).astype(np.float32)
