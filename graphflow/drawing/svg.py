"""A scene as SVG: light or dark as the page is, tooltips while the pointer is on a shape."""
from __future__ import annotations

from functools import cache

from ..display import printable
from .scene import BOXES, LINES, TEXTS, Line, Rect, Scene, Text, colour, mixed


@cache
def style_sheet() -> str:
    """CSS with the colours worked out, which renderers other than browsers understand."""
    fixed = [".gf-graph{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif;color-scheme:light dark}"
             ".gf-graph text{pointer-events:none;paint-order:stroke}.gf-graph path{fill:none}",
             ".gf-graph path:hover{stroke-width:2.5}"]
    for name, type_ in TEXTS.items():
        halo = "stroke-width:2px;stroke-opacity:.8;" if type_.halo else ""
        fixed.append(f".gf-graph text.{name.replace(' ', '.')}{{font-size:{type_.size:g}px;{halo}"
                     f"text-anchor:{type_.anchor};font-weight:{600 if type_.bold else 400}}}")
    for name, paint in BOXES.items():
        fixed.append(f".gf-graph .{name} rect{{stroke-width:{paint.width:g};opacity:{paint.opacity:g};"
                     f"{_dash(paint.dash)}}}")
    for name, (_, width, dash) in LINES.items():
        fixed.append(f".gf-graph .{name}{{stroke-width:{width:g};{_dash(dash)}}}")
    return f"{''.join(fixed)}{_colours(False)}@media(prefers-color-scheme:dark){{{_colours(True)}}}"


def _dash(dash: tuple[float, float] | None) -> str:
    return f"stroke-dasharray:{dash[0]:g} {dash[1]:g};" if dash else ""


def _colours(dark: bool) -> str:
    rules = [f".gf-graph .paper{{fill:{colour('paper', dark)}}}",
             f".gf-graph .arrow{{fill:{colour('wire', dark)};stroke:none}}"]
    for name, type_ in TEXTS.items():
        rules.append(f".gf-graph text.{name.replace(' ', '.')}{{fill:{colour(type_.colour, dark)}"
                     + (f";stroke:{colour('paper', dark)}" if type_.halo else "") + "}")
    rules += [f".gf-graph .{name} rect{{fill:{mixed(p.fill, p.share, dark)};stroke:{colour(p.stroke, dark)}}}"
              for name, p in BOXES.items()]
    rules += [f".gf-graph .{name}{{stroke:{colour(stroke, dark)}}}" for name, (stroke, _, _) in LINES.items()]
    return "".join(rules)


def svg(scene: Scene) -> str:
    """A whole document."""
    w, h = f"{scene.width:.0f}", f"{scene.height:.0f}"
    shapes = "".join(_shape(s) for s in scene.shapes)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" class="gf-graph" width="{w}" height="{h}" viewBox="0 0 {w} {h}">'
            f'<style>{style_sheet()}</style><rect class="paper" width="{w}" height="{h}"/>{shapes}</svg>')


def _shape(shape: Rect | Text | Line) -> str:
    match shape:
        case Text(style, x, y, text):
            return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{printable(text)}</text>'
        case Rect(style, x, y, width, height, radius, tooltip):
            return (f'<g class="{style}">{_title(tooltip)}<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                    f'height="{height:.1f}" rx="{radius:.0f}"/></g>')
        case Line(style, steps, tooltip):
            path = "".join(c + " ".join(f"{x:.1f} {y:.1f}" for x, y in points) for c, points in steps)
            return f'<path class="{style}" d="{path}">{_title(tooltip)}</path>'


def _title(tooltip: str) -> str:
    return f"<title>{printable(tooltip)}</title>" if tooltip.strip() else ""
