"""Agreement with the numbers of Keras itself."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from golden import DATA, close, make, sections, sequential
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.ops.constant import convert_to_tensor
from graphflow.compiler.ops.reduction import reduce_sum

from graphflow import keras
from graphflow.keras.scope import StepScope

K = keras.backend


def cases(section: str) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(c, id=c["id"]) for c in sections()[section]])


@cases("layers")
def test_layer(case: dict[str, Any]) -> None:
    layer = make("layers", case)
    x, = (convert_to_tensor(a) for a in case["args"])
    with StepScope() as scope:
        y = layer(x, **case["call_kwargs"])
        layer.set_weights([w["value"] for w in case["weights"]])
        grads = gradients(y, [x, *layer.trainable_weights], convert_to_tensor(case["R"][0]))
        updates = scope.assignments()
    session = K.get_session()
    close(session.run(y), case["outputs"][0])
    for got, want in zip(grads, case["grad_args"] + case["grad_weights"], strict=True):
        close(session.run(got), want)
    if "weights_after_call" in case:
        session.run(updates)
        for got, want in zip(layer.get_weights(), case["weights_after_call"], strict=True):
            close(got, want)


@cases("losses")
def test_loss(case: dict[str, Any]) -> None:
    y_pred = convert_to_tensor(case["y_pred"])
    value = make("losses", case)(case["y_true"], y_pred, sample_weight=case["sample_weight"])
    close(K.eval(value), case["value"])
    close(K.eval(gradients(value, y_pred)[0]), case["grad"])


@cases("metrics")
def test_metric(case: dict[str, Any]) -> None:
    metric = make("metrics", case)

    def update(step: dict[str, Any]) -> Any:
        metric.update_state(*step["args"], sample_weight=step["sample_weight"])
        return K.eval(metric.result())

    for step, want in zip(case["updates"], case["results"], strict=True):
        close(update(step), want)
    metric.reset_state()
    close(update(case["updates"][-1]), case["result_reset_then_last"])


@cases("optimizers")
def test_optimizer(case: dict[str, Any]) -> None:
    """A Dense layer under the loss sum(y_true * y_pred) has y_true as its kernel's gradient."""
    dense = keras.layers.Dense(3)
    model = keras.Sequential([keras.Input((4,)), dense])
    dense.set_weights(case["variables"])
    model.compile(make("optimizers", case), loss=lambda y_true, y_pred: reduce_sum(y_true * y_pred))
    for step, gradient in enumerate(case["grads"][0]):
        model.train_on_batch(np.eye(4, dtype=np.float32), gradient)
        for got, want in zip(dense.get_weights(), case["values"], strict=True):
            close(got, want[step])


@cases("training")
def test_training_run(case: dict[str, Any]) -> None:
    from golden import construct
    model = sequential(case["model"])
    model.set_weights([w["value"] for w in case["initial_weights"]])
    model.compile(**construct(case["compile"]))
    held = case["validation"]
    history = model.fit(**case["data"], **case["fit"], verbose=0,
                        validation_data=(held["x"], held["y"]) if held else None).history
    assert set(history) == set(case["history"])
    for key, want in case["history"].items():
        close(history[key], want, 10)
    for got, want in zip(model.get_weights(), case["final_weights"], strict=True):
        close(got, want["value"], 10)
    evaluated = model.evaluate(**case["data"], batch_size=8, verbose=0, return_dict=True)
    for key, want in case["evaluate"].items():
        close(evaluated[key], want, 10)
    close(model.predict(case["data"]["x"], batch_size=8, verbose=0), case["predict"][0], 10)


@pytest.mark.filterwarnings("ignore:No training configuration")
@pytest.mark.parametrize("ending", ["h5", "keras", "weights.h5"])
@cases("saved")
def test_file_written_by_keras(case: dict[str, Any], ending: str) -> None:
    path = DATA / f"{case['id']}.{ending}"
    if ending == "weights.h5":
        model = sequential(case["model"])
        model.load_weights(path)
    else:
        model = keras.models.load_model(path)
    for got, want in zip(model.get_weights(), case["weights"], strict=True):
        np.testing.assert_array_equal(got, want["value"])
    close(model.predict(case["x"][0], verbose=0), case["predict"][0])
