"""`tf.contrib.summary`: summaries that write themselves."""
import pytest

import graphflow as tf


def test_summaries_every_second_step(tmp_path):
    pytest.importorskip("tensorboard")
    summary, step = tf.contrib.summary, tf.train.get_or_create_global_step()
    writer = summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        with summary.record_summaries_every_n_global_steps(2):
            summary.scalar("a", tf.constant(3.0))
        with summary.always_record_summaries():
            summary.scalar("b", tf.constant(4.0), step=7)
        nothing = summary.scalar("c", 1.0)
    assert nothing.type == "NoOp" and summary.scalar("d", 1.0).type == "NoOp"
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        summary.initialize(session=session)
        for _ in range(3):
            session.run([summary.all_summary_ops(), nothing])
            session.run(tf.assign_add(step, 1))
        session.run(writer.close())
    file, = tmp_path.iterdir()
    found = [(e.step, v.tag, v.simple_value) for e in tf.train.summary_iterator(str(file)) for v in e.summary.value]
    assert sorted(found) == [(0, "a", 3.0), (2, "a", 3.0), (7, "b", 4.0), (7, "b", 4.0), (7, "b", 4.0)]


def test_accepted():
    optimizer = tf.train.AdamOptimizer()
    assert tf.train.experimental.enable_mixed_precision_graph_rewrite(optimizer) is optimizer
    with pytest.raises(ValueError, match="must be an instance"):
        tf.mixed_precision.enable_mixed_precision_graph_rewrite(3)
    with pytest.raises(ValueError, match="no TPUs"):
        tf.contrib.cluster_resolver.TPUClusterResolver("local")
    assert tf.contrib.cluster_resolver.SimpleClusterResolver(tf.train.ClusterSpec({})).master() == ""


def test_summaries_that_end_with_zeros(tmp_path):
    with tf.Graph().as_default():
        step = tf.train.create_global_step()
        writer = tf.contrib.summary.create_file_writer(str(tmp_path), flush_millis=10)
        with writer.as_default(), tf.contrib.summary.always_record_summaries():
            tf.contrib.summary.histogram("h", tf.ones([3]), step=step)
        with tf.Session() as session:
            session.run([step.initializer, tf.contrib.summary.summary_writer_initializer_op()])
            session.run(tf.contrib.summary.all_summary_ops())
            session.run(writer.flush())
    events = [e for path in tmp_path.iterdir() for e in tf.train.summary_iterator(str(path))]
    assert [v.histo.num for e in events for v in e.summary.value] == [3]
