"""TensorFlow 2's names, and programs written for it."""
import subprocess
import sys

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras
from graphflow.compat import v2

PIXELS = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)


@pytest.fixture(autouse=True)
def at_once():
    with tf.Graph().as_default(), tf.eager():
        yield


def test_where_broadcasts():
    assert v2.where([True, False], [[1, 2], [3, 4]], 0).numpy().tolist() == [[1, 0], [3, 0]]


def test_dropout_takes_what_is_dropped():
    assert v2.nn.dropout(tf.ones(4), 0.0).numpy().tolist() == [1, 1, 1, 1]
    assert v2.nn.relu is tf.nn.relu


# values of TensorFlow 2.21
@pytest.mark.parametrize(("size", "options", "expected"), [
    ((2, 2), {}, [2.5, 4.5, 10.5, 12.5]),
    ((1, 5), {"method": "bicubic"}, [5.9568763, 6.648326, 7.5, 8.351673, 9.043124]),
    ((1, 3), {"method": "nearest"}, [8.0, 10.0, 11.0]),
    ((2, 3), {"antialias": True}, [3.157143, 4.3571434, 5.557143, 9.442859, 10.6428585, 11.842858]),
    ((2, 3), {"method": tf.image.ResizeMethod.AREA}, [2.25, 3.5, 4.75, 10.25, 11.5, 12.75]),
    ((2, 3), {"method": "lanczos3"}, [1.572347, 2.9865522, 4.4007583, 10.599242, 12.013447, 13.427654])])
def test_pixels_have_their_values_in_the_middle(size, options, expected):
    np.testing.assert_allclose(v2.image.resize(PIXELS, size, **options).numpy().ravel(), expected, rtol=1e-5)


def test_resize_gives_floats():
    assert v2.image.resize(PIXELS.astype("uint8"), (4, 4)).dtype == tf.float32
    assert v2.image.resize(PIXELS, (8, 3), preserve_aspect_ratio=True).shape.as_list() == [1, 3, 3, 1]
    with pytest.raises(ValueError, match="not implemented"):
        v2.image.resize(PIXELS, (2, 2), method="median")


def test_keras_names():
    assert v2.losses is keras.losses and v2.optimizers.Adam is keras.optimizers.Adam
    assert v2.train.Saver is tf.train.Saver and "where" in dir(v2)


def test_a_program_for_tensorflow_2(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("""
import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.random import set_seed
names = {}
exec("from tensorflow import *", names)
assert names["where"] is tf.where and names["constant"] is tf.constant
tf.random.set_seed(1)
counter = tf.Variable(1)
print(tf.__version__[0], (tf.constant([1, 2]) == 2).numpy(), counter == 1, tf.metrics.Mean()([1.0, 3.0]).numpy())
print(v1.nn.dropout(tf.ones(2), 1.0).numpy(), tf.compat.v1 is v1)
""")
    run = subprocess.run([sys.executable, "-m", "graphflow", "run", str(program)], capture_output=True, text=True)
    assert run.stdout.splitlines() == ["2 [False  True] tf.Tensor(True, shape=(), dtype=bool) 2.0",
                                       "[1. 1.] True"], run.stderr
