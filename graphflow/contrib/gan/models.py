"""What a generator and a discriminator make of each other, and what is needed to train them."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...compiler.ops.constant import convert_to_tensor
from ...framework import is_tensor
from ...variable_lists import trainable_variables
from ...variable_scope import variable_scope


class GANModel(NamedTuple):
    """A generator and a discriminator."""

    generator_inputs: Any
    generated_data: Any
    generator_variables: Any
    generator_scope: Any
    generator_fn: Any
    real_data: Any
    discriminator_real_outputs: Any
    discriminator_gen_outputs: Any
    discriminator_variables: Any
    discriminator_scope: Any
    discriminator_fn: Any


class InfoGANModel(NamedTuple):
    """A GANModel whose discriminator also finds the structured inputs."""

    generator_inputs: Any
    generated_data: Any
    generator_variables: Any
    generator_scope: Any
    generator_fn: Any
    real_data: Any
    discriminator_real_outputs: Any
    discriminator_gen_outputs: Any
    discriminator_variables: Any
    discriminator_scope: Any
    discriminator_fn: Any
    structured_generator_inputs: Any
    predicted_distributions: Any
    discriminator_and_aux_fn: Any


class ACGANModel(NamedTuple):
    """A GANModel whose discriminator also tells classes."""

    generator_inputs: Any
    generated_data: Any
    generator_variables: Any
    generator_scope: Any
    generator_fn: Any
    real_data: Any
    discriminator_real_outputs: Any
    discriminator_gen_outputs: Any
    discriminator_variables: Any
    discriminator_scope: Any
    discriminator_fn: Any
    one_hot_labels: Any
    discriminator_real_classification_logits: Any
    discriminator_gen_classification_logits: Any


class CycleGANModel(NamedTuple):
    """Two GANs, each the other's inverse."""

    model_x2y: Any
    model_y2x: Any
    reconstructed_x: Any
    reconstructed_y: Any


class GANLoss(NamedTuple):
    """Scalars."""

    generator_loss: Any
    discriminator_loss: Any


class CycleGANLoss(NamedTuple):
    """The losses of both directions."""

    loss_x2y: GANLoss
    loss_y2x: GANLoss


class GANTrainOps(NamedTuple):
    """What a step of each runs, and what counts the steps."""

    generator_train_op: Any
    discriminator_train_op: Any
    global_step_inc_op: Any


class GANTrainSteps(NamedTuple):
    """How many steps of each follow one another."""

    generator_train_steps: int
    discriminator_train_steps: int


class _Parts(NamedTuple):
    """Both networks as built: the discriminator's whole results for real and for generated data."""

    inputs: Any
    generated: Any
    real: Any
    of_real: Any
    of_generated: Any
    generator_scope: Any
    discriminator_scope: Any

    def model(self, generator_fn: Any, discriminator_fn: Any, of_real: Any, of_generated: Any) -> tuple[Any, ...]:
        """The fields of a GANModel."""
        made, judged = (trainable_variables(scope.name) for scope in (self.generator_scope, self.discriminator_scope))
        return (self.inputs, self.generated, made, self.generator_scope, generator_fn, self.real, of_real, of_generated,
                judged, self.discriminator_scope, discriminator_fn)


def _tensors(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_tensors(v) for v in value]
    if isinstance(value, dict):
        return {k: _tensors(v) for k, v in value.items()}
    return value if is_tensor(value) else convert_to_tensor(value)


def _built(generator_fn: Callable[[Any], Any], discriminator_fn: Callable[[Any, Any], Any], real_data: Any,
           generator_inputs: Any, generator_scope: Any, discriminator_scope: Any, check_shapes: bool = True) -> _Parts:
    with variable_scope(generator_scope) as made_in:
        inputs = _tensors(generator_inputs)
        generated = generator_fn(inputs)
    with variable_scope(discriminator_scope) as judged_in:
        of_generated = discriminator_fn(generated, inputs)
    with variable_scope(judged_in, reuse=True):
        real = _tensors(real_data)
        of_real = discriminator_fn(real, inputs)
    if check_shapes and not generated.shape.is_compatible_with(real.shape):
        raise ValueError(f"Generator output shape ({generated.shape}) must be the same shape as real data "
                         f"({real.shape}).")
    return _Parts(inputs, generated, real, of_real, of_generated, made_in, judged_in)


