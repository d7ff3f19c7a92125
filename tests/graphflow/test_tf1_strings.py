"""`tf.strings`: what the public functions add to the ops, which tests/compiler/ops checks; hashes; errors."""
from __future__ import annotations

import numpy as np
import pytest
from graphflow.compiler.string_hash import fingerprint

import graphflow as tf


def run(tensors, feeds=None):
    with tf.Session() as session:
        return session.run(tensors, feeds)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default():
        yield


@pytest.mark.parametrize(("size", "wanted"), [
    # of FarmHash's own implementation, for the bytes 1, 2, 3, ... (modulo 251)
    (16, 5492061393471077628), (32, 16321073202648031936), (64, 3523808010621079758),
    (65, 2026812018626054409), (200, 4937025870346093207)])
def test_fingerprint_takes_every_length(size, wanted):
    data = bytes((i % 251) + 1 for i in range(size))
    assert fingerprint(data) == wanted
    assert len({fingerprint(data[:n]) for n in range(size + 1)}) == size + 1


def test_split():
    value = run([tf.string_split(["a b", " c"]), tf.string_split(["a,,b"], ",", skip_empty=False),
                 tf.strings.split(["a  b c"], maxsplit=1), tf.string_split(["ab"], "")])
    assert [v.values.tolist() for v in value] == [[b"a", b"b", b"c"], [b"a", b"", b"b"], [b"a", b"b c"], [b"a", b"b"]]
    assert value[0].indices.tolist() == [[0, 0], [0, 1], [1, 0]] and value[0].dense_shape.tolist() == [2, 2]


def test_join_and_ngrams():
    words = tf.constant(["a", "b", "c"])
    value = run([tf.strings.ngrams(words, 2), tf.strings.ngrams(words, [1, 3], "-"),
                 tf.strings.ngrams(words, 2, pad_values=("<", ">")), tf.reduce_join([["a", "b"], ["c", "d"]]),
                 tf.reduce_join([["a", "b"], ["c", "d"]], [0, 1]), tf.string_join(["x", words])])
    assert [np.asarray(v).tolist() for v in value] == [
        [b"a b", b"b c"], [b"a", b"b", b"c", b"a-b-c"], [b"< a", b"a b", b"b c", b"c >"], b"abcd", b"acbd",
        [b"xa", b"xb", b"xc"]]


def test_scalars_and_formats():
    text = tf.placeholder(tf.string, [])
    value = run([tf.strings.format("{} and {}", [[1, 2], 0.5]), tf.strings.unicode_decode(text, "UTF-8"),
                 tf.strings.bytes_split(text), tf.as_string(3.14159, precision=2), tf.strings.length(text)],
                {text: "hé"})
    assert value[0] == b"[1 2] and 0.5" and value[1].tolist() == [104, 233] and value[3:] == [b"3.14", 3]
    assert value[2].tolist() == [b"h", b"\xc3", b"\xa9"]


def test_errors():
    text = tf.placeholder(tf.string, [None])
    for build, feed, problem in ((tf.string_to_number, "abc", "abc"), (tf.decode_base64, "a+", "base64"),
                                 (lambda t: tf.substr(t, 5, 1), "ab", "out of range"),
                                 (lambda t: tf.regex_replace(t, "(", ""), "ab", "Invalid pattern")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=problem):
            run(build(text), {text: [feed]})
    with pytest.raises(ValueError, match="placeholder"):
        tf.strings.format("{}", [1, 2])
    with pytest.raises(ValueError):
        tf.as_string([1], precision=2)


def test_zeros_of_strings_are_empty_and_empty_strings_have_no_parts():
    given = tf.placeholder(tf.string, [None])
    with tf.Session() as session:
        zeros, like, parts = session.run([tf.zeros([2], tf.string), tf.zeros_like(given),
                                          tf.string_split(given, ",", skip_empty=False)], {given: ["a,", ""]})
    assert zeros.tolist() == like.tolist() == [b"", b""]
    assert parts.values.tolist() == [b"a", b""] and parts.dense_shape.tolist() == [2, 2]
