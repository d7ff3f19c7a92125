"""Gradient boosted trees grown layer by layer, with NumPy (Friedman 2001; Chen and Guestrin 2016, "XGBoost").

A leaf holds a vector: what it adds to each logit. An ensemble is bytes (`numpy.savez`, without pickle), so that it is
kept in a variable and in checkpoints.
"""
from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np

QUANTILES = 32  # thresholds tried for each feature, fewer in small leaves
SAMPLE = 1024  # examples whose quantiles they are


class Options(NamedTuple):
    """How trees grow. `l1`, `l2` and `complexity` are for gradients averaged over a layer's examples."""

    trees: int
    depth: int
    learning_rate: float
    l1: float = 0.0
    l2: float = 0.0
    complexity: float = 0.0
    min_weight: float = 0.0
    center_bias: bool = False


class Ensemble(NamedTuple):
    """Nodes of all trees: `feature` -1 for a leaf, `child` the left one, the right one comes after it."""

    bias: np.ndarray       # float32 [C]
    centered: np.ndarray   # bool []
    roots: np.ndarray      # int64 [trees begun]
    finished: np.ndarray   # int64 []: trees that grow no more
    layer: np.ndarray      # int64 []: depth of the layer that is next, of the tree that grows
    open: np.ndarray       # int64 [n]: that tree's leaves that may split
    feature: np.ndarray    # int64 [nodes]
    threshold: np.ndarray  # float32 [nodes]
    child: np.ndarray      # int64 [nodes]
    value: np.ndarray      # float32 [nodes, C]


def nothing(size: int) -> Ensemble:
    """No tree yet, for `size` logits."""
    none, zero = np.zeros(0, np.int64), np.zeros((), np.int64)
    return Ensemble(np.zeros(size, np.float32), np.zeros((), bool), none, zero, zero, none, none,
                    np.zeros(0, np.float32), none, np.zeros((0, size), np.float32))


def packed(ensemble: Ensemble) -> bytes:
    file = io.BytesIO()
    np.savez(file, **ensemble._asdict())
    return file.getvalue()


def unpacked(data: bytes) -> Ensemble:
    with np.load(io.BytesIO(data), allow_pickle=False) as parts:
        return Ensemble(**{name: parts[name] for name in Ensemble._fields})


def leaf_of(ensemble: Ensemble, root: int, x: np.ndarray) -> np.ndarray:
    """The leaf of each example [n, features] below a node."""
    node, rows = np.full(len(x), root), np.arange(len(x))
    while (inner := ensemble.feature[node] >= 0).any():
        right = x[rows, np.maximum(ensemble.feature[node], 0)] > ensemble.threshold[node]
        node = np.where(inner, ensemble.child[node] + right, node)
    return node


def logits(ensemble: Ensemble, x: np.ndarray) -> np.ndarray:
    """What the trees say of examples [n, features]: float32 [n, C]."""
    total = np.tile(ensemble.bias, (len(x), 1))
    for root in ensemble.roots:
        total += ensemble.value[leaf_of(ensemble, root, x)]
    return total


def grown(ensemble: Ensemble, x: np.ndarray, g: np.ndarray, h: np.ndarray, options: Options) -> Ensemble:
    """The ensemble with one layer more, for examples [n, features] with gradients and second derivatives [n, C] of
    their losses by the logits."""
    if ensemble.finished >= options.trees:
        return ensemble
    g, h = g / len(x), h / len(x)
    if options.center_bias and not ensemble.centered:
        step = -g.sum(0) / np.maximum(h.sum(0), 1e-9)
        return ensemble._replace(bias=(ensemble.bias + step).astype(np.float32), centered=np.array(True))
    if len(ensemble.roots) == ensemble.finished:
        ensemble = _planted(ensemble)
    leaf = leaf_of(ensemble, int(ensemble.roots[-1]), x)
    thresholds = np.quantile(x[:SAMPLE], np.linspace(0, 1, QUANTILES + 2)[1:-1], axis=0, method="lower")
    opened: list[int] = []
    for node in ensemble.open:
        members = leaf == node
        found = _best(x[members], g[members], h[members], thresholds, options) if members.any() else None
        if found is not None:
            ensemble, child = _split(ensemble, int(node), *found)
            opened += [child, child + 1]
    layer = ensemble.layer + 1
    done = not opened or layer >= options.depth
    return ensemble._replace(layer=np.array(0 if done else layer), open=np.array([] if done else opened, np.int64),
                             finished=ensemble.finished + done)


