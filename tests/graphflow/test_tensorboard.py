"""What summaries, FileWriter and the Keras callback write, asked of a TensorBoard server."""
from __future__ import annotations

import json
import logging
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from graphflow.compiler.ops.summary import messages

import graphflow as tf
from graphflow.summary.event_file import EventFile

pytest.importorskip("tensorboard")


class Server:
    """A TensorBoard server on a free port, in a thread of this process."""

    def __init__(self, folder: Path):
        messages()  # so that it does not look for TensorFlow
        from tensorboard import default, program
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        board = program.TensorBoard(default.get_plugins())
        board.configure(argv=[None, "--logdir", str(folder), "--host", "127.0.0.1", "--port", "0", "--load_fast",
                              "false", "--reload_interval", "1"])
        self.url = board.launch()

    def text(self, path: str, **query: str) -> str:
        url = f"{self.url}data/plugin/{path}?{urllib.parse.urlencode(query)}"
        for _ in range(60):  # while it reads the files
            try:
                return urllib.request.urlopen(url, timeout=10).read().decode()
            except urllib.error.HTTPError:
                time.sleep(0.1)
        raise AssertionError(url)

    def wait_for(self, read: Callable[[], bool]) -> None:
        for _ in range(100):
            if read():
                return
            time.sleep(0.1)
        raise AssertionError("the server has not read the files")

    def json(self, path: str, **query: str):
        return json.loads(self.text(path, **query))


def program(folder: Path) -> None:
    """A TensorFlow 1 program with all kinds of summaries."""
    with tf.name_scope("input"):
        x = tf.placeholder(tf.float32, [None, 4, 4, 1], name="x")
    w = tf.get_variable("weights", [16, 2], initializer=tf.ones_initializer())
    with tf.name_scope("model"):
        y = tf.matmul(tf.reshape(x, [-1, 16]), w)
        _, y = tf.while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, v * 0.5), [0, y], name="halve")
    with tf.control_dependencies([y]):
        loss = tf.reduce_mean(y, name="mean")
    tf.summary.scalar("loss", loss)
    tf.summary.histogram("y", y)
    tf.summary.image("x", x, max_outputs=1)
    tf.summary.text("note", tf.constant("**bold**"))
    tf.summary.audio("sound", tf.zeros([1, 8]), 8000, max_outputs=1)
    summaries = tf.summary.merge_all()
    with tf.Session() as session, tf.summary.FileWriter(folder, session.graph) as writer:
        session.run(w.initializer)
        for step in range(2):
            metadata = tf.RunMetadata()
            options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            result = session.run(summaries, {x: np.full([1, 4, 4, 1], step + 1)}, options, metadata)
            writer.add_summary(result, step)
            writer.add_run_metadata(metadata, f"step{step}", step)
        writer.add_session_log(tf.summary.SessionLog(status=tf.summary.SessionLog.STOP), 2)
        with pytest.raises(ValueError, match="already used"):
            writer.add_run_metadata(metadata, "step0")


