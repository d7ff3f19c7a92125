"""Source of one element: pulls the value of a tensor at an index, level by level of a loop nest.

Every op of a fused group says how its element at an index follows from its inputs' elements (elementwise ops at the
same index, index maps at a computed one), so any of them fuses with any other. Code lands at the outermost level that
its index allows: once per kernel, once per task, or in the inner loop. Common elements are computed once per level.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import DimLike
from ..dtypes import DType, int64
from ..errors import InvalidArgumentError
from ..ir import Operation, Tensor
from ..opdef import ALIAS, EFFECT, ELEMENTWISE, INDEX, RANDOM
from ..shapes import Dims, format_dims, merged_axes

KERNEL, TASK, INNER = 0, 1, 2
# floats whose bits go into the source; other constants are loaded, so that kernels are shared
PLAIN_CONSTANTS = {0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, -1.0, -0.5, -2.0}
# what is worth keeping for a later loop over the same row rather than computing again
COSTLY = re.compile(r"\b(exp|expm1|log|log1p|log2|tanh|sigmoid|softplus|erf|erfc|pow|sin|cos|tan|asin|acos|atan|atan2|"
                    r"sinh|cosh|asinh|acosh|atanh|lgamma|digamma|polygamma|igammac?|betainc|zeta|bessel_\w+|erfinv|"
                    r"ndtri|random\w+)\(")
LARGE_TABLE, AHEAD = 1 << 20, 12  # bytes of one whose rows caches lack; how many rows ahead one is fetched
NAME = re.compile(r"[A-Za-z_]\w*")
STATUS = "status"  # the handle of the plan's status words


class SplitRun(Exception):
    """An axis of a merged inner loop is needed by itself."""


class Run:
    """Consecutive axes of the domain walked by one loop variable."""

    def __init__(self, axes: Sequence[int], variable: str, level: int):
        self.axes = tuple(axes)
        self.variable = variable
        self.level = level


class Check(str):
    """The line of a check, as a branch. A loop can find the first place where it fails instead (source.py)."""

    condition: str
    name: str
    harmless: str
    report: Sequence[str]

    def __new__(cls, condition: str, name: str, harmless: str, report: Sequence[str]) -> Check:
        self = super().__new__(cls, f"if not ({condition}): {'; '.join([*report, f'{name} = {harmless}'])}")
        self.condition, self.report, self.name, self.harmless = condition, report, name, harmless
        return self


class Emitter:
    """Emits the elements of a group's body. `sizes` evaluates dimensions, `fault_id` numbers ops that may fault,
    `handle` gives the buffer of a parameter."""

    def __init__(self, domain: Dims, runs: Sequence[Run], sizes: Callable[[DimLike], int],
                 fault_id: Callable[[Operation], int], handle: Callable[[Tensor], Any] = lambda t: t):
        self.handle = handle
        self.domain = domain
        self.sizes = sizes
        self.fault_id = fault_id
        self.buffers: list[Any] = []       # handles in slot order
        self.dims: list[int] = []          # sizes in slot order
        self.streams: list[tuple[int, Operation]] = []  # slots of random streams
        self.lines: list[list[str]] = [[], [], []]
        self.levels: dict[str, int] = {}
        self.values: list[dict[Any, str]] = [{}, {}, {}]
        self.results: dict[Tensor, str] = {}    # reductions that are complete
        self.stored: dict[Tensor, Callable[[], str]] = {}  # what is in memory already: how to load it
        self.reads: dict[Tensor, set[tuple[str, ...]]] = {}  # where each parameter is read
        self.read_again: set[str] = set()  # the slots that are read once more after a loop, where a check failed
        self.keep: Callable[[Tensor], tuple[int, str] | None] = lambda tensor: None
        self.counting = "range"  # of the inner loops: `few` where they are short
        self.copies = 0  # vectors of a step of inner loops that may be explicit vectors
        self.types: dict[str, str] = {}  # of variables, as codes
        self.natives: dict[str, tuple[str, str]] = {}  # what the lines call beside the prelude: its module, its maker
        self._slots: dict[Any, int] = {}
        self._dim_names: dict[Any, str] = {}
        self._count = 0
        self.walk(runs)

    def walk(self, runs: Sequence[Run]) -> None:
        """Begin loops over these runs: no element is known in them yet."""
        self.runs = runs
        for level in (TASK, INNER):
            self.lines[level], self.values[level] = [], {}
        for run in runs:
            self.levels.update(dict.fromkeys((run.variable, *(f"x{axis}" for axis in run.axes)), run.level))

    # names and lines

    def level(self, source: str) -> int:
        return max((self.levels.get(name, KERNEL) for name in NAME.findall(source)), default=KERNEL)

    def name(self, level: int, dtype: DType) -> str:
        self._count += 1
        name = f"v{self._count}"
        self.levels[name], self.types[name] = level, dtype.code
        return name

    def line(self, level: int, source: str) -> None:
        self.lines[level].append(source)

    def let(self, source: str, dtype: DType) -> str:
        """A variable for the value of an expression; integers are cast, since Numba widens them."""
        level = self.level(source)
        name = self.name(level, dtype)
        self.line(level, f"{name} = {source}" if dtype.is_floating else f"{name} = {dtype.code}({source})")
        return name

    def slot(self, handle: Any) -> int:
        """The buffer slot of a tensor or scratch."""
        if handle not in self._slots:
            self._slots[handle] = len(self.buffers)
            self.buffers.append(handle)
            self.levels[f"p{self._slots[handle]}"] = KERNEL
        return self._slots[handle]

    def dim(self, dim: DimLike) -> str:
        """The source of a dimension: a size slot, or 0 or 1 themselves."""
        if isinstance(dim, int) and dim in (0, 1):
            return str(int(dim))
        return self.argument(dim, self.sizes(dim))

    def argument(self, key: Any, value: int) -> str:
        """A size slot holding `value`."""
        if key not in self._dim_names:
            self._dim_names[key] = f"n{len(self.dims)}"
            self.dims.append(value)
        return self._dim_names[key]

    def bake(self, size: int) -> None:
        """Have this size in the source, as a number."""
        self._dim_names[size] = str(size)

    def size(self, x: Tensor, axis: int) -> str:
        assert x.dims is not None
        return self.dim(x.dims[axis])

    # indices

    def identity(self) -> list[str]:
        """The index of the domain's current element."""
        return [self.axis(a) for a in range(len(self.domain))]

    def axis(self, axis: int) -> str:
        dim = self.domain[axis]
        return "0" if _is_one(dim) else f"x{axis}"

    def linear(self, dims: Dims, index: Sequence[str]) -> str:
        """The flat index into a tensor of shape `dims`; axes that make up a loop's run become its variable."""
        walked = [(d, i) for d, i in zip(dims, index, strict=True) if not _is_one(d)]
        dims, index = [d for d, _ in walked], [i for _, i in walked]  # type: ignore[assignment]
        parts: list[tuple[str, DimLike]] = []
        axis = 0
        while axis < len(dims):
            part, width = self._run_at(dims, index, axis)
            parts.append((part, dm.product(dims[axis:axis + width])))
            axis += width
        source = ""
        for part, size in parts:
            source = part if not source else f"({source}) * {self.dim(size)} + {_paren(part)}"
        return source or "0"

    def _run_at(self, dims: Dims, index: Sequence[str], axis: int) -> tuple[str, int]:
        for run in self.runs:
            axes = [a for a in run.axes if not (isinstance(self.domain[a], int) and self.domain[a] == 1)]
            if axes and index[axis] == f"x{axes[0]}":
                span = range(axis, axis + len(axes))
                if span.stop <= len(dims) and all(
                        index[i] == f"x{a}" and dims[i] == self.domain[a]
                        for i, a in zip(span, axes, strict=True)):
                    return run.variable, len(axes)
        return index[axis], 1

    def axis_lines(self, source: Sequence[str]) -> list[list[str]]:
        """Definitions, by level, of the single axes that the lines mention. Raises SplitRun for one that an inner loop
        walks together with others."""
        mentioned = {int(n[1:]) for line in source for n in NAME.findall(line) if re.fullmatch(r"x\d+", n)}
        found: list[list[str]] = [[], [], []]
        for run in self.runs:
            for position, axis in enumerate(run.axes):
                if axis not in mentioned:
                    continue
                if len(run.axes) > 1 and run.level == INNER:
                    raise SplitRun
                below = dm.product(self.domain[a] for a in run.axes[position + 1:])
                source_ = run.variable if isinstance(below, int) and below == 1 else (
                    f"{run.variable} // {self.dim(below)}")
                if position:
                    source_ = f"({source_}) % {self.dim(self.domain[axis])}"
                found[run.level].append(f"x{axis} = {source_}")
        return found

    # elements

    def element(self, x: Tensor, index: Sequence[str]) -> str:
        """The source (a name or literal) of an element."""
        if x in self.results:
            return self.results[x]
        # reads of one variable are one value
        key = (self.handle(x) if x.op.type == "Parameter" else x, tuple(index))
        for known in self.values:
            if key in known:
                return known[key]
        if x in self.stored:
            source = self.stored[x]()
        else:
            source = self._compute(x, list(index))
            if kept := self.keep(x):
                self.store(x.dtype, *kept, source)
                self.stored[x] = lambda: self.load(x.dtype, *kept)
        self.values[self.level(source)][key] = source
        return source

    def broadcast_element(self, x: Tensor, index: Sequence[str], dims: Dims | None = None) -> str:
        """The element of `x` that broadcasting puts at `index` of shape `dims`."""
        assert x.dims is not None
        lead = len(index) - len(x.dims)
        own = []
        for axis, dim in enumerate(x.dims):
            one = _is_one(dim)
            if not one and dims is not None and dim != dims[lead + axis]:
                size, wanted = self.sizes(dim), self.sizes(dims[lead + axis])
                if size not in (1, wanted):
                    raise InvalidArgumentError(f"{x.op.name}: sizes {size} and {wanted} of axis {axis} cannot be "
                                               f"broadcast together ({format_dims(x.dims)}, {format_dims(dims)})", x.op)
                one = size == 1
            own.append("0" if one else index[lead + axis])
        return self.element(x, own)

    def _compute(self, x: Tensor, index: list[str]) -> str:
        op, definition = x.op, x.op.definition
        if op.type == "Const" and x.dims == () and _is_plain(op.attrs["value"].item()):
            return literal(op.attrs["value"].item(), x.dtype)
        if op.type in ("Parameter", "Const"):
            return self._parameter(x, index, x.dims)
        if definition.family == ELEMENTWISE:
            operands = [self.broadcast_element(t, index, x.dims) for t in op.inputs]
            if not isinstance(definition.lower, str):
                return definition.lower(self, op, operands)
            source = definition.lower.format(*operands, t=x.dtype.code)
            return source if source in operands else self.let(source, x.dtype)
        if definition.family == INDEX:
            return definition.lower(self, op, index)
        if definition.family == EFFECT:
            return self.element(op.inputs[1], index)
        if definition.family == ALIAS:
            if op.inputs[0].op.type == "Parameter":  # its elements lie in the same order
                return self._parameter(op.inputs[0], index, x.dims)
            return self.element(op.inputs[0], self._aliased(x, op.inputs[0], index))
        if definition.family == RANDOM:
            return self._random(x, index)
        raise AssertionError(f"no element of {op.type} ({definition.family})")

    def _parameter(self, x: Tensor, index: Sequence[str], dims: Dims | None) -> str:
        """The element at `index` of the parameter, or of what has its elements in the shape `dims`."""
        assert dims is not None
        self.reads.setdefault(x, set()).add(tuple(index))
        return self.load(x.dtype, self.slot(self.handle(x)), self.linear(dims, index))

    def _aliased(self, x: Tensor, source: Tensor, index: Sequence[str]) -> list[str]:
        """Where the element is in what `x` is a reshape of: among other axes of 1, or with a leading axis split."""
        assert x.dims is not None and source.dims is not None
        if _walked(x.dims) == _walked(source.dims):
            rest = iter([i for i, d in zip(index, x.dims, strict=True) if not _is_one(d)])
            return ["0" if _is_one(d) else next(rest) for d in source.dims]
        count = merged_axes(x.dims, source.dims)
        assert count
        lead = []
        at = index[0]
        for axis in reversed(range(1, count)):
            above = self.let(f"{_paren(at)} // {self.size(source, axis)}", int64)
            lead.append(self.let(f"{_paren(at)} - {above} * {self.size(source, axis)}", int64))
            at = above
        return [at, *reversed(lead), *index[1:]]

    def _random(self, x: Tensor, index: Sequence[str]) -> str:
        op = x.op
        assert x.dims is not None
        stream = self.argument(("stream", op), 0)
        self.streams.append((int(stream[1:]), op))
        arguments = [self.argument(("key", op), op.attrs["key"]), stream, f"i64({self.linear(x.dims, index)})"]
        bounds = [self.argument((b, op), op.attrs[b]) for b in ("low", "high") if b in op.attrs]
        function = f"{op.definition.lower}_{x.dtype.code}"
        return self.let(f"{function}({', '.join(arguments + bounds)})", x.dtype)

    def checked_index(self, index: str, limit: str, op: Operation, at: str = "0") -> str:
        """An index known to lie in [0, limit): otherwise the run fails and it is 0. `at` is its own position."""
        name = self.let(f"i64({index})", int64)
        self.fault_unless(f"({name} >= 0) & ({name} < {limit})", name, "i64(0)", op, name, limit, at)
        return name

    def fault_unless(self, condition: str, name: str, harmless: str, op: Operation, value: str = "0", limit: str = "0",
                     at: str = "0") -> None:
        """Where the condition does not hold, the plan's status words name the op and three integers that say why, and
        the variable `name` becomes `harmless`."""
        level = max(self.level(s) for s in (condition, value, limit, at))
        status = f"p{self.slot(STATUS)}"
        fault = self.argument(("fault", op), self.fault_id(op))
        report = [f"store_i64({status}, {word}, {what}, -1)"
                  for word, what in ((1, value), (2, f"i64({limit})"), (3, f"i64({at})"), (0, fault))]
        self.line(level, Check(condition, name, harmless, report))

    # memory

    def load(self, dtype: DType, slot: int, at: str) -> str:
        source = f"load_{dtype.code}(p{slot}, {at}, {scope(slot)})"
        level = self.level(at)
        name = self.name(level, dtype)
        self.line(level, f"{name} = {source}")
        return name

    def fetch_ahead(self, table: Tensor, indices: Tensor, at: str) -> None:
        """In a loop over rows of a large table, fetch one that is soon to be read: where it begins nothing foresees."""
        assert table.dims is not None and indices.dims is not None
        row = self.sizes(dm.product(table.dims[1:])) * table.dtype.size
        known = table.op.type == indices.op.type == "Parameter"
        if not known or self.level(at) != TASK or self.sizes(table.dims[0]) * row < LARGE_TABLE:
            return
        last = self.argument(("last", indices), self.sizes(dm.product(indices.dims)) - 1)
        ahead = f"{_paren(at)} + {AHEAD}"
        later = self.load(indices.dtype, self.slot(self.handle(indices)), f"select({ahead} < {last}, {ahead}, {last})")
        place = f"i64({later}) * {self.argument(('row', table), row)}"
        self.line(TASK, f"fetch(p{self.slot(self.handle(table))} + {place})")

    def store(self, dtype: DType, slot: int, at: str, value: str) -> None:
        level = max(self.level(at), self.level(value), TASK)
        self.line(level, f"store_{dtype.code}(p{slot}, {at}, {value}, {scope(slot)})")

    def identity_element(self, op: Operation) -> str:
        """The neutral element of a reduction."""
        dtype, source = op.output.dtype, op.definition.fields["identity"]
        if source in ("lowest_{t}", "highest_{t}"):
            sign = -1 if source.startswith("lowest") else 1
            value = sign * np.inf if dtype.is_floating else dtype.min if sign < 0 else dtype.max
            return literal(value, dtype)
        return source.format(t=dtype.code)


def _is_one(dim: DimLike) -> bool:
    return isinstance(dim, int) and dim == 1


def _walked(dims: Dims) -> list[DimLike]:
    return [d for d in dims if not _is_one(d)]


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, int) and abs(value) <= 16) or value in PLAIN_CONSTANTS


def literal(value: Any, dtype: DType) -> str:
    """The source of a constant."""
    if dtype.is_bool:
        return str(bool(value))
    if dtype.is_floating:
        number = {"inf": "1e999", "-inf": "-1e999", "nan": "1e999 - 1e999"}.get(str(float(value)), repr(float(value)))
    else:
        number = str(int(value)) if int(value) > -2**63 else "-9223372036854775807 - 1"
    return f"{dtype.code}({number})"


def _paren(source: str) -> str:
    return source if NAME.fullmatch(source) or source.isdigit() else f"({source})"


def scope(slot: int) -> int:
    return slot if slot < 63 else -1


def is_costly(op: Operation) -> bool:
    lower = op.definition.lower
    return op.definition.family == RANDOM or (isinstance(lower, str) and bool(COSTLY.search(lower)))
