"""Cases with results computed by Keras 3.15.1 (data/golden.json and data/golden.npz)."""
from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from graphflow import keras

DATA = Path(__file__).parent / "data"
RTOL, ATOL = 1e-4, 1e-5


@functools.cache
def sections() -> dict[str, list[dict[str, Any]]]:
    """The cases by section, every "npz:<key>" replaced by its array."""
    with np.load(DATA / "golden.npz") as data:
        arrays = {key: data[key] for key in data.files}

    def resolve(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("npz:"):
            return arrays[value[4:]]
        if isinstance(value, list):
            return [resolve(v) for v in value]
        if isinstance(value, dict):
            return {k: resolve(v) for k, v in value.items()}
        return value

    return {name: [resolve(c) for c in cases] for name, cases in json.loads((DATA / "golden.json").read_text()).items()}


def construct(value: Any) -> Any:
    """Objects from {"$new": "losses.Huber", "kwargs": {...}}."""
    if isinstance(value, dict) and "$new" in value:
        module, name = value["$new"].split(".")
        return getattr(getattr(keras, module), name)(**construct(value.get("kwargs", {})))
    if isinstance(value, dict):
        return {k: construct(v) for k, v in value.items()}
    return [construct(v) for v in value] if isinstance(value, list) else value


def make(module: str, case: dict[str, Any]) -> Any:
    return construct({"$new": f"{module}.{case['class']}", "kwargs": case["kwargs"]})


def sequential(spec: dict[str, Any]) -> Any:
    entry, = spec["inputs"]
    layers = [construct({"$new": f"layers.{n['class']}", "kwargs": n["kwargs"]}) for n in spec["nodes"]]
    return keras.Sequential([keras.Input(entry["shape"], dtype=entry["dtype"], name=entry["name"]), *layers],
                            name=spec["name"])


def close(got: Any, want: Any, factor: float = 1.0) -> None:
    np.testing.assert_allclose(got, want, RTOL * factor, ATOL * factor)
