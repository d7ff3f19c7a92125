"""The kernel of the k largest elements of rows: a sorted list of the best so far, which few elements enter."""
from __future__ import annotations

from collections.abc import Callable
from math import prod

from ..ir import Operation, Tensor
from .boxes import HEADER
from .kernel import KernelCall
from .source import calls

MOST = 64  # a longer list takes longer to keep in order than a row to sort
BLOCK = 64  # elements that are compared at once with the last of the list

# NaN comes last, and of equal elements the first one first
BETTER = "select({0} == {0}, select({0} <= {1}, 0, 1), 0)"
TOP = '''    x = word(buffers, 0)
    values = word(buffers, 1)
    indices = word(buffers, 2)
    size = word(dims, 0)
    k = word(dims, 1)
    for row in range(begin, end):
        base = row * size
        list = row * k
        for i in range(k):
            element = load_{code}(x, base + i, 0)
            at = i
            before = max(at - 1, 0)
            while at > 0 and {before_better} == 1:
                store_{code}(values, list + at, load_{code}(values, list + before, 1), 1)
                store_i32(indices, list + at, load_i32(indices, list + before, 2), 2)
                at -= 1
                before = max(at - 1, 0)
            store_{code}(values, list + at, element, 1)
            store_i32(indices, list + at, i, 2)
        low = k
        while low < size:
            high = min(low + {block}, size)
            least = load_{code}(values, list + k - 1, 1)
            found = 0
            for i in range(low, high):
                found += {any_better}
            if found > 0:
                for i in range(low, high):
                    element = load_{code}(x, base + i, 0)
                    at = k
                    before = k - 1
                    while at > 0 and {before_better} == 1:
                        if at < k:
                            store_{code}(values, list + at, load_{code}(values, list + before, 1), 1)
                            store_i32(indices, list + at, load_i32(indices, list + before, 2), 2)
                        at -= 1
                        before = max(at - 1, 0)
                    if at < k:
                        store_{code}(values, list + at, element, 1)
                        store_i32(indices, list + at, i, 2)
            low = high
'''


def lower_top(op: Operation, shape_of: Callable[[Tensor], tuple[int, ...]]) -> list[KernelCall]:
    """Tasks are the rows. Nothing for long lists."""
    x, values = op.inputs[0], op.outputs[0]
    (*rows, size), k, code = shape_of(x), shape_of(values)[-1], x.dtype.code
    if len(op.outputs) < 2 or k > MOST or not k * prod(rows):
        return []
    indices = op.outputs[1]
    body = TOP.format(code=code, block=BLOCK,
                      before_better=BETTER.format("element", f"load_{code}(values, list + before, 1)"),
                      any_better=BETTER.format(f"load_{code}(x, base + i, 0)", "least"))
    names = sorted({"compiled", *calls(body)} - {"min", "max"})
    source = HEADER.format(title="the largest of rows", names=", ".join(names)) + body
    return [KernelCall(op.name, source, (x, values, indices), (size, k), prod(rows), flops=prod(rows) * size,
                       nbytes=prod(rows) * size * x.dtype.size, writes=(1, 2))]
