"""What other optimizers are extended by: weight decay, averages, clipping."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...clip_ops import clip_by_global_norm, clip_by_norm
from ...compiler.ir import Operation, Tensor
from ...compiler.ops import scatter
from ...compiler.ops.elementwise import cast
from ...compiler.ops.gather import IndexedSlices, gather
from ...control_flow import cond
from ...framework import control_dependencies, group
from ...math import count_nonzero
from ...training.moving_averages import ExponentialMovingAverage
from ...training.optimizer import Optimizer
from ...training.optimizers import AdamOptimizer, MomentumOptimizer
from ...training.saver import Saver
from ...variable_lists import global_variables
from ...variables import assign, current_value


class DecoupledWeightDecayExtension(Optimizer):
    """Takes weight_decay * w off the variables, apart from the gradient's step (Loshchilov and Hutter 2019).

    To be mixed in before an optimizer; `decay_var_list` of `minimize` and `apply_gradients` names the variables that
    decay (default: all). Sparse gradients let their rows alone decay.
    """

    def __init__(self, weight_decay: Any, **kwargs: Any):
        self._decay_var_list: set[Any] | None = None
        self._weight_decay = weight_decay
        super().__init__(**kwargs)

    def minimize(self, loss: Any, global_step: Any = None, var_list: Any = None,
                 gate_gradients: int = Optimizer.GATE_OP, aggregation_method: Any = None,
                 colocate_gradients_with_ops: bool = False, name: str | None = None, grad_loss: Any = None,
                 decay_var_list: Iterable[Any] | None = None) -> Operation:
        self._decay_var_list = set(decay_var_list) if decay_var_list else None
        return super().minimize(loss, global_step, var_list, gate_gradients, aggregation_method,
                                colocate_gradients_with_ops, name, grad_loss)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None,
                        name: str | None = None, decay_var_list: Iterable[Any] | None = None) -> Operation:
        if decay_var_list:
            self._decay_var_list = set(decay_var_list)
        return super().apply_gradients(grads_and_vars, global_step, name)

    def _prepare(self) -> None:
        self._weight_decay_tensor = self._tensor(self._weight_decay, "weight_decay")
        super()._prepare()

    def _kept(self, var: Any) -> Tensor | None:
        """What is left of each weight, None for a variable that does not decay."""
        if self._decay_var_list is not None and var not in self._decay_var_list:
            return None
        return 1 - cast(self._weight_decay_tensor, var.dtype)

    def _apply_dense(self, grad: Tensor, var: Any) -> Operation:
        kept = self._kept(var)
        with control_dependencies([] if kept is None else [assign(var, current_value(var) * kept)]):
            return super()._apply_dense(grad, var)

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Operation:
        kept = self._kept(var)
        decayed = [] if kept is None else [scatter.scatter_update(
            var.handle, grad.indices, gather(current_value(var), grad.indices) * kept, depth=1)]
        with control_dependencies(decayed):
            return super()._apply_sparse_duplicate_indices(grad, var)


def extend_with_decoupled_weight_decay(base_optimizer: type[Optimizer]) -> type[Optimizer]:
    """A class like `base_optimizer` whose first argument is `weight_decay`."""
    class OptimizerWithDecoupledWeightDecay(DecoupledWeightDecayExtension, base_optimizer):  # type: ignore[misc, valid-type]
        def __init__(self, weight_decay: Any, *args: Any, **kwargs: Any):
            self._decay_var_list = None
            self._weight_decay = weight_decay
            base_optimizer.__init__(self, *args, **kwargs)

    return OptimizerWithDecoupledWeightDecay


class AdamWOptimizer(DecoupledWeightDecayExtension, AdamOptimizer):
    """Adam with decoupled weight decay."""

    def __init__(self, weight_decay: Any, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999,
                 epsilon: Any = 1e-8, use_locking: bool = False, name: str = "AdamW"):
        super().__init__(weight_decay, learning_rate=learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon,
                         use_locking=use_locking, name=name)


class MomentumWOptimizer(DecoupledWeightDecayExtension, MomentumOptimizer):
    """Momentum with decoupled weight decay."""

    def __init__(self, weight_decay: Any, learning_rate: Any, momentum: Any, use_locking: bool = False,
                 name: str = "MomentumW", use_nesterov: bool = False):
        super().__init__(weight_decay, learning_rate=learning_rate, momentum=momentum, use_locking=use_locking,
                         name=name, use_nesterov=use_nesterov)


class _Wrapper(Optimizer):
    """An optimizer that changes what another, `_optimizer`, does."""

    def __init__(self, opt: Optimizer, use_locking: bool, name: str):
        super().__init__(use_locking, name)
        self._optimizer = opt

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[tuple[Any, Any]]:
        return self._optimizer.compute_gradients(*args, **kwargs)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        return self._optimizer.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> list[str]:
        return self._optimizer.get_slot_names(*args, **kwargs)

    def variables(self) -> list[Any]:
        return self._optimizer.variables()


class MovingAverageOptimizer(_Wrapper):
    """Keeps moving averages of what `opt` trains; `swapping_saver()` saves these under the variables' names."""

    def __init__(self, opt: Optimizer, average_decay: Any = 0.9999, num_updates: Any = None,
                 sequential_update: bool = True):
        super().__init__(opt, False, "MovingAverageOptimizer")
        self._ema = ExponentialMovingAverage(average_decay, num_updates)
        self._swapped: list[Any] | None = None
        self._sequential_update = sequential_update

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None,
                        name: str | None = None) -> Operation:
        pairs = list(grads_and_vars)
        train = self._optimizer.apply_gradients(pairs, global_step, name)
        self._swapped = [v for g, v in pairs if g is not None]
        with control_dependencies([train] if self._sequential_update else []):
            averages = self._ema.apply(self._swapped)
        return group(train, averages, name="train_with_avg")

    def swapping_saver(self, var_list: Any = None, name: str = "swapping_saver", **kwargs: Any) -> Saver:
        """A saver for which variables and their averages have changed names. Raises RuntimeError before
        `apply_gradients`."""
        if self._swapped is None:
            raise RuntimeError("Must call apply_gradients or minimize before creating the swapping_saver")
        chosen = global_variables() if var_list is None else var_list
        named = dict(chosen) if isinstance(chosen, Mapping) else {v.op.name: v for v in chosen}
        names = {v: key for key, v in named.items()}
        for v in self._swapped:
            average = self._ema.average(v)
            if v in names and average in names:
                named[names[v]], named[names[average]] = average, v
        return Saver(named, name=name, **kwargs)


