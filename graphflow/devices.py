"""Devices: there is one, the CPU. What TensorFlow lets a program say about others is accepted (`tf.config`)."""
from __future__ import annotations

from typing import Any, NamedTuple

from .compiler.errors import InvalidArgumentError


class PhysicalDevice(NamedTuple):
    """A device of the machine."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device that a graph can name."""

    name: str
    device_type: str


class LogicalDeviceConfiguration(NamedTuple):
    """Accepted: limits for devices that there are not."""

    memory_limit: int | None = None
    experimental_priority: int | None = None
    experimental_device_ordinal: int | None = None


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The CPU, where `device_type` is "CPU" or None; else nothing."""
    return [PhysicalDevice("/physical_device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The CPU, where `device_type` is "CPU" or None; else nothing."""
    return [LogicalDevice("/device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


get_visible_devices = list_physical_devices


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Nothing: the CPU is all there is."""


def get_memory_growth(device: Any) -> bool:
    """Raises ValueError: the CPU's memory is not set aside."""
    raise ValueError(f"Memory growth is not available for {device}")


def set_memory_growth(device: Any, enable: bool) -> None:
    """Nothing for a GPU that there is not; raises ValueError for the CPU, as TensorFlow."""
    if getattr(device, "device_type", "") == "CPU":
        raise ValueError("Cannot set memory growth on non-GPU and non-Pluggable devices")


def get_device_details(device: Any) -> dict[str, Any]:
    """Nothing is said of the CPU."""
    return {}


def get_memory_info(device: str) -> dict[str, int]:
    """Raises InvalidArgumentError: nothing is set aside on the CPU."""
    raise InvalidArgumentError(f"Allocator stats not available for device '{device}'")


def get_logical_device_configuration(device: Any) -> list[LogicalDeviceConfiguration]:
    """One, without limits."""
    return [LogicalDeviceConfiguration()]


def set_logical_device_configuration(device: Any, logical_devices: Any) -> None:
    """Nothing: the CPU is not divided."""


class DeviceSpec:
    """A device's name in parts: `/job:worker/replica:0/task:1/device:CPU:0`. Accepted by `tf.device`."""

    def __init__(self, job: str | None = None, replica: int | None = None, task: int | None = None,
                 device_type: str | None = None, device_index: int | None = None):
        self.job, self.replica, self.task = job, replica, task
        self.device_type = device_type.upper() if device_type else None
        self.device_index = device_index

    @classmethod
    def from_string(cls, spec: str) -> DeviceSpec:
        """The parts of a name. Raises ValueError for what is none."""
        parts = cls()
        for piece in filter(None, spec.split("/")):
            name, *values = piece.split(":")
            if name == "device" and len(values) == 2:
                name, values = values[0], values[1:]
            if name in ("job", "replica", "task") and len(values) == 1:
                setattr(parts, name, values[0] if name == "job" else int(values[0]))
            elif name.upper() in ("CPU", "GPU", "TPU") and len(values) == 1:
                parts.device_type = name.upper()
                parts.device_index = None if values[0] == "*" else int(values[0])
            else:
                raise ValueError(f"Unknown attribute {piece!r} is encountered while parsing the device spec: {spec!r}")
        return parts

    def to_string(self) -> str:
        """The name."""
        text = "".join(f"/{name}:{value}" for name in ("job", "replica", "task")
                       if (value := getattr(self, name)) is not None)
        if self.device_type is not None:
            text += f"/device:{self.device_type}:{'*' if self.device_index is None else self.device_index}"
        return text

    def __str__(self) -> str:
        return self.to_string()
