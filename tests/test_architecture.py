"""The rules that keep the layers apart, read from the source: who may import whom, and how long a file may be."""
from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# folder -> the package it installs as; a layer may import itself and those before it
LAYERS = {"compiler": "graphflow.compiler", "runtime": "graphflow.runtime", "graphflow": "graphflow"}
SOURCES = [path.relative_to(ROOT) for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
MAX_LINES = 450

# who may import Numba or llvmlite, besides the kernels generated at run time
NATIVE = {Path("runtime/executor.py"), Path("runtime/team.py")}
NATIVE_FOLDER = Path("compiler/native")


def module_name(path: Path) -> str:
    """The dotted name under which the file at `path`, relative to the root, is imported."""
    parts = [LAYERS[path.parts[0]], *path.with_suffix("").parts[1:]]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of every import in the source, inside functions too.

    `from a import b` yields `a.b`, since b may be a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".")[:len(module.split(".")) - node.level + is_package]
                base = ".".join([*package, base] if base else package)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def layer_of(name: str) -> int | None:
    """Height of the layer that a dotted name belongs to; None outside graphflow."""
    for height, package in enumerate(LAYERS.values()):
        if f"{name}.".startswith(f"{package}."):
            return height
    return None


def violations(path: Path, source: str) -> list[str]:
    """What the file imports and must not."""
    found = []
    module = module_name(path)
    own_layer = layer_of(module)
    native = path in NATIVE or path.is_relative_to(NATIVE_FOLDER)
    for line, name in imports(source, module, path.name == "__init__.py"):
        layer = layer_of(name)
        if layer is not None and own_layer is not None and layer > own_layer:
            found.append(f"{path}:{line}: imports up, {name}")
        if name.split(".")[0] in ("numba", "llvmlite") and not native:
            found.append(f"{path}:{line}: imports {name} outside the native layer")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_imports_point_down(path):
    assert violations(path, (ROOT / path).read_text()) == []


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_files_stay_short(path):
    lines = len((ROOT / path).read_text().splitlines())
    assert lines <= MAX_LINES, f"{path} has {lines} lines: split it by what belongs together"


@pytest.mark.parametrize(("path", "source"), [
    ("compiler/ir.py", "from graphflow.runtime.session import Session"),
    ("compiler/ir.py", "import graphflow.keras"),
    ("compiler/ops/math.py", "from ...runtime import arena"),
    ("compiler/ops/__init__.py", "from ... import runtime"),
    ("compiler/ir.py", "def f():\n    from graphflow import Session"),
    ("runtime/session.py", "from graphflow.nn import relu"),
    ("runtime/session.py", "from .. import nn"),
    ("runtime/session.py", "import numba"),
    ("runtime/native.py", "import numba"),
    ("compiler/passes/fuse.py", "from llvmlite import ir"),
    ("graphflow/nn.py", "def f():\n    import numba.core.config"),
])
def test_the_rules_catch(path, source):
    assert len(violations(Path(path), source)) == 1


@pytest.mark.parametrize(("path", "source"), [
    ("graphflow/nn.py", "from graphflow.runtime.session import Session"),
    ("graphflow/__init__.py", "from .compiler import ops\nfrom . import nn"),
    ("runtime/session.py", "from ..compiler.ir import Graph\nfrom . import arena\nimport graphflow.compiler.ir"),
    ("runtime/team.py", "from numba import types"),
    ("compiler/native/memory.py", "from llvmlite import ir\nfrom numba import types"),
    ("compiler/ops/math.py", "import numpy as np\nfrom ..ir import Node\nfrom . import family"),
])
def test_the_rules_allow(path, source):
    assert violations(Path(path), source) == []


@pytest.mark.parametrize("package", ["graphflow", "graphflow.keras"])
def test_import_is_light(package):
    """Numba, HDF5 and networkx cost most of a second together, so they load when something needs them."""
    heavy = {"numba", "llvmlite", "h5py", "networkx", "ml_dtypes"}
    code = f"import sys, {package}; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
