"""`K.*`: functions of placeholders, gradients and loops."""
from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import control_flow, framework
from ...compiler.dtypes import as_dtype, bool_
from ...compiler.ir import Operation, Tensor, default_graph
from ...compiler.ops import state
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.view import identity, known_rank, squeeze, transpose
from ...compiler.ops.view import stop_gradient as _stop_gradient
from ...script_ops import print as _print
from ..layers.rnn_loop import run_over_time
from ..nest import as_list, flatten, map_structure, pack
from ..scope import current_scope, outside_steps, training_as
from .phase import symbolic_learning_phase
from .session import get_session
from .tensors import is_sparse, is_tensor, to_dense, update

name_scope = framework.name_scope
control_dependencies = framework.control_dependencies


class Function:
    """Values of `inputs` to values of `outputs`, in their nest; `updates` (operations, or pairs of a variable and its
    new value) run after the outputs.

    With the learning phase among the inputs and a 1 for it, the outputs are those of the layers in training. The
    remaining arguments are those of `Session.run`; `givens` replaces tensors by others. Raises ValueError for others.
    """

    def __init__(self, inputs: Any, outputs: Any, updates: Any = None, name: str | None = None,
                 feed_dict: dict[Any, Any] | None = None, fetches: Any = None, options: Any = None,
                 run_metadata: Any = None, givens: Any = None, **kwargs: Any):
        if kwargs:
            raise ValueError(f"Invalid argument {sorted(kwargs)[0]!r} passed to K.function with TensorFlow backend")
        if updates is not None and not isinstance(updates, (list, tuple)):
            raise TypeError("`updates` in a Keras backend function should be a list or tuple.")
        self.inputs: list[Any] = flatten(inputs)
        self.name, self.feed_dict, self.run_metadata, self.options = name, feed_dict, run_metadata, options
        self._givens = dict(givens or {})
        self._structure = map_structure(lambda _: None, outputs)
        self._outputs = [convert_to_tensor(to_dense(t)) for t in flatten(outputs)]
        self.outputs = self._outputs
        self._graph = next((t.graph for t in [*self.outputs, *self.inputs] if isinstance(t, Tensor)), default_graph())
        self._trained: list[Tensor] | None = None
        with self._graph.as_default(), self._graph.control_dependencies(self.outputs):
            steps = [update(*u) if isinstance(u, tuple) else u for u in updates or ()]
            self.updates_op = state.group(*steps)
        with self._graph.as_default():
            self.fetches = [f if isinstance(f, Operation) else identity(f) for f in as_list(fetches or [])]

    def __call__(self, inputs: Any = ()) -> Any:
        values = flatten(inputs)
        missing = self.inputs[len(values):]  # the last ones may be left out if they have a default, as the phase has
        values += [None] * len(missing)
        if len(values) > len(self.inputs) or any(is_tensor(t) and t.op.type == "Placeholder" for t in missing):
            raise ValueError(f"The function takes {len(self.inputs)} inputs. Received: {len(values) - len(missing)}")
        pairs = [(t, v) for t, v in zip(self.inputs, values, strict=True) if v is not None and is_tensor(t)]
        feeds: dict[Any, Any] = {t: v if v.__class__.__name__ == "SparseTensorValue" else np.asarray(
            v, as_dtype(t.dtype).np) for t, v in pairs}
        feeds.update((t, v) for t, v in zip(self.inputs, values, strict=True) if is_sparse(t))
        feeds |= self.feed_dict or {}
        session = get_session(self._graph)
        for tensor, given in self._givens.items():
            feeds[tensor] = session.run(given, feeds) if is_tensor(given) else given
        results = session.run([*self._for(values), *self.fetches, self.updates_op], feeds, self.options,
                              self.run_metadata)
        return pack(self._structure, results[:len(self.outputs)])

    def _for(self, values: list[Any]) -> list[Tensor]:
        """The outputs in the phase that is fed."""
        phase = symbolic_learning_phase() if self._graph is default_graph() else None
        if phase is None or not any(t is phase and v is not None and np.any(v) for t, v in zip(
                self.inputs, values, strict=True)):
            return self.outputs
        if self._trained is None:
            self._trained = self._in_training([t for t in self.inputs if isinstance(t, Tensor) and t is not phase])
        return self._trained

    def _in_training(self, inputs: list[Tensor]) -> list[Tensor]:
        """The outputs that the layers between give in training; those of the graph where there are no such layers."""
        from ..models.network import Network  # stands above, and needs this module's package
        try:
            with outside_steps():
                network = Network(inputs, self.outputs)
        except ValueError:
            return self.outputs
        if network.inputs != inputs:
            return self.outputs
        with self._graph.as_default(), training_as(True):
            return flatten(network.run(inputs)[0])


