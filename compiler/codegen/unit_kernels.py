"""Sources of the kernels of matrix products on a matrix unit. unit_gemm.py chooses among them and their sizes.

Their slots are those of gemm_kernels.py.
"""
from __future__ import annotations

from dataclasses import dataclass

from ..native.strips import EDGE_BYTES, JOB_BYTES, LATE_BYTES
from .epilogue import Epilogue
from .gemm_source import each, matrices, module, setup
from .late import finishing, starting
from .source import indented
from .text import NATIVE, indent, words

# where a task's own strips begin in its memory
OWN = EDGE_BYTES + JOB_BYTES + LATE_BYTES


def pack_strips(of_a: bool, k_inside: bool, strips: int) -> str:
    """All strips of an operand, for the matrix unit; a task is some of them."""
    stride = "row" if k_inside else "step"
    return module(
        f"Pack strips of {'A' if of_a else 'B'}, {'along' if k_inside else 'across'} k.", ["store_i64"], None,
        [f"from {NATIVE}.matrix_unit import pack_strips"], [f"pack = pack_strips({of_a}, {k_inside})"], f"""
{indent([*words("buffers", ["source", "packed"]), *words("dims", ["row", "step", "count", "k", "strip_bytes"])], 1)}
    first = begin * {strips * 16}
    last = min(end * {strips * 16}, count)
    heads = packed + begin * {strips} * strip_bytes
    for strip in range((last - first + 15) // 16):
        store_i64(heads + strip * strip_bytes, 0, 0, -1)
    pack(source + first * row * 4, {stride}, heads, heads + 64, k, last - first, strip_bytes)
""")


@dataclass(frozen=True)
class Operand:
    """How the strips of A (of rows) or of B (of columns) lie: the variables that say it."""

    name: str
    row: str  # elements from row (column) to row
    step: str  # from k to k
    count: str  # of rows
    inside: bool  # whether k is


def unit(shape: tuple[int, int], own_a: bool, a_inside: bool, b_inside: bool, here: bool,
         passes: bool, epilogue: Epilogue | None) -> str:
    """Blocks of strips of A, or of B, times all of the other operand on the matrix unit; those are a task's own.

    They are packed while the ones before them are multiplied. The others it packs `here`, or finds. C is written, or
    only `passes` to the epilogue, a band after the other, each while the next one is multiplied.
    """
    operands = Operand("a", "a_row", "a_k", "m", a_inside), Operand("b", "b_column", "b_k", "n", b_inside)
    own, other = operands if own_a else operands[::-1]
    sizes = ["m", "n", "k", "a_row", "a_k", "b_k", "b_column", "strips", "other_strips", "block", "blocks", "depth",
             "own_bytes", "other_bytes", "lane_bytes", "band", "band_bytes"]
    buffers = ["a", "b", "c", *([] if here else ["others"]), "edge"]
    # a piece of the work is a part of the k of a task
    piece = ["task = piece // parts", "start = (piece - task * parts) * depth", "length = min(depth, k - start)",
             "chunks = (length + 31) // 32", "matrix = task // blocks", "first = (task - matrix * blocks) * block",
             "last = min(first + block, strips)", f"own = edge + {OWN} + piece % 2 * block * own_bytes",
             *matrices(4, len(sizes), epilogue)]
    tile, packs = _tile(own_a, here, passes), (own_a, own.inside)
    tiles = _passed(tile) if passes else _written(tile, epilogue)
    return module(
        f"C = A B on the matrix unit, strips of {own.name.upper()} in blocks.", ["load_i64", "store_i64"], epilogue,
        [f"from {NATIVE}.matrix_unit import close_unit, {'full_vectors, ' * passes}multiply_tiles, open_unit, pack_job"
         + ", pack_strips" * here],
        [f"ready, leave, multiply = open_unit(), close_unit(), multiply_tiles{(*shape, False, packs, passes)}",
         f"pack_own = pack_job{packs}", *["longest_vectors = full_vectors()"] * passes,
         *[f"pack = pack_strips({not own_a}, {other.inside})"] * here], f"""
{indent([*words("buffers", buffers), *words("dims", sizes)], 1)}
{indent(setup(None if passes else epilogue, len(buffers), len(sizes)), 1)}
    edge += lane * lane_bytes
    job = edge + {EDGE_BYTES}
    store_i64(job, 0, 0, -1)
{indent(["c += lane * band_bytes", "turn = 0", f"late = job + {JOB_BYTES}", *starting()] if passes else [], 1)}
{indent([f"others = edge + {OWN} + 2 * block * own_bytes", "held = -1"] if here else [], 1)}
    parts = (k + depth - 1) // depth
    ready()
    for ahead in range(begin * parts, end * parts + 1):
        if ahead < end * parts:
            piece = ahead
{indent([*piece, *_job(own)], 3)}
        if ahead > begin * parts:
            piece = ahead - 1
{indent([*piece, *(_pack_others(other) if here else []), *tiles], 3)}
        pack_own(job)
{indent(["finish_all(late)"] if passes else [], 1)}
    leave()
""", finishing(epilogue.setup(len(buffers), len(sizes)), epilogue.apply("row", "column", "end", "c"))
                   if passes and epilogue else [])


