"""One check for every Keras layer: shapes, dtype, config, gradients, and the compiled result."""
from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.dtypes import as_dtype
from graphflow.compiler.ops.reduction import reduce_sum
from graphflow.compiler.ops.state import placeholder
from graphflow.runtime.interpreter import interpret

import graphflow
from graphflow import keras
from graphflow.keras.scope import StepScope

STEP = 1e-6  # of finite differences in float64


Run = Callable[..., Any]  # the values of tensors for values of inputs


def check_layer(layer: Any, shape: tuple[int, ...], training: bool = False, gradient: bool = True,
                compiled: bool = True) -> None:
    """`shape` is the input's, without the batch axis. `gradient` False: the output does not follow it smoothly.
    `compiled` False: by the references of the ops, whose kernels have tests of their own.
    """
    run = compiled_run if compiled else reference_run
    json.dumps(layer.get_config())
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    check_output(layer, shape, training, run)
    check_eager(layer, copy, shape)
    if gradient:
        config = layer.get_config() | {"dtype": "float64", "name": f"{layer.name}_wide"}
        check_gradient(type(layer).from_config(config), shape, training, run)


def compiled_run(fetches: Any, inputs: Sequence[Any], weights: Sequence[Any]) -> Run:
    graph = inputs[0].graph
    run: Run = keras.backend.get_session(graph).make_callable(fetches, list(inputs))
    return run


def reference_run(fetches: Any, inputs: Sequence[Any], weights: Sequence[Any]) -> Run:
    outputs = fetches if isinstance(fetches, list) else [fetches]
    wanted: Any = SimpleNamespace(outputs=outputs, targets=(), outer=True)  # the part of the graph that it needs

    def run(*values: Any) -> Any:
        state = {w.handle.op.name: w.numpy() for w in weights}
        found = interpret(wanted, dict(zip(inputs, values, strict=True)), state)
        return found if isinstance(fetches, list) else found[0]
    return run


def check_output(layer: Any, shape: tuple[int, ...], training: bool, make_run: Callable[..., Run]) -> None:
    """For a batch of 3, of 1 and of 3 again: the promised shape, the dtype, and equal rows for equal samples."""
    x = placeholder(as_dtype("float32"), (None, *shape))
    with StepScope():
        y = layer(x, training=training)
    promised = y.shape.as_list()
    assert y.dtype.name == layer.compute_dtype == "float32"
    assert layer.compute_output_shape((None, *shape)) == tuple(promised)
    run = make_run(y, [x], layer.weights)
    samples = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    whole = run(samples)
    for batch, value in ((samples, whole), (samples[:1], run(samples[:1]))):
        assert value.dtype == np.float32
        assert value.shape == (len(batch), *promised[1:])
    if not training:
        np.testing.assert_allclose(run(samples[:1]), whole[:1], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(run(samples), whole)


def check_eager(layer: Any, copy: Any, shape: tuple[int, ...]) -> None:
    """Where operations run at once the layer gives what a graph does, in training and otherwise, and so does a copy
    that was built there and is given its weights."""
    samples = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    x = placeholder(as_dtype("float32"), (None, *shape))
    seeds = [(inner, vars(inner).get("_next_seed")) for inner in layer._all_layers()]  # some count their drawings
    wanted = []
    for training in (False, True):
        with StepScope():
            y = layer(x, training=training)
        wanted.append(reference_run(y, [x], layer.weights)(samples))
    for inner, seed in seeds:
        inner._next_seed = seed
    with graphflow.eager():
        copy(samples)
        copy.set_weights(layer.get_weights())
        values = [copy(samples, training=False), layer(samples, training=False), layer(samples, training=True)]
    for value, want in zip(values, [wanted[0], *wanted], strict=True):
        np.testing.assert_allclose(value.numpy(), want, rtol=1e-5, atol=1e-6)


def check_gradient(layer: Any, shape: tuple[int, ...], training: bool, make_run: Callable[..., Run]) -> None:
    """Gradients of a weighted sum of the output, for the input and every trainable weight, in float64."""
    rng = np.random.default_rng(1)
    x = placeholder(as_dtype("float64"), (None, *shape))
    with StepScope():
        y = layer(x, training=training)
        weighted = placeholder(as_dtype("float64"), y.dims)
        total = reduce_sum(y * weighted)
        weights = layer.trainable_weights
        grads = gradients(total, [x, *weights])
    point = rng.normal(size=(2, *shape))
    for weight in weights:
        weight.assign(rng.normal(size=weight.shape) * 0.5)
    weighting = rng.normal(size=make_run(y, [x], layer.weights)(point).shape)
    value = make_run(total, [x, weighted], layer.weights)
    computed = make_run(grads, [x, weighted], layer.weights)(point, weighting)
    with graphflow.eager(), graphflow.GradientTape() as tape:
        tape.watch(at_once := graphflow.constant(point))
        loss = reduce_sum(layer(at_once, training=training) * weighting)
        for one, grad in zip(tape.gradient(loss, [at_once, *weights]), computed, strict=True):
            np.testing.assert_allclose(one.numpy(), grad, rtol=1e-6, atol=1e-9)

    def slope(move: Any) -> float:
        move(STEP)
        above = value(point, weighting)
        move(-2 * STEP)
        below = value(point, weighting)
        move(STEP)
        return float(above - below) / (2 * STEP)

    for index in sample_indices(point.shape, rng):
        def move_input(step: float, index: Any = index) -> None:
            point[index] += step
        np.testing.assert_allclose(slope(move_input), computed[0][index], rtol=1e-4, atol=1e-6)
    for weight, grad in zip(weights, computed[1:], strict=True):
        current = weight.numpy()
        for index in sample_indices(weight.shape, rng):
            def move_weight(step: float, index: Any = index, weight: Any = weight, current: Any = current) -> None:
                current[index] += step
                weight.assign(current)
            np.testing.assert_allclose(slope(move_weight), grad[index], rtol=1e-4, atol=1e-6)


def sample_indices(shape: tuple[int, ...], rng: Any, count: int = 5) -> list[tuple[int, ...]]:
    return [tuple(int(rng.integers(d)) for d in shape) for _ in range(count)]
