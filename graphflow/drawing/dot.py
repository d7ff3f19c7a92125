"""Boxes and nets as text for Graphviz and other tools that read its language."""
from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from .layout import Box, Net


def dot(root: Box, nets: Sequence[Net], labels: dict[Hashable, tuple[str, bool]]) -> str:
    """A digraph; scopes are clusters. `labels` of the nets: (text, whether it is a control edge)."""
    names: dict[Box, str] = {}
    lines = ["digraph {", "  node [shape=box, style=rounded, fontname=Helvetica, fontsize=11]",
             "  edge [fontname=Helvetica, fontsize=8]", *_boxes(root, names, "  ")]
    for net in nets:
        text, is_control = labels[net.key]
        style = ", style=dashed" if is_control else ""
        lines += [f"  {names[net.source]} -> {names[target]} [label={_quoted(text)}{style}]" for target in net.targets]
    return "\n".join([*lines, "}", ""])


def _boxes(box: Box, names: dict[Box, str], indent: str) -> Iterator[str]:
    for child in box.children:
        name = names[child] = f"n{len(names)}"
        label = _quoted("\n".join(filter(None, (child.content.label, child.content.name))))
        if child.children:
            yield f"{indent}subgraph cluster_{name} {{"
            yield f"{indent}  label={label}"
            yield from _boxes(child, names, indent + "  ")
            yield f"{indent}}}"
        else:
            tooltip = _quoted(child.content.tooltip)
            yield f"{indent}{name} [label={label}, tooltip={tooltip}, class={_quoted(child.content.style)}]"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
