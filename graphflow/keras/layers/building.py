"""`build` as users call it: by itself it makes a layer built, with its variables under the layer's name."""
from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from ...compiler.ir import default_graph
from ..naming import scope_name


@contextlib.contextmanager
def building(layer: Any) -> Iterator[None]:
    """`layer.build` is being called in its place: it need not care for names."""
    before, layer._building = layer._building, True
    try:
        yield
    finally:
        layer._building = before


def by_itself(build: Callable[..., Any]) -> Callable[..., Any]:
    """`build` so that a program may call it."""
    @functools.wraps(build)
    def build_layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._building:
            return build(self, *args, **kwargs)
        with building(self), default_graph().name_scope(scope_name(self.name)):
            result = build(self, *args, **kwargs)
        given = dict(list(inspect.signature(build).bind(self, *args, **kwargs).arguments.items())[1:])
        self.built, self._build_shapes = True, given
        return result
    return build_layer
