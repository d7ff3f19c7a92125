"""tf.test, and small modules that scripts assume."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


class Passing(tf.test.TestCase):
    __test__ = True

    def test_session_keeps_variables(self):
        v = tf.Variable(1.0)
        with self.test_session() as session:
            session.run(v.initializer)
        with self.test_session():
            self.assertEqual(v.eval(), 1.0)
            self.assertAllClose({"a": [v, 2.0]}, {"a": [1.0, 2.0]})

    def test_comparisons(self):
        self.assertAllEqual([b"a", "b"], ["a", b"b"])
        self.assertAllClose([1.0, np.nan], [1.0 + 1e-7, np.nan])
        for wrong in (lambda: self.assertAllClose([1.0], [1.1]), lambda: self.assertAllEqual([1, 2], [1, 3]),
                      lambda: self.assertAllClose([1.0], [[1.0]]), lambda: self.assertAllInRange([1, 5], 0, 4),
                      lambda: self.assertNotAllClose([1.0], [1.0]),
                      lambda: self.assertShapeEqual(np.ones(2), tf.ones([3]))):
            with self.assertRaises(AssertionError):
                wrong()

    def test_op_errors(self):
        x = tf.placeholder(tf.int32, [])
        with self.test_session() as session, self.assertRaisesOpError("not in"):
            session.run(tf.gather([1, 2], x), {x: 5})
        with self.assertRaises(AssertionError), self.assertRaisesOpError("anything"):
            pass

    def test_gradients(self):
        x = tf.placeholder(tf.float64, [2, 3])
        y = tf.reduce_sum(tf.square(x), axis=1) * 2.0
        with self.test_session():
            self.assertLess(tf.test.compute_gradient_error(x, [2, 3], y, [2]), 1e-6)
            theory, numeric = tf.test.compute_gradient(x, [2, 3], y, [2])
        self.assertEqual(theory.shape, (6, 2))
        self.assertAllClose(theory, numeric, atol=1e-5)

    def test_a_wrong_gradient_is_seen(self):
        x = tf.placeholder(tf.float64, [2])
        y = tf.stop_gradient(x) * x
        with self.test_session():
            self.assertGreater(tf.test.compute_gradient_error(x, [2], y, [2], np.ones(2)), 0.5)


def test_device_names():
    spec = tf.DeviceSpec.from_string("/job:worker/task:3/device:GPU:1")
    assert (spec.job, spec.task, spec.device_type, spec.device_index) == ("worker", 3, "GPU", 1)
    assert spec.to_string() == "/job:worker/task:3/device:GPU:1"
    with pytest.raises(ValueError, match="nonsense"):
        tf.DeviceSpec.from_string("/nonsense:1")
    assert tf.config.experimental.list_physical_devices("GPU") == []


def test_log_every_n(caplog):
    logger = __import__("logging").getLogger("graphflow")
    propagate, logger.propagate = logger.propagate, True
    try:
        for _ in range(5):
            tf.logging.log_every_n(tf.logging.ERROR, "every", 2)
            tf.logging.log_first_n(tf.logging.ERROR, "first", 2)
    finally:
        logger.propagate = propagate
    messages = [r.message for r in dict.fromkeys(caplog.records)]  # twice where pytest listens here too
    assert (messages.count("every"), messages.count("first")) == (3, 2)


def test_operations_bear_the_devices_that_they_were_made_under():
    with tf.device("/job:worker/gpu:0"):
        with tf.device("/cpu:1"):
            a = tf.constant(1)
            v = tf.Variable(1.0)
        with tf.device(None):
            b = tf.constant(1)
        with tf.device(lambda op: "/task:2" if op.type == "Const" else ""):
            c, d = tf.constant(1), tf.identity(a)
    assert [t.device for t in (a, v, b, c, tf.constant(1))] == [
        "/job:worker/device:CPU:1", "/job:worker/device:CPU:1", "", "/job:worker/task:2/device:GPU:0", ""]
    assert d.op.device == "/job:worker/device:GPU:0"
    cluster = tf.train.ClusterSpec({"ps": ["a:1", "b:1"], "worker": ["c:1"]})
    with tf.device(tf.train.replica_device_setter(worker_device="/job:worker/task:0", cluster=cluster)):
        variables = [tf.Variable(1.0) for _ in range(3)]
        assert [w.device for w in variables] == ["/job:ps/task:0", "/job:ps/task:1", "/job:ps/task:0"]
        assert (variables[0] + 1).device == "/job:worker/task:0"
    with pytest.raises(ValueError, match="nonsense"):
        tf.device("/nonsense:1").__enter__()


def test_options_of_the_rewriter_are_accepted():
    config = tf.ConfigProto(device_filters=["/job:ps"])
    options = config.graph_options.rewrite_options
    options.layout_optimizer = tf.config.RewriterConfig.OFF
    options.loop_optimization = options.AGGRESSIVE
    assert (options.layout_optimizer, options.loop_optimization) == (2, 3)
    with pytest.raises(AttributeError, match="no field 'layout'"):
        options.layout = 1
