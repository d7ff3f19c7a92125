"""`why_no_gradient`: where the way that a gradient takes, from a value back to what it was computed from, breaks."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from .compiler.autodiff import input_gradients
from .compiler.control import body_inputs, is_loop, is_repeat, subgraphs
from .compiler.ir import Graph, Operation, Tensor
from .compiler.opdef import CONTROL, ELEMENTWISE, HOST
from .compiler.ops.state import placeholder
from .compiler.shapes import TensorShape
from .compiler.subgraph import enclosing

__all__ = ["Break", "GradientPath", "why_no_gradient"]


class Break(NamedTuple):
    """An op that hands no gradient to its input `tensor`, and why."""

    op: Operation
    tensor: Tensor
    reason: str

    def __str__(self) -> str:
        return f"{self.op.name!r} ({self.op.type}), made at {self.op.site}:\n    {self.reason}"


@dataclass(frozen=True, repr=False)
class GradientPath:
    """What `why_no_gradient` found: whether there is a gradient, each place where a path breaks, and it all as text."""

    has_gradient: bool
    breaks: tuple[Break, ...]
    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def why_no_gradient(y: Any, x: Any) -> GradientPath:
    """Why `gradients(y, x)` is None: no path leads from x to y, or each passes an op that has no derivative.

    `y` is a tensor or a list of them, `x` a tensor or a variable. The graph stays as it is. Raises TypeError for other
    things, and for values of eager mode, which keep no graph.
    """
    targets = [_tensor(one, "y") for one in (y if isinstance(y, (list, tuple)) else [y])]
    source = _tensor(x, "x")
    names = ", ".join(repr(t.name) for t in targets), repr(source.name)
    if all(enclosing(t.graph) is not enclosing(source.graph) for t in targets):
        return GradientPath(False, (), f"{names[0]} and {names[1]} are in different graphs.")
    if not source.dtype.is_differentiable:
        return GradientPath(False, (), f"{names[1]} (made at {source.op.site}) has dtype {source.dtype.name}: only "
                                       "floats have gradients.")
    operations = enclosing(source.graph).operations
    reached = _reached(operations, {source})
    ends = [t for t in targets if t in reached]
    if not ends:
        return GradientPath(False, (), "\n".join(_no_path(operations, t, source) for t in targets))
    search = _Search()
    live = search.backwards(operations, {t for t in ends if t.dtype.is_differentiable}, reached)
    if source in live:
        return GradientPath(True, tuple(search.breaks), f"There is a gradient of {names[0]} for {names[1]}.")
    for end in ends:
        if not end.dtype.is_differentiable:
            search.note(end.op, end, "", reached)
    found = "\n  ".join(map(str, search.breaks))
    return GradientPath(False, tuple(search.breaks), f"There is no gradient of {names[0]} for {names[1]}: every path "
                                                     f"from one to the other breaks, at\n  {found}")


def _tensor(value: Any, what: str) -> Tensor:
    """The tensor itself; for a variable its handle, which all its reads take."""
    element = getattr(value, "handle", value)
    if not isinstance(element, Tensor):
        convert = getattr(value, "_as_graph_element", lambda: value)
        element = convert()
    if not isinstance(element, Tensor):
        raise TypeError(f"why_no_gradient: {what} must be a tensor or a variable, received {value!r}")
    if element.eager_value is not None:
        raise TypeError(f"why_no_gradient: {what} is a value of eager mode, which keeps no graph; build the function "
                        "as a graph (tf.function, or without eager mode) and ask there.")
    return element


def _reached(operations: Iterable[Operation], sources: set[Tensor]) -> set[Tensor]:
    """The tensors that depend on `sources`, themselves included."""
    found = set(sources)
    for op in operations:
        if not found.isdisjoint(op.inputs):
            found.update(op.outputs)
    return found


def _no_path(operations: Sequence[Operation], y: Tensor, x: Tensor) -> str:
    text = f"{y.name!r} (made at {y.op.site}) does not depend on {x.name!r} (made at {x.op.site})."
    if x in _reached(operations, {y}):
        return f"{text} It is the other way round: {x.name!r} is computed from {y.name!r}."
    behind = _behind(y)
    common = next((t for t in _behind(x) if t in behind and t.dtype.is_differentiable and t.op.type != "Const"), None)
    if common is not None:
        return (f"{text} Both are computed from {common.name!r} (made at {common.op.site}): ask for the gradient for "
                "that one, or compute y from x itself.")
    python = next((t.op for t in behind if t.op.type.startswith("PyFunc")), None)
    if python is not None:
        return f"{text} What the Python function {python.name!r} (made at {python.site}) uses is not seen."
    return f"{text} Was one of them computed from a value (NumPy, Session.run, a constant) rather than the tensor?"


def _behind(tensor: Tensor) -> dict[Tensor, None]:
    """What a tensor is computed from, the nearest first."""
    found: dict[Tensor, None] = {}
    level = list(tensor.op.inputs)
    while level:
        level = [t for t in dict.fromkeys(level) if t not in found]
        found.update(dict.fromkeys(level))
        level = [x for t in level for x in t.op.inputs]
    return found


class _Search:
    """Follows gradients back, and notes where they end although what they would reach depends on x."""

    def __init__(self) -> None:
        self.breaks: list[Break] = []

    def backwards(self, operations: Sequence[Operation], live: set[Tensor], reached: set[Tensor]) -> set[Tensor]:
        """The tensors that the gradients of `live` reach, of those that depend on x (`reached`)."""
        live = set(live)
        for op in reversed(operations):
            if live.isdisjoint(op.outputs) or reached.isdisjoint(op.inputs):
                continue
            if op.definition.family == CONTROL:
                live |= self._through_control(op, live, reached)
                continue
            for tensor, reason in self._reasons(op, live, reached):
                if reason is None:
                    live.add(tensor)
                else:
                    self.note(op, tensor, reason, reached)
        return live

    def note(self, op: Operation, tensor: Tensor, reason: str, reached: set[Tensor]) -> None:
        """Add a break: at the op, or where the floats that the tensor came from became something else."""
        while not tensor.dtype.is_differentiable:
            before = [t for t in tensor.op.inputs if t in reached]
            if not before:
                break
            op, tensor = tensor.op, next((t for t in before if t.dtype.is_differentiable), before[0])
            reason = f"it makes {op.outputs[0].dtype.name}, which has no derivative, of {tensor.name!r}"
        if (op, tensor) not in [(b.op, b.tensor) for b in self.breaks]:
            self.breaks.append(Break(op, tensor, reason))

    def _reasons(self, op: Operation, live: set[Tensor], reached: set[Tensor]) -> Iterator[tuple[Tensor, str | None]]:
        """Each input that depends on x, and why no gradient comes to it (None: one does)."""
        grads: Sequence[Any]
        try:
            with _undone(op.graph):
                given = [placeholder(t.dtype, TensorShape(t.dims)) if t in live else None for t in op.outputs]
                grads, why = input_gradients(op, given, [t in reached for t in op.inputs]), _reason(op)
        except LookupError as error:
            grads, why = [None] * len(op.inputs), f"{error} (tf.gradients raises this)"
        for tensor, grad in zip(op.inputs, grads, strict=True):
            if tensor in reached:
                yield tensor, None if grad is not None and tensor.dtype.is_differentiable else why

    def _through_control(self, op: Operation, live: set[Tensor], reached: set[Tensor]) -> set[Tensor]:
        """The inputs of a cond or loop that gradients reach."""
        if not is_loop(op):
            found: set[Tensor] = set()
            for branch in subgraphs(op):
                inner = self._inside(branch, zip(op.outputs, branch.outputs, strict=False), live,
                                     zip(op.inputs[1:], branch.inputs, strict=True), reached)
                found |= {t for t, p in zip(op.inputs[1:], branch.inputs, strict=True) if p in inner}
            return found
        body, n = op.attrs["body"], op.attrs["variables"]
        taken = op.inputs[1:] if is_repeat(op) else op.inputs
        variables, _, _ = body_inputs(op)
        live, reached = set(live), set(reached)
        while True:  # what one iteration gives, the one before it was given, and the first the loop
            states = len(live), len(reached)
            depends = _reached(body.operations, {p for t, p in zip(taken, body.inputs, strict=True) if t in reached})
            for i, result in enumerate(body.outputs[:n]):
                if result in depends:
                    reached.add(variables[i])
            inner = self._inside(body, zip(op.outputs[:n], body.outputs, strict=False), live,
                                 zip(taken, body.inputs, strict=True), reached)
            for i, parameter in enumerate(body.inputs[:n]):
                if parameter in inner:
                    live.add(op.outputs[i])
            if states == (len(live), len(reached)):
                passed = {variables[i] for i in range(n) if op.outputs[i] in live}  # by a loop of no iterations
                return passed | {t for t, p in zip(taken, body.inputs, strict=True) if p in inner}

    def _inside(self, graph: Graph, outputs: Iterable[tuple[Tensor, Tensor]], live: set[Tensor],
                inputs: Iterable[tuple[Tensor, Tensor]], reached: set[Tensor]) -> set[Tensor]:
        depends = _reached(graph.operations, {own for outer, own in inputs if outer in reached})
        return self.backwards(graph.operations, {own for outer, own in outputs if outer in live}, depends)


def _reason(op: Operation) -> str:
    """Why an op gives no gradient to an input."""
    made = next(iter(op.outputs)).dtype
    if op.type == "StopGradient":
        return "stop_gradient lets nothing flow back"
    if op.type.startswith("PyFunc") or op.definition.family == HOST and op.definition.grad is None:
        return "it runs Python, which has no derivative; tf.custom_gradient can give it one"
    if not made.is_differentiable:
        return f"it makes {made.name}, which has no derivative"
    if op.definition.family == ELEMENTWISE:
        return "it is constant in steps: its derivative is 0 wherever there is one"
    if op.definition.grad is None:
        return "it has no gradient"
    return "its gradient leaves this input out"


@contextmanager
def _undone(graph: Graph) -> Iterator[None]:
    """Operations made inside are taken back: to ask an op for its gradient changes nothing."""
    count, version, finalized = len(graph.operations), graph.version, graph.finalized
    names, by_name = dict(graph._name_counts), graph._by_name
    graph.finalized = False
    try:
        with graph.as_default(), graph.control_dependencies(None):
            yield
    finally:
        for op in graph.operations[count:]:
            by_name.pop(op.name, None)
        del graph.operations[count:]
        graph._name_counts.clear()
        graph._name_counts.update(names)
        graph.version, graph.finalized = version, finalized
