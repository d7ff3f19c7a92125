"""Layers around another layer."""
from __future__ import annotations

from typing import Any

from ...compiler import dims as dm
from ...compiler.ir import Tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.elementwise import cast, equal, maximum, rsqrt, square, where
from ...compiler.ops.reduction import reduce_all, reduce_any, reduce_sum
from ...compiler.ops.slicing import stack
from ...compiler.ops.view import reshape, stop_gradient, transpose
from ..nest import flatten, map_structure
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..scope import current_scope
from ..utils.generic_utils import object_list_uid
from .input_spec import InputSpec, is_shape
from .layer import Layer
from .node import mask_of, set_mask
from .normalization import BatchNormalization


class Wrapper(Layer):
    """Base class: `layer` is built and saved with this one."""

    def __init__(self, layer: Any, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise ValueError(f"Layer {layer} supplied to Wrapper isn't a supported layer type. Please ensure wrapped "
                             "layer is a valid Keras layer.")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build_from_config({"input_shape": input_shape})

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        return cls(deserialize_keras_object(config.pop("layer"), custom_objects), **config)


class TimeDistributed(Wrapper):
    """`layer` applied to every time step of [batch, time, ...]."""

    supports_masking = True

    def __init__(self, layer: Any, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self._input_map: dict[str, Any] = {}  # Keras 2: what the layer got, by the `object_list_uid` of the inputs

    def build(self, input_shape: Any = None) -> None:
        shapes = [input_shape] if is_shape(input_shape) else input_shape
        if any(len(s) < 3 for s in shapes):
            raise ValueError("`TimeDistributed` Layer should be passed an `input_shape` with at least 3 dimensions, "
                             f"received: {input_shape}")
        inner = [(s[0], *s[2:]) for s in shapes]
        super().build(inner[0] if is_shape(input_shape) else inner)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        leaves = flatten(inputs)
        assert leaves[0].dims is not None
        batch, time = leaves[0].dims[:2]

        def folded(x: Any) -> Any:
            return None if x is None else reshape(x, (batch * time, *x.dims[2:]))

        flat = map_structure(folded, inputs)
        if current_scope() is None:
            self._input_map[object_list_uid(inputs)] = flat
        if mask is not None and not isinstance(mask, (list, tuple)) and isinstance(flat, Tensor):
            set_mask(flat, reshape(mask, (batch * time, *mask.dims[2:])))
        keywords = {"training": training} if self.layer._signature.takes_training and training is not None else {}
        if training and isinstance(time, int) and isinstance(inputs, Tensor) and any(
                isinstance(layer, BatchNormalization) for layer in self.layer._all_layers()):
            # statistics of a batch are those of one time step
            return stack([self.layer(inputs[:, t], **keywords) for t in range(time)], 1)
        outputs = self.layer(flat, **keywords)

        def unfolded(y: Tensor) -> Tensor:
            assert y.dims is not None
            whole = reshape(y, (batch, time, *y.dims[1:]))
            if mask_of(y) is not None and len(mask_of(y).dims) > 1:
                set_mask(whole, reshape(mask_of(y), (batch, time, *mask_of(y).dims[1:])))
            return whole

        return map_structure(unfolded, outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        inner = self.layer.compute_output_shape((input_shape[0], *input_shape[2:]))
        return (inner[0], input_shape[1], *inner[1:])

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The masks that the layer gives for each time step; else whether anything of a step is left by that of the
        inputs."""
        if not isinstance(inputs, Tensor) or isinstance(previous_mask, (list, tuple)):
            return previous_mask
        assert inputs.dims is not None
        steps = (inputs.dims[0] * inputs.dims[1],)
        inner = None if previous_mask is None or len(previous_mask.dims) < 3 else (
            reshape(previous_mask, (*steps, *previous_mask.dims[2:])))
        made = self.layer.compute_mask(reshape(inputs, (*steps, *inputs.dims[2:])), inner)
        if isinstance(made, Tensor) and made.dims is not None:
            return reshape(made, (*inputs.dims[:2], *made.dims[1:]))
        while previous_mask is not None and len(previous_mask.dims) > 2:
            previous_mask = reduce_any(previous_mask, -1)
        return previous_mask


class SpectralNormalization(Wrapper):
    """The kernel of `layer` divided by its largest singular value at each training step (Miyato et al. 2018)."""

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any):
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError("`power_iterations` should be greater than zero. Received: "
                             f"`power_iterations={power_iterations}`")
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        kernel = getattr(self.layer, "kernel", None)
        self.kernel = getattr(self.layer, "embeddings", None) if kernel is None else kernel
        if self.kernel is None:
            raise ValueError(f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'")
        self.vector_u = self.add_weight((1, self.kernel.shape[-1]), "truncated_normal", trainable=False,
                                        name="vector_u", dtype=self.kernel.dtype.name)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if training:
            u, kernel = self.normalized_weights()
            zero = reduce_all(equal(self.kernel, 0.0))
            self.vector_u.assign(where(zero, self.vector_u.value(), u))
            self.kernel.assign(where(zero, self.kernel.value(), kernel))  # type: ignore[union-attr]
        return cast(self.layer(inputs), inputs.dtype)

    def normalized_weights(self) -> tuple[Tensor, Tensor]:
        """(the next u, the kernel over its largest singular value)."""
        weights = reshape(self.kernel, (dm.product(self.kernel.shape[:-1]), self.kernel.shape[-1]))  # type: ignore[union-attr]
        u = self.vector_u.value()
        for _ in range(self.power_iterations):
            v = _unit(matmul(u, weights, transpose_b=True))
            u = _unit(matmul(v, weights))
        u, v = stop_gradient(u), stop_gradient(v)
        sigma = matmul(matmul(v, weights), transpose(u))
        return u, self.kernel / reshape(sigma, ())

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(x: Tensor) -> Tensor:
    return x * rsqrt(maximum(reduce_sum(square(x)), 1e-12))
