"""What TensorFlow's versions do differently: which way it is here, and what scripts set and ask about it."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .compiler.equality import disable_tensor_equality as disable_tensor_equality
from .compiler.equality import enable_tensor_equality as enable_tensor_equality
from .compiler.ir import Tensor, default_graph
from .compiler.ops import checks
from .compiler.subgraph import lifted


def executing_eagerly() -> bool:
    """Whether ops run at once (see eager_mode): not where a graph is built."""
    return default_graph().eager


def executing_eagerly_outside_functions() -> bool:
    """Whether ops run at once outside the functions that build a graph."""
    with lifted():
        return executing_eagerly()


def _not_here() -> bool:
    """False: graphflow is TensorFlow 1 throughout."""
    return False


control_flow_v2_enabled = resource_variables_enabled = _not_here


def _accepted() -> None:
    """Nothing: accepted for scripts that set it."""


disable_control_flow_v2 = enable_control_flow_v2 = disable_v2_tensorshape = _accepted
enable_v2_tensorshape = _accepted  # a known dimension is an int here


@contextlib.contextmanager
def container(container_name: str) -> Iterator[str]:
    """Accepted: resources are kept by session."""
    yield container_name


def no_regularizer(_: Any) -> None:
    """Within a variable scope, no regularizer, whatever the scopes around it set."""
    return None


def timestamp(name: str | None = None) -> Tensor:
    """The time when it runs: seconds since 1970, float64."""
    return checks.timestamp(name=name)

