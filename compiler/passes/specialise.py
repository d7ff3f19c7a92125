"""From the user's graph to the compiler's: only what the fetches need, with the shapes that are really fed."""
from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .. import dims as dm
from ..dims import Atom, DimLike, size_atoms
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Graph, Operation, Tensor, TensorType
from ..opdef import CONTROL
from ..ops.state import _placeholder
from ..ops.symbolic import dims_vector
from ..shapes import Dims, format_dims
from .cut import Cut
from .rewrite import sorted_operations
from .specialise_control import Region, specialise_control

# a feed's shape in a plan: sizes, and for the sizes that may vary the number of their class
Pattern = tuple[tuple[Any, ...], ...]


def shape_pattern(feeds: Sequence[Tensor], shapes: Sequence[tuple[int, ...]], sizes_fed: Collection[Tensor] = ()
                  ) -> Pattern:
    """What of the fed shapes a plan depends on: known sizes, sizes of 0 and 1 (they broadcast), and which of the
    unknown sizes are equal. Other sizes run through the same plan. Each of
    `sizes_fed` counts with its elements too, after its shape in parentheses."""
    classes: dict[int, str] = {}
    pattern = []
    for tensor, shape in zip(feeds, shapes, strict=True):
        static = (None,) * len(shape) if tensor.dims is None or tensor in sizes_fed else tensor.dims
        pattern.append(tuple(
            size if isinstance(dim, int) or isinstance(size, tuple) or size <= 1
            else classes.setdefault(size, f"n{len(classes)}") for dim, size in zip(static, shape, strict=True)))
    return tuple(pattern)


class Specialised(NamedTuple):
    """A compiler's graph, the symbol of each class of equal unknown sizes in its pattern, and what in it stands for the
    user's tensors and operations. `unsettled`: a loop or cond fits into a plan, if at all, for the very sizes only."""

    graph: Graph
    symbols: dict[str, Atom]
    tensors: dict[Tensor, Tensor]
    operations: dict[Operation, Operation]
    unsettled: bool = False

    def left_to_python(self, parts: Cut) -> set[Operation]:
        """The user's operations that are among the hosts."""
        return {theirs for theirs, ours in self.operations.items() if ours in parts.hosts}


def specialise(outputs: Sequence[Tensor], targets: Sequence[Operation], feeds: Sequence[Tensor], pattern: Pattern,
               variables: Mapping[Operation, Dims] | None = None, sizes_fed: Collection[Tensor] = (),
               done: Container[Operation] = (), has_value: Callable[[Operation], bool] = lambda handle: True
               ) -> Specialised:
    """The part of a graph that computes `outputs` and runs `targets` when `feeds` are given.

    `variables` gives the present shapes of variables that may change theirs. For the feeds `sizes_fed` the pattern has
    their shape, as one item, and their elements: they are known as sizes are. Operations that are `done`
    have run already; `has_value` says of a variable's handle whether it may be read. Raises InvalidArgumentError
    listing every placeholder that is needed but not fed, and for fed shapes that do not fit together.
    """
    symbols: dict[str, DimLike] = {c: dm.fresh(c, least=2) for shape in pattern for c in shape if isinstance(c, str)}
    fed = {tensor: tuple(symbols[c] if isinstance(c, str) else c for c in shape)
           for tensor, shape in zip(feeds, pattern, strict=True)}
    sizes: dict[Atom, DimLike] = {}
    for tensor, dims in fed.items():
        for old, new in zip(tensor.dims or (), dims if tensor not in sizes_fed else (), strict=False):
            atom = dm.symbol(old)
            if atom is not None:
                sizes[atom] = new
    needed = needed_operations(outputs, targets, fed, done)
    check_fed(needed, fed)
    graph = Graph()
    tensors: dict[Tensor, Tensor] = {}
    operations: dict[Operation, Operation] = {}
    known = {atom for dim in symbols.values() for atom in size_atoms(dim)}
    region = Region(graph, tensors, operations, sizes, known, has_value=has_value)
    for tensor, dims in fed.items():
        tensors[tensor] = _fed_sizes(graph, tensor, dims) if tensor in sizes_fed else _fed_value(graph, tensor, dims)
        operations[tensor.op] = tensors[tensor].op
    _copy(region, sorted_operations(needed), outputs, variables)
    graph.inputs = tuple(tensors[t] for t in feeds if t not in sizes_fed)
    graph.outputs = tuple(tensors[t] for t in outputs)
    graph.targets = tuple(operations[op] for op in targets)
    atoms = {name: dm.symbol(dim) for name, dim in symbols.items()}
    return Specialised(graph, atoms, tensors, operations, region.unsettled)  # type: ignore[arg-type]


