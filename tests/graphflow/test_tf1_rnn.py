"""Recurrent cells, their wrappers, and what runs them over time."""
from __future__ import annotations

import copy

import numpy as np
import pytest

import graphflow as tf

rnn_cell = tf.nn.rnn_cell
X = np.sin(np.arange(30.0) * 0.7).reshape(2, 5, 3).astype(np.float32)  # [batch, time, size]


def settle(sess):
    """Variables with known values."""
    sess.run(tf.global_variables_initializer())
    values = {}
    for k, v in enumerate(tf.global_variables()):
        values[v.name] = (0.5 * np.sin(np.arange(v.shape.num_elements()) + k)).reshape(v.shape.as_list())
        sess.run(v.assign(values[v.name].astype(np.float32)))
    return values


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, lengths, kernel, bias):
    """Outputs [batch, time, units] and the final state of an LSTM with forget bias 1."""
    units = bias.size // 4
    c, h = np.zeros((len(x), units)), np.zeros((len(x), units))
    outputs = np.zeros((*x.shape[:2], units))
    for t in range(x.shape[1]):
        i, j, f, o = np.split(np.concatenate([x[:, t], h], 1) @ kernel + bias, 4, 1)
        new_c = c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
        new_h = sigmoid(o) * np.tanh(new_c)
        going = (t < np.array(lengths))[:, None]
        outputs[:, t] = np.where(going, new_h, 0)
        c, h = np.where(going, new_c, c), np.where(going, new_h, h)
    return outputs, c, h


