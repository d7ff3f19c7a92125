"""ConvNeXt (Liu et al., 2022, https://arxiv.org/abs/2201.03545)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from .. import backend, initializers
from ..layers import (
    Activation,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    Layer,
    LayerNormalization,
)
from ..layers.preprocessing.normalization import Normalization
from ..models import Model, Sequential
from .application import Given, chain, channels_of, check, named, needs_channels_last, network, published
from .imagenet_utils import DEVIATIONS, MEANS, decode_predictions, obtain_input_shape, preprocessing

EPSILON = 1e-6


class LayerScale(Layer):
    """`x` times a weight for each channel, `init_values` at first (Touvron et al., 2021)."""

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.init_values, self.projection_dim = init_values, projection_dim

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight(shape=(self.projection_dim,), name="gamma",
                                     initializer=initializers.Constant(self.init_values))

    def call(self, x: Tensor) -> Tensor:
        return x * self.gamma

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "init_values": self.init_values, "projection_dim": self.projection_dim}


def block(x: Tensor, filters: int, name: str) -> Tensor:
    residual = chain(x, Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv"),
                     LayerNormalization(epsilon=EPSILON, name=f"{name}_layernorm"),
                     Dense(4 * filters, name=f"{name}_pointwise_conv_1"), Activation("gelu", name=f"{name}_gelu"),
                     Dense(filters, name=f"{name}_pointwise_conv_2"),
                     LayerScale(1e-6, filters, name=f"{name}_layer_scale"),
                     Activation("linear", name=f"{name}_identity"))
    return x + residual


def family(kind: str, counts: tuple[int, ...], filters: tuple[int, ...], *hashes: str) -> Callable[..., Model]:
    def make(include_top: bool = True, include_preprocessing: bool = True, weights: Any = "imagenet",
             input_tensor: Any = None, input_shape: Any = None, pooling: str | None = None, classes: int = 1000,
             classifier_activation: Any = "softmax", name: str = f"convnext_{kind}") -> Model:
        needs_channels_last("ConvNeXt")
        check(weights, include_top, classes)
        shape = obtain_input_shape(input_shape, 224, 32, backend.image_data_format(), include_top, weights)

        def sized(i: int) -> Sequential:
            """Between stages images become smaller."""
            normalization = LayerNormalization(epsilon=EPSILON, name=f"{name}_stem_layernorm" if i == 0 else
                                               f"{name}_downsampling_layernorm_{i - 1}")
            if i == 0:
                return Sequential([Conv2D(filters[0], 4, strides=4, name=f"{name}_stem_conv"), normalization],
                                  name=f"{name}_stem")
            reduction = Conv2D(filters[i], 2, strides=2, name=f"{name}_downsampling_conv_{i - 1}")
            return Sequential([normalization, reduction],
                              name=f"{name}_downsampling_block_{i - 1}")

        def body(x: Tensor, given: Given) -> Tensor:
            if include_preprocessing and channels_of(x) == 3:
                x = Normalization(mean=[255 * m for m in MEANS["torch"]], variance=[(255 * d)**2 for d in DEVIATIONS],
                                  name=f"{name}_prestem_normalization")(x)
            for i, count in enumerate(counts):
                x = sized(i)(x)
                for j in range(count):
                    x = block(x, filters[i], f"{name}_stage_{i}_block_{j}")
            return x

        def top(x: Tensor, given: Given) -> Tensor:
            return chain(x, GlobalAveragePooling2D(name=f"{name}_head_gap"),
                         LayerNormalization(epsilon=EPSILON, name=f"{name}_head_layernorm"),
                         Dense(classes, activation=classifier_activation, name=f"{name}_head_dense"))

        files = published("convnext", f"convnext_{kind}", *hashes)
        given = Given(include_top, weights, classes, classifier_activation, name, pooling)
        return network(body, given, shape, input_tensor, files.path, top,
                       end=lambda x: LayerNormalization(epsilon=EPSILON)(x))

    return named(make, f"ConvNeXt{'XLarge' if kind == 'xlarge' else kind.title()}", 224, 32,
                 "A ConvNet for the 2020s, https://arxiv.org/abs/2201.03545")


ConvNeXtTiny = family("tiny", (3, 3, 9, 3), (96, 192, 384, 768),
                      "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
                      "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1")
ConvNeXtSmall = family("small", (3, 3, 27, 3), (96, 192, 384, 768),
                       "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
                       "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab")
ConvNeXtBase = family("base", (3, 3, 27, 3), (128, 256, 512, 1024),
                      "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
                      "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45")
ConvNeXtLarge = family("large", (3, 3, 27, 3), (192, 384, 768, 1536),
                       "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
                       "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd")
ConvNeXtXLarge = family("xlarge", (3, 3, 27, 3), (256, 512, 1024, 2048),
                        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
                        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05")
preprocess_input = preprocessing(None)

__all__ = ["ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "decode_predictions",
           "preprocess_input"]
