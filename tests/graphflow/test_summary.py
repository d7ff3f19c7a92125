"""Summaries, written to event files and read back with tensorboard's own reader."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

pytest.importorskip("tensorboard")


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0, "histograms": 0})
    accumulator.Reload()
    return accumulator


def parsed(data: bytes):
    return tf.Summary.FromString(data).value


def test_a_training_run_is_read_back(tmp_path, graph):
    x = tf.placeholder(tf.float32, [None], name="x")
    with tf.name_scope("train"):
        tf.summary.scalar("loss", tf.reduce_mean(x))
    tf.summary.histogram("x values", x)
    tf.summary.text("note", tf.constant("**hello**"))
    merged = tf.summary.merge_all()
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path), session.graph) as writer:
        for step in range(3):
            writer.add_summary(session.run(merged, {x: np.arange(4.0) + step}), step)
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="manual", simple_value=7)]), 5)
    events = read(tmp_path)
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [(0, 1.5), (1, 2.5), (2, 3.5)]
    assert [e.value for e in events.Scalars("manual")] == [7]
    histogram = events.Histograms("x_values")[1].histogram_value
    assert (histogram.num, histogram.min, histogram.max, histogram.sum) == (4, 1, 4, 10)
    assert events.Tensors("note")[0].tensor_proto.string_val[0] == b"**hello**"
    nodes = {node.name: node for node in events.Graph().node}
    assert nodes["train/loss"].op == "ScalarSummary" and list(nodes["train/loss"].input)[0] == "train/Mean"
    assert [d.size for d in nodes["x"].attr["_output_shapes"].list.shape[0].dim] == [-1]


def test_tags_are_the_names_of_their_ops():
    assert [tf.summary.scalar("a", 1.0).op.name, tf.summary.scalar("a", 1.0).op.name] == ["a", "a_1"]
    summary = tf.summary.scalar("loss", 1.0, family="f")
    with tf.Session() as session:
        assert parsed(session.run(summary))[0].tag == "f/f/loss"
    assert len(tf.get_collection(tf.GraphKeys.SUMMARIES)) == 3


def test_histogram_buckets():
    values = np.array([-3.0, 0.0, 0.0, 1e-20, 5.0])
    with tf.Session() as session:
        histogram = parsed(session.run(tf.summary.histogram("h", values)))[0].histo
    limits, counts = np.array(histogram.bucket_limit), np.array(histogram.bucket)
    assert counts.sum() == 5 and (np.diff(limits) > 0).all() and len(limits) < 12
    for low, high, count in zip(np.append(-np.inf, limits[:-1]), limits, counts, strict=True):
        assert count == ((values >= low) & (values < high)).sum()
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="Nan"):
        session.run(tf.summary.histogram("nan", [np.nan]))


def test_images_and_sounds():
    pytest.importorskip("PIL")
    import io

    from PIL import Image
    images = np.stack([np.full((2, 3, 1), 0.5), np.linspace(-1, 1, 6).reshape(2, 3, 1)]).astype(np.float32)
    with tf.Session() as session:
        values = parsed(session.run(tf.summary.image("i", images)))
        sound = parsed(session.run(tf.summary.audio("s", np.zeros((1, 10), np.float32), 100, max_outputs=1)))[0]
    assert [v.tag for v in values] == ["i/image/0", "i/image/1"]
    pixels = [np.asarray(Image.open(io.BytesIO(v.image.encoded_image_string))) for v in values]
    assert (pixels[0] == 255).all() and pixels[1][0, 0] == 1 and pixels[1][1, 2] == 255
    assert (sound.tag, sound.audio.length_frames, sound.audio.encoded_audio_string[:4]) == ("s/audio", 10, b"RIFF")


def test_bad_input():
    with pytest.raises(ValueError, match="scalar"):
        tf.summary.scalar("s", [1.0, 2.0])
    with pytest.raises(ValueError, match="channels"):
        tf.summary.image("i", np.zeros((1, 2, 2, 2), np.float32))
    with pytest.raises(ValueError, match="string"):
        tf.summary.text("t", 1.0)
    twice = tf.summary.scalar("s", 1.0)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="Duplicate tag"):
        session.run(tf.summary.merge([twice, twice]))
    assert tf.summary.merge_all("no such collection") is None
