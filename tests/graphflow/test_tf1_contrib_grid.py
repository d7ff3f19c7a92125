"""Grid LSTMs and their kin; numbers of TensorFlow 1.15's own tests, in which every weight is 0.5."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


def run(cell, x, state):
    with tf.variable_scope("root", initializer=tf.constant_initializer(0.5)):
        output, new = cell(tf.constant(x, tf.float32), state)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run([output, new])


@pytest.mark.parametrize("tuples", [False, True])
def test_a_grid_with_coupled_gates(tuples):
    with tf.Graph().as_default():
        cell = tf.contrib.rnn.GridLSTMCell(2, feature_size=2, frequency_skip=1, num_frequency_blocks=[3],
                                           couple_input_forget_gates=True, state_is_tuple=tuples)
        tenth = tf.fill([3, 2], 0.1)
        start = cell.state_tuple_type(*[tenth] * 6) if tuples else tf.fill([3, 12], 0.1)
        output, state = run(cell, np.outer([1, 2, 3], np.ones(4)), start)
    row = [0.416383, 0.403238, 0.524020, 0.565425, 0.557865, 0.609699]
    np.testing.assert_allclose(output[0], np.repeat(row, 2), atol=2e-6)
    np.testing.assert_allclose(output[2, ::2], [0.711050, 0.709197, 0.736533, 0.744264, 0.737390, 0.745250], atol=2e-6)
    joined = np.concatenate(state, 1) if tuples else state
    np.testing.assert_allclose(joined[1, ::2], [0.875488, 0.627331, 0.936432, 0.688342, 0.941961, 0.694245], atol=2e-6)
    assert not tuples or state.state_f02_b00_m.shape == (3, 2)


@pytest.mark.parametrize(("offset", "backward"), [
    (0, [0.520789, 0.476968, 0.604341, 0.760207, 0.635773, 0.850218]),
    (1, [0.322645, 0.276068, 0.584654, 0.690292, 0.640446, 0.840071])])
def test_a_grid_both_ways(offset, backward):
    with tf.Graph().as_default():
        cell = tf.contrib.rnn.BidirectionalGridLSTMCell(2, False, True, feature_size=2, frequency_skip=1,
                                                        num_frequency_blocks=[3], backward_slice_offset=offset)
        start = cell.state_tuple_type(*[tf.fill([3, 2], 0.1)] * 12)
        output, state = run(cell, np.arange(1, 4)[:, None] + [0, 0.1, 0.2, 0.3], start)
        names = {v.op.name.removeprefix("root/bidirectional_grid_lstm_cell/") for v in tf.global_variables()}
    forward = [0.464130, 0.419165, 0.593283, 0.738350, 0.661638, 0.866774]
    np.testing.assert_allclose(output[0, ::2], forward + backward, atol=2e-6)
    np.testing.assert_allclose(state.fwd_state_f01_b00_c[2], [1.079919] * 2, atol=2e-6)
    assert names == {f"{way}/{name}" for way in ("fwd", "bwd") for name in ("W_f_0_0", "B_f_0")}


def test_blocks_of_frequencies():
    with tf.Graph().as_default():
        cell = tf.contrib.rnn.GridLSTMCell(2, True, feature_size=2, frequency_skip=1, num_frequency_blocks=[1, 1],
                                           start_freqindex_list=[0, 2], end_freqindex_list=[2, 4])
        start = cell.zero_state(3, tf.float32)
        output, state = run(cell, np.ones((3, 4)), start)
        assert output.shape == (3, 8) and len(state) == 4 and len(tf.global_variables()) == 2 * (4 + 12)
        with pytest.raises(ValueError, match="num_frequency_blocks"):
            tf.contrib.rnn.GridLSTMCell(2, feature_size=2, frequency_skip=1, num_frequency_blocks=[1])(
                tf.zeros([3, 4]), start)


def test_time_and_frequency():
    with tf.Graph().as_default():
        cell = tf.contrib.rnn.TimeFreqLSTMCell(8, feature_size=2, num_unit_shards=2)
        output, state = run(cell, np.outer([1, 2, 3], np.ones(4)), tf.fill([3, 48], 0.1))
        assert output.shape == (3, 24) and state.shape == (3, 48) and len(tf.global_variables()) == 3
        gates = 0.5 * 2 + 0.5 * 0.8
        c = 0.1 / (1 + np.exp(-gates - 1)) + np.tanh(gates) / (1 + np.exp(-gates))
        np.testing.assert_allclose(state[0, :8], c, rtol=1e-5)


def test_groups_are_lstms_of_their_parts():
    x, h = np.random.default_rng(0).random((2, 3, 4), np.float32)
    with tf.Graph().as_default():
        state = tf.nn.rnn_cell.LSTMStateTuple(tf.zeros([3, 4]), tf.constant(h))
        output, new = run(tf.contrib.rnn.GLSTMCell(4, number_of_groups=2), x, state)
        gates = 0.5 * (x.reshape(3, 2, 2).sum(2) + h.reshape(3, 2, 2).sum(2))
        c = np.tanh(gates) / (1 + np.exp(-gates))
        np.testing.assert_allclose(new.c, np.repeat(c, 2, 1), rtol=1e-5)
        np.testing.assert_allclose(output, np.repeat(np.tanh(c) / (1 + np.exp(-gates)), 2, 1), rtol=1e-5)
    with pytest.raises(ValueError, match="divisible"):
        tf.contrib.rnn.GLSTMCell(5, number_of_groups=2)
