"""Assertions about values, shapes and types under TensorFlow 1's names.

What can be decided while the graph is built is: a failure raises there (InvalidArgumentError, or ValueError and
TypeError for shapes and types), and success needs no check. The rest is an operation that fails the run.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .compiler.dtypes import FLOATS, DType, as_dtype, float32
from .compiler.errors import InvalidArgumentError
from .compiler.ir import Operation, Tensor, default_graph
from .compiler.names import named
from .compiler.ops import checks, reduction
from .compiler.ops import elementwise as ew
from .compiler.ops.arguments import convert_all
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.symbolic import static_value
from .compiler.ops.view import identity, known_rank, reshape, shape, zeros_of
from .compiler.shapes import TensorShape
from .framework import group, name_scope, no_op


def Assert(condition: Any, data: Sequence[Any], summarize: int | None = None,  # noqa: N802
           name: str | None = None) -> Operation:
    """An operation that fails with InvalidArgumentError, showing `data`, where `condition` is not true."""
    test = convert_to_tensor(condition, "bool")
    texts = tuple(d.decode() if isinstance(d, bytes) else d if isinstance(d, str) else None for d in data)
    values = [convert_to_tensor(d) for d, t in zip(data, texts, strict=True) if t is None]
    return checks.assert_.operation(test, *values, texts=texts, summarize=3 if summarize is None else summarize,
                                    name=name or "Assert")


def _check(condition: Tensor, what: str, data: Sequence[Any], message: str | None, extra: Any, summarize: int | None,
           scope: str) -> Operation:
    """The assertion that a boolean tensor is true throughout, or nothing where that is known."""
    shown = [message or "", *(extra if extra is not None else [what, *data])]
    known = _known(condition)
    if known is False:
        raise InvalidArgumentError(f"{message or ''} {what} {' '.join(str(d) for d in data)}".strip())
    if known:
        return no_op(name="static_checks_determined_all_ok")
    return Assert(reduction.reduce_all(condition), shown, summarize, name=scope)


def _known(condition: Tensor) -> bool | None:
    if condition.eager_value is not None:
        return bool(np.all(condition.eager_value))
    operands = [static_value(t) for t in condition.op.inputs]
    if any(v is None for v in operands) or condition.op.definition.reference is None:
        return None
    return bool(np.all(condition.op.definition.reference(*operands, **condition.op.attrs)))


def _comparison(default: str, test: Callable[..., Tensor], phrase: str) -> Callable[..., Operation]:
    def check(x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
              name: str | None = None) -> Operation:
        with name_scope(name, default, [x, y]) as scope:
            a, b = convert_all(default, (x, y))
            what = f"Condition x {phrase} y did not hold element-wise:"
            return _check(test(a, b), what, [f"x ({a.name}) = ", a, f"y ({b.name}) = ", b], message, data, summarize,
                          scope)
    return named(default, check,
                 f"An operation that fails unless x {phrase} y holds for all elements, with broadcasting.")


assert_equal = _comparison("assert_equal", ew.equal, "==")
assert_none_equal = _comparison("assert_none_equal", ew.not_equal, "!=")
assert_less = _comparison("assert_less", ew.less, "<")
assert_less_equal = _comparison("assert_less_equal", ew.less_equal, "<=")
assert_greater = _comparison("assert_greater", ew.greater, ">")
assert_greater_equal = _comparison("assert_greater_equal", ew.greater_equal, ">=")


def _sign(default: str, test: Callable[..., Tensor], phrase: str) -> Callable[..., Operation]:
    def check(x: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
              name: str | None = None) -> Operation:
        with name_scope(name, default, [x]) as scope:
            a = convert_to_tensor(x)
            what = f"Condition x {phrase} 0 did not hold element-wise:"
            return _check(test(a, zeros_of(a)), what, [f"x ({a.name}) = ", a], message, data, summarize, scope)
    return named(default, check, f"An operation that fails unless x {phrase} 0 holds for all elements.")


assert_positive = _sign("assert_positive", ew.greater, ">")
assert_negative = _sign("assert_negative", ew.less, "<")
assert_non_negative = _sign("assert_non_negative", ew.greater_equal, ">=")
assert_non_positive = _sign("assert_non_positive", ew.less_equal, "<=")


def assert_near(x: Any, y: Any, rtol: Any = None, atol: Any = None, data: Any = None, summarize: int | None = None,
                message: str | None = None, name: str | None = None) -> Operation:
    """An operation that fails unless |x - y| <= atol + rtol * |y| for all elements; by default both are 10 epsilon."""
    with name_scope(name, "assert_near", [x, y]) as scope:
        a, b = convert_all("assert_near", (x, y))
        epsilon = 10 * float(np.finfo(a.dtype.np).eps)
        relative, absolute = (convert_to_tensor(epsilon if t is None else t, a.dtype) for t in (rtol, atol))
        test = ew.less_equal(ew.abs_(a - b), absolute + relative * ew.abs_(b))
        return _check(test, "x and y not equal to tolerance", [f"x ({a.name}) = ", a, f"y ({b.name}) = ", b], message,
                      data, summarize, scope)


# shapes and types


def _rank_check(x: Any, fits: Callable[[int], bool], wanted: str, message: str | None, name: str | None, default: str,
                run: Callable[[Tensor], Tensor]) -> Operation:
    a = convert_to_tensor(x)
    if a.dims is not None:
        if not fits(len(a.dims)):
            raise ValueError(f"{message or ''}. Tensor {a.name} must have rank {wanted}.  Received rank {len(a.dims)}, "
                             f"shape {a.shape}".removeprefix(". "))
        return no_op(name="static_checks_determined_all_ok")
    with name_scope(name, default, [a]) as scope:
        rank = reshape(shape(shape(a)), ())
        shown = [message or "", f"Tensor {a.name} must have rank {wanted}. Received shape: ", shape(a)]
        return Assert(run(rank), shown, name=scope)


def assert_rank(x: Any, rank: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
                name: str | None = None) -> Operation:
    """Raises ValueError for another rank where it is known, else checks it when the graph runs."""
    wanted = _rank(rank)
    return _rank_check(x, lambda r: r == wanted, str(wanted), message, name, "assert_rank",
                       lambda r: ew.equal(r, wanted))


def assert_rank_at_least(x: Any, rank: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
                         name: str | None = None) -> Operation:
    """Raises ValueError for a lower rank where it is known, else checks it when the graph runs."""
    wanted = _rank(rank)
    return _rank_check(x, lambda r: r >= wanted, f"at least {wanted}", message, name, "assert_rank_at_least",
                       lambda r: ew.greater_equal(r, wanted))


def assert_rank_in(x: Any, ranks: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
                   name: str | None = None) -> Operation:
    """Raises ValueError for a rank that is not among `ranks` where it is known, else checks it when the graph runs."""
    wanted = [_rank(r) for r in ranks]
    return _rank_check(x, lambda r: r in wanted, f"in {tuple(wanted)}", message, name, "assert_rank_in",
                       lambda r: reduction.reduce_any(ew.equal(r, np.array(wanted, np.int32))))


def _rank(value: Any) -> int:
    known = static_value(convert_to_tensor(value))
    if known is None:
        raise TypeError(f"the rank to assert must be known, received {value!r}")
    if known.shape:
        raise ValueError("Rank must be a scalar.")
    if known.dtype.kind not in "iu":
        raise TypeError(f"Rank must be an integer, received {value!r}")
    return int(known)


def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Tensor:
    """The tensor. Raises ValueError when its rank is known not to be 0."""
    x = convert_to_tensor(tensor)
    if x.dims:
        raise ValueError(f"{message or ''}Expected scalar shape for {x.name}, saw shape: {x.shape}.")
    return x


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Raises TypeError for another dtype."""
    x = convert_to_tensor(tensor)
    if x.dtype != as_dtype(tf_type):
        raise TypeError(f"{message or ''} {x.name} must be of type {as_dtype(tf_type)!r}; got {x.dtype!r}".strip())
    return no_op(name="statically_determined_correct_type")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Raises TypeError unless the dtype is an integer one."""
    tensor = convert_to_tensor(x)
    if not tensor.dtype.is_integer:
        raise TypeError(f"{message or ''} Expected \"x\" to be integer type.  Found: {tensor.dtype!r} for "
                        f"{tensor.name}".strip())
    return no_op(name="statically_determined_was_integer")


def assert_same_float_dtype(tensors: Sequence[Any] | None = None, dtype: Any = None) -> DType:
    """The common dtype of the tensors (float32 without any). Raises ValueError for different ones, or for no float."""
    wanted = None if dtype is None else as_dtype(dtype)
    for t in tensors or ():
        found = convert_to_tensor(t).dtype
        if wanted is not None and found != wanted:
            raise ValueError(f"Tensor {t!r} must have type {wanted!r}, received {found!r}")
        wanted = found
    if wanted is not None and wanted not in FLOATS:
        raise ValueError(f"Expected floating point type, got {wanted!r}")
    return wanted or float32


def assert_proper_iterable(values: Any) -> None:
    """Raises TypeError for what can be iterated over but is a value itself: a string, array or tensor; or for what
    cannot."""
    if isinstance(values, (str, bytes, np.ndarray, Tensor)):
        raise TypeError(f"Expected argument \"values\" to be a \"proper\" iterable.  Found: {type(values)}")
    if not hasattr(values, "__iter__"):
        raise TypeError(f"Expected argument \"values\" to be iterable.  Found: {type(values)}")


def assert_shapes(shapes: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
                  name: str | None = None) -> Operation:
    """Checks shapes given as {tensor: dimensions} or pairs: an int is that size, a name one size wherever it stands.

    None and "." stand for any size, "*" or `...` in front for any axes. Raises ValueError for known sizes that differ.
    """
    pairs = list(shapes.items() if hasattr(shapes, "items") else shapes)
    sizes: dict[Any, tuple[Any, Tensor]] = {}
    tests: list[Operation] = []
    with name_scope(name, "assert_shapes"):
        for x, wanted in pairs:
            tensor = convert_to_tensor(x)
            symbols = list(wanted) if isinstance(wanted, (tuple, list, str, TensorShape)) else [wanted]
            open_ = bool(symbols) and symbols[0] in ("*", Ellipsis)
            symbols = symbols[1:] if open_ else symbols
            dims = known_rank("assert_shapes", tensor)
            if len(dims) < len(symbols) or (len(dims) != len(symbols) and not open_):
                raise ValueError(f"{message or ''}Specified by {wanted!r}: tensor {tensor.name} rank must be "
                                 f"{len(symbols)}, received shape {tensor.shape}")
            for k, (d, symbol) in enumerate(zip(dims[len(dims) - len(symbols):], symbols, strict=True)):
                if symbol in (None, "."):
                    continue
                size = shape(tensor)[len(dims) - len(symbols) + k]
                known, other = sizes.setdefault(symbol, (d, size)) if not isinstance(symbol, int) else (
                    symbol, convert_to_tensor(symbol))
                if isinstance(known, int) and isinstance(d, int):
                    if known != d:
                        raise ValueError(f"{message or ''}Specified by {wanted!r}: tensor {tensor.name} dimension {k} "
                                         f"must have size {known}, received shape {tensor.shape}")
                elif size is not other:
                    tests.append(assert_equal(size, other, message=message))
        return group(*tests)


# numbers


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """The tensor. The run fails with `message` when it holds NaN or infinity."""
    return checks.check_numerics(convert_to_tensor(tensor), message=str(message), name=name)


def verify_tensor_all_finite(t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None,
                             message: str | None = None) -> Tensor:
    """The tensor. The run fails with the message when it holds NaN or infinity."""
    tensor = convert_to_tensor(t if x is None else x)
    with name_scope(name, "VerifyFinite", [tensor]):
        checked = check_numerics(tensor, msg if message is None else message or "")  # type: ignore[arg-type]
        with default_graph().control_dependencies([checked]):
            return identity(tensor)


assert_all_finite = verify_tensor_all_finite


def add_check_numerics_ops() -> Operation:
    """An operation that checks every float tensor made so far for NaN and infinity, in the order of their making."""
    checked: list[Operation] = []
    for op in list(default_graph().operations):
        for output in op.outputs:
            if output.dtype in FLOATS and op.type != "VariableV2":
                with default_graph().control_dependencies(checked[-1:]):
                    checked.append(check_numerics(output, output.name, name=f"CheckNumerics/{len(checked)}").op)
    return group(*checked)


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether it is a tensor of numbers."""
    return isinstance(tensor, Tensor) and (tensor.dtype.is_differentiable or tensor.dtype.is_integer)


def _differences(x: Any, test: Callable[..., Tensor], name: str | None, default: str) -> Tensor:
    tensor = convert_to_tensor(x)
    with name_scope(name, default, [tensor]):
        flat = reshape(tensor, [-1])
        steps = flat[1:] - flat[:-1]
        return reduction.reduce_all(test(steps, zeros_of(steps)))


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no element is less than the one before it, in row-major order."""
    return _differences(x, ew.greater_equal, name, "is_non_decreasing")


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether each element is greater than the one before it, in row-major order."""
    return _differences(x, ew.greater, name, "is_strictly_increasing")
