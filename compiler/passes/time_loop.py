"""A loop over time on its way to a Recurrence (recur.py): what stays the same leaves its body, sums over steps become
sums of rows, and what is left takes rows of sequences at the position of the step.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..control import is_repeat
from ..dtypes import int32
from ..ir import Graph, Operation, Tensor, TensorType, default_graph
from ..opdef import ALIAS, CONTRACTION, COPY, ELEMENTWISE, INDEX, REDUCTION, OpDef
from ..ops.elementwise import maximum, minimum
from ..ops.symbolic import symbolic_value
from ..ops.tensor_array import read_row
from ..ops.view import dim_scalar, reverse
from ..subgraph import parameter
from .loop_products import is_projection, product_after, product_of_columns, product_of_rows, projected_row
from .prune import prune
from .rewrite import consumers, copied, reachable, reshaped, root
from .rows import follows_from, keeps_rows, row_dims, steps_after
from .totals import other_input, total

recurrence = OpDef("Recurrence", "recurrence", infer=lambda inputs, attrs: list(attrs["types"]))

# what may leave the body
_PURE = {ELEMENTWISE, INDEX, ALIAS, COPY, CONTRACTION, REDUCTION}
_READS = {"TensorArrayReadV3", "GatherV2", "Slice"}


class Unfit(Exception):
    """The loop has to stay one."""

    def __init__(self, op: Operation):
        super().__init__(op.name)
        self.op = op


@dataclass
class Loops:
    """What the loops of a graph tell one another."""

    uses: dict[Tensor, list[Operation]]
    steps: dict[Tensor, Tensor] = field(default_factory=dict)  # of rows that follow from the step: the step
    backwards: dict[Tensor, bool] = field(default_factory=dict)  # whether the loop that pushed rows goes from their end
    popped: set[Tensor] = field(default_factory=set)  # stacks whose rows a loop uses


class Loop:
    """A loop on its way. Tensors of its body are called inner, those of the body in the making ours."""

    def __init__(self, op: Operation, inputs: list[Tensor], loops: Loops):
        self.op, self.inputs, self.loops = op, inputs, loops
        self.inner, self.n = op.attrs["body"], op.attrs["variables"]
        self.bound = op.attrs["bound"]
        self.uses = consumers(self.inner)
        self.outer, self.body = default_graph(), Graph()
        self.body._site, self.body._scope = op.site, op.name
        self.position = self.argument(TensorType(int32, ()))  # of the rows that the step reads and writes
        self.step = self.position
        self.captured: dict[Tensor, Tensor] = {}  # outer tensors, and the parameters that they are
        self.ours: dict[Tensor, Tensor] = {}      # inner tensors as they are in our body
        self.lifted: dict[Tensor, Tensor | None] = {}  # inner tensors as they are outside, if they can be there
        self.rows: dict[Tensor, Tensor] = {}      # outer sequences, and their rows of the step
        self.projections: set[Tensor] = set()     # outer sequences that the step may as well compute
        self.stacked: dict[Tensor, int] = {}      # ours of which all steps' rows are wanted, and which output that is

    def replace(self) -> list[Tensor]:
        n, op, inner = self.n, self.op, self.inner
        initial = self.enter()
        kinds = [self.kind(i, initial[i]) for i in range(n)]
        carried = [i for i in range(n) if kinds[i] == "carried"]
        self.ours.update((inner.inputs[i], self.argument(inner.inputs[i].type)) for i in carried)
        written = {i: self.stack(self.of(self.row_written(i))) for i in range(n) if kinds[i] == "stacked"}  # type: ignore[arg-type]
        sums = {i: self.prepared(inner.outputs[i]) for i in range(n) if kinds[i] == "sum"}
        pushed = {k: self.pushed(inner.outputs[k]) for k in range(n, len(inner.outputs))
                  if op.outputs[k + 1] in self.loops.popped}
        final = self.make([self.ours[inner.inputs[i]] for i in carried], [initial[i] for i in carried],
                          [self.of(inner.outputs[i]) for i in carried])
        last, stacks = iter(final[:len(carried)]), final[len(carried):]
        results: list[Tensor] = []
        for i, kind in enumerate(kinds):
            match kind:
                case "same":
                    results.append(initial[i])
                case "counter":
                    results.append(initial[i] + self.count)
                case "stacked":
                    rows = stacks[written[i]]
                    results.append(reshaped(reverse(rows, 0) if self.mirrored else rows, op.outputs[i].dims))
                case "sum":
                    summed = sums[i](stacks)
                    results.append(summed if _is_zero(initial[i]) else initial[i] + summed)
                case _:
                    results.append(next(last))
        results.append(self.count)
        for k in range(n, len(inner.outputs)):
            given = pushed.get(k, self.count)  # where nothing uses them, anything
            rows = stacks[given] if isinstance(given, int) else given
            if isinstance(given, int) or given in self.loops.steps:
                self.loops.backwards[rows] = self.backwards
            results.append(rows)
        return results

    def enter(self) -> Sequence[Tensor]:
        """Find what is known of the body's inputs: counters, what stays, what an earlier loop pushed. The first values
        of the variables."""
        inner, n, m = self.inner, self.n, self.op.attrs["stacks"]
        given = self.inputs[is_repeat(self.op):]
        initial, stacks, captures = given[:n], given[n:n + m], given[n + m:]
        self.count = self.steps(initial)
        self.lifted.update(zip(inner.inputs[len(inner.inputs) - len(captures):], captures, strict=True))
        self.mirrored = self.reads_reversed(stacks)
        if not is_repeat(self.op):
            self.projections = {x.op.inputs[0] if self.mirrored and self.is_reversed(x) else x
                                for x, t in zip(self.inputs, self.op.inputs, strict=True)
                                if is_projection(t, self.loops.uses)}
        self.backwards = self.goes_backwards(stacks)
        if self.mirrored:
            with self.body.as_default():
                self.step = dim_scalar(self.bound - 1) - self.position
        for i, (v, x) in enumerate(zip(inner.inputs[:n], initial, strict=True)):
            if inner.outputs[i] is v:
                self.lifted[v] = x
            elif self.counts(i):
                with self.body.as_default():
                    self.ours[v] = self.step + self.capture(x)
        for row, stack in zip(inner.inputs[n:], stacks, strict=False):
            if row not in self.uses and row not in inner.outputs:
                continue
            if stack.op.graph is not self.outer:  # a row that follows from the step, in the body that pushed it
                self.ours[row] = self.again(stack, self.loops.steps[stack])
            elif stack.dims == row.dims:  # the same in each step
                self.lifted[row] = stack
            else:
                self.ours[row] = self.row_of(stack, row)
        return initial

    # what becomes of the variables

    def kind(self, i: int, initial: Tensor) -> str:
        v, following = self.inner.inputs[i], self.inner.outputs[i]
        if v in self.lifted:
            return "same"
        if v in self.ours:
            return "counter"
        if self.uses.get(v) == [following.op] and self.inner.outputs.count(following) == 1:
            if self.row_written(i) is not None and _is_zero(initial):
                return "stacked"
            if following.op.type == "AddV2" and total(other_input(following.op, v), self.outer, self.lift) is not None:
                return "sum"
        return "carried"

    def counts(self, i: int) -> bool:
        v, op = self.inner.inputs[i], self.inner.outputs[i].op
        if op.type != "AddV2" or v not in op.inputs or v.dims != () or not v.dtype.is_integer:
            return False
        return symbolic_value(other_input(op, v)) == 1

    def row_written(self, i: int) -> Tensor | None:
        """What each step writes to the row of its number of an array that is variable `i`."""
        v, op = self.inner.inputs[i], self.inner.outputs[i].op
        if op.type not in ("SetRows", "AddRows") or op.inputs[0] is not v or v.dims is None or v.dims[0] != self.bound:
            return None
        if op.inputs[2].dims is None or op.inputs[2].dims[0] != 1 or steps_after(self.of(op.inputs[1]), self.step) != 0:
            return None
        return op.inputs[2]

    def steps(self, initial: Sequence[Tensor]) -> Tensor:
        """How many there are: as many as the forward loop made, or until one of the counters reaches its limit."""
        if is_repeat(self.op):
            return self.inputs[0]
        test = self.op.attrs["condition"]
        n, given = self.n, dict(zip(test.inputs, self.inputs, strict=True))
        limits: list[Tensor] = []
        stack = [test.outputs[0]]
        while stack:
            op = stack.pop().op
            if op.type == "LogicalAnd":
                stack += op.inputs
                continue
            counter, end = op.inputs if op.type in ("Less", "Greater") else (None, None)
            if op.type == "Greater":
                counter, end = end, counter
            known = given.get(end)
            if end is not None and end.op.type == "Const":
                known = copied(self.outer, end.op, ()).output
            if counter not in given or known is None or not self.counts(i := test.inputs.index(counter)) or i >= n:
                raise Unfit(self.op)
            if end in test.inputs[:n] and self.inner.outputs[j := test.inputs.index(end)] is not self.inner.inputs[j]:
                raise Unfit(self.op)
            if known.dtype != int32 or initial[i].dtype != int32:
                raise Unfit(self.op)
            limits.append(known - initial[i])
        count = limits[0]
        for limit in limits[1:]:
            count = minimum(count, limit)
        return maximum(count, 0)

    # the body

    def argument(self, kind: TensorType) -> Tensor:
        op = Operation(self.body, parameter, (), {"dtype": kind.dtype, "dims": kind.dims}, "in", [kind], (), None)
        self.body.operations.append(op)
        return op.output

    def capture(self, x: Tensor) -> Tensor:
        """An outer tensor in our body."""
        if x.op.type in ("Const", "Dims"):
            return copied(self.body, x.op, ()).output
        if x not in self.captured:
            self.captured[x] = self.argument(x.type)
        return self.captured[x]

    def lift(self, t: Tensor) -> Tensor | None:
        """An inner tensor outside, where it is the same in each step."""
        if t not in self.lifted:
            op = t.op
            self.lifted[t] = None
            if op.type in ("Const", "Dims"):
                self.lifted[t] = copied(self.outer, op, ()).output
            elif op.definition.family in _PURE and not op.control_inputs:
                inputs = [self.lift(x) for x in op.inputs]
                if all(x is not None for x in inputs) and any(x.op.type not in ("Const", "Dims") for x in inputs):  # type: ignore[union-attr]
                    copies = copied(self.outer, op, inputs).outputs  # type: ignore[arg-type]
                    self.lifted.update(zip(op.outputs, copies, strict=True))
        return self.lifted[t]

    def of(self, t: Tensor) -> Tensor:
        """An inner tensor in our body."""
        if t not in self.ours:
            op = t.op
            outside = self.lift(t)
            if outside is not None:
                self.ours[t] = self.capture(outside)
            elif op.type == "Argument":
                raise Unfit(self.op)
            elif (sequence := self.sequence_read(op)) is not None:
                self.ours[t] = self.row_of(sequence, t)
            elif op.definition.family == ALIAS and len(op.inputs) == 1:
                self.ours[t] = self.shaped(self.of(op.inputs[0]), t)
            elif (product := self.product(op)) is not None:
                self.ours[t] = product
            else:
                copies = copied(self.body, op, [self.of(x) for x in op.inputs]).outputs
                self.ours.update(zip(op.outputs, copies, strict=True))
        return self.ours[t]

    def product(self, op: Operation) -> Tensor | None:
        return product_of_columns(self, op) if is_repeat(self.op) else product_of_rows(self, op)

    def again(self, t: Tensor, step: Tensor) -> Tensor:
        """What another loop's body computes from its `step`."""
        if t is step:
            return self.step
        return copied(self.body, t.op, [self.again(x, step) for x in t.op.inputs]).outputs[t.index]

    def shaped(self, x: Tensor, like: Tensor) -> Tensor:
        """The same elements in another shape."""
        while x.dims != like.dims and x.op.definition.family == ALIAS:
            x = x.op.inputs[0]
        if x.dims == like.dims:
            return x
        return reshaped(x, like.dims)

    def row_of(self, sequence: Tensor, like: Tensor) -> Tensor:
        """The row of an outer sequence at the position of the step."""
        if sequence not in self.rows:
            row = projected_row(self, sequence) if sequence in self.projections else None
            with self.body.as_default():
                self.rows[sequence] = read_row(self.capture(sequence), self.position) if row is None else row
        return self.shaped(self.rows[sequence], like)

    def reads_reversed(self, stacks: Sequence[Tensor]) -> bool:
        """Whether the loop had better go from the ends of its sequences: it takes them reversed, all there is of them,
        or the loop that it is the gradient of did."""
        if is_repeat(self.op):
            return any(t.op.type == "Recurrence" and t.op.attrs["mirrored"] for t in stacks)
        steps = symbolic_value(self.count)
        return steps is not None and steps.item() == self.bound and any(
            self.is_reversed(self.lift(op.inputs[0])) for op in self.inner.operations if op.type in _READS)

    def goes_backwards(self, stacks: Sequence[Tensor]) -> bool:
        """Whether the first step is at the last position. What was pushed last is popped first, so that the loop of a
        gradient goes the other way than the loops whose rows it takes."""
        if not is_repeat(self.op):
            return self.mirrored
        ways = {not self.loops.backwards[t] for t in stacks if t in self.loops.backwards}
        if len(ways) > 1:
            raise Unfit(self.op)
        return ways.pop() if ways else not self.mirrored

    def is_reversed(self, sequence: Tensor | None) -> bool:
        return (sequence is not None and sequence.op.type == "ReverseV2" and sequence.op.attrs["axis"] in (0, (0,))
                and sequence.dims is not None and sequence.dims[0] == self.bound)

    def sequence_read(self, op: Operation) -> Tensor | None:
        """The outer sequence of which the op reads the row at the position of the step."""
        if op.type not in _READS or op.attrs.get("axis", 0) != 0:
            return None
        sequence, index = self.lift(op.inputs[0]), op.inputs[1]
        if sequence is None or sequence.dims is None or self.lift(index) is not None:
            return None
        one_row = index.dims in ((), (1,)) if op.type != "Slice" else op.output.dims == (1, *sequence.dims[1:])
        if not one_row:
            return None
        if steps_after(self.of(index), self.step) != 0:
            return None
        if not self.mirrored:
            return sequence
        return sequence.op.inputs[0] if self.is_reversed(sequence) else reverse(sequence, 0)

    # stacks and sums

    def stack(self, t: Tensor) -> int:
        """The number of the output that has the rows of all steps."""
        if t.dims and t.dims[0] == 1 and (len(t.dims) == 3 or root(t).dims == t.dims[1:]):
            t = self.shaped(t, Tensor(t.op, 0, t.dtype, t.dims[1:]))
        return self.stacked.setdefault(t, len(self.stacked))

    def pushed(self, t: Tensor) -> Tensor | int:
        """What the loop of the gradient is given for what each step pushes: the same for all, how it follows from the
        step, or the number of the output with all rows."""
        outside = self.lift(t)
        if outside is not None:
            return outside
        row = self.of(t)
        if not follows_from(row, self.position):
            return self.stack(row)
        self.loops.steps[row] = self.step
        return row

    def prepared(self, following: Tensor) -> Callable[[Sequence[Tensor]], Tensor]:
        """What gives a sum's last value less its first, once there are stacks."""
        v = next(t for t in following.op.inputs if t.op.type == "Argument" and t in self.inner.inputs[:self.n])
        needed, summed = total(other_input(following.op, v), self.outer, self.lift)  # type: ignore[misc]
        sources = [self.source(self.of(t)) for t in needed]
        return lambda stacks: summed(stacks[s] if isinstance(s, int) else s for s in sources)

    def source(self, t: Tensor) -> Tensor | int:
        """The rows of all steps: a sequence that has them already, or the number of an output."""
        sequence = self.sequence_of(t)
        return sequence if sequence is not None and sequence.op.type == "Recurrence" else self.stack(t)

    def sequence_of(self, t: Tensor) -> Tensor | None:
        """The outer sequence of as many rows as there are steps of which ours is one row."""
        return next((s for s, row in self.rows.items() if t is row and s.dims[0] == self.bound), None)  # type: ignore[index]

    # the op

    def make(self, variables: Sequence[Tensor], initial: Sequence[Tensor], following: Sequence[Tensor]
             ) -> list[Tensor]:
        """The last values of the variables, then the rows of all steps of what is stacked."""
        body, n = self.body, len(variables)
        body.inputs = (self.position, *variables, *self.captured.values())
        body.outputs = (*following, *self.stacked)
        used = {x for op in reachable(body) for x in op.inputs} | set(following)
        after = {t: t.op for t in self.stacked if t.op.definition.family == CONTRACTION and t not in used
                 and t.op.inputs[1] in self.captured.values()}
        stacked = list(dict.fromkeys(after[t].inputs[0] if t in after else t for t in self.stacked))
        body.outputs = (*following, *stacked)
        body = prune(body)
        if not variables or not keeps_rows(body, body.inputs[1:n + 1]):
            raise Unfit(self.op)
        types = (*(v.type for v in variables), *(TensorType(t.dtype, (self.bound, *row_dims(t))) for t in stacked))
        attrs: dict[str, Any] = {"body": body, "variables": n, "bound": self.bound, "mirrored": self.mirrored,
                                 "reverse": self.backwards, "types": types}
        made = self.outer.add(recurrence, [self.count, *initial, *self.captured], attrs, "Recurrence",
                              control_inputs=()).outputs
        rows, outside = dict(zip(stacked, made[n:], strict=True)), {ours: x for x, ours in self.captured.items()}
        return [*made[:n], *(
            product_after(rows[after[t].inputs[0]], outside[after[t].inputs[1]], after[t]) if t in after else rows[t]
            for t in self.stacked)]


def _is_zero(t: Tensor) -> bool:
    t = root(t)
    source = t.op.inputs[0] if t.op.type in ("Fill", "BroadcastTo") else t
    return t.op.type == "TensorArrayV3" or source.op.type == "Const" and not source.op.attrs["value"].any()
