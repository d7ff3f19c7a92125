"""The pages of what there is say what there is."""
from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("page", ["compat.md", "keras.md"])
def test_the_page_is_what_the_generator_writes(page):
    text, rows = runpy.run_path(str(DOCS / "compat.py"))["pages"]()[page]
    assert (DOCS / page).read_text() == text, "run `python docs/compat.py`"
    assert {row.status for row in rows} <= {"yes", "partial", "no"} and len(rows) > 1000


def test_the_settings_are_those_that_the_sources_read():
    name = re.compile(r"\b(?:GRAPHFLOW|TF_ENABLE)_[A-Z_]+\b")
    sources = "".join(path.read_text() for layer in ("compiler", "runtime", "graphflow")
                      for path in (DOCS.parent / layer).rglob("*.py"))
    assert set(name.findall(sources)) == set(name.findall((DOCS / "settings.md").read_text()))
