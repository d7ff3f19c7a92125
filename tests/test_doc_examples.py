"""Every public symbol has a docstring, and the examples in docs/examples give what they show."""
from __future__ import annotations

import doctest
import io
import runpy
from pathlib import Path

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras

PUBLIC = runpy.run_path(str(Path(__file__).parent.parent / "docs" / "public.py"))
FILES = sorted(PUBLIC["EXAMPLES"].glob("*.md"))


def test_every_public_symbol_has_a_docstring():
    assert [row.names[0] for row in PUBLIC["symbols"]() if not row.documented] == []


def test_examples_are_of_public_symbols():
    names = {name for row in PUBLIC["symbols"]() for name in row.names}
    assert PUBLIC["examples"]().keys() - names == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_examples_give_what_they_show(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parser, output = doctest.DocTestParser(), io.StringIO()
    runner = doctest.DocTestRunner(verbose=False)
    with np.printoptions(precision=4, suppress=True):
        for name, text in PUBLIC["EXAMPLE"].findall(path.read_text()):
            keras.utils.clear_session()
            with tf.Graph().as_default(), tf.eager():
                test = parser.get_doctest(text, {"tf": tf, "keras": keras, "np": np}, name, str(path), 0)
                runner.run(test, out=output.write)
    assert runner.summarize(verbose=False).failed == 0 < runner.tries, output.getvalue()
