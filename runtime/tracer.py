"""The executor's loop with a clock: what runs in place of executor.py while someone traces. runtime/native.py
loads it, after the text of executor.py.

A trace is a table of words: the address of a clock, how many events there are, for how many there is room, the address
of the events, and that of the rows' totals. An event is four words: the row, the lane, when it began and ended. A
row's total is three: calls, nanoseconds, and the nanoseconds of the longest call.
"""
from graphflow.compiler.native.memory import load_i64, store_i64, word
from graphflow.compiler.native.prelude import compiled
from graphflow.compiler.native.rounding import flush_subnormals, restore_rounding
from graphflow.runtime.executor import (
    CHAIN,
    KERNEL,
    lane_table,
    let_go,
    number_of,
    place,
    python_number,
    run_items,
    run_tasks,
    share_row,
    step,
    take_back,
    values,
)
from graphflow.runtime.team import HALF, now, take, together


@compiled
def note(trace, event, row, lane, begin, end):
    """Write an event, if there is room."""
    if event < word(trace, 2):
        at = word(trace, 3) + 32 * event
        store_i64(at, 0, row, -1)
        store_i64(at, 1, lane, -1)
        store_i64(at, 2, begin, -1)
        store_i64(at, 3, end, -1)


@compiled
def add(trace, row, nanoseconds):
    """Count a call of a row."""
    at = word(trace, 4) + 24 * row
    store_i64(at, 0, load_i64(at, 0, -1) + 1, -1)
    store_i64(at, 1, load_i64(at, 1, -1) + nanoseconds, -1)
    store_i64(at, 2, max(load_i64(at, 2, -1), nanoseconds), -1)


@compiled
def run_tasks_traced(data, lane):
    """As the executor's."""
    trace = word(data, 4)
    begin = now(word(trace, 0))
    run_tasks(data, lane)
    note(trace, word(data, 5) + lane, word(data, 6), lane, begin, now(word(trace, 0)))


@compiled
def run_chain_traced(data, lane):
    """As the executor's. The rows take turns: all turns of a row are noted as one event."""
    row, buffers, dims, shares = word(data, 0), word(data, 1), word(data, 2), word(data, 3)
    trace, event, at = word(data, 4), word(data, 5), word(data, 6)
    chain, lanes, count, clock = dims + word(row, 7), word(row, 2), word(row, 6), word(trace, 0)
    begin = now(clock)
    table, unit = lane_table(chain, buffers, lane), word(chain, 5)
    times = table + 8 * word(chain, 3)
    for i in range(count):
        store_i64(times, i, 0, -1)
    taken = take(shares, lanes, lane)
    while taken != 0:
        for number in range(taken & HALF, taken >> 32):
            item, stop = unit * number, min(unit * (number + 1), word(chain, 4))
            place(chain, table, item)
            for i in range(count):
                since = now(clock)
                run_items(row + 64 * i, chain, table, dims, item, stop, lane)
                store_i64(times, i, load_i64(times, i, -1) + now(clock) - since, -1)
        taken = take(shares, lanes, lane)
    for i in range(count):
        note(trace, event + lanes * i + lane, at + i, lane, begin, begin + load_i64(times, i, -1))
        begin += load_i64(times, i, -1)


@compiled
def add_chain(trace, at, row, chain):
    """Count a call of each of a chain's rows: what the lane took that was busy with it longest."""
    for i in range(word(row, 6)):
        longest = 0
        for lane in range(word(row, 2)):
            times = word(chain, 0) + word(chain, 1) * lane + 8 * word(chain, 3)
            longest = max(longest, load_i64(times, i, -1))
        add(trace, at + i, longest)


@compiled
def walk_traced(words):
    """As the executor's; word 7 is the address of the trace."""
    rows, i, end = word(words, 0), word(words, 1), word(words, 2)
    buffers, dims, status, trace = word(words, 3), word(words, 4), word(words, 5), word(words, 7)
    shares, clock = word(words, 8), word(trace, 0)
    while i < end:
        row = rows + 64 * i
        kind = word(row, 5)
        if kind != KERNEL and kind != CHAIN:
            further = step(row, buffers + word(row, 3), dims + word(row, 4))
            if further == 0:
                return i
            i += further
            continue
        lanes, event, start = word(row, 2), word(trace, 1), now(clock)
        share_row(row, dims, shares)
        data = values(row, buffers, dims, shares, trace, event, i)
        if kind == CHAIN:
            together(word(words, 6), run_chain_traced, lanes, data)
            add_chain(trace, i, row, dims + word(row, 7))
        else:
            together(word(words, 6), run_tasks_traced, lanes, data)
            add(trace, i, now(clock) - start)
        store_i64(trace, 1, event + lanes * max(word(row, 6), 1), -1)
        if word(status, 0) != 0:
            return i
        i += max(word(row, 6), 1)
    return i


@compiled
def execute_traced(words):
    """As the executor's."""
    before = flush_subnormals()
    stopped = walk_traced(words)
    restore_rounding(before)
    return stopped


@compiled
def called_traced(module, words):
    """As the executor's."""
    address = number_of(words)
    state = let_go()
    stopped = execute_traced(address)
    take_back(state)
    return python_number(stopped)
