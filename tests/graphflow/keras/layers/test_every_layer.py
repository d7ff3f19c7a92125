"""Every layer of one float input, by `check_layer`: a layer that is added must stand in one of the tables here."""
from __future__ import annotations

from typing import Any

import pytest
from check_layer import check_layer

from graphflow import keras

L = keras.layers
VECTOR, SERIES, IMAGE, VOLUME = (4,), (4, 3), (5, 4, 3), (3, 4, 3, 2)

# a layer's class and arguments as written, the shape of a sample
SMOOTH: list[tuple[str, tuple[int, ...]]] = [
    ("Dense(3, activation='tanh')", VECTOR), ("EinsumDense('ab,bc->ac', output_shape=3, bias_axes='c')", VECTOR),
    ("Conv1D(2, 2)", SERIES), ("Conv2D(2, 2)", IMAGE), ("Conv3D(2, 2)", VOLUME),
    ("Conv1DTranspose(2, 2)", SERIES), ("Conv2DTranspose(2, 2)", IMAGE), ("Conv3DTranspose(2, 2)", VOLUME),
    ("DepthwiseConv1D(2)", SERIES), ("DepthwiseConv2D(2)", IMAGE), ("SeparableConv1D(2, 2)", SERIES),
    ("SeparableConv2D(2, 2)", IMAGE), ("LocallyConnected1D(2, 2)", SERIES), ("LocallyConnected2D(2, 2)", IMAGE),
    ("ConvLSTM1D(2, 2)", (2, 4, 2)), ("ConvLSTM2D(2, 2)", (2, 3, 3, 2)), ("ConvLSTM3D(2, 2)", (2, 3, 3, 3, 1)),
    ("SimpleRNN(2)", SERIES), ("LSTM(2)", SERIES), ("GRU(2)", SERIES),
    ("AveragePooling1D(2)", SERIES), ("AveragePooling2D(2)", IMAGE), ("AveragePooling3D(2)", VOLUME),
    ("GlobalAveragePooling1D()", SERIES), ("GlobalAveragePooling2D()", IMAGE), ("GlobalAveragePooling3D()", VOLUME),
    ("AdaptiveAveragePooling1D(2)", SERIES), ("AdaptiveAveragePooling2D(2)", IMAGE),
    ("AdaptiveAveragePooling3D(2)", VOLUME), ("BatchNormalization()", VECTOR),
    ("BatchNormalization(renorm=True)", VECTOR), ("LayerNormalization()", VECTOR),
    ("GroupNormalization(groups=3)", SERIES), ("RMSNormalization()", VECTOR), ("UnitNormalization()", VECTOR),
    ("Activation('gelu')", VECTOR), ("ELU(0.5)", VECTOR),
    ("Softmax()", VECTOR), ("Rescaling(0.5, 1.0)", VECTOR), ("Normalization(mean=1.0, variance=2.0)", VECTOR),
    ("STFTSpectrogram('magnitude', frame_length=4, window='hamming')", (12, 2)),
    ("MelSpectrogram(8, 4, num_mel_bins=2, sampling_rate=40, min_freq=2.0, power_to_db=False)", (20,)),
]

