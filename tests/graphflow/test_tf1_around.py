"""The world around graphs: messages, tables of datasets, libraries, records of other programs."""
from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import graphflow as tf


def test_messages_are_written_as_tensorflows():
    value = tf.AttrValue()
    value.list.i.extend([1, -2])
    assert value.SerializeToString() == b"\n\r\x1a\x0b\x01" + b"\xfe" + b"\xff" * 8 + b"\x01"
    assert value.WhichOneof("value") == "list" and tf.AttrValue.FromString(value.SerializeToString()) == value
    value = tf.AttrValue(s=b"x")
    value.type = 3
    assert (value.WhichOneof("value"), value.SerializeToString(), value.HasField("s")) == ("type", b"0\x03", False)
    assert tf.AttrValue(f=1.5).SerializeToString() == b"%\x00\x00\xc0?"
    named = tf.NameAttrList(name="f")
    named.attr["T"].type = 1
    assert named.SerializeToString() == b"\n\x01f\x12\x07\n\x01T\x12\x020\x01"
    info = tf.TensorInfo(name="x:0", dtype=1)
    for size in (-1, 3):
        info.tensor_shape.dim.add(size=size)
    text = b"\n\x03x:0\x10\x01\x1a\x11\x12\x0b\x08" + b"\xff" * 9 + b"\x01\x12\x02\x08\x03"
    assert info.SerializeToString() == text
    assert [d.size for d in tf.TensorInfo.FromString(text).tensor_shape.dim] == [-1, 3]
    assert tf.LogMessage(level=tf.LogMessage.WARN, message="hi").SerializeToString() == b"\x08\x1e\x12\x02hi"
    with pytest.raises(ValueError, match="no 'size' field"):
        tf.TensorInfo(size=3)


def test_clusters_as_messages():
    cluster = tf.train.ClusterSpec({"worker": ["a:1", "b:2"]}).as_cluster_def()
    assert cluster.SerializeToString() == (
        b"\n\x1a\n\x06worker\x12\x07\x08\x00\x12\x03a:1\x12\x07\x08\x01\x12\x03b:2")
    assert tf.train.ClusterSpec(cluster).as_dict() == {"worker": ["a:1", "b:2"]}
    server = tf.train.Server(tf.train.ServerDef(cluster=cluster, job_name="worker", task_index=1))
    assert (server.server_def.job_name, server.server_def.task_index) == ("worker", 1)
    assert tf.train.ServerDef.FromString(server.server_def.SerializeToString()) == server.server_def


def test_datasets_as_tables_and_padded():
    experimental = tf.data.experimental
    with tf.Graph().as_default(), tf.Session() as session:
        pairs = tf.data.Dataset.from_tensor_slices((np.array(["a", "b"]), np.array([5, 6])))
        table = experimental.table_from_dataset(pairs, vocab_size=2)
        index = experimental.index_table_from_dataset(pairs.map(lambda key, _: key), num_oov_buckets=1)
        session.run(tf.tables_initializer())
        found = session.run([table.lookup(tf.constant(["b", "q"])), index.lookup(tf.constant(["b", "q"]))])
        np.testing.assert_array_equal(found, [[6, -1], [1, 2]])
        with pytest.raises(ValueError, match="key and a value"):
            experimental.DatasetInitializer(pairs.map(lambda key, _: key))
        padded = tf.data.Dataset.from_tensor_slices({"x": np.array([7])}).apply(experimental.pad_to_cardinality(2))
        assert [(int(e["x"]), bool(e["valid"])) for e in tf.data.NumpyIterator(padded)] == [(7, True), (0, False)]
        same = experimental.from_variant(experimental.to_variant(padded), padded.element_spec)
        assert len(list(same)) == 2
        service = experimental.service
        name = service.register_dataset("grpc://localhost:5000", tf.data.Dataset.range(4), dataset_id="four")
        shared = service.from_dataset_id(service.ShardingPolicy.OFF, "grpc://localhost:5000", name, job_name="j",
                                         consumer_index=1, num_consumers=2)
        assert [int(x) for x in shared] == [1, 3]
        with pytest.raises(ValueError, match="processing mode"):
            service.distribute("none", "grpc://localhost:5000")


