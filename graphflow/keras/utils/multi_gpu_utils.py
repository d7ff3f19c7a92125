"""Keras 2's way to several GPUs."""
from __future__ import annotations

from typing import Any

from ...compiler.site import warn
from ..backend import _get_available_gpus


def _get_available_devices() -> list[str]:
    return [*_get_available_gpus(), "/cpu:0"]


def _normalize_device_name(name: str) -> str:
    """"/device:CPU:0" and the like as "/cpu:0"."""
    return "/" + ":".join(name.lower().replace("/", "").split(":")[-2:])


def multi_gpu_model(model: Any, gpus: Any = None, cpu_merge: bool = True, cpu_relocation: bool = False) -> Any:
    """The model itself, with a warning: all the processor's cores compute each batch. Raises ValueError for fewer than
    two GPUs, as in Keras."""
    count = len(gpus) if isinstance(gpus, (list, tuple)) else 2 if gpus is None else int(gpus)
    if count <= 1:
        raise ValueError("For multi-gpu usage to be effective, call `multi_gpu_model` with `gpus >= 2`. Received: "
                         f"`gpus={gpus}`")
    warn("multi_gpu_model: graphflow computes on the processor, whose cores share each batch; the model is "
         "returned as it is.")
    return model