def function(inputs: Any, outputs: Any, updates: Any = None, **kwargs: Any) -> Function:
    """The `Function` from inputs to outputs."""
    return Function(inputs, outputs, updates, **kwargs)


def gradients(loss: Any, variables: Any) -> list[Any]:
    """d(sum of loss)/d(variable) for each variable or tensor; None where the loss does not depend on it. Tensors that a
    model was made of stand for what they are in its step."""
    scope = current_scope()
    if scope is not None:
        variables = scope.standing(variables if isinstance(variables, (list, tuple)) else [variables])
    return framework.gradients(loss, variables)


def stop_gradient(variables: Any) -> Any:
    """The same values, constants to gradients: a tensor, or an iterator over those of a list."""
    if isinstance(variables, (list, tuple)):
        return map(_stop_gradient, variables)
    return _stop_gradient(variables)


def print_tensor(x: Any, message: str = "") -> Tensor:
    """`x`, which is printed to the standard output whenever it is computed."""
    with control_dependencies([_print(message, x, output_stream=sys.stdout)]):
        return identity(x)


def map_fn(fn: Callable[..., Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """fn(slice) for each slice of `elems` along the first axis, stacked."""
    return control_flow.map_fn(fn, elems, dtype, name=name)


def foldl(fn: Callable[..., Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """fn(...fn(initializer, first slice)..., last slice)."""
    return control_flow.foldl(fn, elems, initializer, name=name)


def foldr(fn: Callable[..., Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """fn(...fn(initializer, last slice)..., first slice)."""
    return control_flow.foldr(fn, elems, initializer, name=name)


def rnn(step_function: Callable[..., Any], inputs: Any, initial_states: Sequence[Any], go_backwards: bool = False,
        mask: Any = None, constants: Sequence[Any] | None = None, unroll: bool = False,
        input_length: Any = None, time_major: bool = False, zero_output_for_mask: bool = False
        ) -> tuple[Tensor, Tensor, list[Tensor]]:
    """`output, states = step_function(input, [*states, *constants])` over the time steps of `inputs` [batch, time,
    ...], or with `time_major` [time, batch, ...].

    Where `mask` [batch, time] is 0 the states stay and the output is the one before. Returns (the last output, all
    outputs, the last states). Raises ValueError for an unrolled loop of unknown length.
    """
    fixed = [convert_to_tensor(c) for c in constants or ()]
    sequences = map_structure(convert_to_tensor, inputs)
    kept = None if mask is None else cast(mask, bool_)
    if kept is not None and len(known_rank("rnn", kept)) == 3:
        kept = squeeze(kept, -1)
    if time_major:
        sequences, kept = map_structure(_exchanged, sequences), None if kept is None else _exchanged(kept)

    def step(now: Any, states: Any) -> tuple[Tensor, list[Any]]:
        output, following = step_function(now, [*states, *fixed])
        return output, list(following)

    last, outputs, states = run_over_time(step, sequences, list(initial_states), go_backwards, kept, unroll,
                                          zero_output_for_mask)
    return last, _exchanged(outputs) if time_major else outputs, list(states)


def _exchanged(x: Tensor) -> Tensor:
    """Time and batch change places."""
    return transpose(x, (1, 0, *range(2, len(known_rank("rnn", x)))))
