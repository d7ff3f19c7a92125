"""Looking into checkpoints, and starting variables from them."""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..compiler.ir import default_graph
from ..compiler.ops import state
from ..compiler.ops.constant import constant
from ..framework import GraphKeys, init_scope
from ..variable_lists import global_variables
from ..variable_scope import VariableScope
from ..variables import Variable
from .checkpoint_file import CheckpointReader
from .checkpoint_state import prefix_of


def NewCheckpointReader(filepattern: Any) -> CheckpointReader:
    """A reader of the checkpoint with this prefix. Raises NotFoundError, or DataLossError for a damaged file."""
    return CheckpointReader(filepattern)


def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """A reader of a checkpoint, or of the latest one of a folder. Raises ValueError for a folder without any."""
    return CheckpointReader(prefix_of(ckpt_dir_or_file))


def load_variable(ckpt_dir_or_file: Any, name: str) -> np.ndarray:
    """The value that a checkpoint has under `name`."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """(name, shape) of what a checkpoint has, by name."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Mapping[str, Any] | Any) -> None:
    """Let variables be initialized with values of a checkpoint.

    `assignment_map` maps names in the checkpoint to variables, lists of their pieces or their names, or scopes there
    ("a/", "/" for all) to scopes in the graph. Raises ValueError for names that are not there and for shapes that
    differ.
    """
    reader = load_checkpoint(ckpt_dir_or_file)
    shapes = reader.get_variable_to_shape_map()
    pairs = assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map
    for key, target in sorted(pairs, key=lambda pair: str(pair[0])):
        variables = {v.op.name: v for v in global_variables()}
        if isinstance(target, VariableScope):
            target = target.name
        if isinstance(target, str) and (key.endswith("/") or key == "/"):
            _init_scope(reader, shapes, key, target, variables)
            continue
        if isinstance(target, str):
            if target not in variables:
                raise ValueError(f"Assignment map with scope only name {target} should map to scope only {key}. Should "
                                 f"be 'scope/': 'other_scope/'." if not target else
                                 f"Variable {target} is not in the graph")
            target = variables[target]
        if key not in shapes:
            raise ValueError(f"Tensor {key} is not found in {reader.prefix} checkpoint {sorted(shapes)}")
        for variable in target if isinstance(target, (list, tuple)) else [target]:
            _start_from(reader, key, variable)


def _init_scope(reader: CheckpointReader, shapes: Mapping[str, Any], key: str, scope: str,
                variables: Mapping[str, Any]) -> None:
    source, prefix = key.rstrip("/"), scope.rstrip("/")
    found = {name: v for name, v in variables.items() if not prefix or name.startswith(prefix + "/")}
    if not found:
        raise ValueError(f"Assignment map with scope only name {scope} should map to scope only {key}. Should be "
                         "'scope/': 'other_scope/'.")
    for name, variable in found.items():
        rest = name[len(prefix) + 1:] if prefix else name
        full = f"{source}/{rest}" if source else rest
        if full not in shapes:
            raise ValueError(f"Tensor {full} ({name} in {scope}) is not found in {reader.prefix} checkpoint")
        _start_from(reader, full, variable)


def _start_from(reader: CheckpointReader, key: str, variable: Any) -> None:
    """Let the variable's initializer store the checkpoint's value."""
    place = getattr(variable, "_save_slice_info", None)
    value = reader.get_tensor(key)
    value = value if place is None else value[place.slices]
    if not variable.shape.is_compatible_with(value.shape):
        raise ValueError(f"Shape of variable {variable.name} ({variable.shape}) doesn't match with shape of tensor "
                         f"{key} ({list(value.shape)}) from checkpoint reader.")
    with init_scope(), default_graph().name_scope("init_from_checkpoint"):
        initial = constant(value, variable.dtype, name="checkpoint_initializer")
        variable.initial_value = initial
        variable.initializer = state.assign.operation(variable.handle, initial, name="Assign", validate_shape=True)


def warm_start(ckpt_to_initialize_from: Any, vars_to_warm_start: Any = ".*", var_name_to_vocab_info: Any = None,
               var_name_to_prev_var_name: Mapping[str, str] | None = None) -> None:
    """Initialize variables, those whose names match the pattern (or the list), from a checkpoint.

    Raises ValueError for vocabularies, which are not remapped.
    """
    if var_name_to_vocab_info:
        raise ValueError("warm_start: vocabularies are not remapped; var_name_to_vocab_info must be empty")
    if vars_to_warm_start is None:
        chosen: list[Any] = []
    elif isinstance(vars_to_warm_start, str):
        chosen = default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, vars_to_warm_start)
    elif all(isinstance(v, Variable) for v in vars_to_warm_start):
        chosen = list(vars_to_warm_start)
    else:
        chosen = [v for v in global_variables() if any(re.match(p, v.op.name) for p in vars_to_warm_start)]
    previous = var_name_to_prev_var_name or {}
    for variable in chosen:
        init_from_checkpoint(ckpt_to_initialize_from, {previous.get(variable.op.name, variable.op.name): variable})


