"""What threads share of a row gives the same bits however it is parted, at multiples of what is best not parted."""
import ctypes

import numpy as np
import pytest
from graphflow.compiler.codegen.kernel import Scratch
from graphflow.runtime.store import address

import graphflow as tf

random = np.random.RandomState(0)


def with_gradients(y, inputs):
    return [y, *tf.gradients(y, inputs)]


def convolution(p):
    x, w = p(2, 13, 13, 17), p(3, 3, 17, 33)
    return with_gradients(tf.nn.relu(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME")), [x, w])


def strided(p):
    x, w = p(3, 15, 15, 5), p(5, 5, 5, 20)
    return with_gradients(tf.nn.conv2d(x, w, [1, 2, 2, 1], "VALID"), [x, w])


def depthwise(p):
    x, w = p(3, 14, 14, 20), p(3, 3, 20, 1)
    return with_gradients(tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"), [x, w])


def pooling(p):
    x = p(3, 15, 15, 9)
    return with_gradients(tf.nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], "SAME"), [x])


def normalisation(p):
    x = p(133, 77)
    mean, variance = tf.nn.moments(x, [-1], keep_dims=True)
    return with_gradients(tf.nn.softmax((x - mean) * tf.rsqrt(variance + 1e-5)), [x])


def attention(p):
    q, k, v = p(2, 3, 50, 33), p(2, 3, 50, 33), p(2, 3, 50, 33)
    return with_gradients(tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True)), v), [q, k, v])


def products(p):
    a, b = p(65, 300), p(300, 130)
    return [*with_gradients(tf.nn.gelu(tf.matmul(a, b)), [a, b]), tf.matmul(p(1, 900), p(900, 300)),
            tf.matmul(p(3, 9000), p(9000, 5))]


def reductions(p):
    x = p(30, 77, 40)
    return [tf.reduce_sum(x), tf.reduce_sum(x, 0), tf.reduce_mean(x, [0, 2]), tf.argmax(x, 1), tf.cumsum(x, 1),
            tf.reduce_logsumexp(x, -1), tf.transpose(x, [2, 0, 1]), tf.tanh(x) * tf.sigmoid(x) / tf.exp(x)]


def axes(p):
    """Rows whose tasks know their place along several axes."""
    x, y = p(5, 13, 11, 3), p(5, 7, 9, 33)
    return [*with_gradients(tf.pad(x, [[0, 0], [2, 3], [4, 1], [0, 0]], "REFLECT"), [x]),
            tf.tanh(tf.pad(y, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")), y * p(5, 1, 9, 1) + p(7, 1, 33)]


@pytest.mark.parametrize("build", [convolution, strided, depthwise, pooling, normalisation, attention, products,
                                   reductions, axes])
def test_kernels_give_the_same_bits_however_their_tasks_are_parted(build):
    feeds = []

    def placeholder(*shape):
        feeds.append(tf.placeholder(tf.float32, shape))
        return feeds[-1]

    with tf.Graph().as_default():
        run = tf.Session().make_callable(build(placeholder), feeds)
    results = run(*(random.randn(*x.shape.as_list()).astype("float32") for x in feeds))
    frame = next(iter(run.runner._bindings.values()))[1].frames[-1]
    memory = [frame._arena.view(np.uint8), *(r for r in results if isinstance(r, np.ndarray))]  # of results too
    parted = 0
    for step, row in zip(frame.binding.steps, frame._rows.tolist(), strict=True):
        call, tasks = step.call, row[1]
        unit = -(-call.grain // 2)
        if unit >= tasks:
            continue
        parted += 1
        kernel = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)(row[0])
        buffers, dims = address(frame._table) + row[3], address(frame._dims) + row[4]
        own = [(frame.binding.locations[b].offset, b.nbytes) for b in call.buffers
               if isinstance(b, Scratch) and b.per_lane]
        before = [array.copy() for array in memory]
        kernel(buffers, dims, 0, tasks, 0)
        expected = [array.copy() for array in memory]
        for _ in range(5):
            for array, old in zip(memory, before, strict=True):
                array[...] = old
            cuts = {0, tasks, *(random.randint(1, tasks, 4) // unit * unit).tolist()}
            parts = list(zip(sorted(cuts)[:-1], sorted(cuts)[1:], strict=True))
            for i in random.permutation(len(parts)):
                kernel(buffers, dims, *parts[i], 0)
            for offset, nbytes in own:
                memory[0][offset:offset + nbytes] = expected[0][offset:offset + nbytes]
            for array, whole in zip(memory, expected, strict=True):
                np.testing.assert_array_equal(array, whole, call.name)
    assert parted
