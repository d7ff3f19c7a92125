"""Sessions: what may be fetched and fed, and what each mistake says."""
from __future__ import annotations

import collections
import gc
import threading
import weakref

import numpy as np
import pytest
from graphflow.compiler.errors import FailedPreconditionError, InvalidArgumentError
from graphflow.runtime import kernel_cache

import graphflow as tf

X = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


# fetches


def test_fetches_keep_their_structure():
    Pair = collections.namedtuple("Pair", "first second")
    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.identity(x * 2, name="y")
    fetches = {"list": [y, (x, Pair(y, x))], "operation": y.op, "ordered": collections.OrderedDict(b=x, a=y)}
    with tf.Session() as session:
        for _ in range(2):
            result = session.run(fetches, {x: [1, 2]})
            assert list(result) == ["list", "operation", "ordered"] and result["operation"] is None
            assert result["list"][0].tolist() == [2, 4] and isinstance(result["list"][1], tuple)
            assert type(result["list"][1][1]) is Pair and result["list"][1][1].second.tolist() == [1, 2]
            assert type(result["ordered"]) is collections.OrderedDict and list(result["ordered"]) == ["b", "a"]
        assert session.run([]) == [] and session.run(()) == ()
        assert session.run("y:0", {"x:0": [1]}).tolist() == [2] and session.run("y", {x: [1]}) is None


def test_nests_that_are_equal_but_for_their_types_are_told_apart():
    Pair = collections.namedtuple("Pair", "first")
    x = tf.constant(1.0)
    with tf.Session() as session:
        assert type(session.run(((x,), x))[0]) is tuple
        assert type(session.run((Pair(x), x))[0]) is Pair
        assert type(session.run(([x], x))[0]) is list


def test_nested_fetches_are_compiled_once():
    x = tf.placeholder(tf.float32, [])
    with tf.Session() as session:
        for _ in range(3):
            session.run({"a": [x], "b": x}, {x: 1.0})
        assert len(session._runners) == 1


@pytest.mark.parametrize("fetch, error", [(None, TypeError), (3, TypeError), ("nothing:0", ValueError),
                                          ("nothing", ValueError), ([None], TypeError), (object(), TypeError)])
def test_what_cannot_be_fetched(fetch, error):
    tf.constant(1.0)
    with tf.Session() as session, pytest.raises(error):
        session.run(fetch)


def test_fetched_arrays_are_the_callers_own():
    x = tf.placeholder(tf.float32, [None])
    y = x * 2
    constant, v = tf.constant(np.ones(4000, "f4")), tf.Variable(np.ones(4000, "f4"))
    with tf.Session() as session:
        session.run(v.initializer)
        fed = np.ones(4000, "f4")
        fetches = [x, y, tf.reshape(y, [40, 100]), constant, v]
        first = session.run(fetches, {x: fed})
        assert not any(np.shares_memory(a, b) for i, a in enumerate(first) for b in [*first[:i], fed])
        for array in first:
            array[...] = 7
        assert [a.ravel()[0] for a in session.run(fetches, {x: fed})] == [1, 2, 2, 1, 1]
        assert first[1][0] == 7, "a later run leaves it alone"


def test_scalars_are_numbers():
    with tf.Session() as session:
        value = session.run(tf.constant(2) * 3)
        assert value == 6 and type(value) is np.int32


# feeds


def test_feeds_of_all_kinds():
    x, i = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.int32, [None])
    b, s = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
    y, j = x * 2, i * 2
    odd = np.frombuffer(b"\0" + np.arange(3000, dtype="f4").tobytes(), "u1")[1:].view("f4")
    locked = np.ones(3000, "f4")
    locked.flags.writeable = False
    with tf.Session() as session:
        for value in ([1, 2], (1.0, 2.0), np.array([1, 2]), np.arange(10.0)[::2], np.arange(6, dtype="i1")[::-1],
                      np.arange(8000.0)[::-2], np.arange(5, dtype=">f4"), (True, False), odd, locked, np.zeros(0)):
            result = session.run(y, {x: value})
            assert result.dtype == np.float32
            np.testing.assert_array_equal(result, 2 * np.asarray(value, "f4"))
        for value in ([1, 2], [1.0, 2.0], np.array([3], "i8"), np.array([3], "u1")):
            assert session.run(j, {i: value}).tolist() == [2 * int(v) for v in value]
        for value in (3, 3.0, np.float32(3), np.array(3.0), np.int64(3)):
            assert session.run(s * 2, {s: value}) == 6
        assert session.run(tf.logical_not(b), {b: 0})


