# ruff: noqa: F401 (this module is the list of names)
"""`tf.contrib.layers`: layers with activation, normalizer and collections as arguments, which `arg_scope` can set."""
from __future__ import annotations

from typing import Any

from ...custom_gradients import recompute_grad
from ...embedding import safe_embedding_lookup_sparse
from ...lazy import Names
from . import regularizers, summaries, utils
from .building import (
    avg_pool2d,
    avg_pool3d,
    bias_add,
    conv1d,
    conv2d,
    conv2d_in_plane,
    conv2d_transpose,
    conv3d,
    conv3d_transpose,
    convolution,
    convolution1d,
    convolution2d,
    convolution2d_in_plane,
    convolution2d_transpose,
    convolution3d,
    convolution3d_transpose,
    elu,
    fully_connected,
    legacy_fully_connected,
    legacy_linear,
    legacy_relu,
    linear,
    max_pool2d,
    max_pool3d,
    pool,
    relu,
    relu6,
    separable_conv2d,
    separable_convolution2d,
)
from .encoders import bow_encoder, embed_sequence, embedding_lookup_unique
from .gdn import gdn
from .initializers import variance_scaling_initializer, xavier_initializer, xavier_initializer_conv2d
from .normalization import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    poincare_normalize,
    unit_norm,
)
from .optimizers import OPTIMIZER_CLS_NAMES, OPTIMIZER_SUMMARIES, adaptive_clipping_fn, optimize_loss
from .regularizers import apply_regularization, l1_l2_regularizer, l1_regularizer, l2_regularizer, sum_regularizer
from .shaping import (
    dropout,
    flatten,
    images_to_sequence,
    maxout,
    one_hot_encoding,
    repeat,
    scale_gradient,
    sequence_to_images,
    softmax,
    spatial_softmax,
    stack,
)
from .summaries import (
    summarize_activation,
    summarize_activations,
    summarize_biases,
    summarize_collection,
    summarize_tensor,
    summarize_tensors,
    summarize_variables,
    summarize_weights,
)

_names = Names(globals(), {
    "columns": "bucketized_column create_feature_spec_for_parsing crossed_column embedding_column "
               "input_from_feature_columns one_hot_column real_valued_column shared_embedding_columns "
               "sparse_column_with_hash_bucket sparse_column_with_integerized_feature sparse_column_with_keys "
               "weighted_sparse_column weighted_sum_from_feature_columns",
})


def __getattr__(name: str) -> Any:
    return _names.load(name)
