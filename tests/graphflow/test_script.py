"""`python -m graphflow run`: programs that import tensorflow and keras."""
from __future__ import annotations

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from graphflow import script
from graphflow.written_for import runs_at_once

PROGRAM = '''
from __future__ import print_function
import sys
import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from tensorflow.python.framework import ops
from tensorflow.python.ops import array_ops
from tensorflow.python.data.experimental import AUTOTUNE
from tensorflow.python.estimator.model_fn import EstimatorSpec
from tensorflow.keras.layers import Dense
from keras.models import Sequential
from keras import backend as keras_backend

flags = tf.app.flags
flags.DEFINE_integer("steps", 5, "how many")
tf.app.flags.DEFINE_string(flag_name="name", default_value="a", docstring="a name")
FLAGS = flags.FLAGS

def main(argv):
    w = tf.Variable(np.zeros(2, np.float), name="w")
    step = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_sum((w - 1.0) ** 2))
    with tf1.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(FLAGS.steps):
            session.run(step)
        print(tf.__version__, FLAGS.name, argv[1:], session.run(array_ops.concat([w, w], 0)).tolist(), Dense.__name__)
    assert tf.pywrap_tensorflow.NewCheckpointReader and tf.python.ops.array_ops is array_ops
    import importlib.util, keras.backend as K, tensorflow.experimental.numpy as tnp
    from tensorflow.python.ops.init_ops_v2 import Zeros
    assert importlib.util.find_spec("tensorflow") and Zeros and tf.experimental.numpy.nanmean is tnp.nanmean
    K.where = "the program's own"  # no name of K: what Keras computes with stays
    assert K.where is keras_backend.where

if __name__ == "__main__":
    tf.app.run()
'''


def run(folder: pathlib.Path, text: str, *arguments: str) -> subprocess.CompletedProcess:
    (folder / "program.py").write_text(text)
    return subprocess.run([sys.executable, "-m", "graphflow", "run", str(folder / "program.py"), *arguments],
                          capture_output=True, text=True, timeout=120)


def test_a_program_runs_untouched(tmp_path):
    done = run(tmp_path, PROGRAM, "--steps", "1", "--other", "x")
    assert done.stdout == "1.15.5 a ['--other', 'x'] [1.0, 1.0, 1.0, 1.0] Dense\n", done.stderr


def test_operations_run_at_once_as_in_tensorflow_2(tmp_path):
    (tmp_path / "program.py").write_text("import tensorflow as tf\nprint((tf.constant(1) + 1).numpy())")
    done = subprocess.run([sys.executable, "-m", "graphflow", "run", str(tmp_path / "program.py")],
                          capture_output=True, text=True, timeout=60)
    assert done.stdout == "2\n", done.stderr


def test_what_is_missing_is_named(tmp_path):
    done = run(tmp_path, "import tensorflow as tf\ntf.no_such_symbol")
    assert done.returncode and "tensorflow.no_such_symbol is not in graphflow" in done.stderr
    done = run(tmp_path, "import tensorflow.no.such.module")
    assert done.returncode and "tensorflow.no is not in graphflow" in done.stderr


def test_no_stand_in_for_a_name_that_is_missing(tmp_path):
    done = run(tmp_path, '''
from tensorflow.python.framework.device import DeviceSpec
from tensorflow.python.ops.losses.losses_impl import Reduction
from tensorflow.python.ops import no_such_ops
assert DeviceSpec.from_string("/job:ps/task:1").task == 1
for module, name in (("ops.init_ops", "_no_such"), ("ops.no_such_ops", "no_such"), ("ops", "NoSuch")):
    try:
        exec(f"from tensorflow.python.{module} import {name}")
    except ImportError as error:
        print(error.name, name in str(error))
''')
    assert done.stdout.split() == ["tensorflow.python.ops.init_ops", "True",
                                   "tensorflow.python.ops.no_such_ops", "True", "tensorflow.python.ops", "True"]


