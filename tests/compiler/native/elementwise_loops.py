"""Compiles loops over elements, `out[i] = expression(x[i], y[i], z[i])`, from generated source as lowering does."""
from __future__ import annotations

import ctypes
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from graphflow.compiler.native.machine import link, optimised, target
from graphflow.compiler.native.translate import translate

CODES = {"f4": "f32", "f8": "f64", "i1": "i8", "i2": "i16", "i4": "i32", "i8": "i64",
         "u1": "u8", "u2": "u16", "u4": "u32", "u8": "u64", "b1": "b1"}


class Loop:
    """A compiled loop and the assembly of it."""

    def __init__(self, module: Any):
        self.assembly = target().emit_assembly(module)
        name, = (function.name for function in module.functions if not function.is_declaration)
        self.function = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)(link(target().emit_object(module), name))


@cache
def compiled_loop(expressions: tuple[str, ...], inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Any:
    """The kernel whose buffers are the inputs x, y, z, then the outputs, one for each expression; n0, n1 are sizes."""
    lines = ["from graphflow.compiler.native.prelude import *", "", "",
             "@compiled", "def kernel(buffers, dims, begin, end, lane):", "    n0, n1 = word(dims, 0), word(dims, 1)"]
    lines += [f"    p{slot} = word(buffers, {slot})" for slot in range(len(inputs) + len(outputs))]
    lines += ["    for i in range(begin, end):"]
    lines += [f"        {'xyz'[slot]} = load_{CODES[dtype]}(p{slot}, i, {slot})" for slot, dtype in enumerate(inputs)]
    for slot, (expression, dtype) in enumerate(zip(expressions, outputs, strict=True), len(inputs)):
        lines += [f"        store_{CODES[dtype]}(p{slot}, i, {expression}, {slot})"]
    source = "\n".join(lines) + "\n"
    names: dict[str, Any] = {}
    exec(source, names)
    return Loop(optimised(translate(source, names, "loop_" + hashlib.sha256(source.encode()).hexdigest()[:16])))


def evaluate_all(expressions: Sequence[str], outputs: Sequence[str], *arrays: np.ndarray,
                 sizes: Sequence[int] = (0, 0)) -> list[np.ndarray]:
    """The value of each expression at each element."""
    arrays = tuple(np.ascontiguousarray(array) for array in arrays)
    kernel = compiled_loop(tuple(expressions), tuple(a.dtype.str[1:] for a in arrays), tuple(outputs))
    results = [np.empty(arrays[0].shape, dtype) for dtype in outputs]
    buffers = np.array([array.ctypes.data for array in (*arrays, *results)], np.int64)
    dims = np.array(sizes, np.int64)
    kernel.function(buffers.ctypes.data, dims.ctypes.data, 0, arrays[0].size, 0)
    return results


def evaluate(expression: str, output: str, *arrays: np.ndarray, sizes: Sequence[int] = (0, 0)) -> np.ndarray:
    return evaluate_all([expression], [output], *arrays, sizes=sizes)[0]


def assembly(expression: str, dtype: str, arity: int = 1) -> str:
    return compiled_loop((expression,), (dtype,) * arity, (dtype,)).assembly


def called_functions(text: str) -> set[str]:
    """External functions whose address the code takes, but for the kernel's own."""
    return {name for name in re.findall(r"movabsq\s+\$([A-Za-z]\w*)", text) if "loop_" not in name}


def ulps(result: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Distance in units in the last place of the exact value; infinite where only one of the two is NaN or infinite."""
    info = np.finfo(result.dtype)
    with np.errstate(all="ignore"):
        rounded = exact.astype(result.dtype)
        same = (result == rounded) | (np.isnan(result) & np.isnan(rounded))
        exponent = np.maximum(np.frexp(np.abs(exact))[1] - 1, info.minexp)
        distance = np.abs(result - exact) / np.ldexp(np.ones_like(exact), exponent - info.nmant)
    close = np.where(np.isfinite(rounded), distance, 0)
    return np.where(same, close, np.where(np.isfinite(distance), distance, np.inf))
