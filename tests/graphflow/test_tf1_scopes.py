"""name_scope, variable_scope and get_variable."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


def test_names_within_variable_scopes():
    with tf.variable_scope("a"):
        v = tf.get_variable("v", [2])
        with tf.variable_scope("b"):
            w = tf.get_variable("w", [3], initializer=tf.zeros_initializer())
            t = v + 1.0
    assert [v.name, w.name, t.name] == ["a/v:0", "a/b/w:0", "a/b/add:0"]


def test_name_scopes_do_not_prefix_get_variable():
    with tf.name_scope("ns"):
        made = [tf.get_variable("a", [1]), tf.Variable(1.0, name="b"), tf.constant(1.0, name="c")]
        with tf.variable_scope("vs"):
            made += [tf.get_variable("d", [1]), tf.Variable(0.0, name="e"), tf.constant(2.0, name="f")]
    assert [t.name for t in made] == ["a:0", "ns/b:0", "ns/c:0", "vs/d:0", "ns/vs/e:0", "ns/vs/f:0"]


def test_reuse():
    with tf.variable_scope("s"):
        a = tf.get_variable("w", initializer=tf.constant([1.0, 2.0]))
    with tf.variable_scope("s", reuse=True):
        b = tf.get_variable("w")
    with tf.variable_scope("s") as scope:
        scope.reuse_variables()
        c = tf.get_variable("w")
    with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
        d, e = tf.get_variable("w"), tf.get_variable("new", [])
        with tf.variable_scope("t"):  # reuse is inherited
            assert tf.get_variable("x", []) is tf.get_variable("x", [])
    assert a is b is c is d
    assert [v.name for v in tf.global_variables()] == ["s/w:0", "s/new:0", "s/t/x:0"] and e.name == "s/new:0"


def test_a_scope_object_returns_to_its_variables_under_a_new_name_scope():
    with tf.variable_scope("m") as scope:
        w = tf.get_variable("w", [1])
        a = tf.add(w, 1.0)
    with tf.variable_scope(scope, reuse=True):
        assert tf.get_variable("w") is w
        b = tf.add(w, 1.0)
    with tf.variable_scope("m", reuse=True):
        c = tf.add(tf.get_variable("w"), 1.0)
    assert [t.op.name for t in (a, b, c)] == ["m/Add", "m_1/Add", "m_2/Add"]
    assert (scope.name, scope.original_name_scope) == ("m", "m/")


def test_default_names_are_made_unique():
    found = []
    for _ in range(2):
        with tf.variable_scope(None, "layer"):
            found.append(tf.get_variable("w", [1]).name)
    with tf.variable_scope("outer"), tf.variable_scope(None, "layer"):
        found.append(tf.get_variable("w", [1]).name)
    assert found == ["layer/w:0", "layer_1/w:0", "outer/layer/w:0"]


def test_initializers_are_inherited(sess):
    with tf.variable_scope("s", initializer=tf.constant_initializer(0.4)):
        a = tf.get_variable("a", [2])
        b = tf.get_variable("b", [2], initializer=tf.constant_initializer(0.3))
        with tf.variable_scope("t", initializer=tf.constant_initializer(0.2)):
            c = tf.get_variable("c", [2])
    sess.run(tf.global_variables_initializer())
    np.testing.assert_allclose(sess.run([a, b, c]), [[0.4] * 2, [0.3] * 2, [0.2] * 2])


def test_regularizers_fill_a_collection(sess):
    with tf.variable_scope("s", regularizer=lambda w: 0.5 * tf.reduce_sum(w * w)):
        tf.get_variable("a", initializer=tf.constant([1.0, 2.0]))
        tf.get_variable("b", initializer=tf.constant([3.0]), regularizer=lambda w: tf.reduce_sum(tf.abs(w)))
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    sess.run(tf.global_variables_initializer())
    np.testing.assert_allclose(sess.run(losses), [2.5, 3])


def test_custom_getters_nest(sess):
    def times(factor):
        return lambda getter, name, *args, **kwargs: getter(name, *args, **kwargs) * factor
    with tf.variable_scope("s", custom_getter=times(2.0)), tf.variable_scope("t", custom_getter=times(5.0)):
        v = tf.get_variable("v", initializer=tf.constant(3.0))
    sess.run(tf.global_variables_initializer())
    assert sess.run(v) == 30


def test_templates_share_variables(sess):
    template = tf.make_template("net", lambda x: tf.get_variable("w", initializer=tf.constant(2.0)) * x)
    a, b = template(1.0), template(5.0)
    sess.run(tf.global_variables_initializer())
    assert sess.run([a, b]) == [2, 10] and [v.name for v in tf.global_variables()] == ["net/w:0"]


def _twice():
    tf.get_variable("w", [2])
    tf.get_variable("w", [2])


def _other_shape():
    with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
        tf.get_variable("w", [2])
        tf.get_variable("w", [3])


def _other_dtype():
    with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
        tf.get_variable("w", [2])
        tf.get_variable("w", [2], tf.float64)


def _missing():
    with tf.variable_scope("s", reuse=True):
        tf.get_variable("w", [2])


@pytest.mark.parametrize(("build", "error", "text"), [
    (_twice, ValueError, r"Variable w already exists, disallowed.*\n*.*test_tf1_scopes"),
    (_other_shape, ValueError, "specified shape"),
    (_other_dtype, ValueError, "specified dtype float64 and found dtype float32"),
    (_missing, ValueError, "Variable s/w does not exist"),
    (lambda: tf.get_variable("w"), ValueError, "must be fully defined"),
    (lambda: tf.get_variable("w", [None, 2]), ValueError, "must be fully defined"),
    (lambda: tf.get_variable("w", [2], initializer=tf.constant([1.0, 2.0])), ValueError, "do not specify shape"),
    (lambda: tf.get_variable("w", dtype=tf.int32, initializer=1.5), ValueError, "don't match"),
    (lambda: tf.variable_scope(None), TypeError, "name_or_scope is required"),
    (lambda: tf.variable_scope(3), TypeError, "must be a string or VariableScope"),
    (lambda: tf.variable_scope(None, "a", reuse=True), ValueError, "cannot be used without"),
    (lambda: tf.name_scope(None, None, [1]).__enter__(), ValueError, "At least one of name"),
])
def test_errors(build, error, text):
    with pytest.raises(error, match=text):
        build()


def test_name_scope_names_the_main_op():
    def my_op(x, name=None):
        with tf.name_scope(name, "MyOp", [x]) as scope:
            return tf.multiply(x, 2.0, name=scope)
    x = tf.constant(1.0, name="x")
    assert [my_op(x).name, my_op(x).name, my_op(x, "given").name] == ["MyOp:0", "MyOp_1:0", "given:0"]


def test_name_scope_enters_the_graph_of_its_values():
    other = tf.Graph()
    with other.as_default():
        x = tf.constant(1.0)
    with tf.name_scope(None, "op", [x]):
        assert tf.get_default_graph() is other
    assert tf.get_default_graph() is not other


def test_groups_and_tuples(sess):
    v = tf.Variable(1.0)
    add = v.assign_add(1.0)
    first, none, second = tf.tuple([tf.constant(2.0), None, tf.constant(3.0)], control_inputs=[add])
    assert none is None
    sess.run(tf.global_variables_initializer())
    assert sess.run(first) == 2 and sess.run(v) == 2
    assert sess.run(second) == 3 and sess.run(v) == 3
    with pytest.raises(ValueError, match="at least one Tensor"):
        tf.tuple([None])
