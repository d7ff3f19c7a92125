"""tf.contrib.integrate: numbers are those of the exact solutions."""
import numpy as np
import pytest

import graphflow as tf

integrate = tf.contrib.integrate


def run(fetches):
    with tf.Session() as session:
        return session.run(fetches)


def test_exponential_decay_with_gradient():
    rate, times = tf.constant(-0.5, tf.float64), [0.0, 1.0, 3.0]
    y = integrate.odeint(lambda y, t: rate * y, tf.constant([1.0, 2.0], tf.float64), times)
    assert y.shape.as_list() == [3, 2]
    value, slope = run([y, tf.gradients(y[-1, 0], rate)[0]])
    np.testing.assert_allclose(value, np.exp(-0.5 * np.array(times))[:, None] * [1, 2], rtol=1e-5)
    np.testing.assert_allclose(slope, 3 * np.exp(-1.5), rtol=1e-4)


def test_full_output_and_too_many_steps():
    y, info = integrate.odeint(lambda y, t: tf.stack([y[1], -y[0]]), tf.constant([0.0, 1.0], tf.float64),
                               np.linspace(0, 2, 3), full_output=True)
    value, info = run([y, info])
    np.testing.assert_allclose(value[:, 0], np.sin([0, 1, 2]), atol=1e-5)
    steps = info["integrate_points"]
    assert info["num_func_evals"] == 6 * len(steps) + 1 and steps[-1] >= 2
    assert info["error_ratio"].shape == steps.shape
    few = integrate.odeint(lambda y, t: -y, 1.0, [0.0, 10.0], method="dopri5", options={"max_num_steps": 1})
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_num_steps = 1 steps"):
        run(few)


@pytest.mark.parametrize(("method", "tolerance"), [("midpoint", 2e-2), ("rk4", 1e-4)])
def test_fixed_steps(method, tolerance):
    y = integrate.odeint_fixed(lambda y, t: -y, tf.constant(1.0, tf.float64), [0.0, 1.0, 1.7], dt=0.2, method=method)
    np.testing.assert_allclose(run(y), np.exp([0, -1, -1.7]), rtol=tolerance)


def test_arguments():
    with pytest.raises(ValueError, match="not supported"):
        integrate.odeint(lambda y, t: y, 1.0, [0, 1], method="foo")
    with pytest.raises(ValueError, match="without specifying"):
        integrate.odeint(lambda y, t: y, 1.0, [0, 1], options={})
    with pytest.raises(TypeError, match="y0"):
        integrate.odeint(lambda y, t: y, 1, [0.0, 1.0])
    with pytest.raises(ValueError, match="method not supported"):
        integrate.odeint_fixed(lambda y, t: y, 1.0, [0.0, 1.0], method="euler")
