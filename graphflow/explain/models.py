"""Explanations of what Keras models run: the step for training, for testing, for predicting."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compiler.dtypes import as_dtype
from ..keras.layers.input_spec import shape_of
from ..runtime.runner import as_feed
from . import ASSUMED_SIZE, explained
from .records import Explanation

if TYPE_CHECKING:
    from ..keras.models.model import Model

KINDS = ("train", "test", "predict")


def explain_model(model: Model, kind: str | None, batch_size: int, x: Any, y: Any, sample_weight: Any, verbose: bool,
                  shapes: Mapping[str, tuple[int, ...]] | None = None) -> Explanation:
    """How one step on a batch is compiled, with its times. Without `x` the arrays follow from the model's inputs,
    outputs and losses, and their values are made up; `shapes` may give those of inputs, by name, with the batch axis.

    Raises ValueError for another kind, for a model that is not compiled (but for "predict"), runs eagerly or, without
    `x`, has no inputs yet, and for a name in `shapes` that no input has.
    """
    kind = kind or ("train" if model.compiled else "predict")
    if kind not in KINDS:
        raise ValueError(f"explain: expected {', '.join(map(repr, KINDS))}, received {kind!r}")
    if kind != "predict":
        model._need_compiled("explain")
    notes: list[str] = []
    if x is None:
        x, y, sample_weight = _made_up(model, kind, batch_size, shapes or {}, notes)
    batch = model._batch(x, y, sample_weight) if kind != "predict" else model._batch(x)
    step = model._step(kind, batch)
    runner = getattr(step, "runner", None)
    if runner is None:
        raise ValueError(f"explain: the model {model.name!r} runs eagerly, so nothing of it is compiled")
    values = [as_feed(t, a) for t, a in zip(runner.feeds, batch.arrays, strict=True)]
    return explained(runner, runner.shapes_of(values), values, verbose, notes)


def _made_up(model: Model, kind: str, batch_size: int, shapes: Mapping[str, tuple[int, ...]], notes: list[str]
             ) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight): arrays as a step of the kind takes them."""
    network = model._network
    if network is None:
        raise ValueError(f"explain: the model {model.name!r} has no defined inputs; give `x`"
                         + (" and `y`" if kind != "predict" else ""))
    unknown = set(shapes) - set(network.input_names)
    if unknown:
        raise ValueError(f"explain: the model {model.name!r} has the inputs {', '.join(network.input_names)}, received "
                         f"a shape for {', '.join(sorted(unknown))}")
    batch_size = next((s[0] for s in shapes.values() if s), batch_size)
    x = [_array(t.dtype.np, shapes[n][1:] if n in shapes else shape_of(t)[1:], batch_size, t.name, notes)
         for t, n in zip(network.inputs, network.input_names, strict=True)]
    if kind == "predict":
        return x if len(x) > 1 else x[0], None, None
    losses = model._known()[0].objects
    y = [_target(t, loss, batch_size, notes) for t, loss in zip(network.outputs, losses, strict=True)
         if loss is not None]
    return x if len(x) > 1 else x[0], y if len(y) > 1 else y[0] if y else None, None


def _target(output: Any, loss: Any, batch_size: int, notes: list[str]) -> np.ndarray:
    name = loss if isinstance(loss, str) else loss.name
    if "sparse" in name:
        return _array(np.dtype(np.int64), shape_of(output)[1:-1], batch_size, f"the target of {output.name}", notes)
    return _array(output.dtype.np, shape_of(output)[1:], batch_size, f"the target of {output.name}", notes)


def _array(dtype: np.dtype, dims: Any, batch_size: int, what: str, notes: list[str]) -> np.ndarray:
    shape = tuple(d if isinstance(d, int) else ASSUMED_SIZE for d in dims)
    if shape != tuple(dims):
        notes.append(f"{what}: unknown sizes taken to be {ASSUMED_SIZE}")
    if as_dtype(dtype).is_floating:
        return np.random.default_rng(0).random((batch_size, *shape)).astype(dtype)
    return np.zeros((batch_size, *shape), dtype)
