"""One kernel for a loop over time whose rows do not meet (see passes/recur.py).

A task is a few rows of the batch; a thread takes its rows through all steps without waiting for the others. A step is
stages of elementwise loops over the rows, each stored value in a buffer of its own, and between one stage and the next
the products of what was stored.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, NamedTuple

from .. import dims as dm
from ..dims import DimLike
from ..dtypes import DType
from ..ir import Operation, Tensor
from ..native.processor import isa
from ..opdef import ALIAS, CONTRACTION, ELEMENTWISE
from ..passes.rows import row_dims, steps_after
from ..shapes import Dims
from .emitter import INNER, KERNEL, TASK, Emitter, Run, is_costly, literal, scope
from .gemm import lower_gemm
from .kernel import KernelCall, Scratch
from .recurrence_product import StepProduct
from .source import calls, indented
from .text import NATIVE

ROWS = 4  # of a task
# a product that a step might take: rows of all steps that are kept in the caches, and a matrix that is
SEQUENCE_BYTES, MATRIX_BYTES = 1 << 21, 1 << 18


class Home(NamedTuple):
    """Where a value is stored: a buffer with its rows, or one with its rows of all steps."""

    handle: Any
    stacked: bool = False


class Store(NamedTuple):
    """An element to compute and where it goes: columns of `whole` from `column` on."""

    value: Tensor
    whole: Tensor
    home: Home
    column: DimLike = 0


class _Elements(Emitter):
    """The elementwise loop of a stage, over rows and columns; what was stored before is loaded."""

    def __init__(self, kernel: RecurrenceKernel, domain: Dims):
        runs = [Run([0], "row", TASK), Run([1], "column", INNER)][:len(domain)]
        super().__init__(domain, runs, kernel.sizes, kernel.fault_id, kernel.handle)
        self.kernel = kernel

    def after(self, other: Emitter) -> _Elements:
        """Buffers, sizes and names go on from those of another loop."""
        self.buffers, self.dims, self._slots, self._dim_names, self._count = (
            other.buffers, other.dims, other._slots, other._dim_names, other._count)
        return self

    def place(self, t: Tensor, index: Sequence[str], home: Home) -> str:
        """The flat index into where `t` is stored."""
        dims = row_dims(t)
        index = list(index[len(index) - len(dims):])
        if home.stacked:
            return self.linear((self.kernel.bound, *dims), ["step", *index])
        return self.linear(dims, index)

    def _compute(self, x: Tensor, index: list[str]) -> str:
        kernel = self.kernel
        if x is kernel.step:
            return "i32(step)"
        if x in kernel.written:
            home = kernel.homes[x]
            return self.load(x.dtype, self.slot(home.handle), self.place(x, index, home))
        if x.op.type == "Argument":
            return self.load(x.dtype, self.slot(kernel.handle(x)), self.linear(x.dims, index))  # type: ignore[arg-type]
        if x.op.type == "Dims":
            return f"i32({self.dim(x.op.attrs['dims'][int(index[0]) if index else 0])})"
        if x.op.type == "ConcatV2":  # a vector of known length, at a known index
            at = int(index[0])
            for piece in x.op.inputs:
                size = kernel.sizes(piece.dims[0])  # type: ignore[index]
                if at < size:
                    return self.element(piece, [str(at)])
                at -= size
        return super()._compute(x, index)


class RecurrenceKernel:
    """The kernel of one Recurrence op."""

    def __init__(self, op: Operation, sizes: Callable[[DimLike], int], fault_id: Callable[[Operation], int]):
        self.op, self.sizes, self.fault_id = op, sizes, fault_id
        body, n = op.attrs["body"], op.attrs["variables"]
        self.operations = body.operations
        self.step, *parameters = body.inputs
        self.variables, self.bound = parameters[:n], op.attrs["bound"]
        self.following, self.stacked = body.outputs[:n], body.outputs[n:]
        self.count, *given = op.inputs
        self.initial = given[:n]
        self.stacks = op.outputs[n:]
        self._handles = dict(zip(parameters, (*op.outputs[:n], *given[n:]), strict=True))
        self.batch = row_dims(self.variables[0])[0]
        one_row = isinstance(self.batch, int) and self.batch == 1
        products = [o for o in self.operations if o.definition.family == CONTRACTION]
        self.before = {o.output: x for o in products if (
            x := self._sequence(o)) is not None and self._better_before(o)}
        self.products = {o.output: StepProduct(o, self.handle(o.inputs[1]), sizes, one_row, [
            t for t in self.before if not one_row and t.dims == o.output.dims and t.dtype == o.output.dtype])
            for o in products if o.output not in self.before}
        self.joined = [o.output for o in self.operations if o.type == "ConcatV2" and len(o.output.dims or ()) > 1]
        self.stage: dict[Tensor, int] = dict.fromkeys(body.inputs, 0)  # after which of them a value is complete
        self.stage.update(dict.fromkeys(self.before, 0))
        self.homes = {v: Home(self.handle(v)) for v in self.variables}
        self.homes.update((t, Home(Scratch(self._all_rows(t)), True)) for t in self.before)
        self.extra: list[Store] = []  # of what has a home already
        self.kept = self._settle()
        self.written = {*self.variables, *self.before}  # what can be loaded at this point of a step
        self.emit: Emitter = _Elements(self, ())

    def handle(self, t: Tensor) -> Any:
        return self._handles.get(t, t)

    # what is stored where, and when

    def _settle(self) -> list[Tensor]:
        """Stages and homes; the tensors that are stored, other than the variables."""
        kept: dict[Tensor, None] = {}
        for op in self.operations:
            if op.type == "Argument" or op.output in self.before:
                continue
            begins = max((self.stage[t] for t in op.inputs), default=0)
            apart = op.outputs[0] in self.products or op.outputs[0] in self.joined
            self.stage.update(dict.fromkeys(op.outputs, begins + apart))
            kept.update(dict.fromkeys(t for t in op.inputs if self._lasts(t, begins)))
            if apart:
                kept[op.output] = None
            if op.outputs[0] in self.products:
                kept[op.inputs[0]] = None
        kept.update(dict.fromkeys((*self.following, *self.stacked)))
        for t, out in zip(self.stacked, self.stacks, strict=True):
            self._place(t, Home(out, True))
        for t in kept:
            if t not in self.homes or t in self.variables and t in self.following:
                self._place(t, Home(Scratch(max(1, self.sizes(dm.product(row_dims(t))) * t.dtype.size))))
        return [t for t in kept if t not in self.variables and t not in self.before]

    def _lasts(self, t: Tensor, stage: int) -> bool:
        """Whether a later stage needs the value, which it is better to keep than to compute again."""
        return (t.op.definition.family == ELEMENTWISE and self.stage[t] < stage
                and (self.stage[t] > 0 or is_costly(t.op)) and bool(t.dims))

    def _place(self, t: Tensor, home: Home) -> None:
        if t in self.homes:
            self.extra.append(Store(t, t, home))
        else:
            self.homes[t] = home

    # products before the loop

    def _sequence(self, op: Operation) -> Tensor | None:
        """The sequence, one of the body's inputs, whose row of the step the product of the op takes."""
        row = op.inputs[0]
        while row.op.definition.family == ALIAS:
            row = row.op.inputs[0]
        if row.op.type != "TensorArrayReadV3" or steps_after(row.op.inputs[1], self.step) != 0:
            return None
        sequence = row.op.inputs[0]
        whole = sequence.dims is not None and sequence.dims[0] == self.bound
        return sequence if whole and sequence.op.type == "Argument" else None

    def _better_before(self, op: Operation) -> bool:
        """Whether all steps' rows of a product are better taken at once: they stay in the caches, the matrix does not,
        or a step has too few of them."""
        kept = self._all_rows(op.output) <= SEQUENCE_BYTES
        matrix = self.sizes(dm.product(op.inputs[1].dims)) * op.output.dtype.size
        return kept or matrix > MATRIX_BYTES or self.sizes(self.batch) < isa().mr

    def _all_rows(self, t: Tensor) -> int:
        return self.sizes(self.bound) * self.sizes(dm.product(row_dims(t))) * t.dtype.size

    def calls(self) -> list[KernelCall]:
        rows = self.sizes(self.bound) * self.sizes(self.batch)
        return [*(call for t, x in self.before.items() for call in lower_gemm(
            self.handle(x), self.handle(t.op.inputs[1]), self.homes[t].handle, dtype=t.dtype.code, m=rows,
            n=self.sizes(t.dims[1]), k=self.sizes(t.op.inputs[0].dims[1]),
            transpose_b=t.op.attrs["transpose_b"])), self._loop_call()]

    # text

    def _loop_call(self) -> KernelCall:
        stages = range(max(self.stage.values()) + 1)
        step = [line for stage in stages for line in self._stage(stage)] + self._hand_over()
        around = [line for product in self.products.values() for line in product.pack(self.emit)] + self._start()
        end = self._finish()
        emit = self.emit
        lines = [
            f"first = begin * {ROWS}", f"last = min(end * {ROWS}, {emit.dim(self.batch)})",
            f"count = i64(load_i32(p{emit.slot(self.count)}, 0, -1))", *around, "for turn in range(count):",
            f"    step = {'count - 1 - turn' if self.op.attrs['reverse'] else 'turn'}", *indented(step), *end]
        setup = [f"p{i} = word(buffers, {i})" for i in range(len(emit.buffers))]
        setup += [f"n{i} = word(dims, {i})" for i in range(len(emit.dims))]
        batch, steps = self.sizes(self.batch), self.sizes(self.bound)
        writes = [i for i, x in enumerate(emit.buffers) if isinstance(x, Scratch) or x in self.op.outputs]
        moved = sum(self.sizes(dm.product(row_dims(t))) * t.dtype.size for t in self.kept)
        tasks = max(1, ceil(batch / ROWS))
        return KernelCall(self.op.name, self._module([*setup, *lines]), tuple(emit.buffers), tuple(emit.dims), tasks,
                          flops=steps * self._flops(), nbytes=steps * moved,
                          writes=tuple(writes), grain=tasks)

    def _module(self, lines: list[str]) -> str:
        natives = {name: made for product in self.products.values() for name, made in product.natives().items()}
        text = "\n".join(indented(lines))
        names = ["compiled", *(name for name in calls(text) if name not in natives and name != "min")]
        imports = [f"from {NATIVE}.prelude import {', '.join(names)}"]
        if natives:
            imports.insert(0, f"from {NATIVE}.microkernel import microkernel")
        if tiles := sorted({made.split("(")[0] for made in natives.values()} - {"microkernel"}):
            imports.append(f"from {NATIVE}.tiles import {', '.join(tiles)}")
        return "\n".join(['"""A loop over time."""', *imports, "", *(f"{a} = {b}" for a, b in natives.items()), "",
                          "@compiled", "def kernel(buffers, dims, begin, end, lane):", text]) + "\n"

    def _flops(self) -> int:
        """Of a step, a costly function as 20."""
        batch, total = self.sizes(self.batch), 0
        for op in self.operations:
            if op.outputs[0] in self.products:
                total += 2 * batch * self.sizes(op.inputs[0].dims[1]) * self.sizes(op.output.dims[1])
            elif op.definition.family == ELEMENTWISE:
                total += (20 if is_costly(op) else 1) * self.sizes(dm.product(op.output.dims))
        return total

    def _stage(self, stage: int) -> list[str]:
        """The elementwise loops of a stage, one for each shape of what they store, then the products."""
        stores = [Store(t, t, self.homes[t]) for t in self.kept
                  if self.stage[t] == stage and t not in self.products and t not in self.joined]
        stores += [store for store in self.extra if self.stage[store.value] == stage]
        for whole in self.joined:
            if self.stage[whole] == stage + 1:
                column: DimLike = 0
                for piece in whole.op.inputs:
                    stores.append(Store(piece, whole, self.homes[whole], column))
                    column = column + row_dims(piece)[1]
        by_shape: dict[Dims, list[Store]] = {}
        for store in stores:
            by_shape.setdefault(row_dims(store.value), []).append(store)
        lines = [line for domain, some in by_shape.items() for line in self._loop(domain, some)]
        self.written.update(store.value for store in stores if store.whole is store.value)
        for out, product in self.products.items():
            if self.stage[out] == stage + 1:
                lines += product.multiply(self.emit, self._rows)
        self.written.update(t for t in (*self.products, *self.joined) if self.stage[t] == stage + 1)
        return lines

    def _loop(self, domain: Dims, stores: Sequence[Store]) -> list[str]:
        self.emit = emit = _Elements(self, domain).after(self.emit)
        for value, whole, home, column in stores:
            index = emit.identity()
            source = emit.element(value, ["0"] * (len(value.dims or ()) - len(domain)) + index)
            if whole is not value:
                index = [index[0], f"{emit.dim(column)} + {index[1]}"]
            emit.store(value.dtype, emit.slot(home.handle), emit.place(whole, index, home), source)
        axes = emit.axis_lines([*emit.lines[TASK], *emit.lines[INNER]])
        inner = [*axes[INNER], *emit.lines[INNER]]
        if inner:
            inner = self._columns(domain[1], stores[0].value.dtype, inner)
        return [*emit.lines[KERNEL], "for row in range(first, last):",
                *indented([*axes[TASK], *emit.lines[TASK], *inner])]

    def _columns(self, width: DimLike, dtype: DType, lines: Sequence[str]) -> list[str]:
        """A loop over columns. Those that fill no vector are masked, if LLVM had several smaller steps for them."""
        columns, lanes = self.emit.dim(width), isa().vector_bytes // dtype.size
        steps, rest = divmod(self.sizes(width) % lanes, 4)
        if not isa().masks or steps + rest < 2:
            return [f"for column in range({columns}):", *indented(lines)]
        whole = f"{columns} // {lanes} * {lanes}"
        return [f"for column in range({whole}):", *indented(lines),
                f"for column in masked({whole}, {columns}):", *indented(lines)]

    def _rows(self, t: Tensor) -> str:
        """The address of a value's rows in this step."""
        home, emit = self.homes[t], self.emit
        start = f" + step * {emit.dim(dm.product(row_dims(t)))} * {t.dtype.size}" if home.stacked else ""
        return f"p{emit.slot(home.handle)}{start}"

    # before the first step, between steps and after the last

    def _copy(self, v: Tensor, source: str, slot: int) -> list[str]:
        """The rows of a variable from those at an address."""
        emit, code, out = self.emit, v.dtype.code, self.emit.slot(self.handle(v))
        width = emit.dim(dm.product(row_dims(v)[1:]))
        return [f"source = {source} + first * {width} * {v.dtype.size}",
                f"target = p{out} + first * {width} * {v.dtype.size}",
                f"for at in range((last - first) * {width}):",
                f"    store_{code}(target, at, load_{code}(source, at, {scope(slot)}), {scope(out)})"]

    def _start(self) -> list[str]:
        emit = self.emit
        return [line for x, v in zip(self.initial, self.variables, strict=True)
                for line in self._copy(v, f"p{emit.slot(x)}", emit.slot(x))]

    def _hand_over(self) -> list[str]:
        """The next values into the variables' buffers."""
        lines = []
        for t, v in zip(self.following, self.variables, strict=True):
            home = next((s.home for s in self.extra if s.value is t and not s.home.stacked), self.homes[t])
            slot = self.emit.slot(home.handle)
            lines += self._copy(v, self._rows(t) if home is self.homes[t] else f"p{slot}", slot)
        return lines

    def _finish(self) -> list[str]:
        """Rows of steps that were not made are zero."""
        emit, lines = self.emit, []
        for t, out in zip(self.stacked, self.stacks, strict=True):
            rows, width = emit.dim(dm.product(row_dims(t))), emit.dim(dm.product(row_dims(t)[1:]))
            lines += [f"target = p{emit.slot(out)} + (step * {rows} + first * {width}) * {t.dtype.size}",
                      f"for at in range((last - first) * {width}):",
                      f"    store_{t.dtype.code}(target, at, {literal(0, t.dtype)}, {scope(emit.slot(out))})"]
        return [f"for step in range(count, {emit.dim(self.bound)}):", *indented(lines)] if lines else []

