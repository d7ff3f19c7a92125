"""Configs: Keras objects as plain JSON data, and back.

Reading a config never imports or runs anything that it names: a class is looked up among Keras's own public classes,
those registered, and those passed as `custom_objects`; everything else is refused.
"""
from __future__ import annotations

import contextlib
import importlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ...compiler.dtypes import DType, as_dtype
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.shapes import TensorShape
from ...compiler.site import warn
from .code import dumped, loaded
from .old_configs import updated
from .registration import ConfigError, CustomObjectScope, custom_object, get_registered_name

PACKAGE = __name__.partition(".saving")[0]  # graphflow.keras
_PUBLIC = ("layers", "initializers", "losses", "metrics", "optimizers", "regularizers", "constraints", "activations",
           "models", "dtype_policies", "random", "distillation", "utils", "quantizers")
_LAZY = ("distillation", "quantizers")  # those of them that are imported on use
_FUNCTIONS = ("activations", "losses", "metrics", "initializers", "ops")  # modules whose functions configs may name
# classes that Keras's public interface has in another module than ours
_MODULES = {"SeedGenerator": "keras.random", "LearningRateSchedule": "keras.optimizers.schedules",
            "FeatureSpace": "keras.utils", "DTypePolicyMap": "keras.dtype_policies",
            "QuantizedDTypePolicy": "keras.dtype_policies"}
# layers of applications that are not public, and the modules that have them
_INNER = {"CustomScaleLayer": "applications.inception_resnet_v2", "LayerScale": "applications.convnext",
          **dict.fromkeys(("Cross", "Feature", "TFDConcat", "TFDIdentity"), "layers.preprocessing.feature_space")}

_NAMES = {"GroupedQueryAttention": "GroupQueryAttention"}
_BASES = ("Layer", "Loss", "Metric", "Optimizer", "InputSpec", "Initializer", "Regularizer",
          "Quantizer")  # of `keras` itself

_safe: list[bool] = [True]
_shared: list[_SharedObjects] = []


# what files may do


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


def loads_safely() -> bool:
    """Whether something is being loaded, and code and other files are refused."""
    return len(_safe) > 1 and in_safe_mode()


def enable_unsafe_deserialization() -> None:
    """From now on run code from files: only for files whose source is trusted."""
    _safe[0] = False


class _SharedObjects:
    """Objects that occur several times in one config: they are one object again when it is read."""

    def __init__(self) -> None:
        self.written: dict[int, tuple[Any, dict[str, Any]]] = {}
        self.read: dict[int, Any] = {}

    def note(self, obj: Any, described: dict[str, Any]) -> None:
        """Mark `described`, and the first description of the object, where this is not the first."""
        _, first = self.written.setdefault(id(obj), (obj, described))
        if first is not described:
            number = first.setdefault("shared_object_id", len(self.written))
            described["shared_object_id"] = number


@contextlib.contextmanager
def sharing() -> Iterator[None]:
    """Within the block objects that occur several times keep their identity."""
    _shared.append(_SharedObjects())
    try:
        yield
    finally:
        _shared.pop()


# writing


def public_module(cls: Any) -> str | None:
    """The public module of a Keras class ("keras.layers"), None for a user's class."""
    module = cls.__module__
    if not module.startswith(PACKAGE + "."):
        return None
    if cls.__name__ in _INNER:
        return f"keras.src.{_INNER[cls.__name__]}"
    if cls.__name__ in _BASES:
        return "keras"
    for base in cls.__mro__:
        if base.__name__ in _MODULES:
            return _MODULES[base.__name__]
    part = module[len(PACKAGE) + 1:].partition(".")[0]
    return f"keras.{part}" if part in _PUBLIC and part not in ("models", "dtype_policies") else "keras"


