"""Devices: there is one, the CPU. What TensorFlow lets a program say about others is accepted (`tf.config`)."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from .compiler.errors import InvalidArgumentError
from .compiler.ir import Graph, Operation


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
    """{}: nothing is said of the CPU."""
    return {}


def get_memory_info(device: str) -> dict[str, int]:
    """Raises InvalidArgumentError: nothing is set aside on the CPU."""
    raise InvalidArgumentError(f"Allocator stats not available for device '{device}'")


def get_logical_device_configuration(device: Any) -> list[LogicalDeviceConfiguration]:
    """One configuration, without limits: the CPU is not divided."""
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
            if name == "device" and values:
                name, *values = values
            number = int(values[0]) if len(values) == 1 and values[0].isdecimal() else None
            if name == "job" and len(values) == 1:
                parts.job = values[0]
            elif name in ("replica", "task") and number is not None:
                setattr(parts, name, number)
            elif (name.upper() in ("CPU", "GPU", "TPU") or name.upper().startswith("XLA_")) and (
                    values in ([], ["*"]) or number is not None):
                parts.device_type, parts.device_index = name.upper(), number
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

    def merged(self, device: str) -> str:
        """The name `device`, completed by the parts that it does not say."""
        whole, said = DeviceSpec.from_string(device), vars(DeviceSpec.from_string(device))
        for part, value in vars(self).items():
            if said[part] is None and not (part == "device_index" and said["device_type"] is not None):
                setattr(whole, part, value)
        return whole.to_string()


@contextlib.contextmanager
def placing(graph: Graph, device: Any) -> Iterator[None]:
    """Operations made inside bear this device: a name, a DeviceSpec, a function of the operation that gives one, or
    None, which ignores those around. Inner devices are completed by outer ones."""
    outer = graph.place
    spec = None if device is None or callable(device) else DeviceSpec.from_string(str(device))

    def place(op: Operation) -> None:
        if callable(device):
            op.device = DeviceSpec.from_string(str(device(op) or "")).to_string()
        elif spec is not None:
            op.device = spec.merged(op.device)
        if outer is not None and device is not None:
            outer(op)

    graph.place = place
    try:
        yield
    finally:
        graph.place = outer
