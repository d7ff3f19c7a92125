"""Decoders with helpers, attention and beams, and the older models over lists."""
from __future__ import annotations

import itertools

import numpy as np
import pytest

import graphflow as tf

seq2seq = tf.contrib.seq2seq
rnn_cell = tf.nn.rnn_cell
MEMORY = np.sin(np.arange(24.0) * 0.9).reshape(2, 4, 3).astype(np.float32)  # [batch, time, size]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_attention_weights_the_memory(sess):
    query = tf.constant(MEMORY[:, 0])
    mechanism = seq2seq.LuongAttention(3, tf.constant(MEMORY), [4, 2], scale=True)
    alignments, _ = mechanism(query, None)
    additive = seq2seq.BahdanauAttention(5, tf.constant(MEMORY), [4, 2])
    added, _ = additive(query, None)
    sess.run(tf.global_variables_initializer())
    values = {v.name: sess.run(v) for v in tf.global_variables()}
    assert sorted(values) == ["bahdanau_attention/attention_v:0", "bahdanau_attention/query_layer/kernel:0",
                              "luong_attention/attention_g:0", "memory_layer/kernel:0", "memory_layer_1/kernel:0"]
    masked = MEMORY * np.array([[1, 1, 1, 1], [1, 1, 0, 0]])[:, :, None]
    inside = np.where(np.arange(4) < [[4], [2]], 0.0, -np.inf)
    scores = np.einsum("bd,btd->bt", MEMORY[:, 0], masked @ values["memory_layer/kernel:0"])
    np.testing.assert_allclose(sess.run(alignments), softmax(scores + inside), rtol=1e-4, atol=1e-6)
    hidden = np.tanh(masked @ values["memory_layer_1/kernel:0"]
                     + (MEMORY[:, 0] @ values["bahdanau_attention/query_layer/kernel:0"])[:, None])
    scores = hidden @ values["bahdanau_attention/attention_v:0"]
    np.testing.assert_allclose(sess.run(added), softmax(scores + inside), rtol=1e-4, atol=1e-6)


def test_monotonic_attention_moves_on():
    previous, p = np.array([[0.0, 1.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 1.0, 1.0]])
    with tf.Session() as session:
        hard = seq2seq.monotonic_attention(tf.constant(p), tf.constant(previous), "hard")
        soft = np.array([[0.3, 0.2, 0.6, 0.9]])
        parallel, recursive = (seq2seq.monotonic_attention(tf.constant(soft), tf.constant(previous), mode)
                               for mode in ("parallel", "recursive"))
        assert session.run(hard).tolist() == [[0, 0, 1, 0]]
        a, b = session.run([parallel, recursive])
    np.testing.assert_allclose(a, b, rtol=1e-6)
    np.testing.assert_allclose(b, [[0, 0.2, 0.8 * 0.6, 0.8 * 0.4 * 0.9]], rtol=1e-6)
    with pytest.raises(ValueError, match="mode"):
        seq2seq.monotonic_attention(tf.constant(p), tf.constant(previous), "loose")


def test_a_training_decoder_is_a_network_over_the_inputs(sess):
    inputs, lengths = tf.placeholder(tf.float32, [None, None, 3]), tf.placeholder(tf.int32, [None])
    cell, layer = rnn_cell.GRUCell(4), tf.layers.Dense(5)
    decoder = seq2seq.BasicDecoder(cell, seq2seq.TrainingHelper(inputs, lengths),
                                   cell.zero_state(tf.shape(inputs)[0], tf.float32), layer)
    (logits, ids), state, sizes = seq2seq.dynamic_decode(decoder, impute_finished=True)
    outputs, final = tf.nn.dynamic_rnn(cell, inputs, lengths, dtype=tf.float32)
    weights = tf.sequence_mask(lengths, dtype=tf.float32)
    loss = seq2seq.sequence_loss(logits, tf.ones_like(ids), weights)
    sess.run(tf.global_variables_initializer())
    feeds = {inputs: MEMORY, lengths: [4, 2]}
    found, chosen, last, n, want, want_last, value = sess.run(
        [logits, ids, state, sizes, layer(outputs) * weights[:, :, None], final, loss], feeds)
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(last, want_last, rtol=1e-5, atol=1e-6)
    assert n.tolist() == [4, 2] and chosen[0].tolist() == want[0].argmax(-1).tolist()
    entropies = -np.log(softmax(want)[..., 1])
    np.testing.assert_allclose(value, (entropies[0].sum() + entropies[1, :2].sum()) / 6, rtol=1e-5)
    assert [v.name for v in tf.global_variables()][-2:] == ["decoder/dense/kernel:0", "decoder/dense/bias:0"]
    assert all(g is not None for g in tf.gradients(loss, tf.trainable_variables()))


