"""tf.contrib.eager: metrics, savers, networks and stores of variables."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphflow as tf
from graphflow.contrib import eager as tfe


def test_metrics():
    with tf.eager():
        mean = tfe.metrics.Mean()
        values = mean([1.0, 3.0])
        assert values == [1.0, 3.0]
        mean([10.0], weights=0.5)
        assert float(mean.result()) == (1 + 3 + 5) / 2.5
        mean.init_variables()
        assert [float(v.value()) for v in mean.variables] == [0, 0]
        accuracy = tfe.metrics.Accuracy()
        accuracy([1, 2, 3, 4], [1, 2, 0, 0])
        assert float(accuracy.result()) == 0.5
        sparse = tfe.metrics.SparseAccuracy()
        sparse([1, 0], [[0.1, 0.9], [0.2, 0.8]])
        assert float(sparse.result()) == 0.5
        categorical = tfe.metrics.CategoricalAccuracy()
        categorical([[0.0, 1.0], [1.0, 0.0]], [[0.1, 0.9], [0.8, 0.2]], weights=[1.0, 3.0])
        assert float(categorical.result()) == 1
        binary = tfe.metrics.BinaryAccuracy(threshold=0.5)
        binary([[0.0, 1.0]], [[0.4, 0.3]])
        assert float(binary.result()) == 0.5
        with pytest.raises(RuntimeError, match="except in build"):
            mean.add_variable("other")


def test_metrics_in_a_graph():
    mean, x = tfe.metrics.Mean(), tf.placeholder(tf.float32, [None])
    update = mean(x)
    with tf.Session() as session:
        session.run(mean.init_variables())
        for batch in ([1, 2], [6]):
            assert session.run(update, {x: batch}).tolist() == batch
        assert session.run(mean.result()) == 3


def test_savers_need_no_session(tmp_path: Path):
    with tf.eager():
        a, b = tfe.Variable([1.0, 2.0], name="a"), tfe.Variable(3, name="b")
        path = tfe.Saver([a, b]).save(str(tmp_path / "ckpt"), global_step=7)
        assert path.endswith("ckpt-7")
        a.assign([0.0, 0.0])
        tfe.Saver({"a": a}).restore(path)
        assert a.numpy().tolist() == [1, 2]
        tf.train.Saver([a]).restore(None, path)


def test_networks(tmp_path: Path):
    class Net(tfe.Network):
        def __init__(self):
            super().__init__(name="net")
            self.first = self.track_layer(tf.layers.Dense(2, kernel_initializer=tf.ones_initializer()))
            self.rest = self.track_layer(tfe.Sequential([tf.layers.Dense(3), tf.nn.relu]))

        def call(self, x):
            return self.rest(self.first(x))

    with tf.eager():
        net = Net()
        x = tf.ones([1, 4])
        before = net(x).numpy()
        assert before.shape == (1, 3) and len(net.variables) == 4 and net.name == "net"
        path = tfe.save_network_checkpoint(net, str(tmp_path), 1)
        for variable in net.variables:
            variable.assign(np.zeros(variable.shape))
        tfe.restore_network_checkpoint(net, str(tmp_path))
        np.testing.assert_allclose(net(x).numpy(), before, rtol=1e-6)
        assert path.startswith(str(tmp_path / "net"))


def test_functional_layers_share_variables_in_a_store():
    with tf.eager():
        store = tfe.EagerVariableStore()
        x = tf.ones([1, 2])
        results = []
        for _ in range(2):
            with store.as_default():
                results.append(tf.layers.dense(x, 3, name="dense").numpy())
        assert (results[0] == results[1]).all()
        assert [v.name for v in store.trainable_variables()] == ["dense/bias:0", "dense/kernel:0"]
        assert store.non_trainable_variables() == []
        assert tf.get_variable("a", [2]) is not tf.get_variable("a", [2])  # outside one, each is new


def test_behavior_of_version_2_is_eager():
    code = "import graphflow as tf\ntf.enable_v2_behavior()\nprint(tf.executing_eagerly())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"
