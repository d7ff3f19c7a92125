"""What is recorded of runs is what happened, and recording leaves nothing behind."""
from __future__ import annotations

import threading

import numpy as np
import pytest
from graphflow.compiler.graph_def import GraphDef
from graphflow.runtime import kernel_cache, native
from graphflow.runtime.frame import Frame
from graphflow.runtime.pieces import Pieces
from graphflow.runtime.runner import Runner
from graphflow.runtime.step_stats import RunMetadata, calls_of
from graphflow.runtime.trace import Recorder

import graphflow as tf

METHODS = Runner.__call__, Runner.bind, Frame.run, Pieces.run


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph
    assert (Runner.__call__, Runner.bind, Frame.run, Pieces.run) == METHODS


def test_rows_of_a_loop_are_counted():
    x = tf.placeholder(tf.float32, [3], name="x")
    y = tf.while_loop(lambda a: a[0] < 10, lambda a: tf.add(a, 1.0, name="wave"), [x])
    with tf.Session() as session:
        session.run(y, {x: np.zeros(3, np.float32)})
        kernels = dict(kernel_cache.loads)
        for _ in range(2):
            with Recorder() as recorder:
                values = [session.run(y, {x: np.zeros(3, np.float32)}) for _ in range(3)]
        assert values[0].tolist() == [10, 10, 10]
    assert kernel_cache.loads == kernels  # the same kernels ran
    whole, = recorder.wholes.values()
    assert whole.runs == len(recorder.runs) == 3 and whole.nanoseconds > whole.rows[:, 1].sum() > 0
    row = next(i for i, step in enumerate(whole.binding.steps) if step.op.name.endswith("wave"))
    assert whole.rows[row, 0] == 30 and whole.rows[row, 2] <= whole.rows[row, 1]
    for run in recorder.runs:
        calls = list(calls_of(run))
        assert [r for r, _, _ in calls].count(row) == 10
        assert all(run.begin <= begin <= end <= run.end for _, begin, end in calls)
        assert run.thread == threading.get_ident() and not run.lost
    assert recorder.begin <= recorder.runs[0].begin and recorder.runs[-1].end <= recorder.end


def test_chunks_of_a_parallel_row():
    if native.THREADS == 1:
        pytest.skip("one thread only")
    a = tf.placeholder(tf.float32, [256, 512])
    with tf.Session() as session, Recorder() as recorder:
        session.run(tf.matmul(a, a, transpose_b=True), {a: np.ones((256, 512), np.float32)})
    run, = recorder.runs
    step = run.whole.binding.steps[0]
    assert sorted(chunk for row, chunk, _, _ in run.events if row == 0) == list(range(step.chunks)) != [0]
    (_, begin, end), *_ = calls_of(run)
    assert begin == run.events[run.events[:, 0] == 0, 2].min() and end == run.events[run.events[:, 0] == 0, 3].max()


def test_host_ops_pieces_and_compilations():
    x = tf.placeholder(tf.float32, [None], name="x")
    doubled = tf.py_func(lambda v: v * 2, [x], tf.float32, stateful=False)
    positive = tf.boolean_mask(tf.exp(x), x > 0, name="mask")
    with tf.Session() as session, Recorder() as recorder:
        session.run([doubled, positive], {x: np.array([1, -1, 2], np.float32)})
    kinds = {span.kind for span in recorder.spans}
    assert {"compile", "op"} <= kinds
    ops = {span.op.type: span for span in recorder.spans if span.op is not None}
    assert "Where" in ops and ops["Where"].end > ops["Where"].begin
    assert len(recorder.runs) >= 2


def test_only_the_own_thread():
    x = tf.placeholder(tf.float32, [])
    with tf.Session() as session:
        session.run(x + 1, {x: 1.0})
        fetched = x * 2
        session.run(fetched, {x: 1.0})
        with Recorder(own_thread=True) as own, Recorder() as everything:
            other = threading.Thread(target=session.run, args=(fetched, {x: 1.0}))
            other.start()
            other.join()
            session.run(fetched, {x: 1.0})
    assert len(own.runs) == 1 and len(everything.runs) == 2


def test_an_error_ends_what_was_recorded():
    x = tf.placeholder(tf.int32, [None])
    y = tf.gather(tf.constant([1.0, 2.0]), x)
    with tf.Session() as session:
        with Recorder() as recorder, pytest.raises(tf.errors.InvalidArgumentError):
            session.run(y, {x: [5]})
        assert session.run(y, {x: [1]}).tolist() == [2]
    assert len(recorder.runs) == 1


def test_run_metadata():
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    w = tf.Variable(tf.ones([4, 2]), name="w")
    y = tf.nn.relu(tf.matmul(x, w), name="y")
    with tf.Session() as session:
        session.run(w.initializer)
        metadata = tf.RunMetadata()
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE, output_partition_graphs=True)
        got = session.run(y, {x: np.ones((3, 4))}, options=options, run_metadata=metadata)
        assert got.tolist() == [[4, 4]] * 3
        device, = metadata.step_stats.dev_stats
        node, = device.node_stats
        assert device.device.endswith("CPU:0") and node.node_name == "y"
        assert node.timeline_label == "y = MatMul+Relu(x, w/read)"
        assert node.all_start_micros > 1e15 and node.op_end_rel_micros >= 1 and node.all_end_rel_nanos > 0
        output, = node.output
        assert [d.size for d in output.tensor_description.shape.dim] == [3, 2]
        assert output.tensor_description.allocation_description.requested_bytes == 24
        assert node.memory[0].total_bytes == 24 and node.thread_id in device.thread_names
        graph, = metadata.partition_graphs
        assert isinstance(graph, GraphDef) and [n.op for n in graph.node][-1] == "Fused"
        empty = metadata
        session.run(y, {x: np.ones((3, 4))}, tf.RunOptions(), empty)
        assert empty == tf.RunMetadata() and not empty.HasField("step_stats") and empty.ByteSize() == 0
        assert not empty.step_stats.dev_stats
    with pytest.raises(AttributeError, match="no field 'step_stat'"):
        tf.RunMetadata(step_stat=None)


def test_run_metadata_is_tensorflows_message():
    config_pb2 = pytest.importorskip("tensorboard.compat.proto.config_pb2")
    text_format = pytest.importorskip("google.protobuf.text_format")
    x = tf.placeholder(tf.float32, [2]) + 1.0
    metadata = tf.RunMetadata()
    tf.Session().run(x, {x.op.inputs[0]: [1, 2]}, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
    parsed = config_pb2.RunMetadata.FromString(metadata.SerializeToString())
    assert parsed.step_stats.dev_stats[0].node_stats[0].node_name == "add"
    assert text_format.Parse(str(metadata), config_pb2.RunMetadata()) == parsed
    copy = RunMetadata()
    copy.CopyFrom(metadata)
    assert copy == metadata and copy.ByteSize() == len(metadata.SerializeToString())
