"""Graphs with their collections and saver in a file: `export_meta_graph`, `import_meta_graph`, `write_graph`.

The file is JSON (compiler/graph_def.py says what of the graph); nothing in it is executed when it is read.
"""
from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..compiler.errors import DataLossError
from ..compiler.graph_def import GraphDef, Importer, NodeDef, graph_def_of
from ..compiler.ir import Graph, Operation, Tensor, default_graph
from ..logging import warning
from ..variable_kinds import VariableDef
from ..variables import Variable
from .files import write_text
from .queue_runner import QueueRunner
from .saver import Saver, SaverDef

FORMAT = "graphflow meta graph 1"


class MetaGraphDef:
    """A graph, the collections that can be written (as JSON), and its saver."""

    def __init__(self, graph_def: GraphDef | None = None, collection_def: Mapping[str, list[Any]] | None = None,
                 saver_def: SaverDef | None = None):
        self.graph_def = graph_def or GraphDef()
        self.collection_def = dict(collection_def or {})
        self.saver_def = saver_def

    def SerializeToString(self) -> bytes:
        return json.dumps({"format": FORMAT, "graph": self.graph_def.as_json(), "collections": self.collection_def,
                           "saver": None if self.saver_def is None else self.saver_def._asdict()}).encode()

    def ParseFromString(self, serialized: bytes) -> int:
        """Replace the content by what was serialized; how many bytes that was. Raises DataLossError."""
        try:
            data = json.loads(serialized)
            if data["format"] != FORMAT:
                raise KeyError(data["format"])
            saver = data["saver"]
            self.__init__(GraphDef.from_json(data["graph"]), data["collections"],  # type: ignore[misc]
                          None if saver is None else SaverDef(**saver))
        except (ValueError, KeyError, TypeError) as error:
            raise DataLossError(f"not a meta graph that graphflow wrote: {error}") from error
        return len(serialized)


def export_meta_graph(filename: Any = None, meta_info_def: Any = None, graph_def: GraphDef | None = None,
                      saver_def: SaverDef | None = None, collection_list: Iterable[str] | None = None,
                      as_text: bool = False, graph: Graph | None = None, export_scope: str | None = None,
                      clear_devices: bool = False, clear_extraneous_savers: bool = False,
                      strip_default_attrs: bool = False, save_debug_info: bool = False, **kwargs: Any) -> MetaGraphDef:
    """The graph (by default the default one) with its collections as data, also written to `filename`.

    `collection_list` names the collections (default: all), `export_scope` a name scope that alone is exported, without
    its prefix. What of a collection cannot be written is left out with a warning.
    """
    source = graph or default_graph()
    nodes = graph_def or graph_def_of(source)
    if export_scope:
        nodes = _below(nodes, export_scope)
    names = list(source.collections) if collection_list is None else list(collection_list)
    collections = {name: [e for item in source.get_collection(name) for e in _encoded(name, item, export_scope)]
                   for name in names}
    meta = MetaGraphDef(nodes, {k: v for k, v in collections.items() if v}, saver_def)
    if filename is not None:
        write_text(os.fspath(filename), meta.SerializeToString().decode())
    return meta


def _below(graph_def: GraphDef, scope: str) -> GraphDef:
    prefix = scope.rstrip("/") + "/"
    outside = [i for n in graph_def.node if n.name.startswith(prefix) for i in n.input
               if not i.lstrip("^").startswith(prefix)]
    if outside:
        raise ValueError(f"Graph contains unbound inputs in scope {scope!r}: {', '.join(outside)}")
    return GraphDef(NodeDef(n.name.removeprefix(prefix), n.op, [_short(i, prefix) for i in n.input], n.attr, n.types)
                    for n in graph_def.node if n.name.startswith(prefix))


def _short(reference: str, prefix: str) -> str:
    return "^" + reference[1:].removeprefix(prefix) if reference.startswith("^") else reference.removeprefix(prefix)


# collections


