"""Cases of boxes in images, of image files, of files, CSV and serialized messages."""
from __future__ import annotations

import io
import os
import tempfile
import zlib
from functools import partial
from typing import Any

import numpy as np
from cases_strings import counted, texts
from example import F32, case, ints
from graphflow.compiler.dtypes import as_dtype, float32, int64, string, uint8, uint16
from graphflow.compiler.ir import default_graph
from graphflow.compiler.ops import codecs, csv, example, image, tensor_proto
from graphflow.compiler.ops import io as files
from graphflow.compiler.ops.constant import convert_to_tensor
from graphflow.compiler.ops.tensor_proto import field
from graphflow.compiler.ops.texts import text
from PIL import Image

# boxes: the second overlaps the first by 9/11, the third neither

BOXES = np.array([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [2, 2, 3, 3]], F32)
SCORES = np.array([0.5, 0.9, 0.7], F32)


def _suppressed(boxes: Any, scores: Any, size: int, *shapes: tuple[int, ...]) -> Any:
    numbers = [convert_to_tensor(F32(v)) for v in (0.5, 0.0, 0.0)]
    op = image.non_max_suppression.operation(boxes, scores, convert_to_tensor(size), *numbers)
    return [*counted((op.outputs[0], (2,)), (op.outputs[1], (2,))), op.outputs[2]]


case("NonMaxSuppressionV5", lambda b, s: _suppressed(b, s, 5), BOXES, SCORES, grad=False,
     expect=lambda b, s: [np.array([1, 2], np.int32), np.array([0.9, 0.7], F32), np.int32(2)])
case("NonMaxSuppressionWithOverlaps", lambda o, s: counted((image.non_max_suppression_overlaps(
    o, s, convert_to_tensor(2), convert_to_tensor(F32(0.5)), convert_to_tensor(F32(0))), (2,))),
    np.array([[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]], F32), SCORES, grad=False,
    expect=lambda o, s: np.array([1, 2], np.int32))
case("PadIndices", lambda x: image.pad_indices(x, convert_to_tensor(4)), ints((2,)), expect=lambda x: np.pad(x, (0, 2)))
case("BatchedNonMaxSuppression", lambda b, s: image.non_max_suppression_batched.operation(
    b, s, convert_to_tensor(4), *(convert_to_tensor(F32(v)) for v in (0.5, 0.6)), in_order=False).outputs,
    BOXES[None], SCORES[None], grad=False,
    expect=lambda b, s: [np.array([[1, 2, 0, 0]], np.int32), np.array([2], np.int32)])
case("CombinedNonMaxSuppression", lambda b, s: image.combined_non_max_suppression.operation(
    b, s, *(convert_to_tensor(v) for v in (2, 3)), *(convert_to_tensor(F32(v)) for v in (0.5, 0.6)),
    pad_per_class=False, clip_boxes=True).outputs,
    BOXES.reshape(1, 3, 1, 4), np.stack([SCORES, SCORES[::-1]], 1)[None], grad=False,
    expect=lambda b, s: [np.array([[[0, 0.1, 1, 1], [0, 0.1, 1, 1], [1, 1, 1, 1]]], F32),
                         np.array([[0.9, 0.9, 0.7]], F32), np.array([[0, 1, 0]], F32), np.array([3], np.int32)])
case("DrawBoundingBoxesV2", lambda x: image.draw_bounding_boxes(
    x, convert_to_tensor(np.array([[[0, 0, 0.5, 1]]], F32)), convert_to_tensor(np.array([[1, 2, 3, 1]], F32))),
    np.zeros((1, 5, 4, 1), F32), grad=False,
    expect=lambda x: np.array([[1] * 4, [1, 0, 0, 1], [1] * 4, [0] * 4, [0] * 4], F32)[None, ..., None])
