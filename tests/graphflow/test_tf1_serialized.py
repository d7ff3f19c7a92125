"""What is written as bytes and read back: sparse tensors, examples in JSON; the clock."""
from __future__ import annotations

import time

import numpy as np
import pytest

import graphflow as tf


def test_sparse_tensors_of_a_batch_are_read_back():
    sparse = tf.SparseTensor(np.array([[0, 1], [2, 0]], np.int64), np.array([1.5, 2.5], np.float32), [3, 2])
    written = tf.serialize_many_sparse(sparse)
    with tf.Session() as session:
        data = session.run(written)
        back = session.run(tf.deserialize_many_sparse(data, tf.float32))
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(tf.deserialize_many_sparse(data[:, :2], tf.float32))
    assert data.shape == (3, 3) and back.dense_shape.tolist() == [3, 2]
    assert back.indices.tolist() == [[0, 1], [2, 0]] and back.values.tolist() == [1.5, 2.5]


def test_examples_in_json():
    text = ('{"features": {"feature": {"f": {"floatList": {"value": [1.5, 2]}}, "i": {"int64List": {"value": ["7"]}},'
            ' "b": {"bytesList": {"value": ["aGk="]}}}}}')
    parsed = tf.parse_single_example(tf.decode_json_example([text])[0], {
        "f": tf.FixedLenFeature([2], tf.float32), "i": tf.FixedLenFeature([], tf.int64),
        "b": tf.FixedLenFeature([], tf.string)})
    with tf.Session() as session:
        found = session.run(parsed)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Error while parsing JSON"):
            session.run(tf.decode_json_example("{"))
    assert found["f"].tolist() == [1.5, 2] and found["i"] == 7 and found["b"] == b"hi"


def test_timestamp_is_taken_in_each_run():
    now = tf.timestamp()
    with tf.Session() as session:
        before = time.time()
        first, second = session.run(now), session.run(now)
    assert before - 1 <= first <= second <= time.time() + 1
