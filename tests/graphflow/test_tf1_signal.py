"""`tf.signal` and `tf.spectral` against their definitions."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

X = np.sin(np.arange(24.0)).reshape(2, 12).astype(np.float32)


def run(tensor, feeds=None):
    with tf.Session() as session:
        return session.run(tensor, feeds)


def dct_matrix(n, kind):
    """[output, input], from the definition."""
    k, j = np.arange(n)[:, None], np.arange(n)[None, :]
    if kind == 1:
        inner = 2 * np.cos(np.pi * k * j / (n - 1))
        inner[:, [0, -1]] /= 2
        return inner
    if kind == 2:
        return 2 * np.cos(np.pi * k * (2 * j + 1) / (2 * n))
    if kind == 3:
        return np.where(j == 0, 1, 2 * np.cos(np.pi * j * (2 * k + 1) / (2 * n)))
    return 2 * np.cos(np.pi * (2 * k + 1) * (2 * j + 1) / (4 * n))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_dct(kind, known):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [2, 12 if known else None])
        results = [tf.spectral.dct(x, kind), tf.spectral.idct(tf.spectral.dct(x, kind), kind)]
        if kind != 1:
            results += [tf.spectral.dct(x, kind, norm="ortho"),
                        tf.signal.idct(tf.signal.dct(x, kind, norm="ortho"), kind, norm="ortho")]
        values = run(results, {x: X})
    np.testing.assert_allclose(values[0], X @ dct_matrix(12, kind).T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(values[1] / (22 if kind == 1 else 24), X, rtol=1e-4, atol=1e-5)
    if kind != 1:
        np.testing.assert_allclose(values[3], X, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(np.sum(values[2] ** 2), np.sum(X ** 2), rtol=1e-4)


@pytest.mark.parametrize(("pad_end", "step", "axis"), [(False, 3, -1), (True, 3, -1), (True, 5, 1), (False, 2, 0)])
def test_frame(pad_end, step, axis):
    signal = X if axis else X.T
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, signal.shape)
        frames = tf.signal.frame(x, 4, step, pad_end, pad_value=7, axis=axis)
        value = run(frames, {x: signal})
    rows = np.moveaxis(signal, axis, -1)
    count = -(-12 // step) if pad_end else (12 - 4) // step + 1
    padded = np.pad(rows, ((0, 0), (0, 12)), constant_values=7)
    wanted = np.stack([padded[:, i * step:i * step + 4] for i in range(count)], 1)
    assert list(value.shape) == frames.shape.as_list()
    np.testing.assert_array_equal(value, wanted if axis else np.moveaxis(wanted, 0, -1))


def test_overlap_and_add_is_the_adjoint_of_frame():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [2, None])
        frames = tf.signal.frame(x, 4, 2)
        added = tf.signal.overlap_and_add(frames, 2)
        gradient, = tf.gradients(frames, x, frames)
        added, gradient = run([added, gradient], {x: X})
    np.testing.assert_allclose(added, gradient)
    np.testing.assert_allclose(added[:, 2:-2], 2 * X[:, 2:-2], rtol=1e-6)


@pytest.mark.parametrize(("length", "step"), [(8, 4), (8, 2), (6, 3)])
def test_stft_and_back(length, step):
    signal = np.random.default_rng(0).normal(size=(2, 30)).astype(np.float32)
    with tf.Graph().as_default():
        spectrum = tf.signal.stft(signal, length, step)
        window = tf.signal.inverse_stft_window_fn(step)
        spectrum, back = run([spectrum, tf.signal.inverse_stft(spectrum, length, step, window_fn=window)])
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    np.testing.assert_allclose(spectrum[1, 2], np.fft.rfft(signal[1, 2 * step:2 * step + length] * hann, 8), rtol=1e-4,
                               atol=1e-5)
    inside = slice(length, back.shape[1] - length)
    np.testing.assert_allclose(back[:, inside], signal[:, inside], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", [None, "ortho"])
def test_mdct_and_back(norm):
    signal = np.random.default_rng(0).normal(size=(32,)).astype(np.float32)
    with tf.Graph().as_default():
        back = run(tf.signal.inverse_mdct(tf.signal.mdct(signal, 8, norm=norm), norm=norm))
    np.testing.assert_allclose(back[4:-4], signal[4:-4], rtol=1e-4, atol=1e-5)


def test_windows():
    with tf.Graph().as_default():
        values = run([tf.signal.hann_window(4), tf.signal.hann_window(5), tf.signal.hamming_window(4, periodic=False),
                      tf.signal.hann_window(1), tf.signal.kaiser_window(5, 3.0)])
    np.testing.assert_allclose(values[0], [0, 0.5, 1, 0.5], atol=1e-6)
    np.testing.assert_allclose(values[1], [0, 0.5, 1, 0.5, 0], atol=1e-6)
    np.testing.assert_allclose(values[2], np.hamming(4), atol=1e-6)
    np.testing.assert_allclose(values[3], [1])
    np.testing.assert_allclose(values[4], np.kaiser(5, 3.0), atol=1e-6)


def test_mel_weights_and_mfccs():
    with tf.Graph().as_default():
        weights = tf.signal.linear_to_mel_weight_matrix(10, 65, 16000, 80.0, 7600.0)
        mfccs = tf.signal.mfccs_from_log_mel_spectrograms(tf.log(tf.matmul(np.ones((3, 65), np.float32), weights)))
        weights, mfccs = run([weights, mfccs])
    assert weights.shape == (65, 10) and not weights[0].any() and np.all((weights >= 0) & (weights <= 1))
    assert np.all(np.diff(np.argmax(weights, 0)) >= 0) and mfccs.shape == (3, 10)
    with pytest.raises(ValueError, match="Nyquist"):
        tf.signal.linear_to_mel_weight_matrix(10, 65, 4000)


def test_fftshift():
    with tf.Graph().as_default():
        values = run([tf.signal.fftshift(X), tf.signal.ifftshift(X[:, :5], axes=1)])
    np.testing.assert_array_equal(values[0], np.fft.fftshift(X))
    np.testing.assert_array_equal(values[1], np.fft.ifftshift(X[:, :5], axes=1))


@pytest.mark.parametrize("pad_end", [False, True])
def test_frames_of_a_fed_length(pad_end):
    with tf.Graph().as_default():
        length, step = tf.placeholder(tf.int32, []), tf.placeholder(tf.int32)
        x = tf.placeholder(tf.float32, [None, None])
        fed = run(tf.signal.frame(x, length, step, pad_end, pad_value=7), {x: X, length: 5, step: 3})
        np.testing.assert_array_equal(fed, run(tf.signal.frame(X, 5, 3, pad_end, pad_value=7)))
        columns = tf.signal.frame(tf.transpose(x), length, 3, pad_end, axis=0)
        np.testing.assert_array_equal(run(columns, {x: X, length: 5}), run(tf.signal.frame(X.T, 5, 3, pad_end, axis=0)))
