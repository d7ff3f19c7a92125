"""`keras.backend` as Keras 2 has it, and what programs for Keras 1 and 2 say otherwise."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras
from graphflow.keras import backend as K  # noqa: N812 (as programs call it)
from graphflow.keras.legacy.layers import Highway, merge

RNG = np.random.default_rng(0)


def test_every_name_is_there() -> None:
    assert K.backend() == "tensorflow"
    assert all(getattr(K, name) is not None for name in K.__all__)


@pytest.mark.parametrize("shapes,axes,einsum", [
    (((2, 3, 4), (2, 5, 4)), (2, 2), "bij,bkj->bik"), (((2, 3, 4), (2, 4)), (2, 1), "bij,bj->bi"),
    (((2, 4), (2, 4, 3)), (1, 1), "bi,bij->bj"), (((2, 4), (2, 4)), None, "bi,bi->b"),
    (((2, 3, 4, 5), (2, 6, 3, 4)), (2, 3), "bcde,bfgd->bcefg"),
    (((2, 3, 4), (2, 3, 4, 5)), (2, 2), "bij,bkjl->bikl")])  # the axes of size 3 are not samples, as they were in 2.2
def test_batch_dot(shapes: tuple[tuple[int, ...], ...], axes: object, einsum: str) -> None:
    x, y = (RNG.normal(size=s).astype(np.float32) for s in shapes)
    expected = np.einsum(einsum, x, y)
    result = K.eval(K.batch_dot(K.variable(x), K.variable(y), axes))
    np.testing.assert_allclose(result, expected[:, None] if expected.ndim == 1 else expected, rtol=1e-5, atol=1e-6)


def test_bad_batch_dot_and_slice() -> None:
    with pytest.raises(ValueError, match="over axis 0"):
        K.batch_dot(K.ones((2, 3)), K.ones((2, 3)), 0)
    with pytest.raises(ValueError, match="different batch sizes"):
        K.batch_dot(K.ones((2, 3)), K.ones((4, 3)), 1)
    with pytest.raises(ValueError, match="should match"):
        K.slice(K.ones((2, 3)), (0,), (1,))


def test_dot_of_more_axes_and_bias_in_both_layouts() -> None:
    x, y = RNG.normal(size=(2, 3)), RNG.normal(size=(4, 3, 5))
    np.testing.assert_allclose(K.eval(K.dot(K.variable(x), K.variable(y))), np.einsum("ij,kjl->ikl", x, y), rtol=1e-5)
    image, bias = np.zeros((1, 2, 3, 4)), np.arange(2.0)
    first = K.eval(K.bias_add(K.variable(image), K.variable(bias), "channels_first"))
    np.testing.assert_array_equal(first, image + bias[:, None, None])
    with pytest.raises(ValueError, match="bias dimensions"):
        K.bias_add(K.variable(image), K.ones((2, 2)))


@pytest.mark.parametrize("unroll", [False, True])
def test_rnn_with_mask_constants_and_backwards(unroll: bool) -> None:
    x, start, constant = RNG.normal(size=(2, 3, 2)), np.ones((2, 2)), np.full((2, 2), 0.5)
    mask = np.array([[1, 0, 1], [1, 1, 1]])

    def step(now: object, states: list[object]) -> object:
        state = states[0] * 0.5 + now + states[1]  # type: ignore[operator]
        return state, [state]

    state, expected = start.copy(), np.zeros((2, 3, 2))
    for i, t in enumerate([2, 1, 0]):
        state = np.where(mask[:, t, None], state * 0.5 + x[:, t] + constant, state)
        expected[:, i] = state
    last, outputs, states = K.rnn(step, K.variable(x), [K.variable(start)], True, K.variable(mask),
                                  [K.variable(constant)], unroll, 3)
    for tensor, value in ((last, state), (outputs, expected), (states[0], state)):
        np.testing.assert_allclose(K.eval(tensor), value, rtol=1e-5)


def test_function_updates_feeds_and_gradients() -> None:
    x, y = K.variable(2.0), K.placeholder(ndim=1)
    f = K.function([y], [y * x, K.gradients(K.sum(K.square(y) * x), y)[0]], updates=[(x, K.identity(x) + 1)],
                   givens={})
    product, slope = f([np.array([1.0, 3.0])])
    assert product.tolist() == [2, 6] and slope.tolist() == [4, 12]
    assert f([np.array([1.0])])[0].tolist() == [3] and K.get_value(x) == 4
    assert K.function([y], y + 1)(np.ones(2)).tolist() == [2, 2]
    with pytest.raises(ValueError, match="takes 1 inputs"):
        f([1.0, 2.0])
    with pytest.raises(ValueError, match="Invalid argument"):
        K.function([y], [y], colour="red")


def test_learning_phase_of_layers_between() -> None:
    x = keras.Input((100,))
    y = keras.layers.Dropout(0.5)(keras.layers.Lambda(lambda t: K.in_train_phase(t * 2, t))(x))
    f = K.function([x, K.learning_phase()], [y])
    sample = np.ones((1, 100))
    assert (f([sample, 0])[0] == 1).all()
    trained = f([sample, 1])[0]
    assert set(trained.ravel().tolist()) == {0, 4}
    K.set_learning_phase(1)
    try:
        assert K.learning_phase() == 1
        assert K.in_train_phase(1, 2) == 1
    finally:
        K.clear_session()
    with pytest.raises(ValueError, match="0 or 1"):
        K.set_learning_phase(2)


def test_switch_map_and_folds() -> None:
    x = K.variable(np.arange(6.0).reshape(2, 3))
    assert K.eval(K.switch(K.constant(True, "bool"), lambda: x, lambda: x * 2)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert K.eval(K.switch(K.equal(K.constant([0, 1]), 1), x, x * 10)).tolist() == [[0, 10, 20], [3, 4, 5]]
    assert K.eval(K.map_fn(K.sum, x)).tolist() == [3, 12]
    assert K.eval(K.foldr(lambda a, b: a - b, x)).tolist() == [3, 3, 3]


def test_ctc_costs_and_paths() -> None:
    probabilities = np.array([[[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.7, 0.2, 0.1]]], np.float32)
    cost = K.eval(K.ctc_batch_cost(K.constant([[1, 0]]), K.variable(probabilities), K.constant([[3]]),
                                   K.constant([[2]])))
    # paths of three steps for (1, 0): 1-0, 110, 100, -10, 10-
    paths = 0.8 * 0.8 * 0.7 + 0.8 * 0.1 * 0.7 + 0.8 * 0.1 * 0.7 + 0.1 * 0.1 * 0.7 + 0.8 * 0.1 * 0.1
    np.testing.assert_allclose(cost, [[-np.log(paths)]], rtol=1e-4)
    decoded, _ = K.ctc_decode(K.variable(probabilities), K.constant([3]))
    assert K.eval(decoded[0]).tolist() == [[1, 0]]


def test_local_convolution_is_one_of_equal_weights() -> None:
    x, kernel = RNG.normal(size=(2, 4, 5, 3)), RNG.normal(size=(2, 2, 3, 4))
    plain = K.eval(K.conv2d(K.variable(x), K.variable(kernel)))
    repeated = np.repeat(kernel.reshape(1, -1, 4), 12, 0)
    local = K.eval(K.local_conv2d(K.variable(x), K.variable(repeated), (2, 2), (1, 1), (3, 4)))
    np.testing.assert_allclose(local, plain, rtol=1e-4, atol=1e-5)
    moved = np.moveaxis(kernel, 2, 0).reshape(1, -1, 4).repeat(12, 0)
    first = K.eval(K.local_conv2d(K.variable(np.moveaxis(x, 3, 1)), K.variable(moved), (2, 2), (1, 1), None,
                                  "channels_first"))
    np.testing.assert_allclose(np.moveaxis(first, 1, 3), plain, rtol=1e-4, atol=1e-5)


def test_arguments_of_keras_1() -> None:
    with pytest.warns(UserWarning, match="Keras 2 API"):
        old = keras.layers.Convolution2D(5, 3, 3, init="normal", border_mode="same", subsample=(2, 2),
                                         dim_ordering="th", W_regularizer="l1", name="c")
    new = keras.layers.Conv2D(5, (3, 3), kernel_initializer="normal", padding="same", strides=2,
                              data_format="channels_first", kernel_regularizer="l1", name="c")
    assert old.get_config() == new.get_config()
    assert keras.layers.Conv2D(5, 3, 2).strides == (2, 2)  # as Keras 3 reads it
    with pytest.raises(TypeError, match="Stick to the latter"):
        keras.layers.Dense(units=2, output_dim=2)
    a, b = keras.Input((2,)), keras.Input((2,))
    assert merge([a, b], mode="concat").shape[-1] == 4
    assert keras.layers.Dense(1)(Highway()(a)).shape[-1] == 1


def test_models_that_share_a_layer_train_what_they_compiled() -> None:
    optimizer = keras.optimizers.SGD(0.5)
    judge = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    judge.compile(optimizer, "mse")
    maker = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    judge.trainable = False
    both = keras.Sequential([maker, judge])
    both.compile(optimizer, "mse")
    x, y = np.ones((4, 2), np.float32), np.zeros((4, 1), np.float32)
    kernels = [m.layers[0].kernel.numpy() for m in (judge, maker)]
    with pytest.warns(UserWarning, match="Discrepancy"):
        judge.train_on_batch(x, y)
    with pytest.warns(UserWarning, match="Discrepancy"):
        judge.summary(print_fn=str)
    middle = [m.layers[0].kernel.numpy() for m in (judge, maker)]
    both.train_on_batch(x, y)
    after = [m.layers[0].kernel.numpy() for m in (judge, maker)]
    assert (kernels[0] != middle[0]).all() and (kernels[1] == middle[1]).all()
    assert (middle[0] == after[0]).all() and (middle[1] != after[1]).all()
    assert int(optimizer.iterations.numpy()) == 2


def test_updates_of_layers_and_states_of_predictions() -> None:
    x = keras.Input((2,))
    norm = keras.layers.BatchNormalization(momentum=0.5)
    y = norm(x)
    K.function([x], [y], updates=norm.updates)([np.array([[0.0, 2], [2, 6]])])
    np.testing.assert_allclose(norm.moving_mean.numpy(), [0.5, 2])
    counter = keras.Sequential([keras.Input(batch_shape=(1, 1, 1)), keras.layers.SimpleRNN(
        1, "linear", kernel_initializer="ones", recurrent_initializer="ones", stateful=True)])
    one = np.ones((1, 1, 1))
    assert [counter.predict(one, verbose=0).item() for _ in range(3)] == [1, 2, 3]
    counter.reset_states()
    assert counter.predict(one, verbose=0).item() == 1
    assert K.eval(counter.layers[0].states[0]).tolist() == [[1]]


def test_relu_by_its_former_argument():
    with tf.Session():
        assert keras.activations.relu(np.float32([-2, 3]), alpha=0.5).eval().tolist() == [-1, 3]


def test_functions_are_called_without_the_phase() -> None:
    x = K.placeholder((None, 2))
    doubled = K.function([x, K.learning_phase()], [K.in_train_phase(x * 2, x)])
    found = [doubled([np.ones((1, 2)), *phase])[0].tolist() for phase in ((), (0,), (1,))]
    assert found == [[[1, 1]], [[1, 1]], [[2, 2]]]
    with pytest.raises(ValueError, match="takes 2 inputs. Received: 0"):
        doubled([])
