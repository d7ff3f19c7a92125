"""Queues on which threads wait for each other, and the input functions, runners and readers built on them."""
from __future__ import annotations

import threading

import numpy as np
import pytest

import graphflow as tf


def test_a_full_queue_makes_others_wait():
    queue = tf.FIFOQueue(2, [tf.int32, tf.string], [[], []], name="q")
    number = tf.placeholder(tf.int32, [None])
    fill = queue.enqueue_many([number, tf.as_string(number)])
    take, size, close = queue.dequeue_many(3), queue.size(), queue.close()
    assert fill.name == "q_EnqueueMany" and take[0].shape == [3]
    with tf.Session() as sess:
        thread = threading.Thread(target=sess.run, args=(fill, {number: [1, 2, 3, 4, 5]}))
        thread.start()
        numbers, texts = sess.run(take)
        thread.join(10)
        assert numbers.tolist() == [1, 2, 3] and texts.tolist() == [b"1", b"2", b"3"]
        assert sess.run(size) == 2 and not sess.run(queue.is_closed())
        sess.run(close)
        with pytest.raises(tf.errors.CancelledError, match="is closed"):
            sess.run(fill, {number: [1]})
        with pytest.raises(tf.errors.OutOfRangeError, match=r"requested 3, current size 2"):
            sess.run(take)
        assert sess.run(queue.dequeue_up_to(3))[0].tolist() == [4, 5]  # what the failed one had taken is back
        assert sess.run(queue.is_closed())


def test_a_run_waits_as_long_as_it_may():
    queue = tf.FIFOQueue(1, tf.float32, [[]])
    put, take, take_two = queue.enqueue(1.0), queue.dequeue(), queue.dequeue_many(2)
    with tf.Session(config=tf.ConfigProto(operation_timeout_in_ms=30)) as sess:
        sess.run(put)
        for late in put, take_two:
            with pytest.raises(tf.errors.DeadlineExceededError, match="Timed out waiting for FIFOQueue"):
                sess.run(late)
        assert sess.run(take) == 1  # what the dequeue of two had taken is back
    with tf.Session() as sess, pytest.raises(tf.errors.DeadlineExceededError):
        sess.run(take, options=tf.RunOptions(timeout_in_ms=30))


@pytest.mark.parametrize("how", ["session", "cancel", "close"])
def test_waiting_ends(how):
    queue = tf.FIFOQueue(1, tf.float32)
    take, put = queue.dequeue(), queue.enqueue(1.0)
    stop = queue.close(cancel_pending_enqueues=how == "cancel")
    sess = tf.Session()
    errors = []

    def wait(op):
        try:
            sess.run(op)
        except tf.errors.OpError as error:
            errors.append(type(error))

    if how == "cancel":
        sess.run(put)
    thread = threading.Thread(target=wait, args=(put if how == "cancel" else take,))
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    sess.close() if how == "session" else sess.run(stop)
    thread.join(10)
    assert errors == [tf.errors.OutOfRangeError if how == "close" else tf.errors.CancelledError]


def test_padded_batches_with_names():
    queue = tf.PaddingFIFOQueue(10, [tf.string, tf.int32], [[], [None]])
    put = [queue.enqueue([tf.constant("a"), [1, 2]]), queue.enqueue(["bb", [3]])]
    data = tf.data.Dataset.from_generator(lambda: iter([("a", [1, 2]), ("bb", [3])]), (tf.string, tf.int32),
                                          ([], [None])).padded_batch(2, ([], [None]))
    from_data = data.make_one_shot_iterator().get_next()
    with tf.Session() as session:
        session.run(put[0])
        session.run(put[1])
        for names, numbers in (session.run(queue.dequeue_many(2)), session.run(from_data)):
            assert names.tolist() == [b"a", b"bb"] and numbers.tolist() == [[1, 2], [3, 0]]


