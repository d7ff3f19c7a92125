"""The element types of a layer: of its variables and of its computation."""
from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

from ..compiler.dtypes import as_dtype
from . import backend

QUANTIZATION_MODES = ("int8", "float8", "int4", "gptq", "awq")
_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
_global: list[DTypePolicy] = []  # what `set_dtype_policy` was given


class DTypePolicy:
    """One dtype for variables and computation, or "mixed_float16" and "mixed_bfloat16": computation in half precision
    on float32 variables. Without a name the global policy's.
    """

    quantization_mode: str | None = None

    def __init__(self, name: str | None = None):
        if name is None:
            name = dtype_policy().name
        self._name = name
        self.compute_dtype, self.variable_dtype = _parsed(name)

    @property
    def name(self) -> str:
        return self._name

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return _kind(self) is _kind(other) and self.get_config() == other.get_config()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<{_kind(self).__name__} "{self.name}">'


class FloatDTypePolicy(DTypePolicy):
    """Keras 3.0's name of a DTypePolicy."""


def _kind(policy: object) -> type:
    return DTypePolicy if type(policy) is FloatDTypePolicy else type(policy)


def _parsed(name: Any) -> tuple[str, str]:
    """(dtype of the computation, of the variables)."""
    if not isinstance(name, str):
        raise TypeError("'name' must be a string, such as 'mixed_float16'. Received: "
                        f"name={name} (of type {type(name)})")
    if name in _MIXED:
        return _MIXED[name], "float32"
    try:
        dtype = as_dtype(name).name
    except (TypeError, ValueError):
        raise ValueError(f"Cannot convert '{name}' to a mixed precision DTypePolicy. Valid policies include "
                         "'mixed_float16', 'mixed_bfloat16', and the name of any float dtype such as 'float32'."
                         ) from None
    return dtype, dtype


class QuantizedDTypePolicy(DTypePolicy):
    """Weights kept in few bits."""

    parts: tuple[str, ...] = ()  # the numbers that follow the mode, after slashes

    def __init__(self, mode: str, source_name: str | None = None):
        source = dtype_policy().name if source_name is None else source_name
        super().__init__(source)
        self.quantization_mode, *numbers = str(mode).split("/")
        if self.quantization_mode not in QUANTIZATION_MODES or len(numbers) != len(self.parts):
            wanted = "/".join(["<mode>", *(f"<{part}>" for part in self.parts)])
            raise ValueError(f"Invalid quantization mode. Expected one of {QUANTIZATION_MODES} in the format "
                             f"'{wanted}'. Received: mode={mode}")
        if self.compute_dtype == "float16" and mode == "int8":
            raise ValueError(f"Quantization mode='{mode}' doesn't work well with compute_dtype='float16'.")
        for part, number in zip(self.parts, numbers, strict=True):
            if not re.fullmatch(r"-1|[1-9]\d*", number):
                raise ValueError(f"Invalid mode for {type(self).__name__}. <{part}> must be -1 or a positive integer. "
                                 f"Received: mode={mode}")
            setattr(self, part, int(number))
        self._name, self._source = f"{mode}_from_{source}", {"mode": mode, "source_name": source_name or source}

    def get_config(self) -> dict[str, Any]:
        return dict(self._source)


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """Eight-bit floats, scaled by the largest values of the last steps."""

    def __init__(self, mode: str, source_name: str | None = None, amax_history_length: int = 1024):
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, int):
            raise TypeError("`amax_history_length` must be an integer. Received: "
                            f"amax_history_length={amax_history_length}")
        self.amax_history_length = amax_history_length

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "amax_history_length": self.amax_history_length}


class Int4DTypePolicy(QuantizedDTypePolicy):
    """Four-bit integers by blocks: "int4/<block_size>"."""

    parts = ("block_size",)


class GPTQDTypePolicy(QuantizedDTypePolicy):
    """"gptq/<weight_bits>/<group_size>"."""

    parts = ("weight_bits", "group_size")


class AWQDTypePolicy(GPTQDTypePolicy):
    """"awq/<weight_bits>/<group_size>"."""


