"""Losses and steps of training for GAN models."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import train as _train
from ...framework import GraphKeys, get_collection
from ...losses import get_regularization_loss
from ...variables import assign_add
from ..training import create_train_op
from ..training import train as train_loop
from . import losses
from .models import CycleGANLoss, CycleGANModel, GANLoss, GANTrainOps, GANTrainSteps

_ONE_EACH = GANTrainSteps(1, 1)


def gan_loss(model: Any, generator_loss_fn: Callable[..., Any] = losses.wasserstein_generator_loss,
             discriminator_loss_fn: Callable[..., Any] = losses.wasserstein_discriminator_loss,
             gradient_penalty_weight: Any = None, gradient_penalty_epsilon: float = 1e-10,
             gradient_penalty_target: float = 1.0, gradient_penalty_one_sided: bool = False,
             mutual_information_penalty_weight: Any = None, aux_cond_generator_weight: Any = None,
             aux_cond_discriminator_weight: Any = None, tensor_pool_fn: Callable[[Any], Any] | None = None,
             reduction: Any = losses.wargs.Reduction.SUM_BY_NONZERO_WEIGHTS, add_summaries: bool = True) -> GANLoss:
    """The losses of generator and discriminator, with the regularization losses of their scopes and the penalties that
    have a weight.

    The loss functions take the model; `tensor_pool_fn` gives, for (generated data, inputs), those that the
    discriminator is shown instead. Raises ValueError for a weight that the model has nothing for.
    """
    for weight, field in ((mutual_information_penalty_weight, "predicted_distributions"),
                          (aux_cond_generator_weight, "one_hot_labels"),
                          (aux_cond_discriminator_weight, "one_hot_labels")):
        if weight is not None and not hasattr(model, field):
            raise ValueError(f"This penalty needs a model with `{field}`, received {type(model).__name__}")
    common = {"reduction": reduction, "add_summaries": add_summaries}
    made = generator_loss_fn(model, add_summaries=add_summaries)
    shown = model if tensor_pool_fn is None else _pooled(model, tensor_pool_fn)
    judged = discriminator_loss_fn(shown, add_summaries=add_summaries)
    if gradient_penalty_weight is not None:
        judged += gradient_penalty_weight * losses.wasserstein_gradient_penalty(
            model, epsilon=gradient_penalty_epsilon, target=gradient_penalty_target,
            one_sided=gradient_penalty_one_sided, **common)
    if mutual_information_penalty_weight is not None:
        penalty = mutual_information_penalty_weight * losses.mutual_information_penalty(model, **common)
        made, judged = made + penalty, judged + penalty
    if aux_cond_generator_weight is not None:
        made += aux_cond_generator_weight * losses.acgan_generator_loss(model, **common)
    if aux_cond_discriminator_weight is not None:
        judged += aux_cond_discriminator_weight * losses.acgan_discriminator_loss(model, **common)
    return GANLoss(made + get_regularization_loss(model.generator_scope.name),
                   judged + get_regularization_loss(model.discriminator_scope.name))


def _pooled(model: Any, tensor_pool_fn: Callable[[Any], Any]) -> Any:
    data, inputs = tensor_pool_fn((model.generated_data, model.generator_inputs))
    with losses.wargs.variable_scope(model.discriminator_scope, reuse=True):
        outputs = model.discriminator_fn(data, inputs)
    return model._replace(generated_data=data, generator_inputs=inputs, discriminator_gen_outputs=outputs)


def cyclegan_loss(model: CycleGANModel, generator_loss_fn: Callable[..., Any] = losses.least_squares_generator_loss,
                  discriminator_loss_fn: Callable[..., Any] = losses.least_squares_discriminator_loss,
                  cycle_consistency_loss_fn: Callable[..., Any] = losses.cycle_consistency_loss,
                  cycle_consistency_loss_weight: Any = 10.0, **kwargs: Any) -> CycleGANLoss:
    """The losses of both directions, to whose generators the weighted cycle consistency loss is added."""
    consistency = cycle_consistency_loss_weight * cycle_consistency_loss_fn(
        model, add_summaries=kwargs.get("add_summaries", True))

    def direction(partial: Any) -> GANLoss:
        found = gan_loss(partial, generator_loss_fn, discriminator_loss_fn, **kwargs)
        return found._replace(generator_loss=found.generator_loss + consistency)

    return CycleGANLoss(direction(model.model_x2y), direction(model.model_y2x))


def gan_train_ops(model: Any, loss: Any, generator_optimizer: Any, discriminator_optimizer: Any,
                  check_for_unused_update_ops: bool = True, is_chief: bool = True, **kwargs: Any) -> GANTrainOps:
    """The operations that train each part; a CycleGANModel's hold two each.

    Updates of each scope (of UPDATE_OPS, or `update_ops`) run with its steps; `kwargs` are those of
    `tf.contrib.training.create_train_op`. Raises ValueError for updates of neither scope if they are to be checked.
    """
    if isinstance(model, CycleGANModel):
        both = [gan_train_ops(part, part_loss, generator_optimizer, discriminator_optimizer, False, is_chief, **kwargs)
                for part, part_loss in ((model.model_x2y, loss.loss_x2y), (model.model_y2x, loss.loss_y2x))]
        return GANTrainOps([ops.generator_train_op for ops in both], [ops.discriminator_train_op for ops in both],
                           both[0].global_step_inc_op)
    count = assign_add(_train.get_or_create_global_step(), 1)
    updates = list(kwargs.pop("update_ops", None) or get_collection(GraphKeys.UPDATE_OPS))

    def within(scope: Any) -> list[Any]:
        return [op for op in updates if op.name.startswith(scope.name + "/")]

    made, judged = within(model.generator_scope), within(model.discriminator_scope)
    unused = [op.name for op in updates if op not in made and op not in judged]
    if check_for_unused_update_ops and unused:
        raise ValueError(f"There are unused update ops: {unused}")
    return GANTrainOps(
        create_train_op(loss.generator_loss, generator_optimizer, global_step=None, update_ops=made,
                        variables_to_train=model.generator_variables, **kwargs),
        create_train_op(loss.discriminator_loss, discriminator_optimizer, global_step=None, update_ops=judged,
                        variables_to_train=model.discriminator_variables, **kwargs), count)


class RunTrainOpsHook(_train.SessionRunHook):
    """Runs operations `train_steps` times before each step."""

    def __init__(self, train_ops: Any, train_steps: int):
        self._train_ops = train_ops if isinstance(train_ops, (list, tuple)) else [train_ops]
        self._train_steps = train_steps

    def before_run(self, run_context: Any) -> None:
        for _ in range(self._train_steps):
            run_context.session.run(self._train_ops)


def get_sequential_train_hooks(train_steps: GANTrainSteps = _ONE_EACH) -> Callable[[GANTrainOps], Any]:
    """A function from GANTrainOps to hooks: the generator's steps, then the discriminator's."""
    def hooks(ops: GANTrainOps) -> list[RunTrainOpsHook]:
        return [RunTrainOpsHook(ops.generator_train_op, train_steps.generator_train_steps),
                RunTrainOpsHook(ops.discriminator_train_op, train_steps.discriminator_train_steps)]
    return hooks


def get_joint_train_hooks(train_steps: GANTrainSteps = _ONE_EACH) -> Callable[[GANTrainOps], Any]:
    """A function from GANTrainOps to hooks: steps of both at once, then the rest of the part that has more."""
    made, judged = train_steps
    joint = min(made, judged)

    def hooks(ops: GANTrainOps) -> list[RunTrainOpsHook]:
        more = ops.generator_train_op if made > judged else ops.discriminator_train_op
        return [RunTrainOpsHook([ops.generator_train_op, ops.discriminator_train_op], joint),
                RunTrainOpsHook(more, max(made, judged) - joint)]
    return hooks


def get_sequential_train_steps(train_steps: GANTrainSteps = _ONE_EACH) -> Callable[..., Any]:
    """A step for `slim.learning.train`: the generator's steps, then the discriminator's; it gives their last losses'
    sum and whether to stop."""
    def steps(sess: Any, train_ops: GANTrainOps, global_step: Any, train_step_kwargs: dict[str, Any]) -> Any:
        made = judged = 0.0
        for _ in range(train_steps.generator_train_steps):
            made = sess.run(train_ops.generator_train_op)
        for _ in range(train_steps.discriminator_train_steps):
            judged = sess.run(train_ops.discriminator_train_op)
        sess.run(train_ops.global_step_inc_op)
        stop = train_step_kwargs.get("should_stop")
        return made + judged, False if stop is None else sess.run(stop)
    return steps


def gan_train(train_ops: GANTrainOps, logdir: str | None,
              get_hooks_fn: Callable[[GANTrainOps], Sequence[Any]] | None = None, master: str = "",
              is_chief: bool = True, scaffold: Any = None, hooks: Sequence[Any] | None = None,
              chief_only_hooks: Sequence[Any] | None = None, save_checkpoint_secs: float | None = 600,
              save_summaries_steps: int | None = 100, config: Any = None) -> Any:
    """Train until a hook asks to stop, by default one step of each part in turn; the last global step."""
    own = (get_hooks_fn or get_sequential_train_hooks())(train_ops)
    return train_loop(train_ops.global_step_inc_op, logdir, master, is_chief, scaffold, [*(hooks or ()), *own],
                      chief_only_hooks, save_checkpoint_secs, save_summaries_steps, config)
