"""`tf.test`: unit tests with sessions, comparisons of arrays, and numeric gradients."""
from __future__ import annotations

import contextlib
import os
import re
import tempfile
import unittest
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from unittest import mock

import numpy as np

from .compiler.errors import OpError
from .compiler.ir import Graph, Tensor, default_graph, reset_default_graph
from .compiler.ops.constant import convert_to_tensor
from .eager_mode import executing_eagerly
from .framework import gradients, set_random_seed
from .lazy import Names
from .nest import map_structure
from .runtime.session import default_session
from .session import Session

__all__ = ["TestCase", "compute_gradient", "compute_gradient_error", "get_temp_dir", "gpu_device_name",
           "is_built_with_cuda", "is_built_with_gpu_support", "is_built_with_rocm", "is_built_with_xla",
           "is_cpu_target_available", "is_gpu_available", "main", "mock", "test_src_dir_path"]

_temporary: list[tempfile.TemporaryDirectory] = []


def get_temp_dir() -> str:
    """A folder for the tests of this process, removed when it ends."""
    if not _temporary:
        _temporary.append(tempfile.TemporaryDirectory(prefix="graphflow-test-"))
    return _temporary[0].name


def test_src_dir_path(relative_path: str) -> str:
    """A path below the current folder, where tests run."""
    return os.path.join(os.getcwd(), relative_path)


test_src_dir_path.__test__ = False  # type: ignore[attr-defined]


