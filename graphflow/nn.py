# ruff: noqa: F401 (this module is the list of names)
"""`tf.nn`: names, whose modules say what they do."""
from __future__ import annotations

from typing import Any

from .array_ops import (
    depth_to_space,
    space_to_depth,
)
from .blocks import space_to_batch
from .convolution import (
    atrous_conv2d,
    atrous_conv2d_transpose,
    conv1d,
    conv1d_transpose,
    conv2d,
    conv2d_backprop_filter,
    conv2d_backprop_input,
    conv2d_transpose,
    conv3d,
    conv3d_backprop_filter,
    conv3d_backprop_filter_v2,
    conv3d_transpose,
    conv_transpose,
    convolution,
)
from .depthwise import (
    depthwise_conv2d,
    depthwise_conv2d_backprop_filter,
    depthwise_conv2d_backprop_input,
    depthwise_conv2d_native,
    depthwise_conv2d_native_backprop_filter,
    depthwise_conv2d_native_backprop_input,
    separable_conv2d,
)
from .dilation import with_space_to_batch
from .embedding import embedding_lookup_sparse, safe_embedding_lookup_sparse
from .lazy import Names
from .math import (
    sigmoid,
    tanh,
)
from .math_ops import (
    log_sigmoid,
    zero_fraction,
)
from .nn_ops import (
    bias_add,
    compute_average_loss,
    crelu,
    dropout,
    elu,
    embedding_lookup,
    gelu,
    in_top_k,
    l2_loss,
    leaky_relu,
    log_poisson_loss,
    log_softmax,
    relu,
    relu6,
    relu_layer,
    scale_regularization_loss,
    selu,
    sigmoid_cross_entropy_with_logits,
    silu,
    softmax,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    softplus,
    softsign,
    sparse_softmax_cross_entropy_with_logits,
    swish,
    weighted_cross_entropy_with_logits,
    xw_plus_b,
)
from .normalization import (
    batch_norm_with_global_normalization,
    batch_normalization,
    fused_batch_norm,
    l2_normalize,
    local_response_normalization,
    lrn,
    moments,
    normalize_moments,
    sufficient_statistics,
    weighted_moments,
)
from .pooling import (
    avg_pool,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    avg_pool_v2,
    dilation2d,
    erosion2d,
    fractional_avg_pool,
    fractional_max_pool,
    max_pool,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    max_pool_v2,
    max_pool_with_argmax,
    pool,
)

_names = Names(globals(), {
    "nn_experimental": "experimental",
    "ordering": "approx_max_k approx_min_k top_k",
    "quantized": "quantized_avg_pool quantized_conv2d quantized_max_pool quantized_relu_x",
    "rnn.rnn_cell": "rnn_cell",
    "rnn.raw": "raw_rnn",
    "rnn.dynamic": "bidirectional_dynamic_rnn dynamic_rnn",
    "rnn.static": "bidirectional_rnn=static_bidirectional_rnn rnn=static_rnn state_saving_rnn=static_state_saving_rnn "
                  "static_bidirectional_rnn static_rnn static_state_saving_rnn",
    "ctc": "collapse_repeated ctc_beam_search_decoder ctc_beam_search_decoder_v2 ctc_greedy_decoder ctc_loss "
           "ctc_loss_v2 ctc_unique_labels",
    "candidate_sampling": "all_candidate_sampler compute_accidental_hits fixed_unigram_candidate_sampler "
                          "learned_unigram_candidate_sampler log_uniform_candidate_sampler nce_loss "
                          "sampled_softmax_loss uniform_candidate_sampler",
    "contrib.legacy_seq2seq": "seq2seq",
})


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()
