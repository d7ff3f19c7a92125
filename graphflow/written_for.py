"""Which TensorFlow a program is written for: read from its text, before it runs."""
from __future__ import annotations

import ast
import os
from collections.abc import Iterator

# what only programs that build a graph use
_OF_GRAPHS = frozenset({"Session", "InteractiveSession", "placeholder", "disable_eager_execution",
                        "disable_v2_behavior", "get_default_graph", "get_session", "set_session", "gradients",
                        "global_variables_initializer", "ConfigProto", "contrib", "Estimator"})


def runs_at_once(path: str) -> bool:
    """Whether a script, with the modules beside it that it imports, is one for TensorFlow 2 or Keras 3 that looks at
    values: it says `x.numpy()`, `tf.function`, `tf.GradientTape`, `tf.optimizers`, `tf.random.set_seed`
    or `keras.ops`, and nothing of sessions."""
    names: set[str] = set()
    signs = False
    for node in _nodes(os.path.abspath(path), set()):
        match node:
            case ast.Call(func=ast.Attribute(attr="numpy"), args=[], keywords=[]):
                signs = True
            case ast.Attribute(value=ast.Name(id="tf" | "tensorflow"), attr="function" | "GradientTape" | "optimizers"):
                signs = True
            case ast.Attribute(value=ast.Attribute(attr="random"), attr="set_seed"):
                signs = True
            case ast.Attribute(value=ast.Name(id="keras"), attr="ops"):
                signs = True
            case ast.ImportFrom(module=str(module), names=imported):
                names |= {a.name for a in imported} | set(module.split("."))
                signs = signs or module == "keras.ops" or module == "keras" and any(a.name == "ops" for a in imported)
            case ast.Attribute(attr=name):
                names.add(name)
    return signs and not names & _OF_GRAPHS


def _nodes(path: str, seen: set[str]) -> Iterator[ast.AST]:
    """The syntax of a file and of the modules in its folder that it imports; nothing where it cannot be read."""
    seen.add(path)
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        yield node
        modules = [a.name for a in node.names] if isinstance(node, ast.Import) else (
            [node.module or ""] + [f"{node.module}.{a.name}" for a in node.names] if isinstance(node, ast.ImportFrom)
            else [])
        for module in modules:
            inner = os.path.join(os.path.dirname(path), *module.split(".")) + ".py"
            if inner not in seen and os.path.isfile(inner):
                yield from _nodes(inner, seen)
