"""A scene as PNG, PDF and whatever else matplotlib writes. It brings its own fonts and needs no system package."""
from __future__ import annotations

import functools
import io
from typing import Any

from .scene import BOXES, LINES, TEXTS, Line, Rect, Scene, Text, colour, mixed

MOST_PIXELS = 60e6
PIXELS_PER_INCH = 96  # of SVG, whose units a scene has
FONTS = ["Helvetica Neue", "Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"]


def render(scene: Scene, kind: str, dpi: float) -> bytes:
    """The file's bytes; `kind` is "png", "pdf", "jpg", ... Raises ImportError without matplotlib and ValueError for a
    kind that it cannot write."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(f"A drawing as .{kind} needs matplotlib: pip install graphflow[draw]. "
                          "Files of .svg, .html and .dot need nothing.") from None
    size = scene.width / PIXELS_PER_INCH, scene.height / PIXELS_PER_INCH
    figure = Figure(figsize=size, facecolor=colour("paper"))
    if kind not in figure.canvas.get_supported_filetypes():
        raise ValueError(f"Drawings cannot be written as .{kind}; there are .svg, .html, .dot and "
                         + ", ".join(f".{k}" for k in sorted(figure.canvas.get_supported_filetypes())))
    axes: Any = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, scene.width)
    axes.set_ylim(scene.height, 0)
    for order, shape in enumerate(scene.shapes):
        _add(axes, shape, order)
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=min(dpi, (MOST_PIXELS / (size[0] * size[1])) ** 0.5, 60000 / max(size)))
    return file.getvalue()


def _add(axes: Any, shape: Rect | Text | Line, order: int) -> None:
    from matplotlib.patches import FancyBboxPatch, PathPatch
    from matplotlib.patheffects import Normal, Stroke
    points = 72 / PIXELS_PER_INCH
    match shape:
        case Rect(style, x, y, width, height, radius, _):
            paint = BOXES[style]
            axes.add_patch(FancyBboxPatch(
                (x, y), width, height, boxstyle=f"round,pad=0,rounding_size={radius}" if radius else "square,pad=0",
                facecolor=mixed(paint.fill, paint.share), edgecolor=colour(paint.stroke),
                linewidth=paint.width * points, linestyle=(0, paint.dash) if paint.dash else "-",
                alpha=paint.opacity, zorder=order))
        case Text(style, x, y, text):
            kind = TEXTS[style]
            halo = [Stroke(linewidth=1.5, foreground=colour("paper")), Normal()] if kind.halo else []
            axes.text(x, y, text, fontsize=kind.size * points, fontfamily=_fonts(), color=colour(kind.colour),
                      fontweight="bold" if kind.bold else "normal", zorder=order, parse_math=False,
                      ha="center" if kind.anchor == "middle" else "left", va="baseline", path_effects=halo)
        case Line(style, steps, _) if style == "arrow":
            axes.add_patch(PathPatch(_path(steps), facecolor=colour("wire"), edgecolor="none", zorder=order))
        case Line(style, steps, _):
            stroke, width, dash = LINES[style]
            axes.add_patch(PathPatch(_path(steps), fill=False, edgecolor=colour(stroke), linewidth=width * points,
                                     linestyle=(0, dash) if dash else "-", zorder=order))


def _path(steps: Any) -> Any:
    from matplotlib.path import Path
    codes = {"M": Path.MOVETO, "L": Path.LINETO, "C": Path.CURVE4}
    return Path([p for _, points in steps for p in points], [codes[c] for c, points in steps for _ in points])


@functools.cache
def _fonts() -> list[str]:
    """Those of FONTS that there are: matplotlib warns of others for each text."""
    from matplotlib.font_manager import fontManager
    installed = {font.name for font in fontManager.ttflist}
    return [name for name in FONTS if name in installed]
