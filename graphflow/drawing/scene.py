"""The shapes of a static drawing, for the writers of SVG, PNG and PDF, and their colours in light and dark."""
from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from ..display import COLOURS
from .content import LABEL_SIZE, NAME_SIZE, SMALL, TYPE_SIZE
from .layout import Box, Net, Wire, arrange

Point = tuple[float, float]
HEAT_STEPS = 10
ARROW = 4.0  # half of an arrow head's length


class Rect(NamedTuple):
    """Styled by BOXES; `tooltip` is shown while the pointer is on it."""

    style: str
    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0
    tooltip: str = ""


class Text(NamedTuple):
    """One line, styled by TEXTS. `y` is of the baseline."""

    style: str
    x: float
    y: float
    text: str


class Line(NamedTuple):
    """Steps as SVG's path commands M, L and C (absolute), styled by LINES."""

    style: str
    steps: tuple[tuple[str, tuple[Point, ...]], ...]
    tooltip: str = ""


class Scene(NamedTuple):
    """Shapes, those behind first."""

    width: float
    height: float
    shapes: Sequence[Rect | Text | Line]


class Paint(NamedTuple):
    """Colours by name (display.COLOURS); `share` of the fill's colour is mixed into the paper."""

    fill: str
    share: float
    stroke: str
    width: float = 1.0
    dash: tuple[float, float] | None = None
    opacity: float = 1.0


class Type(NamedTuple):
    """`anchor` is SVG's; `halo`: with the paper's colour around the letters."""

    size: float
    colour: str
    bold: bool = False
    anchor: str = "middle"
    halo: bool = False


BOXES = {name: Paint(name, 0.16, name) for name in (
    "placeholder", "variable", "constant", "elementwise", "reduction", "contraction", "window", "index", "copy",
    "random", "alias", "composite", "effect", "host", "source", "control")}
BOXES |= {
    "folded": Paint("folded", 0.16, "folded", 1.5, (5, 2)), "host": Paint("host", 0.16, "host", 2.0),
    "scope": Paint("scope", 0.08, "scope", opacity=0.6), "kernel": Paint("kernel", 0.13, "kernel", opacity=0.8),
    "group": Paint("group", 0.13, "group", opacity=0.8),
    "head": Paint("ink", 1.0, "ink"), "cell": Paint("paper", 1.0, "ink"),
    "frame": Paint("paper", 0.0, "rule", 1.0, (5, 3)),
    "trainable": Paint("trainable", 1.0, "ink"), "frozen": Paint("frozen", 1.0, "ink")}
BOXES |= {f"heat{i}": Paint("heat", 0.08 + 0.84 * i / (HEAT_STEPS - 1), "heat") for i in range(HEAT_STEPS)}
TEXTS = {"t": Type(LABEL_SIZE, "ink", bold=True), "n": Type(NAME_SIZE, "ink"),
         "e": Type(TYPE_SIZE, "faint", False, "start", True), "h": Type(NAME_SIZE, "faint", False, "start", True),
         "h kernel": Type(NAME_SIZE, "kernel", True, "start", True),
         "h group": Type(NAME_SIZE, "group", True, "start", True),
         "head": Type(LABEL_SIZE, "paper", bold=True), "cell": Type(NAME_SIZE, "ink")}
LINES = {"wire": ("wire", 1.0, None), "control": ("wire", 1.0, (3.0, 3.0))}


def colour(name: str, dark: bool = False) -> str:
    """A colour by name, as "#rrggbb"."""
    return COLOURS[name][dark]


def mixed(name: str, share: float, dark: bool = False) -> str:
    """`share` of a colour, the rest paper."""
    ours, paper = (bytes.fromhex(colour(n, dark)[1:]) for n in (name, "paper"))
    return "#" + bytes(round(share * a + (1 - share) * b) for a, b in zip(ours, paper, strict=True)).hex()


