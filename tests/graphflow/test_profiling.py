"""Profiles: what they say is what ran, in forms that others read."""
from __future__ import annotations

import gc
import importlib
import json
import re
import weakref

import numpy as np
import pytest
from graphflow.runtime.frame import Frame

import graphflow as tf
from graphflow import aliases, keras
from graphflow.timeline import Timeline


class Step:
    """A training step, its session and feeds."""

    def __init__(self) -> None:
        self.x = tf.placeholder(tf.float32, [None, 8], name="x")
        w = tf.Variable(tf.ones([8, 3]), name="w")
        with tf.name_scope("layer"):
            y = tf.nn.relu(tf.matmul(self.x, w), name="y")
        self.loss = tf.reduce_mean(tf.square(y), name="loss")
        self.step = tf.train.get_or_create_global_step()
        self.train = tf.train.GradientDescentOptimizer(0.01).minimize(self.loss, self.step)
        self.feeds = {self.x: np.ones((5, 8), np.float32)}


@pytest.fixture
def step():
    with tf.Graph().as_default():
        yield Step()


@pytest.fixture
def profile(step):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with tf.profile() as found:
            for _ in range(3):
                session.run([step.loss, step.train], step.feeds)
    return found


def test_table(profile):
    text = str(profile)
    assert "3 runs in" in text and text.isascii()
    product = next(t for t in profile.timings if "MatMul" in t.fuses and "Relu" in t.fuses)
    assert product.op == "layer/y" and product.calls == 3 and product.mean <= product.longest <= product.seconds
    assert product.flops >= 3 * 2 * 5 * 8 * 3 and product.rate.endswith("/s")
    assert product.site.rpartition(":")[0].endswith("test_profiling.py")
    assert "layer/y" in text and "test_profiling.py:" in text
    spent = profile.seconds
    assert spent["total"] > spent["kernels"] + spent["runs"] > spent["kernels"] == pytest.approx(
        sum(t.seconds for t in profile.timings))
    assert [t.seconds for t in profile.timings] == sorted((t.seconds for t in profile.timings), reverse=True)


def test_nothing_is_recorded_outside(step):
    before = Frame.run
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with tf.profile() as profile:
            pass
        session.run(step.loss, step.feeds)
    assert Frame.run is before and not profile.timings and profile.runs == 0
    assert "0 runs" in str(profile) and profile._repr_html_()
    with pytest.raises(ValueError, match="nothing ran"):
        profile.draw()


def test_chrome_trace(profile, tmp_path):
    trace = json.loads(profile.save(tmp_path / "trace.json").read_text())
    events = trace["traceEvents"]
    assert {e["ph"] for e in events} == {"X", "M"}
    assert all(isinstance(e[k], (int, float)) for e in events if e["ph"] == "X" for k in ("ts", "dur", "pid", "tid"))
    runs = [e for e in events if e.get("cat") == "run"]
    kernels = [e for e in events if e.get("cat") == "kernel" and "row" in e["args"]]
    assert len(runs) == 3 and kernels[0]["args"]["op"] and "MatMul" in str(kernels)
    for kernel in kernels:  # each lies within a run
        assert any(r["ts"] <= kernel["ts"] and kernel["ts"] + kernel["dur"] <= r["ts"] + r["dur"] + 1e-3 for r in runs)


def test_other_forms(profile, tmp_path):
    found = json.loads(profile.json())
    assert found["runs"] == 3 and found["timings"][0]["seconds"] and found["timings"][0]["fuses"]
    page = profile.save(tmp_path / "profile.html").read_text()
    assert "layer/y" in page and "<!DOCTYPE html>" in page
    assert profile.save(tmp_path / "profile.txt").read_text() == str(profile)
    fragment = profile._repr_html_()
    assert "<svg" in fragment and "layer/y" in fragment
    with pytest.raises(ValueError, match=r"ends in .json, .html, .txt, received 'p.xml'"):
        profile.save("p.xml")
    drawing = profile.draw()
    assert set(drawing.heat) <= {op.name for _, ops in drawing.panels for op in ops} and "layer/y" in drawing.heat
    assert profile.run_metadata.step_stats.dev_stats[0].node_stats


def test_keras():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")])
    model.compile("sgd", "mse")
    x, y = np.ones((6, 4), np.float32), np.ones((6, 2), np.float32)
    with tf.profile() as profile:
        model.fit(x, y, batch_size=2, epochs=1, verbose=0)
        model.predict(x, verbose=0)
    assert any(t.op.startswith("train_step/") and t.calls == 3 for t in profile.timings)
    assert any(t.op.startswith("predict_step/") for t in profile.timings)
    assert profile.seconds["compiling"] > 0 and re.search(r"compiling .* \(\d+ graphs ", str(profile))