def _copy(region: Region, needed: Sequence[Operation], outputs: Collection[Tensor] = (),
          variables: Mapping[Operation, Dims] | None = None) -> None:
    """Copy operations of the user's graph, in an order in which they can run, with shapes inferred anew."""
    tensors, operations, sizes = region.tensors, region.operations, region.sizes
    live = {*outputs, *(t for op in needed for t in op.inputs)}
    for op in needed:
        if op in operations and all(t in tensors for t in op.outputs):
            continue
        if op.definition.family == CONTROL and (
                made := specialise_control(op, region, live, _copy, _behind)) is not None:
            tensors.update(made)
            _learn(sizes, made.items())
            continue
        inputs = [tensors[t] for t in op.inputs]
        attrs = {k: _substitute(v, sizes) for k, v in op.attrs.items()}
        try:
            types = op.definition.infer(inputs, attrs)
        except ShapeError as error:
            fed_shapes = ", ".join(f"{t.name} {format_dims(t.dims)}" for t in inputs)
            raise InvalidArgumentError(f"{error.message} (with the fed shapes {fed_shapes}; op {op.name!r}, {op.site})",
                                       op) from None
        if op.type == "Squeeze" and not attrs["axis"] and size_atoms(inputs[0].dims) - region.known:
            types = [TensorType(op.output.dtype, None)]  # which sizes are 1 is not known before they are
        if variables and op in variables:
            types = [TensorType(op.outputs[0].dtype, variables[op])]
        if op.definition.family == CONTROL:  # its graphs are the user's, and so are their sizes
            types = [TensorType(t.dtype, _substitute(t.dims, sizes)) for t in types]
        copy = Operation(region.graph, op.definition, inputs, attrs, op.name, _merged(types, op, sizes),
                         [operations[c] for c in op.control_inputs if c in operations], op.site)
        region.graph.operations.append(copy)
        operations[op] = copy
        for theirs, ours in zip(op.outputs, copy.outputs, strict=True):
            tensors.setdefault(theirs, ours)
        _learn(sizes, zip(op.outputs, copy.outputs, strict=True))


