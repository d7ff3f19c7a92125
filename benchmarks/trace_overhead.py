"""What recording costs a scalar training step: before any recording, after one has ended, and while one goes on.

Each figure is the least of many, in microseconds of the thread's processor time, in processes that take turns:
python benchmarks/trace_overhead.py [ROUNDS]
"""
from __future__ import annotations

import os
import subprocess
import sys
import time

STATES = ("before", "after", "during")
STEPS, REPEATS = 1000, 40


def measure(state: str) -> float:
    """Seconds of one `session.run`."""
    import graphflow as tf
    x, y = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    loss = tf.square(tf.Variable(1.0) * x + tf.Variable(0.0) - y)
    fetches, feeds = [loss, tf.train.GradientDescentOptimizer(0.01).minimize(loss)], {x: 1.0, y: 2.0}
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    session.run(fetches, feeds)
    profile = tf.profile()
    if state != "before":
        profile.start()
        session.run(fetches, feeds)
    if state == "after":
        profile.stop()
    best = float("inf")
    for _ in range(REPEATS):
        start = time.thread_time()
        for _ in range(STEPS):
            session.run(fetches, feeds)
        best = min(best, (time.thread_time() - start) / STEPS)
    return best


def main(rounds: int) -> None:
    found: dict[str, list[float]] = {state: [] for state in STATES}
    for i in range(rounds):
        for state in STATES if i % 2 else reversed(STATES):
            done = subprocess.run([sys.executable, __file__, state], capture_output=True, text=True, check=True,
                                  env={**os.environ, "NUMBA_NUM_THREADS": "1"})
            found[state].append(1e6 * float(done.stdout))
    for state, times in found.items():
        print(f"{state:6}  {min(times):7.3f} us   ({', '.join(f'{t:.3f}' for t in times)})")


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in STATES:
        print(measure(sys.argv[1]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 4)