@pytest.mark.parametrize("value", [[2**31], ["a"], None, [1j], [[1], [1, 2]], [None]])
def test_feeds_that_integers_cannot_hold(value):
    i = tf.placeholder(tf.int32, [None])
    with tf.Session() as session, pytest.raises((TypeError, ValueError)):
        session.run(i * 2, {i: value})


def test_feeds_are_converted_as_numpy_does():
    i, x = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.float32, [])
    with tf.Session() as session:
        assert session.run(i * 2, {i: [1.5, -2.5]}).tolist() == [2, -4]
        assert session.run(x, {x: "1.5"}) == 1.5
        with pytest.raises(ValueError, match="could not convert string to float"):
            session.run(x, {x: "a"})
        with pytest.raises(TypeError, match="not compatible with Tensor type int8"):
            b = tf.placeholder(tf.int8, [])
            session.run(b, {b: 300})


@pytest.mark.parametrize("value", [np.ones((2, 4)), np.ones(3), 1.0, np.ones((1, 2, 3)), []])
def test_feeds_of_another_shape(value):
    x = tf.placeholder(tf.float32, [None, 3], name="images")
    with tf.Session() as session:
        with pytest.raises(ValueError, match=r"images.*\(\?, 3\)|images.*\(None, 3\)"):
            session.run(x * 2, {x: value})
        assert session.run(x * 2, {x: X}).tolist() == (X * 2).tolist()


def test_a_tensor_cannot_be_fed_nor_anything_be_fed_for_what_is_no_tensor():
    x = tf.placeholder(tf.float32, [])
    y = x * 2
    with tf.Session() as session:
        for feeds in ({x: x}, {"nothing:0": 1.0}, {3: 1.0}, {y.op: 1.0}):
            with pytest.raises(TypeError):
                session.run(y, feeds)
        with pytest.raises(TypeError, match="must be a dictionary of values by tensor, not .<tf.Tensor"):
            session.run(y, [x])


def test_what_is_too_large_for_memory_is_told_with_its_shape():
    value = tf.Variable(1.0)
    with tf.Session() as session:
        session.run(value.initializer)
        with pytest.raises(tf.errors.ResourceExhaustedError, match=r"\(10000000, 1000000\) and type float32: 40,0"):
            session.run(tf.fill([10**7, 10**6], value))
        with pytest.raises(tf.errors.ResourceExhaustedError):
            session.run(tf.fill([2**31 - 1] * 3, value))


def test_every_unfed_placeholder_is_named_with_its_line():
    a, b = tf.placeholder(tf.float32, [None, 3], name="aa"), tf.placeholder(tf.int32, [], name="bb")
    tf.placeholder(tf.float32, [], name="unneeded")
    with tf.Session() as session, pytest.raises(InvalidArgumentError) as info:
        session.run(a * tf.cast(b, tf.float32))
    text = str(info.value)
    assert "'aa'" in text and "'bb'" in text and "unneeded" not in text
    assert text.count("test_session.py") >= 2


def test_feeds_in_place_of_computed_tensors_variables_and_constants():
    x, v, c = tf.placeholder(tf.float32, [None, 3]), tf.Variable(np.ones(3, "f4")), tf.constant(5.0)
    h = x * 2
    y, z = h + v, c * 2
    with tf.Session() as session:
        assert session.run(y, {h: np.zeros((2, 3)), v: [1, 2, 3]}).tolist() == [[1, 2, 3]] * 2
        assert session.run(z, {c: 1.0}) == 2 and session.run(z) == 10
        assert session.run(h, {h: np.ones((1, 3))}).tolist() == [[1, 1, 1]]


