"""Sources of the kernels of matrix products. All are generic in shape; gemm.py chooses among them and their sizes.
Those for a matrix unit are in unit_kernels.py.

Their slots: a, b, c, scratch, then the epilogue's; their sizes: the kernel's, the epilogue's, then the table of the
batch. An epilogue may assign any name of one letter but a, b, c, m, n, k, and any that starts with `e_`.
"""
from __future__ import annotations

from collections.abc import Callable
from math import ceil

from ..native.processor import ELEMENT_BYTES, isa, lanes
from .epilogue import Epilogue
from .gemm_source import each, matrices, module, setup
from .source import indented
from .text import NATIVE, indent, words

# rows of C that are transposed together
TURNED_ROWS = 256


def tiled(dtype: str, widths: tuple[int, ...], transposed_b: bool, fetch_a: str, epilogue: Epilogue | None) -> str:
    """Tiles of C, panel by panel. A run of tiles of one panel packs its part of B first, a block of k at a time.

    `widths` are those of panels, in columns, perhaps with half a vector: the first `wide` panels have the first one.
    Remainders of rows are clamped to a tile of full or half height. To `fetch_a` ahead of its use takes an instruction
    per k, felt in narrow tiles.
    """
    size, width, mr = ELEMENT_BYTES[dtype], lanes(dtype), isa().mr
    pack, b_stride = ("transpose_panel", "b_column") if transposed_b else ("copy_panel", "b_k")
    sizes = ["m", "n", "total_k", "a_row", "a_k", "b_k", "b_column", "a_tile", "ahead", "pack_b",
             "depth", "panel_bytes", "row_tiles", "panels", "wide", "part", "matrices"]
    # narrow panels are packed as wide ones: one packer less to compile
    packed = ceil(max(widths) / width)
    natives, place, multiply = _tiles(dtype, widths, fetch_a, epilogue)
    finish = each(epilogue, "rows", "matrix * m + row + i", "column", "column + columns")
    if finish:
        finish = ["if start + length == depth_end:", *indented(finish)]
    return module(
        f"C = A B{'^T' if transposed_b else ''} in tiles of {mr} x {max(widths)}.", [], epilogue,
        [f"from {NATIVE}.microkernel import microkernel", f"from {NATIVE}.tiles import {pack}"],
        [f'pack = {pack}("{dtype}", {packed})', *natives], f"""
{indent([*words("buffers", ["a", "b", "c", "panels_b"]), *words("dims", sizes)], 1)}
    panel = panels_b + lane * panel_bytes
{indent(setup(epilogue, 4, len(sizes)), 1)}
    run = begin // row_tiles
    first_tile = begin - run * row_tiles
    matrix = run // panels
    number = run - matrix * panels
    while begin < end:
        last_tile = min(row_tiles, first_tile + end - begin)
        begin += last_tile - first_tile
{indent(place, 2)}
{indent(matrices(size, len(sizes), epilogue), 2)}
        depth_end = total_k
        if part < total_k:
            depth_end = min(part, total_k - matrix // matrices * part)
        start = 0
        while start == 0 or start < depth_end:
            length = min(depth, depth_end - start)
            block_b = matrix_b + (start * b_k + column * b_column) * {size}
            stride_b = b_k
            if pack_b:
                pack(block_b, {b_stride}, panel, length, columns)
                block_b = panel
                stride_b = {packed * width}
            for tile in range(first_tile, last_tile):
                row = tile * {mr}
                rows = min({mr}, m - row)
                tile_a = matrix_a + (tile * a_tile + start * a_k) * {size}
                tile_c = c + ((matrix * m + row) * n + column) * {size}
{indent(multiply, 4)}
{indent(finish, 4)}
            start += depth
        first_tile = 0
        number += 1
        if number == panels:
            matrix += 1
            number = 0
""")


def by_rows(dtype: str, widths: tuple[int, ...], epilogue: Epilogue | None) -> str:
    """Tiles of C, all of them for some rows of B before the next rows: B as it lies passes as one stream.

    The rows after these are fetched meanwhile, or, if these are all, the panel beside theirs. Tasks run down a panel of
    C, or `across` all of them.
    """
    size, mr = ELEMENT_BYTES[dtype], isa().mr
    sizes = ["m", "n", "k", "a_row", "a_k", "b_k", "a_tile", "depth", "run", "across", "wide"]
    natives, place, multiply = _tiles(dtype, widths, "rows", epilogue)
    finish = each(epilogue, "rows", "row + i", "column", "column + columns")
    if finish:
        finish = ["if start + length == k:", *indented(finish)]
    return module(
        f"C = A B in tiles of {mr} x {max(widths)}, some rows of B after the other.", [], epilogue,
        [f"from {NATIVE}.microkernel import microkernel"], natives, f"""
{indent([*words("buffers", ["a", "b", "c"]), *words("dims", sizes)], 1)}
{indent(setup(epilogue, 3, len(sizes)), 1)}
    stride_b = b_k
    for start in range(0, max(k, 1), depth):
        length = min(depth, k - start)
        ahead = depth * b_k if start + length < k else 0
        if k <= depth:
            ahead = {max(widths)}
        for task in range(begin, end):
            number = task // run
            tile = task - number * run
            if across:
                number, tile = tile, number
            row = tile * {mr}
            rows = min({mr}, m - row)
{indent(place, 3)}
            block_b = b + (start * b_k + column) * {size}
            tile_a = a + (tile * a_tile + start * a_k) * {size}
            tile_c = c + (row * n + column) * {size}
{indent(multiply, 3)}
{indent(finish, 3)}
""")


