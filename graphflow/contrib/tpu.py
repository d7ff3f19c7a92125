"""`tf.contrib.tpu` on the CPU: programs written for `TPUEstimator` (BERT's among them) run as with `use_tpu=False`."""
from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

from ..compiler.ir import Operation, Tensor
from ..compiler.ops.constant import constant
from ..estimator import Estimator, EstimatorSpec, ModeKeys
from ..estimator import RunConfig as _RunConfig
from ..framework import no_op
from .compiler import xla

__all__ = ["CrossShardOptimizer", "InputPipelineConfig", "RunConfig", "TPUConfig", "TPUEstimator", "TPUEstimatorSpec",
           "initialize_system", "outside_compilation", "rewrite", "shutdown_system"]

InputPipelineConfig = SimpleNamespace(PER_SHARD_V1=1, PER_HOST_V1=2, PER_HOST_V2=3, BROADCAST=4)


class TPUConfig(NamedTuple):
    """Accepted: there is no TPU."""

    iterations_per_loop: int = 2
    num_shards: int | None = None
    num_cores_per_replica: int | None = None
    per_host_input_for_training: Any = True
    tpu_job_name: str | None = None
    initial_infeed_sleep_secs: int | None = None
    input_partition_dims: Any = None
    eval_training_input_configuration: int = 2


class RunConfig(_RunConfig):
    """An estimator's RunConfig; what concerns TPUs and clusters is accepted."""

    def __init__(self, tpu_config: TPUConfig | None = None, evaluation_master: str | None = None,
                 master: str | None = None, cluster: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.tpu_config = tpu_config if tpu_config is not None else TPUConfig()
        self.cluster = cluster


def CrossShardOptimizer(opt: Any, reduction: Any = None, name: str = "CrossShardOptimizer",  # noqa: N802
                        group_assignment: Any = None) -> Any:
    """The optimizer itself: there is one shard."""
    return opt


def rewrite(computation: Callable[..., Any], inputs: Sequence[Any] | None = None, infeed_queue: Any = None,
            device_assignment: Any = None, name: str | None = None) -> Any:
    """What `contrib.compiler.xla.compile` gives: the computation is built where it stands."""
    return xla.compile(computation, inputs)


def outside_compilation(computation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `computation` gives: everything runs on the host."""
    return computation(*args, **kwargs)


def initialize_system(embedding_config: Any = None, job: Any = None) -> Tensor:
    """The string that describes the TPUs there are: empty."""
    return constant(b"", name="tpu_topology")


def shutdown_system(job: Any = None) -> Operation:
    """Does nothing: there is no TPU."""
    return no_op(name="shutdown_tpu_system")


class TPUEstimatorSpec(NamedTuple):
    """As EstimatorSpec, but `eval_metrics` is (function, tensors as a list or dict) and `scaffold_fn` is a function."""

    mode: str
    predictions: Any = None
    loss: Any = None
    train_op: Any = None
    eval_metrics: tuple[Callable[..., Mapping[str, Any]], Any] | None = None
    export_outputs: Any = None
    scaffold_fn: Callable[[], Any] | None = None
    host_call: Any = None
    training_hooks: Sequence[Any] | None = None
    evaluation_hooks: Sequence[Any] | None = None
    prediction_hooks: Sequence[Any] | None = None

    def as_estimator_spec(self) -> EstimatorSpec:
        """What `Estimator` takes. Raises what EstimatorSpec raises."""
        measured = None
        if self.eval_metrics is not None:
            function, tensors = self.eval_metrics
            measured = function(**tensors) if isinstance(tensors, Mapping) else function(*tensors)
        return EstimatorSpec(self.mode, self.predictions, self.loss, self.train_op, measured, self.export_outputs,
                             training_hooks=self.training_hooks, evaluation_hooks=self.evaluation_hooks,
                             prediction_hooks=self.prediction_hooks,
                             scaffold=self.scaffold_fn() if self.scaffold_fn is not None else None)


class TPUEstimator(Estimator):
    """An Estimator whose model and input functions find the batch size of their mode in params["batch_size"]."""

    def __init__(self, model_fn: Callable[..., Any], model_dir: Any = None, config: Any = None,
                 params: Mapping[str, Any] | None = None, use_tpu: bool = True, train_batch_size: int | None = None,
                 eval_batch_size: int | None = None, predict_batch_size: int | None = None, batch_axis: Any = None,
                 eval_on_tpu: bool = True, export_to_tpu: bool = True, export_to_cpu: bool = True,
                 warm_start_from: Any = None, embedding_config_spec: Any = None):
        sizes = {ModeKeys.TRAIN: train_batch_size, ModeKeys.EVAL: eval_batch_size, ModeKeys.PREDICT: predict_batch_size}
        if params is not None and "batch_size" in params:
            raise ValueError(f"batch_size are reserved for TPUEstimator params, received {dict(params)}")
        accepted = inspect.signature(model_fn).parameters

        def on_cpu(features: Any, labels: Any, mode: str, params: Any, config: Any) -> EstimatorSpec:
            given = {"labels": labels, "mode": mode, "params": params, "config": config}
            spec = model_fn(features, **{k: v for k, v in given.items() if k in accepted})
            return spec.as_estimator_spec() if isinstance(spec, TPUEstimatorSpec) else spec

        self._sizes = sizes
        super().__init__(on_cpu, model_dir, config, copy.copy(params) if params is not None else {}, warm_start_from)

    def _inputs(self, input_fn: Callable[..., Any], mode: str) -> tuple[Any, Any]:
        size = self._sizes[mode]
        if size is not None:
            self._params = {**self._params, "batch_size": size}
        return super()._inputs(input_fn, mode)