@pytest.mark.parametrize(("shape", "time_major"), [((None, None, 3), False), ((2, 5, 3), False), ((None, 2, 3), True)])
def test_dynamic_rnn_stops_at_the_lengths(sess, shape, time_major):
    x, lengths = tf.placeholder(tf.float32, shape), tf.placeholder(tf.int32, [None])
    outputs, state = tf.nn.dynamic_rnn(rnn_cell.LSTMCell(4), x, lengths, dtype=tf.float32, time_major=time_major)
    values = list(settle(sess).values())
    fed = X.transpose(1, 0, 2) if time_major else X
    wanted, c, h = lstm(X, [5, 2], *values)
    found, final = sess.run([outputs, state], {x: fed, lengths: [5, 2]})
    np.testing.assert_allclose(found.transpose(1, 0, 2) if time_major else found, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(final.c, c, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(final.h, h, rtol=1e-5, atol=1e-6)
    assert outputs.shape.as_list() == [*shape[:2], 4] and isinstance(state, rnn_cell.LSTMStateTuple)


def test_gradients_through_time(sess):
    x, lengths = tf.placeholder(tf.float32, [None, None, 3]), tf.constant([5, 2])
    outputs, state = tf.nn.dynamic_rnn(rnn_cell.LSTMCell(2), x, lengths, dtype=tf.float32)
    loss = tf.reduce_sum(tf.square(outputs)) + tf.reduce_sum(state.c)
    grads = tf.gradients(loss, [*tf.trainable_variables(), x])
    kernel, bias = settle(sess).values()
    found = sess.run(grads, {x: X})

    def value(inputs, kernel, bias):
        outputs, c, _ = lstm(inputs, [5, 2], kernel, bias)
        return np.sum(outputs ** 2) + np.sum(c)

    for at, arguments in ((0, (kernel, X, bias)), (1, (bias, X, kernel)), (2, (X.astype(float), kernel, bias))):
        moved, a, b = arguments
        order = {0: lambda m, a=a, b=b: value(a, m, b), 1: lambda m, a=a, b=b: value(a, b, m),
                 2: lambda m, a=a, b=b: value(m, a, b)}[at]
        for index in [(0,) * moved.ndim, tuple(n - 1 for n in moved.shape)]:
            sides = []
            for step in (1e-5, -1e-5):
                point = moved.copy()
                point[index] += step
                sides.append(order(point))
            np.testing.assert_allclose(found[at][index], (sides[0] - sides[1]) / 2e-5, rtol=1e-3, atol=1e-5)


def test_static_and_raw_networks_agree_with_the_loop(sess):
    x, lengths = tf.constant(X), tf.constant([5, 2])
    with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
        cell = rnn_cell.GRUCell(4)
        looped, loop_state = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32)
        unrolled, static_state = tf.nn.static_rnn(cell, tf.unstack(x, axis=1), dtype=tf.float32,
                                                  sequence_length=lengths)
        by_time = tf.TensorArray(tf.float32, 5).unstack(tf.transpose(x, [1, 0, 2]))

        def loop_fn(time, output, state, loop_state):
            finished = time >= lengths
            following = tf.cond(tf.reduce_all(finished), lambda: tf.zeros([2, 3]), lambda: by_time.read(time))
            return finished, following, cell.zero_state(2, tf.float32) if output is None else state, output, None

        emitted, raw_state, loop_state_out = tf.nn.raw_rnn(cell, loop_fn)
    sess.run(tf.global_variables_initializer())
    a, b, c = sess.run([looped, tf.stack(unrolled, 1), tf.transpose(emitted.stack(), [1, 0, 2])])
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(a, c, rtol=1e-5, atol=1e-7)
    finals = sess.run([loop_state, static_state, raw_state])
    np.testing.assert_allclose(finals, [finals[0]] * 3, rtol=1e-5, atol=1e-7)
    assert loop_state_out is None and len(tf.global_variables()) == 4


def test_bidirectional_networks_reverse_each_sequence(sess):
    x = tf.constant(X)
    cells = [rnn_cell.GRUCell(2), rnn_cell.GRUCell(3)]
    (forward, backward), (_, state) = tf.nn.bidirectional_dynamic_rnn(*cells, x, [5, 2], dtype=tf.float32)
    with tf.variable_scope("bidirectional_rnn", reuse=True):
        reversed_x = np.stack([X[0, ::-1], np.concatenate([X[1, 1::-1], X[1, 2:]])])
        plain, plain_state = tf.nn.dynamic_rnn(cells[1], tf.constant(reversed_x), [5, 2], dtype=tf.float32, scope="bw")
    both, _, _ = tf.nn.static_bidirectional_rnn(*cells, tf.unstack(x, axis=1), dtype=tf.float32,
                                                sequence_length=[5, 2], scope="again")
    sess.run(tf.global_variables_initializer())
    back, want, final, want_final, joined, ahead = sess.run(
        [backward, plain, state, plain_state, tf.stack(both, 1), forward])
    np.testing.assert_allclose(back[0], want[0, ::-1], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(back[1, :2], want[1, 1::-1], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(final, want_final, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(joined, np.concatenate([ahead, back], 2), rtol=1e-5, atol=1e-7)


def test_names_of_variables(sess):
    x = tf.constant(X)
    stack = rnn_cell.MultiRNNCell([rnn_cell.BasicLSTMCell(2), rnn_cell.DropoutWrapper(rnn_cell.GRUCell(3), 0.5)])
    tf.nn.dynamic_rnn(stack, x, dtype=tf.float32)
    tf.nn.dynamic_rnn(rnn_cell.LSTMCell(2, use_peepholes=True, num_proj=1, name="mine"), x, dtype=tf.float32, scope="s")
    assert [v.name for v in tf.global_variables()] == [
        "rnn/multi_rnn_cell/cell_0/basic_lstm_cell/kernel:0", "rnn/multi_rnn_cell/cell_0/basic_lstm_cell/bias:0",
        "rnn/multi_rnn_cell/cell_1/gru_cell/gates/kernel:0", "rnn/multi_rnn_cell/cell_1/gru_cell/gates/bias:0",
        "rnn/multi_rnn_cell/cell_1/gru_cell/candidate/kernel:0",
        "rnn/multi_rnn_cell/cell_1/gru_cell/candidate/bias:0",
        "s/mine/kernel:0", "s/mine/bias:0", "s/mine/w_f_diag:0", "s/mine/w_i_diag:0", "s/mine/w_o_diag:0",
        "s/mine/projection/kernel:0"]
    assert stack.trainable_variables == tf.global_variables()[:6]


class OwnCell(rnn_cell.RNNCell):
    """A cell as programs write them: variables of a scope, made in __call__."""

    def __init__(self, size):
        self._size = size

    @property
    def state_size(self):
        return self._size

    @property
    def output_size(self):
        return self._size

    def __call__(self, inputs, state, scope=None):
        with tf.variable_scope(scope or type(self).__name__):
            w = tf.get_variable("W", [inputs.get_shape()[1] + self._size, self._size])
            output = tf.tanh(tf.matmul(tf.concat([inputs, state], 1), w))
        return output, output


def test_cells_of_programs(sess):
    cell = OwnCell(4)
    outputs, _ = tf.nn.dynamic_rnn(cell, tf.constant(X), initial_state=copy.deepcopy(cell).zero_state(2, tf.float32))
    unrolled, _ = tf.nn.static_rnn(cell, tf.unstack(tf.constant(X), axis=1), dtype=tf.float32, scope="s")
    assert [v.name for v in tf.global_variables()] == ["rnn/OwnCell/W:0", "s/OwnCell/W:0"]
    sess.run([v.assign(tf.ones(v.shape) * 0.1) for v in tf.global_variables()])
    found, same = sess.run([outputs, tf.stack(unrolled, 1)])
    np.testing.assert_allclose(found[:, 0], np.tanh(X[:, 0].sum(1, keepdims=True) * 0.1) * np.ones(4), rtol=1e-5)
    np.testing.assert_allclose(found, same, rtol=1e-5)


def test_a_batch_size_that_is_fed(sess):
    x, size = tf.placeholder(tf.float32, [None, 5, 3]), tf.placeholder(tf.int32, [])
    cell = rnn_cell.BasicLSTMCell(4)
    state = cell.zero_state(size, tf.float32)
    outputs, final = tf.nn.dynamic_rnn(cell, x, initial_state=state)
    grads = tf.gradients(outputs, tf.trainable_variables())
    sess.run(tf.global_variables_initializer())
    for n in (2, 1):
        zeros, found, _ = sess.run([state, outputs, grads], {x: X[:n], size: n})
        assert zeros.c.shape == (n, 4) and found.shape == (n, 5, 4)


def test_dropout_of_inputs_outputs_and_states(sess):
    ones = tf.ones([1000, 3, 1])

    class Copy(rnn_cell.RNNCell):
        state_size, output_size = rnn_cell.LSTMStateTuple(1, 1), 1

        def call(self, inputs, state):
            return inputs, rnn_cell.LSTMStateTuple(inputs, inputs)

    outputs, state = tf.nn.dynamic_rnn(rnn_cell.DropoutWrapper(Copy(), 0.5, 0.8, 0.5), ones, dtype=tf.float32)
    same, _ = tf.nn.dynamic_rnn(rnn_cell.DropoutWrapper(
        Copy(), 0.5, variational_recurrent=True, input_size=1, dtype=tf.float32), ones, dtype=tf.float32, scope="v")
    found, final, shared = sess.run([outputs, state, same])
    assert np.unique(found).tolist() == [0.0, 2.5] and abs(np.mean(found > 0) - 0.4) < 0.05
    assert not np.array_equal(found[:, 0], found[:, 1])  # another mask at each step
    assert np.unique(final.c).tolist() == [0.0, 2.0] and set(np.unique(final.h)) == {0.0, 4.0}  # c is not dropped
    assert len(np.unique(shared)) == 1  # one mask, for all rows and steps


def test_wrappers(sess):
    x, h = tf.constant(X[:, 0]), tf.zeros([2, 3])
    cell = rnn_cell.GRUCell(3)
    plain, _ = cell(x, h)
    summed, _ = rnn_cell.ResidualWrapper(cell)(x, h)
    product, _ = rnn_cell.ResidualWrapper(cell, residual_fn=lambda i, o: i * o)(x, h)
    placed, _ = rnn_cell.DeviceWrapper(cell, "/gpu:0")(x, h)
    sess.run(tf.global_variables_initializer())
    a, b, c, d = sess.run([plain, summed, product, placed])
    np.testing.assert_allclose([b, c, d], [a + X[:, 0], a * X[:, 0], a], rtol=1e-6)
    with pytest.raises(ValueError, match="Dimension"):
        rnn_cell.ResidualWrapper(rnn_cell.GRUCell(4))(x, tf.zeros([2, 4]))


@pytest.mark.parametrize("make", [
    lambda rnn: rnn.LayerNormBasicLSTMCell(3), lambda rnn: rnn.CoupledInputForgetGateLSTMCell(3, num_proj=2),
    lambda rnn: rnn.UGRNNCell(3), lambda rnn: rnn.NASCell(3), lambda rnn: rnn.IntersectionRNNCell(3),
    lambda rnn: rnn.IndyLSTMCell(3), lambda rnn: rnn.AttentionCellWrapper(rnn.LSTMCell(3), 2),
    lambda rnn: rnn.InputProjectionWrapper(rnn.GRUCell(3), 5),
    lambda rnn: rnn.OutputProjectionWrapper(rnn.GRUCell(3), 5), lambda rnn: rnn.HighwayWrapper(rnn.GRUCell(3))])
def test_contributed_cells_run_and_differentiate(sess, make):
    cell = make(tf.contrib.rnn)
    outputs, _ = tf.nn.dynamic_rnn(cell, tf.constant(X), [5, 2], dtype=tf.float32)
    grads = tf.gradients(tf.reduce_sum(tf.square(outputs)), tf.trainable_variables())
    sess.run(tf.global_variables_initializer())
    found, *gradients = sess.run([outputs, *grads])
    assert found.shape == (2, 5, cell.output_size) and not found[1, 2:].any() and found[1, :2].any()
    assert all(np.isfinite(g).all() for g in gradients) and any(g.any() for g in gradients)


def test_block_cells_compute_what_the_plain_ones_do(sess):
    rnn = tf.contrib.rnn
    x = tf.transpose(tf.constant(X), [1, 0, 2])
    plain, state = tf.nn.dynamic_rnn(rnn.LSTMCell(4), x, [5, 2], dtype=tf.float32, time_major=True)
    fused, fused_state = rnn.LSTMBlockFusedCell(4)(x, dtype=tf.float32, sequence_length=[5, 2])
    block, _ = tf.nn.dynamic_rnn(rnn.LSTMBlockCell(4), x, [5, 2], dtype=tf.float32, time_major=True, scope="block")
    names = [v.name for v in tf.global_variables()]
    assert names == ["rnn/lstm_cell/kernel:0", "rnn/lstm_cell/bias:0", "lstm_fused_cell/kernel:0",
                     "lstm_fused_cell/bias:0", "block/lstm_cell/kernel:0", "block/lstm_cell/bias:0"]
    kernel = np.sin(np.arange(112.0)).reshape(7, 16).astype(np.float32)
    sess.run([v.assign(kernel if "kernel" in v.name else np.ones(16, np.float32)) for v in tf.global_variables()])
    a, b, c, d, e = sess.run([plain, fused, block, state, fused_state])
    np.testing.assert_allclose([b, c], [a, a], rtol=1e-5)
    np.testing.assert_allclose(d, e, rtol=1e-5)


@pytest.mark.parametrize(("build", "error"), [
    (lambda x: tf.nn.dynamic_rnn(rnn_cell.GRUCell(3), x), ValueError),
    (lambda x: tf.nn.dynamic_rnn(rnn_cell.GRUCell(3), x[:, 0], dtype=tf.float32), ValueError),
    (lambda x: tf.nn.dynamic_rnn("cell", x, dtype=tf.float32), TypeError),
    (lambda x: tf.nn.dynamic_rnn(rnn_cell.GRUCell(3), x, [[1]], dtype=tf.float32), ValueError),
    (lambda x: tf.nn.static_rnn(rnn_cell.GRUCell(3), x, dtype=tf.float32), TypeError),
    (lambda x: tf.nn.static_rnn(rnn_cell.GRUCell(3), [], dtype=tf.float32), ValueError),
    (lambda x: tf.nn.raw_rnn(rnn_cell.GRUCell(3), 3), TypeError),
    (lambda x: rnn_cell.MultiRNNCell([]), ValueError),
    (lambda x: rnn_cell.MultiRNNCell([rnn_cell.LSTMCell(2)], state_is_tuple=False), ValueError),
    (lambda x: rnn_cell.DropoutWrapper(rnn_cell.GRUCell(3), 1.5), ValueError),
    (lambda x: rnn_cell.DropoutWrapper(rnn_cell.GRUCell(3), variational_recurrent=True), ValueError),
    (lambda x: rnn_cell.GRUCell(3)(tf.constant([[1]]), tf.constant([[1, 2, 3]])), ValueError)])
def test_errors(build, error):
    with pytest.raises(error):
        build(tf.constant(X))


def test_a_scope_is_not_used_twice():
    tf.nn.dynamic_rnn(rnn_cell.GRUCell(3), tf.constant(X), dtype=tf.float32)
    with pytest.raises(ValueError, match="already exists"):
        tf.nn.dynamic_rnn(rnn_cell.GRUCell(3), tf.constant(X), dtype=tf.float32)


def test_cudnn_layers_are_layers_of_cells(sess):
    x = tf.transpose(tf.constant(X), [1, 0, 2])
    layer = tf.contrib.cudnn_rnn.CudnnLSTM(2, 4, direction="bidirectional", dropout=0.5)
    outputs, (h, c) = layer(x, training=False)
    again, _ = layer(x, initial_state=(h, c), training=False)
    gru, (final,) = tf.contrib.cudnn_rnn.CudnnGRU(1, 3)(x)
    assert outputs.shape == (5, 2, 8) and h.shape == c.shape == (4, 2, 4) and final.shape == (1, 2, 3)
    assert len(layer.trainable_weights) == 8 and layer.trainable_weights[0].name == (
        "cudnn_lstm/stack_bidirectional_rnn/cell_0/bidirectional_rnn/fw/cudnn_compatible_lstm_cell/kernel:0")
    sess.run(tf.global_variables_initializer())
    first, second, state, steps, last = sess.run([outputs, again, h, gru, final])
    np.testing.assert_allclose(first[-1, :, :4], state[2], rtol=1e-5)
    np.testing.assert_allclose(first[0, :, 4:], state[3], rtol=1e-5)
    np.testing.assert_allclose(steps[-1], last[0], rtol=1e-5)
    assert not np.allclose(first, second)


def test_a_copy_of_a_used_cell_has_its_own_variables():
    cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.GRUCell(2) for _ in range(2)])
    x = tf.zeros([1, 2])
    cell(x, cell.zero_state(1, tf.float32))
    with tf.variable_scope("encoder"):
        copied = copy.deepcopy(cell)
        copied(x, copied.zero_state(1, tf.float32))
    assert [v.name for v in copied.weights] == ["encoder/" + v.name for v in cell.weights] and len(cell.weights) == 8


def test_sequences_in_buckets_share_the_cells():
    inputs = [tf.placeholder(tf.int32, [None]) for _ in range(3)]
    weights = [tf.ones([2])] * 3
    cell = tf.nn.rnn_cell.GRUCell(3)

    def model(x, y):
        return tf.contrib.legacy_seq2seq.embedding_attention_seq2seq(x, y, cell, 4, 4, 2)

    names = []
    for buckets in ([(1, 1)], [(1, 1), (2, 2)]):
        with tf.variable_scope("", reuse=bool(names)):
            tf.contrib.legacy_seq2seq.model_with_buckets(inputs, inputs, inputs[1:], weights, buckets, model)
        names.append([v.name for v in tf.trainable_variables()])
    assert names[0] == names[1] and sum(name.endswith("gru_cell/gates/kernel:0") for name in names[0]) == 2
