"""`tf.GradientTape` on graphs: which operations it covers, and their gradients as more graph."""
from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .compiler import autodiff
from .compiler.ir import Operation, Tensor, default_graph
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.reduction import reduce_sum, size_of
from .compiler.ops.slicing import stack
from .compiler.ops.view import known_rank, reshape, shape_of, transpose, zeros, zeros_like
from .compiler.subgraph import enclosing
from .control_flow import map_fn
from .framework import GraphKeys, UnconnectedGradients, gradients
from .math_ops import add_n, range_
from .nest import flatten, is_nested, pack_sequence_as


class GradientTape:
    """`with GradientTape() as tape:` covers the operations made inside. `gradient` may be asked once, any number of
    times if `persistent`, within the block (for higher derivatives) or after it.

    In a graph nothing needs to be recorded: a gradient is graph made from graph. So tensors need no `watch`, and
    `watch_accessed_variables` changes nothing. Where ops run at once they are recorded, for the trainable variables
    (unless `watch_accessed_variables` is False) and what is watched. Operations of `stop_recording` are constants.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self._persistent, self._watches_variables = persistent, watch_accessed_variables
        self._watched: set[Any] = set()
        self._written: dict[Any, Tensor] = {}  # by a function before the block
        self._recorded: list[Operation] = []  # where ops run at once
        self._used = self._inside = False
        self._stops: list[Tensor] = []
        self._values: dict[Any, Tensor] = {}
        self._range: tuple[Any, int, int | None] | None = None

    def __enter__(self) -> GradientTape:
        if self._inside:
            raise ValueError("Tape is still recording, This can happen if you try to re-enter an already-active tape.")
        keras = sys.modules.get("graphflow.keras.scope")  # not imported for this
        scope = keras.current_scope() if keras else None
        self._inside = True
        # within a training step a variable may have a new value already
        self._values = {} if scope is None else dict(scope.values)
        self._written = dict(getattr(enclosing(default_graph()), "written", {}))
        graph = default_graph()
        self._record(graph)
        self._range = graph, len(graph.operations), None
        return self

    def __exit__(self, *error: Any) -> None:
        self._inside = False
        assert self._range is not None
        graph, first, _ = self._range
        self._stop(graph)
        self._range = graph, first, len(graph.operations)

    def _record(self, graph: Any) -> None:
        if graph.eager:
            graph.recording.append(self._recorded)

    def _stop(self, graph: Any) -> None:
        if graph.eager:
            graph.recording[:] = [r for r in graph.recording if r is not self._recorded]

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """What is made inside is recorded too, also after the tape's block."""
        if not self._inside:
            self._record(default_graph())
        yield
        if not self._inside:
            self._stop(default_graph())

    def watch(self, tensor: Any) -> None:
        """Says that gradients for `tensor` (or a nest of them) will be asked for. Raises ValueError for what is
        neither a tensor nor a variable."""
        for leaf in flatten(tensor):
            if not isinstance(leaf, Tensor) and not hasattr(leaf, "_as_graph_element"):
                raise ValueError(f"Passed in object {leaf!r} of type {type(leaf).__name__!r}, not tf.Tensor or "
                                 "tf.Variable or ExtensionType.")
            self._watched.add(leaf)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """What is made inside is constant for the gradients."""
        if not self._inside:
            raise RuntimeError("Trying to stop recording on a tape which is not recording.")
        operations = self._recorded if default_graph().eager else default_graph().operations
        first = len(operations)
        yield
        self._stops += [t for op in operations[first:] for t in op.outputs]

    def reset(self) -> None:
        """Begin anew."""
        self._used, self._stops = False, []
        self._recorded.clear()

    def watched_variables(self) -> tuple[Any, ...]:
        """The trainable variables that operations of the block read."""
        assert self._range is not None
        graph, first, last = self._range
        if graph.eager:
            handles = dict.fromkeys(op.inputs[0] for op in self._recorded if op.type == "ReadVariableOp")
            seen = [graph.variables[h] for h in handles if h in graph.variables]
            return tuple(v for v in seen if v in self._watched or self._watches_variables and v.trainable)
        function: Any = enclosing(graph)
        if function.home is not None:
            used = {t for op in graph.operations[first:last] for t in (*op.inputs, *op.outputs)}
            return tuple(v for v, t in function.captured.items() if t in used and hasattr(v, "handle") and v.trainable)
        read = {t.op.inputs[0] for op in graph.operations[first:last] for t in (*op.inputs, *op.outputs)
                if t.op.type == "ReadVariableOp"}
        return tuple(v for v in graph.get_collection_ref(GraphKeys.TRAINABLE_VARIABLES)
                     if getattr(v, "handle", None) in read)

    def gradient(self, target: Any, sources: Any, output_gradients: Any = None,
                 unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """d(sum of the targets)/d(source) for each tensor or variable in the nest `sources`, in that nest; None (or
        zeros) where no target depends on one. `output_gradients` weight the targets.

        Raises RuntimeError when asked a second time of a tape that is not persistent.
        """
        self._use()
        targets = [t for t in flatten(target) if t is not None]
        weights = output_gradients if output_gradients is None else (
            flatten(output_gradients) if is_nested(target) else [output_gradients])
        return pack_sequence_as(sources, self._gradients(targets, flatten(sources), weights, unconnected_gradients))

    def _gradients(self, targets: Any, sources: list[Any], weights: Any = None,
                   unconnected_gradients: Any = UnconnectedGradients.NONE) -> list[Any]:
        graph: Any = default_graph()
        if not graph.eager:
            return gradients(targets, [self._source(s) for s in sources], weights, stop_gradients=self._stops or None,
                             unconnected_gradients=unconnected_gradients)
        # a variable is read anew wherever it is used
        reads = [self._reads(s) for s in sources]
        with graph.differentiating(self._recorded):
            found = iter(autodiff.gradients(targets, [t for group in reads for t in group], weights,
                                            stop_gradients=self._stops or None, sparse=True))
        sums = [[g for g in itertools.islice(found, len(group)) if g is not None] for group in reads]
        none = UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.NONE
        return [(_sum(group, s) if group else None if none else zeros_like(convert_to_tensor(s)))
                for s, group in zip(sources, sums, strict=True)]

    def _reads(self, source: Any) -> list[Tensor]:
        """The recorded tensors that stand for a source; none where it is not watched."""
        handle = getattr(source, "handle", None)
        if handle is None:
            made = {t for op in self._recorded for t in op.outputs}
            return [source] if source in self._watched or source in made else []
        if source not in self._watched and not (self._watches_variables and source.trainable):
            return []
        own = default_graph().adopt(handle)
        return [op.outputs[0] for op in self._recorded if op.type == "ReadVariableOp" and op.inputs[0] is own]

    def _use(self) -> None:
        if self._used and not self._persistent:
            raise RuntimeError("A non-persistent GradientTape can only be used to compute one set of gradients (or "
                               "jacobians)")
        self._used = True

    def _source(self, source: Any) -> Any:
        """What the tape's block read of a variable; a tensor itself."""
        function: Any = enclosing(default_graph())
        if not hasattr(source, "handle"):
            return source if function.home is None else function.adopt(source)
        if function.home is None or source in self._values:
            return self._values.get(source, source)
        return self._written.get(function.adopt(source.handle), function.captured.get(source, source))

    def jacobian(self, target: Any, sources: Any, unconnected_gradients: Any = UnconnectedGradients.NONE,
                 parallel_iterations: int | None = None, experimental_use_pfor: bool = True) -> Any:
        """The derivatives of each element of `target`: for each source a tensor of shape target.shape + source.shape.
        Raises ValueError for a source or target of unknown rank."""
        self._use()
        y = convert_to_tensor(target)
        with self.going_on():
            flat = reshape(y, [-1])
        policy = UnconnectedGradients(unconnected_gradients)

        def rows(source: Any) -> Tensor | None:
            x = self._source(source)
            if policy is UnconnectedGradients.NONE and self._plain(y, x)[0] is None:
                return None
            like = convert_to_tensor(source)
            with self.going_on():
                found = map_fn(lambda i: _dense(self._plain(flat[i], x)[0], like), range_(size_of(flat)),
                               dtype=like.dtype)
            return reshape(found, (*known_rank("jacobian", y), *known_rank("jacobian", like)))

        return pack_sequence_as(sources, [rows(s) for s in flatten(sources)])

    def batch_jacobian(self, target: Any, source: Any, unconnected_gradients: Any = UnconnectedGradients.NONE,
                       parallel_iterations: int | None = None, experimental_use_pfor: bool = True) -> Any:
        """The jacobian of each row by itself: a tensor of shape [batch] + target.shape[1:] + source.shape[1:]. Raises
        ValueError where a target's row has no static size."""
        self._use()
        y, like = convert_to_tensor(target), convert_to_tensor(source)
        dims, inner = known_rank("batch_jacobian", y), known_rank("batch_jacobian", like)
        row = y.shape[1:].num_elements()
        if row is None:
            raise ValueError(f"batch_jacobian: the target's rows must have a static size. Received: {y!r}")
        x = self._source(source)
        if UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.NONE and self._plain(y, x)[0] is None:
            return None
        with self.going_on():
            flat = reshape(y, (-1, row))
            columns = [_dense(self._plain(reduce_sum(flat[:, i]), x)[0], like) for i in range(row)]
        found = transpose(stack(columns), (1, 0, *range(2, len(inner) + 1)))
        return reshape(found, (*dims, *inner[1:]))

    def _plain(self, y: Any, x: Any) -> Sequence[Any]:
        return self._gradients([y], [x])


def _sum(grads: list[Any], source: Any) -> Any:
    """Gradients of a variable may stay IndexedSlices."""
    if len(grads) == 1 and hasattr(source, "handle"):
        return grads[0]
    return add_n([convert_to_tensor(g) for g in grads]) if len(grads) > 1 else convert_to_tensor(grads[0])


def _dense(gradient: Any, like: Tensor) -> Tensor:
    return zeros(shape_of(like), like.dtype) if gradient is None else convert_to_tensor(gradient)


__all__ = ["GradientTape"]
