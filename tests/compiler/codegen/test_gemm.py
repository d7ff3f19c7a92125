"""Matrix products against NumPy. Every buffer ends where readable memory ends, so that an access beyond it crashes."""
from __future__ import annotations

import ctypes
import itertools
import mmap
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from graphflow.compiler.codegen import gemm, unit_gemm
from graphflow.compiler.codegen.gemm import lower_gemm
from graphflow.compiler.codegen.kernel import Scratch
from graphflow.compiler.native import processor
from graphflow.compiler.native.processor import isa, lanes
from graphflow.runtime.kernel_cache import load
from hypothesis import given, settings
from hypothesis import strategies as st

DTYPES = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64}
LIBC = ctypes.CDLL(None)
TRANSPOSES = list(itertools.product((False, True), repeat=2))
WIDE = pytest.mark.skipif(lanes("f32") < 8, reason="vectors of 16 bytes have other kernels for these sizes")


def guarded(shape, dtype, fill=None) -> np.ndarray:
    """An array whose last byte is the last one before a page that may not be touched."""
    nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    size = -(-nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, size + mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    assert LIBC.mprotect(ctypes.c_void_p(address + size), ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    array = np.frombuffer(memory, np.uint8, nbytes, size - nbytes).view(dtype).reshape(shape)
    array[...] = (fill if fill is not None else 0)
    return array


class Machine:
    """Runs plans by hand."""

    def run(self, calls, arrays, cuts=None) -> None:
        """Run all calls, each with its tasks cut into the given number of ranges."""
        ranges = cuts or 1
        scratch = {}
        for call in calls:
            for handle in call.buffers:
                if isinstance(handle, Scratch):
                    # NaN: what a kernel has not written itself must not reach the result
                    count = -(-handle.total(ranges) // 8)
                    scratch.setdefault(handle, guarded((count,), np.float64, np.nan))
            memory = [scratch[handle] if isinstance(handle, Scratch) else arrays[handle] for handle in call.buffers]
            buffers = np.array([array.ctypes.data for array in memory], np.int64)
            dims = np.array(call.dims, np.int64)
            function = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)(load(call.source))
            edges = [call.tasks * i // ranges for i in range(ranges + 1)]
            for lane in reversed(range(ranges)):
                function(buffers.ctypes.data, dims.ctypes.data, edges[lane], edges[lane + 1], lane)


@pytest.fixture(autouse=True)
def without_matrix_unit(monkeypatch):
    """The kernels of all processors; test_unit_gemm.py has those of the matrix unit."""
    monkeypatch.setattr(unit_gemm, "pays", lambda product: False)


@pytest.fixture(scope="session")
def machine() -> Machine:
    return Machine()


def operand(random, shape, dtype) -> np.ndarray:
    values = random.integers(-9, 9, shape) if dtype.startswith("i") else random.standard_normal(shape)
    return guarded(shape, DTYPES[dtype], values)


def check(machine, m, k, n, transpose_a=False, transpose_b=False, dtype="f32", batch=(), a_batch=None, b_batch=None,
          cuts=None, **options) -> list:
    """Compare with NumPy; `a_batch` and `b_batch` are the operands' own batch shapes, broadcast to `batch`."""
    random = np.random.default_rng(m * 10007 + k * 101 + n)
    a_batch, b_batch = (batch if own is None else own for own in (a_batch, b_batch))
    a = operand(random, (*a_batch, *((k, m) if transpose_a else (m, k))), dtype)
    b = operand(random, (*b_batch, *((n, k) if transpose_b else (k, n))), dtype)
    c = guarded((*batch, m, n), DTYPES[dtype], -77)

    def strides(array):
        view = np.broadcast_to(array, (*batch, *array.shape[-2:]))
        return [0 if size == 1 else stride // array.itemsize
                for size, stride in zip(batch, view.strides[:len(batch)], strict=True)]

    calls = lower_gemm("a", "b", "c", dtype=dtype, m=m, n=n, k=k, batch=batch, a_batch_strides=strides(a),
                       b_batch_strides=strides(b), transpose_a=transpose_a, transpose_b=transpose_b, **options)
    machine.run(calls, {"a": a, "b": b, "c": c}, cuts)
    x, y = (v.swapaxes(-1, -2) if t else v for v, t in ((a, transpose_a), (b, transpose_b)))
    tolerance = {"f32": 2e-6, "f64": 1e-14}.get(dtype, 0) * max(1, k) ** 0.5 * 3
    np.testing.assert_allclose(c, np.matmul(x, y), rtol=0 if tolerance == 0 else tolerance * 10, atol=tolerance)
    return calls


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("transposes", TRANSPOSES)
def test_remainders_around_the_tile(machine, dtype, transposes):
    mr, width, nv = isa().mr, lanes(dtype), isa().nv
    rows = {1, 2, mr // 2, mr // 2 + 1, mr - 1, mr, mr + 1, 3 * mr - 1}
    columns = {1, 2, width - 1, width, width + 1, nv * width - 1, nv * width, nv * width + 1, (2 * nv + 1) * width + 3}
    for m, n in itertools.product(sorted(rows), sorted(columns)):
        check(machine, m, 2 * width + 3, n, *transposes, dtype)


@pytest.mark.parametrize("transposes", TRANSPOSES)
def test_deep_and_tall_products_pack_and_block(machine, transposes):
    for m, k, n in ((40, 2100, 130), (100, 700, 200), (17, 1025, 49)):
        check(machine, m, k, n, *transposes)
    for size, dtype in (((64, 1024, 128), "f32"), ((270, 390, 97), "f32"), ((261, 450, 100), "f64")):
        for batch in ((), (1, 1)):
            packed = check(machine, *size, True, transposes[1], dtype, batch, cuts=3)
            assert [call.name for call in packed] == ["gemm_pack_a", "gemm"]


@WIDE
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_rows_of_b_pass_as_they_lie_under_few_rows_of_c(machine, dtype):
    panel = isa().nv * lanes(dtype)
    for m, k, n, streams in ((9, 300, 200, True), (27, 128, 100, True), (9, 300, panel, False), (300, 40, 200, False),
                             (300, 20, 200, True)):
        call, = check(machine, m, k, n, dtype=dtype, cuts=3)
        assert ('fetch="rows"' in call.source) == streams
    packed, call = check(machine, 20, 400, 150, True, dtype=dtype, cuts=2)
    assert packed.name == "gemm_pack_a" and 'fetch="rows"' in call.source


@WIDE
@pytest.mark.parametrize("transpose_b", [False, True])
def test_only_products_of_far_a_fetch_its_next_tile(machine, transpose_b):
    """A of a megabyte, in a batch or not; not what a cache keeps, what a batch shares, or what meets one vector."""
    stack = {"batch": (20,), "b_batch": (20,)}
    for size, dtype, batch, fetches in (
            ((531, 520, 500), "f32", {}, True), ((531, 300, 200), "f64", {}, True),
            ((131, 128, 40), "f32", stack, True), ((131, 128, 40), "f32", stack | {"a_batch": (1,)}, False),
            ((131, 128, 100), "f32", {}, False), ((1100, 500, 5), "f32", {}, False)):
        calls = check(machine, *size, False, transpose_b, dtype, cuts=2, **batch)
        assert ('fetch="tile"' in calls[-1].source) == fetches, size


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_threads_combine_rows_that_lie_together(machine, dtype):
    """Of a row that is a matrix's rows combined, each thread sums some of them; of a column, it has some elements."""
    for (k, n), threads, cuts in (((1001, 300), 3, 3), ((1001, 300), 2, 1), ((520, 130), 8, 2), ((2, 200_000), 2, 2)):
        row = [call.name for call in check(machine, 1, k, n, dtype=dtype, threads=threads, cuts=cuts)]
        assert row == (["gemv_sum", "gemm_sum"] if k > 8 else ["gemv_sum"])
        column, = check(machine, n, k, 1, True, False, dtype, threads=threads, cuts=cuts)
        assert column.tasks >= min(threads, n // 64)


@pytest.mark.parametrize("dtype", ["f32", "f64", "i32"])
@pytest.mark.parametrize("few", [2, 3, 7])
def test_few_rows_or_columns_are_dot_products_or_computed_transposed(machine, dtype, few):
    def first(m, k, n, *transposes, **options):
        return check(machine, m, k, n, *transposes, dtype=dtype, cuts=3, **options)[0].name

    wide = isa().vector_bytes == 64
    for batch in ((), (3,), (2, 3)):
        assert first(50, 131, few, False, True, batch=batch) == first(few, 131, 50, False, True, batch=batch) == (
            "gemm_dots")
        assert (first(50, 131, few, batch=batch) == "gemm_pack_few") == (few < 7)
        assert first(few, 131, 50, True, True, batch=batch) == "gemm_pack_few"
        turned = check(machine, 307, 64, few, True, batch[:1] == (), dtype, batch, cuts=3)
        assert (turned[-1].name == "gemm_turn") == (2 * few <= lanes(dtype)) or not wide
    assert first(50, 131, 2, batch=(3, 2), b_batch=(2,)) == "gemm"  # matrices that do not lie one after the other
    # more rows repay B's transposing, unless k is long
    for n, k, transpose_a, name in ((50, 200, False, "gemm"), (50, 600, False, "gemm_dots"),
                                    (40, 600, True, "gemm"), (70, 600, True, "gemm_pack_few")):
        assert first(few + 9, k, n, transpose_a, True) == name
    assert first(3, 9000, 4, False, True, threads=4) == "gemm_dots"  # and their parts' sums


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_b_is_transposed_for_a_large_c_of_short_sums(machine, dtype, monkeypatch):
    for nbytes, names in ((1 << 14, ["gemm_pack_few", "gemm"]), (1 << 30, ["gemm"])):
        monkeypatch.setattr(gemm, "second_level", lambda nbytes=nbytes: nbytes)
        assert [call.name for call in check(machine, 61, 11, 157, False, True, dtype, cuts=3)] == names


@pytest.mark.parametrize("dtype", ["f32", "f64", "i64"])
@pytest.mark.parametrize("k", [1, 7, 131])
def test_rows_times_a_vector_are_dot_products_however_many(machine, dtype, k):
    for rows in (*range(1, 8), 16, 19, 37):
        for batch in ((), (3,)):
            call, = check(machine, rows, k, 1, dtype=dtype, batch=batch, cuts=2)
            assert call.name == ("gemv_dots" if k > 1 else "gemv_sum")


@settings(max_examples=60)
@given(m=st.integers(0, 40), k=st.integers(0, 70), n=st.integers(0, 120), transposes=st.sampled_from(TRANSPOSES),
       dtype=st.sampled_from(list(DTYPES)), cuts=st.integers(1, 5))
def test_any_size_matches_numpy(machine, m, k, n, transposes, dtype, cuts):
    check(machine, m, k, n, *transposes, dtype, cuts=cuts)


@pytest.mark.parametrize("dtype", ["f32", "i64"])
@pytest.mark.parametrize("size", [(0, 3, 4), (3, 4, 0), (3, 0, 4), (1, 0, 4), (3, 0, 1), (20, 0, 60)])
def test_empty_dimensions(machine, size, dtype):
    calls = check(machine, *size, dtype=dtype)
    assert bool(calls) == (size[0] * size[2] > 0)
    assert check(machine, 3, 4, 5, batch=(2, 0), b_batch=()) == []


@pytest.mark.parametrize("size", [(9, 20, 50), (1, 20, 50), (9, 20, 1)])
@pytest.mark.parametrize("transposes", TRANSPOSES)
def test_batches_broadcast(machine, size, transposes):
    for a_batch, b_batch in (((3, 2), (3, 2)), ((), (3, 2)), ((3, 2), ()), ((3, 1), (2,)), ((1, 2), (3, 1))):
        check(machine, *size, *transposes, batch=(3, 2), a_batch=a_batch, b_batch=b_batch, cuts=3)


def test_stacked_rows_that_share_b_are_one_product(machine):
    stacked = check(machine, 10, 30, 20, batch=(4, 5), b_batch=())
    plain = check(machine, 200, 30, 20)
    assert [call.dims for call in stacked] == [call.dims for call in plain]


@WIDE
def test_huge_inner_dimension_is_split_over_threads(machine):
    calls = check(machine, 10, 30001, 12, threads=4, cuts=3)
    assert [call.name for call in calls] == ["gemm", "gemm_sum"]
    assert calls[0].tasks >= 4
    check(machine, 5, 9000, 12, True, True, "f64", batch=(2,), threads=8, cuts=3)


@pytest.mark.parametrize("size", [(30, 40, 100), (20, 300, 150), (1, 40, 1000), (50, 40, 1), (10, 9000, 12),
                                  (90, 200, 3)])
def test_results_do_not_depend_on_the_ranges(machine, size):
    m, k, n = size
    random = np.random.default_rng(0)
    a, b = operand(random, (m, k), "f32"), operand(random, (k, n), "f32")
    results = []
    for cuts in (1, 2, 3, 7):
        c = guarded((m, n), np.float32)
        machine.run(lower_gemm("a", "b", "c", dtype="f32", m=m, n=n, k=k), {"a": a, "b": b, "c": c}, cuts)
        results.append(c)
    assert all(np.array_equal(results[0], other) for other in results[1:])


@dataclass
class BiasRelu:
    """y = max(C + bias, 0) into the epilogue's own buffer; its size slot carries n."""

    n: int
    key: str = "bias_relu"
    beside: tuple = ()
    imports: frozenset = frozenset({"load_f32", "store_f32", "f32"})
    buffers: tuple = ("bias", "y")

    @property
    def dims(self):
        return (self.n,)

    def setup(self, buffer_slot, dim_slot):
        return [f"e_bias = word(buffers, {buffer_slot})", f"e_y = word(buffers, {buffer_slot + 1})",
                f"e_n = word(dims, {dim_slot})"]

    def apply(self, row, begin, end, c, to=""):
        return [f"for j in range({end} - ({begin})):",
                f"    e_sum = load_f32({c}, {row} * e_n + {begin} + j, 40) + load_f32(e_bias, {begin} + j, 41)",
                f"    store_f32(e_y, {row} * e_n + {begin} + j, max(e_sum, f32(0)), 42)"]


@pytest.mark.parametrize("size", [(33, 50, 70), (21, 300, 150), (33, 2100, 10), (20, 0, 30), (1, 40, 600),
                                  (1, 0, 3), (40, 30, 1), (1, 1, 1), (9, 9000, 12), (300, 90, 3), (4, 90, 70),
                                  (3, 9000, 4)])
@pytest.mark.parametrize("transposes", TRANSPOSES)
def test_epilogue_sees_every_element_once_it_is_complete(machine, size, transposes):
    m, k, n = size
    random = np.random.default_rng(1)
    for batch in ((), (2,)):
        a = operand(random, (*batch, *((k, m) if transposes[0] else (m, k))), "f32")
        b = operand(random, (*batch, *((n, k) if transposes[1] else (k, n))), "f32")
        bias = operand(random, (n,), "f32")
        arrays = {"a": a, "b": b, "bias": bias} | {name: guarded((*batch, m, n), np.float32, np.nan) for name in "cy"}
        calls = lower_gemm("a", "b", "c", dtype="f32", m=m, n=n, k=k, batch=batch, a_batch_strides=[m * k] * len(batch),
                           b_batch_strides=[k * n] * len(batch), transpose_a=transposes[0], transpose_b=transposes[1],
                           epilogue=BiasRelu(n))
        machine.run(calls, arrays, cuts=2)
        x, y = (v.swapaxes(-1, -2) if t else v for v, t in zip((a, b), transposes, strict=True))
        expected = np.maximum(np.matmul(x, y) + bias, 0)
        np.testing.assert_allclose(arrays["y"], expected, rtol=1e-3, atol=1e-3)
        assert calls[-1].name.endswith("+bias_relu")


def test_nan_and_infinity_stay_in_their_rows_and_columns(machine):
    a, b = guarded((11, 40), np.float32, 1), guarded((40, 53), np.float32, 1)
    a[3, 5], b[7, 50] = np.nan, np.inf
    c = guarded((11, 53), np.float32)
    machine.run(lower_gemm("a", "b", "c", dtype="f32", m=11, n=53, k=40), {"a": a, "b": b, "c": c})
    expected = a @ b
    np.testing.assert_array_equal(c, expected)
    assert np.isnan(c[3]).all() and np.isinf(np.delete(c[:, 50], 3)).all()


def test_models_share_few_sources():
    """Forward, weight-gradient and input-gradient products of an MLP, at two batch sizes."""
    sources = set()
    for batch, (inputs, outputs) in itertools.product((128, 96), ((784, 512), (512, 256), (256, 32))):
        for m, k, n, *transposes in ((batch, inputs, outputs, False, False), (inputs, batch, outputs, True, False),
                                     (batch, outputs, inputs, False, True)):
            sources |= {call.source for call in lower_gemm(
                "a", "b", "c", dtype="f32", m=m, n=n, k=k, transpose_a=transposes[0], transpose_b=transposes[1])}
    assert len(sources) <= 3


def test_what_is_fetched_depends_on_the_second_level_cache(monkeypatch):
    def fetches(m, k, n):
        return 'fetch="tile"' in lower_gemm("a", "b", "c", dtype="f32", m=m, n=n, k=k)[-1].source

    assert processor.second_level() >= 1 << 17
    monkeypatch.setattr(gemm, "second_level", lambda: 1 << 20)
    assert fetches(512, 256, 48) and not fetches(200, 256, 48) and not fetches(4096, 32, 32)
    monkeypatch.setattr(gemm, "second_level", lambda: 1 << 21)
    assert fetches(1100, 256, 48) and not fetches(512, 256, 48)


def test_an_epilogue_needs_floats():
    with pytest.raises(ValueError, match="gemm: an epilogue needs a floating dtype, received i32"):
        lower_gemm("a", "b", "c", dtype="i32", m=2, n=2, k=2, epilogue=BiasRelu(2))


@pytest.mark.skipif("GRAPHFLOW_CPU" in os.environ, reason="already on a lesser instruction set")
@pytest.mark.parametrize("cpu", ["avx2", "generic"])
def test_lesser_processors(cpu):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__,
                           "-k", "remainders or deep or ranges or few_rows_or"],
                          env=os.environ | {"GRAPHFLOW_CPU": cpu}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
