"""A run in pieces: what can run first, then ops in Python on its results, then the rest, now that shapes are known.

The rest is a Runner of its own that is fed what came before, so it may be cut again (see compiler/passes/cut.py).
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compiler.dims import Atom, size_atoms
from ..compiler.dtypes import variant
from ..compiler.errors import UnimplementedError
from ..compiler.ir import Operation, Tensor
from ..compiler.opdef import CONTROL, EFFECT
from ..compiler.ops.symbolic import symbolic_value
from ..compiler.passes.cut import Cut
from ..compiler.passes.specialise import Specialised, needed_operations, said_by, size_sources
from . import interpreter
from .plan import uninitialized

if TYPE_CHECKING:
    from .runner import Runner
    from .session import Session


Watch = Callable[[Any, list[Any]], None]  # (the Runner or Operation, the values of its feeds or inputs)


class Pieces:
    """The first runner, the ops that run in Python and the rest, for one pattern of fed sizes.

    Raises UnimplementedError where a shape depends on values in a way that is not followed.
    """

    def __init__(self, runner: Runner, specialised: Specialised, cut: Cut):
        self.symbols = specialised.symbols
        make = type(runner)
        self.session = runner.session
        self.feeds, self.outputs = runner.feeds, runner.outputs
        user_ops = {ours: theirs for theirs, ours in specialised.operations.items()}
        user_tensors = {ours: theirs for theirs, ours in specialised.tensors.items()}
        _put_off(specialised, cut, user_ops, self.feeds)
        # each op that runs in Python with the user's tensors for its inputs and outputs
        self.hosts = [(op, [user_tensors[t] for t in op.inputs], user_ops[op].outputs) for op in cut.hosts]
        fed = {specialised.tensors[t].op for t in self.feeds}
        assigned = {t.op for op in specialised.graph.operations for t in op.inputs  # conds and loops may assign, too
                    if t.op.type == "VariableV2" and op.type != "ReadVariableOp"}
        done = {user_ops[op] for op in (*(op for op in cut.early - fed if not _repeatable(op, assigned)), *cut.hosts)
                if op in user_ops}  # the others are parts of a cond or loop, as it is in a plan
        ready = {*self.feeds, *(t for op in done for t in op.outputs)}  # nothing of earlier runs that is not fed
        done |= set(runner.done)

        late_outputs = [t for t in self.outputs if t not in ready]
        late_targets = [op for op in runner.targets if op not in done]
        needed = needed_operations(late_outputs, late_targets, ready, done)
        rest_feeds = _feeds(needed, ready)
        sizes = {user_tensors[t] for t in cut.sizes} & {*rest_feeds}
        if cut.late and not cut.hosts and sizes <= runner.sizes_fed:
            op = next(op for op in specialised.graph.operations if op in cut.late)
            raise UnimplementedError(f"{op.type}: the shape of {op.name!r} depends on fed values that are not small "
                                     f"integers ({op.site})", op)
        self.rest = make(self.session, late_outputs, late_targets, rest_feeds, sizes, done) if needed else None

        host_outputs = {t for _, _, outputs in self.hosts for t in outputs}
        host_inputs = [t for _, inputs, _ in self.hosts for t in inputs if t.op.type != "VariableV2"]
        wanted = [*host_inputs, *(t for t in (*rest_feeds, *self.outputs) if t not in late_outputs)]
        first_outputs = [t for t in dict.fromkeys(wanted) if t not in self.feeds and t not in host_outputs]
        first_targets = [user_ops[op] for op in specialised.graph.operations if op in cut.early - fed and
                         op in user_ops and (op.definition.family == EFFECT or user_ops[op] in runner.targets)]
        done_first = set(runner.done)
        if set(first_outputs) == set(self.outputs):  # what is later was only to tell a size, and would be so again
            done_first |= {user_ops[op] for op in (*cut.hosts, *cut.late) if op in user_ops}
        early = needed_operations(first_outputs, first_targets, set(self.feeds), done_first)
        first_feeds = _feeds(early, self.feeds)
        self.first = (make(self.session, first_outputs, first_targets, first_feeds,
                             [t for t in runner.sizes_fed if t in first_feeds], done_first) if early else None)

    def bind(self, sizes: Mapping[str, int]) -> dict[Atom, int]:
        """The sizes of the pattern's symbols."""
        return {self.symbols[name]: size for name, size in sizes.items()}

    def run(self, values: Sequence[Any], sizes: Mapping[Atom, int], watch: Watch | None = None) -> list[Any]:
        """The values of the outputs. `watch` is shown each piece, with what it is given, before it runs."""
        found: dict[Tensor, Any] = dict(zip(self.feeds, values, strict=True))

        def run(runner: Runner | None) -> None:
            if runner is not None:
                given = [found[t] for t in runner.feeds]
                if watch is not None:
                    watch(runner, given)
                found.update(zip(runner.outputs, runner(given), strict=True))

        run(self.first)
        for op, inputs, outputs in self.hosts:
            arrays = [_array(found[t]) if t in found else np.empty(0) for t in inputs]
            if watch is not None:
                watch(op, arrays)
            found.update(zip(outputs, run_in_python(self.session, op, arrays, sizes), strict=True))
        run(self.rest)
        return [found[t] if t.dtype == variant else fetched(found[t], t in self.feeds) for t in self.outputs]


