"""How Sphinx builds the site that docs/build.py lays out (see there)."""
from __future__ import annotations

import re
from typing import Any

project = "graphflow"
author = "the graphflow authors"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.viewcode", "myst_nb"]
html_theme = "furo"
html_title = "graphflow"
html_show_sphinx = False
default_role = "literal"  # `x` in a docstring is code
nb_execution_mode = "off"  # the notebooks are committed with outputs
nb_render_text_lexer = "none"
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
add_module_names = False
viewcode_line_numbers = True
suppress_warnings = ["misc.highlighting_failure"]


def plain(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Docstrings here are prose, `code`, lists and examples; whatever else reStructuredText reads into them is escaped.

    A paragraph whose lines are indented differently (a table, an aligned list) is shown as it stands.
    """
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
    written: list[str] = []
    for text in paragraphs:
        rows = text.splitlines()
        indents = {len(row) - len(row.lstrip()) for row in rows}
        if rows and rows[0].lstrip().startswith(">>> "):
            written += [*rows, ""]
        elif len(indents) > 1 or rows and rows[0].startswith(" "):
            written += ["::", "", *("    " + row for row in rows), ""]
        else:
            code = [rf"\ ``{part.strip('`')}``\ " if i % 2 else re.sub(r"([*_|\\])", r"\\\1", part)
                    for i, part in enumerate(re.split(r"(`+[^`]+`+)", text))]
            written += [*"".join(code).splitlines(), ""]
    lines[:] = written


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", plain)
