"""Attention in blocks of rows in vector registers, against NumPy and against the same graph kernel by kernel."""
from __future__ import annotations

import numpy as np
import pytest
from graphflow.compiler.codegen.vector_rows import VectorRows
from graphflow.compiler.native.processor import isa

import graphflow as tf

pytestmark = pytest.mark.skipif(isa().matrix_unit, reason="the processor has a matrix unit")


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    for least in ("ROWS", "COLUMNS", "SUMMED", "MATRICES"):
        monkeypatch.setattr(f"graphflow.compiler.codegen.vector_rows.LEAST_{least}", 1)


def computed(build, *values, blocks=1, symbolic=False):
    """What `build` makes of the values, and how many kernels of blocks computed it."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        feeds = [tf.placeholder(v.dtype, [None] * v.ndim if symbolic else v.shape) for v in values]
        fetches, given = build(*feeds), dict(zip(feeds, values, strict=True))
        results = session.run(fetches, given)
        with tf.profile() as profile:
            session.run(fetches, given)
        assert [kernel.kernel for kernel in profile.timings].count("vector_rows") == blocks
    return results


def attention(q, k, v):
    return tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / 8.0), v)


def trained(q, k, v, dy):
    y = attention(q, k, v)
    return [y, *tf.gradients(y, [q, k, v], dy)]


def exact(q, k, v, dy=None):
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    scores = q @ k.swapaxes(-1, -2) / 8
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    if dy is None:
        return p @ v
    dp = dy @ v.swapaxes(-1, -2)
    ds = p * (dp - (p * dp).sum(-1, keepdims=True)) / 8
    return [p @ v, ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy]


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)


# batch, rows, what they meet, and how deep: keys' and values'
SIZES = [((2, 3), 64, 64, 32, 32), ((3,), 7, 100, 17, 5), ((2, 2), 100, 33, 64, 130), ((1, 2), 40, 513, 3, 144),
         ((5,), 2, 3, 2, 1), ((2,), 65, 48, 40, 48)]


@pytest.mark.parametrize("batch, m, n, d, e", SIZES)
@pytest.mark.parametrize("symbolic", [False, True])
def test_attention(batch, m, n, d, e, symbolic):
    values = normal(*batch, m, d), normal(*batch, n, d), normal(*batch, n, e)
    right = exact(*values)
    np.testing.assert_allclose(computed(attention, *values, symbolic=symbolic), right, atol=1e-5 * abs(right).max())


@pytest.mark.parametrize("batch, m, n, d, e", SIZES)
@pytest.mark.parametrize("symbolic", [False, True])
def test_gradient(batch, m, n, d, e, symbolic):
    values = normal(*batch, m, d), normal(*batch, n, d), normal(*batch, n, e), normal(*batch, m, e)
    together = computed(trained, *values, symbolic=symbolic)
    grads = computed(lambda *feeds: trained(*feeds)[1:], *values, symbolic=symbolic)
    for value, right in zip([*together, *grads], [*exact(*values), *exact(*values)[1:]], strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-5, atol=1e-5 * abs(right).max())


def test_operands_that_lie_otherwise():
    """Queries and values transposed, keys not, and weights that are fetched."""
    def build(q, k, v):
        p = tf.nn.softmax(tf.matmul(q, k, transpose_a=True) / 8.0)
        return [p, tf.matmul(p, v, transpose_b=True)]

    q, k, v = normal(2, 3, 30, 70), normal(2, 3, 30, 50), normal(2, 3, 20, 50)
    p, y = computed(build, q, k, v)
    right = exact(*(x.swapaxes(-1, -2) for x in (q, k, v)))
    np.testing.assert_allclose(y, right, atol=1e-5)
    np.testing.assert_allclose(p @ v.swapaxes(-1, -2), right, atol=1e-5)


@pytest.mark.parametrize("broadcast", [(2, 1, 33, 40), (33, 40), (2, 3, 1, 40), (40,)])
def test_masks_and_dropout_as_kernel_by_kernel(broadcast, monkeypatch):
    """A mask of any shape, weights dropped, infinities and NaN; in training the weights are kept for the gradient."""
    def build(q, k, v, extra):
        scores = tf.where_v2(extra > 0, tf.matmul(q, k, transpose_b=True), -np.inf)
        y = tf.matmul(tf.nn.dropout(tf.nn.softmax(scores * 0.3 + extra), rate=0.2, seed=1), v)
        return [y, *tf.gradients(tf.reduce_sum(tf.sin(y)), [q, k, v])]

    values = normal(2, 3, 33, 20), normal(2, 3, 40, 20), normal(2, 3, 40, 20), normal(*broadcast)
    values[0][0, 1, 5, 2], values[1][1, 2, 7, 3], values[2][1, 0, 9, 9] = np.nan, np.inf, -np.inf
    found = computed(build, *values, blocks=2)
    monkeypatch.setattr(VectorRows, "fits", lambda self: False)
    for value, other in zip(found, computed(build, *values, blocks=0), strict=True):
        np.testing.assert_array_equal(np.isnan(value), np.isnan(other))
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("m, n, unseen", [(100, 100, 0.0), (70, 333, 0.0), (100, 100, np.inf), (65, 97, np.nan)])
@pytest.mark.parametrize("transposed", [False, True])
def test_what_masks_hide(m, n, unseen, transposed):
    """A causal mask, and one of whole rows. Hidden scores may be NaN; an infinite value makes NaN of the rows that it
    is hidden from, too, as its weight is zero."""
    def build(q, k, v, kept):
        scores = tf.where_v2(kept, tf.matmul(q, k, transpose_b=True) * 0.5, -1e9)
        return tf.matmul(tf.nn.softmax(scores), v, transpose_b=transposed)

    q, k, v = normal(2, m, 20), normal(2, n, 20), normal(2, n, 33)
    k[0, n - 3, 1], v[1, n - 3, 5] = np.nan, unseen
    values = q, k, v.swapaxes(1, 2) if transposed else v
    for kept in (np.tri(m, n, dtype=bool)[None], np.arange(n)[None, None] < np.array([[[n // 2]], [[n - 5]]])):
        found = computed(build, *values, kept)
        with np.errstate(invalid="ignore"):
            p = np.where(kept, q @ k.swapaxes(1, 2) * 0.5, -np.inf)
            p = np.exp(p - p.max(-1, keepdims=True))
            right = p / p.sum(-1, keepdims=True) @ v
        np.testing.assert_allclose(found, right, atol=1e-5)
        assert np.isnan(found[1]).any() == (not np.isfinite(unseen))


@pytest.mark.parametrize("where", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("m, n", [(150, 150), (70, 333)])
def test_gradients_of_what_masks_hide(m, n, where, monkeypatch):
    """A causal mask and one of whole rows; what is hidden, and not finite, makes NaN as it does kernel by kernel."""
    def build(q, k, v, dy, kept):
        y = tf.matmul(tf.nn.softmax(tf.where_v2(kept, tf.matmul(q, k, transpose_b=True) * 0.5, -1e9)), v)
        return tf.gradients(y, [q, k, v], dy)

    values = [normal(2, size, 20) for size in (m, n, n, m)]
    if where is not None:
        values[where][1, m // 2, 3] = np.inf
    for kept in (np.tri(m, n, dtype=bool)[None], np.arange(n)[None, None] < np.array([[[n // 2]], [[n - 5]]])):
        with monkeypatch.context() as patch:
            found = computed(build, *values, kept)
            patch.setattr(VectorRows, "fits", lambda self: False)
            for value, right in zip(found, computed(build, *values, kept, blocks=0), strict=True):
                np.testing.assert_allclose(value, right, rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_stays_apart():
    """Weights reversed, weights of a softmax over rows, and float64."""
    def build(q, k):
        scores, wide = tf.matmul(q, k, transpose_b=True), tf.cast(q, tf.float64)
        return [tf.matmul(tf.reverse(tf.nn.softmax(scores), [2]), k),
                tf.matmul(tf.nn.softmax(scores - 1.0, axis=1), k), attention(wide, wide, wide)]

    q, k = normal(4, 40, 40), normal(4, 40, 40)
    scores = q @ k.swapaxes(-1, -2)
    p, other = (np.exp(scores - scores.max(axis, keepdims=True)) for axis in (-1, 1))
    expected = ((p / p.sum(-1, keepdims=True))[:, :, ::-1] @ k, (other / other.sum(1, keepdims=True)) @ k,
                exact(q, q, q))
    for value, right in zip(computed(build, q, k, blocks=0), expected, strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-4, atol=1e-4)
