"""Optimizers outside the graph: SciPy's, on all variables as one vector."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...compiler.ops.constant import convert_to_tensor
from ...framework import gradients
from ...session import chosen
from ...variable_lists import trainable_variables


class ExternalOptimizerInterface:
    """Minimizes a loss over variables with an optimizer that is given values and gradients.

    A subclass defines `_minimize(initial_val, loss_grad_func, equality_funcs, equality_grad_funcs, inequality_funcs,
    inequality_grad_funcs, packed_bounds, step_callback, optimizer_kwargs)`, which returns the best vector. Constraints
    are tensors: equalities are to be 0, inequalities at least 0; `var_to_bounds` maps variables to (low, high).
    """

    def __init__(self, loss: Any, var_list: Any = None, equalities: Sequence[Any] | None = None,
                 inequalities: Sequence[Any] | None = None, var_to_bounds: Mapping[Any, Any] | None = None,
                 **optimizer_kwargs: Any):
        self._loss = convert_to_tensor(loss)
        self._equalities, self._inequalities = list(equalities or ()), list(inequalities or ())
        self._vars = list(trainable_variables() if var_list is None else var_list)
        self.optimizer_kwargs = optimizer_kwargs
        self._sizes = [int(np.prod(v.shape.as_list(), dtype=np.int64)) for v in self._vars]
        self._bounds = None if var_to_bounds is None else [
            pair for v, size in zip(self._vars, self._sizes, strict=True)
            for pair in _pairs(var_to_bounds.get(v, (-np.inf, np.inf)), v, size)]
        self._grads = {t: self._gradient(t) for t in (self._loss, *self._equalities, *self._inequalities)}

    def _gradient(self, value: Any) -> list[Any]:
        grads = gradients(value, self._vars)
        return [np.zeros(v.shape.as_list()) if g is None else convert_to_tensor(g)
                for g, v in zip(grads, self._vars, strict=True)]

    def minimize(self, session: Any = None, feed_dict: Mapping[Any, Any] | None = None,
                 fetches: Sequence[Any] | None = None, step_callback: Callable[[np.ndarray], None] | None = None,
                 loss_callback: Callable[..., None] | None = None, **run_kwargs: Any) -> None:
        """Find the best values and store them in the variables.

        `loss_callback` gets the values of `fetches` at each evaluation, `step_callback` the vector after each step.
        """
        session = chosen(session, "minimize")
        extra, feeds = list(fetches or ()), dict(feed_dict or {})

        def evaluate(value: Any, callback: Callable[..., None] | None, more: list[Any]) -> Callable[..., Any]:
            grads = self._grads[value]

            def function(vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
                tensors = [g for g in grads if not isinstance(g, np.ndarray)]
                found = session.run([value, *tensors, *more], {**feeds, **self._unpacked(vector)}, **run_kwargs)
                if callback is not None:
                    callback(*found[1 + len(tensors):])
                given = iter(found[1:])
                parts = [g if isinstance(g, np.ndarray) else next(given) for g in grads]
                return np.asarray(found[0], np.float64), np.concatenate([np.ravel(p) for p in parts]).astype(np.float64)

            return function

        def pair(values: list[Any]) -> tuple[list[Any], list[Any]]:
            functions = [evaluate(v, None, []) for v in values]
            return [lambda x, f=f: f(x)[0] for f in functions], [lambda x, f=f: f(x)[1] for f in functions]

        initial = np.concatenate([np.ravel(v) for v in session.run(self._vars)]).astype(np.float64)
        equalities, equality_grads = pair(self._equalities)
        inequalities, inequality_grads = pair(self._inequalities)
        best = self._minimize(
            initial_val=initial, loss_grad_func=evaluate(self._loss, loss_callback, extra), equality_funcs=equalities,
            equality_grad_funcs=equality_grads, inequality_funcs=inequalities,
            inequality_grad_funcs=inequality_grads, packed_bounds=self._bounds, step_callback=step_callback,
            optimizer_kwargs=self.optimizer_kwargs)
        for v, value in self._unpacked(best).items():
            v.load(value, session)

    def _unpacked(self, vector: np.ndarray) -> dict[Any, np.ndarray]:
        parts = np.split(vector, np.cumsum(self._sizes)[:-1])
        return {v: part.reshape(v.shape.as_list()).astype(v.dtype.as_numpy_dtype)
                for v, part in zip(self._vars, parts, strict=True)}

    def _minimize(self, **arguments: Any) -> np.ndarray:
        raise NotImplementedError("To use ExternalOptimizerInterface, subclass from it and implement the _minimize() "
                                  "method.")


def _pairs(bounds: Any, variable: Any, size: int) -> list[tuple[float, float]]:
    low, high = (np.broadcast_to(b, variable.shape.as_list()).reshape(size) for b in bounds)
    return list(zip(low.tolist(), high.tolist(), strict=True))


class ScipyOptimizerInterface(ExternalOptimizerInterface):
    """`scipy.optimize.minimize`: `method` (default "L-BFGS-B", "SLSQP" with constraints), `options` and other arguments
    are its own. Needs the package scipy (`pip install graphflow[scipy]`)."""

    _DEFAULT_METHOD = "L-BFGS-B"

    def _minimize(self, **arguments: Any) -> np.ndarray:
        try:
            from scipy.optimize import minimize
        except ImportError as error:
            raise ImportError("ScipyOptimizerInterface needs scipy: pip install graphflow[scipy]") from error
        constraints = [{"type": kind, "fun": f, "jac": g} for kind, fs, gs in (
            ("eq", arguments["equality_funcs"], arguments["equality_grad_funcs"]),
            ("ineq", arguments["inequality_funcs"], arguments["inequality_grad_funcs"]))
            for f, g in zip(fs, gs, strict=True)]
        options = {"method": "SLSQP" if constraints else self._DEFAULT_METHOD, **arguments["optimizer_kwargs"]}
        if constraints:
            options["constraints"] = constraints
        return minimize(arguments["loss_grad_func"], arguments["initial_val"], jac=True,
                        bounds=arguments["packed_bounds"], callback=arguments["step_callback"], **options).x
