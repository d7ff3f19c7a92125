"""Session options. All of TensorFlow's that scripts set are accepted; the thread counts are the ones that matter."""
from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from . import devices as _devices
from .devices import (
    LogicalDevice,
    LogicalDeviceConfiguration,
    PhysicalDevice,
    get_logical_device_configuration,
    get_visible_devices,
    list_logical_devices,
    list_physical_devices,
    set_logical_device_configuration,
    set_visible_devices,
)
from .runtime.session import Session
from .runtime.step_stats import RunMetadata

__all__ = ["experimental_connect_to_cluster", "experimental_connect_to_host", "experimental_functions_run_eagerly",
           "experimental_run_functions_eagerly", "functions_run_eagerly", "optimizer", "run_functions_eagerly",
           "ConfigProto", "GPUOptions", "GraphOptions", "LogicalDevice", "LogicalDeviceConfiguration",
           "OptimizerOptions", "PhysicalDevice", "RewriterConfig", "RunMetadata", "RunOptions", "experimental",
           "get_logical_device_configuration", "get_soft_device_placement", "get_visible_devices",
           "list_logical_devices", "list_physical_devices", "set_logical_device_configuration",
           "set_soft_device_placement", "set_visible_devices", "threading"]



def _note(doc: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, documented."""
    function.__doc__ = doc
    return function


class ClusterDeviceFilters:
    """Accepted and without effect: there is one device."""

    def set_device_filters(self, job_name: str, task_index: int, device_filters: Any) -> None:
        """Accepted: the devices that a task of a cluster sees."""


experimental = SimpleNamespace(
    VirtualDeviceConfiguration=LogicalDeviceConfiguration, get_device_details=_devices.get_device_details,
    get_memory_growth=_devices.get_memory_growth, get_memory_info=_devices.get_memory_info,
    get_virtual_device_configuration=get_logical_device_configuration, get_visible_devices=get_visible_devices,
    list_logical_devices=list_logical_devices, list_physical_devices=list_physical_devices,
    set_memory_growth=_devices.set_memory_growth, set_virtual_device_configuration=set_logical_device_configuration,
    set_visible_devices=set_visible_devices, ClusterDeviceFilters=ClusterDeviceFilters,
    **dict.fromkeys(("disable_mlir_bridge", "enable_mlir_bridge"),
                    _note("Nothing: graphflow has a compiler of its own.", lambda: None)),
    enable_tensor_float_32_execution=_note("Nothing: CPUs compute float32 in full.", lambda enabled: None),
    tensor_float_32_execution_enabled=_note("False: CPUs compute float32 in full.", lambda: False),
    get_device_policy=_note('"silent": there is one device.', lambda: "silent"),
    set_device_policy=_note("Nothing: there is one device.", lambda device_policy: None),
    get_synchronous_execution=_note("True: a call returns when its result is there.", lambda: True),
    set_synchronous_execution=_note("Nothing: see get_synchronous_execution.", lambda enable: None),
    get_memory_usage=_note("Raises InvalidArgumentError: nothing is set aside on the CPU.",
                           lambda device: _devices.get_memory_info(device)["current"]),
    reset_memory_stats=_note("Nothing: the system keeps the figures.", lambda device: None))

# accepted: every graph is optimized in full
optimizer = SimpleNamespace(
    get_experimental_options=_note("{}: every graph is optimized in full.", lambda: {}),
    set_experimental_options=_note("Nothing: every graph is optimized in full.", lambda options: None),
    get_jit=_note('"": every graph is compiled, by graphflow.', lambda: ""),
    set_jit=_note("Nothing: every graph is compiled.", lambda enabled: None))


_eagerly: set[str] = set()  # holds "functions" while they are not compiled


def functions_run_eagerly() -> bool:
    """Whether functions run as they are written, see run_functions_eagerly."""
    return bool(_eagerly)


def run_functions_eagerly(run_eagerly: bool) -> None:
    """With True, functions and the steps of Keras models are not compiled: their operations run at once."""
    (_eagerly.add if run_eagerly else _eagerly.discard)("functions")


experimental_functions_run_eagerly, experimental_run_functions_eagerly = functions_run_eagerly, run_functions_eagerly


def experimental_connect_to_cluster(cluster_spec_or_resolver: Any, job_name: str = "localhost", task_index: int = 0,
                                    protocol: str | None = None, make_master_device_default: bool = True,
                                    cluster_device_filters: Any = None) -> None:
    """Accepted: everything runs in this process."""


def experimental_connect_to_host(remote_host: Any = None, job_name: str = "worker") -> None:
    """Accepted: everything runs in this process."""


def get_soft_device_placement() -> bool:
    """True: a graph may name any device, and runs on the CPU."""
    return True


def set_soft_device_placement(enabled: bool) -> None:
    """Nothing: see get_soft_device_placement."""


def _set_threads(num_threads: int) -> None:
    """Set the number of threads of sessions whose own configuration says none; 0: as many as there are cores."""
    Session.default_threads = num_threads


# the thread count of sessions whose own configuration says none; ops do not run beside each other
threading = SimpleNamespace(
    get_intra_op_parallelism_threads=_note("The threads of a session whose configuration says none; 0: all cores.",
                                           lambda: Session.default_threads),
    set_intra_op_parallelism_threads=_set_threads,
    get_inter_op_parallelism_threads=_note("1: operations do not run beside each other.", lambda: 1),
    set_inter_op_parallelism_threads=_note("Nothing: see get_inter_op_parallelism_threads.", lambda num_threads: None))


class _Options:
    """A record with declared fields: a default value, or a kind of record made on first use."""

    _fields: dict[str, Any] = {}

    def __init__(self, **values: Any):
        for name, default in self._fields.items():
            if isinstance(default, type):
                default = default()
            object.__setattr__(self, name, default.copy() if isinstance(default, (dict, list)) else default)
        for name, value in values.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._fields:
            raise AttributeError(f"{type(self).__name__} has no field {name!r}; its fields are "
                                 f"{', '.join(self._fields)}")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


class GPUOptions(_Options):
    """Accepted: there is no GPU."""

    _fields = {"per_process_gpu_memory_fraction": 0.0, "allow_growth": False, "allocator_type": "",
               "deferred_deletion_bytes": 0, "visible_device_list": "", "force_gpu_compatible": False,
               "polling_active_delay_usecs": 0, "polling_inactive_delay_msecs": 0}


class OptimizerOptions(_Options):
    """Accepted: every graph is optimized in full."""

    L0, L1, DEFAULT, OFF, ON_1, ON_2 = -1, 0, 0, -1, 1, 2
    _fields = {"do_common_subexpression_elimination": False, "do_constant_folding": False,
               "do_function_inlining": False, "opt_level": 0, "global_jit_level": 0}


class RewriterConfig(_Options):
    """Accepted: every graph is optimized in full."""

    DEFAULT, ON, OFF, AGGRESSIVE = 0, 1, 2, 3
    DEFAULT_MEM_OPT, NO_MEM_OPT, MANUAL, HEURISTICS = 0, 1, 2, 3
    SWAPPING_HEURISTICS, RECOMPUTATION_HEURISTICS, SCHEDULING_HEURISTICS = 4, 5, 6
    DEFAULT_NUM_ITERS, ONE, TWO = 0, 1, 2
    _fields = {**dict.fromkeys((
        "constant_folding", "arithmetic_optimization", "layout_optimizer", "memory_optimization",
        "dependency_optimization", "remapping", "function_optimization", "loop_optimization", "shape_optimization",
        "debug_stripper", "scoped_allocator_optimization", "pin_to_host_optimization", "implementation_selector",
        "auto_mixed_precision", "common_subgraph_elimination", "meta_optimizer_iterations", "min_graph_nodes",
        "meta_optimizer_timeout_ms"), 0), "disable_model_pruning": False, "disable_meta_optimizer": False,
        "fail_on_optimizer_errors": False, "memory_optimizer_target_node_name_scope": "", "optimizers": []}


class GraphOptions(_Options):
    """Accepted and not used."""

    _fields = {"optimizer_options": OptimizerOptions, "rewrite_options": RewriterConfig, "infer_shapes": False,
               "timeline_step": 0, "enable_recv_scheduling": False, "build_cost_model_after": 0,
               "enable_bfloat16_sendrecv": False, "build_cost_model": 0, "place_pruned_graph": False}


class ConfigProto(_Options):
    """How a session runs: `intra_op_parallelism_threads` is its number of threads (0: as many as there are cores)."""

    _fields = {"device_count": {}, "intra_op_parallelism_threads": 0, "inter_op_parallelism_threads": 0,
               "use_per_session_threads": False, "allow_soft_placement": False, "log_device_placement": False,
               "gpu_options": GPUOptions, "graph_options": GraphOptions, "operation_timeout_in_ms": 0,
               "isolate_session_state": False, "share_cluster_devices_in_session": False, "placement_period": 0,
               "device_filters": []}


class RunOptions(_Options):
    """What `Session.run` records in a RunMetadata: times of kernels (any `trace_level` but NO_TRACE), and the compiled
    graphs (`output_partition_graphs`)."""

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = 0, 1, 2, 3
    _fields = {"trace_level": 0, "timeout_in_ms": 0, "inter_op_thread_pool": 0, "output_partition_graphs": False,
               "report_tensor_allocations_upon_oom": False}
