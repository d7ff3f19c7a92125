"""The loop over time that all recurrent layers share."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import control_flow
from ...array_ops import ensure_shape
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import where
from ...compiler.ops.slicing import stack
from ...compiler.ops.view import dim_scalar, reshape, reverse, transpose, zeros_like
from ..nest import flatten, map_structure, pack

Step = Callable[[Any, list[Any]], tuple[Tensor, list[Any]]]


def run_over_time(step: Step, inputs: Any, states: Any, go_backwards: bool = False, mask: Any = None,
                  unroll: bool = False, zero_output_for_mask: bool = False,
                  return_all_outputs: bool = True, time_major: bool = False) -> tuple[Tensor, Tensor, Any]:
    """`output, states = step(input, states)` for each time step of `inputs`, tensors of [batch, time, ...] ([time,
    batch, ...] if `time_major`).

    Where `mask` [batch, time] is false the states stay, and the output is the one before (zeros at first, or always
    with `zero_output_for_mask`). Returns (the last output, all outputs [batch, time, ...], the last states); without
    `return_all_outputs` there is one time step in the second. Raises ValueError for an unrolled loop of unknown length.
    """
    major = inputs if time_major else map_structure(swapped, inputs)
    sequences = map_structure(lambda t: reverse(t, 0), major) if go_backwards else major
    masks = None if mask is None else swapped(convert_to_tensor(mask))
    masks = reverse(masks, 0) if masks is not None and go_backwards else masks
    leaves = flatten(sequences)
    assert leaves[0].dims is not None
    length = leaves[0].dims[0]

    def at(t: Any) -> tuple[Any, Any]:
        return map_structure(lambda s: s[t], sequences), None if masks is None else masks[t]

    def advance(t: Any, before: Tensor | None, current: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        now, kept = at(t)
        output, following = step(now, pack(states, current))
        new = [_like(convert_to_tensor(s), old) for s, old in zip(flatten(following), current, strict=True)]
        if kept is None:
            return output, new
        previous = zeros_like(output) if before is None or zero_output_for_mask else before
        return _where(kept, output, previous), [
            _like(_where(kept, a, b), b) for a, b in zip(new, current, strict=True)]

    current = [convert_to_tensor(s) for s in flatten(states)]
    if unroll:
        if not isinstance(length, int):
            raise ValueError("Unrolling requires a fixed number of time steps. Received inputs of shape "
                             f"{[t.shape for t in flatten(inputs)]}")
        outputs: list[Tensor] = []
        for t in range(length):
            output, current = advance(t, outputs[-1] if outputs else None, current)
            outputs.append(output)
        whole = swapped(stack(outputs if return_all_outputs else outputs[-1:]))
        return outputs[-1], whole, pack(states, current)
    return _looped(advance, current, length, states, mask is not None, return_all_outputs)


def _looped(advance: Any, current: list[Tensor], length: Any, states: Any, masked: bool,
            return_all_outputs: bool) -> tuple[Tensor, Tensor, Any]:
    first, _ = advance(0, None, current)  # for its shape: nothing else uses it
    size = convert_to_tensor(length) if isinstance(length, int) else dim_scalar(length)
    slots = size if return_all_outputs else 1
    array = control_flow.TensorArray(first.dtype, size=slots, element_shape=first.shape)

    def body(t: Tensor, filled: Any, before: Tensor, *now: Tensor) -> Any:
        output, following = advance(t, before if masked else None, list(now))
        filled = filled.write(t if return_all_outputs else 0, output) if return_all_outputs else filled
        return (t + 1, filled, output, *following)

    zero = zeros_like(first)
    _, filled, last, *final = control_flow.while_loop(
        lambda t, *rest: t < size, body, (convert_to_tensor(0), array, zero, *current), maximum_iterations=size)
    if not return_all_outputs:
        whole = reshape(last, (last.dims[0], 1, *last.dims[1:]))
        return last, whole, pack(states, final)
    stacked = filled.stack()
    stacked.set_shape((length, *(d if isinstance(d, int) else None for d in first.dims)))
    whole = swapped(reshape(stacked, (length, *first.dims)))
    return last, whole, pack(states, final)


def _like(state: Tensor, before: Tensor) -> Tensor:
    """A state, whose sizes are those of the one before where they were not known."""
    known = before.shape.is_fully_defined() and state.dims is not None and not state.shape.is_fully_defined()
    return ensure_shape(state, before.shape) if known and len(state.dims or ()) == len(before.dims or ()) else state


def swapped(x: Tensor) -> Tensor:
    """Time and batch change places."""
    return transpose(x, (1, 0, *range(2, len(x.dims or ()))))


def _where(kept: Tensor, new: Tensor, old: Tensor) -> Tensor:
    assert kept.dims is not None and new.dims is not None
    shaped = reshape(kept, (kept.dims[0], *(1,) * (len(new.dims) - 1)))
    return where(shaped, new, old)
