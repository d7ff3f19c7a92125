"""`tensorflow.examples.tutorials.mnist`: the data of TensorFlow 1's tutorials."""
from __future__ import annotations

from types import ModuleType
from typing import Any

from .contrib.learn.datasets import mnist as input_data


def _package(name: str, **names: Any) -> ModuleType:
    """A package that has these names, for scripts to import from."""
    made = ModuleType(f"{__name__}.{name}")
    made.__dict__.update(names, __path__=[])
    return made


__path__: list[str] = []
tutorials = _package("tutorials", mnist=_package("tutorials.mnist", input_data=input_data))
