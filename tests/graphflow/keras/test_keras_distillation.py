"""keras.distillation, against what Keras 3.15 gave for the same weights and data."""
import numpy as np
import pytest

from graphflow import keras
from graphflow.keras import distillation, layers


def _net(units, seed, classes=3):
    random = np.random.RandomState(seed)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units, "relu", name="hidden"), layers.Dense(classes)])
    model.set_weights([random.randn(*w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_a_student_learns_from_targets_logits_and_features(run_eagerly):
    random = np.random.RandomState(0)
    x, y = random.randn(32, 4).astype(np.float32), random.randint(0, 3, 32)
    teacher, student = _net(6, 1), _net(6, 2)
    model = distillation.Distiller(teacher, student, [
        distillation.LogitsDistillation(loss="mse"), distillation.FeatureDistillation(
            teacher_layer_name="hidden", student_layer_name="hidden")], [1.0, 0.5], student_loss_weight=0.3)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"],
                  run_eagerly=run_eagerly)
    taught = teacher.get_weights()
    history = model.fit(x, y, 16, 2, verbose=0, shuffle=False).history
    assert {k: np.round(v, 4).tolist() for k, v in history.items()} == {
        "accuracy": [0.375, 0.375], "distillation_loss": [3.598, 3.5891], "loss": [3.2208, 3.2129],
        "student_loss": [2.3406, 2.3349], "total_loss": [3.2208, 3.2129]}
    np.testing.assert_array_equal(teacher.get_weights()[0], taught[0])
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    assert again.student_loss_weight == 0.3 and again.distillation_losses[1].teacher_layer_name == "hidden"
    np.testing.assert_allclose(again.student.count_params(), student.count_params())


@pytest.mark.parametrize("arguments, message", [
    (dict(student=lambda: _net(6, 2, 4)), "shapes are incompatible"),
    (dict(student_loss_weight=1.5), "between 0.0 and 1.0"),
    (dict(distillation_losses=lambda: [distillation.FeatureDistillation(teacher_layer_name="none")]), "In teacher"),
    (dict(distillation_loss_weights=[1.0], distillation_losses=lambda: [distillation.LogitsDistillation()] * 2),
     "must match"),
])
def test_what_does_not_fit_is_refused(arguments, message):
    made = {k: v() if callable(v) else v for k, v in arguments.items()}
    given = {"teacher": _net(6, 1), "student": _net(5, 2), "distillation_losses": distillation.LogitsDistillation()}
    with pytest.raises(ValueError, match=message):
        distillation.Distiller(**{**given, **made})
