"""The Estimator: builds a graph for each mode, and runs it in a monitored session."""
from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import logging, metrics, summary, train
from ..compiler.ir import Graph
from ..data.dataset import Core as Dataset
from ..framework import GraphKeys, group, set_random_seed
from .configuration import RunConfig
from .specification import EstimatorSpec, ModeKeys


class WarmStartSettings(NamedTuple):
    """The checkpoint whose values variables start from, where they match `vars_to_warm_start` (a pattern)."""

    ckpt_to_initialize_from: str
    vars_to_warm_start: Any = ".*"
    var_name_to_vocab_info: Any = None
    var_name_to_prev_var_name: Mapping[str, str] | None = None


class Estimator:
    """A model given by `model_fn(features, labels, mode, params, config)`, of which the last four are optional.

    `model_fn` returns an EstimatorSpec. Raises ValueError for arguments of `model_fn` that are not these.
    """

    def __init__(self, model_fn: Callable[..., EstimatorSpec], model_dir: Any = None, config: RunConfig | None = None,
                 params: Mapping[str, Any] | None = None, warm_start_from: Any = None):
        arguments = inspect.signature(model_fn).parameters
        unknown = set(arguments) - {"features", "labels", "mode", "params", "config", "self"}
        if "features" not in arguments or unknown:
            raise ValueError(f"model_fn must take `features` and, if it likes, labels, mode, params and config; "
                             f"received a function of {list(arguments)}")
        if params is not None and "params" not in arguments:
            raise ValueError(f"model_fn ({model_fn}) does not include params argument, but params ({params}) is passed "
                             "to Estimator.")
        self._model_fn, self._arguments = model_fn, set(arguments)
        config = config if config is not None else RunConfig()
        folder = model_dir or config.model_dir or tempfile.mkdtemp(prefix="graphflow-estimator-")
        self._config = config.replace(model_dir=str(folder))
        self._params = params if params is not None else {}
        if isinstance(warm_start_from, (str, os.PathLike)):
            warm_start_from = WarmStartSettings(str(warm_start_from))
        self._warm_start = warm_start_from

    @property
    def model_dir(self) -> str:
        return self._config.model_dir  # type: ignore[return-value]

    @property
    def config(self) -> RunConfig:
        return self._config

    @property
    def params(self) -> Any:
        """A copy of the parameters."""
        return dict(self._params) if isinstance(self._params, Mapping) else self._params

    @property
    def model_fn(self) -> Callable[..., EstimatorSpec]:
        return self._model_fn

    def latest_checkpoint(self) -> str | None:
        """The path of the newest checkpoint, None when there is none."""
        return train.latest_checkpoint(self.model_dir)

    def eval_dir(self, name: str | None = None) -> str:
        """The folder that evaluations (of that name) write their event files to."""
        return os.path.join(self.model_dir, f"eval_{name}" if name else "eval")

    # training

    def train(self, input_fn: Callable[..., Any], hooks: Sequence[Any] | None = None, steps: int | None = None,
              max_steps: int | None = None, saving_listeners: Sequence[Any] | None = None) -> Estimator:
        """Train for `steps` more steps or up to global step `max_steps`, else until the input ends. Resumes from the
        newest checkpoint in `model_dir`. Raises ValueError for both, or for a number that is not positive."""
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        for name, number in (("steps", steps), ("max_steps", max_steps)):
            if number is not None and number <= 0:
                raise ValueError(f"Must specify {name} > 0, given: {number}")
        config = self._config
        with Graph().as_default() as graph:
            set_random_seed(config.tf_random_seed)
            global_step = train.get_or_create_global_step()
            features, labels = self._inputs(input_fn, ModeKeys.TRAIN)
            spec = self._build(features, labels, ModeKeys.TRAIN)
            if max_steps is not None and self._reached(max_steps):
                logging.info("Skipping training since max_steps has already saved.")
                return self
            if self._warm_start is not None and self.latest_checkpoint() is None:
                self._warm()
            if not any(s.op.name == "loss" for s in graph.get_collection(GraphKeys.SUMMARIES)):
                summary.scalar("loss", spec.loss)
            all_hooks = [*(hooks or ()), *spec.training_hooks, *spec.training_chief_hooks,
                         train.NanTensorHook(spec.loss)]
            if config.log_step_count_steps:
                all_hooks.append(train.LoggingTensorHook({"loss": spec.loss, "step": global_step},
                                                         every_n_iter=config.log_step_count_steps))
            if steps is not None or max_steps is not None:
                all_hooks.append(train.StopAtStepHook(steps, max_steps))
            scaffold = spec.scaffold if spec.scaffold is not None else train.Scaffold()
            if scaffold.saver is None and not graph.get_collection(GraphKeys.SAVERS):
                scaffold = train.Scaffold(copy_from_scaffold=scaffold, saver=train.Saver(
                    max_to_keep=config.keep_checkpoint_max,
                    keep_checkpoint_every_n_hours=config.keep_checkpoint_every_n_hours))
            if config.save_checkpoints_secs or config.save_checkpoints_steps:
                all_hooks.append(train.CheckpointSaverHook(
                    self.model_dir, save_secs=config.save_checkpoints_secs, save_steps=config.save_checkpoints_steps,
                    scaffold=scaffold, listeners=saving_listeners))
            with train.MonitoredTrainingSession(
                    checkpoint_dir=self.model_dir, scaffold=scaffold, hooks=all_hooks, config=config.session_config,
                    save_checkpoint_secs=None, save_checkpoint_steps=None,
                    save_summaries_steps=config.save_summary_steps, save_summaries_secs=None,
                    log_step_count_steps=config.log_step_count_steps) as session:
                loss = None
                while not session.should_stop():
                    _, loss = session.run([spec.train_op, spec.loss])
            logging.info("Loss for final step: %s.", loss)
        return self

    def _reached(self, max_steps: int) -> bool:
        path = self.latest_checkpoint()
        return path is not None and int(train.load_variable(path, GraphKeys.GLOBAL_STEP)) >= max_steps

    def _warm(self) -> None:
        settings = self._warm_start
        train.warm_start(settings.ckpt_to_initialize_from, settings.vars_to_warm_start,
                         settings.var_name_to_vocab_info, settings.var_name_to_prev_var_name)

    # evaluation

    def evaluate(self, input_fn: Callable[..., Any], steps: int | None = None, hooks: Sequence[Any] | None = None,
                 checkpoint_path: str | None = None, name: str | None = None) -> dict[str, Any]:
        """The metrics, "loss" (their mean over the batches) and "global_step", on `steps` batches or all of the input,
        with the values of a checkpoint (default: the newest). Raises ValueError where there is none."""
        path = self._checkpoint(checkpoint_path)
        with Graph().as_default():
            set_random_seed(self._config.tf_random_seed)
            global_step = train.get_or_create_global_step()
            features, labels = self._inputs(input_fn, ModeKeys.EVAL)
            spec = self._build(features, labels, ModeKeys.EVAL)
            measured = dict(spec.eval_metric_ops)
            if "loss" not in measured:
                measured["loss"] = metrics.mean(spec.loss)
            update = group(*(update for _, update in measured.values()))
            final = train.FinalOpsHook({k: value for k, (value, _) in measured.items()} | {"global_step": global_step})
            with self._restored(path, spec, [*(hooks or ()), *spec.evaluation_hooks, final]) as session:
                count = 0
                while not session.should_stop() and (steps is None or count < steps):
                    session.run(update)
                    count += 1
            found = final.final_ops_values
        self._write_summary(found, name)
        logging.info("Evaluation: %s", found)
        return found

    def _write_summary(self, found: Mapping[str, Any], name: str | None) -> None:
        """The metrics as an event file, where tensorboard is installed."""
        from ..compiler.ops.summary import messages
        try:
            pb = messages()
        except ImportError:
            return
        from ..summary import FileWriterCache
        values = [pb.Summary.Value(tag=key, simple_value=float(value)) for key, value in found.items()
                  if key != "global_step" and np.ndim(value) == 0]
        with Graph().as_default():
            writer = FileWriterCache.get(self.eval_dir(name))
        writer.add_summary(pb.Summary(value=values), found["global_step"])
        writer.flush()

    # prediction

    def predict(self, input_fn: Callable[..., Any], predict_keys: Any = None, hooks: Sequence[Any] | None = None,
                checkpoint_path: str | None = None, yield_single_examples: bool = True) -> Iterator[Any]:
        """Predictions, one example at a time (or a batch at a time), as dicts where the model gives a dict, of which
        `predict_keys` are kept. Raises ValueError where there is no checkpoint, or none of the keys."""
        path = self._checkpoint(checkpoint_path)
        with Graph().as_default():
            set_random_seed(self._config.tf_random_seed)
            train.get_or_create_global_step()
            features, _ = self._inputs(input_fn, ModeKeys.PREDICT)
            spec = self._build(features, None, ModeKeys.PREDICT)
            predictions = spec.predictions
            if predict_keys is not None:
                if not isinstance(predictions, Mapping):
                    raise ValueError("predict_keys argument is not valid in case of non-dict predictions.")
                wanted = [predict_keys] if isinstance(predict_keys, str) else predict_keys
                predictions = {k: v for k, v in predictions.items() if k in wanted}
                if not predictions:
                    raise ValueError(f"Expected to run at least one output from {list(spec.predictions)}, provided "
                                     f"{predict_keys}.")
            with self._restored(path, spec, [*(hooks or ()), *spec.prediction_hooks]) as session:
                while not session.should_stop():
                    batch = session.run(predictions)
                    if not yield_single_examples:
                        yield batch
                    elif isinstance(batch, Mapping):
                        for i in range(len(next(iter(batch.values())))):
                            yield {key: value[i] for key, value in batch.items()}
                    else:
                        yield from batch

    # shared

    def _checkpoint(self, path: str | None) -> str:
        found = path or self.latest_checkpoint()
        if found is None:
            raise ValueError(f"Could not find trained model in model_dir: {self.model_dir}.")
        return found

    def _restored(self, path: str, spec: EstimatorSpec, hooks: Sequence[Any]) -> Any:
        """A session with the checkpoint's values, which stops where the input ends."""
        creator = train.ChiefSessionCreator(scaffold=spec.scaffold, checkpoint_filename_with_path=path,
                                            config=self._config.session_config)
        return train.MonitoredSession(session_creator=creator, hooks=hooks)

    def _inputs(self, input_fn: Callable[..., Any], mode: str) -> tuple[Any, Any]:
        """(features, labels) of an input function, which may return a dataset, a pair or features alone."""
        arguments = inspect.signature(input_fn).parameters
        given = {"mode": mode, "params": self.params, "config": self._config}
        result = input_fn(**{name: value for name, value in given.items() if name in arguments})
        if isinstance(result, Dataset):
            result = result.make_one_shot_iterator().get_next()  # type: ignore[attr-defined]
        if isinstance(result, (list, tuple)):
            if len(result) != 2:
                raise ValueError("input_fn should return (features, labels) as a len 2 tuple.")
            return result[0], result[1]
        return result, None

    def _build(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        given: dict[str, Any] = {"mode": mode, "params": self.params, "config": self._config}
        if "labels" in self._arguments:
            given["labels"] = labels
        elif labels is not None:
            raise ValueError("model_fn does not take labels, but input_fn returns labels.")
        spec = self._model_fn(features=features, **{k: v for k, v in given.items() if k in self._arguments})
        if not isinstance(spec, EstimatorSpec):
            raise ValueError(f"model_fn should return an EstimatorSpec, returned {type(spec).__name__}.")
        return spec

    # looking at what was learned

    def get_variable_names(self) -> list[str]:
        """The names of the variables in the newest checkpoint."""
        return [name for name, _ in train.list_variables(self._checkpoint(None))]

    def get_variable_value(self, name: str) -> np.ndarray:
        """A variable's value in the newest checkpoint."""
        return train.load_variable(self._checkpoint(None), name)
