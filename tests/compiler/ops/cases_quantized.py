"""Cases of the ops on integers that stand for reals, against TensorFlow's numbers."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from example import F32, case
from graphflow.compiler import dtypes as dt
from graphflow.compiler.ops import quantized
from graphflow.compiler.ops.elementwise import cast

X = np.array([3, 1, 4, 1, 5, 9, 2, 6], F32)
LOW, HIGH = F32(-1), F32(10)


def _quantize(dtype: dt.DType, mode: str) -> Callable[..., Any]:
    def build(x: Any, low: Any, high: Any) -> list[Any]:
        op = quantized.quantize.operation(x, low, high, dtype=dtype, mode=mode, round_mode="HALF_AWAY_FROM_ZERO",
                                          narrow_range=False, axis=-1, ensure_minimum_range=0.01)
        return [cast(op.outputs[0], "int32"), *op.outputs[1:]]
    return build


for _dtype, _mode, _low, _values in (
        (dt.quint8, "MIN_COMBINED", -1, [93, 46, 116, 46, 139, 232, 70, 162]),
        (dt.quint8, "MIN_FIRST", -1, [93, 46, 116, 46, 139, 232, 69, 162]),
        (dt.quint8, "SCALED", 0, [77, 26, 102, 26, 128, 230, 51, 153]),
        (dt.qint8, "MIN_COMBINED", -1, [-35, -82, -12, -82, 11, 104, -58, 34]),
        (dt.qint8, "MIN_FIRST", -1, [-35, -82, -12, -82, 11, 104, -59, 34]),
        (dt.qint8, "SCALED", -10.07874, [38, 13, 51, 13, 64, 114, 25, 76]),
        (dt.qint16, "MIN_COMBINED", -1, [-8937, -20853, -2979, -20853, 2978, 26809, -14895, 8936]),
        (dt.qint16, "SCALED", -10.000305, [9830, 3277, 13107, 3277, 16384, 29490, 6553, 19660])):
    case("QuantizeV2", _quantize(_dtype, _mode), X, LOW, HIGH, grad=False,
         expect=lambda x, low, high, v=_values, least=_low: [np.int32(v), F32(least), F32(10)])


def _dequantize(mode: str, q: Any, low: Any, high: Any) -> Any:
    return quantized.dequantize(cast(q, dt.qint8), low, high, source=dt.qint8, dtype=dt.float32, mode=mode,
                                narrow_range=False, axis=-1)


for _mode, _reals in (("MIN_COMBINED", [3.011765, 0.9843137, 9.007843]),
                      ("SCALED", [-2.7559056, -6.4566927, 8.1889763]),
                      ("MIN_FIRST", [3.0196078, 0.99215674, 9.015686])):
    case("Dequantize", partial(_dequantize, _mode), np.int32([-35, -82, 104]), LOW, HIGH, grad=False,
         expect=lambda q, low, high, v=_reals: np.array(v, F32))
case("RequantizedRange", lambda q, a, b, low, high: cast(quantized.requantize(
    cast(q, dt.quint8), a, b, low, high, dtype=dt.quint8), "int32"), np.int32([0, 255]), LOW, HIGH, F32(-3), HIGH,
     grad=False, expect=lambda *_: np.int32([40, 255]))
case("QuantizedZero", lambda low, high: quantized.zero_level(low, high, dtype=dt.quint8), LOW, HIGH, grad=False,
     expect=lambda low, high: F32(23))


def _relu_x(q: Any, top: Any, low: Any, high: Any) -> list[Any]:
    op = quantized.relu_x.operation(cast(q, dt.quint8), top, low, high, source=dt.quint8, dtype=dt.quint8)
    return [cast(op.outputs[0], "int32"), *op.outputs[1:]]


case("QuantizedReluX", _relu_x, np.int32([0, 100, 255]), F32(6), LOW, HIGH, grad=False,
     expect=lambda q, top, low, high: [np.int32([23, 100, 162]), LOW, HIGH])
