"""tf.profiler counts what a graph has; tf.test's further tools."""
from __future__ import annotations

import pytest

import graphflow as tf


def test_parameters_and_operations(capsys, tmp_path):
    x = tf.placeholder(tf.float32, [5, 4])
    with tf.variable_scope("net"):
        w = tf.get_variable("w", [4, 3], initializer=tf.zeros_initializer())
        tf.get_variable("steps", [], trainable=False, initializer=tf.zeros_initializer())
    tf.nn.relu(tf.matmul(x, w))
    builder = tf.profiler.ProfileOptionBuilder
    found = tf.profiler.profile(options=builder.trainable_variables_parameter())
    assert found.total_parameters == 12 and found.children[0].name == "net"
    assert "net/w (12 params, 0 flops)" in capsys.readouterr().out
    path = tmp_path / "profile.txt"
    options = builder(builder.float_operation()).with_file_output(str(path)).build()
    assert tf.profiler.profile(tf.get_default_graph(), options=options).total_float_ops == 2 * 5 * 4 * 3 + 15
    assert "MatMul (0 params, 120 flops)" in path.read_text()


def test_tools_of_tests():
    class Thing:
        value = 1

    with tf.test.StubOutForTesting() as stubs:
        stubs.Set(Thing, "value", 2)
        assert Thing.value == 2
    assert Thing.value == 1
    with tf.Session() as session:
        found = tf.test.Benchmark().run_op_benchmark(session, tf.constant(1.0), min_iters=3)
        assert found["iters"] == 3 and found["wall_time"] > 0
    tf.constant(1.0, name="a")
    first = tf.get_default_graph().as_graph_def()
    tf.constant(1.0, name="b")
    tf.test.assert_equal_graph_def(first, first)
    with pytest.raises(AssertionError, match="b"):
        tf.test.assert_equal_graph_def(tf.get_default_graph().as_graph_def(), first)


def test_first_names(tmp_path, capsys):
    tf.get_variable("w", [4, 3], initializer=tf.zeros_initializer())
    analyzer = tf.contrib.tfprof.model_analyzer
    found = analyzer.print_model_analysis(tf.get_default_graph(),
                                          tfprof_options=analyzer.TRAINABLE_VARS_PARAMS_STAT_OPTIONS)
    assert found.total_parameters == 12 and "w (12 params" in capsys.readouterr().out
    x = tf.placeholder(tf.float32, [5], name="x")
    with tf.contrib.tfprof.ProfileContext(str(tmp_path)) as context, tf.Session() as session:
        context.add_auto_profiling("scope", analyzer.PRINT_ALL_TIMING_MEMORY, [1])
        context.trace_next_step()
        session.run(tf.exp(x, name="grown"), {x: [1, 2, 3, 4, 5]})
    assert "grown" in (tmp_path / "profile.json").read_text() and "grown" in capsys.readouterr().out
    assert context.profiler.profile_name_scope(analyzer.PRINT_ALL_TIMING_MEMORY).total_exec_micros >= 1
    with tf.contrib.tfprof.ProfileContext(str(tmp_path / "none"), enabled=False):
        pass
    assert not (tmp_path / "none").exists()
