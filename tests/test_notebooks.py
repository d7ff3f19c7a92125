"""The notebooks run in Jupyter, in kernels of their own, and are committed with the outputs that a run gives."""
from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 400_000  # bytes


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell):
    """What kinds of output a cell has; what they say may differ from run to run."""
    return [(o.output_type, o.get("name"), sorted(o.get("data", ()))) for o in cell.outputs]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_what_is_committed(path):
    committed = nbformat.read(path, as_version=4)
    new = runpy.run_path(str(FOLDER / "execute.py"))["executed"](path)
    for old, cell in zip(code(committed), code(new), strict=True):
        assert kinds(cell) == kinds(old), cell.source
        assert not any(o.get("name") == "stderr" for o in cell.outputs), cell.outputs
    shown = json.dumps([cell.outputs for cell in code(new)])
    assert not re.search(r"0x[0-9a-f]{8}|/tmp/|/home/|ipykernel", shown)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_small_and_leads_to_the_next(path):
    assert path.stat().st_size < LARGEST
    after = [other.name for other in NOTEBOOKS if other.name > path.name][:1]
    last = nbformat.read(path, as_version=4).cells[-1]
    assert last.cell_type == "markdown" and all(f"]({name})" in last.source for name in after)


def test_there_are_six():
    assert [path.name[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]
