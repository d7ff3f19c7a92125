"""`tf.contrib.integrate`: initial value problems of ordinary differential equations."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..array_ops import size
from ..check_ops import check_numerics
from ..compiler.dtypes import float64
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import cast, logical_and, maximum, minimum, sqrt, square, where
from ..compiler.ops.reduction import reduce_all, reduce_mean
from ..control_flow import TensorArray, cond, while_loop
from ..framework import name_scope
from ..math import abs as abs_

__all__ = ["odeint", "odeint_fixed"]

Derivative = Callable[[Tensor, Tensor], Any]

# Dormand and Prince's pair of orders 5 and 4; the value in the middle of a step is Shampine's (1986, section 4)
_TIMES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_STAGES = ((1 / 5,), (3 / 40, 9 / 40), (44 / 45, -56 / 15, 32 / 9),
           (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
           (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
           (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84))
_ERROR = (1951 / 21600 - 35 / 384, 0.0, 22642 / 50085 - 500 / 1113, 451 / 720 - 125 / 192,
          -12231 / 42400 + 2187 / 6784, 649 / 6300 - 11 / 84, 1 / 60)
_MIDDLE = tuple(c / 2 for c in (
    6025192743 / 30085553152, 0.0, 51252292925 / 65400821598, -2691868925 / 45128329728, 187940372067 / 1594534317056,
    -1776094331 / 19743644256, 11237099 / 235043384))


class _Step(NamedTuple):
    """The last step taken, from t0 to t1, with the polynomial that gives y between, and the next step's size."""

    y: Tensor
    f: Tensor
    t0: Tensor
    t1: Tensor
    dt: Tensor
    polynomial: tuple[Tensor, ...]  # highest power first, of (t - t0) / (t1 - t0)


def _weighted(weights: Any, values: Any) -> Tensor:
    terms = [w * v for w, v in zip(weights, values, strict=True) if isinstance(w, Tensor) or w]
    return sum(terms[1:], terms[0])


def _polynomial(y0: Tensor, y1: Tensor, slopes: list[Tensor], dt: Tensor) -> tuple[Tensor, ...]:
    """The polynomial of order 4 through both ends and the middle, with the slopes at the ends."""
    middle, first, last = y0 + dt * _weighted(_MIDDLE, slopes), slopes[0], slopes[-1]
    return (2 * dt * (last - first) - 8 * (y0 + y1) + 16 * middle,
            dt * (5 * first - 3 * last) + 18 * y0 + 14 * y1 - 32 * middle,
            dt * (last - 4 * first) - 11 * y0 - 5 * y1 + 16 * middle, dt * first, y0)


def _arguments(y0: Any, t: Any) -> tuple[Tensor, Tensor]:
    y, times = convert_to_tensor(y0, name="y0"), convert_to_tensor(t, preferred_dtype=float64, name="t")
    if not (y.dtype.is_floating or y.dtype.is_complex):
        raise TypeError(f"`y0` must have a floating point or complex floating point dtype, received {y.dtype.name}")
    if not times.dtype.is_floating:
        raise TypeError(f"`t` must have a floating point dtype, received {times.dtype.name}")
    return y, times


def _checked(y: Tensor, fine: Tensor, message: str) -> Tensor:
    """`y`, or InvalidArgumentError when the graph runs; not by an Assert, which would stop the run before it goes on
    to the gradient."""
    return y + cast(check_numerics(where(fine, constant(0.0), constant(np.nan)), message), y.dtype)


def odeint(func: Derivative, y0: Any, t: Any, rtol: float = 1e-6, atol: float = 1e-12, method: str | None = None,
           options: Mapping[str, Any] | None = None, full_output: bool = False, name: str | None = None) -> Any:
    """The solution [times, ...] at the times `t`, which grow, of dy/dt = func(y, t) from y = `y0` at the first.

    Method "dopri5" (Dormand and Prince 1980): steps whose error is at most `atol` + `rtol` |y|. `options` (only with
    `method`): first_step (1), safety (0.9), ifactor (10), dfactor (0.2), max_num_steps (1000) between two times. With
    `full_output` also a dict: num_func_evals, integrate_points and error_ratio of all steps tried. Raises ValueError
    for another method, TypeError for dtypes, InvalidArgumentError when the graph runs and there are too many steps, a
    step is too small, y is not finite or the times do not grow.
    """
    if method is not None and method != "dopri5":
        raise ValueError(f'method "{method}" is not supported; expected "dopri5"')
    if options is not None and method is None:
        raise ValueError("cannot supply `options` without specifying `method`")
    with name_scope(name, "odeint", [y0, t]):
        y, times = _arguments(y0, t)
        return _dopri5(func, y, times, rtol, atol, full_output, **(options or {}))


