"""Datasets of files, file and CSV ops, examples, gfile, tables, and what tutorials read."""
from __future__ import annotations

import gzip
import struct
import zlib

import numpy as np
import pytest

import graphflow as tf
from graphflow.tfrecord import crc32c

Dataset, X = tf.data.Dataset, tf.data.experimental


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.csv").write_text('x,y,z\n1,2.5,foo\n3,,"b,""q"""\n')
    (tmp_path / "t.txt").write_bytes(b"l1\nl2\r\nl3")
    (tmp_path / "t.gz").write_bytes(gzip.compress(b"l1\nl2"))
    (tmp_path / "t.zlib").write_bytes(zlib.compress(b"l1\nl2\n"))
    (tmp_path / "r.bin").write_bytes(bytes(range(12)))
    return tmp_path


@pytest.mark.parametrize(("build", "expected"), [
    (lambda f: tf.data.TextLineDataset([f"{f}/t.txt"]), [b"l1", b"l2", b"l3"]),
    (lambda f: tf.data.TextLineDataset(f"{f}/t.gz", "GZIP").concatenate(tf.data.TextLineDataset(f"{f}/t.zlib", "ZLIB")),
     [b"l1", b"l2"] * 2),
    (lambda f: Dataset.from_tensors(f"{f}/a.csv").flat_map(lambda n: tf.data.TextLineDataset(n).skip(2)),
     [b'3,,"b,""q"""']),
    (lambda f: tf.data.FixedLengthRecordDataset(f"{f}/r.bin", 4, header_bytes=2, footer_bytes=2),
     [b"\2\3\4\5", b"\6\7\x08\x09"]),
    (lambda f: Dataset.list_files(f"{f}/t.*", shuffle=False).map(lambda n: tf.string_split([n], ".").values[-1]),
     [b"gz", b"txt", b"zlib"]),
    (lambda f: X.CsvDataset(f"{f}/a.csv", [tf.int32, [7.0], tf.string], header=True),
     [(1, 2.5, b"foo"), (3, 7.0, b'b,"q"')]),
    (lambda f: X.CsvDataset(f"{f}/a.csv", [tf.string, tf.int64], header=True, select_cols=[0, 2]).apply(
        X.ignore_errors()), []),
])
def test_elements(folder, build, expected):
    found = [e if isinstance(e, (bytes, tuple)) else e.tolist() for e in build(folder)]
    assert found == expected


def test_csv_files_are_batches_of_named_columns(folder):
    features, label = next(iter(X.make_csv_dataset(f"{folder}/a.csv", 2, label_name="z", num_epochs=1, shuffle=False)))
    assert list(features) == ["x", "y"] and features["x"].dtype == np.int32
    assert (features["y"].tolist(), label.tolist()) == ([2.5, 0], [b"foo", b'b,"q"'])


@pytest.mark.parametrize(("build", "error", "text"), [
    (lambda f: tf.data.TextLineDataset(f"{f}/none"), tf.errors.NotFoundError, "No such file"),
    (lambda f: tf.data.FixedLengthRecordDataset(f"{f}/r.bin", 5), tf.errors.InvalidArgumentError, "Excess bytes"),
    (lambda f: Dataset.list_files(f"{f}/*.none"), tf.errors.InvalidArgumentError, "No files matched"),
    (lambda f: X.CsvDataset(f"{f}/a.csv", [tf.int32, tf.float32, tf.string], header=True).skip(1),
     tf.errors.InvalidArgumentError, "Field 1 is required"),
    (lambda f: X.CsvDataset(f"{f}/a.csv", [tf.int32]), tf.errors.InvalidArgumentError, "Expect 1 fields but have 3"),
])
def test_errors(folder, build, error, text):
    with pytest.raises(error, match=text):
        list(build(folder))


# records and examples


def _example(number, words):
    train = tf.train
    return train.Example(features=train.Features(feature={
        "n": train.Feature(int64_list=train.Int64List(value=[number])),
        "w": train.Feature(bytes_list=train.BytesList(value=words))}))


def test_examples_in_record_files(tmp_path, sess):
    path = str(tmp_path / "records")
    with tf.python_io.TFRecordWriter(path) as writer:
        for number, words in ((-1, [b"a", b"b"]), (7, [])):
            writer.write(_example(number, words).SerializeToString())
    spec = {"n": tf.FixedLenFeature([], tf.int64), "w": tf.VarLenFeature(tf.string),
            "m": tf.FixedLenFeature([2], tf.float32, default_value=[1, 2])}
    parsed = Dataset.from_tensors([path]).flat_map(tf.data.TFRecordDataset).batch(2).map(
        lambda s: tf.parse_example(s, spec)).make_one_shot_iterator().get_next()
    found = sess.run({**parsed, "w": tf.sparse_tensor_to_dense(parsed["w"], default_value="-")})
    assert found["n"].tolist() == [-1, 7] and found["m"].tolist() == [[1, 2], [1, 2]]
    assert found["w"].tolist() == [[b"a", b"b"], [b"-", b"-"]]
    data = bytearray((tmp_path / "records").read_bytes())
    data[14] ^= 1
    (tmp_path / "records").write_bytes(data)
    with pytest.raises(tf.errors.DataLossError, match="corrupted record"):
        list(tf.data.TFRecordDataset(path))