SHAPES = {
    "reshape": (lambda x, y: tf.reshape(x, [2, 3]) * 1, (5,), (1,)), "index": (lambda x, y: x[3] * 2, (2,), (1,)),
    "add": (lambda x, y: x + y, (3,), (4,)), "broadcast": (lambda x, y: tf.broadcast_to(x, [4, 3]) * 1, (2,), (1,)),
    "product": (lambda x, y: tf.matmul(x, y), (2, 3), (4, 5)),
    "concat": (lambda x, y: tf.concat([x, y], 0), (2, 3), (4, 5)),
    "select": (lambda x, y: tf.where(x > 0, x, y), (3,), (2,)), "stack": (lambda x, y: tf.stack([x, y]), (3,), (2,)),
    "conv": (lambda x, y: tf.nn.conv2d(x, np.ones((3, 3, 2, 5), "f4"), 1, "SAME") + y, (1, 4, 4, 3), (5,)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_fed_sizes_that_do_not_fit_together_are_an_error(name):
    build, *shapes = SHAPES[name]
    x, y = (tf.placeholder(tf.float32, [None] * len(s)) for s in shapes)
    z = build(x, y)
    with tf.Session() as session, pytest.raises(InvalidArgumentError, match="test_session.py"):
        session.run(z, {x: np.ones(shapes[0]), y: np.ones(shapes[1])})


# variables


def test_uninitialized_variables_are_named():
    v, w = tf.Variable(1.0, name="alpha"), tf.Variable(1.0, name="beta")
    with tf.Session() as session:
        with pytest.raises(FailedPreconditionError, match="alpha.*beta.*test_session.py"):
            session.run(v + w)
        session.run(v.initializer)
        with pytest.raises(FailedPreconditionError, match="beta"):
            session.run(v + w)
        session.run(w.initializer)
        assert session.run(v + w) == 2


def test_sessions_of_one_graph_have_their_own_variables():
    v = tf.Variable(1.0)
    one, other = tf.Session(), tf.Session()
    one.run(v.initializer)
    one.run(tf.assign_add(v, 2.0))
    with pytest.raises(FailedPreconditionError):
        other.run(v)
    other.run(v.initializer)
    assert (one.run(v), other.run(v)) == (3, 1)


def test_a_variable_may_change_its_shape_where_it_says_so():
    v = tf.Variable(np.ones(2, "f4"), validate_shape=False)
    value = tf.placeholder(tf.float32)
    change, double = tf.assign(v, value, validate_shape=False), v * 2
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run(double).shape == (2,)
        for shape in [(3, 2), (), (3, 2), (4,)]:
            session.run(change, {value: np.full(shape, 3)})
            np.testing.assert_array_equal(session.run(double), np.full(shape, 6))


def test_linear_regression_on_placeholders_of_unknown_rank():
    x, y = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    w, b = tf.Variable(0.3), tf.Variable(-0.3)
    loss = tf.reduce_sum(tf.square(w * x + b - y))
    step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        feeds = {x: [1, 2, 3, 4], y: [0, -1, -2, -3]}
        for _ in range(1000):
            session.run(step, feeds)
        np.testing.assert_allclose(session.run([w, b]), [-1, 1], atol=1e-3)
        assert session.run(loss, {x: 2.0, y: -1.0}) < 1e-5 and session.run(loss, {x: np.ones((2, 2)), y: 0}) < 1e-4


# sizes


def network(x):
    hidden = tf.tanh(tf.matmul(x, tf.constant(np.full((7, 9), 0.1, "f4"))))
    y = tf.nn.softmax(hidden * 2 + 1)
    return [y, *tf.gradients(tf.reduce_mean(tf.square(y)), [x])]


def test_another_batch_size_compiles_nothing():
    x = tf.placeholder(tf.float32, [None, 7])
    fetches = network(x)
    with tf.Session() as session:
        session.run(fetches, {x: np.ones((64, 7))})
        before = len(kernel_cache.loads)
        for rows in (48, 17, 100, 64):
            y, dx = session.run(fetches, {x: np.ones((rows, 7))})
            assert y.shape == (rows, 9) and dx.shape == (rows, 7)
        assert len(kernel_cache.loads) == before


def test_another_number_of_classes_compiles_nothing():
    labels = tf.placeholder(tf.int32, [None])
    with tf.Session() as session:
        kernels = []
        for classes in (10, 9):  # up to 8 are in the source of a loop over rows
            logits = tf.constant(np.ones((4, classes), "f4"))
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            np.testing.assert_allclose(session.run(loss, {labels: [0, 1, 2, classes - 1]}), np.log(classes), rtol=1e-5)
            kernels.append(len(kernel_cache.loads))
            with pytest.raises(InvalidArgumentError, match=f"label value of {classes} .*\\[0, {classes}\\)"):
                session.run(loss, {labels: [0, 1, classes, 0]})
        assert kernels[0] == kernels[1]


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_few_rows_are_what_many_are(rows):
    x = tf.placeholder(tf.float32, [None, 7])
    fetches = network(x)[:1]
    data = np.random.default_rng(0).standard_normal((40, 7))
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(fetches, {x: data[:rows]})[0],
                                   session.run(fetches, {x: data})[0][:rows], rtol=1e-5)


def test_nothing_is_left_of_the_sizes_before():
    x = tf.placeholder(tf.float32, [None, None])
    y = tf.reduce_sum(tf.exp(x), 0)
    with tf.Session() as session:
        for shape in [(2, 3), (3000, 2), (2, 3000), (0, 5), (5, 0), (1, 1), (2, 3)]:
            want = np.full(shape[1], shape[0] * np.e)
            np.testing.assert_allclose(session.run(y, {x: np.ones(shape)}), want, rtol=1e-4)


# threads


def test_eight_threads_run_one_session():
    x = tf.placeholder(tf.float32, [None, 64])
    y = tf.nn.softmax(tf.nn.relu(tf.matmul(x, tf.constant(np.ones((64, 64), "f4")))) * 1e-3)
    z = tf.reduce_sum(y * x, 1)
    session, wrong = tf.Session(), []

    def work(k):
        rows = k * 7 + 1
        for i in range(30):
            a = np.full((rows, 64), k + i, "f4")
            try:
                b, c = session.run([y, z], {x: a})
                if not (np.allclose(b, 1 / 64) and np.allclose(c, k + i, rtol=1e-4) and b.shape == a.shape):
                    wrong.append((k, i))
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_threads_have_their_own_default_sessions():
    seen = []
    with tf.Session() as session:
        thread = threading.Thread(target=lambda: seen.append(tf.get_default_session()))
        thread.start()
        thread.join()
        assert tf.get_default_session() is session
    assert seen == [None]


# lifetime


def test_a_closed_session_does_not_run():
    x = tf.constant(1.0)
    session = tf.Session()
    call = session.make_callable(x)
    session.run(x)
    session.close()
    session.close()
    for run in (lambda: session.run(x), call, session.__enter__, lambda: session.make_callable(x)):
        with pytest.raises(RuntimeError, match="closed"):
            run()


def test_a_closed_session_frees_what_it_fetched_last():
    session, y = tf.Session(), tf.zeros([1000, 1000]) + 1
    gone = weakref.ref(session.run(y).base)
    assert gone() is not None  # its memory serves the next run
    gc.disable()
    try:
        session.close()
        assert gone() is None
    finally:
        gc.enable()


def test_a_run_in_another_thread_ends_when_its_session_is_closed():
    queue, session = tf.FIFOQueue(1, tf.float32, ()), tf.Session()
    with tf.control_dependencies([tf.py_func(session.close, [], [])]):  # as another thread would, in the midst of it
        got = queue.dequeue()
    with pytest.raises(tf.errors.CancelledError, match="closed"):
        session.run(got)  # not from a new, empty queue, for ever


def test_with_makes_a_session_and_its_graph_the_default_ones_and_closes_it():
    other = tf.Graph()
    with tf.Session(graph=other) as session:
        x = tf.constant(2.0)
        assert x.graph is other and tf.get_default_session() is session and x.eval() == 2
    assert tf.get_default_session() is None and tf.get_default_graph() is not other
    with pytest.raises(RuntimeError):
        session.run(x)


def test_an_interactive_session_is_the_default_until_it_is_closed():
    session = tf.InteractiveSession()
    assert (tf.constant(2.0) * 3).eval() == 6
    session.close()
    assert tf.get_default_session() is None


def test_graphs_do_not_mix():
    a = tf.constant(1.0)
    with tf.Graph().as_default():
        b = tf.constant(2.0)
        session = tf.Session()
    for fetches, feeds, error in [(a, None, ValueError), ([b, a], None, ValueError), (b, {a: 1.0}, TypeError)]:
        with pytest.raises(error):
            session.run(fetches, feeds)
    assert session.run(b) == 2


def test_an_empty_graph_says_so():
    with pytest.raises(RuntimeError, match="empty"):
        tf.Session(graph=tf.Graph()).run([])


def test_callables_take_their_feeds_in_order():
    x, y = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [])
    with tf.Session() as session:
        call = session.make_callable([x - y, x * y], [x, y])
        difference, product = call([1, 2], 3)
        assert difference.tolist() == [-2, -1] and product.tolist() == [3, 6]
        for values in [(), ([1, 2],), ([1, 2], 3, 4)]:
            with pytest.raises((TypeError, ValueError)):
                call(*values)


