"""What `Session.run` recorded, in the messages of TensorFlow's step_stats.proto and config.proto (RunMetadata)."""
from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from ..compiler.graph_def import graph_def_of
from ..compiler.ir import Operation, Tensor
from ..compiler.ops.tensor_proto import field, varint
from .flow import Control
from .plan import Binding, Plan
from .trace import Recorder, Run, members

DEVICE = "/job:localhost/replica:0/task:0/device:CPU:0"


class Message:
    """A record with the fields of a protocol buffer message: name -> (number, default, or the class of messages in it;
    in a list where there may be several)."""

    _fields: dict[str, tuple[int, Any]] = {}
    _always = False  # whether it is written where it says nothing

    def __init__(self, **values: Any):
        for name, (_, default) in self._fields.items():
            if isinstance(default, (list, dict)):
                default = type(default)()
            object.__setattr__(self, name, default() if isinstance(default, type) else default)
        for name, value in values.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._fields:
            raise AttributeError(f"{type(self).__name__} has no field {name!r}; its fields are "
                                 f"{', '.join(self._fields)}")
        object.__setattr__(self, name, value)

    if TYPE_CHECKING:
        def __getattr__(self, name: str) -> Any: ...

    def CopyFrom(self, other: Message) -> None:
        """Become equal to another message of the kind."""
        for name in self._fields:
            setattr(self, name, getattr(other, name))

    def Clear(self) -> None:
        self.CopyFrom(type(self)())

    def HasField(self, name: str) -> bool:
        """Whether the field, itself a message, says anything."""
        return bool(getattr(self, name).SerializeToString())

    def SerializeToString(self) -> bytes:
        """TensorFlow's bytes. What is no message of protocol buffers here (a GraphDef) is left out."""
        parts = []
        for name, (number, _) in self._fields.items():
            value = self._listed(name)
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Message):
                    content = item.SerializeToString()
                    parts += [field(number, content)] if content or isinstance(value, list) or item._always else []
                elif isinstance(item, (str, bytes)):
                    parts += [field(number, item.encode() if isinstance(item, str) else item)] if item else []
                elif isinstance(item, int) and item:
                    parts.append(varint(number << 3) + varint(item))
        return b"".join(parts)

    def _listed(self, name: str) -> Any:
        """A field's value; a map as the list of its entries."""
        value = getattr(self, name)
        return [_Entry(key=k, value=v) for k, v in value.items()] if isinstance(value, dict) else value

    def ByteSize(self) -> int:
        return len(self.SerializeToString())

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "".join(self._lines(""))

    __repr__ = __str__

    def _lines(self, indent: str) -> Iterator[str]:
        """As text_format prints it: fields that have their default are left out."""
        for name, (_, default) in self._fields.items():
            value = self._listed(name)
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Message):
                    inner = "".join(item._lines(indent + "  "))
                    if inner or isinstance(value, list):
                        yield f"{indent}{name} {{\n{inner}{indent}}}\n"
                elif isinstance(value, list) or item != default:
                    text = '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(item, str) else item
                    yield f"{indent}{name}: {text}\n"


def _integers(*names: str, first: int = 1) -> dict[str, tuple[int, Any]]:
    return {name: (number, 0) for number, name in enumerate(names, first)}


class _Entry(Message):
    """A key and its value in a map of numbers to texts."""

    _fields = {"key": (1, 0), "value": (2, "")}


class AllocationDescription(Message):
    """The memory of a tensor."""

    _fields = {"requested_bytes": (1, 0), "allocated_bytes": (2, 0), "allocator_name": (3, ""),
               "allocation_id": (4, 0), "has_single_reference": (5, False), "ptr": (6, 0)}


class Dim(Message):
    """One size of a shape."""

    _fields = {"size": (1, 0), "name": (2, "")}


class TensorShapeProto(Message):
    """A shape. TensorBoard looks for that of a scalar too."""

    _always = True
    _fields = {"dim": (2, [Dim]), "unknown_rank": (3, False)}


class TensorDescription(Message):
    """A tensor's type (a number of types.proto), shape and memory."""

    _fields = {"dtype": (1, 0), "shape": (2, TensorShapeProto), "allocation_description": (4, AllocationDescription)}


class NodeOutput(Message):
    """An output of a node."""

    _fields = {"slot": (1, 0), "tensor_description": (3, TensorDescription)}


class AllocatorMemoryUsed(Message):
    """Bytes that a node took from an allocator."""

    _fields = {"allocator_name": (1, ""), **_integers("total_bytes", "peak_bytes", first=2), "live_bytes": (4, 0),
               "allocation_records": (6, []), "allocator_bytes_in_use": (5, 0)}


class MemoryStats(Message):
    """Memory that a node keeps."""

    _fields = {"temp_memory_size": (1, 0), "persistent_memory_size": (3, 0)}


