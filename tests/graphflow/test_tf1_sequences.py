"""CTC, conditional random fields and candidate sampling. Numbers without another source are TensorFlow's."""
from __future__ import annotations

import itertools

import numpy as np
import pytest

import graphflow as tf

X = np.sin(np.arange(24.0) * 0.7).reshape(4, 2, 3).astype(np.float32)  # [time, batch, classes]


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-6)


def labels():
    return tf.SparseTensor([[0, 0], [0, 1], [1, 0]], np.array([0, 1, 1], np.int32), [2, 2])


def test_ctc_loss(sess):
    x = tf.placeholder(tf.float32, [4, None, 3])
    loss = tf.nn.ctc_loss(labels(), x, [4, 3])
    unmerged = tf.nn.ctc_loss(labels(), tf.transpose(x, [1, 0, 2]), [4, 3], ctc_merge_repeated=False, time_major=False)
    dense = tf.nn.ctc_loss_v2(tf.constant([[1, 2], [2, 0]]), x, [2, 1], [4, 3])
    last = tf.nn.ctc_loss_v2(labels(), x, None, [4, 3], blank_index=-1)
    found = sess.run([loss, unmerged, dense, last, tf.gradients(loss, x)[0]], {x: X})
    close(found[0], [1.735305, 1.64835])
    close(found[1], [2.476593, 2.26819])
    close(found[2], [1.91159, 1.262606])
    close(found[3], found[0])
    close(found[4][0], [[-0.198811, 0.341093, -0.142281], [0.530037, -0.384377, -0.14566]])
    close(found[4][3, 1], [0, 0, 0])
    with pytest.raises(LookupError, match="CTCLoss"):
        tf.gradients(tf.gradients(loss, x), x)


