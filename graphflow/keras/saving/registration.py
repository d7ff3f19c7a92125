"""The names under which users' classes and functions stand in configs."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any


class ConfigError(TypeError, ValueError):
    """A config that nothing can be made from. Keras raises TypeError, Keras 2 ValueError."""


_registered: dict[str, Any] = {}  # "package>name": object
_names: dict[Any, str] = {}
_scopes: list[dict[str, Any]] = []


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """A decorator of classes with `get_config`, and of functions: files that name them may be loaded."""
    def decorate(obj: Any) -> Any:
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError("Cannot register a class that does not have a get_config() method.")
        registered = f"{package}>{name or obj.__name__}"
        _registered[registered] = obj
        _names[obj] = registered
        return obj
    return decorate


def get_registered_name(obj: Any) -> str:
    """"package>name" of what was registered, else the object's own name."""
    return _names.get(obj) or obj.__name__


def get_registered_object(name: str, custom_objects: Any = None, module_objects: Any = None) -> Any:
    """What stands for a name, or None."""
    return _in_scopes(name) or _registered.get(name) or (custom_objects or {}).get(name) or (
        module_objects or {}).get(name)


def get_custom_objects() -> dict[str, Any]:
    """The registered objects by name; may be changed."""
    return _registered


class CustomObjectScope:
    """Names in `custom_objects` stand for these classes and functions within the `with` block."""

    def __init__(self, custom_objects: Mapping[str, Any] | None = None, *more: Mapping[str, Any]):
        self.custom_objects = {k: v for objects in (custom_objects or {}, *more) for k, v in objects.items()}

    def __enter__(self) -> CustomObjectScope:
        _scopes.append(self.custom_objects)
        return self

    def __exit__(self, *exception: Any) -> None:
        _scopes.pop()


custom_object_scope = CustomObjectScope


def present_scope() -> CustomObjectScope:
    """The scopes that are open now as one, to be entered again later."""
    return CustomObjectScope({}, *_scopes)


def _in_scopes(name: str) -> Any:
    return next((scope[name] for scope in reversed(_scopes) if name in scope), None)


def custom_object(name: str) -> Any:
    """What the user registered or passed under this name (with or without its package), or None."""
    found = _in_scopes(name) or _registered.get(name)
    return found or next((o for n, o in _registered.items() if n.partition(">")[2] == name), None)
