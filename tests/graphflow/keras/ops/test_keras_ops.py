"""keras.ops beside Keras's own numbers, dtypes, and parts of models."""
from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest
from graphflow.compiler.errors import InvalidArgumentError
from graphflow.compiler.ir import Graph, Tensor
from graphflow.runtime.interpreter import interpret
from make_expected import GROUPS, leaves, typed

from graphflow import keras

ops = keras.ops
HERE = pathlib.Path(__file__).parent


@pytest.mark.parametrize("group", GROUPS)
def test_values(group: str) -> None:
    expected = np.load(HERE / "expected.npz")
    with Graph().as_default() as graph:
        found = {name: leaves(case(ops)) for name, case in GROUPS[group].CASES.items()}
        tensors = [t for values in found.values() for t in values if isinstance(t, Tensor)]
        graph.outputs = tuple(tensors)
        with np.errstate(all="ignore"):
            numbers = iter(interpret(graph, {}))  # by the references: the kernels of ops have tests of their own
    wrong = []
    for name, values in found.items():
        for i, leaf in enumerate(values):
            value = np.asarray(next(numbers) if isinstance(leaf, Tensor) else leaf)
            wanted = expected[f"{group}/{name}/{i}"]
            if isinstance(leaf, Tensor) and value.dtype != wanted.dtype or value.shape != wanted.shape:
                wrong.append(f"{name}: {value.dtype}{value.shape}, expected {wanted.dtype}{wanted.shape}")
            elif not (wanted.dtype.kind == "U" or np.allclose(value, wanted, rtol=1e-4, atol=1e-5, equal_nan=True)):
                wrong.append(f"{name}: {value}, expected {wanted}")
    assert not wrong, "\n".join(wrong)


def test_dtypes() -> None:
    expected = json.loads((HERE / "dtypes.json").read_text())
    found = {k: t.dtype.name for k, t in typed(ops).items() if k in expected and t is not None}
    assert {k: (found.get(k), d) for k, d in expected.items() if found.get(k) != d} == {}