def _learn(sizes: dict[Atom, DimLike], pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
    """A size that the user's graph does not know may follow from what is fed."""
    for theirs, ours in pairs:
        for unknown, dim in zip(theirs.dims or (), ours.dims or (), strict=False):
            atom = dm.symbol(unknown)
            if atom is not None:
                sizes.setdefault(atom, dim)


def _behind(outputs: Sequence[Tensor], targets: Sequence[Operation]) -> list[Operation]:
    return needed_operations(outputs, targets, ())


def _fed_value(graph: Graph, tensor: Tensor, dims: Dims) -> Tensor:
    op = Operation(tensor.graph, _placeholder, (), {"dtype": tensor.dtype, "dims": dims}, tensor.op.name,
                   [tensor.type], (), tensor.op.site)
    return graph.append(op, (), types=[TensorType(tensor.dtype, dims)]).output


def _fed_sizes(graph: Graph, tensor: Tensor, elements: Dims) -> Tensor:
    shape, *sizes = elements
    attrs = {"dims": tuple(sizes), "dtype": tensor.dtype, "shape": shape}
    op = Operation(tensor.graph, dims_vector, (), attrs, tensor.op.name, [tensor.type], (), tensor.op.site)
    return graph.append(op, (), types=[TensorType(tensor.dtype, shape)]).output  # type: ignore[arg-type]


def needed_operations(outputs: Sequence[Tensor], targets: Sequence[Operation], fed: Collection[Tensor],
                      done: Container[Operation] = ()) -> list[Operation]:
    """The operations that the fetches depend on, in the order of their creation, without those that are done."""
    needed: dict[Operation, None] = {}
    stack = [t.op for t in outputs if t not in fed] + list(targets)
    while stack:
        while stack:
            op = stack.pop()
            if op not in needed and op not in done:
                needed[op] = None
                stack += [t.op for t in op.inputs if t not in fed]
                stack += op.control_inputs
        stack = [t.op for t in size_sources(needed, fed) if t.op not in done]
    # as created, so that schedules and errors follow the user's order
    order = {op: i for i, op in enumerate(next(iter(needed)).graph.operations)} if len(needed) > 1 else {}
    computed = (op for op in needed if not (op.outputs and all(t in fed for t in op.outputs)))
    return sorted(computed, key=lambda op: order.get(op, len(order)))  # a session's own reads come last


def size_sources(operations: Collection[Operation], fed: Collection[Tensor],
                 ready: Collection[Tensor] | None = None) -> list[Tensor]:
    """The tensors that gave rise to unknown sizes among the operations' attributes, where neither the operations make
    them nor `fed` says the size: a gradient may need the shape of what is otherwise not computed. With `ready`, tensors
    of these only, whichever say the size."""
    used = {atom for op in operations for value in op.attrs.values() for atom in size_atoms(value)}
    if not used:
        return []
    used -= {atom for t in fed for atom in said_by(t)}
    sources: dict[Tensor, None] = {}
    for op in next(iter(operations)).graph.operations if used else ():
        for t in op.outputs:
            said = used.intersection(said_by(t)) if ready is None or t in ready else ()
            if said and op not in operations:
                sources[t] = None
            used.difference_update(said)
        if not used:
            break
    return list(sources)


def said_by(tensor: Tensor) -> list[Atom]:
    return [atom for dim in tensor.dims or () if (atom := dm.symbol(dim)) is not None]


def check_fed(needed: Sequence[Operation], fed: Container[Tensor]) -> None:
    """Raises InvalidArgumentError listing every placeholder that is needed but not fed."""
    missing = [op for op in needed if op.type == "Placeholder" and op.output not in fed]
    if missing:
        lines = [f"You must feed a value for placeholder tensor '{op.name}' with dtype {op.output.dtype.name} and "
                 f"shape {format_dims(op.output.dims)}, made at {op.site}" for op in missing]
        raise InvalidArgumentError("\n".join(lines), missing[0])


def _substitute(value: Any, sizes: Mapping[Atom, DimLike]) -> Any:
    if isinstance(value, dm.Dim):
        return dm.substitute(value, sizes)
    if isinstance(value, tuple) and any(isinstance(v, (dm.Dim, tuple)) for v in value):
        return tuple(_substitute(v, sizes) for v in value)
    return value


def _merged(types: Sequence[TensorType], op: Operation, sizes: Mapping[Atom, DimLike]) -> list[TensorType]:
    """Inferred types, with the sizes that the user stated by set_shape."""
    result = []
    for inferred, tensor in zip(types, op.outputs, strict=True):
        dims = inferred.dims
        if tensor.dims is not None and (dims is None or any(isinstance(d, dm.Dim) for d in dims)):
            stated = tuple(dm.substitute(d, sizes) for d in tensor.dims)
            if dims is not None and len(dims) != len(stated):
                raise InvalidArgumentError(f"{op.type}: the shape of {op.name!r} is {format_dims(dims)}, its graph has "
                                           f"rank {len(stated)} ({op.site})", op)
            dims = stated if dims is None else tuple(
                s if isinstance(s, int) else d for s, d in zip(stated, dims, strict=True))
        result.append(TensorType(inferred.dtype, dims))
    return result
