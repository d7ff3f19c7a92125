"""slim's data sets: records read by queue runners, decoded to items."""
import numpy as np
import pytest

import graphflow as tf

slim = tf.contrib.slim


def write(path, count):
    def feature(kind, values):
        return tf.train.Feature(**{f"{kind}_list": getattr(tf.train, f"{kind.capitalize()}List")(value=values)})

    with tf.Session() as session, tf.python_io.TFRecordWriter(str(path)) as writer:
        for n in range(count):
            image = session.run(tf.image.encode_png(np.full((2, 3, 3), n, np.uint8)))
            writer.write(tf.train.Example(features=tf.train.Features(feature={
                "image/encoded": feature("bytes", [image]), "image/format": feature("bytes", [b"png"]),
                "image/class/label": feature("int64", [n]), "box/ymin": feature("float", [0.1, n]),
                "box/xmin": feature("float", [0.2, n]), "box/ymax": feature("float", [0.3, n]),
                "box/xmax": feature("float", [0.4, n])})).SerializeToString())


@pytest.fixture
def dataset(tmp_path):
    write(tmp_path / "part-0", 3)
    decoder = slim.tfexample_decoder.TFExampleDecoder(
        {"image/encoded": tf.FixedLenFeature((), tf.string, ""),
         "image/format": tf.FixedLenFeature((), tf.string, "png"),
         "image/class/label": tf.FixedLenFeature([], tf.int64, 0),
         **{f"box/{k}": tf.VarLenFeature(tf.float32) for k in ("ymin", "xmin", "ymax", "xmax")}},
        {"image": slim.tfexample_decoder.Image(shape=[2, 3, 3]),
         "label": slim.tfexample_decoder.Tensor("image/class/label"),
         "boxes": slim.tfexample_decoder.BoundingBox(prefix="box/")})
    return slim.dataset.Dataset(str(tmp_path / "part-*"), tf.TFRecordReader, decoder, 3, {"image": "an image"},
                                num_classes=3)


def test_provider_gives_items(dataset):
    provider = slim.dataset_data_provider.DatasetDataProvider(dataset, shuffle=False)
    assert provider.list_items() == ["image", "label", "boxes", "record_key"] and provider.num_samples() == 3
    image, label, boxes = provider.get(["image", "label", "boxes"])
    with tf.Session() as session, slim.queues.QueueRunners(session):
        for n in (0, 1, 2, 0):
            values = session.run([image, label, boxes])
            assert values[0].shape == (2, 3, 3) and (values[0] == n).all() and values[1] == n
            np.testing.assert_allclose(values[2], [[0.1, 0.2, 0.3, 0.4], [n] * 4])
    with pytest.raises(ValueError, match="not found"):
        provider.get(["mask"])


def test_batches_are_prefetched(dataset):
    label, = slim.dataset_data_provider.DatasetDataProvider(dataset, shuffle=False, num_epochs=2).get(["label"])
    batch = tf.train.batch({"label": label}, batch_size=2)
    taken = slim.prefetch_queue.prefetch_queue(batch, capacity=2).dequeue()
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        with slim.queues.QueueRunners(session):
            assert [session.run(taken)["label"].tolist() for _ in range(3)] == [[0, 1], [2, 0], [1, 2]]


def test_no_files(tmp_path):
    with pytest.raises(ValueError, match="No data files found"):
        slim.parallel_reader.parallel_read(str(tmp_path / "none*"), tf.TFRecordReader)


def test_model_analyzer(capsys):
    w = tf.get_variable("w", [2, 3])
    step = tf.get_variable("step", [], tf.int64, tf.zeros_initializer())
    assert slim.model_analyzer.analyze_vars([w, step], print_info=True) == (7, 32)
    assert capsys.readouterr().out.splitlines()[3:] == [
        "w:0 (float32 2x3) [6, bytes: 24]", "step:0 (int64 ) [1, bytes: 8]",
        "Total size of variables: 7", "Total bytes of variables: 32"]
    with tf.Graph().as_default() as graph:
        tf.placeholder(tf.float32, [None, 3], name="x")
        tf.zeros([2, 2], name="z")
    assert slim.model_analyzer.analyze_ops(graph, print_info=True) == 4
    assert "x \t-> (float32 ?x3) [0]" in capsys.readouterr().out