case("SampleDistortedBoundingBoxV2", lambda size: image.sample_distorted_bounding_box.operation(
    size, convert_to_tensor(np.array([[[0, 0, 1, 1]]], F32)), convert_to_tensor(F32(0)),
    convert_to_tensor(np.zeros((1, 4), F32)), aspect_ratio_range=(1.0, 1.0), area_range=(0.25, 1.0),
    use_image=False).outputs, np.array([10, 10, 3], np.int32),
    expect=lambda size: [np.array([0, 0, 0], np.int32), np.array([5, 5, -1], np.int32),
                         np.array([[[0, 0, 0.5, 0.5]]], F32)])

# image files

RGB = ints((2, 3, 3), 0, 256, np.uint8)
GREY = np.full((8, 8, 1), 77, np.uint8)
DEEP = ints((2, 2, 3), 0, 65536, np.uint16)


def encoded(pixels: np.ndarray, kind: str, **options: Any) -> np.ndarray:
    """A file that Pillow makes of uint8 pixels, as a string scalar."""
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, kind, **options)
    return text(buffer.getvalue())


def _decoded(op: Any, channels: int, shape: tuple[int, ...], dtype: Any = uint8) -> Any:
    return lambda x: counted((op(x, channels=channels, dtype=dtype, ratio=1), shape))


def _grey(x: np.ndarray) -> np.ndarray:
    """What TensorFlow 2.21 reads as one channel."""
    return (x @ np.array([9797, 19234, 3737], np.int64) >> 15).astype(np.uint8)[..., None]


case("DecodePng", _decoded(codecs.decode_png, 0, RGB.shape), encoded(RGB, "PNG"), expect=lambda x: RGB)
case("DecodePng", _decoded(codecs.decode_png, 1, (2, 3, 1)), encoded(RGB, "PNG"), expect=lambda x: _grey(RGB))
case("DecodePng", lambda x: counted((codecs.decode_png(codecs.encode_png(x, compression=-1), channels=0, dtype=uint16,
                                                       ratio=1), DEEP.shape)), DEEP, expect=lambda x: x)
case("EncodePng", lambda x: counted((codecs.decode_png(codecs.encode_png(x, compression=9), channels=3, dtype=uint8,
                                                       ratio=1), (8, 8, 3))), GREY, expect=lambda x: np.repeat(x, 3, 2))
case("EncodeJpeg", lambda x: counted((codecs.decode_jpeg(codecs.encode_jpeg(
    x, convert_to_tensor(95), format="", progressive=False, optimize_size=False, chroma_downsampling=True),
    channels=0, dtype=uint8, ratio=1), (8, 8, 1))), GREY, expect=lambda x: x)
case("DecodeJpeg", _decoded(codecs.decode_jpeg, 3, (8, 8, 3)), encoded(GREY, "JPEG"),
     expect=lambda x: np.repeat(GREY, 3, 2))
