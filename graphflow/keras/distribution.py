"""Layouts over devices, as Keras describes them. There is one device, the processor, which holds every value whole."""
from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import numpy as np

from ..compiler.ops.constant import convert_to_tensor
from ..compiler.site import warn

_current: list[Distribution] = []  # what `set_distribution` was given


def list_devices(device_type: str | None = None) -> list[str]:
    """The names of the devices of a type ("cpu", "gpu" or "tpu"): the processor is "cpu:0"."""
    return ["cpu:0"] if (device_type or "cpu").lower() == "cpu" else []


def get_device_count(device_type: str | None = None) -> int:
    """The number of devices of a type."""
    return len(list_devices(device_type))


def initialize(job_addresses: str | None = None, num_processes: int | None = None, process_id: int | None = None
               ) -> None:
    """Accepted for one process. Raises ValueError for several."""
    if (num_processes or 1) != 1:
        raise ValueError(f"graphflow runs in one process. Received: num_processes={num_processes}")


class DeviceMesh:
    """Devices as a grid with named axes: `shape` and `axis_names` are of the same length.

    Raises ValueError where the grid does not hold just the devices (by default all of `list_devices()`).
    """

    def __init__(self, shape: Sequence[int], axis_names: Sequence[str], devices: Any = None):
        if not shape or not axis_names:
            raise ValueError(f"Shape and axis_names cannot be empty. Received: {shape=}, {axis_names=}")
        if len(shape) != len(axis_names):
            raise ValueError(f"Shape and axis_names should have same size. Received: {shape=}, {axis_names=}")
        devices = np.array(list_devices() if devices is None else devices)
        if math.prod(shape) != devices.size:
            raise ValueError(f"Shape does not match the number of devices. Received: {shape=}; {devices.shape=}")
        self.shape, self.axis_names, self.devices = shape, axis_names, devices.reshape(shape)

    def __repr__(self) -> str:
        return f"<DeviceMesh shape={self.shape}, axis_names={self.axis_names}>"


class TensorLayout:
    """For each axis of a tensor the axis of the mesh over which it is split, or None. Raises ValueError for a name that
    the mesh has not, and where a second mesh is set.
    """

    def __init__(self, axes: Sequence[str | None], device_mesh: DeviceMesh | None = None):
        self.axes = tuple(axes)
        self._device_mesh: DeviceMesh | None = None
        self.device_mesh = device_mesh

    @property
    def device_mesh(self) -> DeviceMesh | None:
        return self._device_mesh

    @device_mesh.setter
    def device_mesh(self, device_mesh: DeviceMesh | None) -> None:
        if self._device_mesh is not None:
            raise ValueError(f"Cannot override device mesh value. Existing value is {self._device_mesh}")
        named = set(self.axes) - {None}
        if device_mesh is not None and not named <= set(device_mesh.axis_names):
            raise ValueError(f"Invalid axis names for Layout. Valid axis names: {set(device_mesh.axis_names)}, Got "
                             f"{named}")
        self._device_mesh = device_mesh

    def __repr__(self) -> str:
        return f"<TensorLayout axes={self.axes}, device_mesh={self.device_mesh}>"