class NodeExecStats(Message):
    """When a node ran: `all_start_micros` since 1970, the others since that."""

    _fields = {"node_name": (1, ""),
               **_integers("all_start_micros", "op_start_rel_micros", "op_end_rel_micros", "all_end_rel_micros",
                           first=2),
               "memory": (6, [AllocatorMemoryUsed]), "output": (7, [NodeOutput]), "timeline_label": (8, ""),
               "scheduled_micros": (9, 0), "thread_id": (10, 0), "referenced_tensor": (11, []),
               "memory_stats": (12, MemoryStats),
               **_integers("all_start_nanos", "op_start_rel_nanos", "op_end_rel_nanos", "all_end_rel_nanos",
                           "scheduled_nanos", first=13)}


class DeviceStepStats(Message):
    """What ran on a device."""

    _fields = {"device": (1, ""), "node_stats": (2, [NodeExecStats]), "thread_names": (3, {})}


class StepStats(Message):
    """What ran in a step."""

    _fields = {"dev_stats": (1, [DeviceStepStats])}


class CostGraphDef(Message):
    """Accepted: empty."""

    _fields = {"node": (1, [])}


class RunMetadata(Message):
    """What `Session.run` was asked to record: `step_stats` has an entry for each call of a kernel, under the name of
    the op whose result it computes; `partition_graphs`, if RunOptions asks, the compiled graphs as GraphDef."""

    _fields = {"step_stats": (1, StepStats), "cost_graph": (2, CostGraphDef), "partition_graphs": (3, []),
               "function_graphs": (4, [])}


def step_stats(recorder: Recorder) -> StepStats:
    """The recorded runs, and ops that ran between their pieces, as one step."""
    device = DeviceStepStats(device=DEVICE)
    for run in recorder.runs:
        device.thread_names.setdefault(_thread(run.thread), f"thread {run.thread}")
        device.node_stats += _nodes(run, recorder.wall)
    for span in recorder.spans:
        if span.op is not None:
            device.node_stats.append(_node(span.op, span.begin, span.end, span.thread, recorder.wall))
    device.node_stats.sort(key=lambda node: node.all_start_nanos)
    return StepStats(dev_stats=[device])


def _nodes(run: Run, wall: int) -> Iterator[NodeExecStats]:
    steps, binding = run.whole.binding.steps, run.whole.binding
    last = {step.op: i for i, step in enumerate(steps)}  # the row that finishes an op
    for row, begin, end in calls_of(run):
        step = steps[row]
        if isinstance(step.call, Control):
            continue
        node = _node(step.op, begin, end, run.thread, wall)
        if last[step.op] == row:
            node.output = [_output(run.whole.plan, binding, t) for t in step.op.outputs if t in binding.shapes]
            nbytes = sum(o.tensor_description.allocation_description.allocated_bytes for o in node.output)
            node.memory = [AllocatorMemoryUsed(allocator_name="cpu", total_bytes=nbytes, peak_bytes=nbytes,
                                               live_bytes=nbytes)]
        yield node


def calls_of(run: Run) -> Iterator[tuple[int, int, int]]:
    """(row, begin, end) of each call: the chunks of one that was split are put together."""
    steps = run.whole.binding.steps
    at = 0
    rows = run.events.tolist()
    while at < len(rows):
        row = rows[at][0]
        chunks = [event for event in rows[at:at + steps[row].chunks] if event[0] == row]
        yield row, min(event[2] for event in chunks), max(event[3] for event in chunks)
        at += len(chunks)


def _thread(thread: int) -> int:
    return thread & 0x7fffffff


def _node(op: Operation, begin: int, end: int, thread: int, wall: int) -> NodeExecStats:
    nanos, start = end - begin, begin + wall
    micros = max(1, (start + nanos) // 1000 - start // 1000)
    label = f"{op.name} = {'+'.join(o.type for o in members(op))}({', '.join(t.op.name for t in op.inputs)})"
    return NodeExecStats(
        node_name=op.name, timeline_label=label, thread_id=_thread(thread), all_start_micros=start // 1000,
        op_end_rel_micros=micros, all_end_rel_micros=micros, scheduled_micros=start // 1000, all_start_nanos=start,
        op_end_rel_nanos=nanos, all_end_rel_nanos=nanos, scheduled_nanos=start)


def _output(plan: Plan, binding: Binding, tensor: Tensor) -> NodeOutput:
    """What a row has computed; a variable's new value takes no memory of its own."""
    shape = binding.shapes[tensor]
    nbytes = prod(shape) * tensor.dtype.size
    return NodeOutput(slot=tensor.index, tensor_description=TensorDescription(
        dtype=tensor.dtype.as_datatype_enum, shape=TensorShapeProto(dim=[Dim(size=n) for n in shape]),
        allocation_description=AllocationDescription(
            requested_bytes=nbytes, allocated_bytes=nbytes if plan.storage(tensor)[0] == "arena" else 0,
            allocator_name="cpu")))


def fill(metadata: RunMetadata, recorder: Recorder, options: Any) -> None:
    """Note in a RunMetadata what RunOptions ask for."""
    if options.trace_level:
        metadata.step_stats = step_stats(recorder)
    if options.output_partition_graphs:
        metadata.partition_graphs = [graph_def_of(whole.plan.graph) for whole in recorder.wholes.values()]
