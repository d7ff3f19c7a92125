"""`slim.model_analyzer`: how large a model is."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def _size(tensor: Any) -> int:
    """Its elements; 0 where the shape does not tell."""
    return tensor.get_shape().num_elements() or 0


def tensor_description(var: Any) -> str:
    """Type and shape of a tensor or a variable: "(float32 3x4)"."""
    return f"({var.dtype.base_dtype.name} {'x'.join(str(size) for size in var.get_shape())})"


def analyze_ops(graph: Any, print_info: bool = False) -> int:
    """The number of elements of all outputs of a graph's operations; with `print_info`, a line for each operation."""
    if print_info:
        print("---------", "Operations: name -> (type shapes) [size]", "---------", sep="\n")
    total = 0
    for op in graph.get_operations():
        size = sum(map(_size, op.outputs))
        total += size
        if print_info:
            shapes = ", ".join(tensor_description(output) for output in op.outputs if output.get_shape())
            print(op.name, "\t->", shapes, f"[{size}]")
    return total


def analyze_vars(variables: Iterable[Any], print_info: bool = False) -> tuple[int, int]:
    """The number of elements and of bytes of all variables; with `print_info`, a line for each of them."""
    if print_info:
        print("---------", "Variables: name (type shape) [size]", "---------", sep="\n")
    total_size = total_bytes = 0
    for var in variables:
        size = _size(var)
        total_size += size
        total_bytes += size * var.dtype.base_dtype.size
        if print_info:
            print(var.name, tensor_description(var), f"[{size}, bytes: {size * var.dtype.base_dtype.size}]")
    if print_info:
        print(f"Total size of variables: {total_size}", f"Total bytes of variables: {total_bytes}", sep="\n")
    return total_size, total_bytes
