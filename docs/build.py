"""Build the site into build/docs: `make docs`, or `python docs/build.py [folder]`. Warnings are errors.

The pages are the repository's own (README, CONTRIBUTING, docs, the notebooks with their outputs, the examples), laid
out with the same relative paths so that their links hold, and a reference of the public symbols (docs/public.py), each
with its docstring and the examples that the tests run.
"""
from __future__ import annotations

import ast
import itertools
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import public
from sphinx.cmd.build import main as sphinx

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "benchmarks/results.md",
         "benchmarks/results-amx.md", "graphflow/keras/datasets/data/LICENSE.digits")

SETTING = ("Examples run in eager mode; ``tf`` is graphflow, ``keras`` is graphflow.keras and ``np`` is NumPy; "
           "arrays are printed with four digits.")


def tree(caption: str, pages: list[str]) -> str:
    """A section of the navigation."""
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def copy(source: pathlib.Path) -> list[str]:
    """The repository's pages; gives the names of the notebooks and the guides."""
    notebooks = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("notebooks/*.ipynb"))
    guides = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md"))
    for page in (*PAGES, *notebooks, *guides):
        (source / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / page, source / page)
    return notebooks + guides


def write_examples(source: pathlib.Path) -> None:
    """A page with the programs in examples/."""
    text = "# Examples\n\nWhole programs, in `examples/`.\n"
    for path in sorted(ROOT.glob("examples/*.py")):
        doc = ast.get_docstring(ast.parse(path.read_text())) or ""
        text += f"\n## {path.name}\n\n{doc.splitlines()[0] if doc else ''}\n\n````python\n{path.read_text()}````\n"
    (source / "examples").mkdir()
    (source / "examples" / "index.md").write_text(text)


def entry(row: public.Public, example: str) -> list[str]:
    """One symbol of the reference, as reStructuredText."""
    kind = "autoclass" if row.is_class else "autofunction"
    lines = [f".. {kind}:: {row.target}", *["   :members:"] * row.is_class, ""]
    if len(row.names) > 1:
        lines += ["   Also: " + ", ".join(f"``{name}``" for name in row.names[1:]) + ".", ""]
    return lines + ["   " + line if line else "" for line in example.splitlines()] + [""]


def space(row: public.Public) -> str:
    """The namespace that a symbol is shown in."""
    return row.names[0].rpartition(".")[0]


def write_reference(source: pathlib.Path) -> list[str]:
    """A page per namespace; gives their names."""
    (source / "reference").mkdir()
    shown, pages = public.examples(), []
    for name, rows in itertools.groupby(sorted(public.symbols(), key=space), space):
        title = {"tf": "graphflow (tf)", "keras": "graphflow.keras"}.get(name, name)
        lines = [title, "=" * len(title), "", SETTING, ""]
        for row in rows:
            example = next((shown[name] for name in row.names if name in shown), "")
            lines += entry(row, example)
        (source / "reference" / f"{name}.rst").write_text("\n".join(lines))
        pages.append(f"reference/{name}")
    return sorted(pages, key=lambda page: (page.startswith("reference/keras"), page))


def main() -> int:
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "docs"
    source = out / "source"
    shutil.rmtree(out, ignore_errors=True)
    source.mkdir(parents=True)
    guides = copy(source)
    write_examples(source)
    notebooks = [page for page in guides if page.startswith("notebooks/")]
    tables = ["docs/compat.md", "docs/keras.md"]
    text = (source / "README.md").read_text().replace("](examples)", "](examples/index.md)")
    (source / "README.md").unlink()
    (source / "index.md").write_text("\n".join([
        text, tree("Notebooks", notebooks),
        tree("Guides", [page for page in guides if page not in (*notebooks, *tables)] + ["CONTRIBUTING.md"]),
        tree("Compatibility", tables), tree("Reference", write_reference(source)),
        tree("More", ["examples/index.md", "benchmarks/results.md", "benchmarks/results-amx.md", "CHANGELOG.md"])]))
    folders = ["-c", str(HERE), "-d", str(out / "cache"), str(source), str(out / "html")]
    return sphinx(["-q", "-W", "--keep-going", *folders])


if __name__ == "__main__":
    sys.exit(main())
