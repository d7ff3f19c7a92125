"""Random numbers that are TensorFlow's own."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

SEED = [1, 2]


def drawn(*tensors, times=1):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [session.run(list(tensors)) for _ in range(times)][-1]


@pytest.mark.parametrize("build, expected", [
    (lambda r: r.stateless_uniform([6], SEED), [0.8440604, 0.19204533, 0.9962232, 0.1603874, 0.27199018, 0.649346]),
    (lambda r: r.stateless_uniform([3], SEED, dtype=tf.float64), [0.75248375, 0.96978577, 0.17592234]),
    (lambda r: r.stateless_uniform([3], SEED, dtype=tf.float16), [0.543, 0.2354, 0.06055]),
    (lambda r: r.stateless_uniform([3], SEED, dtype=tf.bfloat16), [0.34375, 0.882812, 0.484375]),
    (lambda r: r.stateless_uniform([5], SEED, 0, 10, tf.int32), [0, 9, 4, 9, 7]),
    (lambda r: r.stateless_uniform([5], [-1, 2], -5, 10, tf.int64), [6, 1, 0, -5, -1]),
    (lambda r: r.stateless_uniform([2], SEED, None, None, tf.uint64), [7464880146280614444, 1591045637757961278]),
    (lambda r: r.stateless_normal([4], SEED), [0.5441101, 0.20738031, 0.07356432, 0.04643455]),
    (lambda r: r.stateless_normal([3], SEED, 3.0, 2.0, tf.float16), [4.086, 3.414, 3.146]),
    (lambda r: r.stateless_truncated_normal([6], SEED),
     [0.5441101, 0.20738031, 0.07356432, 0.04643455, 0.16820592, -1.6850333]),
    (lambda r: r.stateless_truncated_normal([4], SEED, dtype=tf.float64),
     [-0.14231181, 0.74060725, -0.55238776, -0.73445009]),
    (lambda r: r.stateless_categorical(np.log(np.float32([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])), 6, [3, 4]),
     [[2, 2, 1, 2, 2, 2], [0, 0, 1, 0, 0, 1]]),
    (lambda r: r.split(SEED, 2), [[1105988140, 1738052849], [-335576002, 370444179]]),
    (lambda r: r.fold_in(SEED, 3), [1105988140, 3]),
    (lambda r: r.experimental.stateless_shuffle(np.arange(10).reshape(5, 2), SEED),
     [[0, 1], [4, 5], [2, 3], [8, 9], [6, 7]]),
    (lambda r: r.experimental.index_shuffle(3, SEED, 9), 4),
    (lambda r: tf.random_index_shuffle(70000, [1, 2, 3], 1000000, 8), 3953),
    (lambda r: tf.nn.experimental.stateless_dropout(tf.ones([2, 4]), 0.5, SEED), [[2, 0, 2, 0], [0, 2, 0, 0]]),
    (lambda r: tf.nn.experimental.stateless_dropout(tf.ones([2, 4]), 0.5, SEED, "philox", [2, 1]), [[2] * 4, [0] * 4]),
    (lambda r: tf.nn.experimental.general_dropout(tf.ones([2, 4]), 0.25, lambda shape, dtype: r.stateless_uniform(
        shape, SEED, dtype=dtype)), np.float32([[4, 0, 4, 0], [4, 4, 0, 0]]) / 3),
])
def test_a_seed_gives_tensorflows_numbers(build, expected):
    value, = drawn(build(tf.random))
    np.testing.assert_allclose(value.astype(np.float64), expected, rtol=1e-3 if value.itemsize == 2 else 4e-6)


@pytest.mark.parametrize("draw, second, state", [
    (lambda g: g.normal([2, 3]), [[-0.39647493, 0.83695656, -0.30946946], [1.1206646, 1.008526, -0.10185789]], 4306),
    (lambda g: g.uniform([3]), [0.31073415, 0.3681823, 0.96182954], 2770),
    (lambda g: g.uniform([3], maxval=10, dtype=tf.int32), [9, 5, 3], 2770),
    (lambda g: g.truncated_normal([3], 1.0, 2.0), [3.252849, -1.0676584, 1.514214], 2770),
    (lambda g: g.make_seeds(2)[0], [-2237664645307810991, -7334488933600988152], 2258),
    (lambda g: g.skip(5), [2514, 0, 0], 3794),
])
def test_a_generator_goes_on_as_tensorflows(draw, second, state):
    generator = tf.random.Generator.from_seed(1234)
    value, = drawn(draw(generator), times=2)
    np.testing.assert_allclose(value, second, rtol=4e-6)
    assert generator.state.name == "random_generator/StateVar:0" and generator.algorithm == 1
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(draw(generator))
        assert session.run(generator.state)[0] - 1234 == (state - 1234) // 2


def test_states_are_made_copied_reset_and_split():
    random = tf.random
    values = drawn(random.create_rng_state(1234, "philox"), random.create_rng_state([12, 34], "threefry"),
                   random.create_rng_state(2 ** 65 + 7, random.Algorithm.PHILOX))
    assert [v.tolist() for v in values] == [[1234, 0, 0], [12, 34], [7, 2, 0]]
    generator = random.Generator.from_key_counter(7, [1, 2], "philox")
    copy = random.Generator(copy_from=generator)
    np.testing.assert_allclose(drawn(generator.uniform([2]), copy.uniform([2])), [[0.10157979, 0.86369145]] * 2, 1e-6)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(generator.reset_from_seed(5))
        assert session.run(generator.state).tolist() == [5, 0, 0]
        assert abs(session.run(generator.normal([1]))[0] - 1.0278524) < 1e-6
    assert len(generator.split(3)) == 3
    random.set_global_generator(generator)
    assert random.get_global_generator() is generator


@pytest.mark.parametrize("build, error", [
    (lambda r: r.stateless_uniform([3], SEED, dtype=tf.int32), ValueError),
    (lambda r: r.stateless_uniform([3], [1, 2, 3]), ValueError),
    (lambda r: r.stateless_uniform([3], [1.0, 2.0]), TypeError),
    (lambda r: r.stateless_uniform([3], SEED, alg="x"), ValueError),
    (lambda r: r.stateless_uniform([3], SEED, alg="threefry"), tf.errors.InvalidArgumentError),
    (lambda r: drawn(r.stateless_uniform([3], SEED, 5, 5, tf.int32)), tf.errors.InvalidArgumentError),
    (lambda r: r.Generator(state=[1, 2]), ValueError),
])
def test_what_is_refused(build, error):
    with pytest.raises(error):
        build(tf.random)


def test_truncated_normals_of_other_bounds_have_their_moments():
    draw = tf.random.stateless_parameterized_truncated_normal
    x = drawn(draw([20000, 3], SEED, [0.0, 100.0, 0.0], 1.0, [-1.0, -1.0, 2.0], [1.0, 1.0, 9.0]))[0]
    np.testing.assert_allclose(x.mean(0), [0, 0.9899, 2.3732], atol=0.02)
    np.testing.assert_allclose(x.std(0), [0.5396, 0.0101, 0.3381], atol=0.01)
