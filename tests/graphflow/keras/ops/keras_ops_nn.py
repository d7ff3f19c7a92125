"""Cases of keras.ops: activations, layers' functions and images.

The numbers that Keras gives are in expected.npz (see make_expected.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras_ops_data import CO, G8, TR, X1, X2, X3, A, B, G, K, T, U, V, f32

CASES: dict[str, Callable[[Any], Any]] = {
    "a_glu": lambda o: o.glu(T),
    "a_threshold": lambda o: o.threshold(A, 0.4, -1.0),
    "a_softmaxn": lambda o: o.softmax(A, axis=None),
    "a_softmax2": lambda o: o.softmax(T, axis=(0, 2)),
    "a_lsm2": lambda o: o.log_softmax(T, axis=(1, 2)),
    "a_gelue": lambda o: o.gelu(A, approximate=False),
    "a_elu2": lambda o: o.elu(A, alpha=0.5),
    "a_leaky": lambda o: o.leaky_relu(A, 0.3),
    "n_conv1": lambda o: o.conv(X1, K(3, 4, 5)),
    "n_conv1s": lambda o: o.conv(X1, K(3, 4, 5), strides=2, padding="same"),
    "n_conv1d": lambda o: o.conv(X1, K(3, 4, 5), dilation_rate=2, padding="same"),
    "n_conv2": lambda o: o.conv(X2, K(3, 2, 4, 3), padding="same"),
    "n_conv2g": lambda o: o.conv(X2, K(3, 3, 2, 4), padding="valid"),
    "n_conv2cf": lambda o: o.conv(np.transpose(X2, (0, 3, 1, 2)).copy(), K(3, 3, 4, 2), data_format="channels_first"),
    "n_conv3": lambda o: o.conv(X3, K(2, 2, 3, 2, 3), strides=(1, 2, 1)),
    "n_dw1": lambda o: o.depthwise_conv(X1, K(3, 4, 2)),
    "n_dw2": lambda o: o.depthwise_conv(X2, K(3, 3, 4, 1), strides=2, padding="same"),
    "n_dw2d": lambda o: o.depthwise_conv(X2, K(2, 2, 4, 2), dilation_rate=2),
    "n_sep1": lambda o: o.separable_conv(X1, K(3, 4, 2), K(1, 8, 3)),
    "n_sep2": lambda o: o.separable_conv(X2, K(3, 3, 4, 1), K(1, 1, 4, 5), padding="same"),
    "n_ct1": lambda o: o.conv_transpose(X1, K(3, 5, 4), strides=2),
    "n_ct2": lambda o: o.conv_transpose(X2, K(3, 3, 5, 4), strides=2, padding="same"),
    "n_ct2o": lambda o: o.conv_transpose(X2, K(3, 3, 5, 4), strides=2, padding="same", output_padding=1),
    "n_ct3": lambda o: o.conv_transpose(X3, K(2, 2, 2, 3, 2), strides=1),
    "n_mp1": lambda o: o.max_pool(X1, 2),
    "n_mp2": lambda o: o.max_pool(X2, (2, 3), strides=1, padding="same"),
    "n_mp3": lambda o: o.max_pool(X3, 2),
    "n_ap1": lambda o: o.average_pool(X1, 2, padding="same"),
    "n_ap2": lambda o: o.average_pool(X2, 2, 2),
    "n_ap2cf": lambda o: o.average_pool(np.transpose(X2, (0, 3, 1, 2)).copy(), 2, data_format="channels_first"),
    "n_oh": lambda o: o.one_hot(np.array([0, 2, -1, 5]), 4),
    "n_oh0": lambda o: o.one_hot(np.array([0, 2]), 3, axis=0, dtype="int32"),
    "n_ohb": lambda o: o.one_hot(np.array([0, 2]), 3, dtype="bool"),
    "n_mh": lambda o: o.multi_hot(np.array([[0, 2], [1, 1]]), 4),
    "n_mh1": lambda o: o.multi_hot(np.array([0, 2]), 4),
    "n_mhi": lambda o: o.multi_hot(np.array([[0, 2], [1, 1]]), 4, dtype="int32"),
    "n_cce": lambda o: o.categorical_crossentropy(
        np.array([[0, 1, 0], [1, 0, 0]], f32), np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.1]], f32)
    ),
    "n_ccel": lambda o: o.categorical_crossentropy(np.array([[0, 1, 0], [1, 0, 0]], f32), A, from_logits=True),
    "n_scce": lambda o: o.sparse_categorical_crossentropy(
        np.array([1, 0]), np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]], f32)
    ),
    "n_sccel": lambda o: o.sparse_categorical_crossentropy(np.array([1, 0]), A, from_logits=True),
    "n_bce": lambda o: o.binary_crossentropy(np.array([0, 1, 1], f32), U),
    "n_bcel": lambda o: o.binary_crossentropy(np.array([0, 1, 1], f32), V, from_logits=True),
    "n_moments": lambda o: o.moments(A, axes=[1]),
    "n_momentsk": lambda o: o.moments(T, axes=[0, 2], keepdims=True),
    "n_momentsh": lambda o: o.moments(o.cast(A, "float16"), axes=[0]),
    "n_bn": lambda o: o.batch_normalization(A, U, V, axis=-1),
    "n_bn2": lambda o: o.batch_normalization(A, U[:2], V[:2], axis=0, offset=U[:2], scale=V[:2], epsilon=0.1),
    "n_ln": lambda o: o.layer_normalization(A),
    "n_ln2": lambda o: o.layer_normalization(
        o.convert_to_tensor(T), np.arange(4).astype(f32), np.ones(4, f32), axis=-1, epsilon=0.001
    ),
    "n_ln3": lambda o: o.layer_normalization(o.convert_to_tensor(T), np.arange(3).astype(f32), np.ones(3, f32), axis=1),
    "n_rms": lambda o: o.rms_normalization(A, scale=V),
    "n_normalize": lambda o: o.normalize(A),
    "n_normalize1": lambda o: o.normalize(A, axis=0, order=1),
    "n_normalize3": lambda o: o.normalize(A, axis=1, order=3),
    "n_psnr": lambda o: o.psnr(o.convert_to_tensor(A), o.convert_to_tensor(B), 5.0),
    "n_polar": lambda o: o.polar(U, V),
    "n_unfold": lambda o: o.unfold(o.convert_to_tensor(np.transpose(X2, (0, 3, 1, 2)).copy()), 2, stride=2, padding=1),
    "n_unfoldd": lambda o: o.unfold(o.convert_to_tensor(np.transpose(X2, (0, 3, 1, 2)).copy()), (2, 3), dilation=2),
    "n_fold": lambda o: o.fold(o.convert_to_tensor(K(2, 12, 9)), (4, 4), 2),
    "n_fold2": lambda o: o.fold(o.convert_to_tensor(K(2, 12, 9)), (4, 4), 2, stride=2, padding=1),
    "n_d2s": lambda o: o.depth_to_space(o.convert_to_tensor(X2), 2),
    "n_s2d": lambda o: o.space_to_depth(o.convert_to_tensor(X2[:, :, :6]), 2),
    "n_d2scf": lambda o: o.depth_to_space(
        o.convert_to_tensor(np.transpose(X2, (0, 3, 1, 2)).copy()), 2, data_format="channels_first"
    ),
    "n_ctc": lambda o: o.ctc_loss(np.array([[1, 2], [2, 0]]), K(2, 6, 4), np.array([2, 1]), np.array([6, 5])),
    "n_ctcd": lambda o: o.ctc_decode(K(2, 6, 4), np.array([6, 5])),
    "n_ctcdn": lambda o: o.ctc_decode(K(2, 6, 4), np.array([6, 5]), merge_repeated=False, mask_index=3),
    "n_ctcb": lambda o: o.ctc_decode(K(2, 6, 4), np.array([6, 5]), strategy="beam_search", top_paths=2, beam_width=5),
    "n_dpa": lambda o: o.dot_product_attention(K(2, 3, 4, 5), K(2, 6, 4, 5), K(2, 6, 4, 5)),
    "n_dpac": lambda o: o.dot_product_attention(K(2, 6, 4, 5), K(2, 6, 2, 5), K(2, 6, 2, 5), is_causal=True, scale=0.3),
    "n_dpam": lambda o: o.dot_product_attention(
        K(2, 3, 4, 5), K(2, 6, 4, 5), K(2, 6, 4, 5), bias=K(2, 4, 3, 6), mask=K(2, 4, 3, 6) > 0
    ),
    "i_gray": lambda o: o.image.rgb_to_grayscale(G),
    "i_gray8": lambda o: o.image.rgb_to_grayscale(G8),
    "i_graycf": lambda o: o.image.rgb_to_grayscale(np.transpose(G, (0, 3, 1, 2)).copy(), data_format="channels_first"),
    "i_hsv": lambda o: o.image.rgb_to_hsv(G[0]),
    "i_rgb": lambda o: o.image.hsv_to_rgb(G),
    "i_crop": lambda o: o.image.crop_images(G, top_cropping=1, left_cropping=2, target_height=3, target_width=4),
    "i_crop2": lambda o: o.image.crop_images(G, top_cropping=1, left_cropping=2, bottom_cropping=1, right_cropping=3),
    "i_pad": lambda o: o.image.pad_images(G, top_padding=1, left_padding=2, target_height=9, target_width=12),
    "i_pad2": lambda o: o.image.pad_images(G[0], top_padding=1, left_padding=2, bottom_padding=0, right_padding=1),
    "i_patches": lambda o: o.image.extract_patches(G, (2, 3)),
    "i_patches2": lambda o: o.image.extract_patches(G[0], 3, strides=2, padding="same"),
    "i_patches3": lambda o: o.image.extract_patches_3d(X3, 2),
    "i_blur": lambda o: o.image.gaussian_blur(G, (3, 5), (1.0, 2.0)),
    "i_sobel": lambda o: o.image.sobel_edges(G),
    "i_ssim": lambda o: o.image.ssim(np.tile(G, (1, 2, 2, 1)), np.tile(G, (1, 2, 2, 1)) * 0.9),
    "i_ssim1": lambda o: o.image.ssim(np.tile(G, (1, 2, 2, 1))[0], np.tile(G, (1, 2, 2, 1))[1], filter_size=7),
    "i_persp": lambda o: o.image.perspective_transform(
        G, np.array([[0, 0], [7, 0], [0, 5], [7, 5]], f32), np.array([[1, 1], [6, 0], [0, 4], [7, 5]], f32)
    ),
    "i_st": lambda o: o.image.scale_and_translate(
        G, (2, 5, 9, 3), np.array([0.8, 1.2], f32), np.array([0.5, -0.3], f32), (1, 2), "linear"
    ),
    "i_st2": lambda o: o.image.scale_and_translate(
        G, (2, 5, 9, 3), np.array([0.8, 1.2], f32), np.array([0.5, -0.3], f32), (1, 2), "cubic", antialias=False
    ),
    "i_resizecrop": lambda o: o.image.resize(G, (4, 4), crop_to_aspect_ratio=True),
    "i_resizepad": lambda o: o.image.resize(G, (4, 4), pad_to_aspect_ratio=True, fill_value=0.5),
    "i_resizecf": lambda o: o.image.resize(np.transpose(G, (0, 3, 1, 2)).copy(), (3, 5), data_format="channels_first"),
    "i_mapci": lambda o: o.image.map_coordinates(G8[0, :, :, 0], CO, order=1),
}

ACTIVATIONS = """relu relu6 sigmoid sparse_sigmoid softplus softsign silu swish log_sigmoid leaky_relu hard_sigmoid
hard_silu hard_swish elu selu gelu celu hard_tanh tanh_shrink soft_shrink hard_shrink sparse_plus squareplus softmax
log_softmax sparsemax""".split()
for _n in ACTIVATIONS:
    CASES[_n] = lambda o, n=_n: getattr(o, n)(A)
for _m in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"):
    CASES[f"resize, {_m}"] = lambda o, m=_m: o.image.resize(G[:1], (4, 9), interpolation=m)
    CASES[f"resize of integers, {_m}"] = lambda o, m=_m: o.image.resize(G8[:1], (3, 4), interpolation=m)
    if _m not in ("nearest", "area"):
        CASES[f"resize, smooth, {_m}"] = lambda o, m=_m: o.image.resize(G[:1], (3, 4), interpolation=m, antialias=True)
for _m in ("constant", "nearest", "wrap", "reflect"):
    CASES[f"affine, {_m}"] = lambda o, m=_m: o.image.affine_transform(G, TR, fill_mode=m, fill_value=0.3)
    for _k in (0, 1):
        CASES[f"map_coordinates, {_k}, {_m}"] = lambda o, k=_k, m=_m: o.image.map_coordinates(
            G[0, :, :, 0], CO, order=k, fill_mode=m, fill_value=0.5
        )
CASES["affine of nearest pixels"] = lambda o: o.image.affine_transform(G, TR, interpolation="nearest")
