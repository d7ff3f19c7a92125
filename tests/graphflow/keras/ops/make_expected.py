"""Writes expected.npz and dtypes.json beside this file, with Keras itself (pip install keras tensorflow).

    python make_expected.py
"""
from __future__ import annotations

import json
import pathlib
from typing import Any

import keras_ops_core
import keras_ops_nn
import keras_ops_numpy
import keras_ops_shapes
import numpy as np

HERE = pathlib.Path(__file__).parent
GROUPS = {"numpy": keras_ops_numpy, "shapes": keras_ops_shapes, "core": keras_ops_core, "nn": keras_ops_nn}
DTYPES = ("bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64")
ONE = ("abs", "sum", "mean", "var", "prod", "exp", "floor", "sqrt", "square", "cumsum", "argmax", "deg2rad", "average")
TWO = ("maximum", "divide", "arctan2", "hypot", "matmul", "logaddexp", "equal", "concatenate")


def leaves(value: Any) -> list[Any]:
    return [leaf for v in value for leaf in leaves(v)] if isinstance(value, (list, tuple)) else [value]


def typed(ops: Any) -> dict[str, Any]:
    """{case: the tensor whose dtype counts, or None where that is an error}."""
    def attempt(function: Any) -> Any:
        try:
            return function()
        except Exception:
            return None

    found = {}
    for a in DTYPES:
        x = ops.convert_to_tensor([[1, 0], [1, 1]], a)
        found |= {f"{name} {a}": attempt(lambda n=name, v=x: getattr(ops, n)(v)) for name in ONE}
        for name in TWO:
            for b in DTYPES:
                y = ops.convert_to_tensor([[1, 1], [1, 0]], b)
                both = ([x, y],) if name == "concatenate" else (x, y)
                found[f"{name} {a} {b}"] = attempt(lambda n=name, v=both: getattr(ops, n)(*v))
        for weak in (1, 2.5):
            found[f"maximum {a} {weak}"] = attempt(lambda w=weak, v=x: ops.maximum(v, w))
            found[f"divide {weak} {a}"] = attempt(lambda w=weak, v=x: ops.divide(w, v))
    return found


def main() -> None:
    import keras

    arrays = {}
    for group, module in GROUPS.items():
        for name, case in module.CASES.items():
            for i, leaf in enumerate(leaves(case(keras.ops))):
                value = keras.ops.convert_to_numpy(leaf) if hasattr(leaf, "dtype") else np.asarray(leaf)
                arrays[f"{group}/{name}/{i}"] = value
    np.savez_compressed(HERE / "expected.npz", **arrays)
    dtypes = {k: None if t is None else keras.backend.standardize_dtype(t.dtype) for k, t in typed(keras.ops).items()}
    (HERE / "dtypes.json").write_text(json.dumps({k: d for k, d in dtypes.items() if d}, indent=0) + "\n")


if __name__ == "__main__":
    main()
