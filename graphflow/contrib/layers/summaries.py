"""Summaries of tensors and collections."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import summary
from ...compiler.ops.constant import convert_to_tensor
from ...framework import GraphKeys, get_collection
from ...nn import zero_fraction


def summarize_tensor(tensor: Any, tag: str | None = None) -> Any:
    """A scalar or a histogram, as the tensor's rank asks for."""
    x = convert_to_tensor(tensor)
    label = tag or x.op.name
    return summary.scalar(label, x) if x.shape.ndims == 0 else summary.histogram(label, x)


def summarize_activation(op: Any) -> Any:
    """A histogram of an activation, and for a relu the fraction of zeros."""
    x = convert_to_tensor(op)
    if x.op.type in ("Relu", "Softplus", "Relu6"):
        summary.scalar(f"{x.op.name}/fraction_of_zero_values", zero_fraction(x))
    return summary.histogram(f"{x.op.name}/activation", x)


def summarize_tensors(tensors: Sequence[Any], summarizer: Callable[[Any], Any] = summarize_tensor) -> list[Any]:
    return [summarizer(t) for t in tensors]


def summarize_collection(collection: str, name_filter: str | None = None,
                         summarizer: Callable[[Any], Any] = summarize_tensor) -> list[Any]:
    """Summaries of what is in a collection (where the name matches)."""
    return summarize_tensors(get_collection(collection, name_filter), summarizer)


def summarize_variables(name_filter: str | None = None,
                        summarizer: Callable[[Any], Any] = summarize_tensor) -> list[Any]:
    return summarize_collection(GraphKeys.GLOBAL_VARIABLES, name_filter, summarizer)


def summarize_weights(name_filter: str | None = None, summarizer: Callable[[Any], Any] = summarize_tensor) -> list[Any]:
    return summarize_collection(GraphKeys.WEIGHTS, name_filter, summarizer)


def summarize_biases(name_filter: str | None = None, summarizer: Callable[[Any], Any] = summarize_tensor) -> list[Any]:
    return summarize_collection(GraphKeys.BIASES, name_filter, summarizer)


def summarize_activations(name_filter: str | None = None,
                          summarizer: Callable[[Any], Any] = summarize_activation) -> list[Any]:
    return summarize_collection(GraphKeys.ACTIVATIONS, name_filter, summarizer)
