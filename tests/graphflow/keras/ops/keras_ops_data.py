"""Arrays that the cases of keras.ops share."""

from __future__ import annotations

import numpy as np

f32 = np.float32
A = np.array([[1.5, -2.0, 0.25], [3.0, 0.5, -0.75]], f32)
B = np.array([[0.5, 2.0, -1.0], [1.0, -3.0, 4.0]], f32)
I = np.array([[3, -2, 7], [1, 0, 5]], np.int32)  # noqa: E741
J = np.array([[2, 5, 3], [4, 1, -2]], np.int32)
U, V = np.array([0.1, 0.5, 0.9], f32), np.array([3.0, 1.0, 2.0], f32)
BO = np.array([True, False, True])
N = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan], [4.0, -1.0, np.nan]], f32)
T = np.arange(24).reshape(2, 3, 4).astype(f32)
M = np.array([[2.0, 0.5, 0.1], [0.5, 3.0, 0.2], [0.1, 0.2, 1.5]], f32)
R = np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 0.7], [2.0, 0.1, 0.4]], f32)
S, D = np.array([0, 0, 1, 2, 2]), np.arange(10).reshape(5, 2).astype(f32)
SIG = np.sin(np.arange(40) * 0.3).astype(f32)
X1, X2, X3 = (
    np.random.RandomState(i).randn(*s).astype(f32) for i, s in enumerate(((2, 7, 4), (2, 6, 7, 4), (1, 5, 4, 6, 2)))
)
G = np.random.RandomState(5).rand(2, 6, 8, 3).astype(f32)
G8 = (G * 255).astype(np.uint8)
TR = np.array([[1.1, 0.2, -1, 0.1, 0.9, 0.5, 0, 0], [0.8, -0.3, 2, 0.2, 1.1, -1, 0.01, 0.02]], f32)
CO = np.array([[[0.0, 1.3, -1.2, 7.7], [2.5, 5.0, 6.4, -3.1]], [[1.0, 2.2, 0.4, 9.0], [7.0, -2.0, 3.3, 8.6]]], f32)


def K(*shape: int) -> np.ndarray:
    return np.random.RandomState(3).randn(*shape).astype(f32)
