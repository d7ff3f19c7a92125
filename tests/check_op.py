"""One check for every op: value, static shape, dtype, gradient, and the compiled result.

`Case` says how to build an expression and what NumPy makes of it; the functions below check one aspect each, and the
tests in compiler/ops run them over the table of all ops (compiler/ops/cases.py).
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from graphflow.compiler import dims as dm
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.dims import Dim
from graphflow.compiler.dtypes import as_dtype
from graphflow.compiler.errors import ShapeError
from graphflow.compiler.ir import Graph, Operation, Tensor
from graphflow.compiler.ops.constant import constant, convert_to_tensor
from graphflow.compiler.ops.state import placeholder
from graphflow.compiler.verify import verify
from graphflow.runtime.interpreter import bind_sizes, interpret

from graphflow.eager_mode import EagerGraph
from graphflow.gradient_tape import GradientTape

TOLERANCE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-9}
STEP = 1e-6  # of finite differences in float64: their error is about 1e-9 where third derivatives are about 1
KNOWN, BATCH, SIZES, RANK = "known", "batch unknown", "sizes unknown", "rank unknown"
KNOWLEDGE = (KNOWN, BATCH, SIZES, RANK)


@dataclass(frozen=True)
class Case:
    """An expression of input arrays.

    `build(*tensors)` returns a tensor or a list of them, `expect(*arrays)` what NumPy gets (None: the op's own
    reference is the oracle). `grad` says that the gradient for the float inputs can be checked by finite differences;
    `second`, that its gradient can as well. `static` names the inputs whose shapes must be known to build it (filters,
    say), and `known_rank` says that no input's rank may be unknown. Not `sized`: the outputs' sizes
    depend on values. Not `eager`: it asks for gradients as a graph does.
    """

    build: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]
    expect: Callable[..., Any] | None = None
    grad: bool = True
    second: bool = False
    static: tuple[int, ...] = ()
    known_rank: bool = False
    sized: bool = True
    eager: bool = True
    label: str = ""

    def __repr__(self) -> str:
        shapes = ",".join(f"{a.dtype.name}{list(a.shape)}".replace(" ", "") for a in self.inputs)
        return f"{self.label or 'case'}-{shapes}"


def built(case: Case, knowledge: str = KNOWN, inputs: Sequence[np.ndarray] | None = None) -> Graph:
    """The expression in a graph of its own, whose inputs say no more about their shapes than `knowledge`."""
    arrays = case.inputs if inputs is None else inputs
    graph = Graph()
    with graph.as_default():
        tensors = [placeholder(as_dtype(a.dtype), a.shape if i in case.static else _static_shape(a.shape, knowledge),
                               name=f"in{i}") for i, a in enumerate(arrays)]
        result = case.build(*tensors)
    graph.inputs = tuple(tensors)
    graph.outputs = tuple(result) if isinstance(result, (list, tuple)) else (result,)
    return graph


def _static_shape(shape: tuple[int, ...], knowledge: str) -> Any:
    if knowledge == BATCH:
        return (None, *shape[1:]) if shape else ()
    if knowledge == SIZES:
        return (None,) * len(shape)
    return None if knowledge == RANK else shape


def run(graph: Graph, arrays: Sequence[np.ndarray], **options: Any) -> list[np.ndarray]:
    """The outputs through the references. Ops have fixed seeds, so random ones agree too."""
    with np.errstate(all="ignore"):
        return interpret(graph, dict(zip(graph.inputs, arrays, strict=True)), {}, **options)


def expected(case: Case, arrays: Sequence[np.ndarray] | None = None) -> list[np.ndarray]:
    arrays = case.inputs if arrays is None else arrays
    if case.expect is None:
        return run(built(case, inputs=arrays), arrays)
    with np.errstate(all="ignore"):
        result = case.expect(*arrays)
    return [np.asarray(r) for r in result] if isinstance(result, (list, tuple)) else [np.asarray(result)]


def assert_close(value: np.ndarray, wanted: np.ndarray, what: str = "", factor: float = 1.0) -> None:
    """Equal shapes, and equal values up to rounding of the value's dtype; NaN equals NaN."""
    assert value.shape == wanted.shape, f"{what}: shape {value.shape}, expected {wanted.shape}"
    if value.dtype == object:
        np.testing.assert_array_equal(value, wanted, err_msg=what)
        return
    tolerance = TOLERANCE.get(value.dtype, 0.0) * factor
    scale = float(np.max(np.abs(wanted[np.isfinite(wanted)]), initial=0.0)) if wanted.dtype.kind == "f" else 0.0
    np.testing.assert_allclose(value, wanted, rtol=tolerance, atol=tolerance * max(scale, 0.01), err_msg=what)


