"""What compilation made of some fetches: passes, kernels, memory and, on real feeds, times.

`graphflow.explain` is the function, also after `import graphflow.explain`: this package can be called.
"""
from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ..compiler.errors import InvalidArgumentError
from ..compiler.ir import Graph, Operation, Tensor
from ..compiler.shapes import format_dims
from ..runtime.runner import Runner, Shapes, as_feed
from ..runtime.session import Session, default_session
from .look import Look
from .passes import Pass
from .records import Buffer, Explanation, Kernel, Operand

__all__ = ["Buffer", "Explanation", "Kernel", "Operand", "Pass", "explain"]

ASSUMED_SIZE = 32  # of dimensions that neither the graph nor the caller gives


def explain(fetches: Any, feed_dict: Any = None, feed_shapes: Mapping[Any, Any] | None = None,
            session: Session | None = None, verbose: bool = False) -> Explanation:
    """How `session.run(fetches, feed_dict)` is compiled and, given a `feed_dict`, how long each kernel takes.

    Without a `feed_dict`, `feed_shapes` ({placeholder: shape}) gives the sizes; unknown ones are taken to be 32. The
    session (default: the default session, else a new one) is only looked at: what is timed works on a copy of its
    variables. `verbose` adds to the text what each pass changed, and tables of buffers. A Keras model and a
    `tf.function` have a method `explain`; here the list of its arguments stands for the `feed_dict`. Raises what
    `Session.run` raises for bad fetches and feeds, and ValueError for both a `feed_dict` and `feed_shapes`.
    """
    if feed_dict is not None and feed_shapes is not None:
        raise ValueError("explain: give either feed_dict or feed_shapes, not both")
    if hasattr(fetches, "explain"):
        return dataclasses.replace(fetches.explain(*(feed_dict or ())), verbose=verbose)
    user = session if session is not None else default_session() or Session(graph=_graph_of(fetches))
    feeds = [*feed_dict] if feed_dict is not None else [*(feed_shapes or ())]
    runner = user.runner(fetches, feeds)  # raises for a closed session
    if feed_dict is not None:
        values = [as_feed(t, v) for t, v in zip(runner.feeds, feed_dict.values(), strict=True)]
        return explained(runner, runner.shapes_of(values), values, verbose)
    notes: list[str] = []
    given = dict(zip(runner.feeds, (feed_shapes or {}).values(), strict=True))
    needed = [*dict.fromkeys([*runner.feeds, *_placeholders(runner)])]
    shapes = tuple(_assume(t, given.get(t), notes) for t in needed)
    runner = user.runner(fetches, needed)
    return explained(runner, shapes, None if needed else [], verbose, notes)


def explained(runner: Runner, shapes: Shapes, values: list[Any] | None, verbose: bool = False,
              notes: list[str] | None = None) -> Explanation:
    """The run of a runner on feeds of these shapes and, if they are given, of these `values`. What is timed works on a
    copy of the session's variables and tables; iterators and queues it finds as they are before any run."""
    user = runner.session
    own = Session(graph=user.graph, config=user.config, debug=False)
    for op in user.graph.operations:
        if op.type == "VariableV2" and (value := user.store.get(op)) is not None:
            own.store.set(op, value)
    for key, table in user.resources.items():
        if key[0] == "table":
            own.resources[key] = copied = copy.copy(table)
            copied.values = table.values and dict(table.values)
    look = Look(notes=[*(notes or ()), *(["no times: they need a feed_dict"] if values is None else [])])
    look.at(Runner(own, runner.outputs, runner.targets, runner.feeds, runner.sizes_fed, runner.done), shapes, values)
    return from_look(look, runner, shapes, verbose)


def from_look(look: Look, runner: Runner, shapes: Shapes, verbose: bool = False) -> Explanation:
    """The explanation of what was seen."""
    store = runner.session.store
    variables = [v.nbytes for op in look.variables if (v := store.get(op)) is not None]
    return Explanation(
        tuple(runner.fetched),
        {t.name: f"{t.dtype.name}{format_dims(s)}" for t, s in zip(runner.feeds, shapes, strict=False)},
        tuple(dict.fromkeys(look.notes)), tuple(look.stages), tuple(look.kernels), tuple(look.buffers),
        tuple(look.live_bytes), look.arena_bytes, sum(variables), runner.session.threads(), look.planning,
        look.seconds, verbose)


def _graph_of(fetches: Any) -> Graph | None:
    """The graph of the first fetch that has one."""
    if isinstance(fetches, Mapping):
        fetches = list(fetches.values())
    if isinstance(fetches, (list, tuple)):
        return next((g for f in fetches if (g := _graph_of(f)) is not None), None)
    found = getattr(fetches, "graph", None)
    return found if isinstance(found, Graph) else None


def _placeholders(runner: Runner) -> list[Tensor]:
    """The placeholders that the fetches need."""
    fed = {t.op for t in runner.feeds}
    stack: list[Operation] = [*(t.op for t in runner.outputs), *runner.targets]
    seen = set(stack) | fed
    found = [op for op in stack if op.type == "Placeholder" and op not in fed]
    while stack:
        op = stack.pop()
        if op in fed:
            continue
        for before in (*(t.op for t in op.inputs), *op.control_inputs):
            if before not in seen:
                seen.add(before)
                stack.append(before)
                if before.type == "Placeholder":
                    found.append(before)
    order = {op: i for i, op in enumerate(runner.session.graph.operations)}
    return [op.output for op in sorted(found, key=order.__getitem__)]


def _assume(tensor: Tensor, given: Any, notes: list[str]) -> tuple[int, ...]:
    """The shape to explain for: the one given, with sizes that nothing states set to 32."""
    dims = tensor.shape.merge_with(given).dims if given is not None else tensor.dims
    if dims is None:
        raise InvalidArgumentError(f"explain: the placeholder {tensor.name!r} has unknown rank; give its shape in "
                                   "feed_shapes", tensor.op)
    shape = tuple(d if isinstance(d, int) else ASSUMED_SIZE for d in dims)
    if shape != dims:
        notes.append(f"{tensor.name} has shape {format_dims(dims)}: unknown sizes taken to be {ASSUMED_SIZE}")
    return shape


class _Callable(ModuleType):
    """Python makes an imported module an attribute of its package, where the function should be."""

    __call__ = staticmethod(explain)


sys.modules[__name__].__class__ = _Callable
