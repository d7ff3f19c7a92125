# ruff: noqa: F401 (this module is the list of names)
"""`tf.layers`: layers as functions and as classes, with variables in variable scopes."""
from __future__ import annotations

from .base import InputSpec, Layer
from .convolutional import Conv1D, Conv2D, Conv3D, conv1d, conv2d, conv3d
from .core import Dense, Dropout, Flatten, dense, dropout, flatten
from .normalization import BatchNormalization, batch_normalization
from .pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    average_pooling1d,
    average_pooling2d,
    average_pooling3d,
    max_pooling1d,
    max_pooling2d,
    max_pooling3d,
)
from .separable import SeparableConv1D, SeparableConv2D, separable_conv1d, separable_conv2d
from .transposed import Conv2DTranspose, Conv3DTranspose, conv2d_transpose, conv3d_transpose
