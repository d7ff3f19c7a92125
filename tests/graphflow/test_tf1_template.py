"""`tf.make_template`: its scope, its variables, the arguments kept for the function."""
import pytest

import graphflow as tf


def test_template_tells_its_variables():
    def layer(x, width, custom_getter=None):
        assert custom_getter == "mine"
        return x * tf.get_variable("w", [width]) + tf.get_local_variable("seen", initializer=1.0)

    template = tf.make_template("net", layer, width=2, custom_getter="mine")
    assert template.name == "net" and template.variable_scope is None and template.variables == []
    template(tf.ones([2])), template(tf.zeros([2]))
    assert template.variable_scope.name == template.variable_scope_name == "net"
    assert [v.name for v in template.trainable_variables] == ["net/w:0"]
    assert [v.name for v in template.variables] == ["net/w:0", "net/seen:0"]


def test_scope_made_at_once():
    first = tf.make_template("net", lambda: tf.get_variable("w", []), create_scope_now_=True)
    second = tf.make_template("net", lambda: tf.get_variable("w", []), create_scope_now_=True)
    assert [first.variable_scope_name, second.variable_scope_name] == ["net", "net_1"]
    assert [second().name, first().name, first().name] == ["net_1/w:0", "net/w:0", "net/w:0"]
    with pytest.raises(ValueError, match="callable"):
        tf.make_template("net", 3)
