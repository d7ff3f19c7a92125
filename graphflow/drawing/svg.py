"""A scene as SVG: light or dark as the page is, tooltips while the pointer is on a shape."""
from __future__ import annotations

from functools import cache

from ..display import printable
from .scene import BOXES, LINES, TEXTS, Line, Rect, Scene, Text, colour, mixed


@cache
def style_sheet(light: str = ".gf-graph", dark: str = "") -> str:
    """CSS with the colours worked out, which renderers other than browsers understand.

    `light` selects drawings; `dark` those that are to be dark, by default what the reader's system asks for.
    """
    sizes = [f"{light} text{{pointer-events:none;paint-order:stroke}}{light} path{{fill:none}}"
             f"{light}{{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif}}"]
    for name, type_ in TEXTS.items():
        halo = "stroke-width:2px;stroke-opacity:.8;" if type_.halo else ""
        sizes.append(f"{light} text.{name.replace(' ', '.')}{{font-size:{type_.size:g}px;{halo}"
                     f"text-anchor:{type_.anchor};font-weight:{600 if type_.bold else 400}}}")
    for name, paint in BOXES.items():
        sizes.append(f"{light} .{name} rect{{stroke-width:{paint.width:g};opacity:{paint.opacity:g};"
                     f"{_dash(paint.dash)}}}")
    for name, (_, width, dash) in LINES.items():
        sizes.append(f"{light} .{name}{{stroke-width:{width:g};{_dash(dash)}}}")
    at_night = _colours(dark or light, True)
    return "".join(sizes) + _colours(light, False) + (
        at_night if dark else f"@media(prefers-color-scheme:dark){{{at_night}}}")


def _dash(dash: tuple[float, float] | None) -> str:
    return f"stroke-dasharray:{dash[0]:g} {dash[1]:g};" if dash else ""


def _colours(where: str, dark: bool) -> str:
    rules = [f"{where} .paper{{fill:{colour('paper', dark)}}}",
             f"{where} .arrow{{fill:{colour('wire', dark)};stroke:none}}"]
    for name, type_ in TEXTS.items():
        rules.append(f"{where} text.{name.replace(' ', '.')}{{fill:{colour(type_.colour, dark)}"
                     + (f";stroke:{colour('paper', dark)}" if type_.halo else "") + "}")
    rules += [f"{where} .{name} rect{{fill:{mixed(p.fill, p.share, dark)};stroke:{colour(p.stroke, dark)}}}"
              for name, p in BOXES.items()]
    rules += [f"{where} .{name}{{stroke:{colour(stroke, dark)}}}" for name, (stroke, _, _) in LINES.items()]
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
