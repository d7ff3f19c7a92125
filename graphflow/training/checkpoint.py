"""`tf.train.Checkpoint`: values kept by where they are among a program's objects, not by their names in the graph.

A variable that is `kernel` of the object that is `dense` of the checkpoint is kept as
"dense/kernel/.ATTRIBUTES/VARIABLE_VALUE", an optimizer's slot for it as "dense/kernel/.OPTIMIZER_SLOT/opt/m/...", as in
TensorFlow's own object-based checkpoints; the file is the Saver's (see checkpoint_file.py).
"""
from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..compiler.errors import InvalidArgumentError
from ..compiler.ir import Graph, default_graph
from ..framework import init_scope
from ..runtime.plan import uninitialized
from ..session import chosen, raw_session, session_of
from ..variables import Variable
from .checkpoint_file import CheckpointReader, dtype_of, write_checkpoint
from .checkpoint_state import get_checkpoint_state, latest_checkpoint, remove_checkpoint, update_checkpoint_state
from .optimizer import Optimizer

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_COUNTER = "save_counter"


class Checkpoint:
    """Saves and restores the variables of the objects that are its attributes: variables, modules, layers, models,
    optimizers, and lists and dicts of them.

    Raises ValueError for an attribute that can hold no variable.
    """

    def __init__(self, root: Any = None, **kwargs: Any):
        self._root = root
        self._counter: Any = None
        for name, value in sorted(kwargs.items()):
            if isinstance(value, (str, bytes, int, float, complex)) or value is None:
                raise ValueError(f"`Checkpoint` was expecting {name} to be a trackable object (an object derived from "
                                 f"`Trackable`), got {value!r}.")
            setattr(self, name, value)

    @property
    def save_counter(self) -> Variable:
        """How often this checkpoint has been saved, int64."""
        if self._counter is None:
            with init_scope():
                self._counter = Variable(0, name=_COUNTER, dtype="int64", trainable=False, collections=[])
        return self._counter

    def save(self, file_prefix: Any, session: Any = None, options: Any = None) -> str:
        """Count, write a checkpoint `file_prefix`-count and note it as the folder's latest; returns its prefix."""
        counter = self.save_counter
        held = _session(counter, session)
        before = held.store.get(counter.op)
        count = 1 if before is None else int(before) + 1
        _set(counter, held, count)
        path = self.write(f"{os.fspath(file_prefix)}-{count}", session)
        update_checkpoint_state(os.path.dirname(path), path, [path])
        return path

    def write(self, file_prefix: Any, session: Any = None, options: Any = None) -> str:
        """Write a checkpoint; returns its prefix. Raises FailedPreconditionError for a variable without a value."""
        path = os.fspath(file_prefix)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        values = {}
        for key, variable in self._variables().items():
            values[key] = _session(variable, session).store.get(variable.op)
            if values[key] is None:
                raise uninitialized([variable.op])
        write_checkpoint(path, values)
        return path

    def restore(self, save_path: Any, options: Any = None) -> CheckpointLoadStatus:
        """What a checkpoint holds for the objects; where ops run at once the values are theirs from now on, else when
        the status is asked to run. `save_path` None restores nothing."""
        return CheckpointLoadStatus(self, None if save_path is None else CheckpointReader(os.fspath(save_path)))

    read = restore

    def _variables(self) -> dict[str, Variable]:
        found: dict[str, Variable] = {}
        children = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        optimizers: list[tuple[str, Optimizer]] = []
        for path, leaf in [*_walk(children, "", set(), optimizers), *_walk(self._root, "", set(), optimizers)]:
            found.setdefault(path + _VALUE, leaf)
        for path, optimizer in optimizers:
            found.update(_of_optimizer(path, optimizer, dict(found)))
        return found | {_COUNTER + _VALUE: self.save_counter}


