"""What all that a notebook or browser shows has in common: colours for light and dark, and the page around it."""
from __future__ import annotations

import re
from html import escape

# name -> (light, dark)
COLOURS = {
    "paper": ("#ffffff", "#16181d"), "ink": ("#1f2328", "#e6e8eb"), "faint": ("#636c76", "#9aa2ac"),
    "rule": ("#d6dae0", "#363b44"), "wire": ("#8b949e", "#6d7681"), "bar": ("#b6d4fe", "#1f4b7d"),
    "warning": ("#b42318", "#ff8b7b"),
    "scope": ("#64748b", "#94a3b8"), "kernel": ("#e08700", "#f5b041"),
    "elementwise": ("#2e9e5b", "#4cc07d"), "reduction": ("#8250df", "#b38cff"), "contraction": ("#d9480f", "#ff8a50"),
    "window": ("#d9480f", "#ff8a50"), "index": ("#0e8390", "#3cc3d1"), "copy": ("#0e8390", "#3cc3d1"),
    "random": ("#bf3989", "#f284c0"), "alias": ("#636c76", "#9aa2ac"), "composite": ("#6b7a00", "#b5c730"),
    "effect": ("#b42318", "#ff8b7b"), "host": ("#b42318", "#ff8b7b"), "source": ("#636c76", "#9aa2ac"),
    "placeholder": ("#1769c5", "#5aa9ff"), "variable": ("#9a6700", "#e3b341"), "constant": ("#636c76", "#9aa2ac"),
    "folded": ("#64748b", "#94a3b8"), "control": ("#bf3989", "#f284c0"), "group": ("#1769c5", "#5aa9ff"),
    "heat": ("#e5330b", "#ff5a33"), "trainable": ("#228b22", "#2fa84f"), "frozen": ("#b22222", "#e0524d"),
}


def palette(selector: str) -> str:
    """CSS that sets the colours as variables of the elements that `selector` matches."""
    light, dark = (";".join(f"--{name}:{pair[i]}" for name, pair in COLOURS.items()) for i in (0, 1))
    return f"{selector}{{{light}}}@media(prefers-color-scheme:dark){{{selector}{{{dark}}}}}"


def page(title: str, body: str) -> str:
    """A self-contained HTML document."""
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            '<meta name="viewport" content="width=device-width">'
            f"<style>:root{{color-scheme:light dark}}{palette(':root')}"
            "body{margin:0;padding:16px;background:var(--paper);color:var(--ink);font-family:system-ui,sans-serif}"
            f"</style></head>\n<body>{body}</body></html>\n")


def printable(text: str) -> str:
    """Text without the characters that XML forbids, escaped."""
    return escape(re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", text))
