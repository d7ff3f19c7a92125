"""The threads that run a row together: each of its tasks runs once, whoever is awake."""
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from graphflow.runtime import kernel_cache, native
from graphflow.runtime.store import address

COUNT = '''"""Count how often a task ran, and in which lane."""
from graphflow.compiler.native.prelude import compiled, fence, load_i64, store_i64, word

@compiled
def kernel(buffers, dims, begin, end, lane):
    counts = word(buffers, 0)
    for task in range(begin, end):
        for i in range(word(dims, min(task, 1))):
            store_i64(counts, task, load_i64(counts, task, -1) + 1, -1)
            fence()
        store_i64(word(buffers, 1), task, lane, -1)
'''


def runs(team, times, chunks=2, work=1, unit=1, first=None):
    """(how often each of eight tasks counted, the lane it ran in last) in so many runs of a row: `work` times in each,
    the first one `first` times."""
    counts, lanes = np.zeros(8, np.int64), np.full(8, -1)
    rows = np.array([[kernel_cache.load(COUNT), 8, chunks, 0, 0, 0, 0, unit]])
    table, dims = np.array([address(counts), address(lanes)]), np.array([work if first is None else first, work])
    status, shares = np.zeros(4, np.int64), np.zeros(16 * chunks, np.int64)
    words = np.array([address(rows), 0, 1, address(table), address(dims), address(status), team.address, 0,
                      address(shares)])
    for _ in range(times):
        assert native.execute(address(words)) == 1
    return counts, lanes


@pytest.fixture
def team():
    made = native.Team(2)
    yield made
    made.leave()


@pytest.mark.parametrize("unit", [1, 2, 3, 8])
@pytest.mark.parametrize("chunks", [1, 2, 3, 5])
def test_each_task_runs_once(team, chunks, unit):
    counts, lanes = runs(team, 2000, chunks, unit=unit)
    np.testing.assert_array_equal(counts, 2000)
    assert set(lanes) <= set(range(chunks))


def test_the_rest_of_a_slow_lane_is_done_by_others(team):
    """The first task takes longer than all others: its lane has begun with its neighbour too, but not the next two."""
    found = [runs(team, 1, first=10_000_000)[1].tolist() for _ in range(5)]
    assert [0, 0, 1, 1, 1, 1, 1, 1] in found


def test_helpers_wake_and_posters_wait(team):
    """Helpers sleep between these runs, whose parts take longer than anyone polls."""
    for _ in range(5):
        time.sleep(0.002)
        np.testing.assert_array_equal(runs(team, 1, 3, work=300_000)[0], 300_000)


def test_one_run_at_a_time_has_the_helpers(team):
    results = []
    threads = [threading.Thread(target=lambda: results.append(runs(team, 3000, 3)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(results, np.full((4, 8), 3000))


def test_without_helpers_the_caller_does_all():
    team = native.Team(2)
    team.leave()
    np.testing.assert_array_equal(runs(team, 100, 3)[0], 100)
    assert team.words[2] == 1 and not any(thread.is_alive() for thread in team._threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_helpers_of_its_own():
    """In a process that forks while its helpers sleep, both go on, and both end."""
    program = """
import os, time
import numpy as np
import graphflow as tf

x = tf.placeholder(tf.float32, [None, 600])
y = tf.matmul(x, x, transpose_b=True)
session, a = tf.Session(), np.random.RandomState(0).rand(600, 600).astype("float32")
expected = session.run(y, {x: a})
time.sleep(0.01)
child = os.fork()
for _ in range(50):
    np.testing.assert_array_equal(session.run(y, {x: a}), expected)
if child:
    assert os.waitpid(child, 0)[1] == 0
    print("both")
"""
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, env=environment)
    assert (done.stdout, done.returncode) == ("both\n", 0), done.stderr
