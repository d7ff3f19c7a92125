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


def squared(outputs, wanted):
    return ((outputs - wanted) ** 2).mean()


def binary_cross_entropy(logits, labels):
    return optax.sigmoid_binary_cross_entropy(logits, labels).mean()


def recurrent_params(gates):
    """Of a cell with three or four gates, for both directions."""
    cell = [(glorot(128, gates * 64), glorot(64, gates * 64), jnp.zeros(gates * 64)) for _ in range(2)]
    return glorot(10_000, 128), cell, dense_params(128, 64, 1)


def lstm(weights, x):
    w, u, b = weights
    start = jnp.zeros((x.shape[1], 64))

    def step(state, projected):
        h, c = state
        i, f, g, o = jnp.split(projected + h @ u, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return jax.lax.scan(step, (start, start), x @ w + b)[1]


def gru(weights, x):
    w, u, b = weights

    def step(h, projected):
        z, r, n = jnp.split(projected, 3, -1)
        uz, ur, un = jnp.split(h @ u, 3, -1)
        z, r = jax.nn.sigmoid(z + uz), jax.nn.sigmoid(r + ur)
        h = z * h + (1 - z) * jnp.tanh(n + r * un)
        return h, h

    return jax.lax.scan(step, jnp.zeros((x.shape[1], 64)), x @ w + b)[1]


def recurrent(cell):
    def forward(params, ids):
        table, (ahead, back), rest = params
        x = table[ids].swapaxes(0, 1)
        both = jnp.concatenate([cell(ahead, x), cell(back, x[::-1])[::-1]], -1)
        return dense(rest, both.max(0))[:, 0]
    return forward


def normalized(x, gain, bias):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5) * gain + bias


def transformer_params():
    return ([glorot(256, 768), glorot(256, 256), glorot(256, 1024), glorot(1024, 256)],
            [jnp.zeros(n) for n in (768, 256, 1024, 256)], [f(256) for f in (jnp.ones, jnp.zeros) * 2])


def transformer(params, x):
    (projection, out, wide, narrow), (b1, b2, b3, b4), (gain1, bias1, gain2, bias2) = params
    q, k, v = jnp.split((x @ projection + b1).reshape(*x.shape[:2], 3 * 8, 32), 3, 2)
    attended = jax.nn.dot_product_attention(q, k, v).reshape(x.shape)
    h = normalized(x + attended @ out + b2, gain1, bias1)
    return normalized(h + jax.nn.gelu(h @ wide + b3, approximate=False) @ narrow + b4, gain2, bias2)


def embedding_bag(params, ids):
    table, rest = params
    return dense(rest, table[ids].mean(1))[:, 0]


def training_step(params, forward, x, y, loss=cross_entropy, **jit_options):
    """A function of no arguments that does one Adam step and waits for it."""
    optimizer = optax.adam(1e-3)

    def step(params, state, x, y):
        value, grads = jax.value_and_grad(lambda p: loss(forward(p, x), y))(params)
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(params, updates), state, value

    step = jax.jit(step, **jit_options)
    state = [params, optimizer.init(params)]

    def run():
        *state[:], value = step(*state, x, y)
        return jax.block_until_ready(value)

    return run


def train(name, params, forward, x, y, loss, count):
    measure(f"{name}/jit", training_step(params(), forward, x, y, loss), count)
    measure(f"{name}/jit, donated", training_step(params(), forward, x, y, loss, donate_argnums=(0, 1)), count)


def train_recurrent(name, cell, gates):
    train(name, lambda: recurrent_params(gates), recurrent(cell), random.randint(0, 10_000, (32, 200)),
          batch(32).round(), binary_cross_entropy, 10)


def predict(name, params, forward, shape):
    params, x = params(), batch(*shape)
    compiled = jax.jit(forward)
    measure(f"{name}/jit", lambda: np.asarray(compiled(params, x)), 200)


def attention():
    def forward(q, k, v):
        return jax.nn.softmax(q @ k.swapaxes(-1, -2) / 8) @ v

    inputs = q, k, v = [jnp.asarray(random.randn(8, 8, 512, 64), "float32") for _ in range(3)]
    dy = batch(8, 8, 512, 64)
    gradient = jax.jit(lambda q, k, v, dy: jax.vjp(forward, q, k, v)[1](dy))
    forward = jax.jit(forward)
    measure("attention_forward/jit", lambda: jax.block_until_ready(forward(*inputs)), 10)
    measure("attention_gradient/jit", lambda: jax.block_until_ready(gradient(q, k, v, dy)), 10)


def elementwise():
    @jax.jit
    def chained(x):
        h = x
        for _ in range(10):
            h = jnp.sqrt(jnp.abs(h * 1.01 + x)) - 0.5
        return h

    x = jnp.asarray(batch(10_000_000))
    measure("elementwise/jit", lambda: jax.block_until_ready(chained(x)), 10)


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
    compiled = jax.jit(lambda x, gain, bias: jax.nn.softmax(jax.nn.gelu(normalized(x, gain, bias))))
    x, gain, bias = random.randn(4096, 1024).astype("float32"), np.ones(1024, "float32"), np.zeros(1024, "float32")
    measure("chain/jit", lambda: jax.block_until_ready(compiled(x, gain, bias)), 30)


main({
    "mlp_b128": lambda: train("mlp_b128", mlp_params, dense, batch(128, 784), random.randint(0, 10, 128),
                              cross_entropy, 100),
    "cnn_b64": lambda: train("cnn_b64", cnn_params, cnn, batch(64, 28, 28, 1), random.randint(0, 10, 64),
                             cross_entropy, 30),
    "bilstm_b32": lambda: train_recurrent("bilstm_b32", lstm, 4),
    "bigru_b32": lambda: train_recurrent("bigru_b32", gru, 3),
    "transformer_b32": lambda: train("transformer_b32", transformer_params, transformer, batch(32, 128, 256),
                                     batch(32, 128, 256), squared, 10),
    "embedding_bag": lambda: train(
        "embedding_bag", lambda: (glorot(100_000, 64), dense_params(64, 1)), embedding_bag,
        random.randint(0, 100_000, (256, 100)), batch(256).round(), binary_cross_entropy, 10),
    "mlp_predict1": lambda: predict("mlp_predict1", mlp_params, dense, (1, 784)),
    "cnn_predict1": lambda: predict("cnn_predict1", cnn_params, cnn, (1, 28, 28, 1)),
    "tiny_step": tiny_step,
    "chain": chain,
    "attention": attention,
    "elementwise": elementwise,
    "startup_jit": lambda: training_step(mlp_params(), dense, batch(128, 784), random.randint(0, 10, 128))(),
})
