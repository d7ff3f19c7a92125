"""What one `Session.run` call comes to: fetches and feeds, compiled once, bound once per set of shapes."""
from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compiler import dims as dm
from ..compiler.collection import put_off
from ..compiler.dims import Atom
from ..compiler.dtypes import DType
from ..compiler.errors import UnimplementedError
from ..compiler.ir import Operation, Tensor
from ..compiler.ops.constant import as_strings
from ..compiler.passes.cut import cut
from ..compiler.passes.specialise import Pattern, Specialised, needed_operations, shape_pattern, specialise
from ..compiler.pipeline import Stage, compile_graph
from ..compiler.shapes import format_dims
from .debugger import DebugRun
from .frame import Frame
from .pieces import Pieces
from .plan import Binding, Plan, uninitialized

if TYPE_CHECKING:
    from .session import Session

# sets of fed shapes whose plans, memory and tables are kept ready
MAX_BINDINGS = 64

Shapes = tuple[tuple[Any, ...], ...]
Bound = tuple[Plan, Binding] | tuple[Pieces | DebugRun, dict[Atom, int]]


class Runner:
    """Runs `outputs` and `targets` on feeds. One plan serves all feeds with the same pattern of sizes."""

    def __init__(self, session: Session, outputs: Sequence[Tensor], targets: Sequence[Operation],
                 feeds: Sequence[Tensor], sizes_fed: Collection[Tensor] = (), done: Collection[Operation] = ()):
        self.session = session
        self.outputs = tuple(outputs)
        self.targets = tuple(targets)
        self.feeds = tuple(feeds)
        self.sizes_fed = frozenset(sizes_fed)  # feeds whose elements are known as sizes
        self.done = frozenset(done)  # operations that need not run any more
        self._entries = [(i, t, t.dtype.np, t.dtype.np.kind == "f") for i, t in enumerate(feeds)]
        # variables whose shape may change: their present shapes count with those of the feeds
        self._open = [op for op in needed_operations(outputs, targets, set(feeds), self.done)
                      if op.type == "VariableV2" and not op.outputs[0].shape.is_fully_defined()]
        self._plans: dict[tuple[Pattern, Shapes], Plan | Pieces | None] = {}
        self._bindings: dict[Shapes, Bound] = {}
        self._lock = threading.Lock()

    def __call__(self, values: Collection[Any]) -> list[Any]:
        """The values of `outputs`. `values` are in the order of the feeds. Raises ValueError for another number."""
        ready = list(values)
        if len(ready) != len(self._entries):
            raise ValueError(f"run: expected {len(self._entries)} values to feed, received {len(ready)}")
        shapes: list[tuple[int, ...]] = []
        for i, tensor, dtype, is_real in self._entries:
            value = ready[i]
            if is_real and type(value) is float:
                shapes.append(())
                continue
            if type(value) is not np.ndarray or value.dtype != dtype or dtype.hasobject:
                ready[i] = value = as_feed(tensor, value)
            elif not value.flags.c_contiguous:
                ready[i] = value = np.ascontiguousarray(value)
            shapes.append(value.shape)
        if self._open:
            shapes += self.open_shapes()
        if self.sizes_fed:
            shapes[:len(ready)] = self.shapes_of(ready)
        key = tuple(shapes)
        plan, binding = self._bindings.get(key) or self.bind(key)
        if not isinstance(plan, Plan):
            return plan.run(ready, binding)  # type: ignore[arg-type]
        if self.sizes_fed:
            ready = self.without_sizes(ready)
        try:
            frame = binding.frames.pop()  # type: ignore[union-attr]
        except IndexError:
            frame = Frame(plan, binding, self.session.store, self.session.counters)  # type: ignore[arg-type]
        results = frame.run(ready)
        binding.frames.append(frame)  # type: ignore[union-attr]
        return results

    @property
    def fetched(self) -> list[str]:
        """The names of the outputs and targets."""
        return [*(t.name for t in self.outputs), *(op.name for op in self.targets)]

    def shapes_of(self, values: Sequence[Any]) -> Shapes:
        """The shapes of the feeds, of those known as sizes with their elements: what a binding is for."""
        return tuple((v.shape, *v.ravel().tolist()) if t in self.sizes_fed else np.shape(v)  # a float stays as it is
                     for t, v in zip(self.feeds, values, strict=True))

    def without_sizes(self, values: Sequence[Any]) -> list[Any]:
        """What of the feeds' values a plan takes."""
        return [value for t, value in zip(self.feeds, values, strict=True) if t not in self.sizes_fed]

    def open_shapes(self) -> list[tuple[int, ...]]:
        """The present shapes of variables that may change theirs; (-1,) for one without a value."""
        arrays = [self.session.store.get(op) for op in self._open]
        return [(-1,) if array is None else array.shape for array in arrays]

    def bind(self, shapes: Shapes) -> Bound:
        """The plan for feeds (and variables that may change shape) of these shapes, bound to them; or the pieces in
        which this runs, and the sizes of their symbols."""
        with self._lock, put_off():
            if shapes not in self._bindings:
                fed, held = shapes[:len(self.feeds)], shapes[len(self.feeds):]
                for tensor, shape in zip(self.feeds, fed, strict=True):
                    if tensor not in self.sizes_fed:
                        check_shape(tensor, shape)
                if self.session.debugger:
                    self._bindings[shapes] = DebugRun(self, self.session.debugger), {}
                    return self._bindings[shapes]
                pattern = shape_pattern(self.feeds, fed, self.sizes_fed)
                plan = self.plan(pattern, held, fed)
                sizes = {name: size for dims, shape in zip(pattern, fed, strict=True)
                         for name, size in zip(dims, shape, strict=True) if isinstance(name, str)}
                # every shape rule once more: known sizes say what does not fit (of a rest in pieces, each piece does)
                if sizes and plan is not None and not (self.done and isinstance(plan, Pieces)):
                    self.specialised(fed, held)
                if plan is None or isinstance(plan, Plan) and plan.needs_exact(sizes):
                    sizes = {}
                    plan = self.plan(fed, held, fed)
                    assert plan is not None
                make_room(self._bindings)
                self._bindings[shapes] = plan, plan.bind(sizes)  # type: ignore[assignment]
            return self._bindings[shapes]

    def plan(self, pattern: Pattern, held: Shapes, fed: Shapes) -> Plan | Pieces | None:
        """The plan for a pattern of sizes, compiled unless it was; None where only the very sizes `fed` will do."""
        if (pattern, held) not in self._plans:
            make_room(self._plans)
            self._plans[pattern, held] = self.compile(pattern, held, fed)
        return self._plans[pattern, held]

    def specialised(self, pattern: Pattern, held: Shapes) -> Specialised:
        """The part of the user's graph that these fetches need, for feeds and variables of these shapes."""
        variables = {op: shape for op, shape in zip(self._open, held, strict=False) if shape != (-1,)}
        return specialise(self.outputs, self.targets, self.feeds, pattern, variables, self.sizes_fed, self.done,
                          lambda handle: self.session.store.get(handle) is not None)

    def compile(self, pattern: Pattern, held: Shapes, fed: Shapes, stages: list[Stage] | None = None
                ) -> Plan | Pieces | None:
        start = time.perf_counter()
        specialised = self.specialised(pattern, held)
        graph, symbols = specialised.graph, specialised.symbols
        parts = cut(graph, set(symbols.values()))
        if symbols and (parts.unsettled or specialised.unsettled and not self._cut_for_any(specialised, fed, held)):
            return None
        if parts or any(t.dtype.is_string for t in graph.outputs):
            return Pieces(self, specialised, parts)
        if stages is not None:
            stages.append(Stage("specialise", graph, time.perf_counter() - start))
        graph = compile_graph(graph, stages)
        for op in graph.operations:
            if op.type == "ReadVariableOp" and op.output.dims is None:
                raise uninitialized([op.inputs[0].op])
        return Plan(graph, symbols, self.session.threads)

    def _cut_for_any(self, specialised: Specialised, fed: Shapes, held: Shapes) -> bool:
        """Whether the very sizes would leave the same ops to Python: then the pieces serve for other sizes as well."""
        ours, exact = (made.left_to_python(cut(made.graph, set(made.symbols.values())))
                       for made in (specialised, self.specialised(fed, held)))
        return bool(ours) and ours == exact

    def forget_bindings(self) -> None:
        """Bind anew at the next run, and free memory: the session's debugger has changed, or it is closed."""
        with self._lock:
            for _, binding in self._bindings.values():
                if isinstance(binding, Binding):
                    binding.frames.clear()
            self._bindings.clear()

    def frame(self, shapes: Shapes) -> Frame:
        """A frame of its own, for looking at."""
        plan, binding = self.bind((*shapes, *self.open_shapes()))
        if not isinstance(plan, Plan):
            raise UnimplementedError(f"the run of {[t.name for t in self.outputs]} has no single plan: it is in pieces")
        return Frame(plan, binding, self.session.store, self.session.counters)  # type: ignore[arg-type]


