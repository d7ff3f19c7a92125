"""What Keras's operations give for arrays can be looked at, outside steps and models."""
from __future__ import annotations

import numpy as np
import pytest

from graphflow import keras


def test_operations_on_arrays_give_values():
    x = np.float32([[1.0, -2.0], [3.0, 4.0]])
    y = keras.ops.abs(x) + 1.0
    assert float(keras.ops.sum(keras.ops.square(keras.ops.abs(x)))) == 30.0
    np.testing.assert_array_equal(keras.ops.matmul(keras.ops.transpose(x), x), x.T @ x)
    assert [np.array(v).tolist() for v in keras.ops.top_k(x, 1)] == [[[1.0], [4.0]], [[0], [1]]]
    assert y.shape == (2, 2)
    inputs = keras.Input((2,))
    with pytest.raises(NotImplementedError, match="symbolic"):
        np.array(keras.ops.abs(inputs))


def test_an_operation_that_could_not_be_made_does_not_take_the_names_of_the_next():
    for _ in range(2):
        with pytest.raises(TypeError, match="same dtype"):
            keras.ops.celu(np.arange(3))
        np.testing.assert_allclose(keras.ops.celu(np.float32([1.0, 0.0])), [1.0, 0.0])
