"""Where the parts of a drawing go: nested boxes in layers, from top to bottom, with edges routed between them.

Each box is laid out on its own, inner ones first, as Sugiyama, Tagawa and Toda do ("Methods for Visual Understanding of
Hierarchical System Structures", 1981): layers by longest paths, order by barycentres, then the x coordinates that bring
linked parts as near above each other as the order allows. An edge that leaves a box goes through a port on its border.
"""
from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import networkx as nx

GAP_X, GAP_Y, PADDING, HEADER = 14.0, 34.0, 10.0, 18.0
SWEEPS = 8


@dataclass(eq=False)
class Box:
    """A rectangle, with others inside or a size of its own. `content` is the caller's."""

    content: Any = None
    width: float = 0
    height: float = 0
    children: list[Box] = field(default_factory=list)
    parent: Box | None = None
    x: float = 0  # of the left edge, in the parent until `arrange` has finished, then in the drawing
    y: float = 0
    # where the nets of this box meet its borders: net -> distance from the left edge
    tops: dict[Hashable, float] = field(default_factory=dict)
    bottoms: dict[Hashable, float] = field(default_factory=dict)
    margin: float = 0  # more room on the left, for a title there

    def add(self, child: Box) -> Box:
        child.parent = self
        self.children.append(child)
        return child

    def path(self) -> list[Box]:
        """This box and those around it, the innermost first."""
        found = [self]
        while found[-1].parent is not None:
            found.append(found[-1].parent)
        return found


class Net(NamedTuple):
    """What one source feeds. `key` tells nets apart; sources and targets are boxes without children."""

    key: Hashable
    source: Box
    targets: Sequence[Box]


class Wire(NamedTuple):
    """A stretch of a net between two layers: its corners, and whether it ends at a target.

    One that goes `backward`, from a lower layer to a higher one, has the corners of its way up beside the layers.
    """

    key: Hashable
    points: tuple[tuple[float, float], ...]
    ends: bool
    backward: bool = False


@dataclass(eq=False)
class _Slot:
    """A place in a layer: a child, a port on the border (`port`), or where a long edge passes."""

    box: Box | None = None
    net: Hashable = None
    port: str = ""
    x: float = 0  # of the centre
    anchored_below: bool = False

    @property
    def width(self) -> float:
        return self.box.width if self.box else 4.0

    def enter(self, key: Hashable) -> float:
        """Where the net meets the slot's top, from the centre."""
        return self.box.tops.get(key, self.width / 2) - self.width / 2 if self.box else 0.0

    def leave(self, key: Hashable) -> float:
        return self.box.bottoms.get(key, self.width / 2) - self.width / 2 if self.box else 0.0


class _Link(NamedTuple):
    upper: _Slot
    lower: _Slot
    key: Hashable


@dataclass(eq=False)
class _Local:
    """A net as one box sees it: from a child, or from outside (None), to children, and perhaps on to the outside."""

    source: Box | None
    targets: list[Box] = field(default_factory=list)
    leaves: bool = False


def arrange(root: Box, nets: Iterable[Net]) -> list[Wire]:
    """Set the position and size of every box; returns the wires, in coordinates of the drawing."""
    local: dict[Box, dict[Hashable, _Local]] = {}
    for net in nets:
        for target in dict.fromkeys(net.targets):
            _localise(net, target, local)
    wires: list[tuple[Box, Wire]] = []
    _place(root, local, wires)
    _make_absolute(root, 0.0, 0.0)
    return [w._replace(points=tuple((x + box.x, y + box.y) for x, y in w.points)) for box, w in wires]


def _localise(net: Net, target: Box, local: dict[Box, dict[Hashable, _Local]]) -> None:
    up, down = net.source.path(), target.path()
    around = set(up)
    common = next(box for box in down[1:] if box in around)
    for child, box in zip(up, up[1:], strict=False):
        found = local.setdefault(box, {}).setdefault(net.key, _Local(child))
        if box is common:
            break
        found.leaves = True
    for child, box in zip(down, down[1:], strict=False):
        found = local.setdefault(box, {}).setdefault(net.key, _Local(None))
        if child not in found.targets:
            found.targets.append(child)
        if box is common:
            break


def _make_absolute(box: Box, x: float, y: float) -> None:
    stack = [(box, x, y)]
    while stack:
        box, x, y = stack.pop()
        box.x += x
        box.y += y
        stack += [(child, box.x, box.y) for child in box.children]