def keras_program(folder: Path) -> None:
    keras = tf.keras
    model = keras.Sequential([keras.Input((3,)), keras.layers.Embedding(5, 2, name="words"), keras.layers.Flatten(),
                              keras.layers.Dense(1, name="out")], name="net")
    model.compile("sgd", "mse")
    board = keras.callbacks.TensorBoard(
        folder, histogram_freq=1, write_images=True, write_steps_per_second=True, update_freq="batch",
        profile_batch="2,3", embeddings_freq=1, embeddings_metadata={"words": "labels.tsv"})
    x, y = np.arange(12).reshape(4, 3) % 5, np.ones((4, 1))
    model.fit(x, y, batch_size=2, epochs=2, validation_data=(x, y), callbacks=[board], verbose=0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_server_shows_what_was_written(tmp_path):
    program(tmp_path / "graph")
    keras_program(tmp_path / "keras")
    server = Server(tmp_path)
    server.wait_for(lambda: len(server.json("scalars/scalars", tag="epoch_loss", run="keras/train")) == 2)
    server.wait_for(lambda: len(server.json("scalars/scalars", tag="epoch_loss", run="keras/validation")) == 2)
    server.wait_for(lambda: "step1" in server.json("graphs/info").get("graph", {"tags": ()})["tags"])
    run = {"run": "graph"}
    assert [point[1:] for point in server.json("scalars/scalars", tag="loss", **run)] == [[0, 4], [1, 8]]
    assert len(server.json("histograms/histograms", tag="y", **run)) == 2
    picture, = [server.json("images/images", tag="x/image", sample="0", **run)[0]]
    url = f"{server.url}data/plugin/images/individualImage?{picture['query']}"
    assert urllib.request.urlopen(url).read()[1:4] == b"PNG"
    assert "<strong>bold</strong>" in server.json("text/text", tag="note", **run)[0]["text"]
    assert "sound/audio" in server.json("audio/tags")["graph"]
    graph = server.text("graphs/graph", **run)
    for part in ('name: "input/x"', 'input: "^model/halve/', 'op: "MatMul"', "_output_shapes", "halve_While_body",
                 "library {", "test_tensorboard.py"):
        assert part in graph, part
    stats = server.text("graphs/run_metadata", tag="step1", **run)
    assert "model/" in stats and "all_end_rel_micros" in stats and "shape {" in stats

    runs = server.json("scalars/tags")
    train, validation = runs["keras/train"], runs["keras/validation"]
    assert set(train) == {"epoch_loss", "epoch_learning_rate", "epoch_steps_per_second", "batch_loss",
                          "batch_steps_per_second"}
    assert set(validation) == {"epoch_loss", "evaluation_loss_vs_iterations"}
    train_run = {"run": "keras/train"}
    assert [p[1] for p in server.json("scalars/scalars", tag="batch_loss", **train_run)] == [1, 2, 3, 4]
    assert "net/words/embeddings/histogram" in server.json("histograms/tags")["keras/train"]
    assert "net/out/kernel/image" in server.json("images/tags")["keras/train"]
    assert 'name: "train_step/' in server.text("graphs/graph", **train_run)
    assert 'input: "net/words"' in server.text("graphs/graph", tag="keras", conceptual="true", **train_run)
    assert "train_step/" in server.text("graphs/run_metadata", tag="batch_3", **train_run)
    assert 'metadata_path: "labels.tsv"' in (tmp_path / "keras" / "projector_config.pbtxt").read_text()
    assert np.loadtxt(tmp_path / "keras" / "train" / "words.tsv").shape == (5, 2)
    assert list((tmp_path / "keras").glob("train/plugins/profile/*/local.trace.json.gz"))
    assert list((tmp_path / "keras").glob("train/keras_embedding.ckpt-1.weights.h5"))


# writing

def records(folder):
    return [event for path in sorted(folder.iterdir()) for event in tf.train.summary_iterator(path)]


def test_a_writer_is_closed_and_reopened(tmp_path):
    writer = tf.summary.FileWriter(tmp_path, filename_suffix=".mine")
    writer.close()
    with pytest.warns(UserWarning, match="closed FileWriter"):
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.)]), 1)
    writer.reopen()
    writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="b", simple_value=2.)]), 3)
    writer.close()
    assert [path.suffix for path in tmp_path.iterdir()] == [".mine"] * 2
    events = records(tmp_path)
    assert [e.file_version for e in events if e.file_version] == ["brain.Event:2"] * 2
    assert [(e.step, e.summary.value[0].tag) for e in events if e.HasField("summary")] == [(3, "b")]


def test_graphs_of_all_kinds_are_written(tmp_path, graph):
    tf.identity(tf.constant(1., name="one"), name="same")
    with tf.Session() as session, tf.summary.FileWriter(tmp_path, session.graph_def) as writer:
        writer.add_graph(graph)
        writer.add_meta_graph(tf.train.export_meta_graph())
        with pytest.raises(TypeError, match="must be an instance"):
            writer.add_graph(3)
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    graphs = [GraphDef.FromString(e.graph_def) for e in records(tmp_path) if e.HasField("graph_def")]
    assert [[n.name for n in g.node] for g in graphs] == [["one", "same"]] * 3
    assert graphs[0].node[0].attr["value"].tensor.float_val == [1.]