def test_ctc_loss_refuses_labels(sess):
    x = tf.constant(X)
    with pytest.raises(TypeError, match="SparseTensor"):
        tf.nn.ctc_loss(tf.constant([[1]]), x, [4, 4])
    for values, message in (([0, 1, -1], "nonnegative"), ([2, 1, 1], "following a null label")):
        bad = tf.SparseTensor(labels().indices, np.array(values, np.int32), [2, 2])
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            sess.run(tf.nn.ctc_loss(bad, x, [4, 3]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Not enough time"):
        sess.run(tf.nn.ctc_loss(labels(), x, [1, 3]))
    ignored = tf.nn.ctc_loss(labels(), x, [1, 3], ignore_longer_outputs_than_inputs=True)
    close(sess.run(ignored), [0.0, 1.64835])


def test_ctc_decoders(sess):
    x = tf.constant(X)
    (greedy,), score = tf.nn.ctc_greedy_decoder(x, [4, 3])
    (first, second), scores = tf.nn.ctc_beam_search_decoder(x, [4, 3], top_paths=2)
    found = sess.run([tf.sparse_tensor_to_dense(t, -1) for t in (greedy, first, second)])
    assert [t.tolist() for t in found] == [[[0], [0]], [[1, 0], [0, 1]], [[0, 1], [0, -1]]]
    close(sess.run(score), [[-2.199389], [-1.23324]])
    close(sess.run(scores), [[-1.565597, -1.735305], [-1.463725, -1.537245]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="more paths"):
        sess.run(tf.nn.ctc_beam_search_decoder(x, [4, 3], beam_width=1, top_paths=2)[1])


# conditional random fields


def test_crf_against_all_tag_sequences(sess):
    rng = np.random.default_rng(1)
    scores, moves = rng.normal(size=(3, 4, 3)).astype(np.float32), rng.normal(size=(3, 3)).astype(np.float32)
    tags, lengths = rng.integers(0, 3, (3, 4)), np.array([4, 2, 1])
    x, y, n = (tf.placeholder(t, s) for t, s in ((tf.float32, [None, None, 3]), (tf.int32, [None, None]),
                                                 (tf.int32, [None])))
    likelihood, transitions = tf.contrib.crf.crf_log_likelihood(x, y, n)
    path, best = tf.contrib.crf.crf_decode(x, transitions, n)
    assert transitions.name == "transitions:0"
    gradient = tf.gradients(likelihood, transitions)[0]
    sess.run(transitions.assign(moves))
    found, decoded, top, g = sess.run([likelihood, path, best, gradient], {x: scores, y: tags, n: lengths})
    for b, length in enumerate(lengths):
        totals = {p: sum(scores[b, t, k] for t, k in enumerate(p)) + sum(moves[a] for a in itertools.pairwise(p))
                  for p in itertools.product(range(3), repeat=length)}
        close(found[b], totals[tuple(tags[b, :length])] - np.logaddexp.reduce(list(totals.values())))
        likeliest = max(totals, key=totals.get)
        assert tuple(decoded[b, :length]) == likeliest == tuple(
            tf.contrib.crf.viterbi_decode(scores[b, :length], moves)[0])
        close(top[b], totals[likeliest])
    close(g.sum(), 0)  # as many transitions as expected


# candidate sampling


def test_losses_of_samples(sess):
    weights, biases = np.sin(np.arange(20.0)).reshape(10, 2), np.cos(np.arange(10.0))
    w, b = tf.constant(weights, tf.float32), tf.constant(biases, tf.float32)
    x, y = tf.constant(X[0, :, :2]), tf.constant([[4], [2]], tf.int64)
    samples = tf.constant([1, 5, 4], tf.int64), tf.constant([[0.1], [0.3]]), tf.constant([0.3, 0.2, 0.7])
    nce = tf.nn.nce_loss(w, b, y, x, 3, 10, sampled_values=samples)
    without = tf.nn.nce_loss(w, b, y, x, 3, 10, sampled_values=samples, remove_accidental_hits=True)
    softmax = tf.nn.sampled_softmax_loss(w, b, y, x, 3, 10, sampled_values=samples)
    parts = [[w[:4], w[4:7], w[7:]], [b[:4], b[4:7], b[7:]]]
    split = tf.nn.nce_loss(*parts, y, x, 3, 10, sampled_values=samples, partition_strategy="div")
    found = sess.run([nce, without, softmax, split])
    close(found, [[4.299367, 5.919239], [3.621834, 5.919239], [0.891097, 3.128697], [4.299367, 5.919239]])
    assert tf.gradients(softmax, w)[0].shape == (10, 2)


@pytest.mark.parametrize(("sampler", "options", "weights"), [
    ("uniform", {"range_max": 5}, [1, 1, 1, 1, 1]),
    ("log_uniform", {"range_max": 5}, np.log((np.arange(5) + 2) / (np.arange(5) + 1))),
    ("fixed_unigram", {"range_max": 5, "unigrams": [1, 4, 9, 16], "num_reserved_ids": 1, "distortion": 0.5},
     [0, 1, 2, 3, 4])])
def test_distributions_of_samplers(sess, sampler, options, weights):
    draw = getattr(tf.nn, f"{sampler}_candidate_sampler")
    true = tf.constant([[1, 4]], tf.int64)
    p = np.array(weights) / np.sum(weights)
    samples, expected, _ = sess.run(draw(true, 2, 20000, False, seed=3, **options))
    np.testing.assert_allclose(np.bincount(samples, minlength=5) / 20000, p, atol=0.012)
    np.testing.assert_allclose(expected, 20000 * p[[[1, 4]]], rtol=1e-5)
    once = draw(true, 2, 3, True, seed=3, **options)
    drawn = [sess.run(once) for _ in range(40)]
    assert all(len(set(s)) == 3 for s, _, _ in drawn) and len({tuple(s) for s, _, _ in drawn}) > 5
    assert all(e.min() > 0 for _, e, _ in drawn)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too small"):
        sess.run(draw(true, 2, 6, True, **options))


def test_a_learned_sampler_counts_the_true_classes(sess):
    true = tf.placeholder(tf.int64, [None, 1])
    _, expected, _ = tf.nn.learned_unigram_candidate_sampler(true, 1, 8, False, 4)
    close(sess.run(expected, {true: [[3], [3]]}), [[2.0], [2.0]])
    close(sess.run(expected, {true: [[3], [0]]}), [[4.0], [8 / 6]])


def test_accidental_hits(sess):
    hits = tf.nn.compute_accidental_hits(tf.constant([[0, 3], [2, 4]], tf.int64), tf.constant([4, 7, 0], tf.int64), 2)
    rows, positions, weights = sess.run(hits)
    assert rows.tolist() == [0, 1] and positions.tolist() == [2, 0] and (weights == np.finfo(np.float32).min).all()
