"""The text of kernels: loops over the lines that an emitter collected, and the module around them."""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .. import dims as dm
from .emitter import INNER, KERNEL, NAME, TASK, Check, Emitter, Run
from .kernel import Scratch
from .text import NATIVE

# what loops of explicit vectors (native/vectors.py) compute, and how they access elements: j is the last axis
IN_VECTORS = {"absolute", "b1", "betainc", "cos", "exp", "expm1", "f32", "f64", "igamma", "igammac", "log", "log1p",
              "maximum", "minimum", "polygamma", "select", "sigmoid", "sin", "tan", "tanh", "zeta"}
ACCESS = r"(?:v\d+ = load_(?:f32|f64|b1)\(p\d+, {0}|store_(?:f32|f64|b1)\(p\d+, {0}, v\d+), -?\d+\)"
LOADED = re.compile(r"\bload_\w+\((p\d+),")
VALUE = re.compile(r"(?!.*(?:\b(?:if|and|or|not)\b|\b(?:load|store)_|[:%]|//))v\d+ = .*")

NOWHERE = (1 << 63) - 1  # beyond all places
WORDS = {"range", "masked", "few", "vectors", "min", "in", "not", "and", "or", "if"}  # no functions of the prelude


def loop(variable: str, begin: str, end: str, emit: Emitter, level: int, inside: Sequence[str] = ()) -> list[str]:
    """A loop over the lines of a level, with the axes these need, and another loop inside."""
    lines = emit.lines[level]
    everything = [*emit.lines[TASK], *emit.lines[INNER], *inside]
    definitions = emit.axis_lines(everything)[level]
    body = [*definitions, *lines, *inside] or ["pass"]
    counting = emit.counting if level == INNER else "range"
    if level == INNER and any(isinstance(line, Check) for line in body):
        before, body, after = _found_later(variable, body, emit)
        return [*before, *_counted(variable, counting, begin, end, body), *after]
    if level == INNER and emit.copies and are_vectors(variable, lines, definitions):
        roomy = [str(slot) for slot, x in enumerate(emit.buffers) if isinstance(x, Scratch) and x.per_lane]
        return [f"for {variable} in vectors({', '.join([begin, end, str(emit.copies), *roomy])}):", *indented(body)]
    return _counted(variable, counting, begin, end, body)


def _counted(variable: str, counting: str, begin: str, end: str, body: Sequence[str]) -> list[str]:
    return [f"for {variable} in {counting}({begin + ', ' if begin != '0' else ''}{end}):", *indented(body)]


def _found_later(variable: str, body: Sequence[str], emit: Emitter) -> tuple[list[str], list[str], list[str]]:
    """The lines of a loop, those before and those after it, where checks do not branch, which LLVM would not vectorise:
    each finds the least place where it fails, and what it says there is computed again behind the loop."""
    before: list[str] = []
    lines: list[str] = []
    after: list[str] = []
    for line in body:
        if isinstance(line, Check):
            failed = f"failed{len(before)}"
            before.append(f"{failed} = {NOWHERE}")
            needed = _needed(lines, " ".join([line.condition, *line.report]))
            emit.read_again.update(slot for part in needed for slot in LOADED.findall(part))
            after += [f"if {failed} < {NOWHERE}:", *indented([f"{variable} = {failed}", *needed, *line.report])]
            lines += [f"{failed} = min({failed}, select({line.condition}, {NOWHERE}, {variable}))",
                      f"{line.name} = select({line.condition}, {line.name}, {line.harmless})"]
        else:
            lines.append(line)
    return before, lines, after


def _needed(lines: Sequence[str], source: str) -> list[str]:
    """Those of the lines that give the variables in the source their values."""
    names, found = set(NAME.findall(source)), []
    for line in reversed(lines):
        name, equals, value = line.partition(" = ")
        if equals and name in names:
            names.update(NAME.findall(value))
            found.append(line)
    return found[::-1]


def are_vectors(variable: str, lines: Sequence[str], definitions: Sequence[str]) -> bool:
    """Whether a loop can be one of explicit vectors: of floats and conditions, at neighbouring places."""
    access = re.compile(ACCESS.format(rf"(?:[^,]* \+ )?{variable}"))
    own = [line.partition(" = ")[0] for line in definitions]
    walks = re.compile(rf"\b(?:{'|'.join([variable, *own])})\b")
    return all(line.endswith(f" = {variable}") for line in definitions) and all(
        access.fullmatch(line) and len(walks.findall(line)) == 1 or
        VALUE.fullmatch(line) and variable not in walks.findall(line) and IN_VECTORS.issuperset(calls(line))
        for line in lines)


def nest(emit: Emitter, runs: Sequence[Run]) -> list[str]:
    """A loop for each of the inner runs, the last one innermost."""
    counts = [emit.dim(dm.product(emit.domain[a] for a in run.axes)) for run in runs]
    loops = loop(runs[-1].variable, "0", counts[-1], emit, INNER)
    for run, count in zip(reversed(runs[:-1]), reversed(counts[:-1]), strict=True):
        loops = [f"for {run.variable} in range({count}):", *indented(loops)]
    return loops


def indented(lines: Iterable[str]) -> list[str]:
    return ["    " + line for line in lines]


def module(emit: Emitter, title: str, body: Sequence[str]) -> str:
    """The text of a kernel's module, which imports by name what it calls."""
    setup = [f"p{i} = word(buffers, {i})" for i in range(len(emit.buffers))]
    setup += [f"n{i} = word(dims, {i})" for i in range(len(emit.dims))]
    text = "\n".join(indented([*setup, *emit.lines[KERNEL], *body]))
    names = ", ".join(["compiled", *(name for name in calls(text) if name not in emit.natives)])
    natives = [f"from {NATIVE} import {place}" for place in sorted({place for place, _ in emit.natives.values()})]
    natives += [f"{name} = {place}.{maker}" for name, (place, maker) in emit.natives.items()]
    before = "\n".join([f"from {NATIVE}.prelude import {names}", *natives])
    return (f'"""{title}"""\n{before}\n\n\n'
            f"@compiled\ndef kernel(buffers, dims, begin, end, lane):\n{text}\n")


def calls(text: str) -> list[str]:
    """The functions that generated code calls."""
    return sorted(set(re.findall(r"\b([a-z]\w*)\(", text)) - WORDS)
