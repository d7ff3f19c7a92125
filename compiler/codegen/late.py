"""Functions of kernels on a matrix unit that finish a block of rows of C while the unit multiplies the next one."""
from __future__ import annotations

from collections.abc import Sequence

from ..native.strips import PIECE
from .source import indented


def finishing(setup: Sequence[str], apply: Sequence[str]) -> list[str]:
    """`later(late, rows, row, begin, end, c, step)` leaves a block to `finish(late)`, which does a piece of what is
    left, and `finish_all(late)`. native/strips.py says what is at the address `late`.

    The lines to `apply` process the columns [column, end) of `row`, as those of an Epilogue that has this `setup`.
    """
    fields = [f"store_i64(late, {i}, {value}, -1)"
              for i, value in enumerate(("row", "begin", "begin", "end", "c", "step"), 3)]
    return f"""
@compiled
def finish(late):
    buffers, dims, row, column = {", ".join(f"load_i64(late, {i}, -1)" for i in (1, 2, 3, 5))}
    stop, c = load_i64(late, 6, -1), load_i64(late, 7, -1)
    end = min(column + {PIECE}, stop)
    longest_vectors()
{_lines(setup)}
{_lines(apply)}
    if end == stop:
        end = load_i64(late, 4, -1)
        store_i64(late, 3, row + 1, -1)
        store_i64(late, 7, c + load_i64(late, 8, -1), -1)
    store_i64(late, 5, end, -1)
    store_i64(late, 0, load_i64(late, 0, -1) - 1, -1)


@compiled
def finish_all(late):
    while load_i64(late, 0, -1) > 0:
        finish(late)


@compiled
def later(late, rows, row, begin, end, c, step):
    finish_all(late)
    store_i64(late, 0, rows * ((end - begin + {PIECE - 1}) // {PIECE}), -1)
{_lines(fields)}
""".split("\n")[1:]


def starting() -> list[str]:
    """Lines of a kernel that has `late`, before anything is left to do."""
    return [f"store_i64(late, {i}, {value}, -1)" for i, value in enumerate(("0", "buffers", "dims"))]


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(indented(lines))
