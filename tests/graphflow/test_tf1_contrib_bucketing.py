"""tf.contrib.training: buckets of elements."""
import numpy as np
import pytest

import graphflow as tf

training = tf.contrib.training


def batches(fetch, count):
    with tf.Session() as session:
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        found = [session.run(fetch) for _ in range(count)]
        coordinator.request_stop()
        coordinator.join(threads)
    return found


def test_bucket():
    number = tf.train.range_input_producer(100, shuffle=False).dequeue()
    which, (values, squares) = training.bucket([number, number * number], number % 2, 3, 2)
    assert values.shape.as_list() == [3]
    for key, found, squared in batches([which, values, squares], 4):
        assert (found % 2 == key).all() and (squared == found**2).all()


def test_buckets_by_length_pad():
    number = tf.train.range_input_producer(12, shuffle=False).dequeue()
    sequence = tf.fill([number % 6 + 1], number)
    lengths, batch = training.bucket_by_sequence_length(
        tf.size(sequence), {"sequence": sequence}, 2, [4], dynamic_pad=True)
    for length, found in batches([lengths, batch["sequence"]], 3):
        assert (length < 4).all() or (length >= 4).all()
        assert found.shape == (2, length.max())
        assert (np.count_nonzero(found, 1) == np.where(found[:, 0] > 0, length, 0)).all()


def test_arguments():
    x = tf.constant(1)
    with pytest.raises(ValueError, match="num_buckets elements"):
        training.bucket([x], x, [1, 2], 3)
    with pytest.raises(ValueError, match="must not be empty"):
        training.bucket_by_sequence_length(x, [x], 2, [])
    with pytest.raises(TypeError, match="must be integers"):
        training.bucket_by_sequence_length(x, [x], 2, [1.5])
    with pytest.raises(ValueError, match="sequential increasing"):
        training.bucket_by_sequence_length(x, [x], 2, [3, 3])
