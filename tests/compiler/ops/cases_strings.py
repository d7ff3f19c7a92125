"""Cases of strings, positions of sparse tensors, and sets."""
from __future__ import annotations

import base64
from functools import partial
from typing import Any

import numpy as np
from example import F32, case, ints
from graphflow.compiler.ops import regex, sets, sparse
from graphflow.compiler.ops import string_parts as sp
from graphflow.compiler.ops import strings as st
from graphflow.compiler.ops.view import reshape


def texts(*values: Any) -> np.ndarray:
    return np.array([v.encode() if isinstance(v, str) else v for v in values], object)


def counted(*tensors: Any) -> list[Any]:
    """Results whose number of elements is data, cut to what the cases make of them: (tensor, shape) pairs."""
    return [reshape(t, shape) for t, shape in tensors]


WORDS = texts("Ab c", "", " é-1\n")
each = np.frompyfunc
case("StringLower", st.lower, WORDS, expect=lambda x: each(bytes.lower, 1, 1)(x))
case("StringLower", partial(st.lower, encoding="utf-8"), texts("ÉA"), expect=lambda x: texts("éa"))
case("StringUpper", partial(st.upper, encoding="utf-8"), WORDS, expect=lambda x: texts("AB C", "", " É-1\n"))
case("StringStrip", st.strip, WORDS, expect=lambda x: each(bytes.strip, 1, 1)(x))
case("StringLength", st.string_length, WORDS, expect=lambda x: np.array([4, 0, 6], np.int32))
case("StringLength", partial(st.string_length, unit="UTF8_CHAR"), WORDS, expect=lambda x: np.array([4, 0, 5], np.int32))
case("Substr", lambda x, p: st.substr(x, p, 2), texts("hello", "wörld"), ints((2,), -3, -2),
     expect=lambda x, p: texts("ll", b"\xb6r"[0:0] + "wörld".encode()[-3:-1]))
case("Substr", lambda x: st.substr(x, 1, 2, unit="UTF8_CHAR"), texts("hello", "wörld"),
     expect=lambda x: texts("el", "ör"))
case("StringJoin", lambda x, y: st.string_join([x, "-", y]), texts("a", "b"), texts("c", "d"),
     expect=lambda x, y: texts("a-c", "b-d"))
MATRIX = texts("a", "b", "c", "d", "e", "f").reshape(2, 3)
case("ReduceJoin", lambda x: st.reduce_join(x, (0,), True, "."), MATRIX, known_rank=False,
     expect=lambda x: texts("a.d", "b.e", "c.f")[None])
case("ReduceJoin", lambda x: [st.reduce_join(x, None, False, ""), st.reduce_join(x, (0, 1), False, "")], MATRIX,
     expect=lambda x: [np.array(b"abcdef", object), np.array(b"adbecf", object)])
case("UnsortedSegmentJoin", lambda x: st.unsorted_segment_join(x, [1, 1, -1], 2, ":"), texts("a", "b", "c"),
     expect=lambda x: texts("", "a:b"))
case("StringToNumber", st.string_to_number, texts("1.5", " -2e3 ", "inf"),
     expect=lambda x: np.array([1.5, -2000, np.inf], F32))
case("StringToNumber", partial(st.string_to_number, out_type="int64"), texts("12", "-7"),
     expect=lambda x: np.array([12, -7]))
case("AsString", st.as_string, np.array([1.5, -0.25, np.inf], F32),
     expect=lambda x: texts("1.500000", "-0.250000", "inf"))
case("AsString", partial(st.as_string, width=4, fill="0"), ints((2,), 7, 8), expect=lambda x: texts("0007", "0007"))
case("AsString", st.as_string, np.array([True, False]), expect=lambda x: texts("true", "false"))
# the numbers of TensorFlow's own tests
case("StringToHashBucketFast", lambda x: st.to_hash_bucket_fast(x, 10), texts("a", "b", "c", "d"),
     expect=lambda x: np.array([9, 2, 2, 5]))
case("StringToHashBucket", lambda x: st.to_hash_bucket(x, 10), texts("a", "b", "c"),
     expect=lambda x: np.array([8, 0, 7]))
case("StringToHashBucketStrong", lambda x: st.to_hash_bucket_strong(x, 2**40, [98765, 132]), texts("a", "c"),
     expect=lambda x: np.array([7157389809176466784 % 2**40, 18100027895074076528 % 2**40]))
case("EncodeBase64", st.encode_base64, WORDS, expect=lambda x: each(
    lambda s: base64.urlsafe_b64encode(s).rstrip(b"="), 1, 1)(x))
