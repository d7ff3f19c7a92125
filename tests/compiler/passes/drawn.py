"""Random programs: ops of all families on each other's results, with unknown sizes, broadcasting and variables."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from built import Program
from graphflow.compiler.dtypes import bool_, float32, float64, int32
from graphflow.compiler.errors import ShapeError
from graphflow.compiler.ir import Tensor
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import gather, nn, reduction, slicing, state, view
from graphflow.compiler.ops.contraction import matmul
from graphflow.runtime.interpreter import bind_sizes, evaluate

Choose = Callable[[Sequence[Any]], Any]

FLOAT_UNARY = [ew.tanh, ew.negative, ew.square, ew.relu, ew.sigmoid, ew.abs_, ew.cos, lambda x: x / 3, lambda x: 1 - x,
               lambda x: ew.exp(ew.minimum(x, 1)), lambda x: ew.log1p(ew.abs_(x)), lambda x: ew.sqrt(ew.abs_(x))]
INT_UNARY = [ew.negative, ew.square, ew.abs_, lambda x: x // 3, lambda x: x % 5, lambda x: x + 1]
BINARY = [ew.add, ew.subtract, ew.multiply, ew.maximum, ew.minimum]
REDUCTIONS = [reduction.reduce_sum, reduction.reduce_max, reduction.reduce_min, reduction.reduce_mean,
              reduction.reduce_prod]
MAX_ELEMENTS = 400


class Drawn:
    """Builds a program step by step, keeping each tensor's value so that steps can be chosen that fit."""

    def __init__(self, choose: Choose, steps: int, with_variables: bool):
        self.choose = choose
        self.values: dict[Tensor, np.ndarray] = {}
        self.exact: set[Tensor] = set()  # not subject to rounding: may be compared and turned into integers
        self.sizes: dict[Any, int] = {}
        self.store: dict[str, np.ndarray] = {}
        n = choose([3, 1, 4, 2, 5, 0])
        shapes = [(n, 4), (4,), (n, 1), (4, 4), (n, 3, 4), ()]
        rng = np.random.default_rng(choose(range(3)))
        arrays = [(rng.integers(-8, 8, shape) / 4).astype(kind) for shape in shapes
                  for kind in choose([["f4"], ["f4", "i4"], ["f8"], ["f4", "?"]])]
        variables = {} if not with_variables else {name: (rng.integers(-8, 8, shape) / 4).astype("f4")
                     for name, shape in {"u": (4,), "v": (4, 4), "w": (max(n, 1), 4)}.items()}
        self.steps, self.arrays, self.variables = steps, arrays, variables
        self.program = Program(self.build, *arrays, unknown=choose([True, False]), variables=variables)

    def build(self, *inputs: Tensor, **handles: Tensor) -> list[Any]:
        self.graph = inputs[0].op.graph
        self.seen = len(self.graph.operations)
        for tensor, array in zip(inputs, self.arrays, strict=True):
            self.note(tensor, array, True)
        self.store = {name: self.variables[name].copy() for name in handles}
        self.handles = list(handles.values())
        for handle in self.handles:
            state.read_variable(handle)
        self.catch_up(True)
        actions = [self.unary, self.binary, self.reduce, self.index, self.reshape, self.select, self.cast, self.unary,
                   self.binary, self.join, self.product, self.softmax, self.position, self.reduce]
        actions += [self.assign, self.assign] if self.handles else []
        for _ in range(self.steps):
            try:
                self.choose(actions)()
            except ShapeError:
                pass
            self.catch_up(False)
        tensors = [t for t in self.values if t.op.type not in ("Const", "Placeholder")]
        fetches: list[Any] = [self.choose(tensors) for _ in range(4)] + tensors[-1:] if tensors else list(inputs[:1])
        return [*dict.fromkeys(fetches), *(op for op in self.graph.operations if op.type == "Assign")]

    def note(self, tensor: Tensor, value: np.ndarray, exact: bool) -> None:
        self.values[tensor] = value
        bind_sizes(tensor, value, self.sizes)
        if exact or tensor.dtype.is_integer or tensor.dtype.is_bool:
            self.exact.add(tensor)

    def catch_up(self, exact: bool) -> None:
        """The values of the ops built since the last call."""
        for op in self.graph.operations[self.seen:]:
            if op.type == "VariableV2":
                continue
            if op.type == "ReadVariableOp":
                results = [self.store[op.inputs[0].op.name].copy()]
            elif op.type == "Assign":
                results = [self.values[op.inputs[1]]]
                self.store[op.inputs[0].op.name] = results[0]
            else:
                with np.errstate(all="ignore"):
                    results = evaluate(op, [self.values[t] for t in op.inputs], self.sizes)
            kept = op.type in (
                "Neg",
                "Relu",
                "Abs",
                "Maximum",
                "Minimum",
                "Max",
                "Min",
                "Transpose",
                "ReverseV2",
                "Tile",
                "StridedSlice",
                "Reshape",
                "ConcatV2",
                "Place",
                "SelectV2",
                "Const",
                "ReadVariableOp",
                "Assign",
                "GatherV2",
                "OneHot",
            ) and all(t in self.exact for t in op.inputs if t.op.type != "VariableV2")
            for tensor, value in zip(op.outputs, results, strict=True):
                self.note(tensor, value, exact or kept)
        self.seen = len(self.graph.operations)

    # steps

    def pick(self, test: Callable[[Tensor], bool] = lambda t: True) -> Tensor:
        found = [t for t in self.values if t.op.type != "Const" and self.values[t].size <= MAX_ELEMENTS and test(t)]
        if not found:
            raise ShapeError("nothing fits")
        # recent values first: deep graphs
        return self.choose(found[::-1][:8] if self.choose([True, True, False]) else found)

    def tame(self, x: Tensor) -> Tensor:
        """`x`, squeezed to where its powers do not overflow."""
        value = self.values[x]
        return ew.tanh(x) if x.dtype.is_floating and np.max(np.abs(value), initial=0) > 50 else x

    def unary(self) -> None:
        x = self.pick(lambda t: not t.dtype.is_bool)
        self.choose(FLOAT_UNARY if x.dtype.is_floating else INT_UNARY)(self.tame(x))

    def binary(self) -> None:
        x = self.pick()
        y = self.pick(lambda t: t.dtype == x.dtype and self.fits(t, x))
        if x.dtype.is_bool:
            self.choose([ew.logical_and, ew.logical_or, ew.logical_xor])(x, y)
        else:
            self.choose(BINARY)(self.tame(x), self.tame(y))

    def fits(self, a: Tensor, b: Tensor) -> bool:
        try:
            return bool(np.prod(np.broadcast_shapes(self.values[a].shape, self.values[b].shape)) <= MAX_ELEMENTS)
        except ValueError:
            return False

    def reduce(self) -> None:
        x = self.pick(lambda t: t.dims is not None and len(t.dims) > 0)
        rank = len(self.values[x].shape)
        axes = self.choose([None, rank - 1, 0, list(range(1, rank)), list(range(rank - 1)), [rank // 2]])
        if x.dtype.is_bool:
            self.choose([reduction.reduce_any, reduction.reduce_all])(x, axes, self.choose([True, False]))
            return
        kinds = REDUCTIONS[:3] if x.dtype.is_integer else REDUCTIONS
        self.choose(kinds)(self.tame(x), axes, self.choose([True, False]))

    def position(self) -> None:
        x = self.pick(lambda t: t in self.exact and self.values[t].ndim > 0 and self.values[t].size > 0)
        at = self.choose([reduction.argmax, reduction.argmin])(x, self.values[x].ndim - 1, output_type=int32)
        if self.choose([True, False]):
            gather.one_hot(at, 4, dtype=self.choose([float32, int32]))

    def index(self) -> None:
        x = self.pick(lambda t: self.values[t].ndim > 0)
        shape, rank = self.values[x].shape, self.values[x].ndim
        match self.choose(["transpose", "reverse", "slice", "tile", "gather", "stride"]):
            case "transpose":
                view.transpose(x)
            case "reverse":
                view.reverse(x, [self.choose(range(rank))])
            case "slice" if shape[-1] > 1:
                slicing.slice_axis(x, rank - 1, 1, shape[-1] - 1)
            case "stride":
                x[..., ::-2]
            case "tile":
                slicing.tile(x, [self.choose([1, 2]) for _ in range(rank)])
            case "gather" if shape[0]:
                gather.gather(x, np.array(self.choose([[0, 0], [shape[0] - 1, 0, 0], [0]]), np.int32))

    def reshape(self) -> None:
        x = self.pick(lambda t: self.values[t].size > 0)
        self.choose([lambda: view.reshape(x, [-1]), lambda: view.expand_dims(x, 0), lambda: view.expand_dims(x, -1),
                     lambda: view.reshape(x, [self.values[x].size]), lambda: view.identity(x)])()

    def select(self) -> None:
        x = self.pick(lambda t: t in self.exact and not t.dtype.is_bool)
        y = self.pick(lambda t: t in self.exact and t.dtype == x.dtype and self.fits(t, x))
        ew.where(self.choose([ew.greater, ew.equal, ew.less_equal])(x, y), x, y)

    def cast(self) -> None:
        x = self.pick(lambda t: t in self.exact)
        ew.cast(x, self.choose([float32, float64, int32, bool_]))

    def join(self) -> None:
        x = self.pick(lambda t: self.values[t].ndim > 0)
        if self.choose([True, False]):
            slicing.pad(x, [[self.choose([0, 1]), self.choose([0, 2])] for _ in self.values[x].shape],
                        constant_values=0 if x.dtype.is_bool else 3)
            return
        y = self.pick(lambda t: t.dtype == x.dtype and self.values[t].shape[:-1] == self.values[x].shape[:-1]
                      and self.values[t].ndim > 0)
        slicing.concat([x, y], self.values[x].ndim - 1)

    def product(self) -> None:
        x = self.pick(lambda t: self.values[t].ndim == 2 and t.dtype in (float32, float64))
        y = self.pick(lambda t: self.values[t].ndim == 2 and t.dtype == x.dtype
                      and self.values[t].shape[0] == self.values[x].shape[1])
        matmul(self.tame(x), self.tame(y))

    def softmax(self) -> None:
        x = self.pick(lambda t: t.dtype.is_floating and self.values[t].ndim > 0)
        self.choose([nn.softmax, nn.log_softmax])(self.tame(x), self.choose([-1, 0]))

    def assign(self) -> None:
        handle = self.choose(self.handles)
        shape = self.store[handle.op.name].shape
        value = self.pick(lambda t: t.dtype == handle.dtype and self.values[t].shape == shape)
        # assignments that nothing orders may happen in any order
        with self.graph.control_dependencies([op for op in self.graph.operations if op.type == "Assign"
                                              and op.inputs[0] is handle]):
            changed = state.assign(handle, value)
        if self.choose([True, False]):
            with self.graph.control_dependencies([changed]):
                state.read_variable(handle)
        self.catch_up(False)