def test_messages_are_read_back():
    example = tf.train.Example.FromString(_example(-5, [b"x"]).SerializeToString())
    assert example == _example(-5, [b"x"]) and example != _example(5, [b"x"])
    assert example.features.feature["n"].int64_list.value == [-5]
    assert example.features.feature["w"].WhichOneof("kind") == "bytes_list"
    example.features.feature["new"].float_list.value.extend([0.5, 1])
    again = tf.train.Example.FromString(example.SerializeToString())
    assert again.features.feature["new"].float_list.value == [0.5, 1]
    with pytest.raises(TypeError, match="expected one of: bytes"):
        tf.train.BytesList(value=["text"])


@pytest.mark.parametrize(("spec", "text"), [
    ({"none": tf.FixedLenFeature([], tf.int64)}, "is required but could not be found"),
    ({"n": tf.FixedLenFeature([], tf.string)}, "Data types don't match"),
    ({"n": tf.FixedLenFeature([2], tf.int64)}, "values size: 1 but output shape"),
])
def test_examples_that_do_not_fit(sess, spec, text):
    parsed = tf.parse_single_example(_example(1, []).SerializeToString(), spec)
    with pytest.raises(tf.errors.InvalidArgumentError, match=text):
        sess.run(parsed)


def test_checksums():
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720
    data = np.random.RandomState(0).bytes(20_011)  # long ones are summed in lanes
    assert crc32c(data) == 0xA946D30C


# ops and files


def test_csv_and_files_in_a_graph(folder, sess):
    columns = tf.decode_csv(["1,a", ",b"], [[9], [""]])
    assert [t.dtype for t in columns] == [tf.int32, tf.string]
    assert [v.tolist() for v in sess.run(columns)] == [[1, 9], [b"a", b"b"]]
    path = f"{folder}/new/file"
    sess.run(tf.write_file(path, tf.constant("text")))
    assert sess.run(tf.read_file(path)) == b"text"
    tensor = tf.parse_tensor(tf.serialize_tensor([[1.5, 2]]), tf.float32)
    assert sess.run(tensor).tolist() == [[1.5, 2]] and tensor.shape.rank is None
    with pytest.raises(tf.errors.InvalidArgumentError, match="Type mismatch"):
        sess.run(tf.parse_tensor(tf.serialize_tensor([1]), tf.float32))
    with pytest.raises(ValueError, match="strictly increasing"):
        tf.decode_csv("1", [[1]], select_cols=[1, 0])


def test_gfile(tmp_path):
    gfile, name = tf.gfile, str(tmp_path / "a" / "f.txt")
    gfile.MakeDirs(str(tmp_path / "a"))
    with gfile.GFile(name, "w") as file:
        file.write("é\n")
        file.write("x")
    assert gfile.GFile(name).read() == "é\nx" and list(gfile.Open(name, "rb")) == [b"\xc3\xa9\n", b"x"]
    assert gfile.FastGFile(name).size() == gfile.Stat(name).length == 4
    gfile.Copy(name, name + "2")
    with pytest.raises(tf.errors.AlreadyExistsError):
        gfile.Rename(name, name + "2")
    gfile.Rename(name, name + "2", overwrite=True)
    assert gfile.Glob(str(tmp_path / "a/*")) == [name + "2"] and gfile.ListDirectory(str(tmp_path / "a")) == ["f.txt2"]
    assert [(d, f) for d, _, f in gfile.Walk(str(tmp_path))][-1] == (str(tmp_path / "a"), ["f.txt2"])
    for wrong in (lambda: gfile.GFile(name).read(), lambda: gfile.Remove(name), lambda: gfile.ListDirectory(name)):
        with pytest.raises(tf.errors.NotFoundError):
            wrong()
    with pytest.raises(tf.errors.PermissionDeniedError, match="reading"):
        gfile.GFile(name + "2", "a").read()
    gfile.DeleteRecursively(str(tmp_path / "a"))
    assert not gfile.Exists(str(tmp_path / "a")) and tf.io.gfile.isdir(str(tmp_path))


# tables