case("DecodeBase64", st.decode_base64, texts("YWI", "_-8=", ""), expect=lambda x: texts("ab", b"\xff\xef", ""))
case("DecodeRaw", lambda x: counted((st.decode_raw(x, "int16"), (2, 2))), texts(b"\1\0\2\1", b"\0\0\0\1"),
     expect=lambda x: np.array([[1, 258], [0, 256]], np.int16))
case("RegexReplace", lambda x: regex.regex_replace(x, "([a-z])[[:digit:]]", r"<\1\0\\>"), texts("a1 b2", "x"),
     expect=lambda x: texts(r"<aa1\> <bb2\>", "x"))
case("RegexReplace", lambda x: regex.regex_replace(x, ".", "_", False), texts("éa"), expect=lambda x: texts("_a"))
case("RegexFullMatch", lambda x: regex.regex_full_match(x, "a.*b"), texts("acb", "acbd", "ab"),
     expect=lambda x: np.array([True, False, True]))


def _split(op: Any, count: int, **attrs: Any) -> Any:
    def build(x: Any) -> list[Any]:
        indices, values, shape = op.operation(x, st.strings(attrs["at"], "at"),
                                              **{k: v for k, v in attrs.items() if k != "at"}).outputs
        return counted((indices, (count, 2)), (values, (count,)), (shape, (2,)))
    return build


SENTENCES = texts("a,b c", "", "d")
case("StringSplit", _split(sp.string_split, 4, at=" ,", skip_empty=True), SENTENCES, known_rank=False,
     expect=lambda x: [np.array([[0, 0], [0, 1], [0, 2], [2, 0]]), texts("a", "b", "c", "d"), np.array([3, 3])])
case("StringSplitV2", _split(sp.string_split_v2, 3, at="", maxsplit=-1), SENTENCES,
     expect=lambda x: [np.array([[0, 0], [0, 1], [2, 0]]), texts("a,b", "c", "d"), np.array([3, 2])])
ONE = np.array("aé\x01".encode() + b"\xff", object)
RULES: dict[str, Any] = {"encoding": "UTF-8", "errors": "replace", "replacement": 63, "replace_control": True}
case("BytesSplit", lambda x: counted((sp.bytes_split(x), (5,))), ONE,
     expect=lambda x: texts("a", b"\xc3", b"\xa9", b"\1", b"\xff"))
case("UnicodeDecode", lambda x: counted((sp.unicode_decode(x, **RULES), (4,))), ONE,
     expect=lambda x: np.array([97, 233, 63, 63], np.int32))
case("UnicodeOffsets", lambda x: counted((sp.unicode_offsets(x, **RULES), (4,))), ONE,
     expect=lambda x: np.array([0, 1, 3, 4]))
case("UnicodeSplit", lambda x: counted((sp.unicode_split(x, **RULES | {"errors": "ignore"}), (3,))), ONE,
     expect=lambda x: texts("a", "é", "?"))
case("UnicodeTranscode", partial(sp.unicode_transcode, input_encoding="UTF-8", output_encoding="UTF-16-BE",
                                 errors="replace", replacement=63, replace_control=False), texts("aé", b"\xff"),
     expect=lambda x: texts(b"\0a\0\xe9", b"\0?"))
case("UnicodeEncode", partial(sp.unicode_encode, output_encoding="UTF-8", errors="replace", replacement=63),
     np.array([[97, 233], [2**21, 98]], np.int32), expect=lambda x: texts("aé", "?b"), known_rank=False)
case("UnicodeScript", sp.unicode_script, np.array([97, 0x431, 0x3B1, 48, -1], np.int32),
     expect=lambda x: np.array([25, 8, 14, 0, -1], np.int32))
case("StringFormat", lambda x, y: sp.string_format(x, y, template="<{}|{}>", placeholder="{}", most=2),
     np.arange(12, dtype=np.int32).reshape(2, 6), np.array(b"s", object),
     expect=lambda x, y: np.array(b"<[[0 1 ... 4 5]\n [6 7 ... 10 11]]|\"s\">", object))

# positions of sparse tensors: [[., 5, .], [7, ., 6]]

INDICES, SHAPE, VALUES = np.array([[0, 1], [1, 2], [1, 0]]), np.array([2, 3]), np.array([5, 6, 7], F32)
case("SparseOrder", sparse.sparse_order, INDICES, SHAPE, expect=lambda i, s: np.array([0, 2, 1]))
case("SparseReshape", lambda i, s: list(sparse.sparse_reshape.operation(i, s, st.convert_to_tensor([3, 2], "int64"))
                                        .outputs), INDICES, SHAPE,
     expect=lambda i, s: [np.array([[0, 1], [2, 1], [1, 1]]), np.array([3, 2])])