def test_other_queues():
    shuffle = tf.RandomShuffleQueue(10, 2, tf.int32, [[]], seed=1)
    pad = tf.PaddingFIFOQueue(10, [tf.int32], [[None]])
    urgent = tf.PriorityQueue(10, [tf.float32], names=None)
    named = tf.FIFOQueue(3, [tf.int32, tf.float32], [[], []], names=["a", "b"])
    with tf.Session() as sess:
        sess.run(shuffle.enqueue_many([[1, 2, 3, 4]]))
        taken = [sess.run(shuffle.dequeue()) for _ in range(2)]
        sess.run(shuffle.close())
        assert sorted([*taken, *sess.run(shuffle.dequeue_many(2))]) == [1, 2, 3, 4]
        for row in ([1, 2, 3], [4]):
            sess.run(pad.enqueue([row]))
        assert sess.run(pad.dequeue_many(2)).tolist() == [[1, 2, 3], [4, 0, 0]]
        sess.run(urgent.enqueue_many([[3, 1, 2], [0.3, 0.1, 0.2]]))
        assert sess.run(urgent.dequeue_many(3))[0].tolist() == [1, 2, 3]
        sess.run(named.enqueue({"a": 1, "b": 2.0}))
        assert sess.run(named.dequeue()) == {"a": 1, "b": 2}
        chosen = tf.QueueBase.from_list(tf.constant(1), [tf.FIFOQueue(3, tf.int32), shuffle])
        assert sess.run(chosen.size()) == 0


@pytest.mark.parametrize(("build", "text"), [
    (lambda: tf.FIFOQueue(3, [tf.int32, tf.int32], [[]]), "same length"),
    (lambda: tf.FIFOQueue(3, tf.int32, [[2]]).enqueue([[1, 2, 3]]), "incompatible"),
    (lambda: tf.FIFOQueue(3, tf.int32).dequeue_many(2), "fully specified"),
    (lambda: tf.FIFOQueue(3, tf.int32).enqueue({"a": 1}), "must have names"),
    (lambda: tf.train.QueueRunner(), "Must provide queue"),
    (lambda: tf.train.limit_epochs(tf.constant(1), 0), "must be > 0"),
    (lambda: tf.train.string_input_producer([]), "non-null"),
])
def test_errors(build, text):
    with pytest.raises(ValueError, match=text):
        build()


def run_to_the_end(fetches):
    """What the fetches come to until the input ends, run by run, with the queue runners of the graph."""
    found = []
    with tf.Session() as sess:
        sess.run(tf.group(tf.global_variables_initializer(), tf.local_variables_initializer()))
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        try:
            while not coord.should_stop():
                found.append(sess.run(fetches))
        except tf.errors.OutOfRangeError:
            coord.request_stop()
        coord.join(threads)
        assert not any(t.is_alive() for t in threads)
    return found


def test_slices_in_batches():
    x, y = tf.train.slice_input_producer([np.arange(20.0).reshape(10, 2), np.arange(10)], num_epochs=2, seed=3)
    batches = run_to_the_end(tf.train.batch({"x": x, "y": y}, 6, num_threads=2, allow_smaller_final_batch=True))
    assert all((b["x"][:, 0] == 2 * b["y"]).all() for b in batches)
    numbers = np.concatenate([b["y"] for b in batches])
    assert sorted(numbers) == sorted([*range(10)] * 2) and [len(b["y"]) for b in batches] == [6, 6, 6, 2]


def test_shuffled_and_kept_ones():
    number = tf.train.range_input_producer(20, num_epochs=1, shuffle=False).dequeue()
    batches = run_to_the_end(tf.train.maybe_shuffle_batch(
        [number], 3, capacity=30, min_after_dequeue=4, keep_input=tf.equal(number % 2, 0), seed=1,
        allow_smaller_final_batch=True))
    assert sorted(np.concatenate(batches)) == list(range(0, 20, 2))


