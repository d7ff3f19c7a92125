"""Layers that change shapes, cut or repeat."""
from __future__ import annotations

from typing import Any

from ...compiler import dims as dm
from ...compiler.ir import Tensor
from ...compiler.ops.slicing import pad, slice_
from ...compiler.ops.view import broadcast_to, expand_dims, reshape, transpose
from .arguments import data_format_word, from_channels_last, integers, sizes, to_channels_last
from .input_spec import InputSpec
from .layer import Layer
from .preprocessing.resizing import INTERPOLATIONS, resized


class Flatten(Layer):
    """All axes but the batch's become one."""

    tells_build_shape = True

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format_word(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        rank = len(inputs.dims)
        if self.data_format == "channels_first" and rank > 2:
            inputs = transpose(inputs, (0, *range(2, rank), 1))
        return reshape(inputs, (inputs.dims[0], dm.product(inputs.dims[1:])))  # type: ignore[index]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """The elements of each sample under `target_shape`, in which one size may be -1."""

    input_spec: Any = InputSpec()

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape = integers(target_shape, "target_shape")

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        open_axes = [i for i, d in enumerate(self.target_shape) if d == -1]
        if len(open_axes) > 1:
            raise ValueError(f"There must be at most one unknown dimension (-1) in target_shape. "
                             f"Received: target_shape={self.target_shape}.")
        given = dm.product(d for d in self.target_shape if d != -1)
        total = dm.product(inputs.dims[1:])
        rest = dm.exact_quotient(total, given)
        if isinstance(total, int) and (rest is None or not open_axes and total != given):
            raise ValueError(f"The total size of the tensor must be unchanged. Layer {self.name!r} received: "
                             f"input_shape={inputs.shape}, target_shape={self.target_shape}")
        shape = tuple((rest if rest is not None else total // given) if d == -1 else d for d in self.target_shape)
        return reshape(inputs, (inputs.dims[0], *shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": list(self.target_shape)}


class Permute(Layer):
    """The axes of each sample in another order; `dims` counts them from 1."""

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = integers(dims, "dims")
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError("Invalid permutation argument `dims` for Permute Layer. The set of indices in `dims` "
                             f"must be consecutive and start from 1. Received dims={dims}")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Tensor) -> Tensor:
        return transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": list(self.dims)}


def _pairs(value: Any, rank: int, name: str) -> tuple[tuple[int, int], ...]:
    """(before, after) for each axis, from one integer, one for each axis, or the pairs. Raises ValueError."""
    if not hasattr(value, "__iter__"):
        value = (value,) * rank
    items = list(value)
    if rank == 1 and len(items) == 2 and not hasattr(items[0], "__iter__"):
        items = [tuple(items)]
    if len(items) != rank:
        raise ValueError(f"`{name}` should have {rank} elements. Received: {name}={value}.")
    pairs = tuple(sizes(v, 2, name, 0) for v in items)
    return pairs  # type: ignore[return-value]


class _ByAxis(Layer):
    """Base class: something done at both ends of each of `rank` spatial axes."""

    rank: int
    argument: str

    def __init__(self, amount: Any, data_format: str | None, **kwargs: Any):
        super().__init__(**kwargs)
        pairs = _pairs(amount, self.rank, self.argument)
        setattr(self, self.argument, pairs[0] if self.rank == 1 else pairs)
        self.data_format = data_format_word(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def pairs(self) -> list[tuple[int, int]]:
        """(before, after) for every axis."""
        given = getattr(self, self.argument)
        inner = [given] if self.rank == 1 else list(given)
        none = (0, 0)
        return [none, *inner, none] if self.data_format == "channels_last" else [none, none, *inner]

    def get_config(self) -> dict[str, Any]:
        given = getattr(self, self.argument)
        plain = list(given) if self.rank == 1 else [list(p) for p in given]
        return {**super().get_config(), self.argument: plain, "data_format": self.data_format}


class _ZeroPadding(_ByAxis):
    argument = "padding"

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return pad(inputs, self.pairs())


class _Cropping(_ByAxis):
    argument = "cropping"

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        pairs = self.pairs()
        left = [d - a - b for d, (a, b) in zip(inputs.dims, pairs, strict=True)]
        if any(isinstance(d, int) and d <= 0 for d in left[1:]):
            raise ValueError(f"Values in `cropping` argument should be smaller than the corresponding spatial "
                             f"dimension of the input. Received: input_shape={inputs.shape}, cropping={self.cropping}")
        return slice_(inputs, [a for a, _ in pairs], left)




class _UpSampling(Layer):
    rank: int

    def __init__(self, size: Any = 2, data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any):
        super().__init__(**kwargs)
        self.size = sizes(size, self.rank, "size")
        self.data_format = data_format_word(data_format)
        self.interpolation = interpolation.lower()
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(f"`interpolation` argument should be one of {INTERPOLATIONS}. Received: "
                             f"interpolation={interpolation}")
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        if self.interpolation == "nearest":
            for axis, factor in enumerate(self.size, 1):
                x = repeated(x, factor, axis)
        else:
            assert x.dims is not None
            wanted = [d * f for d, f in zip(x.dims[1:3], self.size, strict=True)]
            x = resized(x, wanted, self.interpolation)
        return from_channels_last(x, self.data_format)

    def get_config(self) -> dict[str, Any]:
        size: Any = self.size[0] if self.rank == 1 else list(self.size)
        config = {**super().get_config(), "size": size}
        if self.rank > 1:
            config["data_format"] = self.data_format
        return {**config, "interpolation": self.interpolation} if self.rank == 2 else config


def repeated(x: Tensor, times: int, axis: int) -> Tensor:
    """Each element along `axis` `times` times in a row."""
    assert x.dims is not None
    dims = x.dims
    wide = broadcast_to(expand_dims(x, axis + 1), (*dims[:axis + 1], times, *dims[axis + 1:]))
    return reshape(wide, (*dims[:axis], dims[axis] * times, *dims[axis + 1:]))


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the time steps."""

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Rows and columns of zeros around images."""

    rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Planes of zeros around volumes."""

    rank = 3


class Cropping1D(_Cropping):
    """Time steps cut off at both ends."""

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(cropping, "channels_last", **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config


class Cropping2D(_Cropping):
    """Rows and columns cut off at the edges of images."""

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Planes cut off at the faces of volumes."""

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


class UpSampling1D(_UpSampling):
    """Each time step repeated `size` times."""

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(size, "channels_last", **kwargs)


class UpSampling2D(_UpSampling):
    """Rows and columns repeated, or interpolated."""

    rank = 2


class UpSampling3D(_UpSampling):
    """Planes, rows and columns repeated."""

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any):
        super().__init__(size, data_format, **kwargs)
