"""Graphs as data: `GraphDef`, `import_graph_def`, and `tf.graph_util`'s cutting and freezing of them.

A GraphDef is graphflow's own (see compiler/graph_def.py): the names, types and inputs are TensorFlow's, the bytes JSON.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .compiler.dtypes import as_dtype, int32, string
from .compiler.errors import FailedPreconditionError
from .compiler.graph_def import GraphDef, Importer, NodeDef, encode
from .compiler.ir import default_graph
from .compiler.ops.constant import convert_to_tensor
from .session import raw_session

__all__ = ["GraphDef", "NodeDef", "convert_variables_to_constants", "extract_sub_graph", "import_graph_def",
           "must_run_on_cpu", "remove_training_nodes", "tensor_shape_from_node_def_name"]


def import_graph_def(graph_def: GraphDef, input_map: Mapping[str, Any] | None = None,
                     return_elements: Sequence[str] | None = None, name: str | None = None, op_dict: Any = None,
                     producer_op_list: Any = None) -> list[Any] | None:
    """Add a GraphDef's operations to the default graph, below `name` (default "import"; "" for none).

    `input_map` gives tensors in place of some of the GraphDef's, by name. Returns the tensors ("name:0") and operations
    named in `return_elements`. Raises TypeError for what is no GraphDef, ValueError for names that are not in it.
    """
    if not isinstance(graph_def, GraphDef):
        raise TypeError(f"Argument `graph_def` must be a GraphDef proto, received {type(graph_def).__name__}.")
    graph = default_graph()
    prefix = ""
    if name != "":
        with graph.name_scope(name or "import") as scope:
            prefix = scope
    names = {n.name for n in graph_def.node}
    unknown = [k for k in input_map or () if k.lstrip("^").partition(":")[0] not in names]
    if unknown:
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: {unknown}")
    importer = Importer(graph, prefix, {k: convert_to_tensor(v) for k, v in (input_map or {}).items()})
    importer.add(graph_def.node)
    if return_elements is None:
        return None
    missing = [e for e in return_elements if e.partition(":")[0] not in importer.operations]
    if missing:
        raise ValueError(f"Requested return_elements {missing} not found in graph_def.")
    return [importer.tensor(e) if ":" in e else importer.operations[e] for e in return_elements]


def _node_name(reference: str) -> str:
    return reference.removeprefix("^").partition(":")[0]


def extract_sub_graph(graph_def: GraphDef, dest_nodes: Iterable[str]) -> GraphDef:
    """The nodes that `dest_nodes` need. Raises TypeError for one text, AssertionError for a name that is not there."""
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be an iterable of strings.")
    nodes = {n.name: n for n in graph_def.node}
    needed: set[str] = set()
    stack = [_node_name(d) for d in dest_nodes]
    while stack:
        name = stack.pop()
        if name not in nodes:
            raise AssertionError(f"{name} is not in graph")
        if name not in needed:
            needed.add(name)
            stack += map(_node_name, nodes[name].input)
    return GraphDef(n for n in graph_def.node if n.name in needed)


def convert_variables_to_constants(sess: Any, input_graph_def: GraphDef, output_node_names: Sequence[str],
                                   variable_names_whitelist: Iterable[str] | None = None,
                                   variable_names_blacklist: Iterable[str] | None = None) -> GraphDef:
    """What `output_node_names` need, with the variables as constants of their values in `sess`.

    The lists name variables that alone, or not, are converted. Raises FailedPreconditionError for one without a value.
    """
    return with_values(input_graph_def, output_node_names, raw_session(sess, "sess").store.value,
                       variable_names_whitelist, variable_names_blacklist)


def with_values(input_graph_def: GraphDef, output_node_names: Iterable[str], value_of: Callable[[str], Any],
                variable_names_whitelist: Iterable[str] | None = None,
                variable_names_blacklist: Iterable[str] | None = None) -> GraphDef:
    """`convert_variables_to_constants` with the values that `value_of` gives, None for a variable without one."""
    frozen = extract_sub_graph(input_graph_def, output_node_names)
    chosen = {n.name for n in frozen.node if n.op == "VariableV2"}
    if variable_names_whitelist is not None:
        chosen &= set(variable_names_whitelist)
    chosen -= set(variable_names_blacklist or ())
    nodes = []
    for node in frozen.node:
        if node.name in chosen:
            value = value_of(node.name)
            if value is None:
                raise FailedPreconditionError(f"Attempting to use uninitialized value {node.name}")
            node = NodeDef(node.name, "Const", [i for i in node.input if i.startswith("^")],
                           {"value": encode(value)}, node.types)
        elif node.op == "ReadVariableOp" and _node_name(node.input[0]) in chosen:
            node = NodeDef(node.name, "Identity", node.input, {}, node.types)
        nodes.append(node)
    return GraphDef(nodes)


def remove_training_nodes(input_graph: GraphDef, protected_nodes: Iterable[str] | None = None) -> GraphDef:
    """Without the Identity and CheckNumerics nodes (but those protected): their inputs take their places."""
    protected = set(protected_nodes or ())
    passed = {n.name: n.input[0] for n in input_graph.node if n.op in ("Identity", "CheckNumerics")
              and n.name not in protected and len(n.input) == 1}

    def source(reference: str) -> str:
        while reference in passed:
            reference = passed[reference]
        return reference

    return GraphDef(NodeDef(n.name, n.op, [source(i) for i in n.input if not i.startswith("^") or i[1:] not in passed],
                            n.attr, n.types) for n in input_graph.node if n.name not in passed)


_PINNED = {"Assign", "AssignAdd", "AssignSub", "Queue", "ScatterAdd", "ScatterSub", "ScatterUpdate", "TruncatedNormal",
           "Variable", "VariableV2"}


def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Whether TensorFlow has no GPU kernel for an Operation or NodeDef: strings, int32 constants, casts from int32, and
    with `pin_variables_on_cpu` variables and what changes them. Here everything runs on the CPU."""
    if isinstance(node, NodeDef):
        kind, types = node.op, [as_dtype(t["tuple"][0]["dtype"]) for t in node.types]
    else:
        kind, types = node.type, [t.dtype for t in (node.inputs if node.type == "Cast" else node.outputs)]
    if kind == "Const":
        return types[0] in (string, int32)
    if kind in ("DynamicStitch", "ParallelDynamicStitch", "Cast"):
        return types[0] == int32
    return pin_variables_on_cpu and kind in _PINNED


def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> Any:
    """The static shape of a tensor by name ("name" for "name:0")."""
    return graph.get_tensor_by_name(input_name if ":" in input_name else input_name + ":0").shape
