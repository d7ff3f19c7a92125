"""`tf.strings`: tensors of byte strings. They are worked on by the host, inside the plan."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .arguments import renamed
from .compiler import dims as dm
from .compiler.errors import UnimplementedError
from .compiler.ir import Tensor
from .compiler.ops import string_parts
from .compiler.ops import strings as ops
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.regex import regex_full_match, regex_replace
from .compiler.ops.slicing import concat, slice_axis
from .compiler.ops.strings import (
    as_string,
    decode_base64,
    decode_raw,
    encode_base64,
    lower,
    strip,
    substr,
    to_hash_bucket_fast,
    to_hash_bucket_strong,
    unsorted_segment_join,
    upper,
)
from .compiler.ops.strings import string_join as join
from .compiler.ops.strings import string_length as length
from .compiler.ops.symbolic import static_ints
from .compiler.ops.view import expand_dims, fill, known_rank
from .framework import name_scope
from .sparse_tensor import SparseTensor


def to_number(string_tensor: Any = None, out_type: Any = None, name: str | None = None, input: Any = None) -> Tensor:
    """The numbers that strings write, as float32 (default), float64, int32 or int64.

    Raises InvalidArgumentError when the graph runs with a string that is none.
    """
    source = renamed("input", input, "string_tensor", string_tensor)
    return ops.string_to_number(source, "float32" if out_type is None else out_type, name)


def to_hash_bucket(string_tensor: Any = None, num_buckets: Any = None, name: str | None = None,
                   input: Any = None) -> Tensor:
    """A hash of each string modulo `num_buckets`, int64."""
    return ops.to_hash_bucket(renamed("input", input, "string_tensor", string_tensor), num_buckets, name)


def reduce_join(inputs: Any, axis: Any = None, keep_dims: bool | None = None, separator: str = "",
                name: str | None = None, reduction_indices: Any = None, keepdims: bool | None = None) -> Tensor:
    """Strings joined along `axis`: several axes as listed, the first going fastest; all, the last fastest, by default.
    """
    axes = static_ints("ReduceJoin", "axis", renamed("axis", axis, "reduction_indices", reduction_indices))
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    chosen = None if axes is None else tuple(axes) if hasattr(axes, "__iter__") else (axes,)
    return ops.reduce_join(inputs, chosen, keep, separator, name)


# splitting


def string_split(source: Any = None, sep: Any = None, skip_empty: bool = True, delimiter: Any = None,
                 result_type: str = "SparseTensor", input: Any = None, name: str | None = None) -> SparseTensor:
    """The parts of each string of a vector as the rows of a sparse matrix.

    Each character of `sep` (default a space) separates; without any the parts are the bytes. Empty parts are left out
    unless skip_empty=False.
    """
    separators = renamed("sep", sep, "delimiter", delimiter)
    given = renamed("input", input, "source", source)
    _check_result(result_type)
    with name_scope(None, name or "StringSplit"):
        x = ops.strings(given, "source")
        x.shape.assert_has_rank(1)
        parts = string_parts.string_split.operation(
            x, ops.strings(" " if separators is None else separators, "delimiter"), skip_empty=bool(skip_empty))
        return SparseTensor(*parts.outputs)


def split(input: Any = None, sep: Any = None, maxsplit: int = -1, result_type: str = "SparseTensor",
          source: Any = None, name: str | None = None) -> SparseTensor:
    """The parts of each string as the rows of a sparse matrix, as Python's str.split: at `sep`, or at runs of white
    space without it; at most `maxsplit` times."""
    _check_result(result_type)
    with name_scope(None, name or "StringSplit"):
        x = ops.strings(renamed("input", input, "source", source), "input")
        if x.dims == ():
            x = expand_dims(x, 0)
        x.shape.assert_has_rank(1)
        parts = string_parts.string_split_v2.operation(x, ops.strings("" if sep is None else sep, "sep"),
                                                       maxsplit=int(maxsplit))
        return SparseTensor(*parts.outputs)


def _check_result(result_type: str) -> None:
    if result_type != "SparseTensor":
        raise UnimplementedError(f"string_split: result_type must be 'SparseTensor', received {result_type!r}; ragged "
                                 "tensors are not supported")


def _scalar(op: str, value: Any) -> Tensor:
    x = ops.strings(value, f"{op}/input")
    if x.dims != ():
        raise UnimplementedError(f"{op}: the input must be one string, received {x!r}: the parts of several would be a "
                                 "ragged tensor, which is not supported")
    return x


def bytes_split(input: Any, name: str | None = None) -> Tensor:
    """The bytes of one string as a vector of strings."""
    return string_parts.bytes_split(_scalar("bytes_split", input), name=name)


def ngrams(data: Any, ngram_width: Any, separator: str = " ", pad_values: Any = None, padding_width: int | None = None,
           preserve_short_sequences: bool = False, name: str | None = None) -> Tensor:
    """The runs of `ngram_width` (one or several widths) neighbours along the last axis, joined by `separator`.

    `pad_values` (one, or (left, right)) stand before and after, `padding_width` (default width - 1) times each.
    """
    x = ops.strings(data, "data")
    size = known_rank("ngrams", x)[-1]
    widths = list(ngram_width) if hasattr(ngram_width, "__iter__") else [ngram_width]
    if any(w < 1 for w in widths):
        raise ValueError(f"All ngram_widths must be greater than 0. Got {ngram_width}")
    pads = (pad_values, pad_values) if isinstance(pad_values, (str, bytes)) else pad_values
    last = len(known_rank("ngrams", x)) - 1
    with name_scope(name, "StringNGrams", [x]):
        parts = []
        for width in widths:
            padded, count = x, size
            extra = 0 if pads is None else width - 1 if padding_width is None else min(padding_width, width - 1)
            if extra:
                sides = [fill((*known_rank("ngrams", x)[:-1], extra), constant(p)) for p in pads]
                padded, count = concat([sides[0], x, sides[1]], last), size + 2 * extra
            if not isinstance(count, int) or count >= width:
                rest = dm.maximum(count - width + 1, 0)
                neighbours = [slice_axis(padded, last, i, rest) for i in range(width)]
                parts.append(join(neighbours, separator))
            elif preserve_short_sequences and count and not parts:
                parts.append(expand_dims(reduce_join(padded, -1, separator=separator), -1))
        return concat(parts, last) if parts else slice_axis(x, last, 0, 0)


# Unicode


def _rules(errors: str, replacement_char: int, replace_control_characters: bool) -> dict[str, Any]:
    if errors not in ("strict", "replace", "ignore"):
        raise ValueError(f"errors must be 'strict', 'replace' or 'ignore', received {errors!r}")
    return {"errors": errors, "replacement": int(replacement_char),
            "replace_control": bool(replace_control_characters)}


def unicode_transcode(input: Any, input_encoding: str, output_encoding: str, errors: str = "replace",
                      replacement_char: int = 65533, replace_control_characters: bool = False,
                      name: str | None = None) -> Tensor:
    """The characters of each string in another encoding ("UTF-8", "UTF-16-BE" or "UTF-32-BE").

    What is malformed is an InvalidArgumentError ("strict"), becomes `replacement_char`, or is left out ("ignore").
    """
    return string_parts.unicode_transcode(
        ops.strings(input, "input"), input_encoding=input_encoding, output_encoding=output_encoding,
        **_rules(errors, replacement_char, replace_control_characters), name=name)


def unicode_decode(input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
                   replace_control_characters: bool = False, name: str | None = None) -> Tensor:
    """The code points of one string, int32 [n]; `errors` as in unicode_transcode."""
    return string_parts.unicode_decode(_scalar("unicode_decode", input), encoding=input_encoding, name=name,
                                       **_rules(errors, replacement_char, replace_control_characters))


def unicode_decode_with_offsets(input: Any, input_encoding: str, errors: str = "replace",
                                replacement_char: int = 65533, replace_control_characters: bool = False,
                                name: str | None = None) -> tuple[Tensor, Tensor]:
    """(the code points of one string, the byte where each starts)."""
    rules = _rules(errors, replacement_char, replace_control_characters) | {"encoding": input_encoding}
    x = _scalar("unicode_decode_with_offsets", input)
    return string_parts.unicode_decode(x, name=name, **rules), string_parts.unicode_offsets(x, **rules)


def unicode_split(input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
                  name: str | None = None) -> Tensor:
    """The characters of one string as a vector of strings."""
    return string_parts.unicode_split(_scalar("unicode_split", input), encoding=input_encoding, name=name,
                                      **_rules(errors, replacement_char, False))


def unicode_split_with_offsets(input: Any, input_encoding: str, errors: str = "replace",
                               replacement_char: int = 65533, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(the characters of one string, the byte where each starts)."""
    x = _scalar("unicode_split_with_offsets", input)
    rules = _rules(errors, replacement_char, False) | {"encoding": input_encoding}
    return string_parts.unicode_split(x, name=name, **rules), string_parts.unicode_offsets(x, **rules)