class CheckpointLoadStatus:
    """A checkpoint and the objects that it is for."""

    def __init__(self, checkpoint: Checkpoint, reader: CheckpointReader | None):
        self._checkpoint = checkpoint
        self._reader = reader
        if any(variable.graph.eager for variable in checkpoint._variables().values()):
            self.run_restore_ops()

    def _matches(self) -> tuple[dict[str, Variable], set[str], set[str]]:
        """(variables with a value in the file, what only the objects have, what only the file has)."""
        variables = self._checkpoint._variables()
        kept = set() if self._reader is None else set(self._reader.get_variable_to_shape_map())
        return {k: v for k, v in variables.items() if k in kept}, set(variables) - kept, kept - set(variables)

    def assert_consumed(self) -> CheckpointLoadStatus:
        """Raises AssertionError unless every variable has a value and every value a variable."""
        self.assert_existing_objects_matched()
        _, _, unused = self._matches()
        if unused:
            raise AssertionError(f"Unresolved object in checkpoint: {', '.join(sorted(unused))}")
        return self

    def assert_existing_objects_matched(self) -> CheckpointLoadStatus:
        """Raises AssertionError unless every variable of the objects has a value."""
        _, missing, _ = self._matches()
        missing.discard(_COUNTER + _VALUE)
        if missing:
            raise AssertionError(f"No checkpointed value for {', '.join(sorted(missing))}")
        return self

    def assert_nontrivial_match(self) -> CheckpointLoadStatus:
        """Raises AssertionError where nothing but the root matches."""
        if not set(self._matches()[0]) - {_COUNTER + _VALUE}:
            raise AssertionError("Nothing except the root object matched a checkpointed value.")
        return self

    def expect_partial(self) -> CheckpointLoadStatus:
        """Itself: what is not used is not warned of."""
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """Give the variables their values. Raises InvalidArgumentError naming those whose shape or dtype differs."""
        found, _, _ = self._matches()
        values = {} if self._reader is None else self._reader.get_tensors(sorted(found))
        wrong = [f"{key}: variable {v.shape} of {v.dtype.name}, checkpoint {list(values[key].shape)} of "
                 f"{dtype_of(values[key]).name}" for key, v in sorted(found.items())
                 if not v.handle.shape.is_compatible_with(values[key].shape) or v.dtype != dtype_of(values[key])]
        if wrong:
            raise InvalidArgumentError("Restoring from checkpoint failed, shapes or dtypes differ: " + "; ".join(wrong))
        for key, variable in found.items():
            _set(variable, _session(variable, session), values[key])

    def initialize_or_restore(self, session: Any = None) -> None:
        """Give the variables their values, and initialize those that have none in the checkpoint."""
        _, missing, _ = self._matches()
        variables = [v for k, v in self._checkpoint._variables().items() if k in missing and not v.graph.eager]
        if variables:
            raw_session(chosen(session, "restore"), "session").run([v.initializer for v in variables])
        self.run_restore_ops(session)


class CheckpointManager:
    """Numbered checkpoints `checkpoint_name`-N in a folder, of which the last `max_to_keep` stay (None: all).

    With `keep_checkpoint_every_n_hours` one in each such time stays beyond them. `init_fn` is called by
    `restore_or_initialize` where there is no checkpoint; with `step_counter` and `checkpoint_interval`, `save` does so
    only when that many steps have passed.
    """

    def __init__(self, checkpoint: Checkpoint, directory: Any, max_to_keep: int | None,
                 keep_checkpoint_every_n_hours: float | None = None, checkpoint_name: str = "ckpt",
                 step_counter: Any = None, checkpoint_interval: int | None = None, init_fn: Any = None,
                 last_checkpoint_step: int | None = None):
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep}.")
        self._checkpoint, self._directory, self._max_to_keep = checkpoint, os.fspath(directory), max_to_keep
        self._hours, self._name, self._init_fn = keep_checkpoint_every_n_hours, checkpoint_name, init_fn
        self._step_counter, self._interval, self._last_step = step_counter, checkpoint_interval, last_checkpoint_step
        self._kept_at = time.time()
        state = get_checkpoint_state(self._directory)
        self._paths = list(state.all_model_checkpoint_paths) if state else []

    @property
    def directory(self) -> str:
        return self._directory

    @property
    def checkpoint(self) -> Checkpoint:
        return self._checkpoint

    @property
    def latest_checkpoint(self) -> str | None:
        """The prefix of the latest checkpoint, None where there is none."""
        return self._paths[-1] if self._paths else None

    @property
    def checkpoints(self) -> list[str]:
        """The prefixes of those that are kept, oldest first."""
        return list(self._paths)

    def save(self, checkpoint_number: Any = None, check_interval: bool = True, options: Any = None,
             session: Any = None) -> str | None:
        """Write a checkpoint and remove those not kept; returns its prefix, None where the interval has not passed."""
        if self._step_counter is not None and check_interval and self._interval is not None:
            step = int(_session(self._step_counter, session).store.get(self._step_counter.op))
            if self._last_step is not None and step - self._last_step < self._interval:
                return None
            self._last_step = step
        prefix = os.path.join(self._directory, self._name)
        if checkpoint_number is None:
            path = self._checkpoint.save(prefix, session)
        else:
            path = self._checkpoint.write(f"{prefix}-{int(checkpoint_number)}", session)
        self._paths = [p for p in self._paths if p != path] + [path]
        while self._max_to_keep is not None and len(self._paths) > self._max_to_keep:
            oldest = self._paths.pop(0)
            if self._hours is not None and time.time() - self._kept_at >= self._hours * 3600:
                self._kept_at = time.time()
            else:
                remove_checkpoint(oldest)
        update_checkpoint_state(self._directory, path, self._paths)
        return path

    def restore_or_initialize(self) -> str | None:
        """Restore the latest checkpoint and return its prefix, or call `init_fn`."""
        latest = latest_checkpoint(self._directory)
        if latest is not None:
            self._checkpoint.restore(latest).run_restore_ops()
        elif self._init_fn is not None:
            self._init_fn()
        return latest


