"""Regular expressions on strings: RE2's syntax, which Python's `re` nearly is."""
from __future__ import annotations

import functools
import re
from typing import Any

from ..dtypes import bool_, string
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from .strings import data, each, strings, text

_POSIX = {"alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "lower": "a-z", "upper": "A-Z", "space": r"\s",
         "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9a-fA-F", "word": r"\w", "blank": r" \t", "cntrl": r"\x00-\x1f\x7f",
         "print": " -~", "graph": "!-~", "ascii": r"\x00-\x7f"}


@functools.lru_cache(256)
def pattern(source: bytes) -> re.Pattern[str]:
    """The compiled form. Raises InvalidArgumentError for a pattern that is none."""
    translated = re.sub(r"\[:(\w+):\]", lambda m: _POSIX.get(m[1], m[0]), text(source)).replace(r"\z", r"\Z")
    try:
        return re.compile(translated, re.ASCII)
    except re.error as error:
        raise InvalidArgumentError(f"Invalid pattern: {text(source)}, error: {error}") from None


def _replace(s: bytes, source: bytes, rewrite: bytes, replace_global: bool) -> bytes:
    def written(match: re.Match[str]) -> str:
        return re.sub(r"\\(\d|\\)", lambda m: "\\" if m[1] == "\\" else match[int(m[1])] or "", text(rewrite))
    try:
        return data(pattern(source).sub(written, text(s), 0 if replace_global else 1))
    except IndexError:
        raise InvalidArgumentError(f"Invalid rewrite pattern: {text(rewrite)}") from None


def _scalar(op: str, what: str, value: Any) -> Tensor:
    tensor = strings(value, f"{op}/{what}")
    if tensor.dims not in ((), None):
        raise ShapeError(f"{op}: Shape must be rank 0 but is rank {len(tensor.dims or ())} for {what}")
    return tensor


_regex_replace = OpDef(
    "RegexReplace", HOST, lambda inputs, attrs: [TensorType(string, inputs[0].dims)], None,
    lambda x, source, rewrite, replace_global: each(
        lambda s: _replace(s, source.item(), rewrite.item(), replace_global), x))
_regex_full_match = OpDef(
    "RegexFullMatch", HOST, lambda inputs, attrs: [TensorType(bool_, inputs[0].dims)], None,
    lambda x, source: each(lambda s: pattern(source.item()).fullmatch(text(s)) is not None, x))


def regex_replace(input: Any, pattern: Any, rewrite: Any, replace_global: bool = True,
                  name: str | None = None) -> Tensor:
    r"""Matches of `pattern` replaced by `rewrite`, in which \1 to \9 stand for groups and \0 for the match."""
    return _regex_replace(strings(input, "RegexReplace/input"), _scalar("RegexReplace", "pattern", pattern),
                          _scalar("RegexReplace", "rewrite", rewrite), replace_global=bool(replace_global), name=name)


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Whether `pattern` matches each whole string."""
    return _regex_full_match(strings(input, "RegexFullMatch/input"), _scalar("RegexFullMatch", "pattern", pattern),
                             name=name)