class VariableClippingOptimizer(_Wrapper):
    """Clips the norms of the variables in `vars_to_clip_dims` ({variable: axes}) to `max_norm` after each update."""

    def __init__(self, opt: Optimizer, vars_to_clip_dims: Mapping[Any, Sequence[int]], max_norm: float,
                 use_locking: bool = False, colocate_clip_ops_with_vars: bool = False, name: str = "VariableClipping"):
        super().__init__(opt, use_locking, name)
        self._clip_dims, self._max_norm = vars_to_clip_dims, max_norm

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None,
                        name: str | None = None) -> Operation:
        pairs = list(grads_and_vars)
        with control_dependencies([self._optimizer.apply_gradients(pairs, global_step)]):
            return group(*(assign(v, clip_by_norm(current_value(v), self._max_norm, self._clip_dims[v]))
                           for _, v in pairs if v in self._clip_dims), name=name or self._name)


class MultitaskOptimizerWrapper:
    """Leaves variables whose gradient is all zero, and their slots, as they are. The attributes are the optimizer's."""

    def __init__(self, opt: Optimizer):
        if not isinstance(opt, Optimizer):
            raise TypeError(f"Supplied optimizer must be an instance of tf.train.Optimizer, received {opt!r}")
        original = opt._apply_dense

        def guarded(grad: Tensor, var: Any) -> Operation:
            def update() -> Tensor:
                with control_dependencies([original(grad, var)]):
                    return current_value(var)

            return cond(count_nonzero(grad) > 0, update, lambda: current_value(var)).op

        opt._apply_dense = guarded  # type: ignore[method-assign]
        self._opt = opt

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opt, name)


def clip_gradients_by_global_norm(gradients_variables: Iterable[tuple[Any, Any]], clip_norm: float = 20.0
                                  ) -> list[tuple[Any, Any]]:
    """(gradient, variable) pairs, the gradients clipped together to `clip_norm`."""
    pairs = list(gradients_variables)
    clipped, _ = clip_by_global_norm([g for g, _ in pairs], clip_norm)
    return list(zip(clipped, [v for _, v in pairs], strict=True))