def test_keras_2_records_its_steps():
    metadata = tf.RunMetadata()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")])
    model.compile("sgd", "mse", options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=metadata)
    model.fit(np.ones((6, 4), np.float32), np.ones((6, 2), np.float32), batch_size=2, verbose=0)
    nodes = metadata.step_stats.dev_stats[0].node_stats
    assert any("dense" in node.node_name for node in nodes)
    assert len({node.node_name for node in nodes}) <= len(nodes) < 60  # of the last step alone
    with pytest.raises(ValueError, match=r"unexpected arguments \['option'\]"):
        model.compile("sgd", "mse", option=1)


@pytest.fixture
def metadata(step):
    found = tf.RunMetadata()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run([step.loss, step.train], step.feeds, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), found)
    return found


def test_timeline(metadata):
    aliases.install()
    timeline = importlib.import_module("tensorflow.python.client.timeline")
    trace = timeline.Timeline(metadata.step_stats)
    events = json.loads(trace.generate_chrome_trace_format(show_memory=True))["traceEvents"]
    assert events[0] == {"name": "process_name", "ph": "M", "pid": 0, "args": {
        "name": "/job:localhost/replica:0/task:0/device:CPU:0 Compute"}}
    product = next(e for e in events if e["ph"] == "X" and e["args"]["name"] == "layer/y")
    assert product["name"] == "MatMul+Relu" and product["args"]["input0"] == "x" and product["dur"] > 0
    assert any(e["ph"] == "C" and e["args"]["cpu"] >= 60 for e in events)
    maximum = trace.analyze_step_stats().allocator_maximums["cpu"]
    assert maximum.num_bytes >= 60 and maximum.tensors


def test_dataflow_arrows():
    step_stats_pb2 = pytest.importorskip("tensorboard.compat.proto.step_stats_pb2")
    node = step_stats_pb2.NodeExecStats
    device = step_stats_pb2.DeviceStepStats(device="/cpu:0", node_stats=[
        node(node_name="a", all_start_micros=10, all_end_rel_micros=10, timeline_label="a = Const()"),
        node(node_name="slow", all_start_micros=10, all_end_rel_micros=30, timeline_label="slow = Const()"),
        node(node_name="b", all_start_micros=20, all_end_rel_micros=5, timeline_label="b = Add(a, slow, ^a)"),
        node(node_name="odd", all_start_micros=50, all_end_rel_micros=5, timeline_label="what it was")])
    timeline = Timeline(step_stats_pb2.StepStats(dev_stats=[device]))
    events = json.loads(timeline.generate_chrome_trace_format())["traceEvents"]
    rows = {e["args"]["name"]: e["tid"] for e in events if e["ph"] == "X"}
    assert rows == {"a": 0, "slow": 1, "b": 0, "odd": 0}
    arrows = [(e["ph"], e["name"], e["ts"], e["tid"]) for e in events if e["ph"] in "st"]
    assert arrows == [("s", "slow", 40, 1), ("t", "slow", 20, 0)]


def test_profiler_shows_what_a_run_took(metadata, capsys):
    options = tf.profiler.ProfileOptionBuilder.time_and_memory()
    found = tf.profiler.profile(tf.get_default_graph(), run_meta=metadata, cmd="scope", options=options)
    assert found.total_exec_micros >= 1 and found.total_cpu_exec_micros == found.total_exec_micros
    layer = next(c for c in found.children if c.name == "layer")
    assert layer.total_requested_bytes >= 60 and " us, " in capsys.readouterr().out
    profiler = tf.profiler.Profiler(tf.get_default_graph())
    profiler.add_step(0, metadata)
    assert profiler.profile_operations(options).total_exec_micros == found.total_exec_micros


def test_profiler_hook(step, tmp_path):
    hook = tf.train.ProfilerHook(save_steps=2, output_dir=str(tmp_path), show_memory=True)
    with tf.train.SingularMonitoredSession(hooks=[hook]) as session:
        for _ in range(4):
            session.run(step.train, step.feeds)
    files = sorted(p.name for p in tmp_path.glob("timeline-*.json"))
    assert files == ["timeline-2.json", "timeline-4.json"]
    assert "layer/y" in (tmp_path / files[0]).read_text()


def test_eager_ops_are_timed_without_keeping_their_values():
    with tf.eager(), tf.profile() as found:
        value = tf.constant(np.ones((4, 4), np.float32))
        kept = weakref.ref(value)
        for _ in range(3):
            tf.matmul(value, value)
        del value
    assert {t.kernel: t.calls for t in found.timings} == {"Const": 1, "MatMul": 3}
    assert all(t.host and t.site.partition(":")[0].endswith("test_profiling.py") for t in found.timings)
    gc.collect()
    assert kept() is None
    assert [n.timeline_label for n in found.step_stats.dev_stats[0].node_stats][1:] == ["MatMul = MatMul()"] * 3
