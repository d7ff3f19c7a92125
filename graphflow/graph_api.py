"""What TensorFlow's Graph, Operation and Tensor offer beyond what the compiler needs of them."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .compiler.ir import Graph, Operation, Tensor
from .devices import placing


def _as_graph_def(self: Graph, from_version: int | None = None, add_shapes: bool = False) -> Any:
    """The operations as data (see compiler/graph_def.py)."""
    from .compiler.graph_def import graph_def_of  # loaded when a graph is first written
    return graph_def_of(self)


def _add_to_collections(self: Graph, names: Any, value: Any) -> None:
    """Append `value` to each of the collections `names` (a name or several), once."""
    for name in dict.fromkeys([names] if isinstance(names, str) else names):
        self.add_to_collection(name, value)


def _eval(self: Tensor, feed_dict: Any = None, session: Any = None) -> Any:
    """The value in `session` (default: the default session)."""
    from .session import chosen  # a light import of graphflow leaves the runtime out
    return chosen(session, f"evaluate tensor {self.name!r} using `eval()`").run(self, feed_dict)


def _run(self: Operation, feed_dict: Any = None, session: Any = None) -> None:
    """Run the operation in `session` (default: the default session)."""
    from .session import chosen
    chosen(session, f"execute operation {self.name!r} using `run()`").run(self, feed_dict)


@contextlib.contextmanager
def _accepted(self: Graph, *args: Any, **kwargs: Any) -> Iterator[None]:
    """Accepted: everything runs on one device, and each session keeps its own state."""
    yield


def _unfinalize(self: Graph) -> None:
    self.finalized = False


def _unfed(graph: Graph) -> set[Any]:
    return graph.__dict__.setdefault("_not_feedable", set())


def _is_feedable(self: Graph, tensor: Any) -> bool:
    return tensor not in _unfed(self)


def _prevent_feeding(self: Graph, tensor: Any) -> None:
    _unfed(self).add(tensor)


def _is_fetchable(self: Graph, tensor_or_op: Any) -> bool:
    return True


def _traceback(self: Operation) -> list[tuple[str, int]]:
    """Where the user made the operation: [(file, line)]."""
    return [] if self.site is None else [(str(self.site), 0)]


def _node_def(self: Operation) -> Any:
    from .compiler.graph_def import node_of
    return node_of(self)


def _get_attr(self: Operation, name: str) -> Any:
    """An attribute. Raises ValueError if there is none of this name."""
    if name not in self.attrs:
        raise ValueError(f"Operation {self.name!r} has no attr named {name!r}.")
    return self.attrs[name]


def _keras_shape(self: Tensor) -> tuple[int | None, ...] | None:
    """The shape as Keras 2 kept it."""
    return None if self.dims is None else tuple(self.shape.as_list())


def _members(kind: type, **members: Any) -> None:
    for name, member in members.items():
        setattr(kind, name, member)


_members(Graph, as_graph_def=_as_graph_def, add_to_collections=_add_to_collections, colocate_with=_accepted,
         device=placing, container=_accepted, _unsafe_unfinalize=_unfinalize, is_feedable=_is_feedable,
         prevent_feeding=_prevent_feeding, is_fetchable=_is_fetchable, building_function=False)
_members(Operation, run=_run, node_def=property(_node_def), op_def=property(lambda self: self.definition),
         traceback=property(_traceback), get_attr=_get_attr, colocation_groups=lambda self: [])
_members(Tensor, eval=_eval, ref=lambda self: self, experimental_ref=lambda self: self,
         value_index=property(lambda self: self.index), _keras_shape=property(_keras_shape, Tensor.set_shape),
         __nonzero__=Tensor.__bool__)  # Python 2's name, which libraries ask for
