"""Kernels that take turns item by item, against the same graph kernel by kernel."""
import numpy as np
import pytest
from graphflow.runtime import chains

import graphflow as tf


def attention(shape, extra):
    q, k, v, dy = (tf.placeholder(tf.float32, [None, *shape[1:]]) for _ in range(4))
    weights = tf.nn.dropout(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * 0.3 + extra), rate=0.2, seed=1)
    y = tf.matmul(weights, v)
    return (q, k, v, dy), [y, *tf.gradients(y, [q, k, v], dy)]


def run(least, shape, build, monkeypatch):
    """(the chains of the plan, its values, the bytes of its arena)."""
    monkeypatch.setattr(chains, "LEAST_BYTES", least)
    random = np.random.RandomState(0)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        feeds, fetches = build(shape)
        values = [random.randn(*shape).astype("float32") for _ in feeds]
        results = session.run(fetches, dict(zip(feeds, values, strict=True)))
        (_, runner), = session._runners.values()
        binding = runner.bind(tuple(v.shape for v in values))[1]
    return binding.chains, results, binding.arena_bytes


@pytest.mark.parametrize("shape, at_a_time", [((7, 3, 33, 17), 1), ((100, 1, 5, 3), 30)])
def test_attention_and_its_gradient(shape, at_a_time, monkeypatch):
    monkeypatch.setattr(chains, "CHUNK_BYTES", 4096)
    mask = np.triu(np.full((shape[2], shape[2]), -1e9, "float32"), 1)
    found, values, nbytes = run(0, shape, lambda shape: attention(shape, mask), monkeypatch)
    none, expected, more = run(1 << 60, shape, lambda shape: attention(shape, mask), monkeypatch)
    assert [(c.items, c.end - c.begin > 5) for c in found] == [(shape[0] * shape[1], True)] and not none
    assert nbytes < more and found[0].step < at_a_time + 1
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, other)


def test_rows_that_do_not_work_by_item_stay_outside(monkeypatch):
    """Heads are split from the channels by transposes, a task of which is several heads."""
    def build(shape):
        feeds = [tf.placeholder(tf.float32, [None, *shape[1:]]) for _ in range(4)]
        q, k, v, dy = (tf.transpose(t, [0, 2, 1, 3]) for t in feeds)
        y = tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True)), v)
        return feeds, tf.gradients(y, feeds[:3], dy)

    monkeypatch.setattr(chains, "CHUNK_BYTES", 4096)
    found, values, nbytes = run(0, (3, 33, 4, 17), build, monkeypatch)
    _, expected, more = run(1 << 60, (3, 33, 4, 17), build, monkeypatch)
    assert [c.items for c in found] == [12] and found[0].end - found[0].begin > 4 and nbytes < more
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, other)


def test_what_mixes_items_stays_outside(monkeypatch):
    """The weights less their mean over the batch, and in the order of the last item first."""
    def build(shape):
        q, k = (tf.placeholder(tf.float32, shape) for _ in range(2))
        weights = tf.nn.softmax(tf.matmul(q, k, transpose_b=True))
        return (q, k), [tf.matmul(weights - tf.reduce_mean(weights, 0), k), tf.matmul(tf.reverse(weights, [0]), k)]

    found, values, _ = run(0, (9, 4, 5), build, monkeypatch)
    _, expected, _ = run(1 << 60, (9, 4, 5), build, monkeypatch)
    assert found
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, other)


def test_rows_overwrite_what_no_later_loop_reads():
    """Of two results of a kernel the first is ready before the last loop, which reads the input once more."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [40, 64])
        h = tf.matmul(x, x, transpose_b=True)
        doubled, centred = tf.exp(h * 0.01), h - tf.reduce_mean(h, 1, keepdims=True)
        fetches = [tf.matmul(doubled + tf.reduce_mean(doubled, 1, keepdims=True), x), tf.matmul(centred, x)]
        feed = np.random.RandomState(1).randn(40, 64).astype("float32")
        results = session.run(fetches, {x: feed})
    a = feed.astype("float64")
    h = a @ a.T
    grown = np.exp(h * 0.01)
    np.testing.assert_allclose(results[0], (grown + grown.mean(1, keepdims=True)) @ a, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(results[1], (h - h.mean(1, keepdims=True)) @ a, rtol=1e-4, atol=1e-3)


def depthwise_gradient(dy, size, multiplier):
    filters = tf.constant(np.random.RandomState(1).randn(3, 3, 6 // multiplier, multiplier).astype("float32"))
    return tf.nn.depthwise_conv2d_backprop_input((5, size, size, 6 // multiplier), filters, dy, (1, 2, 2, 1), "SAME")


def gradient_in_groups(dy, size, groups):
    filters = tf.constant(np.random.RandomState(1).randn(3, 3, 36 // groups, 36).astype("float32"))
    x = tf.zeros((5, size, size, 36))
    return tf.gradients(tf.nn.conv2d(x, filters, 2, "SAME"), x, dy)[0]


@pytest.mark.parametrize("gradient, channels, size, parts, items, rows", [
    (depthwise_gradient, 6, 8, 1, 20, 4), (depthwise_gradient, 6, 9, 1, 5, 4), (depthwise_gradient, 6, 8, 2, 20, 5),
    (depthwise_gradient, 6, 9, 3, 5, 5), (gradient_in_groups, 36, 8, 2, 20, 4), (gradient_in_groups, 36, 9, 2, 5, 4)])
def test_phases_of_a_gradient_take_turns(gradient, channels, size, parts, items, rows, monkeypatch):
    """By rows where each phase has as many, else by images, with the sum over a channel's filters; not small ones."""
    def build(shape):
        dy = tf.placeholder(tf.float32, shape)
        return [dy], [gradient(dy, size, parts)]

    monkeypatch.setattr(chains, "PHASES_CHUNK_BYTES", 2000)
    shape = (5, (size + 1) // 2, (size + 1) // 2, channels)
    none, (expected,), _ = run(0, shape, build, monkeypatch)
    monkeypatch.setattr(chains, "PHASES_BYTES", 0)
    found, (value,), _ = run(0, shape, build, monkeypatch)
    assert not none and [(c.items, c.end - c.begin) for c in found] == [(items, rows)]
    assert found[0].step < items // 2
    np.testing.assert_array_equal(value, expected)