def test_padded_batches():
    n = tf.train.range_input_producer(4, num_epochs=1, shuffle=False).dequeue()
    batches = run_to_the_end(tf.train.batch([tf.range(n)], 2, dynamic_pad=True))
    assert [b.tolist() for b in batches] == [[[0], [0]], [[0, 1, 0], [0, 1, 2]]]


def test_readers(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"head\n1,2\r\n3,4\n")
    (tmp_path / "b.bin").write_bytes(b"H123456F")
    with tf.python_io.TFRecordWriter(str(tmp_path / "c.tfrecord"), tf.python_io.TFRecordOptions("GZIP")) as writer:
        for text in ("one", "two"):
            writer.write(text)
    assert list(tf.python_io.tf_record_iterator(str(tmp_path / "c.tfrecord"), "GZIP")) == [b"one", b"two"]

    def records(reader, name, **kwargs):
        queue = tf.train.string_input_producer([str(tmp_path / name)], num_epochs=1)
        return [r[1] for r in run_to_the_end(reader.read(queue, **kwargs))]

    assert records(tf.TextLineReader(skip_header_lines=1), "a.csv") == [b"1,2", b"3,4"]
    assert records(tf.FixedLengthRecordReader(2, 1, 1), "b.bin") == [b"12", b"34", b"56"]
    assert records(tf.TFRecordReader(options="GZIP"), "c.tfrecord") == [b"one", b"two"]
    assert records(tf.WholeFileReader(), "b.bin") == [b"H123456F"]
    with pytest.raises(tf.errors.NotFoundError):
        records(tf.WholeFileReader(), "none")


def test_a_coordinator_raises_what_was_reported():
    coord = tf.train.Coordinator()

    def fail():
        with coord.stop_on_exception():
            raise ValueError("from the thread")

    ticks = []
    looper = tf.train.LooperThread.loop(coord, 0.01, lambda: ticks.append(1))
    threads = [threading.Thread(target=fail)]
    coord.register_thread(threads[0])
    threads[0].start()
    with pytest.raises(ValueError, match="from the thread"):
        coord.join(threads)
    assert coord.joined and not looper.is_alive()
    coord.clear_stop()
    coord.request_stop(tf.errors.OutOfRangeError("end"))
    coord.join([])


def test_staging_area():
    area = tf.contrib.staging.StagingArea([tf.float32, tf.int32], shapes=[[2], []])
    put, taken, size = area.put([tf.ones([2]), 3]), area.get(), area.size()
    assert [t.shape.as_list() for t in taken] == [[2], []]
    named = tf.contrib.staging.StagingArea([tf.float32], names=["x"])
    with tf.Session() as session:
        session.run([put, named.put({"x": 1.0})])
        assert session.run(size) == 1
        assert session.run(taken)[0].tolist() == [1, 1] and session.run(named.get()) == {"x": 1.0}
        assert session.run(size) == 0


def test_a_queue_that_is_not_stopped_does_not_keep_the_program():
    queue = tf.FIFOQueue(2, [tf.int32], shapes=[()])
    runner = tf.train.QueueRunner(queue, [queue.enqueue(1)])
    with tf.Session() as session:
        threads = runner.create_threads(session, tf.train.Coordinator())
    assert [t.daemon for t in threads] == [False, True]


def test_files_matched_once_are_shuffled(tmp_path):
    for letter in "abc":
        (tmp_path / f"{letter}.txt").write_text(letter)
    queue = tf.train.string_input_producer(tf.train.match_filenames_once(f"{tmp_path}/*.txt"), num_epochs=1)
    content = tf.WholeFileReader().read(queue)[1]
    anything = tf.placeholder(tf.int32)
    shuffled = tf.random_shuffle(anything)
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        assert sorted(session.run(content) for _ in range(3)) == [b"a", b"b", b"c"]
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(content)
        coord.request_stop()
        coord.join(threads)
        assert sorted(session.run(shuffled, {anything: [[2, 0], [1, 1], [0, 2]]}).tolist()) == [[0, 2], [1, 1], [2, 0]]
