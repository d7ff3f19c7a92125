"""The memory plan as a picture: the arena's buffers over the rows of the schedule, and how much of it is in use."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..compiler.memory import aligned
from ..display import printable
from .text import quantity, size

if TYPE_CHECKING:
    from .records import Buffer, Explanation

WIDTH, HEIGHT, CURVE = 720, 260, 70  # of the picture, of the arena in it, of the curve above
LEFT, GAP, BOTTOM = 60, 18, 22
MOST = 2000  # buffers drawn: beyond, the largest
STYLE = "".join([
    ".gf-memory text{font:10px system-ui,sans-serif;fill:var(--faint)}.gf-memory .name{fill:#fff;pointer-events:none}",
    ".gf-memory .b{stroke:var(--paper);stroke-width:.5}.gf-memory .b:hover{stroke:var(--ink);stroke-width:1.5}",
    ".gf-memory .curve{fill:var(--bar);stroke:var(--placeholder)}.gf-memory .line,.gf-memory .axis{fill:none}",
    ".gf-memory .line{stroke:var(--warning);stroke-dasharray:4 3}.gf-memory .axis{stroke:var(--rule)}",
])


def picture(e: Explanation) -> str:
    """An SVG element; "" where the arena is empty."""
    buffers = sorted((b for b in e.buffers if not b.fetched), key=lambda b: -b.nbytes)[:MOST]
    rows = len(e.live_bytes)
    if not buffers or not rows or not e.arena_bytes:
        return ""
    wide, high = (WIDTH - LEFT) / rows, HEIGHT / e.arena_bytes
    top = CURVE + GAP
    names = list(dict.fromkeys(b.shares or b.name for b in buffers))
    colours = {name: f"hsl({(i * 137.5) % 360:.0f} 45% 45%)" for i, name in enumerate(names)}
    boxes = "".join(_box(b, wide, high, top, colours[b.shares or b.name], rows) for b in buffers)
    total = top + HEIGHT + BOTTOM
    return (f'<svg class="gf-memory" viewBox="0 0 {WIDTH} {total}" width="{WIDTH}" height="{total}">'
            f"{_curve(e.live_bytes, e.arena_bytes, wide)}{boxes}{_axes(e, rows, top)}</svg>")


def _box(b: Buffer, wide: float, high: float, top: float, colour: str, rows: int) -> str:
    x, width = LEFT + b.first * wide, (min(b.last, rows - 1) - b.first + 1) * wide
    y, height = top + b.offset * high, max(aligned(b.nbytes) * high, 0.7)
    tip = f"{b.name}\n{b.nbytes} bytes at {b.offset}, rows {b.first} to {b.last}"
    tip += f"\ntakes over {b.shares}" if b.shares else ""
    label = ""
    if height > 11 and width > 6.2 * len(b.name) + 6:
        label = f'<text class="name" x="{x + 4:.1f}" y="{y + height / 2 + 3:.1f}">{printable(b.name)}</text>'
    shade = ' fill-opacity=".75"' if b.shares else ""
    return (f'<g><title>{printable(tip)}</title><rect class="b" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" '
            f'height="{height:.2f}" fill="{colour}"{shade}/>{label}</g>')


def _curve(live: Sequence[int], arena: int, wide: float) -> str:
    points = [f"M{LEFT} {CURVE}"]
    for row, nbytes in enumerate(live):
        y = CURVE - (CURVE - 10) * nbytes / arena
        points.append(f"L{LEFT + row * wide:.2f} {y:.2f}H{LEFT + (row + 1) * wide:.2f}")
    highest = CURVE - (CURVE - 10) * max(live) / arena
    return (f'<path class="curve" d="{"".join(points)}V{CURVE}Z"/><path class="line" d="M{LEFT} {highest:.1f}H{WIDTH}">'
            f'<title>in use at most: {max(live)} of {arena} bytes</title></path>')


def _axes(e: Explanation, rows: int, top: float) -> str:
    found = [f'<path class="axis" d="M{LEFT} {CURVE}H{WIDTH}M{LEFT} {top}V{top + HEIGHT}H{WIDTH}"/>',
             f'<text x="0" y="14">{size(e.live_peak_bytes)}</text><text x="0" y="{CURVE}">in use</text>',
             f'<text x="0" y="{top + 9}">offset 0</text><text x="0" y="{top + HEIGHT}">{size(e.arena_bytes)}</text>']
    step = max(1, -(-rows // 12))
    for row in range(0, rows, step):
        x = LEFT + (row + 0.5) * (WIDTH - LEFT) / rows
        found.append(f'<text x="{x:.1f}" y="{top + HEIGHT + 14}" text-anchor="middle">{quantity(row)}</text>')
    return "".join(found)
