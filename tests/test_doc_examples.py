"""Every public symbol has a docstring, and the examples in docs/examples give what they show."""
from __future__ import annotations

import doctest
import io
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras
from graphflow.keras.saving import serialization

PUBLIC = runpy.run_path(str(Path(__file__).parent.parent / "docs" / "public.py"))
FILES = sorted(PUBLIC["EXAMPLES"].glob("*.md"))
WITHOUT_EXAMPLE = 788  # may only become less


def test_every_public_symbol_has_a_docstring():
    assert [row.names[0] for row in PUBLIC["symbols"]() if not row.documented] == []


def test_examples_use_the_public_symbols_that_they_are_of():
    names, shown = {name for row in PUBLIC["symbols"]() for name in row.names}, PUBLIC["examples"]()
    assert shown.keys() - names == set()
    assert [name for name, text in shown.items() if not re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)] == []


def test_every_public_symbol_but_those_of_before_has_an_example():
    assert len(PUBLIC["without_example"]()) <= WITHOUT_EXAMPLE


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_examples_give_what_they_show(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(serialization._safe, 0, True)  # one of them trusts a file
    parser, output = doctest.DocTestParser(), io.StringIO()
    runner = doctest.DocTestRunner(verbose=False)
    with np.printoptions(precision=4, suppress=True):
        for name, text in PUBLIC["EXAMPLE"].findall(path.read_text()):
            keras.utils.clear_session()
            with tf.Graph().as_default(), tf.eager():
                test = parser.get_doctest(text, {"tf": tf, "keras": keras, "np": np}, name, str(path), 0)
                runner.run(test, out=output.write)
    assert runner.summarize(verbose=False).failed == 0 < runner.tries, output.getvalue()