case("DecodeBmp", _decoded(codecs.decode_bmp, 0, RGB.shape), encoded(RGB, "BMP"), expect=lambda x: RGB)
case("DecodeGif", lambda x: counted((codecs.decode_gif(x), (2, 8, 8, 3))),
     encoded(GREY, "GIF", save_all=True, append_images=[Image.fromarray(GREY[..., 0] // 2)]),
     expect=lambda x: np.stack([np.repeat(GREY, 3, 2), np.repeat(GREY // 2, 3, 2)]))
case("DecodeWebP", lambda x: counted((codecs.decode_webp(x, channels=3), (1, *RGB.shape))),
     encoded(RGB, "WEBP", lossless=True), expect=lambda x: RGB[None])
case("DecodeImage", lambda x: counted((codecs.decode_image(x, channels=0, animations=True), RGB.shape)),
     encoded(RGB, "PNG"), expect=lambda x: RGB)
case("DecodeAndCropJpeg", lambda x: counted((codecs.decode_and_crop_jpeg(
    x, convert_to_tensor([1, 2, 3, 4]), channels=0), (3, 4, 1))), encoded(GREY, "JPEG"),
    expect=lambda x: GREY[1:4, 2:6])
case("ExtractJpegShape", lambda x: codecs.extract_jpeg_shape(x, dtype=as_dtype("int32")), encoded(GREY, "JPEG"),
     expect=lambda x: np.array([8, 8, 1], np.int32))
case("FirstBytes", lambda x: codecs.first_bytes(x, count=3), text(b"abcd"), expect=lambda x: text(b"abc"))

# files

FOLDER = tempfile.TemporaryDirectory()
PATH = os.fsencode(os.path.join(FOLDER.name, "inner", "file"))


def _written(contents: Any, then: Any) -> Any:
    op = files.write_file.operation(convert_to_tensor(PATH), contents)
    with default_graph().control_dependencies([op]):
        return then()


case("WriteFile", lambda x: _written(x, lambda: files.read_file(convert_to_tensor(PATH))), text(b"a\0b"),
     expect=lambda x: x)
case("ReadFile", lambda x: _written(x, lambda: files.read_file(convert_to_tensor(PATH))), text(b""),
     expect=lambda x: x)
case("MatchingFiles", lambda x: counted((_written(x, lambda: files.matching_files(
    convert_to_tensor([PATH[:-1] + b"?", b"/nothing*"]))), (1,))), text(b""), expect=lambda x: texts(PATH))
case("DecodeCompressed", partial(files.decode_compressed, compression="ZLIB"), texts(zlib.compress(b"ab")),
     expect=lambda x: texts(b"ab"))

# messages; the bytes of TensorFlow 2.21

case("SerializeTensor", files.serialize_tensor, np.array([[1, -2]], np.int16),
     expect=lambda x: text(b'\x08\x05\x12\x08\x12\x02\x08\x01\x12\x02\x08\x02"\x04\x01\x00\xfe\xff'))
for array in (ints((2, 3)), np.array(True), texts("a", "bc")):
    case("ParseTensor", lambda x, array=array: counted((files.parse_tensor(x, dtype=as_dtype(array.dtype)),
                                                        array.shape)),
         text(tensor_proto.serialize(array)), expect=lambda x, array=array: array)

case("DecodeCSV", lambda x: csv.decode_csv.operation(
    x, convert_to_tensor(np.array([7], np.int32)), convert_to_tensor(""), delimiter=b",", quoted=True, na_value=b"NA",
    select=(0, 2)).outputs, texts("1,x,a", 'NA,y,"b,""c"'),
    expect=lambda x: [np.array([1, 7], np.int32), texts("a", 'b,"c')])

FEATURES = {b"i": field(3, field(1, b"\x05\x07")), b"f": field(2, field(1, np.array([1.5], "<f4").tobytes())),
            b"s": field(1, field(1, b"x") + field(1, b"y"))}
BODY = b"".join(field(1, field(1, k) + field(2, v)) for k, v in FEATURES.items())
case("ParseExample", lambda x: [reshaped for op in [example.parse_example.operation(
    x, convert_to_tensor(np.empty(0, object)), specs=(
        example.Fixed("f", float32, (1,), None), example.Varying("i", int64, (), -1),
        example.Fixed("m", int64, (), (9,)), example.Varying("s", string)))] for reshaped in counted(
            (op.outputs[0], (2, 1)), (op.outputs[1], (2, 2)), (op.outputs[2], (2,)), (op.outputs[3], (4, 2)),
            (op.outputs[4], (4,)), (op.outputs[5], (2,)))],
     np.array([field(1, BODY)] * 2, object),
     expect=lambda x: [np.array([[1.5]] * 2, F32), np.array([[5, 7]] * 2), np.array([9, 9]),
                       np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), texts("x", "y", "x", "y"), np.array([2, 2])])
STEPS = field(1, field(1, b"n") + field(2, b"".join(field(1, field(3, field(1, v))) for v in (b"\x01", b"\x02"))))
case("ParseSingleSequenceExample", lambda x: [reshaped for op in [example.parse_sequence_example.operation(
    x, convert_to_tensor(np.empty(0, object)), context=(example.Fixed("f", float32, (), None),),
    lists=(example.Varying("n", int64, ()),))] for reshaped in [op.outputs[0], *counted((op.outputs[1], (2,))),
                                                               op.outputs[2]]],
     text(field(1, BODY) + field(2, STEPS)), expect=lambda x: [F32(1.5), np.array([1, 2]), np.int64(2)])
