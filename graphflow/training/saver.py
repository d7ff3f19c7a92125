"""`tf.train.Saver`: variables to and from checkpoints."""
from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..compiler.errors import InvalidArgumentError, NotFoundError
from ..compiler.ir import Tensor, default_graph
from ..compiler.shapes import format_dims
from ..framework import GraphKeys
from ..logging import info
from ..runtime.plan import uninitialized
from ..session import raw_session
from ..variable_kinds import SaveSliceInfo
from ..variable_lists import global_variables
from ..variable_rows import handle_of
from .checkpoint_file import CheckpointReader, dtype_of, write_checkpoint
from .checkpoint_state import checkpoint_exists, get_checkpoint_mtimes, remove_checkpoint, update_checkpoint_state
from .global_step import global_step as step_value

_FAILED = ("Restoring from checkpoint failed. This is most likely due to {} the checkpoint. Please ensure that you "
           "have not altered the graph expected based on the checkpoint. Original error:\n\n{}")


class SaverDef(NamedTuple):
    """A Saver in a file. `variables` gives for each name in a checkpoint the variable's name in the graph."""

    variables: Mapping[str, str] = {}
    max_to_keep: int = 5
    keep_checkpoint_every_n_hours: float = 10000.0
    filename_tensor_name: str = "save/Const:0"
    save_tensor_name: str = "save/control_dependency:0"
    restore_op_name: str = "save/restore_all"
    sharded: bool = False
    version: int = 2

    LEGACY, V1, V2 = 0, 1, 2  # type: ignore[misc]  # the values of `version`


class _Piece(NamedTuple):
    """A variable, or the piece of one that stands at `place` in it."""

    handle: Tensor
    place: SaveSliceInfo | None


