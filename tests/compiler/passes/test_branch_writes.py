"""Conds that assign to variables are part of the plan (compiler/passes/branch_writes.py)."""
from __future__ import annotations

import numpy as np
import pytest
from graphflow.compiler.passes import branch_writes
from graphflow.runtime.plan import Plan

import graphflow as tf


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def plan_of(session, fetch, feeds):
    return session.runner(fetch, list(feeds)).bind(tuple(np.shape(v) for v in feeds.values()))[0]


def test_reads_and_updates_within_a_branch(session):
    taken, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [2])
    v, w = tf.Variable([1.0, 2.0]), tf.Variable(5.0)

    def update():
        before = tf.identity(v.read_value())
        with tf.control_dependencies([before]):
            first = tf.assign_add(v, x)
        with tf.control_dependencies([first]):
            between = v.read_value() * 10
            with tf.control_dependencies([between]):
                second = tf.assign(v, between + w)
        with tf.control_dependencies([second]):
            return before, between, v.read_value()

    results = tf.cond(taken, update, lambda: (v.read_value(), x, x * 2))
    with tf.control_dependencies([results[0]]):
        after = tf.identity(v.read_value())
    session.run(tf.global_variables_initializer())
    feed = {taken: True, x: np.float32([1, 1])}
    *found, then = session.run([*results, after], feed)
    np.testing.assert_allclose(found, [[1, 2], [20, 30], [25, 35]])
    np.testing.assert_allclose(then, [25, 35])
    *found, then = session.run([*results, after], {taken: False, x: [3, 3]})
    np.testing.assert_allclose(found, [[25, 35], [3, 3], [6, 6]])
    np.testing.assert_allclose(then, [25, 35])
    assert isinstance(plan_of(session, [*results, after], feed), Plan)


def test_only_the_effect_is_wanted_and_every_one_counts(session):
    taken = tf.placeholder(tf.bool, [])
    count = tf.Variable(0)
    add = [tf.assign_add(count, 100)]
    for n in (1, 10):
        with tf.control_dependencies(list(add)):
            done = tf.cond(taken, lambda n=n: tf.group(tf.assign_add(count, n)), tf.no_op)
        add.append(done)
    add += [tf.cond(taken, lambda: tf.assign_sub(count, 1000), lambda: count.read_value()), tf.assign_add(count, 5000)]
    step = tf.group(*add)
    session.run(tf.global_variables_initializer())
    session.run(step, {taken: True})
    assert session.run(count) == 4111
    session.run(step, {taken: False})
    assert session.run(count) == 9211
    assert isinstance(plan_of(session, step, {taken: True}), Plan)


def test_nested_conds(session):
    a, b = tf.placeholder(tf.bool, []), tf.placeholder(tf.bool, [])
    v = tf.Variable(1.0)

    def outer():
        with tf.control_dependencies([tf.assign_add(v, 1.0)]):
            inner = tf.cond(b, lambda: tf.assign(v, v.read_value() * 10), lambda: v.read_value() + 0.5)
        with tf.control_dependencies([inner]):
            return inner + tf.assign_add(v, 1.0)

    result = tf.cond(a, outer, lambda: 0.0)
    session.run(tf.global_variables_initializer())
    assert session.run([result], {a: True, b: True}) == [20 + 21]
    assert session.run([result], {a: True, b: False}) == [22.5 + 23]
    assert session.run([result], {a: False, b: True}) == [0] and session.run(v) == 23
    assert isinstance(plan_of(session, [result], {a: True, b: True}), Plan)


def test_beside_python(session):
    taken, v, w = tf.placeholder(tf.bool, []), tf.Variable(1.0), tf.Variable(2.0)
    doubled = tf.cond(taken, lambda: tf.assign(v, v * 2), lambda: v + 0.0)
    seen = tf.py_func(lambda x: x + 1, [doubled], tf.float32)
    tripled = tf.cond(seen > 2, lambda: tf.assign(w, w * 3), lambda: w + v)
    session.run(tf.global_variables_initializer())
    assert session.run([seen, tripled], {taken: True}) == [3, 6]
    assert session.run([v, w]) == [2, 6]
    assert session.run([seen, tripled], {taken: False}) == [3, 18]


def test_rows_and_large_variables_are_assigned_in_python(session, monkeypatch):
    monkeypatch.setattr(branch_writes, "MAX_ELEMENTS", 3)
    taken, v, w = tf.placeholder(tf.bool, []), tf.Variable([1.0, 2.0]), tf.Variable([0.0] * 4)
    rows = tf.cond(taken, lambda: tf.scatter_update(v, [1], [5.0]), lambda: v.read_value())
    large = tf.cond(taken, lambda: tf.assign_add(w, [1.0] * 4), lambda: w.read_value())
    session.run(tf.global_variables_initializer())
    for chosen in (False, True):
        session.run([rows.op, large.op], {taken: chosen})
        assert session.run(v).tolist() == [1, 5 if chosen else 2] and session.run(w).tolist() == [float(chosen)] * 4
        assert not isinstance(plan_of(session, large, {taken: chosen}), Plan)


def test_the_gradient_of_a_branch_that_assigns(session):
    taken, v, average = tf.placeholder(tf.bool, []), tf.Variable(3.0), tf.Variable(10.0, trainable=False)

    def update():
        square = v * v
        with tf.control_dependencies([tf.assign_sub(average, 0.5 * (average - square))]):
            return square * average.read_value()

    loss = tf.cond(taken, update, lambda: v * average)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    session.run(tf.global_variables_initializer())
    assert session.run([loss, train], {taken: True})[0] == 9 * 9.5
    np.testing.assert_allclose(session.run([v, average]), [3 - 0.1 * 6 * 9.5, 9.5], rtol=1e-6)
    session.run(train, {taken: False})
    np.testing.assert_allclose(session.run(v), 3 - 0.1 * 6 * 9.5 - 0.95, rtol=1e-6)
    assert isinstance(plan_of(session, train, {taken: True}), Plan)


def test_a_branch_gives_a_variable_its_first_value(session):
    v, outer = tf.Variable(3.0), tf.placeholder(tf.bool, [])
    once = tf.cond(tf.is_variable_initialized(v), lambda: v.read_value(), lambda: tf.assign(v, 5.0))
    nested = tf.cond(outer, lambda: tf.cond(once > 4, lambda: tf.assign_add(v, 1.0), lambda: v + 0.0), lambda: 0.0)
    assert session.run([once, once]) == [5, 5] and session.run(v) == 5
    assert session.run(nested, {outer: True}) == 6 and session.run(once) == 6