def _tiles(dtype: str, widths: tuple[int, ...], fetch: str, epilogue: Epilogue | None
           ) -> tuple[list[str], list[str], list[str]]:
    """Micro-kernels for panels of these widths; lines that place panel `number`; that multiply one of its tiles."""
    width, mr, half = lanes(dtype), isa().mr, isa().mr // 2
    beside = [f"({address} - c) // {ELEMENT_BYTES[dtype]}" for address in (epilogue.beside if epilogue else ())]
    natives = [
        f'tile_{height}x{most} = microkernel("{dtype}", {height}, {ceil(most / width)}, masked=True, clamped=True, '
        f'fetch="{fetch}", claim={1 + len(beside)}{", narrow=True" * (most % width > 0)})'
        for most in widths for height in (mr, half)]

    def place(most: int) -> list[str]:
        return [f"column = wide * {widths[0]} + (number - wide) * {most}", f"columns = min({most}, n - column)"]

    def multiply(most: int) -> list[str]:
        last = ", ".join(["columns", *["ahead"] * bool(fetch), *beside, "rows"])
        arguments = f"(tile_a, a_row, a_k, 0, 1, length, block_b, stride_b, 0, tile_c, n, start, {last})"
        return [f"if rows > {half}:", f"    tile_{mr}x{most}{arguments}", "else:",
                f"    tile_{half}x{most}{arguments}"]

    def by_width(lines: Callable[[int], list[str]]) -> list[str]:
        if len(widths) == 1:
            return lines(widths[0])
        return ["if number < wide:", *indented(lines(widths[0])), "else:", *indented(lines(widths[1]))]

    return natives, by_width(place), by_width(multiply)


def pack_a(dtype: str, tiles: int, depth: int) -> str:
    """Transposed A to [tile][k][rows of the tile], `tiles` of them and `depth` k by one task."""
    size, mr = ELEMENT_BYTES[dtype], isa().mr
    return module(
        f"Pack A^T in tiles of {mr} rows.", [], None, [f"from {NATIVE}.tiles import copy_tiles"],
        [f'pack = copy_tiles("{dtype}", {mr})'], f"""
{indent([*words("buffers", ["a", "packed"]), *words("dims", ["m", "k", "a_k", "apart", "blocks"])], 1)}
    for task in range(begin, end):
        start = task // blocks * {depth}
        tile = task % blocks * {tiles}
        source = a + (tile * {mr} + start * a_k) * {size}
        target = packed + (tile * apart + start * {mr}) * {size}
        pack(source, a_k, target, min({depth}, k - start), min({tiles * mr}, m - tile * {mr}), apart)
""")


def sum_parts(dtype: str, epilogue: Epilogue | None) -> str:
    """Rows of C from partial sums."""
    load, store, size = f"load_{dtype}", f"store_{dtype}", ELEMENT_BYTES[dtype]
    return module("C is the sum of partial products.", [load, store], epilogue, [], [], f"""
{indent([*words("buffers", ["partial", "c"]), *words("dims", ["all_rows", "n", "splits"])], 1)}
{indent(setup(epilogue, 2, 3), 1)}
    for row in range(begin, end):
        row_c = c + row * n * {size}
        for j in range(n):
            {store}(row_c, j, {load}(partial, row * n + j, 1), 0)
        for split in range(1, splits):
            row_part = partial + (split * all_rows + row) * n * {size}
            for j in range(n):
                {store}(row_c, j, {load}(row_c, j, 0) + {load}(row_part, j, 1), 0)
{indent(each(epilogue, "1", "row", "0", "n"), 2)}
""")


def turned(dtype: str, down: bool, epilogue: Epilogue | None) -> str:
    """Rows of C, of matrices that are given transposed. Inner loops go `down` columns of C, or along rows."""
    load, store, size = f"load_{dtype}", f"store_{dtype}", ELEMENT_BYTES[dtype]
    outer, inner = ("j in range(n)", "row in range(begin, last)")[::1 if down else -1]
    return module("C is a transposed matrix.", [load, store], epilogue, [], [], f"""
{indent([*words("buffers", ["turned", "c"]), *words("dims", ["m", "n"])], 1)}
{indent(setup(epilogue, 2, 2), 1)}
    while begin < end:
        matrix = begin // m
        last = min(min(begin + {TURNED_ROWS}, end), (matrix + 1) * m)
        column = turned + matrix * m * (n - 1) * {size}
        for {outer}:
            for {inner}:
                {store}(c, row * n + j, {load}(column, j * m + row, 1), 0)
{indent(each(epilogue, "last - begin", "begin + i", "0", "n"), 2)}
        begin = last
""")