def test_operations_added_later_run_too():
    x = tf.constant(1.0)
    with tf.Session() as session:
        assert session.run(x) == 1
        assert session.run(x + 1) == 2


def test_nan_in_data_reaches_the_results():
    x = tf.placeholder(tf.float32, [None])
    with tf.Session() as session:
        relu, peak, soft, over = session.run([tf.nn.relu(x), tf.reduce_max(x), tf.nn.softmax(x), x > 0],
                                             {x: [1, np.nan, -1]})
    assert np.isnan(relu).tolist() == [False, True, False] and np.isnan(peak) and np.isnan(soft).all()
    assert over.tolist() == [True, False, False]


def test_a_filter_of_unknown_size_is_planned_for_each_size_fed():
    x, w = tf.placeholder(tf.float32, [None, 8, 8, 3]), tf.placeholder(tf.float32, [None] * 4)
    y = tf.nn.conv2d(x, w, 1, "SAME")
    grads = tf.gradients(y, [x, w])
    with tf.Session() as session:
        for size in (3, 5):
            value, dx, dw = session.run([y, *grads], {x: np.ones((2, 8, 8, 3)), w: np.ones((size, size, 3, 4))})
            assert value.shape == (2, 8, 8, 4) and dx.shape == (2, 8, 8, 3) and dw.shape == (size, size, 3, 4)
            assert value[0, 4, 4, 0] == 3 * size * size