def _special(name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": f"__{name}__", "config": config}


def serialize_keras_object(obj: Any) -> Any:
    """Plain data for a Keras object, or for lists and dicts of them. Raises TypeError for what has no config."""
    if obj is None or isinstance(obj, (str, bool, int, float)):
        return obj
    if isinstance(obj, (list, tuple)):
        values = [serialize_keras_object(v) for v in obj]
        return tuple(values) if isinstance(obj, tuple) else values
    if isinstance(obj, Mapping) and not hasattr(obj, "get_config"):
        return {k: serialize_keras_object(v) for k, v in obj.items()}
    plain = _plain(obj)
    if plain is not None:
        return plain
    if isinstance(obj, types.FunctionType):
        return _described_function(obj)
    if isinstance(obj, type):
        return {"module": "builtins", "class_name": "type", "config": get_registered_name(obj),
                "registered_name": "type"}
    if not hasattr(obj, "get_config"):
        if hasattr(obj, "__name__"):  # an instance that goes by a name
            return {"module": None, "class_name": type(obj).__name__, "config": obj.__name__,
                    "registered_name": type(obj).__name__}
        raise TypeError(f"Cannot serialize object {obj!r} of type {type(obj).__name__}: it has no get_config(). To be "
                        "serializable, a class must implement the `get_config()` method.")
    config = obj.get_config()
    if not isinstance(config, dict):
        raise TypeError(f"The `get_config()` method of {obj!r} should return a dict. It returned: {config!r}")
    return _described_object(obj, serialize_keras_object(config))


def _plain(obj: Any) -> Any:
    """Data for values that have a form of their own in configs; None for others."""
    if isinstance(obj, np.generic) or isinstance(obj, np.ndarray) and obj.ndim == 0:
        return obj.item()
    if isinstance(obj, np.ndarray):
        return _special("numpy", value=obj.tolist(), dtype=obj.dtype.name)
    if isinstance(obj, TensorShape):
        return obj.as_list()
    if isinstance(obj, DType):
        return obj.name
    if isinstance(obj, bytes):
        return _special("bytes", value=obj.decode("utf-8"))
    if isinstance(obj, slice):
        return _special("slice", **{k: serialize_keras_object(getattr(obj, k)) for k in ("start", "stop", "step")})
    if obj is Ellipsis:
        return _special("ellipsis")
    if isinstance(obj, Tensor) and obj.op.type == "Const":
        return _special("tensor", value=np.asarray(obj.op.attrs["value"]).tolist(), dtype=obj.dtype.name)
    return None


def _described_function(function: Any) -> dict[str, Any]:
    if function.__name__ == "<lambda>":
        warn("The object being serialized includes a `lambda`. This is unsafe. In order to reload the object, "
             "you will have to pass `safe_mode=False` to the loading function. Please avoid using `lambda` in "
             "the future, and use named Python functions instead.")
        return {"class_name": "__lambda__", "config": {"value": dumped(function)}}
    return {"module": "builtins", "class_name": "function", "config": get_registered_name(function),
            "registered_name": "function"}


def _described_object(obj: Any, config: Any) -> dict[str, Any]:
    cls = type(obj)
    module, name = public_module(cls), _NAMES.get(cls.__name__, cls.__name__)
    if name == "Model" and module == "keras" and getattr(obj, "is_functional", False):
        module, name = "keras.src.models.functional", "Functional"
    own = None if cls.__module__ == "__main__" else cls.__module__
    described = {"module": module or own, "class_name": name, "config": config,
                 "registered_name": get_registered_name(cls) if module is None else None}
    if hasattr(obj, "get_build_config") and (built := obj.get_build_config()):
        described["build_config"] = serialize_keras_object(built)
    if hasattr(obj, "get_compile_config"):
        described["compile_config"] = obj.get_compile_config()
    if _shared:
        _shared[-1].note(obj, described)
    return described


# reading


def deserialize_keras_object(config: Any, custom_objects: Mapping[str, Any] | None = None,
                             safe_mode: bool | None = None, module_objects: Mapping[str, Any] | None = None,
                             printable_module_name: str = "object") -> Any:
    """The object that `config` describes. `module_objects` is where to look for a bare class name (old configs have
    those). `safe_mode` refuses code (by default as the loading around it does).

    Raises ValueError or TypeError for data that names nothing known or lacks what it needs.
    """
    with contextlib.ExitStack() as scopes:
        if custom_objects:
            scopes.enter_context(CustomObjectScope(custom_objects))
        if safe_mode is not None and len(_safe) == 1:
            scopes.enter_context(_safe_scope(safe_mode and in_safe_mode()))
        return _deserialized(config, module_objects)


_safe_scope = safe_mode


def _deserialized(data: Any, objects: Mapping[str, Any] | None = None) -> Any:
    if isinstance(data, (list, tuple)):
        return [_deserialized(v, objects) for v in data]
    if isinstance(data, str):
        found = custom_object(data) or (objects.get(data) if objects is not None else None)
        return data if found is None else found
    if not isinstance(data, Mapping):
        return data
    if "class_name" not in data or "config" not in data:
        return {k: _deserialized(v) for k, v in data.items()}
    name, config = str(data["class_name"]), data["config"]
    if name in _SPECIAL:
        return _SPECIAL[name](config)
    if name == "function":
        return _function(config, str(data.get("registered_name")), objects)
    shared = data.get("shared_object_id")
    if shared is not None and _shared and shared in _shared[-1].read:
        return _shared[-1].read[shared]
    made = _made(name, config or {}, data, objects)
    if shared is not None and _shared:
        _shared[-1].read[shared] = made
    return made


def _made(name: str, config: Any, data: Mapping[str, Any], objects: Mapping[str, Any] | None) -> Any:
    cls = _find_class(name, data.get("module"), data.get("registered_name"), objects)
    if not isinstance(cls, type):
        return cls  # a function, registered in place of a class
    if isinstance(config, list) and name == "Sequential":  # Keras 2.0 to 2.2.2
        config = {"layers": config}
    if not isinstance(config, dict):
        raise ValueError(f"The config of {name} must be a dict. Received: {config!r}")
    try:
        config = updated(name, config) if data.get("module") is None else dict(config)
        make = getattr(cls, "from_config", None)  # a user's class, such as that of a loss, may have none
        made = cls(**config) if make is None else make(config)
        if data.get("build_config") and hasattr(made, "build_from_config") and not made.built:
            made.build_from_config(data["build_config"])
        return made
    except ConfigError:  # of an object within
        raise
    except (TypeError, KeyError) as error:
        raise ConfigError(f"{cls.__name__} could not be made from its config: {error}. config={config}") from error


def _lambda(config: Any) -> Any:
    if in_safe_mode():
        raise ValueError("Requested the deserialization of a Python lambda. This carries a potential risk of arbitrary "
                         "code execution and thus it is disallowed by default. If you trust the source of the "
                         "artifact, you can override this error by passing `safe_mode=False` to the loading function, "
                         "or calling `keras.config.enable_unsafe_deserialization().")
    return loaded(config.get("value", config))


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "__tuple__": lambda c: tuple(_deserialized(v) for v in c["value"]),
    "__numpy__": lambda c: np.array(c["value"], np.dtype(str(c["dtype"]))),
    "__tensor__": lambda c: convert_to_tensor(np.array(c["value"], as_dtype(str(c["dtype"])).np)),
    "__bytes__": lambda c: c["value"].encode("utf-8"),
    "__slice__": lambda c: slice(*(_deserialized(c[k]) for k in ("start", "stop", "step"))),
    "__ellipsis__": lambda c: Ellipsis,
    "__lambda__": _lambda,
}


