"""Fetching ahead: vectors of a kernel's accesses that are marked so have what lies further on fetched.

Processors foresee no further than the end of a page of 4 KB, and the next one's first lines are then waited for.
"""
from __future__ import annotations

import re
from itertools import count

# added to the scope of an access (memory.py), which marks it
AHEAD = 64
# bytes from an access to what is fetched with it
DISTANCE = 4096
MARK = "graphflow.ahead"
ACCESS = re.compile(r"(load|store) <\d+ x .*, ptr (%[\w.]+), align \d+, !alias\.scope (!\d+)")


def fetched(text: str) -> str | None:
    """LLVM's text of a module that fetches; None where nothing is marked."""
    mark = re.search(rf'^(!\d+) = .*"{MARK}"', text, re.MULTILINE)
    if not mark:
        return None
    marked = set(re.findall(rf"^(!\d+) = !{{!\d+, {mark[1]}}}", text, re.MULTILINE))
    lines, names = [], count()
    for line in text.splitlines():
        lines.append(line)
        if (access := ACCESS.search(line)) and access[3] in marked:
            place = f"%ahead.{next(names)}"
            lines += [f"  {place} = getelementptr i8, ptr {access[2]}, i64 {DISTANCE}",
                      f"  call void @llvm.prefetch.p0(ptr {place}, i32 {int(access[1] == 'store')}, i32 3, i32 1)"]
    if "declare void @llvm.prefetch.p0(" not in text:
        lines.append("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    return "\n".join(lines)
