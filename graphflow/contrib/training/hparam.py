"""Hyperparameters: named values of fixed types, which text ("rate=0.1,layers=[2,3]") can override."""
from __future__ import annotations

import json
import numbers
import re
from collections.abc import Callable
from typing import Any

_ASSIGNMENT = re.compile(r"""
  (?P<name>[a-zA-Z][\w\.]*)            # a name,
  (\[\s*(?P<index>\d+)\s*\])?          # an index into a list,
  \s*=\s*
  ((?P<val>[^,\[]*) | \[(?P<vals>[^\]]*)\])  # a value or a list of them
  ($|,\s*)""", re.VERBOSE)


def _boolean(text: str) -> bool:
    if text in ("true", "True", "false", "False"):
        return text.lower() == "true"
    return bool(int(text))


def parse_values(values: str, type_map: dict[str, type], ignore_unknown: bool = False) -> dict[str, Any]:
    """{name: value} of "name=value,name=[value,value],name[2]=value".

    An indexed name gives a dict of indices. Raises ValueError for text that is not that, an unknown name (unless
    ignored), a value that is not of the name's type, or a second value for a name.
    """
    found: dict[str, Any] = {}
    position = 0
    while position < len(values):
        match = _ASSIGNMENT.match(values, position)
        if match is None:
            raise ValueError(f"Malformed hyperparameter value: {values[position:]}")
        position = match.end()
        name, index = match["name"], match["index"]
        if name not in type_map:
            if ignore_unknown:
                continue
            raise ValueError(f"Unknown hyperparameter type for {name}")
        kind = type_map[name]
        read: Callable[[str], Any] = _boolean if kind is bool else kind
        try:
            if match["val"] is None:
                if index is not None:
                    raise ValueError("Assignment of a list to a list index.")
                value: Any = [read(e) for e in re.split("[ ,]", match["vals"]) if e]
            else:
                value = read(match["val"])
        except ValueError as error:
            raise ValueError(f"Could not parse hparam '{name}' of type '{kind.__name__}' with value "
                             f"'{match['val'] or match['vals']}' in {values}") from error
        if index is not None:
            items = found.setdefault(name, {})
            if not isinstance(items, dict) or int(index) in items:
                raise ValueError(f"Multiple assignments to variable '{name}' in {values}")
            items[int(index)] = value
        elif name in found:
            raise ValueError(f"Multiple assignments to variable '{name}' in {values}")
        else:
            found[name] = value
    return found


def _cast(name: str, kind: type, value: Any) -> Any:
    """The value as that type, where no meaning is lost. Raises ValueError."""
    if type(value) is kind or issubclass(kind, type(None)):
        return value
    text = issubclass(kind, (str, bytes))
    wrong = ((text and not isinstance(value, (str, bytes))) or issubclass(kind, bool) != isinstance(value, bool)
             or (issubclass(kind, numbers.Integral) and not isinstance(value, numbers.Integral))
             or (issubclass(kind, numbers.Number) and not isinstance(value, numbers.Number)))
    if wrong:
        raise ValueError(f"Could not cast hparam '{name}' of type '{kind}' from value {value!r}")
    return kind(value)  # type: ignore[call-arg]


class HParams:
    """Hyperparameters as attributes. Each keeps the type of its first value, and whether it is a list."""

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any):
        if hparam_def is not None:
            raise ValueError("hparam_def: protocol buffers of hyperparameters are not in graphflow")
        self._hparam_types: dict[str, tuple[type, bool]] = {}
        self._model_structure = model_structure
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name)

    def add_hparam(self, name: str, value: Any) -> None:
        """A new hyperparameter. Raises ValueError for a name that is taken, or an empty list."""
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        if isinstance(value, (list, tuple)):
            if not value:
                raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
            self._hparam_types[name] = (type(value[0]), True)
        else:
            self._hparam_types[name] = (type(value), False)
        setattr(self, name, value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Another value for a hyperparameter. Raises ValueError when its type does not fit, KeyError for a new name."""
        kind, several = self._hparam_types[name]
        if isinstance(value, list) and not several:
            raise ValueError(f"Must not pass a list for single-valued parameter: {name}")
        if several and not isinstance(value, list):
            raise ValueError(f"Must pass a list for multi-valued parameter: {name}.")
        setattr(self, name, [_cast(name, kind, v) for v in value] if several else _cast(name, kind, value))

    def del_hparam(self, name: str) -> None:
        """Remove a hyperparameter, if there is one of that name."""
        if name in self._hparam_types:
            delattr(self, name)
            del self._hparam_types[name]

    def parse(self, values: str) -> HParams:
        """Override values by those in a text (see `parse_values`)."""
        return self.override_from_dict(parse_values(values, {n: t for n, (t, _) in self._hparam_types.items()}))

    def override_from_dict(self, values_dict: dict[str, Any]) -> HParams:
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    set_from_map = override_from_dict

    def set_model_structure(self, model_structure: Any) -> None:
        self._model_structure = model_structure

    def get_model_structure(self) -> Any:
        return self._model_structure

    def to_json(self, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        return json.dumps(self.values(), indent=indent, separators=separators, sort_keys=sort_keys)

    def parse_json(self, values_json: str) -> HParams:
        """Override values by those in a JSON object."""
        return self.override_from_dict(json.loads(values_json))

    def values(self) -> dict[str, Any]:
        """{name: value}."""
        return {name: getattr(self, name) for name in self._hparam_types}

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or `default`, which must be of the type that the hyperparameter has."""
        if key not in self._hparam_types:
            return default
        if default is not None:
            kind, several = self._hparam_types[key]
            if several != isinstance(default, list):
                raise ValueError(f"Hparam '{key}' of type '{'list of ' * several}{kind}' is incompatible with "
                                 f"default={default}")
            for value in default if several else [default]:
                _cast(key, kind, value)
        return getattr(self, key)

    def __contains__(self, key: str) -> bool:
        return key in self._hparam_types

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.values().items())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({sorted(self.values().items())})"