class DTypePolicyMap(DTypePolicy, MutableMapping[str, DTypePolicy]):
    """Policies by the paths of layers (full matches of regular expressions), and one for the others."""

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None):
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("`default_policy` cannot be a `DTypePolicyMap`.")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"If specified, `policy_map` must be a dict. Received: policy_map={policy_map} of type "
                            f"{type(policy_map)}")
        self._given = default_policy
        self.default_policy = get(default_policy)
        super().__init__(self.default_policy.name)
        self._policies: dict[str, Any] = policy_map or {}

    @property
    def name(self) -> str:
        return f"map_{self.default_policy.name}"

    def __getitem__(self, key: str) -> Any:
        if key in self._policies:
            return self._policies[key]
        matching = [pattern for pattern in self._policies if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(f"Path '{key}' matches multiple dtype policy specification keys: {matching}. Please make "
                             "sure each path only matches at most one dtype policy specification key in the "
                             "DTypePolicyMap.")
        return self._policies[matching[0]] if matching else self.default_policy

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._policies:
            raise ValueError(f"{key} already exist in the DTypePolicyMap with value {self._policies[key]}. Please make "
                             "sure to not use duplicated keys.")
        self._policies[key] = get(policy)

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __len__(self) -> int:
        return len(self._policies)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def get_config(self) -> dict[str, Any]:
        from .saving.serialization import serialize_keras_object
        return {"default_policy": serialize_keras_object(self._given),
                "policy_map": serialize_keras_object(self._policies)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        from .saving.serialization import deserialize_keras_object
        return cls(get(config["default_policy"]) if config.get("default_policy") else None,
                   deserialize_keras_object(config["policy_map"], custom_objects))


Policy = DTypePolicy  # tf.keras's name
_CLASSES: dict[str, Any] = {c.__name__: c for c in (
    DTypePolicy, FloatDTypePolicy, QuantizedDTypePolicy, QuantizedFloat8DTypePolicy, Int4DTypePolicy, GPTQDTypePolicy,
    AWQDTypePolicy, DTypePolicyMap)} | {"Policy": DTypePolicy}


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are not given one: that of `set_dtype_policy`, else `floatx`."""
    return _global[0] if _global else DTypePolicy(backend.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers that are not given one: a policy or its name. Raises ValueError for something else."""
    if not isinstance(policy, (str, DTypePolicy)):
        raise ValueError("Invalid `policy` argument. Expected the string name of a policy (such as 'mixed_float16') or "
                         f"a `DTypePolicy` instance. Received: policy={policy} (of type {type(policy)})")
    _global[:] = [get(policy)]


def serialize(dtype_policy: DTypePolicy) -> Any:
    """The policy as Keras's configs hold it."""
    from .saving.serialization import serialize_keras_object
    return serialize_keras_object(dtype_policy)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The policy that a config describes."""
    from .saving.serialization import deserialize_keras_object
    return deserialize_keras_object(config, custom_objects, module_objects=_CLASSES)


def get(identifier: Any) -> Any:
    """The policy for None (the global one), a dtype or its name, a config, or a policy."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str) and identifier.startswith(QUANTIZATION_MODES) and "_from_" in identifier:
        mode, _, source = identifier.partition("_from_")
        kind = mode.partition("/")[0]
        special = {"float8": QuantizedFloat8DTypePolicy, "gptq": GPTQDTypePolicy, "awq": AWQDTypePolicy}
        return (Int4DTypePolicy if mode.startswith("int4/") else special.get(kind, QuantizedDTypePolicy))(mode, source)
    try:
        return DTypePolicy(identifier if isinstance(identifier, str) else as_dtype(identifier).name)
    except TypeError:
        raise ValueError("Cannot interpret `dtype` argument. Expected a string or an instance of DTypePolicy. "
                         f"Received: dtype={identifier}") from None


def for_layer(identifier: Any, name: str, quantizable: bool) -> Any:
    """The policy of the layer of that name. Raises NotImplementedError for a quantized one of another layer."""
    policy = get(identifier)
    policy = policy[name] if isinstance(policy, DTypePolicyMap) else policy
    if policy.quantization_mode is not None and not quantizable:
        raise NotImplementedError(f"Layer {name!r} has no weights to be quantized, as the dtype policy {policy.name!r} "
                                  "asks.")
    return policy