def arranged(root: Box, nets: Sequence[Net], labels: dict[Hashable, tuple[str, bool]], sideways: bool = False) -> Scene:
    """Lay boxes out and draw them. `labels` of the nets: (text, whether it is a control edge). `sideways` leads from
    left to right instead of down. A box's content is a Node, or has a method `shapes(x, y, width, height)`."""
    if sideways:
        _turn(root)
    wires = arrange(root, nets)
    lines = [line for wire in wires for line in _wire(wire, labels)]
    if sideways:
        _turn(root)
        lines = [line._replace(steps=tuple((c, tuple((y, x) for x, y in points)) for c, points in line.steps))
                 for line in lines]
    frames: list[Rect] = []
    headers: list[Text] = []
    nodes: list[Rect | Text | Line] = []
    for box in _below(root):
        if box.children:
            frames.append(Rect(_style(box), box.x, box.y, box.width, box.height, 6, box.content.tooltip))
            title = f"{box.content.label}  {box.content.name}".strip()
            kind = box.content.style
            headers.append(Text(f"h {kind}" if f"h {kind}" in TEXTS else "h", box.x + 8, box.y + 12, title))
        else:
            nodes += box.content.shapes(box.x, box.y, box.width, box.height) if hasattr(
                box.content, "shapes") else _node(box)
    texts = [Text("e", net.source.x + net.source.bottoms.get(net.key, net.source.width / 2) + 4,
                  net.source.y + net.source.height + 10, labels[net.key][0]) for net in nets if labels[net.key][0]]
    return Scene(root.width, root.height, [*frames, *lines, *texts, *headers, *nodes])


def _below(root: Box) -> Iterable[Box]:
    stack = list(reversed(root.children))
    while stack:
        box = stack.pop()
        yield box
        stack += reversed(box.children)


def _turn(root: Box) -> None:
    for box in [root, *_below(root)]:
        box.x, box.y, box.width, box.height = box.y, box.x, box.height, box.width


def _style(box: Box) -> str:
    heat = box.content.heat
    return box.content.style if heat is None else f"heat{min(int(heat * HEAT_STEPS), HEAT_STEPS - 1)}"


def _node(box: Box) -> list[Rect | Text | Line]:
    node, small = box.content, box.content.style in SMALL
    middle, centre = box.x + box.width / 2, box.y + box.height / 2
    shapes: list[Rect | Text | Line] = [Rect(_style(box), box.x, box.y, box.width, box.height,
                                             box.height / 2 if small else 4, node.tooltip)]
    if not node.name or small:
        text = f"{node.label}  {node.name}".strip() if small else node.label
        return [*shapes, Text("n" if small else "t", middle, centre + (3 if small else 4), text)]
    return [*shapes, Text("t", middle, centre - 2, node.label), Text("n", middle, centre + 10, node.name)]


def _wire(wire: Wire, labels: dict[Hashable, tuple[str, bool]]) -> list[Line]:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = wire.points
    text, is_control = labels[wire.key]
    tip = f"{getattr(wire.key, 'name', '') or ('runs before' if is_control else '')} {text}"
    end = y3 - ARROW if wire.ends else y3
    if wire.backward:
        steps: tuple = (("M", ((x0, y0),)), ("C", ((x0, y0 + 16), (x1, y1 + 16), (x1, y1))), ("L", ((x1, y2),)),
                        ("C", ((x2, y2 - 16), (x3, y3 - 16), (x3, end))))
    else:
        bend = max((y2 - y1) / 2, 10.0)
        steps = (("M", ((x0, y0),)), ("L", ((x0, y1),)), ("C", ((x1, y1 + bend), (x2, y2 - bend), (x2, y2))),
                 ("L", ((x2, end),)))
    line = Line("control" if is_control else "wire", steps, tip)
    if not wire.ends:
        return [line]
    return [line, Line("arrow", (("M", ((x3, y3),)), ("L", ((x3 - 3, y3 - 5),)), ("L", ((x3 + 3, y3 - 5),)),
                                 ("L", ((x3, y3),))))]
