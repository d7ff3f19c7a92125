"""PyTensor (Numba mode, C for little arithmetic): step times of the reference workloads."""
import numpy as np
import pytensor
import pytensor.tensor as pt
from timing import main, measure

pytensor.config.floatX = "float32"
random = np.random.RandomState(0)


def zeros_like(shared):
    return pytensor.shared(np.zeros_like(shared.get_value()))


def compiled_mlp():
    """The compiled Adam step, a function of images and labels."""
    x, labels = pt.matrix("x", dtype="float32"), pt.ivector("labels")
    params, h = [], x
    for m, n in [(784, 512), (512, 256), (256, 10)]:
        w = pytensor.shared(random.randn(m, n).astype("float32") * 0.05)
        b = pytensor.shared(np.zeros(n, "float32"))
        params += [w, b]
        h = (pt.maximum(h, 0) if h is not x else h) @ w + b
    loss = -pt.special.log_softmax(h, axis=-1)[pt.arange(labels.shape[0]), labels].mean()

    f32 = np.float32
    t = pytensor.shared(f32(0))
    updates = [(t, t + f32(1))]
    for p, g in zip(params, pytensor.grad(loss, params), strict=True):
        m, v = zeros_like(p), zeros_like(p)
        m_next, v_next = f32(0.9) * m + f32(0.1) * g, f32(0.999) * v + f32(0.001) * g * g
        m_hat, v_hat = m_next / (1 - f32(0.9) ** (t + 1)), v_next / (1 - f32(0.999) ** (t + 1))
        updates += [(m, m_next), (v, v_next), (p, p - f32(1e-3) * m_hat / (pt.sqrt(v_hat) + f32(1e-7)))]
    return pytensor.function([x, labels], loss, updates=updates, mode="NUMBA")


def mlp_batch():
    return random.rand(128, 784).astype("float32"), random.randint(0, 10, 128).astype("int32")


def mlp_b128():
    step, data = compiled_mlp(), mlp_batch()
    measure("mlp_b128/numba", lambda: step(*data), 50)


def tiny_step():
    x, y = pt.scalar("x", dtype="float32"), pt.scalar("y", dtype="float32")
    w, b = pytensor.shared(np.float32(0.1)), pytensor.shared(np.float32(0.2))
    loss = (x * w + b - y) ** 2
    dw, db = pytensor.grad(loss, [w, b])
    rate = np.float32(0.01)
    inputs = np.array(1, "float32"), np.array(2, "float32")
    modes = {"numba": "NUMBA"}
    if pytensor.config.cxx:  # a compiler of C++
        modes["c"] = pytensor.compile.mode.Mode("cvm", "fast_run")
    for variant, mode in modes.items():
        step = pytensor.function([x, y], loss, updates=[(w, w - rate * dw), (b, b - rate * db)], mode=mode)
        measure(f"tiny_step/{variant}", lambda step=step: step(*inputs), 1000)
        step.trust_input = True  # without a look at what it is given
        measure(f"tiny_callable/{variant}, trusting", lambda step=step: step(*inputs), 1000)


main({
    "mlp_b128": mlp_b128,
    "tiny_step": tiny_step,
    "startup_numba, warm": lambda: compiled_mlp()(*mlp_batch()),
})