def _find_class(name: str, module: Any, registered: Any, objects: Mapping[str, Any] | None) -> Any:
    found = (custom_object(str(registered)) if registered else None) or custom_object(name)
    if found is not None:
        return found
    if name == "Functional":
        name, module = "Model", "keras"
    if isinstance(module, str) and module.split(".")[0] in ("keras", "tf_keras", PACKAGE.split(".")[0]):
        found = _public_class(module, name)
    if found is None and objects is not None:
        found = objects.get(name)
    if found is None and module is None:
        found = next((c for part in _PUBLIC if (c := _public_class(f"keras.{part}", name))), None)
    if not isinstance(found, type) or not hasattr(found, "from_config"):
        raise ConfigError(f"Unknown class {name!r}{f' of module {module!r}' if module else ''}. If it is a custom "
                          "class, register it with @keras.saving.register_keras_serializable() or pass it in "
                          "custom_objects.")
    return found


def _public_class(module: str, name: str) -> Any:
    """A class of one of our public modules: those that are imported already, `_LAZY` or `_INNER` ones."""
    if name in _INNER and module.endswith(_INNER[name]):
        return getattr(importlib.import_module(f"{PACKAGE}.{_INNER[name]}"), name)
    if ".ops." in module or module.endswith("activations.activations"):
        return sys.modules[f"{PACKAGE}.ops.operation"].operation_class(name)
    part = next((p for p in module.split(".") if p in _PUBLIC), None)
    places = [f"{PACKAGE}.{part}.schedules"] if "schedules" in module else []
    if part in _LAZY:
        importlib.import_module(f"{PACKAGE}.{part}")
    for place in [*places, f"{PACKAGE}.{part}" if part else PACKAGE]:
        found = getattr(sys.modules.get(place), name, None)
        if isinstance(found, type) and found.__module__.startswith(PACKAGE):
            return found
    return None


def _function(name: Any, registered: str, objects: Mapping[str, Any] | None) -> Any:
    if not isinstance(name, str):
        raise TypeError(f"Expected 'config' to be the name of a function. Received: {name!r}")
    found = custom_object(name) or custom_object(registered) or (objects.get(name) if objects is not None else None)
    for part in _FUNCTIONS if found is None and name not in ("get", "serialize", "deserialize") else ():
        candidate = getattr(sys.modules.get(f"{PACKAGE}.{part}"), name, None)
        if isinstance(candidate, types.FunctionType) and candidate.__module__.startswith(PACKAGE):
            return candidate
    if found is None:
        raise ValueError(f"Unknown function {name!r}. Register it with @keras.saving.register_keras_serializable() or "
                         "pass it in custom_objects.")
    return found