def _dopri5(func: Derivative, y0: Tensor, t: Tensor, rtol: float, atol: float, full_output: bool,
            first_step: float = 1.0, safety: float = 0.9, ifactor: float = 10.0, dfactor: float = 0.2,
            max_num_steps: int = 1000) -> Any:

    def attempt(state: _Step, points: Any, ratios: Any, tried: Tensor) -> Any:
        y, f, _, start, dt, _ = state
        width = cast(dt, y0.dtype)
        slopes, value = [f], y
        for moment, weights in zip(_TIMES, _STAGES, strict=True):
            value = y + width * _weighted(weights, slopes)
            slopes.append(convert_to_tensor(func(value, start + moment * dt)))
        tolerance = atol + rtol * maximum(abs_(y), abs_(value))
        ratio = sqrt(reduce_mean(square(abs_(width * _weighted(_ERROR, slopes)) / tolerance)))
        taken = ratio <= 1
        factor = maximum(1 / ifactor, minimum(cast(ratio, dt.dtype) ** 0.2 / safety, 1 / dfactor))
        kept = cond(taken, lambda: (value, slopes[-1], start + dt, *_polynomial(y, value, slopes, width)),
                    lambda: (y, f, start, *state.polynomial))
        after = _Step(kept[0], kept[1], start, kept[2], dt / factor, tuple(kept[3:]))
        if full_output:
            points, ratios = points.write(points.size(), start + dt), ratios.write(ratios.size(), ratio)
        return after, points, ratios, tried + 1

    def unfinished(i: Tensor) -> Callable[..., Tensor]:
        def goes_on(state: _Step, points: Any, ratios: Any, tried: Tensor) -> Tensor:
            # a step of NaN ends it too
            possible = logical_and(tried < max_num_steps, state.t1 + state.dt > state.t1)
            return logical_and(t[i] > state.t1, possible)
        return goes_on

    def advance(i: Tensor, solution: Any, state: _Step, points: Any, ratios: Any) -> Any:
        state, points, ratios, _ = while_loop(unfinished(i), attempt, (state, points, ratios, constant(0)))
        x = cast((t[i] - state.t0) / (state.t1 - state.t0), y0.dtype)
        value = state.polynomial[0]
        for coefficient in state.polynomial[1:]:
            value = value * x + coefficient
        return i + 1, solution.write(i, value), state, points, ratios

    count = size(t)
    step = _Step(y0, convert_to_tensor(func(y0, t[0])), t[0], t[0], constant(first_step, t.dtype), (y0,) * 5)
    real = abs_(y0).dtype
    history = [TensorArray(dtype, 0, dynamic_size=True, element_shape=[]) for dtype in (t.dtype, real)
               ] if full_output else [constant(0), constant(0)]
    solution = TensorArray(y0.dtype, count, element_shape=y0.shape).write(0, y0)
    _, solution, step, points, ratios = while_loop(
        lambda i, *_: i < count, advance, (constant(1), solution, step, *history))
    grows, reached = reduce_all(t[1:] > t[:-1]), step.t1 >= t[-1]
    y = _checked(solution.stack(), logical_and(grows, reached), "`t` must be monotonic increasing, at most "
                 f"max_num_steps = {max_num_steps} steps suffice, and y stay finite")
    y.set_shape(t.shape.concatenate(y0.shape))
    if not full_output:
        return y
    moments = points.stack()
    return y, {"num_func_evals": 6 * size(moments) + 1, "integrate_points": moments, "error_ratio": ratios.stack()}


def odeint_fixed(func: Derivative, y0: Any, t: Any, dt: Any = None, method: str = "rk4",
                 name: str | None = None) -> Tensor:
    """The solution [times, ...] of dy/dt = func(y, t) at the times `t`, by steps of size `dt` between two of them (the
    last one shorter), or of one step where `dt` is None; method "rk4" (the classical one of order 4) or "midpoint".

    Raises ValueError for another method, TypeError for dtypes, InvalidArgumentError for times that do not grow.
    """
    if method not in ("midpoint", "rk4"):
        raise ValueError(f"method not supported: {method!s}; expected 'midpoint' or 'rk4'")
    with name_scope(name, f"odeint_fixed.{method}", [y0, t]):
        y, times = _arguments(y0, t)

        def step(y: Tensor, start: Tensor, width: Tensor) -> Tensor:
            h = cast(width, y.dtype)
            first = func(y, start)
            if method == "midpoint":
                return y + h * func(y + h / 2 * first, start + width / 2)
            second = func(y + h / 2 * first, start + width / 2)
            third = func(y + h / 2 * second, start + width / 2)
            return y + h / 6 * (first + 2 * second + 2 * third + func(y + h * third, start + width))

        def interval(i: Tensor, y: Tensor, solution: Any) -> Any:
            start, end = times[i - 1], times[i]
            if dt is None:
                y = step(y, start, end - start)
            else:
                width = cast(convert_to_tensor(dt), times.dtype)
                _, y = while_loop(lambda at, _: at < end, lambda at, y: (
                    at + width, step(y, at, minimum(width, end - at))), (start, y))
            return i + 1, y, solution.write(i, y)

        count = size(times)
        solution = TensorArray(y.dtype, count, element_shape=y.shape).write(0, y)
        _, _, solution = while_loop(lambda i, *_: i < count, interval, (constant(1), y, solution))
        result = _checked(solution.stack(), reduce_all(times[1:] > times[:-1]), "`t` must be monotonic increasing")
        result.set_shape(times.shape.concatenate(y.shape))
        return result