def test_libraries_of_kernels_are_refused(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="cannot open shared object file"):
        tf.load_op_library("./zero_out.so")
    with pytest.raises(OSError, match="does not exist"):
        tf.load_library(str(tmp_path / "none"))
    tf.load_library(str(tmp_path))
    (tmp_path / "kernel.so").write_bytes(b"")
    with pytest.raises(tf.errors.NotFoundError, match="graphflow compiles its own"):
        tf.load_library(str(tmp_path))


def test_lmdb(monkeypatch, tmp_path):
    (tmp_path / "data.mdb").write_bytes(b"")
    records = [(b"k1", b"one"), (b"k2", b"two")]

    class Opened:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def __init__(self, *args, **kwargs):
            assert kwargs == {"subdir": False, "readonly": True, "lock": False}

        def begin(self):
            return self

        def cursor(self):
            return iter(records)

    monkeypatch.setitem(sys.modules, "lmdb", SimpleNamespace(open=Opened))
    with tf.Graph().as_default(), tf.Session() as session:
        names = tf.FIFOQueue(2, tf.string)
        read = tf.LMDBReader().read(names)
        session.run([names.enqueue(str(tmp_path / "data.mdb")), names.close()])
        assert [tuple(session.run(read)) for _ in records] == records


def test_protocol_buffers():
    pytest.importorskip("google.protobuf.struct_pb2")
    from google.protobuf import descriptor_pb2
    field, message = "google.protobuf.FieldDescriptorProto", "google.protobuf.DescriptorProto"
    x = descriptor_pb2.DescriptorProto(name="m", reserved_name=["a", "b"],
                                       field=[descriptor_pb2.FieldDescriptorProto(name="f", number=3)])
    with tf.Graph().as_default(), tf.Session() as session:
        data = tf.constant([x.SerializeToString(), b""])
        sizes, (names, reserved, parts) = tf.io.decode_proto(data, message, ["name", "reserved_name", "field"],
                                                             [tf.string] * 3)
        assert sizes.shape.as_list() == [2, 3] and names.shape.as_list() == [2, None]
        found = session.run([sizes, names, reserved, parts])
        np.testing.assert_array_equal(found[0], [[1, 2, 1], [0, 0, 0]])
        assert found[1].tolist() == [[b"m"], [b""]] and found[2].tolist() == [[b"a", b"b"], [b"", b""]]
        _, (inner,) = tf.io.decode_proto(found[3][0], field, ["number"], [tf.int32])
        assert session.run(inner).tolist() == [[3]]
        again = tf.io.encode_proto(sizes, [names, reserved, parts], ["name", "reserved_name", "field"], message)
        assert session.run(again).tolist() == [x.SerializeToString(), b""]
        with pytest.raises(tf.errors.DataLossError, match="Unable to parse"):
            session.run(tf.io.decode_proto(tf.constant(b"\xff"), message, ["name"], [tf.string])[0])
    with pytest.raises(tf.errors.NotFoundError, match="No descriptor"):
        tf.io.decode_proto([b""], "no.Such", [], [])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown field: z"):
        tf.io.decode_proto([b""], message, ["z"], [tf.string])


def test_shards_of_checkpoints():
    experimental = tf.train.experimental
    tensors = [experimental.ShardableTensor(None, i, tf.float32, "cpu", f"v{i}", tf.TensorShape([n]), "", f"v{i}", None)
               for i, n in enumerate((10, 5, 20))]
    assert [list(s) for s in experimental.MaxShardSizePolicy(60)(tensors)] == [["v0", "v1"], ["v2"]]
    assert [list(s) for s in experimental.ShardByTaskPolicy()(tensors)] == [["v0", "v1", "v2"]]
    assert tf.train.CheckpointOptions(experimental_enable_async_checkpoint=True).enable_async
    with pytest.raises(ValueError, match="ShardingCallback"):
        tf.train.CheckpointOptions(experimental_sharding_callback=len)


def test_a_function_of_batches_has_no_gradient():
    with tf.Graph().as_default(), tf.Session() as session:
        @tf.nondifferentiable_batch_function(1, 10, 1000, [5, 10])
        def double(x):
            return x * 2.0

        x = tf.constant([[1.0]])
        assert session.run(double(x)) == 2 and tf.gradients(double(x), x) == [None]
        assert session.run(tf.xla.experimental.compile(lambda a, b: (a + b, a), [x, x]))[0] == 2
    with pytest.raises(ValueError, match="allowed_batch_sizes"):
        tf.nondifferentiable_batch_function(1, 10, 1000, [5])