def run_in_python(session: Session, op: Operation, inputs: list[np.ndarray], sizes: Mapping[Atom, int]
                  ) -> Sequence[Any]:
    """The outputs of an op that no plan has: through its reference, or against the session's variables."""
    if op.definition.family == CONTROL:
        from . import control
        return control.run(session, op, inputs)
    if "resource" in op.definition.fields or not op.inputs or op.inputs[0].op.type != "VariableV2":
        return interpreter.evaluate(op, inputs, sizes, session=session)
    handle = op.inputs[0].op
    value = session.store.get(handle)
    if value is None and op.type != "Assign":
        raise uninitialized([handle])
    if op.type == "ReadVariableOp":
        return [value.copy()]  # type: ignore[union-attr]
    if op.type == "Assign":
        value = inputs[1]
    elif "rows" in op.definition.fields:
        value, = interpreter.evaluate(op, [value, *inputs[1:]], sizes)  # type: ignore[list-item]
    else:
        update = op.definition.fields["update"].op.reference
        value = np.asarray(update(value, inputs[1]), value.dtype)  # type: ignore[union-attr]
    session.store.set(handle, value)
    return [value.copy()]


def _put_off(specialised: Specialised, cut: Cut, user_ops: Mapping[Operation, Operation], feeds: Sequence[Tensor]
             ) -> None:
    """Make late what in the user's graph has sizes that only late operations tell: by itself it could not be run."""
    def told(operations: Collection[Operation]) -> set[Atom]:
        return {atom for op in operations if op in user_ops for t in user_ops[op].outputs for atom in said_by(t)
                if not _is_given(user_ops[op], atom)}

    later = told(cut.late) - told(cut.early) - {atom for t in feeds for atom in said_by(t)}
    moved: set[Operation] = set()
    for op in specialised.graph.operations if later else ():
        waits = op in user_ops and any(later & size_atoms(value) for value in user_ops[op].attrs.values())
        if op not in cut.late and (waits or any(p in moved for p in (*(t.op for t in op.inputs), *op.control_inputs))):
            moved.add(op)
    if moved and not (cut.hosts and moved.issuperset(cut.hosts)):
        cut.early -= moved
        cut.hosts = [op for op in cut.hosts if op not in moved]
        cut.late |= moved


def _is_given(op: Operation, size: Atom) -> bool:
    """Whether the op is told the size, by an attribute or the shape or value of an input, rather than tells it."""
    return any(size in size_atoms(v) for v in (*op.attrs.values(), *(t.dims for t in op.inputs))) or any(
        size in size_atoms(tuple(v.flat)) for t in op.inputs if (v := symbolic_value(t)) is not None)


def _feeds(operations: Sequence[Operation], ready: Collection[Tensor]) -> list[Tensor]:
    """What of `ready` the operations take, or need the shape of."""
    feeds = dict.fromkeys(t for op in operations for t in op.inputs if t in ready)
    return [*feeds, *size_sources(operations, feeds, ready)]


def _repeatable(op: Operation, assigned: set[Operation]) -> bool:
    """Whether the rest may run the op again rather than be fed its result: constants and plain reads."""
    if op.type == "ReadVariableOp":
        return op.inputs[0].op not in assigned and not op.control_inputs
    return op.type in ("Const", "VariableV2")


def fetched(value: Any, is_fed: bool) -> Any:
    """A result as the user gets it: an array of his own, a scalar for rank 0."""
    array = np.array(value) if is_fed and not isinstance(value, bytes) else _array(value)
    return array[()]


def _array(value: Any) -> np.ndarray:
    """A value as an array; bytes as an object, not as NumPy's strings of fixed length."""
    if not isinstance(value, bytes):
        return np.asarray(value)
    array = np.empty((), object)
    array[()] = value
    return array