def test_vocabularies(tmp_path, sess):
    lookup = tf.contrib.lookup
    (tmp_path / "words").write_text("a\nb\nc\n")
    path = str(tmp_path / "words")
    tables = [lookup.index_table_from_file(path, default_value=7), lookup.index_table_from_file(path, 2, vocab_size=2),
              lookup.index_table_from_tensor(tf.constant(["c", "a"])),
              tf.lookup.StaticVocabularyTable(tf.lookup.TextFileInitializer(path, tf.string, -2, tf.int64, -1), 1)]
    words = tf.constant([["a", "c"], ["?", "b"]])
    found = [t.lookup(words) for t in tables]
    names = lookup.index_to_string_table_from_file(path).lookup(tf.constant([2, 9], tf.int64))
    with pytest.raises(tf.errors.FailedPreconditionError, match="Table not initialized"):
        sess.run(found)
    sess.run(tf.tables_initializer())
    values = sess.run(found)
    assert [v.tolist() for v in (values[0], values[2], values[3])] == [
        [[0, 2], [7, 1]], [[1, 0], [-1, -1]], [[0, 2], [3, 1]]]
    assert values[1][0, 0] == 0 and set(values[1].ravel()[1:3]) <= {2, 3}
    assert sess.run([t.size() for t in tables]) == [3, 4, 2, 4] and sess.run(names).tolist() == [b"c", b"UNK"]
    mapped = Dataset.from_tensor_slices(["c", "?"]).map(tables[0].lookup).make_initializable_iterator()
    sess.run(mapped.initializer)
    value = mapped.get_next()
    assert [sess.run(value), sess.run(value)] == [2, 7]
    with pytest.raises(TypeError, match="Keys must be dtype"):
        tables[0].lookup(tf.constant([1]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid vocab_size"):
        sess.run(lookup.index_table_from_file(path, vocab_size=4).initializer)


def test_tables_that_change(sess):
    table = tf.contrib.lookup.MutableHashTable(tf.string, tf.float32, [0.0, 0.0])
    sess.run(table.insert(["a", "b"], [[1.0, 2], [3, 4]]))
    sess.run(table.remove(["b", "none"]))
    value = table.lookup(tf.constant(["a", "b"]))
    assert value.shape.as_list() == [2, 2] and sess.run(value).tolist() == [[1, 2], [0, 0]]
    keys, values = sess.run(table.export())
    assert keys.tolist() == [b"a"] and values.tolist() == [[1, 2]] and sess.run(table.size()) == 1
    twice = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "a"], [1, 2]), 0)
    with pytest.raises(tf.errors.FailedPreconditionError, match="different value for same key"):
        sess.run(twice.initializer)


# what tutorials read


def _idx(path, array):
    header = struct.pack(f">{1 + array.ndim}I", 2048 + array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


def test_mnist_batches(tmp_path, monkeypatch):
    mnist = tf.contrib.learn.datasets.mnist
    for name, count in (("train", 10), ("t10k", 3)):
        _idx(
            tmp_path / f"{name}-images-idx3-ubyte.gz",
            np.arange(count, dtype=np.uint8).repeat(784).reshape(count, 28, 28),
        )
        _idx(tmp_path / f"{name}-labels-idx1-ubyte.gz", np.arange(count, dtype=np.uint8))
    data = mnist.read_data_sets(str(tmp_path), one_hot=True, validation_size=3, seed=1)
    assert data.train.images.shape == (7, 784) and data.validation.labels.argmax(1).tolist() == [0, 1, 2]
    seen = [data.train.next_batch(4) for _ in range(4)]
    labels = np.concatenate([y.argmax(1) for _, y in seen])
    assert sorted(labels[:7]) == sorted(labels[7:14]) == list(range(3, 10)) and data.train.epochs_completed == 2
    np.testing.assert_allclose(np.concatenate([x for x, _ in seen])[:, 0], labels / 255, rtol=1e-6)
    monkeypatch.setattr("graphflow.keras.datasets.mnist.load_data", lambda: (_ for _ in ()).throw(OSError("offline")))
    with pytest.raises(OSError, match=r"train-images-idx3-ubyte\.gz.*mnist\.npz.*nowhere.*offline"):
        mnist.read_data_sets(str(tmp_path / "nowhere"))


def test_vocabulary_processor(tmp_path):
    preprocessing = tf.contrib.learn.preprocessing
    processor = preprocessing.VocabularyProcessor(4)
    rows = np.array(list(processor.fit_transform(["a nice day", "it's a very nice day"])))
    assert rows.tolist() == [[1, 2, 3, 0], [4, 1, 5, 2]] and len(processor.vocabulary_) == 6
    assert list(processor.reverse(rows[:1])) == ["a nice day <UNK>"]
    processor.save(str(tmp_path / "vocabulary"))
    restored = preprocessing.VocabularyProcessor.restore(str(tmp_path / "vocabulary"))
    assert next(restored.transform(["nice new"])).tolist() == [2, 0, 0, 0]
    frequent = preprocessing.VocabularyProcessor(4, min_frequency=1).fit(["b a a", "a c b"])
    assert frequent.vocabulary_._mapping == {"<UNK>": 0, "a": 1, "b": 2}
    (tmp_path / "other").write_text("{}")
    with pytest.raises(ValueError, match="was not written by"):
        preprocessing.VocabularyProcessor.restore(str(tmp_path / "other"))
