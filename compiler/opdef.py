"""What an op is: one record with its shape rule, gradient, NumPy reference and lowering, made by a family."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .ir import Operation, Tensor, TensorType, building_graph

# what fusion, scheduling and lowering read; they never look at an op's name
ELEMENTWISE = "elementwise"  # one output element from the elements at the same (broadcast) index
REDUCTION = "reduction"      # a monoid over some axes
INDEX = "index"              # one output element from input elements at computed indices
ALIAS = "alias"              # the same elements in the same order under another shape
RANDOM = "random"            # an element computed from (key, stream, index) alone
CONTRACTION = "contraction"  # matrix products
WINDOW = "window"            # convolution and pooling, and their gradients
COMPOSITE = "composite"      # expanded into other ops before lowering
SOURCE = "source"            # constants, placeholders, variable handles and reads
EFFECT = "effect"            # assignments, groups, control only
COPY = "copy"                # boxes of inputs copied into boxes of the output (pad, concat)
CONTROL = "control"          # conds and loops: their sub-graphs are attributes
HOST = "host"                # runs its NumPy reference inside the plan; `explain` marks it

REGISTRY: dict[str, OpDef] = {}
LATE: list[Callable[[], object]] = []  # import the modules whose ops few programs use


def declare_all() -> None:
    """Import every module that declares ops."""
    while LATE:
        LATE.pop()()


def definition_of(kind: str) -> OpDef | None:
    """The declaration of an op type, which may come from a file; None where there is none."""
    if kind not in REGISTRY:
        declare_all()
    return REGISTRY.get(kind)


def no_gradient(op: Operation, *grads: Any) -> list[None]:
    """The `grad` of an op that depends on its inputs by steps, or not at all."""
    return [None] * len(op.inputs)


@dataclass(eq=False)
class OpDef:
    """An op declaration. Calling it builds the operation in the default graph.

    `infer(inputs, attrs) -> [TensorType]` is the shape and dtype rule and raises ShapeError or DTypeError. It settles
    attributes that wait for the rank of an input (an axis counted from the end).
    `grad(op, *output_grads) -> [Tensor | None]` builds the gradients of the inputs, None where there is none.
    `reference(*arrays, **attrs)` computes the value (a tuple for several outputs) with NumPy.
    `lower` depends on the family: a source template for elementwise ops, a function for others.
    `identity` (reductions) is the monoid's neutral element.
    """

    name: str
    family: str
    infer: Callable[[Sequence[Tensor], dict[str, Any]], list[TensorType]]
    grad: Callable[..., Sequence[Tensor | None]] | None = None
    reference: Callable[..., Any] | None = None
    lower: Any = None
    expand: Callable[..., Tensor | Sequence[Tensor]] | None = None
    stateful: bool = False
    fields: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name in REGISTRY:
            raise ValueError(f"op {self.name} is declared twice")
        REGISTRY[self.name] = self

    def operation(self, *inputs: Tensor, name: str | None = None, **attrs: Any) -> Operation:
        return building_graph(*inputs[:1]).add(self, inputs, attrs, name)

    def __call__(self, *inputs: Tensor, name: str | None = None, **attrs: Any) -> Tensor:
        return self.operation(*inputs, name=name, **attrs).outputs[0]

    def __repr__(self) -> str:
        return f"<op {self.name} ({self.family})>"


def has_native_types(op: Operation) -> bool:
    """Whether kernels can be generated for the types of an op's inputs and outputs."""
    return all(t.dtype.is_native for t in (*op.inputs, *op.outputs))


def crosses(op: Operation) -> bool:
    """Whether the op reads along another axis than it writes: its last axis is not its input's."""
    permutation = op.definition.fields.get("permutes")
    return permutation is not None and op.attrs[permutation][-1:] != (len(op.attrs[permutation]) - 1,)


def writes_variable(op: Operation) -> bool:
    """Whether the op changes the variable that is its first input; its output is then that variable's storage."""
    return op.definition.family == EFFECT and bool(op.inputs)


def has_effect(op: Operation) -> bool:
    """Whether running the op matters even where its outputs are not used, as does when it runs."""
    return writes_variable(op) or op.definition.stateful and op.definition.family in (CONTROL, HOST)