class Table(rnn_cell.RNNCell):
    """The logits of the next id are a row of a table: the one of the id before, which the inputs are."""

    def __init__(self, table):
        self._table = table

    @property
    def state_size(self):
        return 1

    @property
    def output_size(self):
        return self._table.shape[1]

    def __call__(self, inputs, state, scope=None):
        return tf.matmul(inputs, tf.constant(self._table)), state + 1.0


TABLE = np.log(np.array([[0.05, 0.1, 0.5, 0.35], [0.3, 0.2, 0.25, 0.25], [0.3, 0.3, 0.2, 0.2],
                         [0.1, 0.8998, 1e-4, 1e-4]], np.float32))
END = 1


def decode(helper_or_none, **options):
    cell, eye = Table(TABLE), tf.eye(4)
    if helper_or_none is not None:
        decoder = seq2seq.BasicDecoder(
            cell, helper_or_none(eye, tf.constant([0, 2]), END), cell.zero_state(2, tf.float32)
        )
    else:
        width = options.pop("beam_width")
        decoder = seq2seq.BeamSearchDecoder(cell, eye, tf.constant([0, 2]), END,
                                            seq2seq.tile_batch(cell.zero_state(2, tf.float32), width), width, **options)
    return seq2seq.dynamic_decode(decoder, maximum_iterations=5)


def test_greedy_decoding(sess):
    (logits, ids), state, lengths = decode(seq2seq.GreedyEmbeddingHelper)
    found, scores, n, final = sess.run([ids, logits, lengths, state])
    assert found[0].tolist() == [2, 0, 2, 0, 2] and found[1].tolist() == [0, 2, 0, 2, 0]  # 2 -> 0 comes before 2 -> 1
    assert n.tolist() == [5, 5] and final.ravel().tolist() == [5.0, 5.0] and scores.shape == (2, 5, 4)


def test_sampling_follows_the_logits(sess):
    (_, ids), _, _ = decode(lambda *a: seq2seq.SampleEmbeddingHelper(*a, seed=1))
    first = np.array([sess.run(ids)[:, 0] for _ in range(200)])
    np.testing.assert_allclose(np.mean(first[:, 0] == 2), 0.5, atol=0.1)


def test_beam_search_finds_the_best_paths(sess):
    outputs, state, lengths = decode(None, beam_width=12)
    paths, scores = sess.run([outputs.predicted_ids, state.log_probs])
    for b, start in enumerate((0, 2)):
        totals = {}
        for path in itertools.product(range(4), repeat=5):
            stop = path.index(END) + 1 if END in path else 5
            totals[path[:stop]] = sum(TABLE[a, c] for a, c in itertools.pairwise((start, *path[:stop])))
        best = sorted(totals, key=totals.get, reverse=True)[:3]
        for k in range(3):
            found = tuple(paths[b, :, k])
            assert found[:len(best[k])] == best[k] and set(found[len(best[k]):]) <= {END}
            np.testing.assert_allclose(scores[b, k], totals[best[k]], rtol=1e-4)


def test_a_length_penalty_prefers_longer_paths(sess):
    _, plain, _ = decode(None, beam_width=3)
    _, long, _ = decode(None, beam_width=3, length_penalty_weight=3.0)
    a, b = sess.run([plain.lengths, long.lengths])
    assert b[:, 0].sum() > a[:, 0].sum()


def test_attention_decoders_under_a_beam(sess):
    memory, lengths = tf.placeholder(tf.float32, [None, None, 3]), tf.placeholder(tf.int32, [None])
    batch, width = tf.shape(memory)[0], 3
    tiled = seq2seq.tile_batch(memory, width), seq2seq.tile_batch(lengths, width)
    cell = seq2seq.AttentionWrapper(rnn_cell.LSTMCell(4), seq2seq.BahdanauAttention(4, *tiled), attention_layer_size=6,
                                    alignment_history=True)
    decoder = seq2seq.BeamSearchDecoder(cell, tf.get_variable("embedding", [5, 2]), tf.fill([batch], 1), 2,
                                        cell.zero_state(batch * width, tf.float32), width, tf.layers.Dense(5),
                                        coverage_penalty_weight=0.1)
    outputs, state, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=3)
    sess.run(tf.global_variables_initializer())
    ids, history = sess.run([outputs.predicted_ids, state.cell_state.alignment_history],
                            {memory: MEMORY, lengths: [4, 2]})
    assert ids.shape == (2, 3, 3) and history.shape == (3, 6, 4)
    np.testing.assert_allclose(history.sum(-1), 1, rtol=1e-5)
    assert not history[:, 3:, 2:].any()  # the second sequence has two steps
    assert [v.name for v in tf.global_variables()] == [
        "memory_layer/kernel:0", "embedding:0", "decoder/attention_wrapper/lstm_cell/kernel:0",
        "decoder/attention_wrapper/lstm_cell/bias:0",
        "decoder/attention_wrapper/bahdanau_attention/query_layer/kernel:0",
        "decoder/attention_wrapper/bahdanau_attention/attention_v:0",
        "decoder/attention_wrapper/attention_layer/kernel:0", "decoder/dense/kernel:0", "decoder/dense/bias:0"]