def dot_tiles(dtype: str, rows: int, columns: int, epilogue: Epilogue | None) -> str:
    """C = A B^T in tiles so small that vectors run along k, `down` rows of them or across."""
    size = ELEMENT_BYTES[dtype]
    sizes = ["m", "n", "k", "a_row", "b_column", "tiles", "side", "down", "part", "matrices"]
    return module(
        f"C = A B^T by dot products, {rows} x {columns} at a time.", [], epilogue,
        [f"from {NATIVE}.dots import dot_tile"], [f'dot_tile = dot_tile("{dtype}", {rows}, {columns})'], f"""
{indent([*words("buffers", ["a", "b", "c"]), *words("dims", sizes)], 1)}
{indent(setup(epilogue, 3, len(sizes)), 1)}
    for task in range(begin, end):
        matrix = task // tiles
        outer = (task - matrix * tiles) // side
        inner = task - matrix * tiles - outer * side
        row, column = inner * {rows}, outer * {columns}
        if down:
            row, column = outer * {rows}, inner * {columns}
        depth = k
        if part < k:
            depth = min(part, k - matrix // matrices * part)
{indent(matrices(size, len(sizes), epilogue), 2)}
        rows, columns = min({rows}, m - row), min({columns}, n - column)
        dot_tile(matrix_a + row * a_row * {size}, a_row, matrix_b + column * b_column * {size}, b_column,
                 c + ((matrix * m + row) * n + column) * {size}, n, rows, columns, depth)
{indent(each(epilogue, "rows", "matrix * m + row + i", "column", "column + columns"), 2)}
""")


def vector(dtype: str, by_dots: bool, is_row: bool, epilogue: Epilogue | None) -> str:
    """A row or a column of C, in blocks: x times a matrix that is read by rows.

    By dots, elements of C are rows times x, as many at once as a vector has lanes. Else C is the sum of the rows, each
    times an element of x, eight at once to spare traffic to C.
    """
    load, store, size = f"load_{dtype}", f"store_{dtype}", ELEMENT_BYTES[dtype]
    if by_dots:
        body = [f"dots(matrix_w + first * stride * {size}, stride, vector, block_c, count, depth)"]
    else:
        terms = " + ".join(f"x{i} * {load}(line, {i} * stride + j, 1)" for i in range(8))
        body = [
            f"line = matrix_w + first * {size}",
            "for j in range(count):",
            f"    {store}(block_c, j, {dtype}(0), 0)",
            "for group in range(depth // 8):",
            *(f"    x{i} = {load}(vector, group * 8 + {i}, 2)" for i in range(8)),
            "    for j in range(count):",
            f"        {store}(block_c, j, {load}(block_c, j, 0) + ({terms}), 0)",
            f"    line += 8 * stride * {size}",
            "for last in range(depth // 8 * 8, depth):",
            f"    x0 = {load}(vector, last, 2)",
            "    for j in range(count):",
            f"        {store}(block_c, j, {load}(block_c, j, 0) + x0 * {load}(line, j, 1), 0)",
            f"    line += stride * {size}",
        ]
    if is_row:
        operands, finish = "matrix_a, matrix_b", each(epilogue, "1", "matrix", "first", "first + count")
    else:
        operands, finish = "matrix_b, matrix_a", each(epilogue, "count", "matrix * total + first + i", "0", "1")
    sizes = ["total", "k", "stride", "block", "blocks", "part", "matrices"]
    title = f"{'Row' if is_row else 'Column'} C = x W, W by rows."
    return module(title, [] if by_dots else [dtype, load, store], epilogue,
                   [f"from {NATIVE}.dots import dots"] * by_dots, [f'dots = dots("{dtype}")'] * by_dots, f"""
{indent([*words("buffers", ["a", "b", "c"]), *words("dims", sizes)], 1)}
{indent(setup(epilogue, 3, len(sizes)), 1)}
    matrix = begin // blocks
    first = (begin - matrix * blocks) * block
    for task in range(begin, end):
        count = min(block, total - first)
        depth = k
        if part < k:
            depth = min(part, k - matrix // matrices * part)
{indent(matrices(size, len(sizes), epilogue), 2)}
        vector, matrix_w = {operands}
        block_c = c + (matrix * total + first) * {size}
{indent(body, 2)}
{indent(finish, 2)}
        first += block
        if first >= total:
            matrix += 1
            first = 0
""")
