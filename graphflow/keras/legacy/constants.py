"""Words of arguments by the names that Keras 2 gave them."""
from __future__ import annotations

from enum import StrEnum


class Reduction:
    """How a loss puts the values of samples together."""

    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
    AUTO = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """Every word."""
        return cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE

    @classmethod
    def validate(cls, key: str) -> None:
        """Raises ValueError for another word."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


class AUCCurve(StrEnum):
    """The curve under which an area is measured."""

    ROC = "ROC"
    PR = "PR"


class AUCSummationMethod(StrEnum):
    """How the area under a curve is summed."""

    INTERPOLATION = "interpolation"
    MAJORING = "majoring"
    MINORING = "minoring"
