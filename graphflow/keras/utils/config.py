"""Settings of a program in one object."""
from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any


class Config:
    """Named values, as attributes or items, that `freeze` makes unchangeable."""

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any):
        vars(self).update(_config=kwargs, _frozen=False)

    @property
    def frozen(self) -> bool:
        return self._frozen

    def freeze(self) -> None:
        """From now on changes raise ValueError."""
        vars(self)["_frozen"] = True

    def unfreeze(self) -> None:
        vars(self)["_frozen"] = False

    def _open(self) -> dict[str, Any]:
        if self._frozen:
            raise ValueError("Cannot mutate attribute(s) because the config is frozen.")
        return self._config

    def as_dict(self) -> dict[str, Any]:
        """The values, in a dict of their own."""
        return dict(self._config)

    def to_json(self) -> str:
        return json.dumps(self._config)

    def keys(self) -> Any:
        return self._config.keys()

    def values(self) -> Any:
        return self._config.values()

    def items(self) -> Any:
        return self._config.items()

    def get(self, keyname: str, value: Any = None) -> Any:
        return self._config.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        return self._open().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        self._open().update(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        self._open()[name] = value

    def __getattr__(self, name: str) -> Any:
        config = vars(self).get("_config", {})
        if name in config:
            return config[name]
        close = difflib.get_close_matches(name, config, 1, 0.7)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise AttributeError(f"Unknown attribute: {name!r}.{hint}", name=name)

    def __setitem__(self, key: str, item: Any) -> None:
        self._open()[key] = item

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __delitem__(self, key: str) -> None:
        del self._open()[key]

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