# the gradient jumps, is none's concern or passes through another layer in float32: shapes, dtype and configuration only
ROUGH: list[tuple[str, tuple[int, ...]]] = [
    ("RNN(L.SimpleRNNCell(2))", SERIES), ("Bidirectional(L.SimpleRNN(2))", SERIES),
    ("TimeDistributed(L.Dense(2))", SERIES), ("SpectralNormalization(L.Dense(2))", VECTOR),
    ("ReLU()", VECTOR), ("LeakyReLU()", VECTOR), ("PReLU()", VECTOR), ("ThresholdedReLU()", VECTOR),
    ("MaxPooling1D(2)", SERIES), ("MaxPooling2D(2)", IMAGE), ("MaxPooling3D(2)", VOLUME),
    ("GlobalMaxPooling1D()", SERIES), ("GlobalMaxPooling2D()", IMAGE), ("GlobalMaxPooling3D()", VOLUME),
    ("AdaptiveMaxPooling1D(2)", SERIES), ("AdaptiveMaxPooling2D(2)", IMAGE), ("AdaptiveMaxPooling3D(2)", VOLUME),
    ("Flatten()", SERIES), ("Reshape((2, -1))", VECTOR), ("Permute((2, 1))", SERIES), ("RepeatVector(2)", VECTOR),
    ("Cropping1D(1)", SERIES), ("Cropping2D(1)", IMAGE), ("Cropping3D(1)", VOLUME),
    ("ZeroPadding1D(1)", SERIES), ("ZeroPadding2D(1)", IMAGE), ("ZeroPadding3D(1)", VOLUME),
    ("UpSampling1D(2)", SERIES), ("UpSampling2D(2, interpolation='lanczos3')", IMAGE), ("UpSampling3D(2)", VOLUME),
    ("Identity()", VECTOR), ("Masking()", SERIES), ("ActivityRegularization(0.1)", VECTOR),
    ("Dropout(0.5)", VECTOR), ("AlphaDropout(0.5)", VECTOR), ("GaussianDropout(0.5)", VECTOR),
    ("GaussianNoise(0.5)", VECTOR), ("SpatialDropout1D(0.5)", SERIES), ("SpatialDropout2D(0.5)", IMAGE),
    ("SpatialDropout3D(0.5)", VOLUME), ("CuDNNLSTM(2)", SERIES), ("CuDNNGRU(2)", SERIES),
    ("Resizing(3, 3, antialias=True)", IMAGE), ("CenterCrop(2, 2)", IMAGE), ("RandomFlip()", IMAGE),
    ("RandomTranslation(0.2, 0.2)", IMAGE), ("RandomRotation(0.2)", IMAGE), ("RandomZoom(0.2)", IMAGE),
    ("RandomShear(0.2, 0.2)", IMAGE), ("RandomPerspective()", IMAGE), ("RandomElasticTransform()", IMAGE),
    ("RandomBrightness(0.2)", IMAGE), ("RandomContrast(0.2)", IMAGE), ("RandomSaturation(0.5)", IMAGE),
    ("RandomHue(0.2)", IMAGE), ("RandomGrayscale()", IMAGE), ("RandomColorDegeneration(0.5)", IMAGE),
    ("RandomColorJitter(hue_factor=0.2)", IMAGE), ("RandomPosterization(3)", IMAGE), ("RandomSharpness(0.5)", IMAGE),
    ("RandomInvert()", IMAGE), ("RandomGaussianBlur()", IMAGE), ("Solarization(0.1, 0.2)", IMAGE),
    ("AutoContrast()", IMAGE), ("Equalization()", IMAGE), ("RandomErasing()", IMAGE), ("MixUp()", IMAGE),
    ("CutMix()", IMAGE), ("RandAugment()", IMAGE), ("AugMix()", IMAGE), ("MaxNumBoundingBoxes(3)", IMAGE),
    ("ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))", IMAGE),
]

# of several inputs, of text or integers, or no layers of their own: tested beside their like
ELSEWHERE = {
    "AbstractRNNCell", "Add", "AdditiveAttention", "Attention", "Average", "CategoryEncoding", "Concatenate",
    "Discretization",
    "Dot", "Embedding", "GRUCell", "GroupedQueryAttention", "HashedCrossing", "Hashing", "InputLayer", "IntegerLookup",
    "LSTMCell", "Lambda", "Layer", "Maximum", "Minimum", "MultiHeadAttention", "Multiply", "Pipeline", "RandomCrop",
    "ReversibleEmbedding", "SimpleRNNCell", "SlicingOpLambda", "StackedRNNCells", "StringLookup", "Subtract",
    "TFOpLambda", "TFSMLayer", "TextVectorization", "Wrapper",
}


def test_every_layer_is_checked() -> None:
    classes = {c.__name__ for c in vars(L).values() if isinstance(c, type) and issubclass(c, L.Layer)}
    checked = {case.partition("(")[0] for case, _ in SMOOTH + ROUGH}
    assert sorted(classes ^ (checked | ELSEWHERE)) == []


@pytest.mark.parametrize(("written", "shape"), SMOOTH)
def test_smooth(written: str, shape: tuple[int, ...]) -> None:
    check_layer(made(written), shape, compiled=False)


@pytest.mark.parametrize(("written", "shape"), ROUGH)
def test_rough(written: str, shape: tuple[int, ...]) -> None:
    check_layer(made(written), shape, gradient=False, compiled=False)


def made(written: str) -> Any:
    return eval(f"L.{written}", {"L": L})  # text of this file
