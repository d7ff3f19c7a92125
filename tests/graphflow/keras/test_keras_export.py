"""keras.export: models as graphs with constants, read back as layers."""
import numpy as np
import pytest

from graphflow import Graph, eager, keras
from graphflow.keras import export, layers


def test_an_exported_model_predicts_without_its_code(tmp_path):
    class Doubled(layers.Layer):  # not registered: only its graph is written
        def call(self, x):
            return x * 2

    with Graph().as_default():
        sequences, extra = keras.Input((4, 3)), keras.Input((2,))
        x = layers.Concatenate()([layers.LSTM(3)(sequences), Doubled()(extra)])
        x = layers.Dropout(0.5)(layers.BatchNormalization()(x))
        model = keras.Model([sequences, extra], {"p": layers.Dense(2, "softmax")(x)})
        random = np.random.RandomState(0)
        data = [random.randn(3, 4, 3).astype(np.float32), random.randn(3, 2).astype(np.float32)]
        expected = model.predict(data, verbose=0)["p"]
        model.export(tmp_path / "artifact", verbose=False)
    with Graph().as_default():
        entries = [keras.Input((4, 3)), keras.Input((2,))]
        read = keras.Model(entries, layers.TFSMLayer(tmp_path / "artifact")(entries))
        np.testing.assert_allclose(read.predict(data, verbose=0)["p"], expected, 1e-6)
        single = read.predict([a[:1] for a in data], verbose=0)["p"]  # the batch size is open
        np.testing.assert_allclose(single, expected[:1], 1e-5)
        assert not read.weights


def test_endpoints_of_an_archive(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, use_bias=False)])
    model.set_weights([[[2.0], [3.0]]])
    archive = export.ExportArchive()
    with pytest.raises(ValueError, match="No endpoint"):
        archive.write_out(tmp_path / "a")
    archive.track(model)
    archive.add_endpoint("score", lambda x: model(x) + 1.0, [keras.InputSpec(shape=(None, 2), dtype="float32")])
    with pytest.raises(ValueError, match="already taken"):
        archive.add_endpoint("score", model, [model.input])
    archive.write_out(tmp_path / "a", verbose=False)
    with pytest.raises(ValueError, match="'serve' is not among"):
        layers.TFSMLayer(tmp_path / "a")
    layer = layers.TFSMLayer(tmp_path / "a", call_endpoint="score")
    assert keras.backend.eval(layer(np.ones((1, 2), np.float32))).tolist() == [[6.0]]
    with eager():
        assert layer(np.ones((1, 2), np.float32)).numpy().tolist() == [[6.0]]


def test_other_formats_are_refused(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="onnx"):
        model.export(tmp_path / "a", format="onnx")
    with pytest.raises(ValueError, match="not yet been built"):
        export.ExportArchive().track(layers.Dense(1))