def test_values_are_written_at_once_as_in_tensorflow_2(tmp_path):
    summary = tf.summary
    assert summary.scalar("early", data=1., step=0) is False
    writer = summary.create_file_writer(tmp_path)
    with writer.as_default(step=4):
        assert summary.scalar("a", 1.5) and summary.scalar("a", data=2.5, step=5)
        summary.histogram("h", np.arange(60.), buckets=3)
        summary.image("i", np.ones([1, 2, 3, 1]))
        with summary.record_if(False):
            assert not summary.text("t", "unseen")
        with tf.name_scope("scope"):
            summary.text("t", "seen")
        with pytest.raises(TypeError, match="no value here"):
            summary.scalar("graph", tf.constant(1.))
    writer.close()
    assert summary.scalar("late", tf.constant(1.)).dtype == tf.string
    found = {(v.tag, e.step): (v.metadata.plugin_data.plugin_name, tf.make_ndarray(v.tensor))
             for e in records(tmp_path) for v in e.summary.value}
    assert found["a", 4] == ("scalars", 1.5) and found["a", 5] == ("", 2.5)  # a tag's plugin is told once
    np.testing.assert_allclose(found["h", 4][1], [[0, 59 / 3, 20], [59 / 3, 118 / 3, 20], [118 / 3, 59, 20]])
    assert list(found["i", 4][1][:2]) == [b"3", b"2"] and found["scope/t", 4][1].item() == b"seen"


def test_a_trace_holds_graph_and_times(tmp_path):
    x = tf.placeholder(tf.float32, [2], name="x")
    y = tf.exp(x, name="y")
    with tf.Session() as session, tf.summary.create_file_writer(tmp_path).as_default():
        tf.summary.trace_on()
        session.run(y, {x: [0., 1.]})
        tf.summary.trace_export("run", step=1)
        with pytest.raises(ValueError, match="trace_on"):
            tf.summary.trace_export("again", step=2)
    value, = [v for event in records(tmp_path) for v in event.summary.value]
    from tensorboard.compat.proto.config_pb2 import RunMetadata
    metadata = RunMetadata.FromString(tf.make_ndarray(value.tensor).item())
    assert value.metadata.plugin_data.plugin_name == "graph_run_metadata"
    assert [n.name for n in metadata.function_graphs[0].pre_optimization_graph.node] == ["x", "y"]
    assert [n.node_name for n in metadata.step_stats.dev_stats[0].node_stats] == ["y"]


def test_where_nothing_can_be_written_one_warning_says_so(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    summary = tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with tf.summary.FileWriter(tmp_path / "file" / "logs") as writer:  # in a file
            for step in range(3):
                writer.add_summary(summary, step)
            writer.flush()
        full = EventFile.__init__

        def on_a_full_disk(self, folder, *options):
            full(self, folder, *options)
            self._file.close()
            self._file = open("/dev/full", "wb")

        if Path("/dev/full").exists():
            monkeypatch.setattr(EventFile, "__init__", on_a_full_disk)
            with tf.summary.FileWriter(tmp_path / "full") as writer:
                writer.add_summary(summary, 1)
            assert "No space left" in str(caught[1].message)
    assert "cannot be written" in str(caught[0].message) and len(caught) == 1 + Path("/dev/full").exists()


def test_training_goes_on_where_the_callback_cannot_write(tmp_path):
    keras = tf.keras
    (tmp_path / "file").write_text("")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    board = keras.callbacks.TensorBoard(tmp_path / "file", histogram_freq=1, embeddings_freq=1)
    with pytest.warns(UserWarning, match="cannot"):
        history = model.fit(np.ones((2, 2)), np.ones((2, 1)), epochs=2, callbacks=[board], verbose=0)
    assert len(history.history["loss"]) == 2


def test_bad_arguments_of_the_callback(tmp_path):
    board = tf.keras.callbacks.TensorBoard
    for bad in (-1, (3, 2), "a,b", None):
        with pytest.raises(ValueError):
            board(tmp_path, profile_batch=bad)
    with pytest.raises(TypeError, match="unexpected"):
        board(tmp_path, frequency=1)
    model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="Unrecognized `Embedding`"):
        board(tmp_path, embeddings_freq=1, embeddings_metadata={"dense": "x"}).set_model(model)
