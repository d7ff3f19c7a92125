"""Layouts over the one device."""
from __future__ import annotations

import numpy as np
import pytest

from graphflow import keras


def test_one_device_holds_everything():
    distribution = keras.distribution.DataParallel(devices=keras.distribution.list_devices())
    with distribution.scope():
        assert keras.distribution.distribution() is distribution
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert keras.distribution.distribution() is None
    assert distribution.get_data_layout((8, 2)).axes == ("batch", None)
    assert distribution.get_variable_layout(model.weights[0]).axes == (None, None)
    assert keras.distribution.get_device_count("gpu") == 0


def test_layouts_are_found_by_path():
    mesh = keras.distribution.DeviceMesh((1, 1), ["batch", "model"])
    layouts = keras.distribution.LayoutMap(mesh)
    layouts[".*dense.*kernel"] = (None, "model")
    parallel = keras.distribution.ModelParallel(layout_map=layouts)
    assert parallel.get_tensor_layout("a/dense_1/kernel").axes == (None, "model")
    assert parallel.get_tensor_layout("a/bias") is None and parallel.num_model_replicas == 1
    with pytest.raises(ValueError, match="Invalid axis names"):
        layouts["x"] = ("rows",)
    layouts["a/d.*"] = (None, None)
    with pytest.raises(ValueError, match="multiple layout"):
        layouts["a/dense_1/kernel"]


def test_more_devices_are_refused():
    with pytest.raises(ValueError, match="one device"):
        keras.distribution.DataParallel(devices=["cpu:0", "cpu:1"])
    with pytest.raises(ValueError, match="does not match the number"):
        keras.distribution.DeviceMesh((2,), ["batch"])