def make_room(kept: dict[Any, Any]) -> None:
    """Drop the oldest entry where there are too many: each keeps memory."""
    if len(kept) >= MAX_BINDINGS:
        del kept[next(iter(kept))]


def check_shape(tensor: Tensor, shape: tuple[int, ...]) -> None:
    static = tensor.dims
    if static is not None and (len(static) != len(shape) or any(
            not isinstance(d, dm.Dim) and d != n for d, n in zip(static, shape, strict=True))):
        raise ValueError(f"Cannot feed value of shape {format_dims(shape)} for Tensor {tensor.name!r}, which has "
                         f"shape {format_dims(static)}")


def as_feed(tensor: Tensor, value: Any) -> np.ndarray:
    """A fed value as a contiguous array of the tensor's dtype, converted as NumPy does.

    Raises TypeError for a tensor and for an integer that the dtype cannot hold, ValueError for what is no array.
    """
    wanted: DType = tensor.dtype
    if isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
        raise TypeError(f"The value of a feed cannot be a tf.Tensor object: {value!r} for {tensor.name!r}. Acceptable "
                        "feed values include Python scalars, strings, lists, numpy ndarrays.")
    if wanted.is_string:
        return as_strings(value)
    try:
        with np.errstate(all="ignore"):
            array = np.asarray(value, wanted.np)
    except ValueError as error:
        raise ValueError(f"Cannot feed {type(value).__name__} for Tensor {tensor.name!r}: {error}") from None
    except OverflowError:
        raise TypeError(f"Type of feed value {value} with type {type(value)} is not compatible with Tensor type "
                        f"{wanted.name} of {tensor.name!r}. Try explicitly setting the type of the feed tensor to a "
                        "larger type (e.g. int64).") from None
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)
