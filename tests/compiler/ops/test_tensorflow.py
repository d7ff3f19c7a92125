"""Values, static shapes and gradients as TensorFlow 2.21 gave them through `tensorflow.compat.v1`, kinks included.

data/tensorflow.json has one case per line: `expr` over placeholders that are fed `inputs`; `grad.wrt` is the gradient
of the sum of outputs weighted by `grad.R`. An array is `shape` elements of data/tensorflow.npz's vector of its dtype,
from `at` on. `static_batch` is the shapes when the first sizes are unknown, null where TensorFlow refuses to build.
"""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from graphflow.compiler.autodiff import gradients
from graphflow.runtime.interpreter import interpret

import graphflow as tf

DATA = Path(__file__).parent / "data"
CASES = json.loads((DATA / "tensorflow.json").read_text())
ARRAYS = dict(np.load(DATA / "tensorflow.npz"))


def array(record):
    count = int(np.prod(record["shape"]))
    return ARRAYS[record["dtype"]][record["at"]:record["at"] + count].reshape(record["shape"])


def build(case, batch):
    """The placeholders by name, and the flat list of outputs."""
    inputs = {name: tf.placeholder(record["dtype"], [None, *record["shape"][1:]]
                                   if batch and name in case["batch_inputs"] else record["shape"])
              for name, record in case["inputs"].items()}
    result = eval(case["expr"], {"tf": tf, "np": np, **inputs})
    outputs = list(result) if isinstance(result, (list, tuple)) else [result]
    return inputs, [tf.convert_to_tensor(t) for t in outputs]


def run(tensors, inputs, case):
    tensors[0].graph.outputs = tuple(tensors)
    with np.errstate(all="ignore"):
        return interpret(tensors[0].graph, {inputs[name]: array(r) for name, r in case["inputs"].items()})


@pytest.mark.parametrize(("case", "batch"), [
    pytest.param(case, batch, id=f"{case['name']}-{'batch' if batch else 'known'}")
    for case in CASES for batch in (False, True) if not batch or case["static_batch"] is not None])
def test_tensorflows_results(case, batch):
    with tf.Graph().as_default():
        inputs, outputs = build(case, batch)
        shapes = case["static_batch"] if batch else [record["static"] for record in case["outputs"]]
        assert [t.shape.as_list() if t.shape.rank is not None else None for t in outputs] == shapes
        for value, record in zip(run(outputs, inputs, case), case["outputs"], strict=True):
            assert value.dtype == record["dtype"]
            np.testing.assert_allclose(value, array(record), rtol=1e-4, atol=1e-5)
        if "grad" in case:
            names, weights = list(case["grad"]["wrt"]), case["grad"]["R"]
            found = gradients([outputs[int(i)] for i in weights], [inputs[name] for name in names],
                              grad_ys=[array(r) for r in weights.values()])
            for name, g in zip(names, found, strict=True):
                wanted = case["grad"]["wrt"][name]
                assert (g is None) == (wanted is None), f"d/d{name} is {g}"
                if wanted is not None:
                    np.testing.assert_allclose(run([g], inputs, case)[0], array(wanted), rtol=1e-4, atol=1e-5)
