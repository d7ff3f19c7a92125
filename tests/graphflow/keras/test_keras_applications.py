"""Applications: Keras's layers and weights, by digests of its tables; inputs, predictions, errors."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphflow import keras
from graphflow.keras.applications import imagenet_utils

# (digest of Keras's names, classes, output shapes and parameter counts, all parameters, trainable ones)
TABLES: list[tuple[str, dict[str, Any], str, int, int]] = [
    ("VGG19", {}, "61c86dbe", 143667240, 143667240),
    ("VGG19", {"include_top": False, "pooling": "avg"}, "c409c4bc", 20024384, 20024384),
    ("ResNet50", {}, "1454cd31", 25636712, 25583592),
    ("ResNet50", {"include_top": False, "pooling": "max", "input_shape": (64, 64, 3)}, "ddd4f740", 23587712, 23534592),
    ("MobileNet", {"alpha": 0.5, "include_top": False, "pooling": "avg", "input_shape": (128, 128, 3)}, "b999b69a",
     829536, 818592),
    ("MobileNet", {"input_shape": (160, 160, 3), "classes": 7, "dropout": 0.3}, "5554ac5a", 3236039, 3214151),
    ("MobileNetV2", {}, "e19c03b7", 3538984, 3504872),
    ("MobileNetV2", {"alpha": 0.35, "include_top": False, "input_shape": (97, 65, 3)}, "a0cd10b7", 410208, 396128),
    ("MobileNetV3Large", {"minimalistic": True}, "e2998939", 3948688, 3924288),
    ("MobileNetV3Small", {"alpha": 0.75, "include_top": False, "pooling": "avg", "input_shape": (65, 64, 3),
                          "include_preprocessing": False}, "e3ab2676", 583160, 573480),
    ("InceptionV3", {"include_top": False, "pooling": "avg"}, "f393b63c", 21802784, 21768352),
    ("Xception", {"include_top": False, "input_shape": (100, 100, 3)}, "c8d98590", 20861480, 20806952),
    ("DenseNet121", {}, "f95c0ea9", 8062504, 7978856),
    ("EfficientNetB0", {}, "4a0d559b", 5330571, 5288548),
    ("EfficientNetB1", {}, "184b9edf", 7856239, 7794184),
    ("EfficientNetV2B0", {"include_preprocessing": False, "input_shape": (64, 64, 1), "classes": 4}, "c7baeda7",
     5923860, 5863252),
    ("ConvNeXtTiny", {}, "bcfbea82", 28589128, 28589128),
]


@pytest.mark.parametrize(("name", "arguments", "digest", "total", "trainable"), TABLES)
def test_layers_are_those_of_keras(name: str, arguments: dict[str, Any], digest: str, total: int, trainable: int
                                   ) -> None:
    model = getattr(keras.applications, name)(weights=None, **arguments)

    def shape(tensor: Any) -> list[int | None]:
        return [None if d is None else int(d) for d in tensor.shape]

    rows = []
    for layer in model.layers:
        shapes = [shape(o) for o in layer.output] if isinstance(layer.output, list) else shape(layer.output)
        rows.append(f"{layer.name}:{type(layer).__name__}:{shapes}:{layer.count_params()}")
    assert hashlib.md5("|".join(rows).encode(), usedforsecurity=False).hexdigest()[:8] == digest
    assert model.count_params() == total
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == trainable


def test_weights_come_from_files_and_inputs_from_tensors(tmp_path: Path) -> None:
    arguments = {"alpha": 0.25, "input_shape": (32, 32, 3), "classes": 3}
    model = keras.applications.MobileNet(weights=None, **arguments)
    model.save_weights(tmp_path / "m.h5")
    again = keras.applications.MobileNet(weights=str(tmp_path / "m.h5"), **arguments)
    for own, loaded in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(own, loaded)
    image = keras.Input((32, 32, 3), name="image")
    body = keras.applications.MobileNet(alpha=0.25, weights=None, include_top=False, input_tensor=image * 2.0,
                                        input_shape=(32, 32, 3), pooling="avg", name="body")
    assert body.name == "body" and body.inputs[0] is image and body.output_shape == (None, 256)


def test_arguments_that_do_not_fit() -> None:
    vgg = keras.applications.VGG16
    for arguments, message in (({"weights": "none.h5"}, "path to the weights file"),
                               ({"classes": 10}, "`classes` should be 1000"),
                               ({"weights": None, "input_shape": (16, 64, 3)}, "at least 32x32"),
                               ({"weights": None, "input_shape": (None, None, 3)}, "static `input_shape`"),
                               ({"input_shape": (64, 64, 3)}, r"should be \(224, 224, 3\)"),
                               ({"weights": None, "input_shape": (64, 64)}, "three integers")):
        with pytest.raises(ValueError, match=message):
            vgg(**arguments)
    with pytest.raises(ValueError, match="Only `None` and `softmax`"):
        keras.applications.MobileNetV2(classifier_activation="relu")
    with pytest.warns(UserWarning, match="input_shape with 5 input channels"):
        keras.applications.ResNet50(weights=None, include_top=False, input_shape=(32, 32, 5))


def test_offline_one_error_names_file_url_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise OSError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("graphflow.keras.utils.io_utils._download", refuse)
    with pytest.raises(OSError) as error:
        keras.applications.MobileNet(alpha=0.25, input_shape=(128, 128, 3), include_top=False)
    assert str(error.value).startswith(
        "Cannot download https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/"
        f"mobilenet_2_5_128_tf_no_top.h5 (no network). To work without a network, put the file at {tmp_path}/models/")


@pytest.mark.parametrize(("mode", "expected"), [("tf", [-0.92157, -0.84314, -0.76471]),
                                                ("torch", [-1.94667, -1.68557, -1.28157]),
                                                ("caffe", [-73.939, -96.779, -113.68])])
def test_preprocess_input(mode: str, expected: list[float]) -> None:
    image = np.tile(np.array([10, 20, 30], np.uint8), (2, 4, 5, 1))
    last = imagenet_utils.preprocess_input(image, "channels_last", mode)
    assert last.dtype == np.float32
    np.testing.assert_allclose(last[1, 3, 4], expected, rtol=1e-5)
    first = imagenet_utils.preprocess_input(np.moveaxis(image, -1, 1), "channels_first", mode)
    np.testing.assert_allclose(first[1, :, 3, 4], expected, rtol=1e-5)
    tensor = imagenet_utils.preprocess_input(keras.ops.convert_to_tensor(image), mode=mode)
    np.testing.assert_allclose(keras.backend.eval(tensor), last, rtol=1e-5)
    with pytest.raises(ValueError, match="Expected mode"):
        imagenet_utils.preprocess_input(image, mode="none")


def test_decode_predictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("graphflow.keras.utils.io_utils.hash_file", lambda *_: imagenet_utils.CLASS_INDEX_MD5)
    (tmp_path / "models").mkdir()
    names = {str(i): [f"n{i:04}", f"name {i}"] for i in range(1000)}
    (tmp_path / "models" / "imagenet_class_index.json").write_text(json.dumps(names))
    imagenet_utils._class_index.cache_clear()
    scores = np.zeros((1, 1000), np.float32)
    scores[0, [7, 3]] = 0.5, 0.25
    decoded = keras.applications.vgg16.decode_predictions(scores, top=2)
    imagenet_utils._class_index.cache_clear()
    assert decoded == [[("n0007", "name 7", 0.5), ("n0003", "name 3", 0.25)]]
    with pytest.raises(ValueError, match="expects a batch of predictions"):
        keras.applications.vgg16.decode_predictions(scores[:, :10])