def _place(box: Box, local: dict[Box, dict[Hashable, _Local]], wires: list[tuple[Box, Wire]]) -> None:
    if not box.children:
        return
    for child in box.children:
        _place(child, local, wires)
    level = _Level(box, local.get(box, {}))
    level.order()
    level.straighten()
    wires += [(box, wire) for wire in level.finish()]


class _Level:
    """The layers of one box."""

    def __init__(self, box: Box, nets: dict[Hashable, _Local]):
        self.box = box
        self.slots = {child: _Slot(child) for child in box.children}
        self.links: list[_Link] = []
        self.above: dict[_Slot, list[_Link]] = {}
        self.below: dict[_Slot, list[_Link]] = {}
        self.backward: list[tuple[Hashable, Box, Box]] = []
        self.ports: list[_Slot] = []
        self.fed = {target for net in nets.values() for target in net.targets}
        self.rank = self._ranks(nets)
        depth = max(self.rank.values()) + 1
        has_top = any(net.source is None for net in nets.values())
        self.layers: list[list[_Slot]] = [[] for _ in range(depth + 1 + any(net.leaves for net in nets.values()))]
        for child, slot in self.slots.items():
            self.rank[child] += 1
            slot.anchored_below = child not in self.fed
            self.layers[self.rank[child]].append(slot)
        for key, net in nets.items():
            self._thread(key, net)
        if not has_top:
            assert not self.layers[0]
            del self.layers[0]

    def _ranks(self, nets: dict[Hashable, _Local]) -> dict[Box, int]:
        """Longest paths from the top; children that nothing feeds go just above what they feed."""
        graph = nx.DiGraph()
        graph.add_nodes_from(self.box.children)
        graph.add_edges_from((net.source, t) for net in nets.values() if net.source for t in net.targets)
        position = {child: i for i, child in enumerate(self.box.children)}
        for component in list(nx.strongly_connected_components(graph)):
            if len(component) > 1:  # boxes that feed each other: what goes against the order of creation goes up
                graph.remove_edges_from([(u, v) for u, v in graph.edges(component)
                                         if v in component and position[u] >= position[v]])
        rank = {child: i for i, layer in enumerate(nx.topological_generations(graph)) for child in layer}
        for child in self.box.children:
            if child not in self.fed and graph.out_degree(child):
                rank[child] = min(rank[t] for t in graph.successors(child)) - 1
        return rank

    def _thread(self, key: Hashable, net: _Local) -> None:
        """Lead a net from its source through the layers to its targets."""
        start = self.rank[net.source] if net.source else 0
        at = self.slots[net.source] if net.source else self._port(key, 0, "top")
        ends: dict[int, list[_Slot]] = {}
        for target in net.targets:
            if self.rank[target] > start:
                ends.setdefault(self.rank[target], []).append(self.slots[target])
            else:
                assert net.source is not None
                self.backward.append((key, net.source, target))
        if net.leaves:
            last = len(self.layers) - 1
            ends.setdefault(last, []).append(self._port(key, last, "bottom"))
        for layer in range(start + 1, max(ends, default=0) + 1):
            for slot in ends.get(layer, ()):
                self._link(at, slot, key)
            if any(later > layer for later in ends):
                passing = _Slot(net=key)
                self.layers[layer].append(passing)
                self._link(at, passing, key)
                at = passing

    def _port(self, key: Hashable, layer: int, side: str) -> _Slot:
        slot = _Slot(net=key, port=side)
        self.layers[layer].append(slot)
        self.ports.append(slot)
        return slot

    def _link(self, upper: _Slot, lower: _Slot, key: Hashable) -> None:
        link = _Link(upper, lower, key)
        self.links.append(link)
        self.below.setdefault(upper, []).append(link)
        self.above.setdefault(lower, []).append(link)

    def order(self) -> None:
        """Order each layer by the mean position of what its slots are linked to, back and forth."""
        place: dict[_Slot, float] = {}
        share: dict[_Slot, float] = {}  # of its layer's width, for where on a slot its links end

        def number(layer: list[_Slot]) -> None:
            for i, slot in enumerate(layer):
                place[slot] = (i + 0.5) / len(layer)
                share[slot] = 1 / len(layer) / slot.width

        for layer in self.layers:
            number(layer)
        for sweep in range(SWEEPS):
            downwards = sweep % 2 == 0
            for layer in self.layers if downwards else reversed(self.layers):
                means = {}
                for slot in layer:
                    if downwards:
                        ends = [(e.upper, e.upper.leave(e.key)) for e in self.above.get(slot, ())]
                    else:
                        ends = [(e.lower, e.lower.enter(e.key)) for e in self.below.get(slot, ())]
                    near = [place[end] + share[end] * offset for end, offset in ends]
                    means[slot] = sum(near) / len(near) if near else place[slot]
                layer.sort(key=means.__getitem__)
                number(layer)

    def straighten(self) -> None:
        """Move slots towards those they are linked to, in the least-squares sense, keeping order and distance."""
        for layer in self.layers:
            _spread(layer, [0.0] * len(layer), [1.0] * len(layer))
        for sweep in range(2 * SWEEPS + 1):
            downwards = sweep % 2 == 0
            for layer in self.layers if downwards else reversed(self.layers):
                wanted, weights = [], []
                for slot in layer:
                    near: list[float] = []
                    if slot.box or downwards:
                        near += [e.upper.x + e.upper.leave(e.key) - slot.enter(e.key) for e in self.above.get(slot, ())]
                    if slot.box or not downwards:
                        near += [e.lower.x + e.lower.enter(e.key) - slot.leave(e.key) for e in self.below.get(slot, ())]
                    wanted.append(sum(near) / len(near) if near else slot.x)
                    weights.append(1.0 if slot.box else 3.0)  # long edges should be straight
                _spread(layer, wanted, weights)

    def finish(self) -> list[Wire]:
        """Positions in the box, its size and ports, and the wires inside."""
        box = self.box
        left = min(slot.x - slot.width / 2 for layer in self.layers for slot in layer)
        width = max(slot.x + slot.width / 2 for layer in self.layers for slot in layer) - left + 2 * PADDING
        width += box.margin
        shift = PADDING + box.margin - left + max(box.width - width, 0.0) / 2
        box.width = max(box.width, width)
        tops, bottoms = [], []
        y = HEADER if self.layers[0] and not self.layers[0][0].port else 0.0
        has_bottom = any(slot.port == "bottom" for slot in self.layers[-1])
        for layer in self.layers:
            if has_bottom and self.backward and layer is self.layers[-1]:
                y += PADDING
            height = max((slot.box.height for slot in layer if slot.box), default=0.0)
            tops.append(y)
            for slot in layer:
                slot.x += shift
                if slot.box:
                    slot.box.x = slot.x - slot.width / 2
                    slot.box.y = y + (height - slot.box.height if slot.anchored_below else 0.0)
            bottoms.append(y + height)
            y += height + GAP_Y
        box.height = bottoms[-1] if has_bottom else bottoms[-1] + PADDING * (1 + bool(self.backward))
        for slot in self.ports:
            (box.tops if slot.port == "top" else box.bottoms)[slot.net] = slot.x
        layer_of = {slot: i for i, layer in enumerate(self.layers) for slot in layer}
        wires = []
        for upper, lower, key in self.links:
            i, j = layer_of[upper], layer_of[lower]
            x0, x1 = upper.x + upper.leave(key), lower.x + lower.enter(key)
            start = upper.box.y + upper.box.height if upper.box else tops[i]
            end = lower.box.y if lower.box else tops[j]
            wires.append(Wire(key, ((x0, start), (x0, bottoms[i]), (x1, tops[j]), (x1, end)),
                              lower.box is not None and not lower.box.children))
        for key, source, target in self.backward:
            x0 = source.x + source.bottoms.get(key, source.width / 2)
            x1 = target.x + target.tops.get(key, target.width / 2)
            y0, y1 = source.y + source.height, target.y
            wires.append(Wire(key, ((x0, y0), (box.width, y0), (box.width, y1), (x1, y1)), not target.children, True))
            box.width += PADDING
        return wires


def _spread(layer: list[_Slot], wanted: Sequence[float], weights: Sequence[float]) -> None:
    """Centres as near to `wanted` as order and distance allow: isotonic regression by pooling adjacent violators."""
    offsets, at = [], 0.0
    for i, slot in enumerate(layer):
        if i:
            at += (layer[i - 1].width + slot.width) / 2 + (GAP_X if slot.box or layer[i - 1].box else GAP_X / 2)
        offsets.append(at)
    blocks: list[tuple[float, float, int]] = []  # (weight, mean, members)
    for target, weight, offset in zip(wanted, weights, offsets, strict=True):
        total, mean, count = weight, target - offset, 1
        while blocks and blocks[-1][1] > mean:
            w, m, c = blocks.pop()
            total, mean, count = total + w, (total * mean + w * m) / (total + w), count + c
        blocks.append((total, mean, count))
    means = [mean for _, mean, count in blocks for _ in range(count)]
    for slot, mean, offset in zip(layer, means, offsets, strict=True):
        slot.x = mean + offset
