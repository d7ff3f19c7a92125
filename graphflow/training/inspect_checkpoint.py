"""`tensorflow.python.tools.inspect_checkpoint`: what a checkpoint holds, printed."""
from __future__ import annotations

import math
import re
from typing import Any

from .checkpoint_utils import load_checkpoint

__all__ = ["print_tensors_in_checkpoint_file"]


def print_tensors_in_checkpoint_file(file_name: Any, tensor_name: str | None, all_tensors: bool,
                                     all_tensor_names: bool = False, count_exclude_pattern: str = "") -> None:
    """Print the names, dtypes and shapes of all tensors (with `all_tensors` the values, too), or the value of one; then
    the number of elements of those whose names `count_exclude_pattern` does not match."""
    reader = load_checkpoint(file_name)
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    if all_tensors or all_tensor_names or not tensor_name:
        for name in sorted(shapes):
            print(f"tensor: {name} ({dtypes[name].name}) {list(shapes[name])}")
            if all_tensors:
                print(reader.get_tensor(name))
    elif tensor_name not in shapes:
        print(f"Tensor {tensor_name} not found in checkpoint")
        return
    else:
        print("tensor_name: ", tensor_name)
        print(reader.get_tensor(tensor_name))
    counted = [n for n in shapes if not (count_exclude_pattern and re.match(count_exclude_pattern, n))]
    print(f"# Total number of params: {sum(math.prod(shapes[n]) for n in counted)}")
