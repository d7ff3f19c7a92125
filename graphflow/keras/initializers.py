"""Initial values of weights. An initializer is called with (shape, dtype) and gives the graph of the value."""
from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import linalg
from ..compiler.dtypes import DType, as_dtype
from ..compiler.ir import Tensor, default_graph
from ..compiler.ops.constant import constant as _constant
from ..compiler.ops.elementwise import sign
from ..compiler.ops.random import random_normal as _normal
from ..compiler.ops.random import random_uniform as _uniform
from ..compiler.ops.random import truncated_normal as _truncated
from ..compiler.ops.view import reshape, transpose
from .computed import Computing

Shape = Sequence[int]
# the standard deviation of a standard normal cut at two: a truncated normal is divided by it to have the asked one
TRUNCATED_STDDEV = 0.87962566103423978


class Initializer(Computing):
    """Base class. Subclasses define `__call__(shape, dtype=None)`."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        raise NotImplementedError("Initializer subclasses must implement `__call__()`.")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        return cls(**config)

    def clone(self) -> Initializer:
        return type(self).from_config(self.get_config())


class Constant(Initializer):
    """Every element is `value`."""

    def __init__(self, value: Any = 0.0):
        self.value = value

    def array(self, shape: Shape, dtype: DType) -> np.ndarray:
        """The value itself: large constants need no graph."""
        return np.full(tuple(shape), self.value, dtype.np)

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        return _constant(self.array(shape, as_dtype(dtype or "float32")))

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        from .saving.serialization import deserialize_keras_object
        return cls(**deserialize_keras_object(config))  # an array stands as a description of it


class Zeros(Constant):
    """Every element is 0."""

    def __init__(self) -> None:
        super().__init__(0)

    def array(self, shape: Shape, dtype: DType) -> np.ndarray:
        return np.zeros(tuple(shape), dtype.np)

    def get_config(self) -> dict[str, Any]:
        return {}


class Ones(Constant):
    """Every element is 1."""

    def __init__(self) -> None:
        super().__init__(1)

    def get_config(self) -> dict[str, Any]:
        return {}


class RandomInitializer(Initializer):
    """Keeps the seed: an instance gives the same values each time, whatever the graph's seed, as in Keras 3. Subclasses
    define `_draw(shape, dtype)`."""

    def __init__(self, seed: int | None = None):
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise ValueError(f"`seed` argument should be an integer or None. Received: seed={seed!r}")
        self._given_seed = seed
        self.seed = random.randint(1, 10**9) if seed is None else int(seed)

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        graph = default_graph()
        kept, graph.seed = graph.seed, None
        try:
            return self._draw(shape, dtype)
        finally:
            graph.seed = kept

    def _draw(self, shape: Shape, dtype: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not define `_draw`")

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._given_seed}


class RandomNormal(RandomInitializer):
    """Numbers of the normal distribution with `mean` and `stddev`; the same each time with a `seed`."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def _draw(self, shape: Shape, dtype: Any) -> Tensor:
        return _normal(tuple(shape), self.mean, self.stddev, dtype or "float32", self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Normal, redrawn beyond two standard deviations."""

    def _draw(self, shape: Shape, dtype: Any) -> Tensor:
        return _truncated(tuple(shape), self.mean, self.stddev, dtype or "float32", self.seed)


class RandomUniform(RandomInitializer):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def _draw(self, shape: Shape, dtype: Any) -> Tensor:
        return _uniform(tuple(shape), self.minval, self.maxval, dtype or "float32", self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class VarianceScaling(RandomInitializer):
    """Zero mean and variance scale / n, n the number of inputs, of outputs, or their mean."""

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal",
                 seed: int | None = None, input_axes: Any = None, output_axes: Any = None):
        super().__init__(seed)
        if scale <= 0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode}. Please use one of fan_in, fan_out, fan_avg")
        distribution = {"normal": "truncated_normal"}.get(distribution.lower(), distribution.lower())
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(f"Invalid `distribution` argument: {distribution}. Please use one of uniform, "
                             "truncated_normal, untruncated_normal")
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def _draw(self, shape: Shape, dtype: Any) -> Tensor:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        shape, dtype = tuple(shape), dtype or "float32"
        if self.distribution == "uniform":
            limit = math.sqrt(3) * stddev
            return _uniform(shape, -limit, limit, dtype, self.seed)
        if self.distribution == "truncated_normal":
            return _truncated(shape, 0.0, stddev / TRUNCATED_STDDEV, dtype, self.seed)
        return _normal(shape, 0.0, stddev, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "mode": self.mode, "distribution": self.distribution,
                "input_axes": self.input_axes, "output_axes": self.output_axes}


class _Scaled(VarianceScaling):
    """A variance scaling with a name of its own: (scale, mode, distribution)."""

    scaling: tuple[float, str, str]

    def __init__(self, seed: int | None = None, input_axes: Any = None, output_axes: Any = None):
        super().__init__(*self.scaling, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._given_seed, "input_axes": self.input_axes, "output_axes": self.output_axes}


class GlorotUniform(_Scaled):
    """Uniform in [-limit, limit], limit = sqrt(6 / (fan in + fan out)) (Glorot & Bengio 2010)."""

    scaling = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """A truncated normal distribution of variance 2 / (fan in + fan out) (Glorot & Bengio 2010)."""

    scaling = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform in [-limit, limit], limit = sqrt(6 / fan in) (He et al. 2015)."""

    scaling = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """A truncated normal distribution of variance 2 / fan in (He et al. 2015)."""

    scaling = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """LeCun et al. 1998, "Efficient BackProp"."""

    scaling = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """LeCun et al. 1998, "Efficient BackProp"."""

    scaling = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A matrix with orthonormal rows or columns, times `gain` (Saxe et al. 2013). Raises ValueError below rank 2."""

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        super().__init__(seed)
        self.gain = gain

    def _draw(self, shape: Shape, dtype: Any) -> Tensor:
        if len(shape) < 2:
            raise ValueError(f"The tensor to initialize must be at least two-dimensional. Received: shape={shape} of "
                             f"rank {len(shape)}.")
        columns = int(shape[-1])
        rows = math.prod(int(d) for d in shape[:-1])
        drawn = _normal((max(rows, columns), min(rows, columns)), 0.0, 1.0, dtype or "float32", self.seed)
        q, r = linalg.qr(drawn)
        q = q * sign(linalg.diag_part(r))
        return self.gain * reshape(transpose(q) if rows < columns else q, tuple(shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}


class Identity(Initializer):
    """The identity matrix times `gain`. Raises ValueError for other than two dimensions."""

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"Identity matrix initializer can only be used for 2D matrices. Received: shape={shape} "
                             f"of rank {len(shape)}.")
        return _constant((self.gain * np.eye(*shape)).astype(as_dtype(dtype or "float32").np))  # type: ignore[call-overload]

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class STFT(Initializer):
    """The real ("real") or imaginary ("imag") part of the windowed Fourier transform: [frame length, 1, bins].

    `scaling`: "density" (by the window's root of summed squares), "spectrum" (by its sum) or None.
    """

    def __init__(self, side: str = "real", window: Any = "hann", scaling: str | None = "density",
                 periodic: bool = False):
        if side not in ("real", "imag"):
            raise ValueError(f"side should be 'real' or 'imag', not {side}")
        if scaling not in ("density", "spectrum", None):
            raise ValueError("Scaling is invalid, it must be `None`, 'density' or 'spectrum'. Received "
                             f"scaling={scaling}")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        length, _, bins = shape
        angles = -np.pi * np.arange(length)[:, None] * np.arange(bins) / (bins - 1)
        kernel = np.cos(angles) if self.side == "real" else np.sin(angles)
        if self.window is not None:
            window = window_array(self.window, length, self.periodic)
            scale = {"density": np.sqrt(np.sum(window**2)), "spectrum": np.sum(np.abs(window))}
            kernel = kernel * window[:, None] / scale.get(self.scaling or "", 1.0)
        return _constant(kernel[:, None, :].astype(as_dtype(dtype or "float32").np))

    def get_config(self) -> dict[str, Any]:
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}


def window_array(window: Any, length: int, periodic: bool) -> np.ndarray:
    """A window by its name (those NumPy does not have need scipy), or an array of `length`. Raises ValueError."""
    if not isinstance(window, str):
        array = np.asarray(window)
        if array.shape != (length,):
            raise ValueError("The shape of `window` must be equal to [frame_length]. Received: window "
                             f"shape={array.shape}")
        return array
    known: dict[str, Any] = {
        "hann": np.hanning, "hamming": np.hamming, "blackman": np.blackman, "bartlett": np.bartlett,
        "boxcar": np.ones, "ones": np.ones, "rectangular": np.ones}
    if window in known:
        return known[window](length + periodic)[:length]
    try:
        from scipy.signal import get_window
    except ImportError as error:
        raise ImportError(f"The window {window!r} needs scipy: pip install graphflow[scipy]") from error
    return np.asarray(get_window(window, length, periodic))


def compute_fans(shape: Shape, input_axes: Any = None, output_axes: Any = None) -> tuple[int, int]:
    """The numbers of inputs and outputs of a weight: the last two axes, times the window before them."""
    shape = [int(d) for d in shape]
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


_compute_fans = compute_fans  # Keras 2's name
orthogonal, identity = Orthogonal, Identity
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal
STFTInitializer = stft = STFT
zeros, ones, constant = Zeros, Ones, Constant
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, glorot_uniform, glorot_normal = VarianceScaling, GlorotUniform, GlorotNormal
zero, one, normal, uniform = Zeros, Ones, RandomNormal, RandomUniform  # Keras 1's names
he_uniform, he_normal, lecun_uniform, lecun_normal = HeUniform, HeNormal, LecunUniform, LecunNormal

_OBJECTS: dict[str, Any] = {name: obj for name, obj in globals().items()
                            if isinstance(obj, type) and issubclass(obj, Initializer) and not name.startswith("_")}
_OBJECTS |= {"zero": Zeros, "one": Ones, "normal": RandomNormal, "uniform": RandomUniform}


def get(identifier: Any) -> Any:
    """The initializer for a name, config, instance or function."""
    from .utils.lookup import lookup
    return lookup("initializer", identifier, _OBJECTS)


def serialize(initializer: Any) -> Any:
    """The config of an initializer, from which `deserialize` makes it again."""
    from .saving.serialization import serialize_keras_object
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The initializer of a config or a name. Raises ValueError for unknown ones; `custom_objects` adds names."""
    from .saving.serialization import deserialize_keras_object
    return deserialize_keras_object(config, custom_objects, module_objects=_OBJECTS)