def check_value(case: Case) -> None:
    graph = built(case)
    verify(graph)
    values, wanted = run(graph, case.inputs), expected(case)
    assert len(values) == len(wanted)
    for tensor, value, want in zip(graph.outputs, values, wanted, strict=True):
        assert value.dtype == tensor.dtype.np
        assert_close(value, want, repr(case))


def check_shapes(case: Case, knowledge: str) -> None:
    """Every op's static shape holds, and is as exact as the inputs' allow, for the ops of the gradient too."""
    try:
        graph = built(case, knowledge)
    except ShapeError as error:
        assert knowledge == RANK and case.known_rank, str(error)
        return
    assert not (knowledge == RANK and case.known_rank), "builds without knowing the rank: say so in the case"
    count = len(graph.outputs)
    wanted = expected(case)
    if case.grad:
        try:
            add_gradients(graph)
        except ShapeError as error:
            assert knowledge == RANK and "rank" in error.message, str(error)
        else:
            known = built(case)
            add_gradients(known)
            wanted += run(known, case.inputs)[count:]
    verify(graph)
    sizes: dict[Any, int] = {}
    for tensor, array in zip(graph.inputs, case.inputs, strict=True):
        bind_sizes(tensor, array, sizes)

    def watch(op: Operation, results: list[np.ndarray]) -> None:
        for tensor, value in zip(op.outputs, results, strict=True):
            assert tensor.dtype.np == value.dtype
            if tensor.dims is not None:
                assert len(tensor.dims) == value.ndim, f"{tensor!r} has the value {value!r}"
                for dim, size in zip(tensor.dims, value.shape, strict=True):
                    if not isinstance(dim, Dim) or _is_bound(dim, sizes):
                        assert dm.evaluate(dim, sizes) == size, f"{tensor!r} {tensor.dims} has shape {value.shape}"
            bind_sizes(tensor, value, sizes)

    values = run(graph, case.inputs, watch=watch)
    for value, want in zip(values, wanted, strict=True):
        assert_close(value, want, repr(case))
    if knowledge == KNOWN and case.sized:
        for tensor in graph.outputs:
            assert tensor.shape.is_fully_defined()


def add_gradients(graph: Graph) -> list[bool]:
    """Make the gradients of the float outputs for the float inputs outputs as well. Returns which of them there are."""
    xs = [t for t in graph.inputs if t.dtype.is_floating]
    ys = [t for t in graph.outputs if t.dtype.is_floating]
    found = gradients(ys, xs) if xs and ys else []
    for x, g in zip(xs, found, strict=False):
        assert g is None or (g.dtype == x.dtype and g.shape.is_compatible_with(x.shape)), f"{g!r} for {x!r}"
    graph.outputs += tuple(g for g in found if g is not None)
    return [g is not None for g in found]


def _is_bound(dim: Any, sizes: dict[Any, int]) -> bool:
    if isinstance(dim, int):
        return True
    return all(atom in sizes if atom.function is None else all(_is_bound(a, sizes) for a in atom.arguments)
               for monomial in dim.terms for atom in monomial)


