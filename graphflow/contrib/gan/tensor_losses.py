"""Losses of generators and discriminators, from the discriminator's outputs [batch, ...]."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import losses, summary
from ...array_ops import ones_like, shape, zeros_like
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import maximum, sqrt, square
from ...compiler.ops.reduction import reduce_mean, reduce_sum
from ...compiler.ops.slicing import stack
from ...framework import GraphKeys, gradients, name_scope
from ...losses import Reduction
from ...random_ops import random_uniform
from ...variable_scope import variable_scope

_LOSSES, _MEAN = GraphKeys.LOSSES, Reduction.SUM_BY_NONZERO_WEIGHTS


def _sum(scope: Any, name: str, collection: Any, add_summaries: bool, *parts: Callable[[], Tensor]) -> Tensor:
    """The parts' sum, alone in the collection."""
    with name_scope(scope, name):
        values = [part() for part in parts]
        total = sum(values[1:], values[0])
        if collection:
            losses.add_loss(total, collection)
        if add_summaries:
            summary.scalar(name, total)
        return total


def wasserstein_generator_loss(discriminator_gen_outputs: Any, weights: Any = 1.0, scope: Any = None,
                               loss_collection: Any = _LOSSES, reduction: Any = _MEAN,
                               add_summaries: bool = False) -> Tensor:
    """-D(generated) (Arjovsky et al. 2017)."""
    return _sum(scope, "generator_wasserstein_loss", loss_collection, add_summaries, lambda:
                losses.compute_weighted_loss(-discriminator_gen_outputs, weights, None, None, reduction))


def wasserstein_discriminator_loss(discriminator_real_outputs: Any, discriminator_gen_outputs: Any,
                                   real_weights: Any = 1.0, generated_weights: Any = 1.0, scope: Any = None,
                                   loss_collection: Any = _LOSSES, reduction: Any = _MEAN,
                                   add_summaries: bool = False) -> Tensor:
    """D(generated) - D(real) (Arjovsky et al. 2017)."""
    return _sum(scope, "discriminator_wasserstein_loss", loss_collection, add_summaries,
                lambda: losses.compute_weighted_loss(discriminator_gen_outputs, generated_weights, None, None,
                                                     reduction),
                lambda: -losses.compute_weighted_loss(discriminator_real_outputs, real_weights, None, None, reduction))


def wasserstein_gradient_penalty(real_data: Any, generated_data: Any, generator_inputs: Any, discriminator_fn: Any,
                                 discriminator_scope: Any, epsilon: float = 1e-10, target: float = 1.0,
                                 one_sided: bool = False, weights: Any = 1.0, scope: Any = None,
                                 loss_collection: Any = _LOSSES, reduction: Any = _MEAN,
                                 add_summaries: bool = False) -> Tensor:
    """(|dD/dx| / target - 1)^2 at random points between real and generated data (Gulrajani et al. 2017).

    Raises ValueError for data of unknown rank.
    """
    real, generated = convert_to_tensor(real_data), convert_to_tensor(generated_data)
    if real.shape.rank is None or generated.shape.rank is None:
        raise ValueError("`real_data` and `generated_data` can't have unknown rank.")

    def penalty() -> Tensor:
        axes = list(range(1, len(real.dims or ())))
        batch = real.shape[0].value or shape(real)[0]
        between = random_uniform([batch, *[1] * len(axes)], dtype=real.dtype)
        points = real + between * (generated - real)
        with variable_scope(discriminator_scope, reuse=True):
            outputs = discriminator_fn(points, generator_inputs)
        slopes = gradients(outputs[0] if isinstance(outputs, tuple) else outputs, points)[0]
        excess = sqrt(reduce_sum(square(slopes), axes) + epsilon) / target - 1.0
        return losses.compute_weighted_loss(square(maximum(excess, 0.0) if one_sided else excess), weights, None, None,
                                            reduction)

    return _sum(scope, "wasserstein_gradient_penalty", loss_collection, add_summaries, penalty)


def _judged(labels: Callable[[Any], Any], outputs: Any, weights: Any, reduction: Any, smoothing: float = 0.0
            ) -> Callable[[], Tensor]:
    return lambda: losses.sigmoid_cross_entropy(labels(outputs), outputs, weights, smoothing, None, None, reduction)


def minimax_discriminator_loss(discriminator_real_outputs: Any, discriminator_gen_outputs: Any,
                               label_smoothing: float = 0.25, real_weights: Any = 1.0, generated_weights: Any = 1.0,
                               scope: Any = None, loss_collection: Any = _LOSSES, reduction: Any = _MEAN,
                               add_summaries: bool = False) -> Tensor:
    """-log sigmoid(D(real)) - log(1 - sigmoid(D(generated))) (Goodfellow et al. 2014), real labels smoothed."""
    return _sum(scope, "discriminator_minimax_loss", loss_collection, add_summaries,
                _judged(zeros_like, discriminator_gen_outputs, generated_weights, reduction),
                _judged(ones_like, discriminator_real_outputs, real_weights, reduction, label_smoothing))


