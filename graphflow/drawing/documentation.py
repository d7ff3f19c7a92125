"""What the documentation says of an op: of the public function that makes it, else of its family."""
from __future__ import annotations

import importlib
import inspect
import re
from functools import cache
from types import ModuleType

from ..compiler import opdef
from ..compiler.opdef import REGISTRY

MODULES = ("", ".math", ".nn", ".linalg", ".strings", ".image", ".bitwise", ".random", ".signal", ".sparse", ".sets",
           ".quantization", ".lookup", ".queues")
PREFIXES = ("", "reduce_", "matrix_", "random_", "sparse_")
OTHER_NAMES = {"AddV2": "add", "RealDiv": "divide", "Mul": "multiply", "Sub": "subtract", "Neg": "negative",
               "SelectV2": "where", "Select": "where", "NoOp": "no_op", "VariableV2": "Variable", "Const": "constant",
               "Dims": "shape", "Inv": "reciprocal", "MatMul": "matmul", "BatchMatMulV2": "matmul", "Pack": "stack",
               "Unpack": "unstack", "If": "cond", "StatelessIf": "cond", "While": "while_loop",
               "StatelessWhile": "while_loop", "RandomStandardNormal": "random_normal"}
FAMILIES = {
    opdef.ELEMENTWISE: "One element of the result from the elements at the same (broadcast) index.",
    opdef.REDUCTION: "A sum, product, maximum or the like over some axes.",
    opdef.INDEX: "Elements of the input at computed indices.",
    opdef.ALIAS: "The same elements in the same order under another shape.",
    opdef.RANDOM: "Random numbers, computed from a key, the run's number and the element's index alone.",
    opdef.CONTRACTION: "A product of matrices.",
    opdef.WINDOW: "A convolution or pooling over windows, or the gradient of one.",
    opdef.COMPOSITE: "Expanded into other ops when it is compiled.",
    opdef.SOURCE: "A value from outside: fed, constant, or kept in a variable.",
    opdef.EFFECT: "Done for its effect: an assignment, or ops to be run together.",
    opdef.COPY: "Parts of the inputs copied side by side.",
    opdef.CONTROL: "A branch or a loop, whose graphs it holds.",
    opdef.HOST: "NumPy runs it between native kernels.",
}


@cache
def documentation(kind: str) -> str:
    """The first paragraph about ops of a type, "" of one that no definition has."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", re.sub(r"V\d$", "", kind)).lower()
    for name in (OTHER_NAMES.get(kind, kind), *(prefix + re.sub(r"(\d)_d", r"\1d", snake) for prefix in PREFIXES)):
        for module, names in _public():
            found = getattr(module, name) if name in names else None
            text = inspect.getdoc(found) if callable(found) else None
            if text:
                return " ".join(text.split("\n\n")[0].split())
    if kind not in REGISTRY:
        return ""
    definition = REGISTRY[kind]
    if definition.family == opdef.ELEMENTWISE and isinstance(definition.lower, str):
        return f"{definition.lower.format('x', 'y', 'z', t='')} by elements, with broadcasting."
    return FAMILIES.get(definition.family, "")


@cache
def _public() -> list[tuple[ModuleType, set[str]]]:
    """The modules whose functions make ops, with their names."""
    root = __package__.rpartition(".")[0]
    modules = [importlib.import_module(root + name) for name in MODULES]
    return [(module, set(dir(module))) for module in modules]
