"""Cases of keras.ops: control flow, parts, segments, transforms and matrices.

The numbers that Keras gives are in expected.npz (see make_expected.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras_ops_data import SIG, A, B, D, I, M, R, S, T, V, f32

CASES: dict[str, Callable[[Any], Any]] = {
    "c_cast": lambda o: o.cast(A, "int32"),
    "c_castb": lambda o: o.cast(A, "bool"),
    "c_sat": lambda o: o.saturate_cast(np.array([-5.0, 300.0], f32), "uint8"),
    "c_dtype": lambda o: o.dtype(A),
    "c_slice": lambda o: o.slice(T, (0, 1, 1), (2, 1, 2)),
    "c_slice_update": lambda o: o.slice_update(T, (0, 1, 1), np.ones((1, 2, 2), f32)),
    "c_scatter": lambda o: o.scatter(np.array([[0, 1], [1, 0], [0, 1]]), np.array([1.0, 2.0, 3.0], f32), (2, 2)),
    "c_scatter_update": lambda o: o.scatter_update(A, np.array([[0, 1], [1, 2]]), np.array([9.0, 8.0], f32)),
    "c_scatter_rows": lambda o: o.scatter_update(A, np.array([[1]]), B[:1]),
    "c_sadd": lambda o: o.scatter_update(A, np.array([[0, 1], [0, 1]]), np.array([9.0, 8.0], f32), reduction="add"),
    "c_smax": lambda o: o.scatter_update(A, np.array([[0, 1], [0, 1]]), np.array([9.0, 8.0], f32), reduction="max"),
    "c_smul": lambda o: o.scatter_update(A, np.array([[0, 1], [0, 1]]), np.array([9.0, 8.0], f32), reduction="mul"),
    "c_cond": lambda o: o.cond(
        o.convert_to_tensor(True), lambda: o.convert_to_tensor(A) * 2, lambda: o.convert_to_tensor(A)
    ),
    "c_switch": lambda o: o.switch(o.convert_to_tensor(1), [lambda x: x + 1, lambda x: x * 3], o.convert_to_tensor(A)),
    "c_switchc": lambda o: o.switch(o.convert_to_tensor(7), [lambda x: x + 1, lambda x: x * 3], o.convert_to_tensor(A)),
    "c_while_loop": lambda o: o.while_loop(
        lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (o.convert_to_tensor(0), o.convert_to_tensor(A))
    ),
    "c_while1": lambda o: o.while_loop(lambda i: i < 10, lambda i: i + 3, o.convert_to_tensor(0)),
    "c_whilem": lambda o: o.while_loop(lambda i: i < 10, lambda i: i + 3, o.convert_to_tensor(0), maximum_iterations=2),
    "c_fori": lambda o: o.fori_loop(0, 4, lambda i, v: v + i, o.convert_to_tensor(1)),
    "c_map": lambda o: o.map(lambda x: o.sum(x), o.convert_to_tensor(A)),
    "c_map2": lambda o: o.map(lambda xy: xy[0] * xy[1], (o.convert_to_tensor(A), o.convert_to_tensor(B))),
    "c_mapd": lambda o: o.map(lambda x: o.cast(x > 0, "int32"), o.convert_to_tensor(A)),
    "c_vmap": lambda o: o.vectorized_map(lambda x: x * x, o.convert_to_tensor(A)),
    "c_scan": lambda o: o.scan(lambda c, x: (c + x, c * 1.0), o.convert_to_tensor(0.0), o.convert_to_tensor(V)),
    "c_scanr": lambda o: o.scan(
        lambda c, x: (c + x, c * 1.0), o.convert_to_tensor(0.0), o.convert_to_tensor(V), reverse=True
    ),
    "c_scanl": lambda o: o.scan(lambda c, x: (c + 1.0, c * 2.0), o.convert_to_tensor(0.0), length=3),
    "c_assoc": lambda o: o.associative_scan(lambda a, b: a + b, o.convert_to_tensor(np.arange(1, 8).astype(f32))),
    "c_assocr": lambda o: o.associative_scan(lambda a, b: a * b, o.convert_to_tensor(T), reverse=True, axis=1),
    "c_assoc2": lambda o: o.associative_scan(
        lambda a, b: [a[0] + b[0], a[1] * b[1]], [o.convert_to_tensor(T), o.convert_to_tensor(T)], axis=2
    ),
    "c_rearrange": lambda o: o.rearrange(o.convert_to_tensor(T), "b (h w) c -> b c h w", h=3),
    "c_rearrange2": lambda o: o.rearrange(o.convert_to_tensor(T), "b h c -> (b h) c"),
    "c_stop": lambda o: o.stop_gradient(A),
    "c_ctt": lambda o: o.convert_to_tensor([1, 2.5]),
    "c_ctti": lambda o: o.convert_to_tensor([1, 2]),
    "c_ctt64": lambda o: o.convert_to_tensor(np.zeros(2)),
    "c_cttd": lambda o: o.convert_to_tensor([1.7, 2.2], "int32"),
    "c_jvp": lambda o: o.jvp(lambda x: o.sin(x) * x, (o.convert_to_tensor(A),), (o.convert_to_tensor(B),)),
    "m_ssum": lambda o: o.segment_sum(D, S),
    "m_ssumn": lambda o: o.segment_sum(D, S[::-1].copy(), num_segments=4),
    "m_ssums": lambda o: o.segment_sum(D, S, sorted=True),
    "m_smax": lambda o: o.segment_max(D, S, num_segments=3),
    "m_smin": lambda o: o.segment_min(D, S),
    "m_sprod": lambda o: o.segment_prod(D, S),
    "m_top_k": lambda o: tuple(o.top_k(A, 2)),
    "m_in_top_k": lambda o: o.in_top_k(np.array([1, 0]), A, 2),
    "m_lse": lambda o: o.logsumexp(A, axis=1, keepdims=True),
    "m_cdist": lambda o: o.cdist(A, B),
    "m_extract": lambda o: o.extract_sequences(SIG[:10], 4, 3),
    "m_fft": lambda o: o.fft((A, B)),
    "m_fft2": lambda o: o.fft2((A, B)),
    "m_ifft2": lambda o: o.ifft2((A, B)),
    "m_rfft": lambda o: o.rfft(SIG[:8]),
    "m_rfft2": lambda o: o.rfft(SIG[:8], fft_length=12),
    "m_irfft": lambda o: o.irfft((A, B)),
    "m_irfft2": lambda o: o.irfft((A, B), fft_length=5),
    "m_stft": lambda o: o.stft(SIG, 8, 4, 16),
    "m_stft2": lambda o: o.stft(SIG, 8, 4, 8, window="hamming", center=False),
    "m_stft3": lambda o: o.stft(SIG, 8, 4, 8, window=None),
    "m_istft": lambda o: o.istft(o.stft(o.convert_to_tensor(SIG), 8, 4, 16), 8, 4, 16),
    "m_istft2": lambda o: o.istft(o.stft(o.convert_to_tensor(SIG), 8, 4, 8), 8, 4, 8, length=38),
    "m_vac": lambda o: o.view_as_complex(A[:, :2]),
    "m_var": lambda o: o.view_as_real(np.array([1 + 2j, 3j], np.complex64)),
    "m_logdet": lambda o: o.logdet(M),
    "l_cholesky": lambda o: o.cholesky(M),
    "l_cholu": lambda o: o.cholesky(M, upper=True),
    "l_cholinv": lambda o: o.cholesky_inverse(np.linalg.cholesky(M)),
    "l_cholinvu": lambda o: o.cholesky_inverse(np.linalg.cholesky(M).T.copy(), upper=True),
    "l_det": lambda o: o.det(R),
    "l_eigh": lambda o: o.abs(o.eigh(M)[1]),
    "l_eighv": lambda o: o.eigh(M)[0],
    "l_inv": lambda o: o.inv(R),
    "l_lu": lambda o: o.linalg.lu_factor(R),
    "l_qr": lambda o: [o.abs(t) for t in o.qr(R)],
    "l_qrc": lambda o: [o.abs(t) for t in o.qr(A.T.copy(), mode="complete")][1],
    "l_solve": lambda o: o.solve(R, V),
    "l_solve2": lambda o: o.solve(R, A.T.copy()),
    "l_st": lambda o: o.solve_triangular(np.triu(R), V),
    "l_stl": lambda o: o.solve_triangular(np.tril(M), A.T.copy(), lower=True),
    "l_svd": lambda o: [o.abs(t) for t in o.svd(A)][1],
    "l_svdv": lambda o: o.svd(A, compute_uv=False),
    "l_svdr": lambda o: [tuple(t.shape) for t in o.svd(A)],
    "l_svdn": lambda o: [tuple(t.shape) for t in o.svd(A, full_matrices=False)],
    "l_lstsq": lambda o: o.lstsq(A.T.copy(), V),
    "l_lstsq2": lambda o: o.lstsq(A.T.copy(), M),
    "l_rank": lambda o: o.matrix_rank(R),
    "l_pinv": lambda o: o.pinv(A),
    "l_norm": lambda o: o.norm(A),
    "l_norm1": lambda o: o.norm(A, axis=1),
    "l_normi": lambda o: o.norm(I, axis=0),
}

for _k in (0, 1, 3, np.inf, -np.inf, -1):
    CASES[f"norm, {_k}"] = lambda o, k=_k: o.norm(A, ord=k, axis=1, keepdims=True)
for _k in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
    CASES[f"norm of matrices, {_k}"] = lambda o, k=_k: o.norm(T, ord=k, axis=(0, 2))
