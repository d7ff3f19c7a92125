"""Kullback-Leibler divergences, by the classes of the two distributions."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..compiler.ir import Tensor
from ..framework import name_scope
from .distribution import Distribution

_DIVERGENCES: dict[tuple[type, type], Callable[..., Tensor]] = {}


def kl_divergence(distribution_a: Distribution, distribution_b: Distribution, allow_nan_stats: bool = True,
                  name: str | None = None) -> Tensor:
    """E_a[log a - log b], by the formula registered for the nearest base classes of the two.

    Raises NotImplementedError where there is none.
    """
    found = _nearest(type(distribution_a), type(distribution_b))
    if found is None:
        raise NotImplementedError(f"No KL(distribution_a || distribution_b) registered for distribution_a type "
                                  f"{type(distribution_a).__name__} and distribution_b type "
                                  f"{type(distribution_b).__name__}")
    with name_scope(name, "KullbackLeibler"):
        return found(distribution_a, distribution_b)


def _nearest(a: type, b: type) -> Callable[..., Tensor] | None:
    pairs = [(i + j, x, y) for i, x in enumerate(a.__mro__) for j, y in enumerate(b.__mro__) if (x, y) in _DIVERGENCES]
    return _DIVERGENCES[min(pairs, key=lambda p: p[0])[1:]] if pairs else None


def cross_entropy(ref: Distribution, other: Distribution, allow_nan_stats: bool = True,
                  name: str | None = None) -> Tensor:
    """-E_ref[log other]."""
    with name_scope(name, "cross_entropy"):
        return ref.cross_entropy(other)


class RegisterKL:
    """Decorator that registers `function(a, b, name=None)` as the divergence of two classes.

    Raises ValueError when they have one, TypeError for what is no function.
    """

    def __init__(self, dist_cls_a: type, dist_cls_b: type):
        self._key = dist_cls_a, dist_cls_b

    def __call__(self, kl_fn: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(kl_fn):
            raise TypeError(f"kl_fn must be callable, received: {kl_fn}")
        if self._key in _DIVERGENCES:
            raise ValueError(f"KL({self._key[0].__name__} || {self._key[1].__name__}) has already been registered")
        _DIVERGENCES[self._key] = kl_fn
        return kl_fn
