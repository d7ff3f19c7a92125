"""Keras's global settings, the session of its variables, and Keras 2's functions on tensors (`K.*`) on graphs."""
from __future__ import annotations

import importlib
from typing import Any

from ...lazy import Names
from .session import (
    VARIABLES,
    batch_get_value,
    batch_set_value,
    clear_session,
    eval,
    get_session,
    get_value,
    is_float,
    manual_variable_initialization,
    set_session,
    set_value,
)
from .settings import (
    _get_available_gpus,
    _is_tf_1,
    backend,
    cast_to_floatx,
    epsilon,
    floatx,
    get_uid,
    image_data_format,
    image_dim_ordering,
    keras_home,
    normalize_data_format,
    reset_uids,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    set_image_dim_ordering,
)

_names = Names(globals(), {  # what stands above the settings is loaded on first use
    "tensors": "cast constant count_params dtype eye get_variable_shape=int_shape identity int_shape is_keras_tensor "
               "is_placeholder is_sparse is_tensor is_variable moving_average_update ndim ones ones_like placeholder "
               "random_bernoulli random_binomial random_normal random_normal_variable random_uniform "
               "random_uniform_variable shape size to_dense truncated_normal update update_add update_sub variable "
               "zeros zeros_like",
    "math": "abs all any arange argmax argmin batch_dot clip cos cumprod cumsum dot equal exp gather greater "
            "greater_equal less less_equal log logsumexp max maximum mean min minimum not_equal one_hot pow prod round "
            "sign sin sqrt square std sum transpose var",
    "shapes": "batch_flatten concatenate expand_dims flatten permute_dimensions repeat repeat_elements reshape "
              "resize_images resize_volumes reverse slice spatial_2d_padding spatial_3d_padding squeeze stack "
              "temporal_padding tile",
    "nn": "batch_normalization bias_add binary_crossentropy categorical_crossentropy dropout elu hard_sigmoid in_top_k "
          "l2_normalize normalize_batch_in_training relu sigmoid softmax softplus softsign "
          "sparse_categorical_crossentropy tanh",
    "convolution": "conv1d conv2d conv2d_transpose conv3d conv3d_transpose depthwise_conv2d local_conv1d local_conv2d "
                   "pool2d pool3d separable_conv1d separable_conv2d",
    "ctc": "ctc_batch_cost ctc_decode ctc_label_dense_to_sparse",
    "dtypes": "is_float_dtype is_int_dtype result_type standardize_dtype",
    "phase": "in_test_phase in_train_phase learning_phase learning_phase_scope set_learning_phase switch "
             "symbolic_learning_phase",
    "functions": "control_dependencies foldl foldr function gradients map_fn name_scope print_tensor rnn stop_gradient",
})

__all__ = [
    "VARIABLES", "_get_available_gpus", "_is_tf_1", "backend", "batch_get_value", "batch_set_value", "cast_to_floatx",
    "clear_session", "epsilon", "eval", "floatx", "get_session", "get_uid", "get_value", "image_data_format",
    "image_dim_ordering", "is_float", "keras_home", "manual_variable_initialization", "normalize_data_format",
    "reset_uids", "set_epsilon", "set_floatx", "set_image_data_format", "set_image_dim_ordering", "set_session",
    "set_value", *_names.own(),
]


# what programs of Keras 2 take from the backend that they run on, and where it is here
_TENSORFLOW = {**dict.fromkeys(("tf", "control_flow_ops", "functional_ops", "tensor_array_ops", "tf_image_ops",
                                "tf_math_ops", "tf_ops"), ""), "moving_averages": ".training.moving_averages"}


def __getattr__(name: str) -> Any:
    if name in _TENSORFLOW:
        return importlib.import_module(__name__.partition(".")[0] + _TENSORFLOW[name])
    return _names.load(name)


def __dir__() -> list[str]:
    return sorted(__all__)
