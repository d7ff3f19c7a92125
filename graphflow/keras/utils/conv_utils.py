"""Keras 2's helpers of convolutions: sizes before and after, and arguments."""
from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import normalize_data_format

__all__ = ["conv_input_length", "conv_output_length", "convert_kernel", "deconv_length", "normalize_data_format",
           "normalize_padding", "normalize_tuple"]


def normalize_tuple(value: Any, n: int, name: str) -> tuple[int, ...]:
    """One integer for all of `n` axes or one for each, as a tuple. Raises ValueError."""
    if isinstance(value, (int, np.integer)):
        return (int(value),) * n
    try:
        items = tuple(int(v) for v in value)
    except (TypeError, ValueError):
        items = ()
    if len(items) != n:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}")
    return items


def normalize_padding(value: Any) -> str:
    """"valid", "same" or "causal", in lower case. Raises ValueError."""
    padding = str(value).lower()
    if padding not in ("valid", "same", "causal"):
        raise ValueError('The `padding` argument must be one of "valid", "same" (or "causal" for Conv1D). '
                         f"Received: {value}")
    return padding


def convert_kernel(kernel: np.ndarray) -> np.ndarray:
    """A kernel for convolution as one for cross-correlation, or back: its spatial axes reversed. Raises ValueError."""
    if not 3 <= kernel.ndim <= 5:
        raise ValueError(f"Invalid kernel shape: {kernel.shape}")
    return np.copy(np.flip(kernel, tuple(range(kernel.ndim - 2))))


def conv_output_length(input_length: int | None, filter_size: int, padding: str, stride: int,
                       dilation: int = 1) -> int | None:
    """The length that a convolution gives; None stays None."""
    if input_length is None:
        return None
    assert padding in ("same", "valid", "full", "causal"), padding
    window = (filter_size - 1) * dilation + 1
    length = input_length + {"valid": 1 - window, "full": window - 1}.get(padding, 0)
    return (length + stride - 1) // stride


def conv_input_length(output_length: int | None, filter_size: int, padding: str, stride: int) -> int | None:
    """The length of the input of a convolution that gives `output_length`; None stays None."""
    if output_length is None:
        return None
    assert padding in ("same", "valid", "full"), padding
    pad = {"same": filter_size // 2, "valid": 0, "full": filter_size - 1}[padding]
    return (output_length - 1) * stride - 2 * pad + filter_size


def deconv_length(dim_size: int | None, stride_size: int, kernel_size: int, padding: str,
                  output_padding: int | None = None, dilation: int = 1) -> int | None:
    """The length that a transposed convolution gives; None stays None."""
    assert padding in ("same", "valid", "full"), padding
    if dim_size is None:
        return None
    window = (kernel_size - 1) * dilation + 1
    if output_padding is None:
        return dim_size * stride_size + {"valid": max(window - stride_size, 0), "full": 2 - stride_size - window}.get(
            padding, 0)
    pad = {"same": window // 2, "valid": 0, "full": window - 1}[padding]
    return (dim_size - 1) * stride_size + window - 2 * pad + output_padding