class TestCase(unittest.TestCase):
    """A test case that starts with an empty default graph and fixed seeds."""

    _cached: Session | None = None

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        cls.__test__ = cls.__dict__.get("__test__", True)  # type: ignore[attr-defined]  # see the end of this file

    def setUp(self) -> None:
        super().setUp()
        np.random.seed(1234)
        reset_default_graph()
        set_random_seed(1234)
        self._cached = None

    def tearDown(self) -> None:
        if self._cached is not None:
            self._cached.close()
        super().tearDown()

    def get_temp_dir(self) -> str:
        """A folder of this test's own."""
        folder = os.path.join(get_temp_dir(), re.sub(r"\W", "_", self.id()))
        os.makedirs(folder, exist_ok=True)
        return folder

    # sessions

    @contextlib.contextmanager
    def session(self, graph: Graph | None = None, config: Any = None, use_gpu: bool = True, force_gpu: bool = False
                ) -> Iterator[Session]:
        """A new session, the default one."""
        with Session(graph=graph if graph is not None else default_graph(), config=config) as session:
            yield session

    @contextlib.contextmanager
    def cached_session(self, graph: Graph | None = None, config: Any = None, use_gpu: bool = True,
                       force_gpu: bool = False) -> Iterator[Session]:
        """This test's session, which keeps its variables from one `with` to the next."""
        if self._cached is None:
            self._cached = Session(graph=graph if graph is not None else default_graph(), config=config)
        with self._cached.graph.as_default(), self._cached.as_default():
            yield self._cached

    def test_session(self, graph: Graph | None = None, config: Any = None, use_gpu: bool = True,
                     force_gpu: bool = False) -> Any:
        """As `cached_session` for the default graph, else as `session`."""
        make = self.cached_session if graph is None else self.session
        return make(graph, config, use_gpu, force_gpu)

    test_session.__test__ = False  # type: ignore[attr-defined]

    def evaluate(self, tensors: Any) -> Any:
        """The values of a nest of tensors in the default session (or a new one)."""
        if executing_eagerly():
            return map_structure(lambda t: t.numpy() if hasattr(t, "numpy") else t, tensors)
        session = default_session()
        if session is not None:
            return session.run(tensors)
        with self.test_session() as own:
            return own.run(tensors)

    # comparisons

    def _array(self, value: Any) -> np.ndarray:
        if isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
            value = self.evaluate(value)
        return np.asarray(value)

    def _pairs(self, a: Any, b: Any, path: str = "") -> Iterator[tuple[np.ndarray, np.ndarray, str]]:
        """Corresponding arrays of two nests of dicts and sequences."""
        if isinstance(a, Mapping):
            self.assertEqual(set(a), set(b), f"keys differ{path}")
            for key in a:
                yield from self._pairs(a[key], b[key], f"{path}[{key!r}]")
        elif isinstance(a, (list, tuple)) and not _is_plain(a):
            self.assertEqual(len(a), len(b), f"lengths differ{path}")
            for i, (x, y) in enumerate(zip(a, b, strict=True)):
                yield from self._pairs(x, y, f"{path}[{i}]")
        else:
            yield self._array(a), self._array(b), path

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """The arrays (or nests of them) have the same shapes and close elements; NaN equals NaN."""
        for x, y, path in self._pairs(a, b):
            self.assertEqual(x.shape, y.shape, f"Shape mismatch{path}: expected {x.shape}, got {y.shape}. {msg or ''}")
            loose = "float16" in (x.dtype.name, y.dtype.name) or "bfloat16" in (x.dtype.name, y.dtype.name)
            np.testing.assert_allclose(x.astype(np.float32) if loose else x, y.astype(np.float32) if loose else y,
                                       rtol=max(rtol, 1e-2) if loose else rtol, atol=max(atol, 1e-2) if loose else atol,
                                       err_msg=f"{msg or ''}{path}")

    def assertAllCloseAccordingToType(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6,
                                      float_rtol: float = 1e-6, float_atol: float = 1e-6, half_rtol: float = 1e-3,
                                      half_atol: float = 1e-3, bfloat16_rtol: float = 1e-2,
                                      bfloat16_atol: float = 1e-2, msg: str | None = None) -> None:
        """assertAllClose with tolerances that suit the less precise of the two element types."""
        x, y = self._array(a), self._array(b)
        types = {x.dtype.name, y.dtype.name}
        for names, r, t in (({"float32", "complex64"}, float_rtol, float_atol), ({"float16"}, half_rtol, half_atol),
                            ({"bfloat16"}, bfloat16_rtol, bfloat16_atol)):
            if types & names:
                rtol, atol = max(rtol, r), max(atol, t)
        self.assertAllClose(x, y, rtol, atol, msg)

    def assertNotAllClose(self, a: Any, b: Any, **kwargs: Any) -> None:
        try:
            self.assertAllClose(a, b, **kwargs)
        except AssertionError:
            return
        raise AssertionError("The two values are close at all elements")

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """The arrays have the same shape and elements; texts compare as bytes."""
        x, y = self._array(a), self._array(b)
        self.assertEqual(x.shape, y.shape, f"Shape mismatch: expected {x.shape}, got {y.shape}. {msg or ''}")
        np.testing.assert_array_equal(_as_bytes(x), _as_bytes(y), err_msg=msg or "")

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(f"The two values are equal at all elements. {msg or ''}")

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:
        self.assertGreater(np.min(self._array(a)), comparison_target)

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:
        self.assertGreaterEqual(np.min(self._array(a)), comparison_target)

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:
        self.assertLess(np.max(self._array(a)), comparison_target)

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:
        self.assertLessEqual(np.max(self._array(a)), comparison_target)

    def assertAllInRange(self, target: Any, lower_bound: Any, upper_bound: Any, open_lower_bound: bool = False,
                         open_upper_bound: bool = False) -> None:
        x = self._array(target)
        low = x > lower_bound if open_lower_bound else x >= lower_bound
        high = x < upper_bound if open_upper_bound else x <= upper_bound
        self.assertTrue((low & high).all(), f"elements outside of {lower_bound} to {upper_bound}: {x[~(low & high)]}")

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        self.assertLessEqual(set(self._array(target).ravel().tolist()), set(expected_set))

    def assertShapeEqual(self, np_array: Any, tf_tensor: Tensor, msg: str | None = None) -> None:
        """The array has the tensor's static shape."""
        self.assertEqual(list(np.shape(np_array)), tf_tensor.get_shape().as_list(), msg)

    def assertNear(self, f1: float, f2: float, err: float, msg: str | None = None) -> None:
        self.assertTrue(f1 == f2 or abs(f1 - f2) <= err, f"{f1} != {f2} +/- {err}. {msg or ''}")

    def assertArrayNear(self, farray1: Any, farray2: Any, err: float, msg: str | None = None) -> None:
        self.assertEqual(len(farray1), len(farray2), msg)
        for f1, f2 in zip(farray1, farray2, strict=True):
            self.assertNear(float(f1), float(f2), err, msg)

    def assertNDArrayNear(self, ndarray1: Any, ndarray2: Any, err: float, msg: str | None = None) -> None:
        self.assertLessEqual(float(np.linalg.norm(np.asarray(ndarray1) - np.asarray(ndarray2))), err, msg)

    def assertStartsWith(self, actual: str, expected_start: str, msg: str | None = None) -> None:
        self.assertTrue(actual.startswith(expected_start), msg or f"{actual!r} does not start with {expected_start!r}")

    def assertItemsEqual(self, expected_seq: Any, actual_seq: Any, msg: str | None = None) -> None:
        self.assertCountEqual(expected_seq, actual_seq, msg)

    def assertEmpty(self, container: Any, msg: str | None = None) -> None:
        self.assertEqual(len(container), 0, msg)

    def assertNotEmpty(self, container: Any, msg: str | None = None) -> None:
        self.assertGreater(len(container), 0, msg)

    def assertLen(self, container: Any, expected_len: int, msg: str | None = None) -> None:
        self.assertEqual(len(container), expected_len, msg)

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        self.assertEqual(self._array(target).dtype, np.dtype(getattr(expected_dtype, "as_numpy_dtype", expected_dtype)))

    # errors

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type: type, expected_err_re_or_predicate: Any) -> Iterator[None]:
        """The block raises an error of that type whose text the pattern is found in, or that the predicate accepts."""
        try:
            yield
        except exception_type as error:  # type: ignore[misc]
            text = error.message if isinstance(error, OpError) else str(error)
            accepted = (expected_err_re_or_predicate(error) if callable(expected_err_re_or_predicate)
                        else re.search(expected_err_re_or_predicate, text) is not None)
            if not accepted:
                raise AssertionError(f"Exception of type {type(error).__name__}: {error}") from error
        else:
            self.fail(f"{exception_type.__name__} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        """assertRaisesWithPredicateMatch for any error of an op."""
        return self.assertRaisesWithPredicateMatch(OpError, expected_err_re_or_predicate)


TestCase.__test__ = False  # type: ignore[attr-defined]  # the base class itself is no test: pytest


def _is_plain(value: Sequence[Any]) -> bool:
    """A nest of numbers or texts, rather than of tensors, arrays or dicts."""
    return all(not isinstance(v, (Mapping, Tensor, np.ndarray)) and not hasattr(v, "_as_graph_element")
               and (not isinstance(v, (list, tuple)) or _is_plain(v)) for v in value)


def _as_bytes(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind not in "OUS":
        return x
    return np.array([v.encode() if isinstance(v, str) else v for v in x.ravel()], object).reshape(x.shape)


# numeric gradients

def compute_gradient(x: Any, x_shape: Any, y: Tensor, y_shape: Sequence[int], x_init_value: Any = None,
                     delta: float = 1e-3, init_targets: Any = None, extra_feed_dict: Mapping[Any, Any] | None = None
                     ) -> Any:
    """The Jacobian of `y` with respect to `x` [size of x, size of y], by `gradients` and by central differences of
    step `delta`: a pair, or a list of pairs for a list of `x`. Needs a default session."""
    if isinstance(x, (list, tuple)):
        starts = x_init_value or [None] * len(x)
        return [_gradient_pair(t, s, y, y_shape, v, delta, init_targets, extra_feed_dict)
                for t, s, v in zip(x, x_shape, starts, strict=True)]
    return _gradient_pair(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)


def _gradient_pair(x: Tensor, x_shape: Sequence[int], y: Tensor, y_shape: Sequence[int], start: Any, delta: float,
                   init_targets: Any, extra: Mapping[Any, Any] | None) -> tuple[np.ndarray, np.ndarray]:
    session = default_session()
    if session is None:
        raise ValueError("compute_gradient needs a default session")
    for target in init_targets if isinstance(init_targets, (list, tuple)) else [init_targets] if init_targets else []:
        session.run(target)
    value = np.asarray(np.random.random_sample(x_shape) if start is None else start, x.dtype.as_numpy_dtype)
    feeds = dict(extra or {})
    size, out = value.size, int(np.prod(y_shape))
    seed = convert_to_tensor(np.zeros(y_shape, y.dtype.as_numpy_dtype))
    found = gradients(y, x, grad_ys=seed)[0]
    if found is None:
        raise ValueError(f"there is no gradient of {y.name!r} with respect to {x.name!r}")
    theory, numeric = np.zeros((size, out)), np.zeros((size, out))
    for column in range(out):
        one = np.zeros(out, y.dtype.as_numpy_dtype)
        one[column] = 1
        theory[:, column] = np.asarray(session.run(convert_to_tensor(found),
                                                   {**feeds, x: value, seed: one.reshape(y_shape)})).ravel()
    for row in range(size):
        moved = []
        for sign in (1, -1):
            step = value.copy()
            step.reshape(-1)[row] += sign * delta
            moved.append(np.asarray(session.run(y, {**feeds, x: step}), np.float64).ravel())
        numeric[row] = (moved[0] - moved[1]) / (2 * delta)
    return theory, numeric


def compute_gradient_error(x: Any, x_shape: Any, y: Tensor, y_shape: Sequence[int], x_init_value: Any = None,
                           delta: float = 1e-3, init_targets: Any = None,
                           extra_feed_dict: Mapping[Any, Any] | None = None) -> float:
    """The largest difference between the two Jacobians of `compute_gradient`."""
    pairs = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    return max(float(np.abs(a - b).max(initial=0)) for a, b in (pairs if isinstance(pairs, list) else [pairs]))


# what the machine and the build have

def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """False: graphflow computes on the CPU."""
    return False


def gpu_device_name() -> str:
    """The empty string: there is no GPU."""
    return ""


def is_cpu_target_available(target: str) -> bool:
    """Whether kernels can be compiled for the processor family named: for this machine's own."""
    import platform
    return target in {"x86_64": ("x86", "x86_64"), "aarch64": ("aarch64", "arm")}.get(platform.machine(), ())


def _not_built() -> bool:
    """False: graphflow has a compiler of its own."""
    return False


is_built_with_cuda: Callable[[], bool] = _not_built
is_built_with_rocm = is_built_with_gpu_support = is_built_with_xla = is_built_with_cuda


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tests of the program's main module."""
    unittest.main(argv=list(argv) if argv is not None else None)


_names = Names(globals(), {
    "benchmark": "Benchmark StubOutForTesting assert_equal_graph_def benchmark_config create_local_cluster "
                 "disable_with_predicate experimental with_eager_op_as_function",
})
__all__ += _names.own()


def __getattr__(name: str) -> Any:
    return _names.load(name)
