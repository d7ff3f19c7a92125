"""The notebooks' code runs, cell by cell, and they are committed with outputs."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

import graphflow as tf

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_cells_run(path):
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert cells and all(cell["outputs"] for cell in cells)
    scope: dict[str, object] = {}
    with tf.Graph().as_default():
        for cell in cells:
            exec(compile("".join(cell["source"]), path.name, "exec"), scope)


def test_there_are_notebooks():
    assert NOTEBOOKS