def test_scheduled_sampling(sess):
    inputs, table = tf.constant(MEMORY), tf.ones([3, 3]) * 7.0
    cell = Table(np.zeros((3, 3), np.float32))
    helper = seq2seq.ScheduledEmbeddingTrainingHelper(inputs, [4, 4], table, tf.placeholder_with_default(0.5, []))
    (_, ids), _, _ = seq2seq.dynamic_decode(seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32)))
    drawn = np.concatenate([sess.run(ids).ravel() for _ in range(50)])
    np.testing.assert_allclose(np.bincount(drawn + 1, minlength=4) / drawn.size, [1 / 2, 1 / 6, 1 / 6, 1 / 6], atol=0.1)
    sampled = sess.run(helper.next_inputs(tf.constant(0), None, None, tf.constant([-1, 2]))[1])
    np.testing.assert_allclose(sampled, [MEMORY[0, 1], [7.0, 7.0, 7.0]])


def test_errors():
    cell = rnn_cell.GRUCell(2)
    with pytest.raises(TypeError, match="Decoder"):
        seq2seq.dynamic_decode(cell)
    with pytest.raises(TypeError, match="Helper"):
        seq2seq.BasicDecoder(cell, None, None)
    with pytest.raises(ValueError, match="vector"):
        seq2seq.GreedyEmbeddingHelper(tf.eye(3), 0, 1)
    with pytest.raises(TypeError, match="AttentionMechanism"):
        seq2seq.AttentionWrapper(cell, cell)
    with pytest.raises(ValueError, match="Incompatible or unknown inner dimensions"):
        seq2seq.LuongAttention(4, tf.constant(MEMORY))(tf.constant(MEMORY[:, 0]), None)
    with pytest.raises(tf.errors.InvalidArgumentError, match="tile"):
        seq2seq.AttentionWrapper(cell, seq2seq.LuongAttention(4, tf.constant(MEMORY))).zero_state(6, tf.float32)


# models over lists


def test_models_over_lists(sess):
    tf.set_random_seed(1)  # of 400 random models two predicted what the decoder was given
    legacy = tf.contrib.legacy_seq2seq
    encoder = [tf.placeholder(tf.int32, [None]) for _ in range(3)]
    decoder = [tf.placeholder(tf.int32, [None]) for _ in range(4)]
    weights = [tf.ones([2])] * 4
    feed_previous = tf.placeholder(tf.bool, [])

    def model(x, y):
        return legacy.embedding_attention_seq2seq(x, y, rnn_cell.GRUCell(4), 6, 7, 5, feed_previous=feed_previous)

    outputs, losses = legacy.model_with_buckets(encoder, decoder, [*decoder[1:], decoder[0]], weights, [(2, 2), (3, 4)],
                                                model)
    assert [len(o) for o in outputs] == [2, 4] and outputs[1][0].shape.as_list() == [None, 7]
    names = [v.name for v in tf.global_variables()]
    prefix = "embedding_attention_seq2seq/embedding_attention_decoder"
    assert names[0] == "embedding_attention_seq2seq/rnn/embedding_wrapper/embedding:0"
    assert f"{prefix}/attention_decoder/AttnOutputProjection/kernel:0" in names and len(names) == len(set(names)) == 20
    sess.run(tf.global_variables_initializer())
    feeds = dict.fromkeys([*encoder, *decoder], [1, 2])
    forced, free = (sess.run([outputs[1][3], losses[1]], {**feeds, feed_previous: flag}) for flag in (False, True))
    assert not np.allclose(forced[0], free[0]) and forced[1] > 0
    grads = [g for g in tf.gradients(losses[1], tf.trainable_variables()) if g is not None]
    assert all(np.isfinite(np.asarray(g)).all() for g in sess.run([tf.convert_to_tensor(g) for g in grads],
                                                                  {**feeds, feed_previous: False}))


def test_the_loss_of_lists(sess):
    legacy = tf.contrib.legacy_seq2seq
    logits = [tf.constant([[0.0, 1.0], [2.0, 0.0]]), tf.constant([[0.0, 0.0], [0.0, 3.0]])]
    targets, weights = [tf.constant([1, 1]), tf.constant([0, 1])], [tf.constant([1.0, 1.0]), tf.constant([1.0, 0.0])]
    entropy = np.log1p(np.exp([[-1.0, 2.0], [0.0, -3.0]]))
    each = np.array([entropy[:, 0].sum() / 2, entropy[0, 1]])
    found = sess.run([legacy.sequence_loss_by_example(logits, targets, weights),
                      legacy.sequence_loss(logits, targets, weights)])
    np.testing.assert_allclose(found[0], each, rtol=1e-5)
    np.testing.assert_allclose(found[1], each.mean(), rtol=1e-5)
