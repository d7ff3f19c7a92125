"""Text, sequences and images made into arrays."""
from __future__ import annotations

from typing import Any

from ...lazy import Names
from .. import utils

_names = Names(globals(), {"image": "image", "sequence": "sequence", "text": "text"})
_DATASETS = ("image_dataset_from_directory", "text_dataset_from_directory", "timeseries_dataset_from_array")
__all__ = sorted([*_names.own(), *_DATASETS])


def __getattr__(name: str) -> Any:
    return getattr(utils, name) if name in _DATASETS else _names.load(name)


def __dir__() -> list[str]:
    return sorted({*_names.all(), *_DATASETS})