def value_of(x: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(x)


def test_operations_on_keras_tensors_are_parts_of_the_model() -> None:
    x = keras.Input((4, 3))
    y = keras.activations.relu(x[:, 0] * 2) + ops.mean(x, axis=1)
    z = ops.concatenate([y, ops.einsum("bij,bij->bj", x, 1 - x)], axis=-1)
    model = keras.Model(x, ops.reshape(z, (-1, 2, 3)) / [[1.0, 2.0, 4.0]])
    names = ["input_layer", "get_item", "subtract", "multiply", "re_lu", "mean", "einsum", "add", "concatenate",
             "reshape", "true_divide"]
    assert sorted(o.name for o in model.operations) == sorted(names)
    assert [layer.name for layer in model.layers] == ["input_layer"]
    described = {d["name"]: d for d in json.loads(model.to_json())["config"]["layers"]}
    assert described["mean"]["module"] == "keras.src.ops.numpy"
    assert described["mean"]["class_name"] == described["mean"]["registered_name"] == "Mean"
    assert described["mean"]["config"] == {"name": "mean", "axis": 1, "keepdims": False}
    assert described["multiply"]["inbound_nodes"][0]["args"][1] == 2
    assert described["get_item"]["inbound_nodes"][0]["args"][1] == [
        {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}, 0]
    again = keras.models.model_from_json(model.to_json())
    data = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")
    rows = np.concatenate([np.maximum(data[:, 0] * 2, 0) + data.mean(1), (data * (1 - data)).sum(1)], 1)
    for m in (model, again):
        np.testing.assert_allclose(m.predict(data, verbose=0), rows.reshape(5, 2, 3) / [1, 2, 4], rtol=1e-5)


def test_operations_on_sizes_and_in_loops_follow_the_batch() -> None:
    x = keras.Input((3,))
    tall = ops.reshape(ops.tile(ops.expand_dims(x, 1), (1, 2, 1)), (ops.shape(x)[0] * 2, 3))
    total = ops.scan(lambda carry, row: (carry + row, carry), ops.zeros((3,)), tall)[1]
    model = keras.Model(x, ops.associative_scan(ops.add, tall) - total)
    data = np.arange(12, dtype="float32").reshape(4, 3)
    tall_data = np.repeat(data, 2, 0)
    np.testing.assert_allclose(model.predict(data, verbose=0), tall_data)


def test_gradients_flow_through_loops_and_selections() -> None:
    x = ops.convert_to_tensor(np.array([[3.0, 1.0, 2.0]], "float32"))
    y = ops.fori_loop(0, 3, lambda i, v: v * x, ops.ones((1, 3))) + ops.sort(x) * ops.take_along_axis(
        x, np.array([[2, 0, 1]]), axis=1)
    slope = keras.backend.gradients(ops.sum(y), [x])[0]
    np.testing.assert_allclose(value_of(slope), 3 * np.array([[9.0, 1, 4]]) + [[2 + 1, 2 + 3, 1 + 3]], rtol=1e-6)


def test_custom_gradient_and_jvp() -> None:
    @ops.custom_gradient
    def doubled(x: Any) -> Any:
        def grad(*args: Any, upstream: Any = None) -> Any:
            return (args[0] if upstream is None else upstream) * 10.0
        return x * 2.0, grad

    x = ops.convert_to_tensor(3.0)
    assert value_of(keras.backend.gradients(doubled(x), [x])[0]) == 10
    value, slope, aux = ops.jvp(lambda v: (v * v, v + 1.0), (x,), (ops.convert_to_tensor(0.5),), has_aux=True)
    assert [float(value_of(t)) for t in (value, slope, aux)] == [9, 3, 4]


def test_variables_and_arrays_are_taken() -> None:
    v = keras.Variable(np.array([1.0, 2.0], "float32"))
    assert value_of(ops.matmul(v, [[1.0], [2.0]])).tolist() == [5.0]
    assert value_of(ops.where([True, False], v, 0)).tolist() == [1.0, 0.0]
    assert ops.dtype(ops.add(v, 1)) == "float32" and ops.shape(v) == (2,)
    assert [keras.Variable(x).dtype.name for x in (np.ones(2), [1.0], np.int64(1))] == ["float64", "float32", "int64"]


def test_user_defined_operation() -> None:
    class Scale(keras.Operation):
        def __init__(self, by: float, name: str | None = None):
            super().__init__(name=name)
            self.by = by

        def call(self, x: Any) -> Any:
            return ops.multiply(x, self.by)

    x = keras.Input((2,))
    model = keras.Model(x, Scale(3.0)(x))
    assert model.operations[1].name == "scale"
    assert model.predict(np.ones((1, 2)), verbose=0).tolist() == [[3, 3]]
    assert value_of(Scale(2.0)([1.0])).tolist() == [2.0]


def test_function_is_a_model_without_training() -> None:
    x = keras.Input((2,))
    function = keras.Function([x], ops.sum(x * 2.0, axis=1))
    assert value_of(function([np.ones((3, 2), "float32")])).tolist() == [4, 4, 4]
    assert isinstance(x, keras.KerasTensor) and not isinstance(ops.ones(2), keras.KerasTensor)


@pytest.mark.parametrize("call, error, text", [
    (lambda: ops.linspace(0, 1, -1), ValueError, "num"),
    (lambda: ops.where([True], 1), ValueError, "both"),
    (lambda: ops.diag(np.ones((1, 1, 1))), ValueError, "1d or 2d"),
    (lambda: ops.conv(np.ones((1, 5, 3), "float32"), np.ones((2, 2, 4), "float32")), ValueError, "channels"),
    (lambda: ops.image.resize(np.ones((4, 4)), (2, 2)), ValueError, "rank"),
    (lambda: ops.fft(np.ones(3)), ValueError, "real and imaginary"),
    (lambda: ops.cholesky(np.ones((2, 3))), ValueError, "square"),
    (lambda: ops.convert_to_tensor([1], "float7"), ValueError, "Invalid dtype"),
    (lambda: ops.scatter_update(np.ones(2), [[0]], [1.0], reduction="xor"), ValueError, "reduction"),
    (lambda: value_of(ops.take([1, 2], [5])), InvalidArgumentError, "5"),
])
def test_bad_arguments(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
