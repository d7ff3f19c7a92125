"""README.md stays true: its Python runs, and prints what it says."""
from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import graphflow as tf

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def words(text: str, masked: bool) -> list[str]:
    """Without spacing; with `masked` without the figures (and their units), which differ between machines."""
    return re.findall(r"[A-Za-z_/]{3,}", text) if masked else text.split()


def test_the_tour_prints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    printed, checked = "", 0
    with tf.Graph().as_default():
        for kind, text in BLOCK.findall(README.read_text()):
            if kind == "python":
                out = io.StringIO()
                with contextlib.redirect_stdout(out):
                    exec(compile(text, "README.md", "exec"), scope)
                printed = out.getvalue()
            elif kind in ("text", "console"):
                assert words(printed, kind == "console") == words(text, kind == "console")
                checked += 1
    assert checked >= 4


def test_files_that_it_names_exist():
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert (README.parent / link).exists(), link