def _job(own: Operand) -> list[str]:
    """Lines that leave a piece's own strips to `pack_own`. native/strips.py says what is at the address `job`."""
    rows = f"min(last * 16, {own.count}) - first * 16"
    filled = f"({rows} + 15) // 16"
    fields = [f"{filled} * chunks", "0", "chunks" if own.inside else filled,
              f"matrix_{own.name} + (first * 16 * {own.row} + start * {own.step}) * 4",
              own.row if own.inside else own.step, "own", "own + 64", "length", rows, "own_bytes"]
    return ["for strip in range(last - first):", "    store_i64(own + strip * own_bytes, 0, 0, -1)",
            *(f"store_i64(job, {i}, {value}, -1)" for i, value in enumerate(fields))]


def _pack_others(other: Operand) -> list[str]:
    """Lines that pack what passes by a piece's own strips, unless it has just passed by the ones before."""
    return ["met = matrix * parts + start // depth", "if met != held:",
            "    for strip in range(other_strips):",
            "        store_i64(others + strip * other_bytes, 0, 0, -1)",
            f"    pack(matrix_{other.name} + start * {other.step} * 4, {other.row if other.inside else other.step}, "
            f"others, others + 64, length, {other.count}, other_bytes)", "    held = met"]


def _tile(own_a: bool, here: bool, passes: bool) -> list[str]:
    """Lines that multiply the own `strip` and the next one by the two that are `passing`."""
    own = "strip", "own + (strip - first) * own_bytes", "64", "own_bytes"
    other = ("passing", "others + passing * other_bytes", "64" if here else "64 + start // 32 * 3072", "other_bytes")
    (row, strip_a, skip_a, step_a), (column, strip_b, skip_b, step_b) = (own, other) if own_a else (other, own)
    tile_c, c_row = (("band_c + (passing - first_passing) * 64", "band * 64") if passes else
                     ("c + ((matrix * m + row) * n + column) * 4", "n * 4"))
    return [f"row = {row} * 16", f"column = {column} * 16",
            "rows = min(32, m - row)", "columns = min(32, n - column)",
            f"strip_a = {strip_a}", f"strip_b = {strip_b}", f"tile_c = {tile_c}",
            "infinite = word(strip_a, 0) + word(strip_b, 0)",
            "if rows > 16:", f"    infinite += word(strip_a + {step_a}, 0)",
            "if columns > 16:", f"    infinite += word(strip_b + {step_b}, 0)",
            f"multiply(strip_a + {skip_a}, 64, 1024, {step_a}, 3072, 0, strip_b + {skip_b}, {step_b}, 1, chunks,",
            f"         tile_c, {c_row}, start, rows, columns, edge, infinite, job{', finish, late' * passes})"]


def _written(tile: list[str], epilogue: Epilogue | None) -> list[str]:
    """Lines that go over all tiles of a piece, which are C."""
    finish = each(epilogue, "rows", "matrix * m + row + i", "column", "column + columns")
    return ["for passing in range(0, other_strips, 2):", "    for strip in range(first, last, 2):",
            *indented(indented([*tile, *(["if start + length == k:", *indented(finish)] if finish else [])]))]


def _passed(tile: list[str]) -> list[str]:
    """Those where bands of tiles pass to the epilogue."""
    return ["for strip in range(first, last, 2):",
            "    for first_passing in range(0, other_strips, band):", "        band_c = c + turn * band * 2048",
            "        for passing in range(first_passing, min(first_passing + band, other_strips), 2):",
            *indented(indented(indented(tile))), "        column = first_passing * 16",
            "        later(late, rows, matrix * m + row, column, min(column + band * 16, n),",
            "              band_c - ((matrix * m + row) * n + column) * 4, band * 64 - n * 4)",
            "        turn = 1 - turn"]
