"""The public symbols: what there is of TensorFlow 1's and Keras 3's names (docs/api), and graphflow's own.

    python docs/public.py            count the symbols with a docstring and with an example
    python docs/public.py --missing  list those without

Examples stand in docs/examples, where a heading names the symbols that an example uses, by the names that it calls them
by; tests/test_doc_examples.py runs them all.
"""
from __future__ import annotations

import inspect
import pathlib
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import compat

import graphflow
from graphflow.lazy import Names

HERE = pathlib.Path(__file__).parent
EXAMPLES = HERE / "examples"
EXAMPLE = re.compile(r"^## (.+?)\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


# packages whose __init__ is the list of names, which docs/api lacks
WITHOUT_TABLES = ("graphflow.layers",)


class Public(NamedTuple):
    names: tuple[str, ...]  # the first is the one it is shown under
    value: Any

    @property
    def is_class(self) -> bool:
        return isinstance(self.value, type)

    @property
    def documented(self) -> bool:
        doc = self.value.__dict__.get("__doc__") if self.is_class else self.value.__doc__
        return bool(doc and doc.strip())

    @property
    def target(self) -> str:
        """The name to import it by."""
        root, _, rest = self.names[0].partition(".")
        return {"tf": "graphflow", "keras": "graphflow.keras"}[root] + "." + rest


def _from_tables() -> Iterator[tuple[str, Any]]:
    for root, page in ((graphflow, "tf1_symbols.tsv"), (graphflow.keras, "keras_symbols.tsv")):
        for symbol in compat.symbols(HERE / "api" / page):
            value = compat.find(root, symbol.name)
            if value is not compat.ABSENT:
                yield symbol.name, value


def listed(module: ModuleType) -> list[str]:
    """The names that a package imports from its modules."""
    inside = f"{module.__name__}."
    return sorted(name for name, value in vars(module).items()
                  if str(getattr(value, "__module__", "")).startswith(inside))


def _from_lazy_names(module: ModuleType, name: str, seen: set[ModuleType]) -> Iterator[tuple[str, Any]]:
    """What a module's own table of names adds, and those of the modules in it."""
    seen.add(module)
    table = getattr(module, "_names", None)
    names = table.own() if isinstance(table, Names) else list(getattr(module, "__all__", ()))
    for own in names + (listed(module) if module.__name__ in WITHOUT_TABLES else []):
        value, full = getattr(module, own), f"{name}.{own}"
        if isinstance(value, ModuleType) and callable(value):  # a package that stands for its main function
            value = getattr(value, own)
        if not isinstance(value, ModuleType):
            yield full, value
        elif value not in seen:
            yield from _from_lazy_names(value, full, seen)


def symbols() -> list[Public]:
    """The functions and classes of this project, each once, with all of its names, shortest first."""
    found: dict[int, tuple[Any, dict[str, None]]] = {}
    seen: set[ModuleType] = set()
    for name, value in (*_from_tables(), *_from_lazy_names(graphflow.keras, "keras", seen),
                        *_from_lazy_names(graphflow.nn, "tf.nn", seen), *_from_lazy_names(graphflow, "tf", seen)):
        ours = str(getattr(value, "__module__", "")).startswith("graphflow")
        if ours and (inspect.isroutine(value) or isinstance(value, type)) and "._" not in name:
            found.setdefault(id(value), (value, {}))[1].setdefault(name)
    rows = [Public(tuple(sorted(names, key=lambda n: (n.count("."), n.startswith("keras"), len(n), n))), value)
            for value, names in found.values()]
    return sorted(rows, key=lambda row: row.names[0].lower())


def examples() -> dict[str, str]:
    """The examples in docs/examples by the symbols that they show: "## tf.a, tf.b" heads one of both."""
    pairs = [pair for path in sorted(EXAMPLES.glob("*.md")) for pair in EXAMPLE.findall(path.read_text())]
    return {name: text for names, text in pairs for name in names.split(", ")}


def without_example() -> list[Public]:
    """The symbols that no example shows."""
    shown = examples()
    return [row for row in symbols() if not shown.keys() & set(row.names)]


def main() -> None:
    shown, rows, bare = examples(), symbols(), without_example()
    without = [row for row in rows if not row.documented]
    unknown = shown.keys() - {name for row in rows for name in row.names}
    print(f"{len(rows)} public symbols under {sum(len(row.names) for row in rows)} names, "
          f"{len(rows) - len(without)} with a docstring, {len(rows) - len(bare)} with an example; "
          f"examples of no symbol: {sorted(unknown) or 'none'}")
    if "--missing" in sys.argv:
        for row in rows:
            if row in without or row in bare:
                print(row.names[0], *["docstring"] * (row in without), *["example"] * (row in bare))


if __name__ == "__main__":
    main()
