# ruff: noqa: F401 (this module is the list of names)
"""`tf.debugging`: checks of values, shapes and types."""
from __future__ import annotations

from .check_ops import (
    Assert,
    assert_all_finite,
    assert_equal,
    assert_greater,
    assert_greater_equal,
    assert_integer,
    assert_less,
    assert_less_equal,
    assert_near,
    assert_negative,
    assert_non_negative,
    assert_non_positive,
    assert_none_equal,
    assert_positive,
    assert_proper_iterable,
    assert_rank,
    assert_rank_at_least,
    assert_rank_in,
    assert_same_float_dtype,
    assert_scalar,
    assert_shapes,
    assert_type,
    check_numerics,
    is_non_decreasing,
    is_numeric_tensor,
    is_strictly_increasing,
)
from .math import is_finite, is_inf, is_nan
from .runtime.debug_report import NumericsError
from .runtime.session import debug_all
from .tracebacks import disable_traceback_filtering, enable_traceback_filtering, is_traceback_filtering_enabled


def get_log_device_placement() -> bool:
    """False: everything runs on the CPU."""
    return False


def set_log_device_placement(enabled: bool) -> None:
    """Accepted: everything runs on the CPU."""


def enable_check_numerics(stack_height_limit: int = 30, path_length_limit: int = 50) -> None:
    """From now on the runs of every session, those of Keras too, go op by op, and the first that makes NaN or infinity
    ends with a NumericsError (an InvalidArgumentError) that names the op, the user's line and the values that led
    there. Runs are slow then. The limits are accepted."""
    debug_all(True)


def disable_check_numerics() -> None:
    """Undo `enable_check_numerics`."""
    debug_all(False)
