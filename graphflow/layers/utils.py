# ruff: noqa: F401 (this module is the list of names)
"""What TensorFlow 1's `tensorflow.python.layers.utils` has, for libraries of layers."""
from __future__ import annotations

from ..control_flow import smart_cond
from ..keras.utils.conv_utils import (
    conv_input_length,
    conv_output_length,
    normalize_padding,
    normalize_tuple,
)
from ..keras.utils.conv_utils import deconv_length as deconv_output_length
from .base import constant_bool as constant_value
