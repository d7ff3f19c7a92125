"""Configs: Keras objects as plain JSON data, and back.

Reading a config never imports or runs anything that it names: a class is looked up among Keras's own public classes,
those registered, and those passed as `custom_objects`; everything else is refused.
"""
from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ...compiler.dtypes import DType
from ...compiler.shapes import TensorShape

PACKAGE = __name__.partition(".saving")[0]  # graphflow.keras
_PUBLIC = ("layers", "initializers", "losses", "metrics", "optimizers", "regularizers", "constraints", "activations",
           "models")

_registered: dict[str, Any] = {}  # "package>name": object
_names: dict[Any, str] = {}
_scopes: list[dict[str, Any]] = []


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """A class decorator: files that name this class may be loaded."""
    def decorate(obj: Any) -> Any:
        registered = f"{package}>{name or obj.__name__}"
        _registered[registered] = obj
        _names[obj] = registered
        return obj
    return decorate


_safe: list[bool] = [True]


@contextlib.contextmanager
def safe_mode(value: bool) -> Iterator[None]:
    """Whether code from files is refused within the block."""
    _safe.append(value)
    try:
        yield
    finally:
        _safe.pop()


def in_safe_mode() -> bool:
    return _safe[-1]


def enable_unsafe_deserialization() -> None:
    """From now on run code from files: only for files whose source is trusted."""
    _safe[0] = False


def get_registered_name(obj: Any) -> str:
    """"package>name" of what was registered, else the object's own name."""
    return _names.get(obj) or obj.__name__


def get_registered_object(name: str, custom_objects: Any = None, module_objects: Any = None) -> Any:
    """What stands for a name, or None."""
    return (custom_objects or {}).get(name) or custom_object(name) or (module_objects or {}).get(name)


def get_custom_objects() -> dict[str, Any]:
    """The registered objects by name; may be changed."""
    return _registered


@contextlib.contextmanager
def custom_object_scope(objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Names in `objects` stand for these classes and functions within the block."""
    _scopes.append(dict(objects or {}))
    try:
        yield
    finally:
        _scopes.pop()


def custom_object(name: str) -> Any:
    """What the user registered under this name, or None."""
    for scope in reversed(_scopes):
        if name in scope:
            return scope[name]
    return _registered.get(name) or next((o for n, o in _registered.items() if n.partition(">")[2] == name), None)


def public_module(cls: Any) -> str | None:
    """The public module of a Keras class ("keras.layers"), None for a user's class."""
    module = cls.__module__
    if not module.startswith(PACKAGE + "."):
        return None
    part = module[len(PACKAGE) + 1:].partition(".")[0]
    return f"keras.{part}" if part in _PUBLIC and part != "models" else "keras"


def serialize_keras_object(obj: Any) -> Any:
    """Plain data for a Keras object, or for lists and dicts of them."""
    if obj is None or isinstance(obj, (str, bool, int, float)):
        return obj
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, tuple):
        return {"class_name": "__tuple__", "config": {"value": [serialize_keras_object(v) for v in obj]}}
    if isinstance(obj, TensorShape):
        return obj.as_list()
    if isinstance(obj, list):
        return [serialize_keras_object(v) for v in obj]
    if isinstance(obj, dict):
        return {k: serialize_keras_object(v) for k, v in obj.items()}
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, DType):
        return obj.name
    if isinstance(obj, types.FunctionType):
        return {"module": "builtins", "class_name": "function", "config": obj.__name__,
                "registered_name": _names.get(obj, "function")}
    if not hasattr(obj, "get_config"):
        raise TypeError(f"Cannot serialize object {obj!r} of type {type(obj).__name__}: it has no get_config().")
    cls = type(obj)
    module, name = public_module(cls), cls.__name__
    if name == "Model" and module == "keras" and getattr(obj, "is_functional", False):
        module, name = "keras.src.models.functional", "Functional"
    data = {"module": module or cls.__module__, "class_name": name, "config": obj.get_config(),
            "registered_name": _names.get(cls, cls.__name__) if module is None else None}
    if hasattr(obj, "get_build_config") and (built := obj.get_build_config()):
        data["build_config"] = built
    if hasattr(obj, "get_compile_config"):
        data["compile_config"] = obj.get_compile_config()
    return data


def deserialize_keras_object(data: Any, custom_objects: Mapping[str, Any] | None = None,
                             module: Mapping[str, Any] | None = None) -> Any:
    """The object that `data` describes. `module` is where to look for a bare class name (old configs have those).

    Raises ValueError or TypeError for data that names nothing known or lacks what it needs.
    """
    if custom_objects:
        with custom_object_scope(custom_objects):
            return deserialize_keras_object(data, module=module)
    if isinstance(data, list):
        return [deserialize_keras_object(v, module=module) for v in data]
    if isinstance(data, str) and module is not None and (found := custom_object(data) or module.get(data)):
        return found
    if not isinstance(data, dict):
        return data
    if "class_name" not in data or "config" not in data:
        return {k: deserialize_keras_object(v) for k, v in data.items()}
    name, config = data["class_name"], data["config"]
    if name == "__tuple__":
        return tuple(deserialize_keras_object(v) for v in config["value"])
    if name == "__numpy__":
        return np.array(config["value"], config["dtype"])
    if name == "function":
        return _function(str(config), str(data.get("registered_name")))
    cls = _find_class(str(name), data.get("module"), data.get("registered_name"), module)
    if not isinstance(config, dict):
        raise ValueError(f"The config of {name} must be a dict. Received: {config!r}")
    try:
        made = cls.from_config(dict(config))
        if data.get("build_config") and hasattr(made, "compile_from_config") and not made.built:
            made.build_from_config(data["build_config"])
        return made
    except (TypeError, KeyError) as error:
        raise TypeError(f"{cls.__name__} could not be made from its config: {error}. config={config}") from error


def _find_class(name: str, module: Any, registered: Any, objects: Mapping[str, Any] | None) -> Any:
    found = (custom_object(str(registered)) if registered else None) or custom_object(name)
    if found is None and name == "Functional":
        name, module = "Model", "keras"
    if found is None and isinstance(module, str) and module.split(".")[0] in ("keras", "tf_keras", PACKAGE):
        found = _public_class(module, name)
    if found is None and objects is not None:
        found = objects.get(name)
    if found is None and module is None:
        found = next((c for part in _PUBLIC if (c := _public_class(f"keras.{part}", name))), None)
    if not isinstance(found, type) or not hasattr(found, "from_config"):
        raise ValueError(f"Unknown class {name!r}{f' of module {module!r}' if module else ''}. If it is a custom "
                         "class, register it with @keras.saving.register_keras_serializable() or pass it in "
                         "custom_objects.")
    return found


def _public_class(module: str, name: str) -> Any:
    """A class of one of our public modules: those that are imported already, never another."""
    part = next((p for p in module.split(".") if p in _PUBLIC), None)
    found = getattr(sys.modules.get(f"{PACKAGE}.{part}" if part else PACKAGE), name, None)
    return found if isinstance(found, type) and found.__module__.startswith(PACKAGE) else None


def _function(name: str, registered: str) -> Any:
    found = custom_object(registered) or custom_object(name)
    if found is None:
        for part in ("activations", "losses", "metrics"):
            candidate = getattr(sys.modules.get(f"{PACKAGE}.{part}"), name, None)
            if isinstance(candidate, types.FunctionType) and candidate.__module__.startswith(PACKAGE):
                found = candidate
                break
    if found is None:
        raise ValueError(f"Unknown function {name!r}. Register it with @keras.saving.register_keras_serializable() or "
                         "pass it in custom_objects.")
    return found
