"""Attention in blocks of rows on a matrix unit, against NumPy and against the same graph kernel by kernel."""
from __future__ import annotations

import numpy as np
import pytest
from graphflow.compiler.codegen import unit_gemm, unit_rows
from graphflow.compiler.native.processor import isa

import graphflow as tf
from graphflow import keras

pytestmark = pytest.mark.skipif(not isa().matrix_unit, reason="the processor has no matrix unit")


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    monkeypatch.setattr(unit_gemm, "pays_near", lambda product: product.dtype == "f32")
    monkeypatch.setattr(unit_rows, "LEAST_MATRICES", 1)


def kernels(run):
    with tf.profile() as profile:
        run()
    return [kernel.kernel for kernel in profile.timings]


def computed(build, *values, blocks=1, symbolic=False):
    """What `build` makes of the values, and how many kernels of blocks computed it."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        feeds = [tf.placeholder(v.dtype, [None] * v.ndim if symbolic else v.shape) for v in values]
        fetches, given = build(*feeds), dict(zip(feeds, values, strict=True))
        results = session.run(fetches, given)
        assert kernels(lambda: session.run(fetches, given)).count("unit_rows") == blocks
    return results


def attention(q, k, v, dy):
    y = tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / 8.0), v)
    return [y, *tf.gradients(y, [q, k, v], dy)]


def exact(q, k, v, dy):
    q, k, v, dy = (x.astype(np.float64) for x in (q, k, v, dy))
    scores = q @ k.swapaxes(-1, -2) / 8
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    dp = dy @ v.swapaxes(-1, -2)
    ds = p * (dp - (p * dp).sum(-1, keepdims=True)) / 8
    return [p @ v, ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy]


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)


# batch, rows, what they meet, and how deep: keys' and values'
SIZES = [((2, 3), 64, 64, 32, 32), ((3,), 7, 100, 17, 5), ((2, 2), 100, 33, 64, 33), ((1, 2), 40, 513, 3, 128),
         ((5,), 2, 3, 2, 1)]


@pytest.mark.parametrize("batch, m, n, d, e", SIZES)
@pytest.mark.parametrize("symbolic", [False, True])
def test_attention_and_its_gradient(batch, m, n, d, e, symbolic):
    values = normal(*batch, m, d), normal(*batch, n, d), normal(*batch, n, e), normal(*batch, m, e)
    together = computed(attention, *values, symbolic=symbolic)
    apart = computed(lambda *feeds: attention(*feeds)[0], *values, symbolic=symbolic)
    for value, right in zip([*together, apart], [*exact(*values), exact(*values)[0]], strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-5, atol=1e-5 * abs(right).max())


def test_what_else_reads_the_weights():
    """Fetched weights are in memory; the loss waits for the product, and the gradient for the loss."""
    def build(q, k, v):
        p = tf.nn.softmax(tf.matmul(q, k, transpose_b=True))
        y = tf.matmul(p, v)
        return [p, y, *tf.gradients(tf.reduce_sum(tf.sin(y)), [q, k, v])]

    values = [normal(4, 50, 20) for _ in range(3)]
    p, y, dq, dk, dv = computed(build, *values, blocks=2)
    np.testing.assert_allclose(p.sum(-1), np.ones((4, 50)), rtol=1e-6)
    np.testing.assert_allclose(y, p.astype(np.float64) @ values[2], rtol=1e-4, atol=1e-5)
    expected = exact(values[0] * 8, *values[1:], np.cos(y))
    for value, right in zip((dq / 8, dk, dv), expected[1:], strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("broadcast", [(2, 1, 30, 40), (30, 40), (2, 3, 1, 40), (40,)])
def test_masks_and_dropout_as_kernel_by_kernel(broadcast, monkeypatch):
    """A mask of any shape, weights dropped, and scores that another tensor is added to, which has a gradient too."""
    def build(q, k, v, extra):
        scores = tf.where_v2(extra > 0, tf.matmul(q, k, transpose_b=True), -1e9)
        p = tf.nn.dropout(tf.nn.softmax(scores * 0.3 + extra), rate=0.2, seed=1)
        y = tf.matmul(p, v)
        return [y, *tf.gradients(y, [q, k, v])]

    values = normal(2, 3, 30, 20), normal(2, 3, 40, 20), normal(2, 3, 40, 20), normal(*broadcast)
    found = computed(build, *values, blocks=2)
    monkeypatch.setattr(unit_gemm, "pays_near", lambda product: False)
    for value, other in zip(found, computed(build, *values, blocks=0), strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-5)


def test_infinities_and_nan(monkeypatch):
    """A row without anything to meet, an infinite value, keys and queries that are NaN."""
    q, k, v, dy = (normal(2, 40, 20) for _ in range(4))
    mask = np.zeros((2, 40, 40), np.float32)
    mask[0, 3], mask[1, :, 7], v[1, 5, 2], v[1, 7, 4], k[0, 9, 0] = -np.inf, -np.inf, np.inf, np.inf, np.nan
    k[0], v[0, 5], q[1, 2, 3] = normal(40, 20), np.inf, np.nan

    def build(q, k, v, dy, mask):
        y = tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) + mask), v)
        return [y, *tf.gradients(y, [q, k, v], dy)]

    found = computed(build, q, k, v, dy, mask)
    monkeypatch.setattr(unit_gemm, "pays_near", lambda product: False)
    for value, other in zip(found, computed(build, q, k, v, dy, mask, blocks=0), strict=True):
        np.testing.assert_array_equal(np.isnan(value), np.isnan(other))
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_stays_apart():
    """Weights reversed, weights taken the other way round, and weights of a softmax over rows."""
    def build(q, k):
        scores = tf.matmul(q, k, transpose_b=True)
        return [tf.matmul(tf.reverse(tf.nn.softmax(scores), [2]), k), tf.matmul(k, tf.nn.softmax(scores + 1.0), True),
                tf.matmul(tf.nn.softmax(scores - 1.0, axis=1), k)]

    q, k = normal(4, 30, 30), normal(4, 30, 30)
    scores = q @ k.swapaxes(-1, -2)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    other = np.exp(scores - scores.max(1, keepdims=True))
    expected = p[:, :, ::-1] @ k, k.swapaxes(-1, -2) @ p, (other / other.sum(1, keepdims=True)) @ k
    for value, right in zip(computed(build, q, k, blocks=0), expected, strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-4, atol=1e-4)


def test_keras_attention_trains_in_two_kernels():
    """MultiHeadAttention with a causal mask and dropout: one kernel forward, one backward, under the user's names."""
    x = keras.Input((None, 24))
    model = keras.Model(x, keras.layers.MultiHeadAttention(2, 20, dropout=0.1)(x, x, use_causal_mask=True))
    model.compile("sgd", "mse")
    data = normal(3, 50, 24)
    model.train_on_batch(data, data)
    with tf.profile() as profile:
        model.train_on_batch(data, data)
    found = [kernel for kernel in profile.timings if kernel.kernel == "unit_rows"]
    assert len(found) == 2 and all("multi_head_attention" in kernel.op for kernel in found)
    before = model.predict_on_batch(data)
    data[:, 30:] = 0
    np.testing.assert_allclose(model.predict_on_batch(data)[:, :30], before[:, :30], rtol=1e-4, atol=1e-5)
