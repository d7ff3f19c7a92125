"""Sessions with hooks: what they are given, when they stop, what they leave."""
from __future__ import annotations

import logging
import os

import numpy as np
import pytest

import graphflow as tf


def model():
    """(training operation, loss) that counts steps."""
    step = tf.train.get_or_create_global_step()
    v = tf.Variable(5.0, name="v")
    loss = tf.square(v, name="loss")
    return tf.train.GradientDescentOptimizer(0.1).minimize(loss, step), loss


class Recorder(tf.train.SessionRunHook):
    """Writes down when it is called."""

    def __init__(self):
        self.calls = []

    def begin(self):
        self.calls.append("begin")
        self.extra = tf.constant(42)

    def after_create_session(self, session, coord):
        assert isinstance(session, tf.Session) and session.graph.finalized
        self.calls.append("created")

    def before_run(self, run_context):
        return tf.train.SessionRunArgs({"extra": self.extra})

    def after_run(self, run_context, run_values):
        self.calls.append(int(run_values.results["extra"]))

    def end(self, session):
        self.calls.append("end")


def test_hooks_and_checkpoints(tmp_path):
    train, loss = model()
    recorder = Recorder()
    hooks = [tf.train.StopAtStepHook(last_step=5), recorder, tf.train.NanTensorHook(loss)]
    with tf.train.MonitoredTrainingSession(checkpoint_dir=str(tmp_path), hooks=hooks, save_checkpoint_steps=2,
                                           save_summaries_steps=None, save_summaries_secs=None) as sess:
        while not sess.should_stop():
            sess.run(train)
        with pytest.raises(RuntimeError, match="after should_stop"):
            sess.run(train)
    assert recorder.calls == ["begin", "created", *[42] * 5, "end"]
    kept = [os.path.basename(p) for p in tf.train.get_checkpoint_state(tmp_path).all_model_checkpoint_paths]
    assert kept == ["model.ckpt-0", "model.ckpt-2", "model.ckpt-4", "model.ckpt-5"]
    with pytest.raises(RuntimeError, match="closed"):
        sess.run(train)


def test_training_goes_on_where_it_stopped(tmp_path):
    values = []
    for _ in range(2):
        with tf.Graph().as_default():
            train, _ = model()
            hooks = [tf.train.StopAtStepHook(num_steps=3)]
            with tf.train.MonitoredTrainingSession(checkpoint_dir=str(tmp_path), hooks=hooks) as sess:
                while not sess.should_stop():
                    sess.run(train)
                values.append(sess.run_step_fn(lambda context: context.session.run(["v:0", "global_step:0"])))
    np.testing.assert_allclose(values, [[5 * 0.8 ** 3, 3], [5 * 0.8 ** 6, 6]], rtol=1e-5)


def test_ends_and_errors():
    train, loss = model()
    number = tf.train.limit_epochs(tf.constant(1.0), 2)
    final = tf.train.FinalOpsHook(loss * 0.0)
    fed = tf.placeholder(tf.float32, [])
    more = fed + 1.0
    hooks = [final, tf.train.FeedFnHook(lambda: {fed: 3.0})]
    with tf.train.SingularMonitoredSession(hooks) as sess:
        assert isinstance(sess.raw_session(), tf.Session) and sess.run(more) == 4
        with pytest.raises(RuntimeError, match="Same tensor is fed"):
            sess.run(fed, {fed: 1.0})
        while True:
            sess.run(number)  # ends with OutOfRangeError, which is the end of the `with`
    assert final.final_ops_values == 0
    with pytest.raises(tf.train.NanLossDuringTrainingError), tf.train.MonitoredSession(
            hooks=[tf.train.NanTensorHook(loss + np.nan)]) as sess:
        sess.run(train)


def test_a_preempted_session_is_made_anew():
    model()
    fail = [True]

    class Preempted(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            if fail:
                fail.clear()
                raise tf.errors.AbortedError(None, None, "preempted")

    with tf.train.MonitoredSession(hooks=[Preempted()]) as sess:
        assert sess.run("loss:0") == 25 and not fail


def test_what_is_not_ready_is_named():
    model()
    tf.Variable(1.0, name="forgotten", collections=["other", tf.GraphKeys.GLOBAL_VARIABLES])
    scaffold = tf.train.Scaffold(init_op=tf.variables_initializer(tf.global_variables()[:2]))
    with pytest.raises(RuntimeError, match="forgotten"):
        tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold))


def test_logging(caplog, monkeypatch):
    train, loss = model()
    monkeypatch.setattr(logging.getLogger("graphflow"), "propagate", True)
    hooks = [tf.train.LoggingTensorHook({"loss": loss}, every_n_iter=2, at_end=True),
             tf.train.LoggingTensorHook(["v"], every_n_iter=1, formatter=lambda values: f"only {sorted(values)}")]
    with caplog.at_level(logging.INFO, "graphflow"):
        with tf.train.MonitoredSession(hooks=hooks[:1]) as sess:
            for _ in range(3):
                sess.run(train)
    losses = [r.getMessage() for r in dict.fromkeys(caplog.records) if r.getMessage().startswith("loss = ")]
    assert losses[0] == "loss = 25.0" and len(losses) == 3


def test_supervisor(tmp_path):
    train, _ = model()
    supervisor = tf.train.Supervisor(logdir=str(tmp_path), save_summaries_secs=0, summary_writer=None)
    with supervisor.managed_session() as sess:
        for _ in range(2):
            sess.run(train)
        supervisor.saver.save(sess, supervisor.save_path, supervisor.global_step)
    again = tf.train.Supervisor(logdir=str(tmp_path), summary_writer=None, save_model_secs=0)
    with again.managed_session() as sess:
        assert tf.train.global_step(sess, again.global_step) == 2
    with pytest.raises(ValueError, match="out of the block"), again.managed_session():
        raise ValueError("out of the block")


def test_one_machine_is_a_cluster():
    cluster = tf.train.ClusterSpec({"ps": ["a:1"], "worker": ["b:1", "c:1"]})
    server = tf.train.Server(cluster, "worker", 1)
    with tf.device(tf.train.replica_device_setter(cluster=cluster)):
        v = tf.Variable(1.0)
    with tf.Session(server.target) as sess:
        sess.run(v.initializer)
        assert sess.run(v) == 1
    assert cluster.num_tasks("worker") == 2 and cluster.task_address("worker", 1) == "c:1"
    with pytest.raises(ValueError, match="No such job"):
        cluster.num_tasks("chief")


def test_sync_replicas_of_one(tmp_path):
    step, v = tf.train.get_or_create_global_step(), tf.Variable(1.0)
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.5), 1)
    train = optimizer.minimize(v * 1.0, step)
    with tf.train.MonitoredTrainingSession(hooks=[optimizer.make_session_run_hook(True)]) as sess:
        sess.run(train)
        assert sess.run([v, step]) == [0.5, 1]
    with pytest.raises(ValueError, match="one worker"):
        tf.train.SyncReplicasOptimizer(optimizer, 2)
