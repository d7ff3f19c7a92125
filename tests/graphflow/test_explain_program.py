"""`python -m graphflow explain` and `profile`, and explanations of Keras models."""
from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import graphflow as tf
from graphflow import __main__, keras

SCRIPT = """
import sys
import numpy as np
import tensorflow as tf
x = tf.placeholder(tf.float32, [None, 4], name="x")
y = tf.tanh(x * float(sys.argv[1]), name="y")
with tf.Session() as session:
    for _ in range(3):
        session.run(y, {x: np.ones((2, 4))})
    session.run([y], {x: np.ones((5, 4))})
sys.exit(7)
"""


def main(arguments):
    """The command in a graph of its own, as a process has one."""
    with tf.Graph().as_default():
        return __main__.main(arguments)


@pytest.fixture(scope="module")
def model():
    with tf.Graph().as_default():
        made = keras.Sequential([keras.Input((6,), name="x"), keras.layers.Dense(4, activation="relu"),
                                 keras.layers.Dense(3, activation="softmax")])
        made.compile("sgd", "sparse_categorical_crossentropy")
        yield made


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["test"])
    monkeypatch.setattr("sys.path", ["", *sys.path])
    path = tmp_path / "program.py"
    path.write_text(SCRIPT)
    return str(path)


def test_model(model):
    before = model.get_weights()
    train = model.explain(batch_size=8)
    assert list(train.feeds.values()) == ["float32(8, 6)", "int64(8,)"] and train.measured > 0
    assert any("Assign" in k.fuses for k in train.kernels)
    assert list(model.explain("test", 5).feeds.values()) == ["float32(5, 6)", "int64(5,)"]
    predict = model.explain("predict", x=np.ones((3, 6), np.float32))
    assert list(predict.feeds.values()) == ["float32(3, 6)"] and len(predict.kernels) < len(train.kernels)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert tf.explain(model).fetches == train.fetches and tf.explain(model, ["test", 2]).feeds


def test_function():
    with tf.eager():
        weight = tf.Variable([[2.0], [1.0]])
        calls = []

        @tf.function
        def f(x):
            calls.append(x)
            return tf.tanh(tf.matmul(x, weight))

        found = f.explain(np.ones((3, 2), np.float32))
        assert list(found.feeds.values()) == ["float32(3, 2)"] and found.measured > 0
        assert {"MatMul", "Tanh"} <= {t for k in found.kernels for t in k.fuses} and len(calls) == 1
        assert tf.explain(f, [tf.ones([5, 2])]).kernels[0].op == found.kernels[0].op and len(calls) == 1
    with pytest.raises(RuntimeError, match="needs eager execution"):
        f.explain(np.ones((3, 2), np.float32))


def test_bad_input(model):
    with pytest.raises(ValueError, match="expected 'train', 'test', 'predict', received 'fit'"):
        model.explain("fit")
    bare = keras.Sequential([keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="call `compile"):
        bare.explain("train")
    with pytest.raises(ValueError, match="has no defined inputs; give `x`"):
        bare.explain("predict")
    bare.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(ValueError, match="runs eagerly"):
        bare.explain("train", x=np.ones((2, 3)), y=np.ones((2, 1)))


def test_saved_model(model, tmp_path, capsys):
    path = str(tmp_path / "m.keras")
    model.save(path)
    assert main(["explain", path, "--step", "predict", "--feed", "x:7,6", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["feeds"].values()) == ["float32(7, 6)"]
    assert main(["explain", path, "--feed", "z:7,6"]) == 1
    assert "has the inputs x, received a shape for z" in capsys.readouterr().err
    assert main(["explain", str(tmp_path / "none.h5")]) == 2


def test_script(script, tmp_path, capsys):
    output = tmp_path / "found.json"
    assert main(["explain", script, "--format", "json", "-o", str(output), "--", "2.5"]) == 0
    first, second = json.loads(output.read_text())
    assert {next(iter(e["feeds"].values())) for e in (first, second)} == {"float32(2, 4)", "float32(5, 4)"}
    three = first if "(2, 4)" in str(first["feeds"]) else second
    assert three["notes"] == ["times are means of 3 runs of the script"] and three["kernels"][0]["measured"] > 0
    assert main(["explain", script, "--feed", "x:100,4", "--", "2.5"]) == 0
    assert "float32(100, 4)" in capsys.readouterr().out
    assert main(["explain", script, "--feed", "z:100,4", "--", "2.5"]) == 1
    assert "no run was fed z" in capsys.readouterr().err
    assert main(["explain", script, "--feed", "x=3", "--", "2.5"]) == 1
    assert "expected NAME:SIZE,SIZE,..., received 'x=3'" in capsys.readouterr().err


def test_profile(script, tmp_path, capsys):
    assert main(["profile", script, "2.5"]) == 0
    assert "4 runs in" in capsys.readouterr().out
    assert main(["profile", "-o", str(tmp_path / "trace.json"), script, "2.5"]) == 0
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert main(["profile", "-o", str(tmp_path / "trace.xml"), script, "2.5"]) == 1
    assert "ends in .json, .html, .txt" in capsys.readouterr().err


def test_errors_of_the_script_are_its_own(tmp_path, script):
    path = tmp_path / "wrong.py"
    path.write_text("raise ValueError('of the script')")
    for command in ("explain", "profile"):
        with pytest.raises(ValueError, match="of the script"):
            main([command, str(path)])


def test_a_script_that_runs_nothing(tmp_path, script, capsys):
    path = tmp_path / "empty.py"
    path.write_text("print('hello')")
    assert main(["explain", str(path), "--format", "html", "-o", str(tmp_path / "e.html")]) == 0
    assert "ran no session and no model" in capsys.readouterr().err
