"""What generated kernels need to know of the processor. Lowering asks, so this must not load Numba."""
from __future__ import annotations

import ctypes
import os
import platform
from dataclasses import dataclass, replace
from functools import cache

ELEMENT_BYTES = {"f32": 4, "f64": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8}


@dataclass(frozen=True)
class Isa:
    """`mr` rows by `nv` vectors is the tile of C that fills the vector registers."""

    name: str
    vector_bytes: int
    fma: bool
    registers: int
    mr: int
    nv: int
    masks: bool = False  # a vector's elements can be masked one by one
    matrix_unit: bool = False  # it multiplies tiles of bfloat16 (matrix_unit.py)
    float16: bool = True  # it converts to floats of 16 bits and back
    halves: bool = False  # it takes vectors half by half, one of half the width in half the time


# 8x3: 24 accumulators, 3 vectors of B and spare for A out of 32 registers. 6x2 and 4x2 leave as much out of 16.
AMX = Isa("amx", 64, True, 32, 8, 3, masks=True, matrix_unit=True)
AVX512 = Isa("avx512", 64, True, 32, 8, 3, masks=True)
AVX2 = Isa("avx2", 32, True, 16, 6, 2)
NEON = Isa("neon", 16, True, 32, 8, 3)
GENERIC = Isa("generic", 16, False, 16, 4, 2, float16=False)


@cache
def isa() -> Isa:
    """The best instruction set that the processor has and Numba may use; GRAPHFLOW_CPU names a lesser one."""
    candidates = [GENERIC]
    if platform.machine().lower() in ("arm64", "aarch64"):
        candidates.insert(0, NEON)
    features = _features()
    if {"avx2", "fma", "f16c"} <= features:
        candidates.insert(0, AVX2)
    if {"avx512f", "avx512vl", "avx512dq"} <= features:
        candidates.insert(0, replace(AVX512, halves=_model() == "znver4"))
        if {"amx-tile", "amx-bf16"} <= features and _grants_matrix_unit():
            candidates.insert(0, AMX)
    wanted = os.environ.get("GRAPHFLOW_CPU", "").lower()
    return next((candidate for candidate in candidates if candidate.name == wanted), candidates[0])


def _grants_matrix_unit() -> bool:
    """Ask Linux to keep the matrix unit's registers for this process (Documentation/arch/x86/xstate.rst)."""
    arch_prctl, request_permission, tile_data = 158, 0x1023, 18
    try:
        return ctypes.CDLL(None).syscall(arch_prctl, request_permission, tile_data) == 0
    except (OSError, AttributeError):
        return False


def _features() -> set[str]:
    if os.environ.get("NUMBA_CPU_NAME") == "generic":
        return set()
    if listed := os.environ.get("NUMBA_CPU_FEATURES"):
        return {feature[1:] for feature in listed.split(",") if feature.startswith("+")}
    from llvmlite.binding import get_host_cpu_features

    return {feature for feature, present in get_host_cpu_features().items() if present}


def _model() -> str:
    from llvmlite.binding import get_host_cpu_name

    return get_host_cpu_name()


@cache
def second_level() -> int:
    """Bytes of a core's second-level cache; of a common one where the system does not say."""
    try:
        with open("/sys/devices/system/cpu/cpu0/cache/index2/size") as file:
            return int(file.read().strip().removesuffix("K")) << 10
    except (OSError, ValueError):
        return 1 << 20


def lanes(dtype: str) -> int:
    """Elements of one vector."""
    return isa().vector_bytes // ELEMENT_BYTES[dtype]