def test_control_inputs_added_later():
    v = tf.Variable(1.0)
    read, changed = v.read_value(), tf.assign(v, 5.0)
    read.op._add_control_input(changed.op)
    x = tf.add(1.0, 2.0, name="x")
    y = tf.negative(x, name="y")
    x.op._add_control_input(y.op)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(read) == 5
        with pytest.raises(tf.errors.InvalidArgumentError, match="a cycle with 2 nodes, including: (x, y|y, x)"):
            session.run(y)


def test_the_memory_of_a_large_fetched_array_serves_again_once_nobody_holds_it():
    x = tf.placeholder("float32", [None])
    step = tf.Session().make_callable(x * 2, [x])
    data = np.arange(100_000, dtype=np.float32)
    first = step(data)
    where = first.ctypes.data
    kept = first[10:20]  # holds all of it
    del first
    second = step(data + 1)
    assert second.ctypes.data != where and kept[0] == 20 and second[0] == 2
    where, seen = second.ctypes.data, memoryview(second)
    del second
    assert step(data + 2).ctypes.data != where and seen[0] == 2
    third = step(data)
    where = third.ctypes.data
    del third
    assert step(data).ctypes.data == where


@pytest.mark.parametrize("value", [1.5, 1e300, -np.inf, 3, np.float64(2.5), np.float32(1.5), np.array(7.0), [0.25]])
def test_a_number_is_fed_as_numpy_converts_it(value):
    x = tf.placeholder(tf.float32, [] if np.ndim(value) == 0 else [1])
    with np.errstate(over="ignore"):
        expected = np.asarray(value, np.float32)
    np.testing.assert_array_equal(tf.Session().run(x * 1.0, {x: value}), expected)