class LayoutMap(MutableMapping[str, Any]):
    """Layouts by regular expressions that match the whole path of a variable. A tuple of axis names is a layout of
    `device_mesh`; a path that nothing matches has None. Raises ValueError for a key set twice, a value that is no
    layout, and a path that several keys match.
    """

    def __init__(self, device_mesh: DeviceMesh | None):
        self.device_mesh = device_mesh
        self._layouts: dict[str, TensorLayout] = {}

    def __getitem__(self, key: str) -> Any:
        if key in self._layouts:
            return self._layouts[key]
        matching = [pattern for pattern in self._layouts if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(f"Path '{key}' matches multiple layout specification keys: {matching}. Please make sure "
                             "each tensor/variable path only matches at most one layout specification key in the "
                             "LayoutMap.")
        return self._layouts[matching[0]] if matching else None

    def __setitem__(self, key: str, layout: Any) -> None:
        if key in self._layouts:
            raise ValueError(f"{key} already exist in the LayoutMap with value {self._layouts[key]}. Please make sure "
                             "to not use duplicated keys.")
        layout = TensorLayout(layout) if isinstance(layout, tuple) else layout
        if not isinstance(layout, TensorLayout):
            raise ValueError(f"{layout} should be a TensorLayout type, got {type(layout)}")
        if layout.device_mesh is None:
            layout.device_mesh = self.device_mesh
        self._layouts[key] = layout

    def __delitem__(self, key: str) -> None:
        del self._layouts[key]

    def __len__(self) -> int:
        return len(self._layouts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)


class Distribution:
    """How data and variables lie over a mesh: data is split along the mesh's axis `batch_dim_name`.

    Raises ValueError where the mesh has other devices than this machine's one.
    """

    num_processes, data_shard_id = 1, 0

    def __init__(self, device_mesh: DeviceMesh, batch_dim_name: str | None = None, auto_shard_dataset: bool = True):
        others = sorted(set(device_mesh.devices.flat) - set(list_devices()))
        if others or device_mesh.devices.size > 1:
            raise ValueError(f"graphflow computes on one device, {list_devices()}. Received a mesh of "
                             f"{device_mesh.devices.size}: {device_mesh.devices.tolist()}")
        self.device_mesh, self.batch_dim_name = device_mesh, batch_dim_name
        self.auto_shard_dataset = auto_shard_dataset

    @property
    def num_model_replicas(self) -> int:
        return self.device_mesh.devices.size

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Within the block this is the distribution."""
        before = distribution()
        set_distribution(self)
        try:
            yield
        finally:
            set_distribution(before)

    def distribute_dataset(self, dataset: Any) -> Any:
        """The part of a data set that this process reads: all of it."""
        return dataset

    def get_data_layout(self, data_shape: Sequence[int | None]) -> TensorLayout:
        """The layout of data of that shape: split along its first axis."""
        return TensorLayout([self.batch_dim_name, *[None] * (len(data_shape) - 1)], self.device_mesh)

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """The layout of a variable."""
        return self.get_tensor_layout(variable.path) or TensorLayout([None] * len(variable.shape), self.device_mesh)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout of what is computed at `path`, None where none is set."""
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} device_mesh={self.device_mesh}>"


class DataParallel(Distribution):
    """Every device has all variables and a part of each batch. A mesh of one axis, or devices, by default all."""

    def __init__(self, device_mesh: DeviceMesh | None = None, devices: Any = None, auto_shard_dataset: bool = True):
        if device_mesh and not isinstance(device_mesh, DeviceMesh):
            raise ValueError("Expect `mesh` to be an instance of `DeviceMesh`. Received: "
                             f"mesh={device_mesh} (of type {type(device_mesh)})")
        if not device_mesh:
            devices = np.array(devices or list_devices())
            device_mesh = DeviceMesh(devices.shape, ["batch"], devices)
        super().__init__(device_mesh, device_mesh.axis_names[0], auto_shard_dataset)
        if device_mesh.devices.ndim != 1:
            warn(f"Expect the input mesh to be 1D, but received {device_mesh.devices.ndim=}. The first axis "
                 "will be used for data-parallel sharding.")


class ModelParallel(Distribution):
    """Variables are split over the mesh as `layout_map` says. Raises ValueError without one."""

    def __init__(self, *, layout_map: LayoutMap | None = None, batch_dim_name: str | None = None,
                 auto_shard_dataset: bool = True, device_mesh: Any = None):
        if layout_map is None:
            raise ValueError("You must specify a layout_map argument.")
        if not isinstance(layout_map, LayoutMap) or layout_map.device_mesh is None:
            raise ValueError("Argument `layout_map` must be a `LayoutMap` instance with a mesh. Received: "
                             f"layout_map={layout_map}")
        mesh = layout_map.device_mesh
        super().__init__(mesh, batch_dim_name or mesh.axis_names[0], auto_shard_dataset)
        self._layout_map = layout_map

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        layout: TensorLayout | None = self._layout_map[path]
        return layout


def distribute_tensor(tensor: Any, layout: TensorLayout) -> Any:
    """The tensor in that layout: on one device, itself."""
    return convert_to_tensor(tensor)


def distribution() -> Distribution | None:
    """What `set_distribution` was given last."""
    return _current[0] if _current else None


def set_distribution(value: Distribution | None) -> None:
    """Set the distribution; None is none."""
    _current[:] = [] if value is None else [value]
