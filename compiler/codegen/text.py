"""Pieces of the text of kernels: where their natives are, the slots of their tables, indented lines."""
from __future__ import annotations

from collections.abc import Sequence

NATIVE = "graphflow.compiler.native"


def words(table: str, names: Sequence[str], first: int = 0) -> list[str]:
    """Lines that name the consecutive slots of a kernel's table."""
    return [f"{name} = word({table}, {slot})" for slot, name in enumerate(names, first)]


def indent(lines: Sequence[str], levels: int) -> str:
    return "\n".join("    " * levels + line for line in lines)