def check_gradient(case: Case, second: bool = False) -> None:
    """Derivatives of a weighted sum of the outputs (or, `second`, of the gradient) against finite differences."""
    rng = np.random.default_rng(5)
    arrays = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in case.inputs]
    graph = built(case, inputs=arrays)
    with graph.as_default():
        xs = [t for t in graph.inputs if t.dtype.is_floating]
        ys = [t for t in graph.outputs if t.dtype.is_floating]
        for _ in range(1 + second):
            weights = [rng.uniform(0.5, 1.5, t.shape.as_list()) for t in ys]
            found = gradients(ys, xs, grad_ys=weights)
            values, ys = ys, [g for g in found if g is not None]
    graph.outputs = (*values, *ys)
    analytic = iter(run(graph, arrays)[len(values):])
    graph.outputs = tuple(values)
    graph.operations = needed(graph)
    for tensor, x, g in zip(xs, (a for a in arrays if a.dtype.kind == "f"), found, strict=True):
        numeric = np.zeros(x.shape)
        for index in np.ndindex(*x.shape):
            sides = []
            for step in (STEP, -STEP):
                moved = x.copy()
                moved[index] += step
                feeds = [moved if t is tensor else a for t, a in zip(graph.inputs, arrays, strict=True)]
                sides.append(sum(np.sum(v * w) for v, w in zip(run(graph, feeds), weights, strict=True)))
            numeric[index] = (sides[0] - sides[1]) / (2 * STEP)
        value = np.zeros(x.shape) if g is None else next(analytic)
        np.testing.assert_allclose(value, numeric, rtol=2e-5, atol=2e-5,
                                   err_msg=f"{case!r}: gradient of {tensor.name}")


def needed(graph: Graph) -> list[Operation]:
    """The operations that the outputs need, so that each finite difference runs no others."""
    keep = {t.op for t in graph.outputs}
    for op in reversed(graph.operations):
        if op in keep:
            keep |= {t.op for t in op.inputs} | set(op.control_inputs)
    return [op for op in graph.operations if op in keep]


def check_compiled(case: Case, knowledge: str = BATCH) -> None:
    """The compiled expression gives what the references give, and what comes of ops that run at once; so does its
    gradient."""
    graph = built(case, knowledge)
    connected = add_gradients(graph) if case.grad else []
    values = run_compiled(graph.outputs, dict(zip(graph.inputs, case.inputs, strict=True)))
    wanted = run(graph, case.inputs)
    eager = run_eagerly(case, connected) if case.eager else wanted
    for tensor, value, want, at_once in zip(graph.outputs, values, wanted, eager, strict=True):
        assert value.dtype == tensor.dtype.np == at_once.dtype
        assert_close(value, want, f"{case!r}: {tensor!r}", factor=4)
        assert_close(at_once, want, f"{case!r}: {tensor!r} where ops run at once", factor=4)


def run_eagerly(case: Case, connected: Sequence[bool]) -> list[np.ndarray]:
    """The outputs and the gradients of the float ones, where ops run at once; gradients only for those inputs that are
    connected in a graph. (They are 0 where a branch was not taken.)"""
    with np.errstate(all="ignore"), EagerGraph().as_default():
        tensors = [constant(a, as_dtype(a.dtype)) for a in case.inputs]
        with GradientTape() as tape:
            tape.watch(tensors)
            result = case.build(*tensors)
        outputs = list(result) if isinstance(result, (list, tuple)) else [result]
        xs, ys = ([t for t in ts if t.dtype.is_floating] for ts in (tensors, outputs))
        grads = tape.gradient(ys, xs, unconnected_gradients="zero") if any(connected) else []
        used = [g for g, is_used in zip(grads, connected, strict=False) if is_used]
        return [np.asarray(convert_to_tensor(t)) for t in (*outputs, *used)]


def run_compiled(outputs: Sequence[Tensor], feeds: dict[Tensor, np.ndarray]) -> list[np.ndarray]:
    """The outputs through the compiler and the native executor."""
    from graphflow.runtime.session import Session
    with Session(graph=outputs[0].graph) as session:
        values = session.run(list(outputs), feeds)
        return [np.asarray(v, t.dtype.np if t.dtype.is_string else None)
                for t, v in zip(outputs, values, strict=True)]
