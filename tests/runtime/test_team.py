"""The threads that run parts of a row together: each part runs once, whoever is awake."""
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
        for i in range(word(dims, 0)):
            store_i64(counts, task, load_i64(counts, task, -1) + 1, -1)
            fence()
        store_i64(word(buffers, 1), task, lane, -1)
'''


def runs(team, times, chunks=2, work=1):
    """(how often each of eight tasks ran, the lane it ran in last) in so many runs of a row."""
    counts, lanes = np.zeros(8, np.int64), np.full(8, -1)
    rows = np.array([[kernel_cache.load(COUNT), 8, chunks, 0, 0, 0, 0, 0]])
    table, dims, status = np.array([address(counts), address(lanes)]), np.array([work]), np.zeros(4, np.int64)
    words = np.array([address(rows), 0, 1, address(table), address(dims), address(status), team.address])
    for _ in range(times):
        assert native.execute(address(words)) == 1
    return counts, lanes


@pytest.fixture
def team():
    made = native.Team(2)
    yield made
    made.leave()


@pytest.mark.parametrize("chunks", [1, 2, 3, 5])
def test_each_part_runs_once(team, chunks):
    counts, lanes = runs(team, 2000, chunks)
    np.testing.assert_array_equal(counts, 2000)
    expected = np.repeat(range(chunks), np.diff([8 * i // chunks for i in range(chunks + 1)]))
    np.testing.assert_array_equal(lanes, expected)


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
