"""Keras's layers."""
from .activation import ELU, LeakyReLU, ReLU, Softmax
from .convolution import Conv2D, DepthwiseConv2D
from .core import Activation, Dense, Input, InputLayer
from .input_spec import InputSpec
from .layer import Layer
from .normalization import BatchNormalization
from .pooling import (
    AveragePooling2D,
    AvgPool2D,
    GlobalAveragePooling2D,
    GlobalAvgPool2D,
    GlobalMaxPool2D,
    GlobalMaxPooling2D,
    MaxPool2D,
    MaxPooling2D,
)
from .regularization import Dropout
from .reshaping import Flatten, Permute, Reshape

Convolution2D = Conv2D

__all__ = [
    "ELU", "Activation", "AveragePooling2D", "AvgPool2D", "BatchNormalization", "Conv2D", "Convolution2D", "Dense",
    "DepthwiseConv2D", "Dropout", "Flatten", "GlobalAveragePooling2D", "GlobalAvgPool2D", "GlobalMaxPool2D",
    "GlobalMaxPooling2D", "Input", "InputLayer", "InputSpec", "Layer", "LeakyReLU", "MaxPool2D", "MaxPooling2D",
    "Permute", "ReLU", "Reshape", "Softmax",
]
