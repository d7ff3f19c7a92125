"""Every public symbol has a docstring and an example, and the examples in docs/examples give what they show."""
from __future__ import annotations

import doctest
import io
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import stand_ins

import graphflow as tf
from graphflow import keras
from graphflow.keras.saving import serialization
from graphflow.keras.utils import io_utils

PUBLIC = runpy.run_path(str(Path(__file__).parent.parent / "docs" / "public.py"))
FILES = sorted(PUBLIC["EXAMPLES"].glob("*.md"))


def test_every_public_symbol_has_a_docstring():
    assert [row.names[0] for row in PUBLIC["symbols"]() if not row.documented] == []


def test_examples_use_the_public_symbols_that_they_are_of():
    names, shown = {name for row in PUBLIC["symbols"]() for name in row.names}, PUBLIC["examples"]()
    assert shown.keys() - names == set()
    assert [name for name, text in shown.items() if not re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)] == []


def test_every_public_symbol_has_an_example():
    assert [row.names[0] for row in PUBLIC["without_example"]()] == []


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    stand_ins.write(folder)
    return folder


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_examples_give_what_they_show(path, tmp_path, monkeypatch, home, request):
    def no_network(*_):
        raise OSError("no network")

    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setattr(io_utils, "_download", no_network)
    request.addfinalizer(lambda: tf.config.run_functions_eagerly(False))
    tf.config.run_functions_eagerly(True)  # nothing is compiled where a model is trained
    monkeypatch.setattr(serialization, "_safe", [True])  # one of them trusts a file
    parser, output = doctest.DocTestParser(), io.StringIO()
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)  # for times and dates
    with np.printoptions(precision=4, suppress=True):
        for i, (name, text) in enumerate(PUBLIC["EXAMPLE"].findall(path.read_text())):
            keras.utils.clear_session()
            (tmp_path / str(i)).mkdir()
            monkeypatch.chdir(tmp_path / str(i))
            with tf.Graph().as_default(), tf.eager():
                test = parser.get_doctest(text, {"tf": tf, "keras": keras, "np": np}, name, str(path), 0)
                runner.run(test, out=output.write)
    assert runner.summarize(verbose=False).failed == 0 < runner.tries, output.getvalue()
