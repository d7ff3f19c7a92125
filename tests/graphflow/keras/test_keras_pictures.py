"""Pictures of models: by layers as Keras's plot_model, and as the graph of their operations."""
from __future__ import annotations

import base64
import re
import sys
import xml.etree.ElementTree as ET

import pytest

import graphflow as tf
from graphflow import keras
from graphflow.keras import layers
from graphflow.keras.utils import model_to_dot, plot_model

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def model(graph):
    """A residual block, a model within the model, and two outputs."""
    x = layers.Input((4,), name="x")
    h = layers.Dense(4, activation="relu", name="first")(x)
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(3, trainable=False, name="deep"),
                              layers.Dropout(0.5, name="drop")], name="inner")
    y = inner(layers.Add(name="sum")([h, x]))
    return keras.Model(x, [layers.Dense(2, name="a")(y), layers.Dense(1, name="b")(y)], name="outer")


def texts(path) -> list[str]:
    return [t.text for t in ET.parse(path).iter(SVG + "text")]


def test_plot_model_shows_what_is_asked_for(model, tmp_path):
    path = tmp_path / "m.svg"
    plot_model(model, to_file=path)
    assert sorted(texts(path)) == ["Add", "Dense", "Dense", "Dense", "InputLayer", "Sequential"]
    plot_model(model, str(path), show_shapes=True, show_dtype=True, show_layer_names=True, expand_nested=True,
               show_layer_activations=True, show_trainable=True)
    shown = texts(path)
    for text in ("x (InputLayer)", "first (Dense)", "Activation: relu", "deep (Dense)", "drop (Dropout)", "inner",
                 "Input shape: [(None, 4), (None, 4)]", "Output shape: (None, 1)", "Output dtype: float32", "Trainable",
                 "Non-trainable"):
        assert text in shown
    assert shown.count("Trainable") == 3 and "inner (Sequential)" not in shown
    assert "Input shape: (None, 4)" in shown and shown.count("Output shape: (None, 3)") == 2


def test_plot_model_leads_down_or_to_the_right(model, tmp_path):
    def middles(**kwargs):
        plot_model(model, tmp_path / "m.svg", show_layer_names=True, **kwargs)
        return {t.text: (float(t.get("x")), float(t.get("y"))) for t in ET.parse(tmp_path / "m.svg").iter(SVG + "text")}
    order = ["x (InputLayer)", "first (Dense)", "sum (Add)", "deep (Dense)", "drop (Dropout)", "a (Dense)"]
    for axis, found in ((1, middles(expand_nested=True)), (0, middles(expand_nested=True, rankdir="LR"))):
        along = [found[name][axis] for name in order]
        assert along == sorted(along) and len(set(along)) == len(along)
    with pytest.raises(ValueError, match="expected rankdir 'TB' or 'LR', received 'up'"):
        plot_model(model, tmp_path / "m.svg", rankdir="up")


def test_plot_model_writes_pictures(model, tmp_path):
    sizes = []
    for name, dpi in (("m.png", 50), ("m", 100)):
        plot_model(model, tmp_path / name, dpi=dpi)
        data = (tmp_path / name).read_bytes()
        assert data.startswith(b"\x89PNG")
        sizes.append(int.from_bytes(data[16:20], "big"))
    assert 1.9 < sizes[1] / sizes[0] < 2.1
    plot_model(model, tmp_path / "m.pdf")
    assert (tmp_path / "m.pdf").read_bytes().startswith(b"%PDF")


def test_plot_model_raises_as_keras(model, tmp_path):
    with pytest.raises(ValueError, match="This model has not yet been built"):
        plot_model(keras.Sequential([layers.Dense(1)]), tmp_path / "m.svg")
    with pytest.raises(ValueError, match="`layer_range` is no longer supported"):
        plot_model(model, tmp_path / "m.svg", layer_range=["a", "b"])
    with pytest.raises(ValueError, match="Unrecognized keyword arguments: {'colour': 1}"):
        plot_model(model, tmp_path / "m.svg", colour=1)