def gan_model(generator_fn: Callable[[Any], Any], discriminator_fn: Callable[[Any, Any], Any], real_data: Any,
              generator_inputs: Any, generator_scope: Any = "Generator", discriminator_scope: Any = "Discriminator",
              check_shapes: bool = True) -> GANModel:
    """The model of `generator_fn(generator_inputs)` and `discriminator_fn(data, generator_inputs)`, each in its scope.

    Raises ValueError where generated and real data have different shapes.
    """
    parts = _built(generator_fn, discriminator_fn, real_data, generator_inputs, generator_scope, discriminator_scope,
                   check_shapes)
    return GANModel(*parts.model(generator_fn, discriminator_fn, parts.of_real, parts.of_generated))


def infogan_model(generator_fn: Callable[[Any], Any], discriminator_fn: Callable[[Any, Any], Any], real_data: Any,
                  unstructured_generator_inputs: Sequence[Any], structured_generator_inputs: Sequence[Any],
                  generator_scope: Any = "Generator", discriminator_scope: Any = "Discriminator") -> Any:
    """An InfoGAN (Chen et al. 2016): the discriminator also returns the distributions of the structured inputs."""
    structured = _tensors(structured_generator_inputs)
    inputs = [*_tensors(unstructured_generator_inputs), *structured]
    parts = _built(generator_fn, discriminator_fn, real_data, inputs, generator_scope, discriminator_scope)
    fields = parts.model(generator_fn, lambda data, given: discriminator_fn(data, given)[0], parts.of_real[0],
                         parts.of_generated[0])
    return InfoGANModel._make([*fields, structured, parts.of_generated[1], discriminator_fn])


def acgan_model(generator_fn: Callable[[Any], Any], discriminator_fn: Callable[[Any, Any], Any], real_data: Any,
                generator_inputs: Any, one_hot_labels: Any, generator_scope: Any = "Generator",
                discriminator_scope: Any = "Discriminator", check_shapes: bool = True) -> Any:
    """An ACGAN (Odena et al. 2016): the discriminator returns (its output, logits of the classes)."""
    parts = _built(generator_fn, discriminator_fn, real_data, generator_inputs, generator_scope, discriminator_scope,
                   check_shapes)
    fields = parts.model(generator_fn, discriminator_fn, parts.of_real[0], parts.of_generated[0])
    return ACGANModel._make([*fields, convert_to_tensor(one_hot_labels), parts.of_real[1], parts.of_generated[1]])


def cyclegan_model(generator_fn: Callable[[Any], Any], discriminator_fn: Callable[[Any, Any], Any], data_x: Any,
                   data_y: Any, generator_scope: str = "Generator", discriminator_scope: str = "Discriminator",
                   model_x2y_scope: str = "ModelX2Y", model_y2x_scope: str = "ModelY2X",
                   check_shapes: bool = True) -> CycleGANModel:
    """A CycleGAN (Zhu et al. 2017) of data x and y."""
    def model(scope: str, inputs: Any, wanted: Any) -> GANModel:
        with variable_scope(scope):
            return gan_model(generator_fn, discriminator_fn, wanted, inputs, generator_scope, discriminator_scope,
                             check_shapes)

    def back(model: GANModel, data: Any) -> Any:
        with variable_scope(model.generator_scope, reuse=True):
            return model.generator_fn(data)

    x2y, y2x = model(model_x2y_scope, data_x, data_y), model(model_y2x_scope, data_y, data_x)
    return CycleGANModel(x2y, y2x, back(y2x, x2y.generated_data), back(x2y, y2x.generated_data))
