"""The translation of kernels' texts: what Python and Numba would make of the same text."""
from __future__ import annotations

import ast
import ctypes
import itertools
import operator
from typing import Any

import numpy as np
import pytest
from graphflow.compiler.native import arithmetic, machine
from graphflow.compiler.native.translate import translate
from llvmlite import ir
from numba import types
from numba.core.registry import cpu_target

TEXT = '''
import math

def compiled(function):
    return function

LIMIT = 100


@compiled
def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


@compiled
def many(a, b):
    """Every statement and operator of the language."""
    total, steps, i = 0, 0, 1
    for i in range(a, b, 3):
        if i % 2 == 0 and i != 8 or not i < LIMIT:
            continue
        elif i > 50:
            total -= i // -7
        else:
            total += (i * i ^ 5) & 1023 | 1
        for j in range(i):
            steps += 1 if j % (i - 3) > 1 else -2
            if steps < -1000:
                return steps
        i = 7
    pass
    while True:
        total = total + 1 << 1 >> 1
        if total > 0 or total > -math.inf:
            return max(gcd(total, b), min(steps, ~total), a, i)
'''
NUMBERS = [types.boolean, types.int8, types.int16, types.int32, types.int64, types.uint8, types.uint16, types.uint32,
           types.uint64, types.float32, types.float64]
OPERATORS = {ast.Add: operator.add, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv,
             ast.Mod: operator.mod, ast.BitAnd: operator.and_, ast.RShift: operator.rshift, ast.LShift: operator.lshift}


def run(text: str, *arguments: int) -> Any:
    """What the last function returns, compiled."""
    names: dict[str, Any] = {}
    exec(text, names)
    name = f"test_translate_{abs(hash(text))}"
    place = machine.link(machine.assemble(translate(text, names, name)), name)
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(arguments))(place)(*arguments)


@pytest.mark.parametrize("a, b", [(4, 40), (-20, 130), (9, 9), (4, 400)])
def test_a_text_does_what_it_does_in_python(a, b):
    names: dict[str, Any] = {}
    exec(TEXT, names)
    assert run(TEXT, a, b) == names["many"](a, b)


@pytest.mark.parametrize("count", [0, 1, 7, 40])
def test_a_masked_loop_writes_what_it_ranges_over(count):
    text = """
from graphflow.compiler.native.prelude import compiled, load_f32, store_f32

@compiled
def kernel(p, q, n):
    for i in masked(n):
        store_f32(q, i, load_f32(p, i, 0) * 2, 1)
"""
    source, target = np.arange(48, dtype="f4"), np.full(48, -1, "f4")
    run(text, source.ctypes.data, target.ctypes.data, count)
    np.testing.assert_array_equal(target, np.where(np.arange(48) < count, source * 2, -1))


def test_nan_survives_what_would_cancel():
    text = """
from graphflow.compiler.native.prelude import compiled, load_f32, store_f32

@compiled
def kernel(p, q):
    for i in range(32):
        x = load_f32(p, i, 0)
        store_f32(q, i, x * 2 + 1 - x * 2, 1)
"""
    source, target = np.arange(32, dtype="f4"), np.empty(32, "f4")
    source[[5, 9]] = np.nan, np.inf
    run(text, source.ctypes.data, target.ctypes.data)
    np.testing.assert_array_equal(target, np.where(np.isfinite(source), 1, np.nan))


def test_types_are_numbas():
    """Of every operator and pair of types; numbers of float64 take no `//`, for which kernels call `floordiv`."""
    context = cpu_target.typing_context
    context.refresh()
    for (node, function), a, b in itertools.product(OPERATORS.items(), NUMBERS, NUMBERS):
        if node is not ast.Div and node not in arithmetic.ARITHMETIC and {a, b} & {types.float32, types.float64}:
            continue
        builder = ir.IRBuilder(ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "f").append_basic_block())
        operands = [arithmetic.Number(kind, ir.Constant(arithmetic.REGISTERS[kind], 1)) for kind in (a, b)]
        wanted = context.resolve_function_type(function, (a, b), {}).return_type
        assert arithmetic.binary(builder, node, *operands).type == wanted, (node, a, b)


@pytest.mark.parametrize("text, error, message", [
    ("x = [1]", SyntaxError, r"\[1\].* is not in the language of kernels"),
    ("import os", SyntaxError, "import os"),
    ("x = 1\n    x = 1.5", TypeError, "x is int64, and is assigned float64"),
    ("x = 1 if a else 1.5", TypeError, "'1' is int64, and '1.5' float64"),
    ("x = 1.5 & 1", TypeError, "no BitAnd of float64 and int64"),
    ("x = nowhere + 1", NameError, "name 'nowhere' is not defined"),
])
def test_what_is_not_in_the_language_says_so(text, error, message):
    with pytest.raises(error, match=message):
        translate(f"@compiled\ndef kernel(a):\n    {text}\n", {}, "kernel")


def test_comparisons_are_exact():
    """Of integers of any sizes and signs (a uint64 beside a signed one as float64), and of NaN with anything."""
    text = ("from graphflow.compiler.native.prelude import *\n\n\n@compiled\ndef kernel(a, b):\n"
            "    return {}\n")
    assert run(text.format("i8(a) < u8(b)"), -1, 255) == 1
    assert run(text.format("u32(a) > i32(b)"), 2**32 - 1, -1) == 1
    assert run(text.format("u64(a) > u64(b)"), -1, 1) == 1
    nan = "f32(1e999 - 1e999)"
    assert run(text.format(f"{nan} == {nan} or {nan} < 1 or not {nan} != {nan}"), 0, 0) == 0
    assert run(text.format(f"max({nan}, f32(1)) == max(f32(1), {nan}, f32(0))"), 0, 0) == 0
    assert run(text.format("min(f32(a), 2, i8(b)) == -3"), 5, -3) == 1
    assert run(text.format("f64(a) / 0 == 1e999"), 3, 0) == 1
    assert np.int64(run(text.format("a // b"), -(2**63), -1)) in (0, -(2**63))  # and does not trap