def _planted(ensemble: Ensemble) -> Ensemble:
    root, size = len(ensemble.feature), len(ensemble.bias)
    return ensemble._replace(
        roots=np.append(ensemble.roots, root), open=np.array([root]), feature=np.append(ensemble.feature, -1),
        threshold=np.append(ensemble.threshold, np.float32(0)), child=np.append(ensemble.child, 0),
        value=np.concatenate([ensemble.value, np.zeros((1, size), np.float32)]))


def _gain(g: np.ndarray, h: np.ndarray, options: Options) -> np.ndarray:
    """What leaves of these sums [..., C] take off the loss, doubled."""
    sharpened = np.maximum(np.abs(g) - options.l1, 0)
    return (sharpened * sharpened / np.maximum(h + options.l2, 1e-9)).sum(-1)


def _weight(g: np.ndarray, h: np.ndarray, options: Options) -> np.ndarray:
    """The best value of a leaf, shrunk by the learning rate."""
    sharpened = np.sign(g) * np.maximum(np.abs(g) - options.l1, 0)
    return -options.learning_rate * sharpened / np.maximum(h + options.l2, 1e-9)


def _best(x: np.ndarray, g: np.ndarray, h: np.ndarray, thresholds: np.ndarray, options: Options
          ) -> tuple[int, float, np.ndarray, np.ndarray] | None:
    """The best split of a leaf's examples: (feature, threshold, what the left and the right child add); None for a leaf
    that is better whole."""
    varying = np.flatnonzero(x.max(0) > x.min(0))
    if not len(varying):
        return None
    tried = np.linspace(0, len(thresholds), 2 + min(len(thresholds), len(x) // 2))[1:-1].astype(int)
    x, thresholds = x[:, varying], thresholds[np.ix_(tried, varying)]
    sums = np.concatenate([g, h, np.ones((len(x), 1))], 1).astype(np.float32)  # [n, 2 C + 1]
    total, size = sums.sum(0), g.shape[1]
    whole, best = _gain(total[:size], total[size:-1], options), None
    most = options.complexity + 1e-9
    for values in thresholds:
        left = (x <= values).astype(np.float32).T @ sums  # [features, 2 C + 1]
        right = total - left
        gain = _gain(left[:, :size], left[:, size:-1], options) + _gain(right[:, :size], right[:, size:-1], options)
        weights = np.minimum(left[:, size:-1].sum(1), right[:, size:-1].sum(1))
        allowed = (left[:, -1] > 0.5) & (right[:, -1] > 0.5) & (weights >= options.min_weight)
        gain = np.where(allowed, gain - whole, -np.inf)
        feature = int(np.argmax(gain))
        if gain[feature] > most:
            most = gain[feature]
            of_left, of_right = (_weight(part[feature, :size], part[feature, size:-1], options)
                                 for part in (left, right))
            best = int(varying[feature]), float(values[feature]), of_left, of_right
    return best


def _split(ensemble: Ensemble, node: int, feature: int, threshold: float, left: np.ndarray, right: np.ndarray
           ) -> tuple[Ensemble, int]:
    """The ensemble in which the leaf has two children, and the first of them."""
    child = len(ensemble.feature)
    features, thresholds, children = ensemble.feature.copy(), ensemble.threshold.copy(), ensemble.child.copy()
    features[node], thresholds[node], children[node] = feature, threshold, child
    value = ensemble.value[node]
    return ensemble._replace(
        feature=np.append(features, [-1, -1]), threshold=np.append(thresholds, np.zeros(2, np.float32)),
        child=np.append(children, [0, 0]),
        value=np.concatenate([ensemble.value, np.stack([value + left, value + right]).astype(np.float32)])), child
