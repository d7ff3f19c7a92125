"""What a session keeps beside variables: accumulators, tensors by handle; critical sections and modules."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


def test_accumulators_average_and_drop_what_is_stale():
    accumulator = tf.ConditionalAccumulator(tf.float32, shape=[2])
    x = tf.placeholder(tf.float32, [2])
    apply, take, count = accumulator.apply_grad(x), accumulator.take_grad(2), accumulator.num_accumulated()
    rows = tf.SparseConditionalAccumulator(tf.float32, shape=[4, 2], reduction_type="SUM")
    apply_rows, take_rows = rows.apply_grad([1, 3], [[1.0, 2.0], [3.0, 4.0]]), rows.take_indexed_slices_grad(2)
    with tf.Session() as session:
        for value in ([1, 2], [3, 4]):
            session.run(apply, {x: value})
        assert session.run(count) == 2 and session.run(take).tolist() == [2, 3]
        session.run(apply, {x: [5, 6]})  # of step 0, while the accumulator is at 1
        assert session.run(count) == 0
        session.run(apply_rows)
        session.run(apply_rows)
        found = session.run(take_rows)
        assert found.indices.tolist() == [1, 3] and found.values.tolist() == [[2, 4], [6, 8]]
    with pytest.raises(ValueError, match="incompatible"):
        accumulator.apply_grad(tf.zeros([3]))


def test_tensors_by_handle():
    x = tf.placeholder(tf.float32, [2])
    keep = tf.get_session_handle(x * 2)
    holder, kept = tf.get_session_tensor(None, tf.float32)
    forget_holder, forget = tf.delete_session_tensor(None)
    with tf.Session() as session:
        handle = session.run(keep, {x: [1, 2]})
        np.testing.assert_array_equal(handle.eval(), [2, 4])
        assert session.run(kept * 2, {holder: handle.handle}).tolist() == [4, 8]
        session.run(forget, {forget_holder: handle.handle})
        with pytest.raises(tf.errors.InvalidArgumentError, match="not in the session store"):
            session.run(kept, {holder: handle.handle})


def test_critical_sections_run_in_order():
    section, v = tf.CriticalSection(), tf.Variable(1.0)
    first = section.execute(lambda: tf.assign_add(v, 1.0))
    second = section.execute(lambda: tf.assign(v, v.read_value() * 10))
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run([second, first]) == [20, 2]


def test_modules_find_their_variables():
    class Dense(tf.Module):
        def __init__(self, name=None):
            super().__init__(name)
            self.w = tf.Variable(1.0, name="w")

        @tf.Module.with_name_scope
        def __call__(self, x):
            return tf.multiply(x, self.w, name="product")

    class TwoLayers(tf.Module):
        def __init__(self):
            super().__init__()
            self.layers = [Dense("a"), Dense("b")]
            self.steps = tf.Variable(0, trainable=False)

    module = TwoLayers()
    assert module.name == "two_layers" and [m.name for m in module.submodules] == ["a", "b"]
    assert len(module.variables) == 3 and len(module.trainable_variables) == 2
    assert module.layers[0](2.0).name == "a/product:0"
    with pytest.raises(ValueError, match="not a valid module name"):
        tf.Module("1a")


def test_pieces_of_a_variable():
    pieces = tf.create_partitioned_variables([5, 2], [2, 1], tf.ones_initializer(), name="p")
    assert [(v.name, v.shape.as_list()) for v in pieces] == [("p/part_0:0", [3, 2]), ("p/part_1:0", [2, 2])]
