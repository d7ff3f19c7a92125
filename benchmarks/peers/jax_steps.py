"""JAX (jit, hand-written models, optax): step times of the reference workloads."""
import jax
import jax.numpy as jnp
import numpy as np
import optax
from timing import main, measure

random = np.random.RandomState(0)


def glorot(*shape):
    return jnp.array(random.randn(*shape) / np.sqrt(np.prod(shape[:-1])), "float32")


def batch(*shape):
    return random.rand(*shape).astype("float32")


def dense_params(*sizes):
    return [(glorot(m, n), jnp.zeros(n)) for m, n in zip(sizes, sizes[1:], strict=False)]


def dense(params, x):
    for w, b in params[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = params[-1]
    return x @ w + b


def mlp_params():
    return dense_params(784, 512, 256, 10)


def cnn_params():
    convolutions = [(glorot(3, 3, 1, 32), jnp.zeros(32)), (glorot(3, 3, 32, 64), jnp.zeros(64))]
    return convolutions, dense_params(1600, 128, 10)


def cnn(params, x):
    convolutions, rest = params
    for w, b in convolutions:
        x = jax.lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.lax.reduce_window(jax.nn.relu(x + b), -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return dense(rest, x.reshape(x.shape[0], -1))


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()


def training_step(params, forward, x, y, **jit_options):
    """A function of no arguments that does one Adam step and waits for it."""
    optimizer = optax.adam(1e-3)

    def step(params, state, x, y):
        loss, grads = jax.value_and_grad(lambda p: cross_entropy(forward(p, x), y))(params)
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(params, updates), state, loss

    step = jax.jit(step, **jit_options)
    state = [params, optimizer.init(params)]

    def run():
        *state[:], loss = step(*state, x, y)
        return jax.block_until_ready(loss)

    return run


def train(name, params, forward, shape, count):
    x, y = batch(*shape), random.randint(0, 10, shape[0])
    measure(f"{name}/jit", training_step(params(), forward, x, y), count)
    measure(f"{name}/jit, donated", training_step(params(), forward, x, y, donate_argnums=(0, 1)), count)


def predict(name, params, forward, shape):
    params, x = params(), batch(*shape)
    compiled = jax.jit(forward)
    measure(f"{name}/jit", lambda: np.asarray(compiled(params, x)), 200)


def tiny_step():
    @jax.jit
    def step(w, b, x, y):
        loss, (dw, db) = jax.value_and_grad(lambda q: ((q[0] * x + q[1] - y) ** 2).sum())((w, b))
        return w - 0.01 * dw, b - 0.01 * db, loss

    state = [jnp.float32(0.1), jnp.float32(0.2)]
    x, y = np.float32(1), np.float32(2)

    def run():
        *state[:], loss = step(*state, x, y)
        return jax.block_until_ready(loss)

    measure("tiny_step/jit", run, 2000)


def chain():
    @jax.jit
    def normalized(x, gain, bias):
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        return jax.nn.softmax(jax.nn.gelu((x - mean) * jax.lax.rsqrt(variance + 1e-5) * gain + bias), -1)

    x, gain, bias = random.randn(4096, 1024).astype("float32"), np.ones(1024, "float32"), np.zeros(1024, "float32")
    measure("chain/jit", lambda: jax.block_until_ready(normalized(x, gain, bias)), 30)


main({
    "mlp_b128": lambda: train("mlp_b128", mlp_params, dense, (128, 784), 100),
    "cnn_b64": lambda: train("cnn_b64", cnn_params, cnn, (64, 28, 28, 1), 30),
    "tiny_step": tiny_step,
    "mlp_predict1": lambda: predict("mlp_predict1", mlp_params, dense, (1, 784)),
    "cnn_predict1": lambda: predict("cnn_predict1", cnn_params, cnn, (1, 28, 28, 1)),
    "chain": chain,
    "startup_jit": lambda: training_step(mlp_params(), dense, batch(128, 784), random.randint(0, 10, 128))(),
})