def unicode_encode(input: Any, output_encoding: str, errors: str = "replace", replacement_char: int = 65533,
                   name: str | None = None) -> Tensor:
    """The strings that code points [..., n] make."""
    _rules(errors, replacement_char, False)
    return string_parts.unicode_encode(convert_to_tensor(input, "int32"), output_encoding=output_encoding,
                                       errors=errors, replacement=int(replacement_char), name=name)


def unicode_script(input: Any, name: str | None = None) -> Tensor:
    """The script of each code point, as ICU numbers them (25: Latin); 0 for what belongs to none, -1 for no character.
    """
    return string_parts.unicode_script(convert_to_tensor(input, "int32"), name=name)


# tensors as text


def format(template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None) -> Tensor:
    """`template` with its placeholders replaced by the tensors, of which long axes show only `summarize` elements at
    both ends. Raises ValueError when their numbers differ."""
    tensors: Sequence[Any] = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    if template.count(placeholder) != len(tensors):
        raise ValueError(f"{template.count(placeholder)} placeholder(s) in template does not match {len(tensors)} "
                         "tensor(s) provided as input")
    return string_parts.string_format(*(convert_to_tensor(t) for t in tensors), template=template,
                                      placeholder=placeholder, most=int(summarize), name=name)


# the names of these at the top level of tf
string_join, string_strip, string_to_number = join, strip, to_number
string_to_hash_bucket, string_to_hash_bucket_fast, string_to_hash_bucket_strong = (
    to_hash_bucket, to_hash_bucket_fast, to_hash_bucket_strong)

__all__ = [
    "as_string", "bytes_split", "decode_base64", "decode_raw", "encode_base64", "format", "join", "length", "lower",
    "ngrams", "reduce_join", "regex_full_match", "regex_replace", "split", "strip", "substr", "to_hash_bucket",
    "to_hash_bucket_fast", "to_hash_bucket_strong", "to_number", "unicode_decode", "unicode_decode_with_offsets",
    "unicode_encode", "unicode_script", "unicode_split", "unicode_split_with_offsets", "unicode_transcode",
    "unsorted_segment_join", "upper",
]
