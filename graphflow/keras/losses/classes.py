"""The losses as classes."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from . import functions as f
from . import margins as m
from .loss import Loss, LossFunctionWrapper


class _Named(LossFunctionWrapper):
    """A loss function with a class of its own. `options` are its further arguments and their defaults."""

    function: Callable[..., Tensor]
    options: dict[str, Any] = {}

    def __init__(self, *args: Any, reduction: str | None = "sum_over_batch_size", name: str | None = None,
                 dtype: Any = None, **kwargs: Any):
        names = [*self.options, "reduction", "name", "dtype"]
        given = {"reduction": reduction, "name": name, "dtype": dtype, **kwargs, **dict(zip(names, args, strict=False))}
        unknown = set(given) - set(names)
        if unknown or len(args) > len(names):
            raise TypeError(f"{type(self).__name__}: unexpected arguments {sorted(unknown) or args}; expected {names}")
        options = {key: given.get(key, default) for key, default in self.options.items()}
        function = type(self).function
        name = given["name"] or ("huber_loss" if function is f.huber else function.__name__)
        super().__init__(function, given["reduction"], name, given["dtype"], **options)

    def get_config(self) -> dict[str, Any]:
        return {**Loss.get_config(self), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)


def _named(name: str, function: Callable[..., Tensor], **options: Any) -> Any:
    return type(name, (_Named,), {"function": staticmethod(function), "options": options, "__module__": __name__,
                                  "__doc__": function.__doc__})


MeanSquaredError = _named("MeanSquaredError", f.mean_squared_error)
MeanAbsoluteError = _named("MeanAbsoluteError", f.mean_absolute_error)
MeanAbsolutePercentageError = _named("MeanAbsolutePercentageError", f.mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _named("MeanSquaredLogarithmicError", f.mean_squared_logarithmic_error)
Huber = _named("Huber", f.huber, delta=1.0)
LogCosh = _named("LogCosh", f.log_cosh)
KLDivergence = _named("KLDivergence", f.kl_divergence)
Poisson = _named("Poisson", f.poisson)
BinaryCrossentropy = _named(
    "BinaryCrossentropy", f.binary_crossentropy, from_logits=False, label_smoothing=0.0, axis=-1
)
CategoricalCrossentropy = _named("CategoricalCrossentropy", f.categorical_crossentropy, from_logits=False,
                                 label_smoothing=0.0, axis=-1)
SparseCategoricalCrossentropy = _named("SparseCategoricalCrossentropy", f.sparse_categorical_crossentropy,
                                       from_logits=False, ignore_class=None, axis=-1)
CosineSimilarity = _named("CosineSimilarity", m.cosine_similarity, axis=-1)
Hinge = _named("Hinge", m.hinge)
SquaredHinge = _named("SquaredHinge", m.squared_hinge)
CategoricalHinge = _named("CategoricalHinge", m.categorical_hinge)
BinaryFocalCrossentropy = _named(
    "BinaryFocalCrossentropy", m.binary_focal_crossentropy, apply_class_balancing=False, alpha=0.25, gamma=2.0,
    from_logits=False, label_smoothing=0.0, axis=-1)
CategoricalFocalCrossentropy = _named(
    "CategoricalFocalCrossentropy", m.categorical_focal_crossentropy, alpha=0.25, gamma=2.0, from_logits=False,
    label_smoothing=0.0, axis=-1)
CategoricalGeneralizedCrossEntropy = _named(
    "CategoricalGeneralizedCrossEntropy", m.categorical_generalized_cross_entropy, q=0.5)
Dice = _named("Dice", m.dice, axis=None)
Tversky = _named("Tversky", m.tversky, alpha=0.5, beta=0.5, axis=None)
Circle = _named("Circle", m.circle, gamma=80.0, margin=0.4, remove_diagonal=True)
CTC = _named("CTC", m.ctc)
