"""The examples in CONTRIBUTING.md run: an op, a pass and a layer, added from outside and used."""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

GUIDE = Path(__file__).parent.parent / "CONTRIBUTING.md"

USE = """
import graphflow as tf
from graphflow.compiler.ir import Graph

x = tf.placeholder(tf.float32, [None])
y = gaussian(x)
g, = tf.gradients(y, x)
values = np.array([0.0, 0.5, -1.0], np.float32)
with tf.Session() as session:
    np.testing.assert_allclose(session.run(y, {x: values}), np.exp(-values**2), rtol=1e-6)
    np.testing.assert_allclose(session.run(g, {x: values}), -2 * values * np.exp(-values**2), rtol=1e-6)

graph = Graph()
with graph.as_default():
    flag = tf.placeholder(tf.bool, [2])
    graph.outputs = (tf.logical_not(tf.logical_not(flag)),)
assert drop_double_not(graph).outputs[0].op.type == "Placeholder"

model = keras.Sequential([keras.Input((3,)), Scale()])
model.compile("sgd", "mse")
data = np.ones((8, 3), np.float32)
first = model.evaluate(data, 2 * data, verbose=0)
model.fit(data, 2 * data, epochs=5, verbose=0)
assert model.evaluate(data, 2 * data, verbose=0) < first
assert Scale.from_config(model.layers[-1].get_config()).initializer == "ones"
print("all examples ran")
"""


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_examples_run():
    done = subprocess.run([sys.executable, "-c", "\n".join([*examples(), USE])], capture_output=True, text=True)
    assert done.stdout.strip().endswith("all examples ran"), done.stderr


def test_the_examples_are_short():
    assert len(examples()) == 3
    assert all(len(text.splitlines()) < 20 for text in examples())