def _encoded(collection: str, item: Any, scope: str | None) -> list[Any]:
    prefix = f"{scope}/" if scope else ""
    if isinstance(item, (Variable, QueueRunner)):
        definition = item.to_proto(scope) if hasattr(item, "initializer") or isinstance(item, QueueRunner) else None
        kind = "variable" if isinstance(item, Variable) else "queue_runner"
        return [] if definition is None else [{kind: list(definition)}]
    if isinstance(item, (Tensor, Operation)):
        return [{"node": item.name.removeprefix(prefix)}] if item.name.startswith(prefix) else []
    if isinstance(item, (str, int, float, bool)):
        return [{"value": item}]
    if isinstance(item, Saver):
        return [{"saver": item.to_proto()._asdict()}]
    warning("Issue encountered when serializing %s: %r cannot be written and is left out", collection, item)
    return []


def _decoded(entry: Mapping[str, Any], graph: Graph, scope: str | None, variables: dict[str, Variable]) -> Any:
    (kind, content), = entry.items()
    prefix = f"{scope}/" if scope else ""
    match kind:
        case "variable":
            definition = VariableDef(*content)
            if definition.variable_name not in variables:  # one object, whichever collections it is in
                variables[definition.variable_name] = Variable.from_proto(definition, scope)
            return variables[definition.variable_name]
        case "queue_runner":
            return QueueRunner.from_proto(content, scope)
        case "node":
            return graph.as_graph_element(prefix + content)
        case "saver":
            return Saver.from_proto(SaverDef(**content), scope)
        case "value":
            return content
    raise DataLossError(f"not an item of a collection that graphflow wrote: {entry!r}")


# reading


def import_meta_graph(meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None,
                      **kwargs: Any) -> Saver | None:
    """Add a graph that `export_meta_graph` wrote to the default graph, with its collections.

    Returns its saver, or one for its variables, None where it has none. Raises OSError where there is no file,
    DataLossError for a foreign or damaged one.
    """
    return import_meta_graph_with_return_elements(meta_graph_or_file, clear_devices, import_scope, **kwargs)[0]


def import_meta_graph_with_return_elements(meta_graph_or_file: Any, clear_devices: bool = False,
                                           import_scope: str | None = None, return_elements: Any = None,
                                           input_map: Mapping[str, Any] | None = None) -> tuple[Saver | None, Any]:
    """As `import_meta_graph`; also gives the elements named in `return_elements`."""
    meta = meta_graph_or_file if isinstance(meta_graph_or_file, MetaGraphDef) else read_meta_graph_file(
        meta_graph_or_file)
    graph = default_graph()
    scope = None
    if import_scope:
        with graph.name_scope(import_scope) as opened:
            scope = opened[:-1]
    importer = Importer(graph, f"{scope}/" if scope else "", input_map)
    importer.add(meta.graph_def.node)
    variables: dict[str, Variable] = {}
    for name, entries in meta.collection_def.items():
        for entry in entries:
            graph.add_to_collection(name, _decoded(entry, graph, scope, variables))
    elements = None if return_elements is None else [
        importer.tensor(e) if ":" in e else importer.operations[e] for e in return_elements]
    if meta.saver_def is not None:
        return Saver.from_proto(meta.saver_def, scope), elements
    return (Saver(list(variables.values())) if variables else None), elements


def read_meta_graph_file(filename: Any) -> MetaGraphDef:
    """A meta graph from its file. Raises OSError where there is none, DataLossError for a foreign or damaged one."""
    path = os.fspath(filename)
    if not os.path.isfile(path):
        raise OSError(f"File {path} does not exist.")
    meta = MetaGraphDef()
    with open(path, "rb") as file:
        meta.ParseFromString(file.read())
    return meta


def write_graph(graph_or_graph_def: Any, logdir: Any, name: str, as_text: bool = True) -> str:
    """Write a graph as JSON to `logdir`/`name`; returns that path."""
    definition = graph_def_of(graph_or_graph_def) if isinstance(graph_or_graph_def, Graph) else graph_or_graph_def
    folder = os.fspath(logdir)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    write_text(path, repr(definition) if as_text else definition.SerializeToString().decode())
    return path