def _session(variable: Any, session: Any) -> Any:
    if variable.graph.eager:
        return variable.graph.session
    if session is None and default_graph().eager:
        variable.value()  # which gives it one
        return session_of(variable.graph)
    return raw_session(chosen(session, "save or restore a checkpoint"), "session")


def _set(variable: Any, session: Any, value: Any) -> None:
    session.store.set(variable.op, np.array(value, variable.dtype.np))


def _walk(value: Any, path: str, above: set[int], optimizers: list[tuple[str, Optimizer]]
          ) -> Iterator[tuple[str, Variable]]:
    """(path, variable) of every variable below an object; optimizers are listed."""
    if isinstance(value, Variable):
        yield path, value
        return
    if id(value) in above:
        return
    if isinstance(value, Optimizer):
        optimizers.append((path, value))
        return
    for name, child in _children(value):
        yield from _walk(child, f"{path}/{name}" if path else name, above | {id(value)}, optimizers)


def _children(value: Any) -> Sequence[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return sorted((str(key), child) for key, child in value.items())
    if isinstance(value, (list, tuple)):
        return [(str(k), child) for k, child in enumerate(value)]
    if isinstance(value, (type, str, bytes)) or not hasattr(value, "__dict__") or isinstance(value, Graph):
        return []
    own = {name: child for name, child in vars(value).items()
           if not name.startswith("_") and (isinstance(child, (Variable, Mapping, list, tuple)) or _owns(child))}
    layers = getattr(value, "layers", None)
    if isinstance(layers, (list, tuple)):  # a Keras model
        own |= {f"layer-{k}": layer for k, layer in enumerate(layers)}
    elif isinstance(getattr(value, "variables", None), (list, tuple)) and not any(
            isinstance(child, Variable) for child in own.values()):  # what keeps its variables for itself
        own |= {f"variables/{k}": v for k, v in enumerate(value.variables)}
    return sorted(own.items(), key=lambda pair: pair[0])


def _owns(value: Any) -> bool:
    """Whether an attribute may hold variables: modules, layers, models, checkpoints, optimizers."""
    return isinstance(value, (Checkpoint, Optimizer)) or hasattr(value, "trainable_variables")


def _of_optimizer(path: str, optimizer: Optimizer, variables: Mapping[str, Variable]) -> dict[str, Variable]:
    """The slots of an optimizer for these variables, and what else it keeps."""
    found = {}
    for key, variable in variables.items():
        for slot in optimizer.get_slot_names():
            kept = optimizer.get_slot(variable, slot)
            if kept is not None:
                found[f"{key.removesuffix(_VALUE)}/.OPTIMIZER_SLOT/{path}/{slot}{_VALUE}"] = kept
    slots = {id(v) for v in found.values()}
    for variable in optimizer.variables():
        if id(variable) not in slots and not variable.op.name.count("/"):
            found[f"{path}/{variable.op.name}{_VALUE}"] = variable
    return found
