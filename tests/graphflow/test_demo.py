"""The demo does what it says, and the examples are the programs that it runs."""
from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from graphflow import __main__, demo

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def test_the_whole_demo(tmp_path, capsys):
    assert __main__.main(["demo", "--output", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    session, network = (float(a) for a in re.findall(r"^test accuracy: (0\.\d{4})$", text, re.MULTILINE))
    assert session >= 0.96
    assert network >= 0.98
    assert "epoch 5/" in text and "Epoch 2/" in text and "val_accuracy" in text
    assert "MatMul, AddV2, Relu" in text and " arena" in text and "share" in text
    path = tmp_path / "out" / "graph.html"
    assert str(path) in text
    assert path.read_text().count('class="gf-view') == 2


@pytest.mark.parametrize(("file", "function"), [("define_then_run.py", demo.define_then_run),
                                                ("keras_cnn.py", demo.keras_cnn)])
def test_examples_hold_what_the_demo_runs(file, function):
    assert inspect.getsource(function) in (EXAMPLES / file).read_text()


def test_an_example_runs_by_itself(monkeypatch):
    done = subprocess.run([sys.executable, EXAMPLES / "define_then_run.py"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].startswith("test accuracy: 0.9")


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"]])
def test_help_is_quick_to_load(arguments):
    code = f"import sys; sys.argv[1:] = {arguments}; import runpy; runpy.run_module('graphflow', run_name='__main__')"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    assert "usage: python -m graphflow" in done.stdout
    assert "numba" not in done.stderr


def test_unknown_commands(capsys):
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["dmo"])
    assert stopped.value.code == 2
    assert "invalid choice: 'dmo'" in capsys.readouterr().err


def test_an_unwritable_folder_is_one_clear_error(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(demo, "run", lambda output: demo.draw([]).save(Path(output) / "graph.html"))
    assert __main__.main(["demo", "--output", str(tmp_path / "file")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("python -m graphflow demo: ") and str(tmp_path / "file") in error
    assert error.count("\n") == 1