def test_a_missing_script(tmp_path):
    done = subprocess.run([sys.executable, "-m", "graphflow", "run", str(tmp_path / "none.py")], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 2 and "no such script" in done.stderr


def test_modules_of_keras_2_and_inside_tensorflow(tmp_path):
    done = run(tmp_path, '''
import inspect, keras, tensorflow as tf
import keras.backend.tensorflow_backend as K
from keras.engine.topology import Layer, InputSpec
from keras.layers.merge import concatenate
from keras.utils import np_utils
from tensorflow.contrib.keras.api.keras.layers import Dense
from tensorflow.core.framework.summary_pb2 import Summary
from tensorflow.python.client import device_lib
from tensorflow.python.framework import errors_impl, tensor_util
from tensorflow.python.util import tf_inspect
assert K.floatx() == "float32" and Dense is keras.layers.Dense and np_utils.to_categorical([1]).tolist() == [[0, 1]]
assert not hasattr(K, "placeholder_with_default") and errors_impl.OutOfRangeError is tf.errors.OutOfRangeError
assert tensor_util.MakeNdarray(tf.make_tensor_proto([1, 2])).tolist() == [1, 2]
assert inspect.getargspec(lambda a, b=1: a).args == tf_inspect.getargspec(lambda a, b=1: a)[0] == ["a", "b"]
from tensorflow.python.framework import ops
from tensorflow.python.ops import gen_nn_ops
from tensorflow.python.ops.nn_impl import _compute_sampled_logits
@ops.RegisterGradient("Guided")
def guided(op, grad):
    return tf.where(grad > 0, gen_nn_ops._relu_grad(grad, op.outputs[0]), tf.zeros_like(grad))
with tf.get_default_graph().gradient_override_map({"Relu": "Guided"}):
    x = tf.constant([-1., 2., 3.])
    slope, = tf.gradients(tf.nn.relu(x) * [1., 1., -1.], x)
image = tf.reshape(tf.range(16.), [1, 4, 4, 1])
window = [1, 2, 2, 1], [1, 2, 2, 1], "SAME"
back = gen_nn_ops.max_pool_grad(image, tf.nn.max_pool(image, *window), tf.ones([1, 2, 2, 1]), *window)
spread = gen_nn_ops.avg_pool_grad(tf.shape(image), tf.ones([1, 2, 2, 1]), *window)
with tf.Session() as session:
    found = session.run([slope, tf.reshape(back, [16]), tf.reduce_max(spread)])
assert found[0].tolist() == [0, 1, 0] and found[1].nonzero()[0].tolist() == [5, 7, 13, 15] and found[2] == 0.25
assert "Guided" in ops._gradient_registry._registry
print(keras.__version__, device_lib.list_local_devices()[0].device_type)
''')
    assert done.stdout == "2.3.1 CPU\n", done.stderr


def test_arrays_are_made_as_numpy_1_made_them():
    array = script._as_before(np.array)
    assert array([1, 2], copy=False).tolist() == [1, 2]
    ragged = array([[1, 2], [3]])
    assert ragged.dtype == object and ragged.tolist() == [[1, 2], [3]]
    with pytest.raises(ValueError, match="inhomogeneous"):
        array([[1, 2], [3]], dtype=float)


def test_arrays_have_the_methods_they_had(monkeypatch):
    for name in ("array", "asarray"):  # undone after the test
        monkeypatch.setattr(np, name, getattr(np, name))
    script.restore_names()
    assert np.arange(3, dtype=np.uint8).tostring() == b"\x00\x01\x02" == np.array([0, 1, 2], np.uint8).tostring("F")
    np.testing.assert_array_equal(np.float32([[1, 4], [2, 2]]).ptp(axis=1), [3, 0])
    assert np.uint8(7).tostring() == b"\x07"


@pytest.mark.parametrize(("text", "at_once"), [
    ("print(tf.constant(1).numpy())", True),
    ("class M(keras.Model):\n  def train_step(self, x):\n    with tf.GradientTape() as t: gradients = f()",
     True),
    ("from keras import ops", True), ("import helper", True),
    ("import keras\nkeras.Sequential().fit(x)", False), ("x.numpy(1)", False), ("print 'Python 2'", False),
    ("with tf.Session() as s: print(v.numpy())", False),
    ("import keras.backend as K\n@tf.function\ndef f(): pass\nK.gradients(a, b)", False)])
def test_programs_that_look_at_values_are_told_from_others(tmp_path, text, at_once):
    (tmp_path / "helper.py").write_text("import program\n@tf.function\ndef f(): pass")
    (tmp_path / "program.py").write_text(text)
    assert runs_at_once(str(tmp_path / "program.py")) is at_once
