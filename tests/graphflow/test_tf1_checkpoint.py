"""`tf.train.Checkpoint` and the manager of its files; variable creators."""
import numpy as np
import pytest

import graphflow as tf
from graphflow.training.checkpoint_file import CheckpointReader


class Net(tf.Module):
    def __init__(self, value, more=False):
        super().__init__()
        self.w = tf.Variable([value], name="w")
        self.parts = [tf.Variable(value + 1), {"b": tf.Variable(value + 2)}]
        if more:
            self.extra = tf.Variable(7.0)


def trained(value, more=False):
    """(network, optimizer, its step, a checkpoint of both)"""
    net, optimizer = Net(value, more), tf.train.AdamOptimizer(0.1)
    step = optimizer.minimize(tf.reduce_sum(tf.square(net.w)), var_list=[net.w])
    return net, optimizer, step, tf.train.Checkpoint(net=net, opt=optimizer)


def test_checkpoint_by_attributes(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        net, optimizer, step, checkpoint = trained(1.0)
        session.run(tf.global_variables_initializer())
        session.run(step)
        path = checkpoint.save(str(tmp_path / "ck"))
        expected = session.run([net.w, optimizer.get_slot(net.w, "m"), net.parts[1]["b"]])
    assert path == str(tmp_path / "ck-1") == tf.train.latest_checkpoint(str(tmp_path))
    keys = CheckpointReader(path).get_variable_to_shape_map()
    assert {"net/w/.ATTRIBUTES/VARIABLE_VALUE", "net/parts/1/b/.ATTRIBUTES/VARIABLE_VALUE",
            "net/w/.OPTIMIZER_SLOT/opt/m/.ATTRIBUTES/VARIABLE_VALUE",
            "save_counter/.ATTRIBUTES/VARIABLE_VALUE"} <= set(keys)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.Variable(0.0, name="w")  # another name in the graph, the same place among the objects
        net, optimizer, step, checkpoint = trained(5.0)
        status = checkpoint.restore(path).assert_consumed()
        status.run_restore_ops()
        for value, other in zip(session.run([net.w, optimizer.get_slot(net.w, "m"), net.parts[1]["b"]]), expected,
                                strict=True):
            np.testing.assert_array_equal(value, other)
        assert checkpoint.save(str(tmp_path / "ck")).endswith("ck-2")
    with tf.Graph().as_default(), tf.Session() as session:
        net, _, _, checkpoint = trained(5.0, more=True)
        status = checkpoint.restore(path)
        with pytest.raises(AssertionError, match="net/extra"):
            status.assert_existing_objects_matched()
        status.assert_nontrivial_match().initialize_or_restore()
        assert session.run(net.extra) == 7.0 and session.run(net.w) == expected[0]


def test_manager_keeps_the_last(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.Variable(0, name="step")
        manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), tmp_path / "d", max_to_keep=2)
        session.run(tf.global_variables_initializer())
        paths = [manager.save() for _ in range(3)]
        assert manager.checkpoints == paths[1:] and manager.latest_checkpoint == paths[2]
        assert not list((tmp_path / "d").glob("ckpt-1.*"))
        assert tf.train.CheckpointManager(manager.checkpoint, tmp_path / "d", 2).latest_checkpoint == paths[2]
    with pytest.raises(ValueError, match="trackable"):
        tf.train.Checkpoint(a=3)


def test_eager_checkpoint(tmp_path):
    with tf.eager():
        v = tf.Variable([1.0, 2.0])
        path = tf.train.Checkpoint(v=v).save(str(tmp_path / "e"))
        v.assign([0.0, 0.0])
        tf.train.Checkpoint(v=v).restore(path)
        np.testing.assert_array_equal(v.numpy(), [1.0, 2.0])


def test_variable_creators():
    seen = []

    def outer(next_creator, **kwargs):
        seen.append(("outer", kwargs["name"]))
        return next_creator(**kwargs)

    def inner(next_creator, **kwargs):
        seen.append(("inner", kwargs["name"]))
        return next_creator(**{**kwargs, "trainable": False})

    with tf.Graph().as_default():
        with tf.variable_creator_scope(outer), tf.variable_creator_scope(inner):
            assert not tf.Variable(1.0, name="a").trainable
            assert not tf.get_variable("b", [2]).trainable
        assert tf.Variable(1.0, name="c").trainable
    assert seen == [("inner", "a"), ("outer", "a"), ("inner", "b"), ("outer", "b")]
