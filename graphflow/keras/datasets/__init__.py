"""Data sets to train on."""
from __future__ import annotations

from typing import Any

from ...lazy import Names

_names = Names(globals(), {
    "boston_housing": "boston_housing",
    "california_housing": "california_housing",
    "cifar10": "cifar10",
    "cifar100": "cifar100",
    "digits": "digits",
    "fashion_mnist": "fashion_mnist",
    "imdb": "imdb",
    "mnist": "mnist",
    "reuters": "reuters",
})
__all__ = _names.own()


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()
