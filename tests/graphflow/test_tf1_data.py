"""tf.data: what pipelines give, by which iterators, with which threads."""
from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest

import graphflow as tf

Dataset, X = tf.data.Dataset, tf.data.experimental


def plain(value):
    """Nested Python values."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    return value.tolist() if hasattr(value, "tolist") else value


def elements(dataset):
    return [plain(e) for e in dataset]


def _pair(dataset):
    return dataset.map(lambda x: (x, tf.fill([x], x)))


@pytest.mark.parametrize(("build", "expected"), [
    (lambda: Dataset.range(2, 9, 3), [2, 5, 8]),
    (lambda: Dataset.from_tensor_slices({"a": [1, 2], "b": (["x", "y"], [[1.0], [2.0]])}),
     [{"a": 1, "b": (b"x", [1.0])}, {"a": 2, "b": (b"y", [2.0])}]),
    (lambda: Dataset.zip({"a": Dataset.range(3), "b": Dataset.range(5, 7)}), [{"a": 0, "b": 5}, {"a": 1, "b": 6}]),
    (lambda: Dataset.range(2).concatenate(Dataset.range(7, 8)), [0, 1, 7]),
    (lambda: Dataset.range(4).map(lambda x: [x, x * x]).filter(lambda x, y: y > 1), [(2, 4), (3, 9)]),
    (lambda: Dataset.range(1, 4).flat_map(lambda x: Dataset.range(x).map(lambda y: 10 * x + y)),
     [10, 20, 21, 30, 31, 32]),
    (lambda: Dataset.range(1, 6).interleave(lambda x: Dataset.from_tensors(x).repeat(3), 2, 2),
     [1, 1, 2, 2, 1, 2, 3, 3, 4, 4, 3, 4, 5, 5, 5]),
    (lambda: Dataset.range(1, 6).interleave(lambda x: Dataset.range(x), 3, 2, num_parallel_calls=2),
     elements(Dataset.range(1, 6).interleave(lambda x: Dataset.range(x), 3, 2))),
    (lambda: Dataset.range(5).batch(2), [[0, 1], [2, 3], [4]]),
    (lambda: Dataset.range(5).batch(2, drop_remainder=True), [[0, 1], [2, 3]]),
    (lambda: _pair(Dataset.range(3)).padded_batch(
        2, ([], [None]), (tf.constant(0, tf.int64), tf.constant(-1, tf.int64))),
     [([0, 1], [[-1], [1]]), ([2], [[2, 2]])]),
    (lambda: Dataset.range(7).window(3, 1, 2, True).flat_map(lambda w: w.batch(3)), [[0, 2, 4], [1, 3, 5], [2, 4, 6]]),
    (lambda: Dataset.range(6).window(2, 3).flat_map(lambda w: w), [0, 1, 3, 4]),
    (lambda: Dataset.from_tensor_slices([[1, 2], [3, 4]]).unbatch().skip(1).take(2), [2, 3]),
    (lambda: Dataset.range(7).shard(3, 1), [1, 4]),
    (lambda: Dataset.range(3).repeat(2).enumerate(5), [(5, 0), (6, 1), (7, 2), (8, 0), (9, 1), (10, 2)]),
    (lambda: Dataset.range(5).apply(X.scan(np.int64(0), lambda s, x: (s + x, s * x))), [0, 0, 2, 9, 24]),
    (lambda: Dataset.range(8).apply(X.group_by_window(lambda x: x % 3, lambda k, d: d.batch(4), 2)),
     [[0, 3], [1, 4], [2, 5], [6], [7]]),
    (lambda: Dataset.range(5).apply(X.group_by_reducer(lambda x: x % 2, X.Reducer(
        lambda k: 10 * k, lambda s, x: s + x, lambda s: -s))), [-6, -14]),
    (lambda: Dataset.from_tensor_slices([1, 3, 5, 2]).map(lambda n: tf.fill([n], n)).apply(
        X.bucket_by_sequence_length(lambda x: tf.shape(x)[0], [4], [2, 2])),
     [[[1, 0, 0], [3, 3, 3]], [[2, 2]], [[5, 5, 5, 5, 5]]]),
    (lambda: X.choose_from_datasets([Dataset.range(2), Dataset.range(5, 9)],
                                    Dataset.from_tensor_slices(np.array([1, 0, 0, 0, 1], np.int64))), [5, 0, 1, 6]),
    (lambda: Dataset.from_tensor_slices([2, 1, 2]).apply(X.unique()), [2, 1]),
    (lambda: Dataset.range(9).take_while(lambda x: x < 3).apply(X.map_and_batch(lambda x: x + 1, 2)), [[1, 2], [3]]),
    (lambda: Dataset.from_generator(lambda n: iter(range(n)), tf.int32, args=(2,)), [0, 1]),
])
def test_elements(build, expected):
    assert elements(build()) == expected


def test_specs_say_what_is_known():
    dataset = Dataset.from_tensor_slices({"a": np.zeros([4, 2], np.float32)}).batch(3)
    assert dataset.output_types == {"a": tf.float32}
    assert dataset.output_shapes["a"].as_list() == [None, 2]
    assert str(dataset) == "<DatasetV1Adapter shapes: {a: (?, 2)}, types: {a: tf.float32}>"
    fixed = Dataset.range(9).batch(3, drop_remainder=True).make_one_shot_iterator().get_next()
    assert fixed.shape.as_list() == [3]
    unknown = Dataset.from_generator(lambda: iter([1]), tf.int32).map(lambda x: (x, tf.constant("s")))
    assert unknown.output_shapes[0].rank is None and unknown.output_classes == (tf.Tensor, tf.Tensor)


def test_shuffle_is_a_permutation_that_seeds_repeat():
    def orders(**options):
        values = elements(Dataset.range(20).shuffle(7, **options).repeat(2))
        assert sorted(values[:20]) == sorted(values[20:]) == list(range(20))
        return values[:20], values[20:]

    first, second = orders(seed=5)
    assert (first, second) == orders(seed=5) and first != second and orders(seed=6)[0] != first
    same, again = orders(seed=5, reshuffle_each_iteration=False)
    assert same == again
    assert orders()[0] != orders()[0]
    assert all(abs(position - value) < 20 and position >= value - 6 for position, value in enumerate(first))


# iterators


def test_an_initializable_iterator_takes_feeds_and_variables(sess):
    x, scale = tf.placeholder(tf.float32, [None]), tf.get_variable("scale", initializer=3.0)
    iterator = Dataset.from_tensor_slices(x).map(lambda v: v * scale).batch(2).make_initializable_iterator()
    value = iterator.get_next()
    sess.run(scale.initializer)
    with pytest.raises(tf.errors.FailedPreconditionError, match="has not been initialized"):
        sess.run(value)
    sess.run(iterator.initializer, {x: [1, 2, 3]})
    assert [sess.run(value).tolist(), sess.run(value).tolist()] == [[3, 6], [9]]
    for _ in range(2):
        with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
            sess.run(value)
    sess.run(scale.assign(2.0))
    sess.run(iterator.initializer, {x: [5]})
    assert sess.run(value).tolist() == [10]


def test_a_reinitializable_iterator_changes_datasets(sess):
    iterator = tf.data.Iterator.from_structure(tf.int64, [])
    first, second = iterator.make_initializer(Dataset.range(2)), iterator.make_initializer(Dataset.range(5, 9))
    value = iterator.get_next()
    found = []
    for initializer in (first, second, first):
        sess.run(initializer)
        found.append(int(sess.run(value)))
    assert found == [0, 5, 0]
    with pytest.raises(TypeError, match="Expected output types"):
        iterator.make_initializer(Dataset.from_tensors(1.0))
    with pytest.raises(ValueError, match="does not have an initializer"):
        _ = tf.data.Iterator.from_structure(tf.int64).initializer


def test_a_feedable_iterator_goes_by_its_handle(sess):
    handle = tf.placeholder(tf.string, [])
    value = tf.data.Iterator.from_string_handle(handle, tf.int64, []).get_next()
    handles = sess.run([Dataset.range(n, n + 3).make_one_shot_iterator().string_handle() for n in (0, 10)])
    assert [int(sess.run(value, {handle: handles[k]})) for k in (0, 1, 0, 1)] == [0, 10, 1, 11]
    with pytest.raises(tf.errors.NotFoundError, match="does not exist"):
        sess.run(value, {handle: "none"})


def test_a_one_shot_iterator_needs_a_dataset_of_its_own():
    with pytest.raises(ValueError, match="Cannot capture a placeholder"):
        Dataset.from_tensors(tf.placeholder(tf.int32)).make_one_shot_iterator()
    variable = tf.get_variable("v", initializer=1.0)
    with pytest.raises(ValueError, match="does not support datasets that capture stateful objects"):
        Dataset.range(3).map(lambda x: tf.cast(x, tf.float32) + variable).make_one_shot_iterator()


def test_a_training_step_takes_its_batch_from_the_graph(sess):
    inputs = np.random.RandomState(0).rand(64, 3).astype(np.float32)
    targets = inputs @ np.array([[1.0], [-2.0], [0.5]], np.float32)
    x, y = Dataset.from_tensor_slices((inputs, targets)).shuffle(64, seed=1).repeat().batch(
        16).prefetch(1).make_one_shot_iterator().get_next()
    weights = tf.get_variable("w", [3, 1])
    loss = tf.reduce_mean(tf.square(tf.matmul(x, weights) - y))
    step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    sess.run(tf.global_variables_initializer())
    losses = [sess.run([loss, step])[0] for _ in range(200)]
    assert losses[-1] < 1e-3 < losses[0]


def test_reductions_are_tensors(sess):
    total, count = Dataset.range(5).reduce((np.int64(0), 0), lambda state, x: (state[0] + x, state[1] + 1))
    assert sess.run([total, count, X.get_single_element(Dataset.range(3).batch(3))[1],
                     X.cardinality(Dataset.range(7).batch(2))]) == [10, 5, 1, 4]
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than one element"):
        sess.run(X.get_single_element(Dataset.range(2)))


# functions


def test_names_in_functions_take_none_outside():
    Dataset.range(3).map(lambda x: tf.add(x, 1, name="sum"))
    assert tf.add(1, 1, name="sum").op.name == "sum"


def test_functions_have_control_flow_python_and_sparse_tensors():
    dataset = Dataset.range(3).map(lambda x: tf.cond(tf.equal(x, 1), lambda: x * 10, lambda: -x))
    assert elements(dataset.map(lambda x: tf.py_func(lambda a: a + 1, [x], tf.int64))) == [1, 11, -1]
    sparse = Dataset.range(3).map(lambda x: tf.SparseTensor([[x]], [x], [3])).batch(2)
    assert elements(sparse.map(lambda s: tf.sparse_tensor_to_dense(s))) == [[[0, 0, 0], [0, 1, 0]], [[0, 0, 2]]]


def test_an_element_that_fails_does_not_end_the_others(sess):
    dataset = Dataset.from_tensor_slices([1.0, 0.0, 2.0]).map(lambda x: tf.check_numerics(1 / x, "division"), 2)
    value = dataset.make_one_shot_iterator().get_next()
    assert sess.run(value) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="division"):
        sess.run(value)
    assert sess.run(value) == 0.5
    assert elements(dataset.apply(X.ignore_errors())) == [1, 0.5]


def test_errors_in_functions_name_the_line(sess):
    value = Dataset.from_tensors("none").map(lambda name: tf.read_file(name)).make_one_shot_iterator().get_next()
    with pytest.raises(tf.errors.NotFoundError, match=r"none.*'ReadFile'.*test_tf1_data\.py"):
        sess.run(value)


@pytest.mark.parametrize(("build", "error", "text"), [
    (lambda: Dataset.from_tensor_slices(1), ValueError, "rank >= 1"),
    (lambda: Dataset.from_tensor_slices(([1, 2], [1])), ValueError, "not compatible"),
    (lambda: Dataset.zip([Dataset.range(1)]), TypeError, "nested"),
    (lambda: Dataset.range(3).filter(lambda x: x), ValueError, "scalar boolean"),
    (lambda: Dataset.range(3).flat_map(lambda x: x), TypeError, "must return a `Dataset`"),
    (lambda: Dataset.range(3).map(lambda x: object()), TypeError, "Unsupported return value"),
    (lambda: Dataset.range(3).concatenate(Dataset.from_tensors("a")), TypeError, "different types"),
    (lambda: Dataset.from_generator(1, tf.int32), TypeError, "callable"),
    (lambda: elements(Dataset.range(3).batch(0)), tf.errors.InvalidArgumentError, "greater than zero"),
    (lambda: elements(Dataset.range(3).map(lambda x: tf.fill([x], x)).batch(2)), tf.errors.InvalidArgumentError,
     "different shapes in component 0"),
    (lambda: elements(Dataset.range(3).map(lambda x: tf.fill([x], x)).padded_batch(3, [1])), tf.errors.DataLossError,
     "smaller size"),
    (lambda: elements(Dataset.from_generator(lambda: iter([[1]]), tf.int32, [2])), tf.errors.InvalidArgumentError,
     "where an element of shape"),
    (lambda: elements(Dataset.from_generator(lambda: iter([1 / 0]), tf.int32)), tf.errors.UnknownError, "ZeroDivision"),
])
def test_errors(build, error, text):
    with pytest.raises(error, match=text):
        build()


# threads and time


def _threads():
    gc.collect()
    deadline = time.time() + 2
    while time.time() < deadline and (
            names := [t.name for t in threading.enumerate() if t.name.startswith("graphflow-")]):
        time.sleep(0.01)
    return names


def test_threads_end_with_what_they_work_for():
    with tf.Graph().as_default():
        value = Dataset.range(1000).map(lambda x: x + 1, 2).prefetch(2).make_one_shot_iterator().get_next()
        with tf.Session() as session:
            assert session.run(value) == 1
        assert _threads() == []  # a closed session
        forgotten = tf.Session()
        forgotten.run(value)
        del forgotten
        assert _threads() == []  # a forgotten one
        for element in Dataset.range(1000).prefetch(2):
            if element == 3:
                break
        assert _threads() == []  # a loop that is left


def test_prefetching_overlaps_with_the_step():
    def slow():
        for i in range(12):
            time.sleep(0.02)
            yield i

    def seconds(dataset):
        iterator = iter(dataset)
        next(iterator)
        start = time.perf_counter()
        for _ in range(10):
            time.sleep(0.02)  # the step
            next(iterator)
        return time.perf_counter() - start

    dataset = Dataset.from_generator(slow, tf.int32, [])
    assert seconds(dataset.prefetch(2)) < 0.8 * seconds(dataset)


def test_caches_keep_what_came(tmp_path):
    made = []

    def source():
        for i in range(3):
            made.append(i)
            yield i, f"s{i}"

    dataset = Dataset.from_generator(source, (tf.int64, tf.string), ([], []))
    expected = [(0, b"s0"), (1, b"s1"), (2, b"s2")]
    assert elements(dataset.cache().repeat(2)) == expected * 2 and made == [0, 1, 2]
    path = str(tmp_path / "cache")
    assert elements(dataset.cache(path)) == elements(dataset.cache(path)) == expected and made == [0, 1, 2] * 2
    (tmp_path / "cache.data").write_bytes((tmp_path / "cache.data").read_bytes()[:-3])
    with pytest.raises(tf.errors.DataLossError, match="truncated"):
        elements(dataset.cache(path))


def test_an_iterator_is_found_again_by_its_resource():
    """As tensorrec does, which keeps the names of its graph's parts."""
    made = tf.data.Dataset.range(2).make_initializable_iterator()
    resource = tf.get_default_graph().get_tensor_by_name(made._iterator_resource.name)
    found = tf.data.Iterator(resource, None, made.output_types, made.output_shapes, made.output_classes).get_next()
    with tf.Session() as session:
        session.run(made.initializer)
        assert [session.run(found), session.run(found)] == [0, 1]
