"""Groups of operations that fusion puts into one kernel, and what may be in one."""
from __future__ import annotations

from ..dims import DimLike
from ..ir import Operation
from ..opdef import ELEMENTWISE, INDEX, RANDOM, REDUCTION, crosses, has_native_types
from ..shapes import Dims

MAX_MEMBERS = 100  # of a loop group: compiling a kernel takes time more than proportional to its length
LOOP_FAMILIES = {ELEMENTWISE, INDEX, RANDOM, REDUCTION}


class Group:
    """Operations of one kernel. `axes` are the reduced axes of `domain`, None as long as nothing is reduced."""

    def __init__(self, domain: Dims, axes: frozenset[int] | None = None, anchor: Operation | None = None):
        self.domain = domain
        self.axes = axes
        self.anchor = anchor
        self.ops: list[Operation] = []

    @property
    def crosses(self) -> bool:
        """Whether it is an op that does, which is alone: vectors are transposed several times as fast as elements are
        read one by one where others need them."""
        return any(map(crosses, self.ops))

    @property
    def streams(self) -> bool:
        """Whether members may use a reduction's result: it is complete row by row, within a task."""
        return self.axes is None or (len(self.domain) - 1 in self.axes and len(self.axes) < len(self.domain))

    def accepts(self, op: Operation) -> bool:
        """Whether the op's shape fits as a member."""
        if self.anchor is not None or len(self.ops) >= MAX_MEMBERS or self.crosses or crosses(op):
            return False
        if op.definition.family == REDUCTION:
            return op.inputs[0].dims == self.domain and self.axes in (None, reduced_axes(op))
        dims = op.output.dims
        return dims == self.domain or (self.axes is not None and self.streams and self._is_row(dims))

    def _is_row(self, dims: Dims | None) -> bool:
        assert self.axes is not None
        one: DimLike = 1
        return dims in (tuple(one if a in self.axes else d for a, d in enumerate(self.domain)),
                        tuple(d for a, d in enumerate(self.domain) if a not in self.axes))


def reduced_axes(op: Operation) -> frozenset[int]:
    axis = op.attrs["axis"]
    rank = len(op.inputs[0].dims)  # type: ignore[arg-type]
    return frozenset(range(rank) if axis is None else (axis,) if isinstance(axis, int) else axis)


def empty_group(op: Operation) -> Group:
    """A group that the op may open."""
    reduces = op.definition.family == REDUCTION
    domain = op.inputs[0].dims if reduces else op.output.dims
    assert domain is not None
    return Group(domain, reduced_axes(op) if reduces else None)


def alone(op: Operation) -> Group:
    """A group of the op only."""
    group = empty_group(op)
    group.ops.append(op)
    return group


def is_loop_member(op: Operation) -> bool:
    return (op.definition.family in LOOP_FAMILIES or op.type == "Assign") and has_native_types(op)


def may_read(op: Operation, user: Operation, domain: Dims, streams: bool) -> bool:
    """Whether one kernel may compute both, for the user the op's element at its own index. A reduction's result is
    complete only where rows stream; index maps read at other indices; and a row without the reduced axes would
    broadcast along other axes than those it was reduced from."""
    dims = op.output.dims
    assert dims is not None
    return (user.definition.family != INDEX and (op.definition.family != REDUCTION or streams and streams_rows(op))
            and (len(dims) == len(domain) or user.output.dims == dims))


def streams_rows(op: Operation) -> bool:
    axes = reduced_axes(op)
    rank = len(op.inputs[0].dims)  # type: ignore[arg-type]
    return rank - 1 in axes and len(axes) < rank
