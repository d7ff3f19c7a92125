"""Run the notebooks and write their outputs: `python notebooks/execute.py [01_define_then_run.ipynb ...]`.

What is committed is what a page without scripts can show. A drawing is kept as its picture: the interactive page beside
it comes back when the notebook is run. Needs nbclient and ipykernel, which are in graphflow[test].
"""
from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import nbformat
from graphflow.runtime import kernel_cache
from nbclient import NotebookClient

FOLDER = Path(__file__).parent


def executed(path: Path) -> nbformat.NotebookNode:
    """The notebook with new outputs, run by a kernel of its own in an empty folder. Raises CellExecutionError."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=120, record_timing=False, coalesce_streams=True,
                       resources={"metadata": {"path": folder}}).execute()
        own = {folder: ".", str(kernel_cache.folder().parent): "~/.cache/graphflow"}  # folders of this machine
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if "image/svg+xml" in output.get("data", {}):
                output["data"].pop("text/html", None)
        if "outputs" in cell:
            text = json.dumps(cell.outputs)
            for name, shown in own.items():
                text = text.replace(name, shown)
            cell.outputs = [nbformat.from_dict(output) for output in json.loads(text)]
    return notebook


def main() -> None:
    chosen = [FOLDER / name for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb"))
    for path in chosen:
        notebook = executed(path)
        notebook.metadata.language_info = {"name": "python"}
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