class Saver:
    """Saves variables to checkpoints (HDF5, see checkpoint_file.py), keeps the last few, and restores them.

    `var_list` lists variables, or maps names in the checkpoint to variables; by default all of the graph's that can be
    saved. Every `keep_checkpoint_every_n_hours` hours one checkpoint is kept beyond the last `max_to_keep` (None or 0:
    all are kept). `reshape` restores variables whose shape differs but not their size.
    """

    def __init__(self, var_list: Any = None, reshape: bool = False, sharded: bool = False,
                 max_to_keep: int | None = 5, keep_checkpoint_every_n_hours: float = 10000.0, name: str | None = None,
                 restore_sequentially: bool = False, saver_def: SaverDef | None = None, builder: Any = None,
                 defer_build: bool = False, allow_empty: bool = False, write_version: int = 2,
                 pad_step_number: bool = False, save_relative_paths: bool = False, filename: str | None = None):
        if defer_build and var_list:
            raise ValueError("If `var_list` is provided then build cannot be deferred. Either set defer_build=False or "
                             "var_list=None.")
        self._var_list = var_list
        self._reshape = reshape
        self._max_to_keep = max_to_keep or 0
        self._keep_hours = keep_checkpoint_every_n_hours
        self._name = name or "save"
        self._allow_empty = allow_empty
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._pieces: dict[str, list[_Piece]] | None = None
        self._lock = threading.Lock()  # a supervisor's thread may save too
        self._last_checkpoints: list[tuple[str, float]] = []
        self._next_kept = time.time() + keep_checkpoint_every_n_hours * 3600
        if saver_def is not None:
            self._max_to_keep, self._keep_hours = saver_def.max_to_keep, saver_def.keep_checkpoint_every_n_hours
            self._var_list = {key: _variable(op_name) for key, op_name in saver_def.variables.items()} or None
        if not defer_build:
            self.build()

    def build(self) -> None:
        """Settle which variables are saved. Raises ValueError when there are none, unless `allow_empty`."""
        chosen = [*global_variables(), *default_graph().get_collection(GraphKeys.SAVEABLE_OBJECTS)] \
            if self._var_list is None else self._var_list
        if not chosen and not self._allow_empty:
            raise ValueError("No variables to save")
        self._pieces = _by_key(chosen)

    def _built(self) -> dict[str, list[_Piece]]:
        if self._pieces is None:
            self.build()
        assert self._pieces is not None
        return self._pieces

    # which checkpoints there are

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that are kept, oldest first."""
        return [path for path, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        self._last_checkpoints = [(path, np.inf) for path in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Sequence[tuple[str, float]]) -> None:
        self._last_checkpoints = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Iterable[str]) -> None:
        """Go on from checkpoints that an earlier program left, so that they are removed in turn."""
        existing = [p for p in checkpoint_paths if checkpoint_exists(p)]
        self.set_last_checkpoints_with_time(list(zip(existing, get_checkpoint_mtimes(existing), strict=True)))

    def _record(self, path: str) -> list[tuple[str, float]]:
        """Count `path` among the last checkpoints; those that need not be kept any more."""
        if not self._max_to_keep:
            return []
        self._last_checkpoints = [p for p in self._last_checkpoints if p[0] != path]
        self._last_checkpoints.append((path, time.time()))
        surplus = self._last_checkpoints[:-self._max_to_keep]
        self._last_checkpoints = self._last_checkpoints[-self._max_to_keep:]
        return surplus

    def _remove(self, surplus: Iterable[tuple[str, float]], meta_graph_suffix: str) -> None:
        for path, written in surplus:
            if written > self._next_kept:
                self._next_kept += self._keep_hours * 3600
            else:
                remove_checkpoint(path, meta_graph_suffix=meta_graph_suffix)

    # saving

    def save(self, sess: Any, save_path: Any, global_step: Any = None, latest_filename: str | None = None,
             meta_graph_suffix: str = "meta", write_meta_graph: bool = True, write_state: bool = True,
             strip_default_attrs: bool = False, save_debug_info: bool = False) -> str | None:
        """Write a checkpoint at `save_path`, to which the step's number is appended; returns its prefix.

        Raises TypeError for what is no session, ValueError when the folder does not exist, FailedPreconditionError for
        variables without values, ResourceExhaustedError for a full disk. Whatever happens, a checkpoint that was there
        before stays whole.
        """
        session = _session(sess)
        if not isinstance(save_path, (str, bytes, os.PathLike)):
            raise TypeError(f"Saver.save: `save_path` must be a path, received {save_path!r}")
        save_path = os.fspath(save_path)
        latest_filename = latest_filename or "checkpoint"
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        path = save_path
        if global_step is not None:
            step = global_step if isinstance(global_step, (int, np.integer)) else step_value(session, global_step)
            path = f"{save_path}-{step:08d}" if self._pad_step_number else f"{save_path}-{step}"
        elif os.path.basename(save_path) == latest_filename:
            raise ValueError(f"'latest_filename' collides with 'save_path': '{latest_filename}' and '{save_path}'")
        folder = os.path.dirname(save_path)
        if not os.path.isdir(folder or "."):
            raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.")
        pieces = self._built()
        if not pieces:
            return None
        with self._lock:
            write_checkpoint(path, {key: _saved(session, pieces[key]) for key in sorted(pieces)})
            if write_meta_graph and not session.graph.eager:
                with session.graph.as_default():
                    self.export_meta_graph(f"{path}.{meta_graph_suffix}")
            if write_state:
                surplus = self._record(path)
                update_checkpoint_state(folder, path, self.last_checkpoints, latest_filename,
                                        save_relative_paths=self._save_relative_paths)
                self._remove(surplus, meta_graph_suffix)
        return path

    def export_meta_graph(self, filename: str | None = None, collection_list: Any = None, as_text: bool = False,
                          export_scope: str | None = None, clear_devices: bool = False,
                          clear_extraneous_savers: bool = False, strip_default_attrs: bool = False,
                          save_debug_info: bool = False) -> Any:
        """As `tf.train.export_meta_graph`, with this saver."""
        from .meta_graph import export_meta_graph  # which makes savers
        return export_meta_graph(filename, saver_def=self.as_saver_def(), collection_list=collection_list,
                                 as_text=as_text, export_scope=export_scope)

    # restoring

    def restore(self, sess: Any, save_path: Any) -> None:
        """Give the variables their values in a checkpoint; they need not be initialized.

        Raises ValueError where there is no checkpoint, NotFoundError naming all variables that it does not have,
        InvalidArgumentError naming all whose shape or dtype differs, DataLossError for a damaged or foreign file. The
        session is then as it was.
        """
        session = _session(sess)
        if not self._built():
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        prefix = os.fspath(save_path)
        if not checkpoint_exists(prefix):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {prefix}")
        info("Restoring parameters from %s", prefix)
        try:
            values = CheckpointReader(prefix).get_tensors(sorted(self._built()))
        except NotFoundError as error:
            raise NotFoundError(_FAILED.format("a Variable name or other graph key that is missing from",
                                               error.message)) from None
        found = [(piece, values[key]) for key, pieces in self._built().items() for piece in pieces]
        wrong = [f"Assign requires shapes of both tensors to match: variable {handle.op.name!r} of dtype "
                 f"{handle.dtype.name}, lhs shape= {format_dims(handle.dims)}; in the checkpoint dtype "
                 f"{dtype_of(value).name}, rhs shape= {list(value.shape)}"
                 for (handle, place), value in found if not _fits(_Piece(handle, place), value, self._reshape)]
        if wrong:
            raise InvalidArgumentError(_FAILED.format("a mismatch between the current graph and the graph from",
                                                      "\n".join(wrong)))
        for piece, value in found:
            session.store.set(piece.handle.op, _placed(piece, value))

    # as data

    @property
    def saver_def(self) -> SaverDef:
        return self.as_saver_def()

    def as_saver_def(self) -> SaverDef:
        """This saver as data."""
        names = {key: pieces[0].handle.op.name for key, pieces in self._built().items() if pieces[0].place is None}
        return SaverDef(names, self._max_to_keep, self._keep_hours)

    def to_proto(self, export_scope: str | None = None) -> SaverDef:
        return self.as_saver_def()

    @staticmethod
    def from_proto(saver_def: SaverDef, import_scope: str | None = None) -> Saver:
        """The saver that `to_proto` told of, for the variables of the default graph below `import_scope`."""
        prefix = f"{import_scope}/" if import_scope else ""
        return Saver(saver_def=saver_def._replace(variables={k: prefix + v for k, v in saver_def.variables.items()}),
                     name=import_scope)


def _variable(op_name: str) -> Any:
    return default_graph().get_operation_by_name(op_name).outputs[0]


def _by_key(chosen: Any) -> dict[str, list[_Piece]]:
    """{name in the checkpoint: the variable, or the pieces of a partitioned one}."""
    if not isinstance(chosen, Iterable):
        raise TypeError(f"Saver: `var_list` must be a list or dictionary of variables, received {chosen!r}")
    pairs = list(chosen.items()) if isinstance(chosen, Mapping) else [(None, value) for value in chosen]
    found: dict[str, list[_Piece]] = {}
    for key, value in pairs:
        for part in value if isinstance(value, (list, tuple)) or hasattr(value, "_get_variable_list") else [value]:
            if not _is_variable(part):
                raise TypeError(f"Variable to save is not a Variable: {part!r}")
            place = getattr(part, "_save_slice_info", None)
            piece = _Piece(handle_of(part), place)
            pieces = found.setdefault(key or (part.op.name if place is None else place.full_name), [])
            if piece not in pieces:
                if pieces and place is None:
                    raise ValueError(f"At least two variables have the same name: {part.op.name}")
                pieces.append(piece)
    return found


def _is_variable(value: Any) -> bool:
    return hasattr(value, "handle") or getattr(getattr(value, "op", None), "type", None) in (
        "VariableV2", "ReadVariableOp")


def _session(given: Any) -> Any:
    """The session itself; where ops run at once, theirs for None."""
    graph = default_graph()
    return graph.session if given is None and graph.eager else raw_session(given, "sess")  # type: ignore[attr-defined]


def _saved(session: Any, pieces: list[_Piece]) -> np.ndarray:
    full: np.ndarray | None = None
    for handle, place in pieces:
        array = session.store.get(handle.op)
        if array is None:
            raise uninitialized([handle.op])
        if place is None:
            return array
        if full is None:
            full = np.empty(place.full_shape, array.dtype)
        full[place.slices] = array
    assert full is not None
    return full


def _fits(piece: _Piece, value: np.ndarray, reshape: bool) -> bool:
    handle, place = piece
    if dtype_of(value) != handle.dtype:
        return False
    if place is not None:
        return list(value.shape) == list(place.full_shape)
    return handle.shape.is_compatible_with(value.shape) or (
        reshape and handle.shape.num_elements() == value.size)


def _placed(piece: _Piece, value: np.ndarray) -> np.ndarray:
    """What of a checkpoint's value goes into the variable."""
    handle, place = piece
    if place is not None:
        return value[place.slices]
    return value if handle.shape.is_compatible_with(value.shape) else value.reshape(handle.shape.as_list())  # type: ignore[arg-type]
