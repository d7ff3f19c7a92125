"""`tf.sysconfig`: where the package lies. There is no native library to link with."""
from __future__ import annotations

import os

CXX11_ABI_FLAG, CXX_VERSION, MONOLITHIC_BUILD = 1, 201703, 0

__all__ = ["CXX11_ABI_FLAG", "CXX_VERSION", "MONOLITHIC_BUILD", "get_build_info", "get_compile_flags", "get_include",
           "get_lib", "get_link_flags"]


def get_lib() -> str:
    """The package's folder."""
    return os.path.dirname(os.path.abspath(__file__))


get_include = get_lib


def get_compile_flags() -> list[str]:
    """None: kernels are generated."""
    return []


get_link_flags = get_compile_flags


def get_build_info() -> dict[str, object]:
    """What the build has: no CUDA, no ROCm."""
    return {"is_cuda_build": False, "is_rocm_build": False, "is_tensorrt_build": False}
