"""Tables of numbers and words as vectors: one layer for each column, crossed and put together."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.elementwise import cast
from ....compiler.ops.slicing import concat
from ....compiler.ops.view import expand_dims, reshape, squeeze
from ...naming import auto_name
from ...saving import saving
from ...saving.serialization import deserialize_keras_object, serialize_keras_object
from ..core import Input
from ..layer import Layer
from .categories import CategoryEncoding, Discretization, HashedCrossing, Hashing
from .data_layer import DataLayer, plain_array
from .lookup import IntegerLookup, StringLookup
from .normalization import Normalization, Rescaling
from .text import TextVectorization

_BATCH = 32  # how many rows that come one by one are learnt from together


def _check_mode(mode: str, choices: tuple[str, ...]) -> None:
    if mode not in choices:
        raise ValueError(f"Invalid value for argument `output_mode`. Expected one of {choices}. "
                         f"Received: output_mode={mode}")


class _Plain:
    """What has a config and nothing that files hold beside it."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


class Cross(_Plain):
    """Features whose values together are hashed to `crossing_dim` numbers."""

    def __init__(self, feature_names: Iterable[str], crossing_dim: int, output_mode: str = "one_hot"):
        _check_mode(output_mode, ("int", "one_hot"))
        self.feature_names = tuple(feature_names)
        self.crossing_dim, self.output_mode = crossing_dim, output_mode
        self.name = "_X_".join(self.feature_names)

    def get_config(self) -> dict[str, Any]:
        return {"feature_names": self.feature_names, "crossing_dim": self.crossing_dim,
                "output_mode": self.output_mode}


class Feature(_Plain):
    """A column: the dtype of its values, the layer that prepares them, and as what they come out."""

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str):
        _check_mode(output_mode, ("int", "one_hot", "float"))
        self.dtype, self.output_mode = dtype, output_mode
        self.preprocessor = deserialize_keras_object(preprocessor) if isinstance(preprocessor, dict) else preprocessor

    def get_config(self) -> dict[str, Any]:
        return {"dtype": self.dtype, "preprocessor": serialize_keras_object(self.preprocessor),
                "output_mode": self.output_mode}


class TFDIdentity(DataLayer):
    """The values as they are."""

    def call(self, x: Any) -> Any:
        return x


class TFDConcat(DataLayer):
    """Vectors put together along `axis`."""

    def __init__(self, axis: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, xs: Any) -> Tensor:
        return concat([cast(x, self.compute_dtype) for x in xs], self.axis)


