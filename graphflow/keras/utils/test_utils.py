"""Keras 2's helpers for tests of layers and of saving."""
from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

import numpy as np

from .. import backend
from ..layers import Input
from ..models import Model
from .generic_utils import has_arg


def get_test_data(num_train: int = 1000, num_test: int = 500, input_shape: tuple[int, ...] = (10,),
                  output_shape: tuple[int, ...] = (2,), classification: bool = True, num_classes: int = 2) -> Any:
    """((x, y) to train on, (x, y) to test with): normal samples around their class, or around a number in [0, 1)."""
    samples = num_train + num_test
    centres = np.random.randint(0, num_classes, size=(samples,)) if classification else np.random.random((samples,))

    def drawn(shape: tuple[int, ...]) -> np.ndarray:
        around = centres.reshape(-1, *(1,) * len(shape))
        return np.random.normal(around, 0.7, (samples, *shape)).astype(np.float32)

    x, y = drawn(input_shape), centres if classification else drawn(output_shape)
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:])


def layer_test(layer_cls: Any, kwargs: dict[str, Any] | None = None, input_shape: Any = None,
               input_dtype: Any = None, input_data: Any = None, expected_output: Any = None,
               expected_output_dtype: Any = None, fixed_batch_size: bool = False) -> np.ndarray:
    """Check a layer of one input and one output: weights, shapes, dtype, configs, training. Returns the output.

    Raises AssertionError where it does not hold what it promises.
    """
    if input_data is None:
        sizes = [np.random.randint(1, 4) if d is None else d for d in input_shape]
        input_data = (10 * np.random.random(sizes)).astype(input_dtype or backend.floatx())
    shape = input_data.shape if input_shape is None else tuple(input_shape)
    dtype = np.dtype(input_dtype or input_data.dtype).name
    layer = layer_cls(**(kwargs or {}))
    layer.set_weights(layer.get_weights())
    promised = layer.compute_output_shape(shape)
    x = Input(batch_shape=shape, dtype=dtype) if fixed_batch_size else Input(shape=shape[1:], dtype=dtype)
    y = layer(x)
    assert backend.dtype(y) == (expected_output_dtype or dtype)
    model = Model(x, y)
    output = model.predict(input_data, verbose=0)
    assert all(a is None or a == b for a, b in zip(promised, output.shape, strict=False)), (promised, output.shape)
    if expected_output is not None:
        np.testing.assert_allclose(output, expected_output, rtol=1e-3)
    copy = model.__class__.from_config(model.get_config())
    if model.weights:
        copy.set_weights(model.get_weights())
        np.testing.assert_allclose(copy.predict(input_data, verbose=0), output, rtol=1e-3)
    if has_arg(layer.call, "training"):
        model.compile("rmsprop", "mse")
        model.train_on_batch(input_data, output)
    layer.__class__.from_config({**layer.get_config(), "batch_input_shape": shape})
    return output


class tf_file_io_proxy:  # noqa: N801 (Keras's name)
    """A folder that stands for a bucket of files while the context is entered."""

    def __init__(self, file_io_module: str | None = None, bucket_name: str | None = None):
        self.bucket_name = bucket_name or "mock-bucket"
        self._folder: str | None = None

    @property
    def bucket_path(self) -> str:
        """Where the files are. Raises RuntimeError outside the context."""
        if self._folder is None:
            raise RuntimeError("tf_file_io_proxy is not started")
        return os.path.join(self._folder, self.bucket_name)

    def get_filepath(self, filename: str) -> str:
        """The path of a file of the bucket."""
        return os.path.join(self.bucket_path, filename)

    def file_exists(self, filename: str) -> bool:
        """Whether there is such a file."""
        return os.path.exists(filename)

    def delete_file(self, filename: str) -> None:
        """Remove a file."""
        os.remove(filename)

    def assert_exists(self, filepath: str) -> None:
        """Raises AssertionError where there is no such file."""
        if not self.file_exists(filepath):
            raise AssertionError(f"{filepath} does not exist")

    def start(self) -> None:
        """Make the folder. Raises RuntimeError when there is one."""
        if self._folder is not None:
            raise RuntimeError("start called on already started tf_file_io_proxy")
        self._folder = tempfile.mkdtemp()
        os.mkdir(self.bucket_path)

    def stop(self) -> None:
        """Remove the folder. Raises RuntimeError when there is none."""
        if self._folder is None:
            raise RuntimeError("stop called on unstarted tf_file_io_proxy")
        shutil.rmtree(self._folder)
        self._folder = None

    def __enter__(self) -> tf_file_io_proxy:
        self.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.stop()
