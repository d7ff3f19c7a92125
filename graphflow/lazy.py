"""Names of a module that are loaded, each from the module that has it, when they are first used."""
from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from .compiler.collection import keep, put_off
from .compiler.names import nearest


class Names:
    """Of `namespace` (a module's globals): `modules` maps a module of the package to the names taken from it.

    A name "a=b" is what that module calls b; one that the module lacks is the module itself.
    """

    def __init__(self, namespace: dict[str, Any], modules: Mapping[str, str]):
        self._namespace = namespace
        self._sources = {name.partition("=")[0]: (module, name.rpartition("=")[2])
                         for module, names in modules.items() for name in names.split()}

    def load(self, name: str) -> Any:
        """The value of `name`. Raises AttributeError, with the nearest name there is."""
        module_name = self._namespace["__name__"]
        if name not in self._sources:
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}.{nearest(name, self.all())}",
                                 name=name)
        source, attribute = self._sources[name]
        with put_off():
            module = importlib.import_module(f"{self._namespace['__package__']}.{source}")
            keep()
        value = self._namespace[name] = getattr(module, attribute, module)
        return value

    def own(self) -> list[str]:
        """The names loaded on use."""
        return sorted(self._sources)

    def all(self) -> list[str]:
        """Every name of the module."""
        return sorted({*self._namespace, *self._sources})