def _sliced(i: Any, s: Any) -> list[Any]:
    start, size = (st.convert_to_tensor(v, "int64") for v in ([0, 1], [2, 9]))
    kept, indices, shape = sparse.sparse_slice.operation(i, s, start, size).outputs
    return counted((kept, (2,)), (indices, (2, 2)), (shape, (2,)))


def _filled(i: Any) -> list[Any]:
    indices, source, empty, back = sparse.sparse_fill_rows.operation(
        i, st.convert_to_tensor([4, 3], "int64")).outputs
    return counted((indices, (5, 2)), (source, (5,)), (empty, (4,)), (back, (3,)))


def _joined(i: Any, j: Any) -> list[Any]:
    union, first, second = sparse.sparse_union.operation(i, j).outputs
    return counted((union, (4, 2)), (first, (3,)), (second, (2,)))


def _counts(rows: Any, values: Any) -> list[Any]:
    indices, totals, shape = sparse.count_values.operation(
        rows, values, st.convert_to_tensor([], "int64"), st.convert_to_tensor(3, "int64"), minlength=0, maxlength=0,
        binary=False, by_row=True, plain=True).outputs
    return counted((indices, (2, 2)), (totals, (2,)), (shape, (2,)))


case("SparseCount", _counts, np.array([0, 2, 2]), np.array([4, 1, 1]),
     expect=lambda r, v: [np.array([[0, 4], [2, 1]]), np.array([1, 2]), np.array([3, 5])])
case("SparseSlice", _sliced, INDICES, SHAPE,
     expect=lambda i, s: [np.array([0, 1]), np.array([[0, 0], [1, 1]]), np.array([2, 2])])
case("SparseFillEmptyRows", _filled, INDICES, expect=lambda i: [
    np.array([[0, 1], [1, 2], [1, 0], [2, 0], [3, 0]]), np.array([0, 1, 2, -1, -1]),
    np.array([False, False, True, True]), np.array([0, 1, 2])])
case("SparseUnion", _joined, INDICES, np.array([[0, 0], [1, 2]]), expect=lambda i, j: [
    np.array([[0, 0], [0, 1], [1, 0], [1, 2]]), np.array([1, 3, 2]), np.array([0, 3])])
case("SparseGroups", lambda i: counted(*zip(sparse.sparse_groups.operation(i).outputs, ((2, 1), (3,)), strict=True)),
     INDICES[:, :1], expect=lambda i: [np.array([[0], [1]]), np.array([0, 1, 1])])
case("CheckPositions", lambda i, s: sparse.check_positions(i, s, what="x"), INDICES[[0, 2, 1]], SHAPE,
     expect=lambda i, s: i)
case("SparseToDense", lambda i, v, d: reshape(sparse.sparse_to_dense(i, st.convert_to_tensor([2, 3], "int64"), v, d),
                                              (2, 3)), INDICES, VALUES, F32(9), static=(0,),
     expect=lambda i, v, d: np.array([[9, 5, 9], [7, 9, 6]], F32))
case("EditDistance", lambda v, w: sparse.edit_distance(
    st.convert_to_tensor(INDICES[[0, 2, 1]]), v, st.convert_to_tensor([2, 3], "int64"),
    st.convert_to_tensor(INDICES[[0, 2, 1]]), w, st.convert_to_tensor([2, 3], "int64"), normalize=True),
    texts("a", "b", "c"), texts("a", "c", "d"), expect=lambda v, w: np.array([0, 1], F32))


def _set(kind: str, count: int) -> Any:
    def build(a: Any, b: Any) -> list[Any]:
        at = st.convert_to_tensor([[0, 0], [0, 1], [1, 0]], "int64"), st.convert_to_tensor([2, 2], "int64")
        found = sets.set_operation.operation(at[0], a, at[1], at[0], b, at[1], kind=kind).outputs
        return counted(*zip(found, ((count, 2), (count,), (2,)), strict=True))
    return build


for _kind, _count, _indices, _values, _width in (
        ("union", 4, [[0, 0], [0, 1], [0, 2], [1, 0]], [1, 2, 3, 4], 3),
        ("intersection", 2, [[0, 0], [1, 0]], [2, 4], 1), ("difference", 1, [[0, 0]], [1], 1)):
    case("DenseToDenseSetOperation", _set(_kind, _count), np.array([1, 2, 4], np.int32), np.array([3, 2, 4], np.int32),
         expect=lambda a, b, i=_indices, v=_values, w=_width: [np.array(i), np.array(v, np.int32), np.array([2, w])])
case("SetSize", lambda v: sets.set_size(st.convert_to_tensor([[0, 0], [0, 1], [1, 0]], "int64"), v,
                                        st.convert_to_tensor([2, 2], "int64")), np.array([3, 3, 4], np.int32),
     expect=lambda v: np.array([1, 1], np.int32))