class FeatureSpace(Layer):
    """Encodes dicts of columns, each as `features` says: by the name of a kind ("float", "float_normalized",
    "float_rescaled", "float_discretized", "integer_categorical", "string_categorical", "integer_hashed",
    "string_hashed") or by what the class method of that name returns.

    `crosses` are tuples of features whose values are hashed together to `crossing_dim` numbers. The result is one
    vector for each row ("concat"), or with `output_mode="dict"` a dict. Raises ValueError for unknown kinds and names.
    """

    def __init__(self, features: Mapping[str, Any], output_mode: str = "concat", crosses: Any = None,
                 crossing_dim: int = 32, hashing_dim: int = 32, num_discretization_bins: int = 32,
                 name: str | None = None):
        super().__init__(name=name)
        if not features:
            raise ValueError("The `features` argument cannot be None or empty.")
        _check_mode(output_mode, ("dict", "concat"))
        self.output_mode, self.crossing_dim, self.hashing_dim = output_mode, crossing_dim, hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features = {key: self._feature(key, value) for key, value in features.items()}
        self.crosses = [self._crossing(cross) for cross in crosses or ()]
        self.crosses_by_name = {cross.name: cross for cross in self.crosses}
        self.inputs = {key: Input((1,), dtype=feature.dtype, name=key) for key, feature in self.features.items()}
        self.preprocessors = {key: feature.preprocessor for key, feature in self.features.items()}
        self.crossers = {cross.name: HashedCrossing(cross.crossing_dim, name=cross.name) for cross in self.crosses}
        self.one_hot_encoders: dict[str, CategoryEncoding] = {}
        self.concat: TFDConcat | None = None
        self.encoded_features: Any = None
        self._is_adapted = False

    # kinds of features

    @classmethod
    def cross(cls, feature_names: Iterable[str], crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float_rescaled(cls, scale: float = 1.0, offset: float = 0.0, name: str | None = None) -> Feature:
        return Feature("float32", Rescaling(scale, offset, name=_named(name, "float_rescaled")), "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        return Feature("float32", Normalization(-1, name=_named(name, "float_normalized")), "float")

    @classmethod
    def float_discretized(cls, num_bins: int, bin_boundaries: Any = None, output_mode: str = "one_hot",
                          name: str | None = None) -> Feature:
        layer = Discretization(bin_boundaries=bin_boundaries, num_bins=num_bins,
                               name=_named(name, "float_discretized"))
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(cls, max_tokens: int | None = None, num_oov_indices: int = 1,
                            output_mode: str = "one_hot", name: str | None = None) -> Feature:
        layer = IntegerLookup(max_tokens, num_oov_indices, name=_named(name, "integer_categorical"))
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(cls, max_tokens: int | None = None, num_oov_indices: int = 1,
                           output_mode: str = "one_hot", name: str | None = None) -> Feature:
        layer = StringLookup(max_tokens, num_oov_indices, name=_named(name, "string_categorical"))
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        return Feature("string", Hashing(num_bins, name=_named(name, "string_hashed")), output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        return Feature("int32", Hashing(num_bins, name=_named(name, "integer_hashed")), output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        return Feature("float32", TFDIdentity(dtype="float32", name=_named(name, "float")), "float")

    def _feature(self, key: str, given: Any) -> Feature:
        if isinstance(given, dict):
            given = deserialize_keras_object(given)
        if isinstance(given, Feature):
            return given
        kinds: dict[Any, Callable[[], Feature]] = {
            **{kind: lambda kind=kind: getattr(self, kind)(name=key)  # type: ignore[misc]
               for kind in ("float", "float_normalized", "float_rescaled", "integer_categorical",
                            "string_categorical")},
            "float_discretized": lambda: self.float_discretized(self.num_discretization_bins, name=key),
            "integer_hashed": lambda: self.integer_hashed(self.hashing_dim, name=key),
            "string_hashed": lambda: self.string_hashed(self.hashing_dim, name=key)}
        if given not in kinds:
            raise ValueError(f"Invalid feature type: {given}. Expected one of {sorted(kinds)}, or what a class method "
                             "of FeatureSpace returns.")
        return kinds[given]()

    def _crossing(self, given: Any) -> Cross:
        if isinstance(given, dict):
            given = deserialize_keras_object(given)
        if isinstance(given, Cross):
            return given
        if not self.crossing_dim:
            raise ValueError("When specifying `crosses`, the argument `crossing_dim` should be specified as well. "
                             f"Received: crossing_dim={self.crossing_dim}")
        if set(given) - set(self.features):
            raise ValueError("All features referenced in the `crosses` argument should be present in the `features` "
                             f"dict. Received unknown features: {given}")
        return Cross(given, self.crossing_dim)

    # learning

    def adapt(self, dataset: Any) -> None:
        """Learn vocabularies, means and boundaries from a `data.Dataset` of dicts (of rows or batches), or from a dict
        of columns."""
        if not isinstance(dataset, dict) and not (hasattr(dataset, "map") and hasattr(dataset, "batch")):
            raise ValueError("`adapt()` can only be called on a tf.data.Dataset or a dict of arrays/lists. Received "
                             f"instead: {dataset} (of type {type(dataset)})")
        for key in self._adaptable():
            self.preprocessors[key].adapt(_columns(dataset, key))
        self._is_adapted = True
        self.get_encoded_features()

    def _adaptable(self) -> list[str]:
        return [key for key, layer in self.preprocessors.items() if hasattr(layer, "adapt") and not (
            isinstance(layer, Normalization) and layer.input_mean is not None
            or isinstance(layer, TextVectorization) and layer._lookup_layer._fixed)]

    def get_inputs(self) -> dict[str, Tensor]:
        """The entries of a model that starts with this: one for each feature. Raises ValueError before `adapt`."""
        self.get_encoded_features()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """The encoded `get_inputs()`. Raises ValueError before `adapt`."""
        if not self._is_adapted and self._adaptable():
            raise ValueError("You need to call `.adapt(dataset)` on the FeatureSpace before you can start using it.")
        self._is_adapted = True
        if self.encoded_features is None:
            self.encoded_features = self._encoded(self.inputs)
            self.built = True
        return self.encoded_features

    # encoding

    def __call__(self, data: Any) -> Any:
        self.get_encoded_features()
        if not isinstance(data, dict):
            raise ValueError(f"A FeatureSpace can only be called with a dict. Received: data={data} (of type "
                             f"{type(data)}")
        tensors = {key: value if isinstance(value, Tensor) else convert_to_tensor(plain_array(value))
                   for key, value in data.items()}
        single = any(t.dims == () for t in tensors.values())
        rows = {key: reshape(t, (1, 1)) if t.dims == () else expand_dims(t, -1) if len(t.dims or ()) == 1 else t
                for key, t in tensors.items()}
        encoded = self._encoded(rows)
        if not single:
            return encoded
        if isinstance(encoded, dict):
            return {key: squeeze(t, 0) if len(t.dims or ()) == 2 else t for key, t in encoded.items()}
        return squeeze(encoded, 0)

    def _encoded(self, data: Mapping[str, Any]) -> Any:
        prepared = {key: self.preprocessors[key](data[key]) for key in data}
        crossed = {cross.name: self.crossers[cross.name]([prepared[key] for key in cross.feature_names])
                   for cross in self.crosses}
        encoded = {key: self._one_hot(key, part[key], specs[key]) for part, specs in (
            (prepared, self.features), (crossed, self.crosses_by_name)) for key in sorted(part)}
        if self.output_mode == "dict":
            return encoded
        for key, value in encoded.items():
            if not value.dtype.is_floating:
                raise ValueError(f"Cannot concatenate features because feature '{key}' has not been encoded (it has "
                                 f"dtype {value.dtype.name}). Consider using `output_mode='dict'`.")
        if self.concat is None:
            self.concat = TFDConcat(axis=-1)
        return self.concat(list(encoded.values()))

    def _one_hot(self, key: str, value: Any, spec: Any) -> Any:
        if spec.output_mode != "one_hot":
            return value
        if key not in self.one_hot_encoders:
            if not value.dtype.is_integer:
                raise ValueError(f"Feature '{key}' has `output_mode='one_hot'`. Thus its preprocessor should return an "
                                 f"integer dtype. Instead it returns a {value.dtype.name} dtype.")
            layer = self.preprocessors.get(key) or self.crossers[key]
            self.one_hot_encoders[key] = CategoryEncoding(_cardinality(key, layer), "multi_hot")
        return self.one_hot_encoders[key](value)

    # files

    def get_config(self) -> dict[str, Any]:
        return {"features": serialize_keras_object(self.features), "output_mode": self.output_mode,
                "crosses": serialize_keras_object(self.crosses), "crossing_dim": self.crossing_dim,
                "hashing_dim": self.hashing_dim, "num_discretization_bins": self.num_discretization_bins}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def get_build_config(self) -> dict[str, Any]:
        return {key: layer.get_build_config() for key, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any]) -> None:
        for key, described in config.items():
            if not self.preprocessors[key].built:
                self.preprocessors[key].build_from_config(described)
        self._is_adapted = True

    def save(self, filepath: Any) -> None:
        """Write it to a `.keras` file, which `keras.models.load_model` reads."""
        saving.save_model(self, filepath)


def _named(name: str | None, kind: str) -> str:
    return f"{name or auto_name(kind)}_preprocessor"


def _cardinality(key: str, layer: Any) -> int:
    """How many integers a layer may give. Raises ValueError where that is not known."""
    if isinstance(layer, (IntegerLookup, StringLookup)):
        return layer.vocabulary_size()
    if isinstance(layer, CategoryEncoding):
        return layer.num_tokens
    if isinstance(layer, (Discretization, HashedCrossing, Hashing)):
        return int(layer.num_bins or 0)
    raise ValueError(f"Feature '{key}' has `output_mode='one_hot'`. However it isn't a standard feature and the "
                     "dimensionality of its output space is not known, thus it cannot be one-hot encoded. Try using "
                     "`output_mode='int'`.")


def _columns(dataset: Any, key: str) -> Iterator[np.ndarray]:
    """Batches [rows, 1] of a feature."""
    rows = iter(plain_array(dataset[key])) if isinstance(dataset, dict) else (
        plain_array(element[key]) for element in dataset)
    for value in rows:
        array = np.asarray(value, getattr(value, "dtype", object))
        if array.ndim == 0:
            first = [array, *itertools.islice(rows, _BATCH - 1)]
            kind = object if array.dtype.kind in "SU" else array.dtype  # texts are of different lengths
            array = np.array([np.asarray(v, kind).item() for v in first], kind)
        yield array[:, None] if array.ndim == 1 else array
