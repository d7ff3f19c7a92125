"""`tf.contrib.gan.losses`: losses of a GANModel; `wargs` has them as functions of tensors."""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from . import tensor_losses as wargs

__all__ = ["acgan_discriminator_loss", "acgan_generator_loss", "cycle_consistency_loss",
           "least_squares_discriminator_loss", "least_squares_generator_loss", "minimax_discriminator_loss",
           "minimax_generator_loss", "modified_discriminator_loss", "modified_generator_loss",
           "mutual_information_penalty", "wargs", "wasserstein_discriminator_loss", "wasserstein_generator_loss",
           "wasserstein_gradient_penalty"]


def _of_model(loss: Callable[..., Any]) -> Callable[..., Any]:
    """A loss that takes from a model the arguments that it must be given."""
    needed = [name for name, p in inspect.signature(loss).parameters.items() if p.default is p.empty]

    @functools.wraps(loss)
    def of_model(gan_model: Any, **kwargs: Any) -> Any:
        return loss(**{name: getattr(gan_model, name) for name in needed}, **kwargs)

    return of_model


acgan_discriminator_loss = _of_model(wargs.acgan_discriminator_loss)
acgan_generator_loss = _of_model(wargs.acgan_generator_loss)
least_squares_discriminator_loss = _of_model(wargs.least_squares_discriminator_loss)
least_squares_generator_loss = _of_model(wargs.least_squares_generator_loss)
minimax_discriminator_loss = _of_model(wargs.minimax_discriminator_loss)
minimax_generator_loss = _of_model(wargs.minimax_generator_loss)
modified_discriminator_loss = _of_model(wargs.modified_discriminator_loss)
modified_generator_loss = _of_model(wargs.modified_generator_loss)
mutual_information_penalty = _of_model(wargs.mutual_information_penalty)
wasserstein_discriminator_loss = _of_model(wargs.wasserstein_discriminator_loss)
wasserstein_generator_loss = _of_model(wargs.wasserstein_generator_loss)
wasserstein_gradient_penalty = _of_model(wargs.wasserstein_gradient_penalty)


def cycle_consistency_loss(cyclegan_model: Any, scope: Any = None, add_summaries: bool = False) -> Any:
    """How far reconstructed data are from what they were made of."""
    return wargs.cycle_consistency_loss(
        cyclegan_model.model_x2y.generator_inputs, cyclegan_model.reconstructed_x,
        cyclegan_model.model_y2x.generator_inputs, cyclegan_model.reconstructed_y, scope, add_summaries)
