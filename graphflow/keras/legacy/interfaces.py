"""Keras 1's names of arguments: decorators that give a layer's `__init__` today's."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ...compiler.site import warn

Arguments = tuple[list[Any], dict[str, Any]]
Prepare = Callable[[list[Any], dict[str, Any]], Arguments]

_LAYOUTS = {"tf": "channels_last", "th": "channels_first", "default": None}
_VALUES: dict[str, dict[str, Any]] = {"dim_ordering": _LAYOUTS, "consume_less": {"cpu": 0, "mem": 1, "gpu": 2}}

_KERNEL = ("init=kernel_initializer W_regularizer=kernel_regularizer b_regularizer=bias_regularizer "
           "W_constraint=kernel_constraint b_constraint=bias_constraint bias=use_bias")
_IMAGES = "nb_filter=filters subsample=strides border_mode=padding dim_ordering=data_format"
_RECURRENT = ("init=kernel_initializer inner_init=recurrent_initializer inner_activation=recurrent_activation "
              "W_regularizer=kernel_regularizer U_regularizer=recurrent_regularizer b_regularizer=bias_regularizer "
              "dropout_W=dropout dropout_U=recurrent_dropout")


def renamed(names: str, prepare: Prepare | None = None) -> Callable[[Any], Any]:
    """A decorator of `__init__`: `names` lists "old=new"; `prepare` changes (args, kwargs) first.

    A call by old names warns. The decorated function raises TypeError for an argument by both of its names.
    """
    pairs = [tuple(pair.split("=")) for pair in names.split()]

    def decorate(init: Any) -> Any:
        @functools.wraps(init)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
            values = list(args)
            given = set(kwargs)
            if prepare is not None:
                values, kwargs = prepare(values, kwargs)
            for old, new in pairs:
                if old in kwargs:
                    if new in kwargs:
                        raise TypeError(f"For the `{new}` argument, the layer received both the legacy argument "
                                        f"`{old}` and the Keras 2 argument `{new}`. Stick to the latter!")
                    value = kwargs.pop(old)
                    kwargs[new] = _VALUES[old].get(value, value) if old in _VALUES else value
            if given - set(kwargs):
                warn(f"Update your `{type(self).__name__}` call to the Keras 2 API: "
                     f"{sorted(given - set(kwargs))} have other names now.")
            init(self, *values, **kwargs)
        return wrapper
    return decorate


_FORMER = {"nb_row", "nb_col", "border_mode", "subsample", "dim_ordering", "init", "W_regularizer", "b_regularizer",
           "W_constraint", "b_constraint", "bias", "kernel_dim1", "kernel_dim2", "kernel_dim3", "output_shape",
           "nb_filter", "inner_init", "inner_activation"}


def windows(count: int) -> Prepare:
    """Of sizes given one by one, as positions or as nb_row, nb_col (kernel_dim1, ...), one `kernel_size`.

    Today the second of two numbers is the stride. It is taken as a size where another argument has a former name, or
    where both are the same odd number above 1, as the windows of old programs mostly are.
    """
    words = ("nb_row", "nb_col") if count == 2 else tuple(f"kernel_dim{i + 1}" for i in range(count))

    def prepare(args: list[Any], kwargs: dict[str, Any]) -> Arguments:
        numbers = [a for a in args[1:1 + count] if isinstance(a, int)]
        named = [kwargs[w] for w in words[len(numbers):] if w in kwargs]
        sizes = [*numbers, *named]
        padded = str((*args[1 + len(numbers):], None)[0]).lower() in ("same", "valid")  # where the padding stands today
        square = len(set(sizes)) == 1 and sizes[0] > 1 and sizes[0] % 2 and not padded
        if len(sizes) == count and (len(numbers) > 2 or square or _FORMER & set(kwargs)):
            rest = [a for a in args[1 + len(numbers):] if not (isinstance(a, tuple) and len(a) > count)]
            kwargs = {**{k: v for k, v in kwargs.items() if k not in words}, "kernel_size": tuple(sizes)}
            args = [*args[:1], kwargs.pop("kernel_size"), *rest] if rest else args[:1]
        kwargs.pop("output_shape", None)  # of a transposed convolution: it follows from the input's
        return args, kwargs
    return prepare


def _forget_bias(args: list[Any], kwargs: dict[str, Any]) -> Arguments:
    if kwargs.pop("forget_bias_init", None) == "one":
        kwargs["unit_forget_bias"] = True
    return args, kwargs


def _conv_lstm(args: list[Any], kwargs: dict[str, Any]) -> Arguments:
    return windows(2)(*_forget_bias(args, kwargs))


def _separable(args: list[Any], kwargs: dict[str, Any]) -> Arguments:
    args, kwargs = windows(2)(args, kwargs)
    if "init" in kwargs:
        kwargs["depthwise_initializer"] = kwargs["pointwise_initializer"] = kwargs.pop("init")
    return args, kwargs


def _batch_norm(args: list[Any], kwargs: dict[str, Any]) -> Arguments:
    if kwargs.pop("mode", 0) != 0:
        raise TypeError("The `mode` argument of `BatchNormalization` no longer exists. `mode=1` and `mode=2` are no "
                        "longer supported.")
    return args, kwargs


def _without_dropout(args: list[Any], kwargs: dict[str, Any]) -> Arguments:
    kwargs.pop("dropout", None)
    return args, kwargs


def _sides(args: list[Any], kwargs: dict[str, Any]) -> Arguments:
    """Padding by the names of the sides."""
    given = args[0] if args else kwargs.get("padding")
    if isinstance(given, dict):
        top, bottom, left, right = (given.get(f"{side}_pad", 0) for side in ("top", "bottom", "left", "right"))
        return args[1:], {**kwargs, "padding": ((top, bottom), (left, right))}
    return args, kwargs


legacy_dense_support = renamed(f"output_dim=units {_KERNEL}")
legacy_dropout_support = legacy_gaussiandropout_support = legacy_spatialdropout1d_support = renamed("p=rate")
legacy_spatialdropoutNd_support = renamed("p=rate dim_ordering=data_format")  # noqa: N816 (Keras's name)
legacy_embedding_support = renamed("init=embeddings_initializer W_regularizer=embeddings_regularizer "
                                   "W_constraint=embeddings_constraint", _without_dropout)
legacy_pooling1d_support = renamed("pool_length=pool_size stride=strides border_mode=padding")
legacy_pooling2d_support = legacy_pooling3d_support = renamed("border_mode=padding dim_ordering=data_format")
legacy_global_pooling_support = legacy_upsampling2d_support = legacy_upsampling3d_support = (
    legacy_zeropadding3d_support) = legacy_cropping2d_support = legacy_cropping3d_support = renamed(
        "dim_ordering=data_format")
legacy_upsampling1d_support = renamed("length=size")
legacy_zeropadding2d_support = renamed("dim_ordering=data_format", _sides)
legacy_prelu_support = renamed("init=alpha_initializer")
legacy_gaussiannoise_support = renamed("sigma=stddev")
legacy_recurrent_support = renamed(f"output_dim=units consume_less=implementation {_RECURRENT}", _forget_bias)
legacy_conv1d_support = renamed("nb_filter=filters filter_length=kernel_size subsample_length=strides "
                                f"border_mode=padding atrous_rate=dilation_rate {_KERNEL}")
legacy_conv2d_support = legacy_deconv2d_support = renamed(f"{_IMAGES} {_KERNEL} atrous_rate=dilation_rate",
                                                          windows(2))
legacy_conv3d_support = renamed(f"{_IMAGES} {_KERNEL}", windows(3))
legacy_separable_conv2d_support = renamed(f"{_IMAGES} b_regularizer=bias_regularizer b_constraint=bias_constraint "
                                          "bias=use_bias", _separable)
legacy_convlstm2d_support = renamed(f"{_IMAGES} {_RECURRENT} bias=use_bias", _conv_lstm)
legacy_batchnorm_support = renamed("beta_init=beta_initializer gamma_init=gamma_initializer", _batch_norm)
legacy_lambda_support = legacy_add_weight_support = legacy_get_updates_support = renamed("")
legacy_input_support = renamed("input_dtype=dtype")
legacy_model_constructor_support = renamed("input=inputs output=outputs")

_SUPPORT = {
    legacy_dense_support: "Dense", legacy_dropout_support: "Dropout GaussianDropout SpatialDropout1D",
    legacy_spatialdropoutNd_support: "SpatialDropout2D SpatialDropout3D", legacy_embedding_support: "Embedding",
    legacy_pooling1d_support: "MaxPooling1D AveragePooling1D",
    legacy_pooling2d_support: "MaxPooling2D AveragePooling2D MaxPooling3D AveragePooling3D",
    legacy_global_pooling_support: "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalAveragePooling1D "
                                   "GlobalAveragePooling2D GlobalAveragePooling3D UpSampling2D UpSampling3D "
                                   "ZeroPadding3D Cropping2D Cropping3D",
    legacy_upsampling1d_support: "UpSampling1D", legacy_zeropadding2d_support: "ZeroPadding2D",
    legacy_prelu_support: "PReLU", legacy_gaussiannoise_support: "GaussianNoise",
    legacy_recurrent_support: "SimpleRNN LSTM GRU", legacy_conv1d_support: "Conv1D LocallyConnected1D",
    legacy_conv2d_support: "Conv2D Conv2DTranspose LocallyConnected2D", legacy_conv3d_support: "Conv3D",
    legacy_separable_conv2d_support: "SeparableConv2D", legacy_convlstm2d_support: "ConvLSTM2D",
    legacy_batchnorm_support: "BatchNormalization",
}


def accept_old_names(layers: dict[str, Any]) -> None:
    """Let the layers in a module's namespace take Keras 1's arguments too."""
    for support, names in _SUPPORT.items():
        for name in names.split():
            layers[name].__init__ = support(layers[name].__init__)
