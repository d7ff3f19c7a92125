"""The element types of a layer: of its variables and of its computation."""
from __future__ import annotations

from typing import Any

from ..compiler.dtypes import as_dtype
from . import backend


class DTypePolicy:
    """A dtype for variables and computation alike ("float32", "float64", or an integer type for index layers)."""

    def __init__(self, name: str = "float32"):
        if isinstance(name, str) and name.startswith("mixed_"):
            raise ValueError(f"Mixed precision is not supported: computing in {name[6:]} on a CPU would be slower than "
                             "in float32. Use 'float32'.")
        self.name = as_dtype(name).name
        self.compute_dtype = self.variable_dtype = self.name

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<DTypePolicy {self.name!r}>"


def serialize(policy: DTypePolicy) -> dict[str, Any]:
    """The policy as Keras's configs hold it."""
    return {"module": "keras", "class_name": "DTypePolicy", "config": policy.get_config(), "registered_name": None}


def get(identifier: Any) -> DTypePolicy:
    """The policy for None (floatx), a dtype or its name, a config, or a policy."""
    if identifier is None:
        return DTypePolicy(backend.floatx())
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        if identifier.get("class_name") not in ("DTypePolicy", "FloatDTypePolicy", "Policy"):
            raise ValueError(f"Cannot interpret `dtype` argument: {identifier!r}")
        return DTypePolicy(identifier["config"]["name"])
    return DTypePolicy(identifier if isinstance(identifier, str) else as_dtype(identifier).name)
