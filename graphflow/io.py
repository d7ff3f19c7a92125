"""`tf.io`: the list of its names, each loaded from its module when it is first used."""
from __future__ import annotations

from typing import Any

from .lazy import Names

_names = Names(globals(), {
    "gfile": "gfile",
    "io_ops": "decode_compressed decode_csv decode_raw deserialize_many_sparse match_filenames_once matching_files "
              "parse_tensor read_file serialize_many_sparse serialize_sparse serialize_tensor write_file",
    "parsing_ops": "FixedLenFeature FixedLenSequenceFeature SparseFeature VarLenFeature decode_json_example "
                   "parse_example parse_sequence_example parse_single_example parse_single_sequence_example",
    "image": "decode_and_crop_jpeg decode_bmp decode_gif decode_image decode_jpeg decode_png decode_webp encode_jpeg "
             "encode_png extract_jpeg_shape is_jpeg",
    "strings": "decode_base64 encode_base64",
    "queues": "FIFOQueue PaddingFIFOQueue PriorityQueue QueueBase RandomShuffleQueue",
    "python_io": "TFRecordCompressionType TFRecordOptions TFRecordWriter tf_record_iterator",
    "train": "write_graph",
    "proto_ops": "decode_proto encode_proto",
})

__all__ = _names.own()  # noqa: PLE0605 (the names are made on first use)


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return __all__
