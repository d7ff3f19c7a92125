"""`tf.linalg` against NumPy, for unknown sizes too; operators against their matrices."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

A = np.random.default_rng(0).normal(size=(2, 3, 3)).astype(np.float32) + 3 * np.eye(3, dtype=np.float32)
B = np.random.default_rng(1).normal(size=(2, 3, 2)).astype(np.float32)


def run(tensors, feeds=None):
    with tf.Session() as session:
        return session.run(tensors, feeds)


def close(value, wanted):
    np.testing.assert_allclose(value, wanted, rtol=2e-4, atol=2e-5)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default():
        yield


@pytest.mark.parametrize("shape", [[2, 3, 3], [None, None, None]])
def test_factors_put_to_use(shape):
    x = tf.placeholder(tf.float32, shape)
    factors, perm = tf.linalg.lu(x)
    s, u, v = tf.linalg.svd(x)
    values = run([tf.linalg.lu_reconstruct(factors, perm), tf.linalg.lu_solve(factors, perm, B),
                  tf.linalg.lu_matrix_inverse(factors, perm), tf.linalg.pinv(x), tf.linalg.matrix_rank(x),
                  tf.matmul(u * s[:, None], v, adjoint_b=True), tf.linalg.norm(x, 2, [1, 2])], {x: A})
    for value, wanted in zip(values, [A, np.linalg.solve(A, B), np.linalg.inv(A), np.linalg.pinv(A), [3, 3], A,
                                      np.linalg.norm(A, 2, (1, 2))], strict=True):
        close(value, wanted)


def test_bands_and_diagonals():
    packed = run(tf.linalg.diag_part(A, k=(-1, 1)))
    close(packed[0], [[0, *np.diag(A[0], 1)], np.diag(A[0]), [*np.diag(A[0], -1), 0]])
    close(run(tf.linalg.diag(packed, k=(-1, 1))), np.triu(np.tril(A, 1), -1))
    close(run(tf.linalg.diag_part(A[:, :2], k=1, padding_value=9.0)), A[:, [0, 1], [1, 2]])
    close(run(tf.linalg.diag_part(A, k=(0, 1), padding_value=9.0, align="LEFT_LEFT"))[1, 0], [*np.diag(A[1], 1), 9])
    close(run(tf.matrix_set_diag(A[:, :2], np.zeros((2, 2), np.float32))), A[:, :2] * (1 - np.eye(2, 3)))
    close(run(tf.diag([1.0, 2.0])), np.diag([1, 2]))
    close(run(tf.matrix_band_part(A, 0, -1)), np.triu(A))


@pytest.mark.parametrize("form", ["compact", "sequence", "matrix"])
def test_tridiagonal(form):
    upper, main, lower = np.array([[1, 2, 0], [4, 5, 6], [0, 1, 2]], np.float32)
    matrix = np.diag(main) + np.diag(upper[:-1], 1) + np.diag(lower[1:], -1)
    diagonals = {"compact": np.stack([upper, main, lower]), "sequence": (upper[:-1], main, lower[1:]),
                 "matrix": matrix}[form]
    close(run(tf.linalg.tridiagonal_solve(diagonals, B[0], form)), np.linalg.solve(matrix, B[0]))
    close(run(tf.linalg.tridiagonal_matmul(diagonals, B[0], form)), matrix @ B[0])
    close(run(tf.linalg.eigh_tridiagonal([4.0, 5.0], [1.0])), np.linalg.eigvalsh([[4, 1], [1, 5]]))


def test_products_and_errors():
    close(run(tf.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])), [0, 0, 1])
    close(run(tf.linalg.matvec(A, B[:, :, 0])), np.einsum("bij,bj->bi", A, B[:, :, 0]))
    unit, size = run(tf.linalg.normalize(A, axis=-1))
    close(unit * size, A)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
        run(tf.matrix_inverse(np.zeros((2, 2), np.float32)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Cholesky"):
        run(tf.cholesky(-np.eye(2, dtype=np.float32)))
    with pytest.raises(ValueError, match="square"):
        tf.matrix_inverse(np.zeros((2, 3), np.float32))


OPERATORS = {
    "full": lambda: tf.linalg.LinearOperatorFullMatrix(A),
    "definite": lambda: tf.linalg.LinearOperatorFullMatrix(A @ A.swapaxes(1, 2), is_positive_definite=True),
    "triangle": lambda: tf.linalg.LinearOperatorLowerTriangular(A),
    "diagonal": lambda: tf.linalg.LinearOperatorDiag(A[:, 0] + 5),
    "identity": lambda: tf.linalg.LinearOperatorIdentity(3, [2]),
    "scaled": lambda: tf.linalg.LinearOperatorScaledIdentity(3, [2.0, -3.0]),
    "product": lambda: tf.linalg.LinearOperatorComposition([tf.linalg.LinearOperatorLowerTriangular(A),
                                                            tf.linalg.LinearOperatorDiag(A[:, 0] + 5)]),
}


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize("kind", OPERATORS)
def test_operators(kind, adjoint):
    operator = OPERATORS[kind]()
    dense, product, solved, log_det, det, diagonal, vector = run([
        operator.to_dense(), operator.matmul(B, adjoint), operator.solve(B, adjoint), operator.log_abs_determinant(),
        operator.determinant(), operator.diag_part(), operator.solvevec(B[..., 0], adjoint)])
    matrix = dense.swapaxes(1, 2) if adjoint else dense
    assert operator.shape.as_list() == [2, 3, 3] and operator.batch_shape.as_list() == [2]
    close(product, matrix @ B)
    close(solved, np.linalg.solve(matrix, B))
    close(vector, solved[..., 0])
    close(log_det, np.linalg.slogdet(dense)[1])
    close(det, np.linalg.det(dense))
    close(diagonal, np.diagonal(dense, axis1=1, axis2=2))


P, Q = np.array([[2.0, 1.0], [1.0, 3.0]], np.float32), np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)


@pytest.mark.parametrize(("build", "expected"), [
    (lambda op, a, b: op.LinearOperatorAdjoint(b), Q.T),
    (lambda op, a, b: op.LinearOperatorInversion(b), np.linalg.inv(Q)),
    (lambda op, a, b: op.LinearOperatorBlockDiag([a, b]), np.block([[P, 0 * P], [0 * P, Q]])),
    (lambda op, a, b: op.LinearOperatorBlockLowerTriangular([[a], [b, a]]), np.block([[P, 0 * P], [Q, P]])),
    (lambda op, a, b: op.LinearOperatorKronecker([a, b]), np.kron(P, Q)),
    (lambda op, a, b: op.LinearOperatorHouseholder([3.0, 4.0]), [[0.28, -0.96], [-0.96, -0.28]]),
    (lambda op, a, b: op.LinearOperatorPermutation([1, 0]), [[0, 1], [1, 0]]),
    (lambda op, a, b: op.LinearOperatorZeros(2), np.zeros((2, 2))),
    (lambda op, a, b: op.LinearOperatorToeplitz([1.0, 2.0], [1.0, 3.0]), [[1, 3], [2, 1]]),
    (lambda op, a, b: op.LinearOperatorTridiag([[5.0, 0.0], [1.0, 2.0], [0.0, 7.0]]), [[1, 5], [7, 2]]),
    (lambda op, a, b: op.LinearOperatorLowRankUpdate(a, [[1.0], [2.0]]), P + [[1, 2], [2, 4]]),
    (lambda op, a, b: op.LinearOperatorCirculant([3.0, 1.0], np.float32), [[2, 1], [1, 2]]),
    (lambda op, a, b: op.LinearOperatorCirculant2D([[3.0, 1.0]], np.float32), [[2, 1], [1, 2]]),
])
def test_structured_operators(build, expected):
    operator = build(tf.linalg, tf.linalg.LinearOperatorFullMatrix(P), tf.linalg.LinearOperatorFullMatrix(Q))
    vector = np.linspace(1, 2, len(expected)).astype(np.float32)
    with tf.Session() as session:
        dense, product = session.run([operator.to_dense(), operator.matvec(vector)])
    np.testing.assert_allclose(dense, expected, atol=1e-5)
    np.testing.assert_allclose(product, expected @ vector, atol=1e-4)


def test_a_low_rank_update_that_is_promised_positive_and_is_not():
    """As multivariate normal distributions of tensorflow_probability promise of any scale."""
    base = tf.linalg.LinearOperatorDiag([-2.0, 3.0])
    operator = tf.linalg.LinearOperatorLowRankUpdate(base, [[1.0], [1.0]], is_positive_definite=True)
    with tf.Session() as session:
        solved = session.run(operator.solve([[1.0], [2.0]]))
    np.testing.assert_allclose(solved, np.linalg.solve([[-1, 1], [1, 4]], [[1], [2]]), rtol=1e-5)


def test_matrices_of_no_shape():
    a, b, rng = tf.placeholder(tf.float32), tf.placeholder(tf.float32), np.random.RandomState(0)
    x, y = rng.randn(5, 4, 3).astype("f"), rng.randn(3, 2).astype("f")
    product = tf.einsum("bij,jk->bik", a, b)
    assert product.shape.as_list() == [None, None, None]
    s, u, v = tf.svd(a)
    made = {"grad": tf.gradients(product, b)[0], "any": tf.einsum("...ij,jk->...ik", a, b), "svd": tf.matmul(
        u * s[:, None], v, transpose_b=True), "qr": tf.matmul(*tf.qr(a)), "sort": tf.sort(a, 1), "at": tf.argsort(a),
        "values": tf.svd(a, compute_uv=False)}
    assert made["at"].dtype == tf.int32
    with tf.Session() as session:
        found = session.run(made, {a: x, b: y})
    np.testing.assert_allclose(found["grad"], np.tile(x.sum((0, 1))[:, None], 2), rtol=1e-4)
    np.testing.assert_allclose(found["any"], x @ y, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["svd"], x, atol=1e-4)
    np.testing.assert_allclose(found["qr"], x, atol=1e-4)
    np.testing.assert_array_equal(found["sort"], np.sort(x, 1))
    np.testing.assert_array_equal(found["at"], np.argsort(x))
    assert found["values"].shape == (5, 3)


def test_images_and_logits_of_no_shape():
    x, labels, weights = tf.placeholder(tf.float32), tf.placeholder(tf.int32), tf.placeholder(tf.float32)
    image = np.random.RandomState(0).rand(2, 3, 3, 3).astype("f")
    made = [tf.image.rgb_to_grayscale(x), tf.nn.fused_batch_norm(x, tf.ones(3), tf.zeros(3))[0]]
    loss = tf.contrib.seq2seq.sequence_loss(x, labels, weights)
    with tf.Session() as session:
        grey, normal = session.run(made, {x: image})
        assert session.run(loss, {x: np.zeros((2, 3, 4)), labels: np.zeros((2, 3)), weights: np.ones((2, 3))}
                           ) == pytest.approx(np.log(4), rel=1e-5)
    np.testing.assert_allclose(grey, image @ np.array([[0.2989], [0.587], [0.114]]), rtol=1e-4)
    np.testing.assert_allclose(normal.mean((0, 1, 2)), np.zeros(3), atol=1e-5)