def minimax_generator_loss(discriminator_gen_outputs: Any, label_smoothing: float = 0.0, weights: Any = 1.0,
                           scope: Any = None, loss_collection: Any = _LOSSES, reduction: Any = _MEAN,
                           add_summaries: bool = False) -> Tensor:
    """What the discriminator's loss gives, negative, with 1 for its output of real data."""
    return _sum(scope, "generator_minimax_loss", loss_collection, add_summaries, lambda: -minimax_discriminator_loss(
        ones_like(discriminator_gen_outputs), discriminator_gen_outputs, label_smoothing, weights, weights, None, None,
        reduction))


modified_discriminator_loss = minimax_discriminator_loss


def modified_generator_loss(discriminator_gen_outputs: Any, label_smoothing: float = 0.0, weights: Any = 1.0,
                            scope: Any = None, loss_collection: Any = _LOSSES, reduction: Any = _MEAN,
                            add_summaries: bool = False) -> Tensor:
    """-log sigmoid(D(generated)) (Goodfellow et al. 2014)."""
    return _sum(scope, "generator_modified_loss", loss_collection, add_summaries,
                _judged(ones_like, discriminator_gen_outputs, weights, reduction, label_smoothing))


def least_squares_generator_loss(discriminator_gen_outputs: Any, real_label: float = 1.0, weights: Any = 1.0,
                                 scope: Any = None, loss_collection: Any = _LOSSES, reduction: Any = _MEAN,
                                 add_summaries: bool = False) -> Tensor:
    """(D(generated) - real_label)^2 / 2 (Mao et al. 2016)."""
    return _sum(scope, "lsq_generator_loss", loss_collection, add_summaries, lambda: losses.compute_weighted_loss(
        0.5 * square(discriminator_gen_outputs - real_label), weights, None, None, reduction))


def least_squares_discriminator_loss(discriminator_real_outputs: Any, discriminator_gen_outputs: Any,
                                     real_label: float = 1.0, fake_label: float = 0.0, real_weights: Any = 1.0,
                                     generated_weights: Any = 1.0, scope: Any = None, loss_collection: Any = _LOSSES,
                                     reduction: Any = _MEAN, add_summaries: bool = False) -> Tensor:
    """(D(real) - real_label)^2 / 2 + (D(generated) - fake_label)^2 / 2 (Mao et al. 2016)."""
    return _sum(scope, "lsq_discriminator_loss", loss_collection, add_summaries,
                lambda: least_squares_generator_loss(discriminator_real_outputs, real_label, real_weights, None, None,
                                                     reduction),
                lambda: least_squares_generator_loss(discriminator_gen_outputs, fake_label, generated_weights, None,
                                                     None, reduction))


def acgan_generator_loss(discriminator_gen_classification_logits: Any, one_hot_labels: Any, weights: Any = 1.0,
                         scope: Any = None, loss_collection: Any = _LOSSES, reduction: Any = _MEAN,
                         add_summaries: bool = False) -> Tensor:
    """The cross-entropy of generated data's classes (Odena et al. 2016)."""
    return _sum(scope, "acgan_generator_loss", loss_collection, add_summaries, lambda: losses.softmax_cross_entropy(
        one_hot_labels, discriminator_gen_classification_logits, weights, 0.0, None, None, reduction))


def acgan_discriminator_loss(discriminator_real_classification_logits: Any,
                             discriminator_gen_classification_logits: Any, one_hot_labels: Any,
                             label_smoothing: float = 0.0, real_weights: Any = 1.0, generated_weights: Any = 1.0,
                             scope: Any = None, loss_collection: Any = _LOSSES, reduction: Any = _MEAN,
                             add_summaries: bool = False) -> Tensor:
    """The cross-entropy of real and of generated data's classes (Odena et al. 2016)."""
    def classes(logits: Any, weights: Any) -> Callable[[], Tensor]:
        return lambda: losses.softmax_cross_entropy(one_hot_labels, logits, weights, label_smoothing, None, None,
                                                    reduction)
    return _sum(scope, "acgan_discriminator_loss", loss_collection, add_summaries,
                classes(discriminator_gen_classification_logits, generated_weights),
                classes(discriminator_real_classification_logits, real_weights))


def mutual_information_penalty(structured_generator_inputs: Sequence[Any], predicted_distributions: Sequence[Any],
                               weights: Any = 1.0, scope: Any = None, loss_collection: Any = _LOSSES,
                               reduction: Any = _MEAN, add_summaries: bool = False) -> Tensor:
    """-log p(structured inputs) by the predicted distributions (Chen et al. 2016)."""
    def penalty() -> Tensor:
        found = [reduce_mean(distribution.log_prob(noise)) for distribution, noise in zip(
            predicted_distributions, structured_generator_inputs, strict=True)]
        return -losses.compute_weighted_loss(stack(found), weights, None, None, reduction)
    return _sum(scope, "mutual_information_loss", loss_collection, add_summaries, penalty)


def cycle_consistency_loss(data_x: Any, reconstructed_data_x: Any, data_y: Any, reconstructed_data_y: Any,
                           scope: Any = None, add_summaries: bool = False) -> Tensor:
    """The mean of |x - reconstructed x| and of |y - reconstructed y| (Zhu et al. 2017)."""
    return _sum(scope, "cycle_consistency_loss", None, add_summaries, *(
        lambda a=a, b=b: 0.5 * losses.absolute_difference(a, b, loss_collection=None)
        for a, b in ((data_x, reconstructed_data_x), (data_y, reconstructed_data_y))))
