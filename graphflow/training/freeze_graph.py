"""`tensorflow.python.tools.freeze_graph`: a graph's file and a checkpoint made one file."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..graph_util import GraphDef, extract_sub_graph, remove_training_nodes, with_values
from .checkpoint_utils import load_checkpoint
from .meta_graph import read_meta_graph_file

__all__ = ["freeze_graph", "freeze_graph_with_def_protos", "optimize_for_inference"]


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def freeze_graph_with_def_protos(input_graph_def: GraphDef, input_saver_def: Any, input_checkpoint: Any,
                                 output_node_names: str, restore_op_name: Any, filename_tensor_name: Any,
                                 output_graph: Any, clear_devices: bool, initializer_nodes: str,
                                 variable_names_whitelist: str = "", variable_names_blacklist: str = "",
                                 **unused: Any) -> GraphDef:
    """What `output_node_names` (with commas between) need, the variables as constants of the checkpoint's values; it is
    written to `output_graph` unless that is empty. How to restore is known: the arguments that say so are accepted.

    Raises ValueError without names, FailedPreconditionError for a variable that the checkpoint lacks.
    """
    outputs = _names(output_node_names)
    if not outputs:
        raise ValueError("You need to supply the name of a node to --output_node_names.")
    reader = load_checkpoint(input_checkpoint)
    frozen = with_values(input_graph_def, outputs, lambda n: reader.get_tensor(n) if reader.has_tensor(n) else None,
                         _names(variable_names_whitelist) or None, _names(variable_names_blacklist))
    if output_graph:
        with open(output_graph, "wb") as file:
            file.write(frozen.SerializeToString())
    return frozen


def freeze_graph(input_graph: Any, input_saver: Any, input_binary: bool, input_checkpoint: Any, output_node_names: str,
                 restore_op_name: Any, filename_tensor_name: Any, output_graph: Any, clear_devices: bool,
                 initializer_nodes: str, variable_names_whitelist: str = "", variable_names_blacklist: str = "",
                 input_meta_graph: Any = None, **unused: Any) -> GraphDef:
    """`freeze_graph_with_def_protos` of the graph in the file `input_graph`, or that of a meta graph's file."""
    if input_meta_graph:
        definition = read_meta_graph_file(input_meta_graph).graph_def
    else:
        definition = GraphDef()
        with open(input_graph, "rb") as file:
            definition.ParseFromString(file.read())
    return freeze_graph_with_def_protos(definition, None, input_checkpoint, output_node_names, restore_op_name,
                                        filename_tensor_name, output_graph, clear_devices, initializer_nodes,
                                        variable_names_whitelist, variable_names_blacklist)


def optimize_for_inference(input_graph_def: GraphDef, input_node_names: Iterable[str], output_node_names: Iterable[str],
                           placeholder_type_enum: Any, toco_compatible: bool = False) -> GraphDef:
    """The part of a frozen graph that the outputs need, without what only passes values on: the rest is done when it is
    compiled."""
    outputs = list(output_node_names)
    return remove_training_nodes(extract_sub_graph(input_graph_def, outputs), [*input_node_names, *outputs])