def test_a_subclassed_model_is_one_box(graph, tmp_path):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = layers.Dense(2)

        def call(self, x):
            return tf.nn.relu(self.dense(x))

    model = Own()
    assert model._repr_mimebundle_() == {}
    with pytest.raises(ValueError, match="'own' cannot be drawn: it has not been built"):
        model.svg()
    model.build((None, 3))
    plot_model(model, tmp_path / "m.svg", show_layer_names=True)
    assert texts(tmp_path / "m.svg") == ["own (Own)"]
    shown = [t.text for t in ET.fromstring(model.svg()).iter(SVG + "text")]
    assert "Relu" in shown and "dense" in shown and "RandomUniform" not in shown


def test_missing_packages_are_named(model, tmp_path, monkeypatch):
    for missing in ("matplotlib.figure", "pydot"):
        monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"needs matplotlib: pip install graphflow\[draw\]"):
        plot_model(model, tmp_path / "m.png")
    with pytest.raises(ImportError, match=r"install pydot .*graphflow\[draw\]"):
        model_to_dot(model)


def test_model_to_dot(model):
    dot = model_to_dot(model, show_shapes=True, rankdir="LR", dpi=70)
    assert dot.get("rankdir") == "LR" and dot.get("dpi") == 70 and dot.get("splines") == "ortho"
    labels = {node.get_name(): node.get("label") for node in dot.get_nodes() if node.get("label")}
    first, = (name for name, label in labels.items() if "<b>first</b> (Dense)" in label)
    total, = (name for name, label in labels.items() if "<b>sum</b> (Add)" in label)
    assert "Input shape: <b>(None, 4)</b>" in labels[first] and 'bgcolor="black"' in labels[first]
    edges = [(e.get_source(), e.get_destination()) for e in dot.get_edges()]
    assert (first, total) in edges and len(edges) == 6 and len(labels) == 6
    nested = model_to_dot(model, expand_nested=True)
    cluster, = nested.get_subgraphs()
    assert cluster.get("label") == "inner" and len(cluster.get_nodes()) == 2
    assert len(nested.get_edges()) == 7
    assert model_to_dot(model, subgraph=True).get("label") == "outer"


def test_dots_draw_themselves_without_graphviz(model, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    dot = model_to_dot(model, show_layer_names=False, dpi=40)
    shown = [t.text for t in ET.fromstring(dot.create(prog="dot", format="svg")).iter(SVG + "text")]
    assert sorted(shown) == ["Add", "Dense", "Dense", "Dense", "InputLayer", "Sequential"]
    dot.write_png(tmp_path / "m.png")
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


def test_models_draw_their_operations(model, tmp_path):
    bundle = model._repr_mimebundle_()
    assert bundle["text/plain"] == repr(model) and bundle["image/svg+xml"] == model.svg()
    still, = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', bundle["text/html"])
    shown = [t.text for t in ET.fromstring(base64.b64decode(still)).iter(SVG + "text")]
    assert {"first", "MatMul", "AddV2", "Relu"} <= set(shown)
    assert "RandomUniform" not in shown  # that of initial values is no part of the model
    model.save(tmp_path / "m.html")
    assert (tmp_path / "m.html").read_text() == model.html()


def test_a_training_step_has_scopes_of_its_parts(graph):
    model = keras.Sequential([layers.Input((2,)), layers.Dense(1, name="d")], name="s")
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit([[1.0, 2.0]], [[1.0]], verbose=0)
    scopes = {op.name.split("/")[1] for op in model.graph.operations if op.name.startswith("train_step/")}
    assert {"s", "mse", "gradients", "sgd", "mae", "updates"} <= scopes


def test_summary_of_no_layers_and_of_a_range(model):
    lines: list[str] = []
    keras.Sequential(name="empty").summary(print_fn=lines.append, line_length=88)
    assert [line[0] for line in lines[0].splitlines()[:5]] == ["M", "┏", "┃", "┡", "└"]
    model.summary(print_fn=lines.append, layer_range=["first", "su."])
    shown = re.findall(r"^│ (\w+) \(", lines[1], re.M)
    assert shown == ["first", "sum"]
    for wrong, error in ((["a"], r"length 2\. .* \['a'\] of length 1"), (["a", 1], "string type only"),
                         (["a", "none"], "do not match the layer names")):
        with pytest.raises(ValueError, match=error):
            model.summary(layer_range=wrong)
