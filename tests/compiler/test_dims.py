"""Dimensions: evaluation respects arithmetic, and sizes that are equal for every feed are equal dimensions."""
from __future__ import annotations

import gc
import operator

import pytest
from graphflow.compiler import dims as dm
from hypothesis import given
from hypothesis import strategies as st

NAMES = "nmk"
SYMBOLS = {name: dm.fresh(name) for name in NAMES}
ATOMS = {name: dm.symbol(dim) for name, dim in SYMBOLS.items()}
OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv, "%": operator.mod,
              "max": max, "min": min}
ON_DIMS = OPERATIONS | {"max": dm.maximum, "min": dm.minimum}

leaves = st.one_of(st.sampled_from(NAMES), st.integers(-3, 6))
expressions = st.recursive(
    leaves, lambda inner: st.tuples(st.sampled_from(sorted(OPERATIONS)), inner, inner), max_leaves=8)
sizes = st.fixed_dictionaries({name: st.integers(0, 9) for name in NAMES})


def value(expression, symbols, operations):
    """The expression over these values; None where it divides by zero."""
    if isinstance(expression, str):
        return symbols[expression]
    if isinstance(expression, int):
        return expression
    name, left, right = expression
    a, b = value(left, symbols, operations), value(right, symbols, operations)
    if a is None or b is None or (name in ("//", "%") and isinstance(b, int) and b == 0):
        return None
    return operations[name](a, b)


def bound(feed):
    return {ATOMS[name]: size for name, size in feed.items()}


@given(expressions, sizes)
def test_evaluation_is_a_homomorphism(expression, feed):
    dim, wanted = value(expression, SYMBOLS, ON_DIMS), value(expression, feed, OPERATIONS)
    if dim is not None and wanted is not None:
        assert dm.evaluate(dim, bound(feed)) == wanted


@given(expressions, sizes, st.sampled_from(NAMES), st.integers(1, 5))
def test_substitution_agrees_with_evaluation(expression, feed, name, factor):
    dim = value(expression, SYMBOLS, ON_DIMS)
    grown = feed | {name: feed[name] * factor + 1}
    if dim is not None and value(expression, grown, OPERATIONS) is not None:
        replaced = dm.substitute(dim, {ATOMS[name]: SYMBOLS[name] * factor + 1})
        assert dm.evaluate(replaced, bound(feed)) == dm.evaluate(dim, bound(grown))
    if dim is not None and value(expression, feed, OPERATIONS) is not None:
        assert dm.substitute(dim, {ATOMS[n]: size for n, size in feed.items()}) == dm.evaluate(dim, bound(feed))


polynomials = st.recursive(leaves, lambda inner: st.tuples(st.sampled_from("+-*"), inner, inner), max_leaves=6)


@given(polynomials, polynomials, polynomials)
def test_polynomials_are_canonical(a, b, c):
    x, y, z = (value(e, SYMBOLS, ON_DIMS) for e in (a, b, c))
    assert x + y == y + x and x * y == y * x
    assert (x + y) + z == x + (y + z) and (x * y) * z == x * (y * z)
    assert x * (y + z) == x * y + x * z
    assert x - x == 0 and x + y - y == x
    assert hash(x * (y + z)) == hash(x * y + x * z)


@given(polynomials, st.integers(1, 6))
def test_division_takes_whole_multiples_out(a, divisor):
    x, n = value(a, SYMBOLS, ON_DIMS), SYMBOLS["n"]
    assert (x * divisor) // divisor == x
    assert (x + n * divisor) // divisor == x // divisor + n
    assert (x + divisor) % divisor == x % divisor


def test_what_shape_rules_rely_on():
    n, m = SYMBOLS["n"], SYMBOLS["m"]
    assert (n - 2) // 2 + 1 == n // 2
    assert dm.ceil_div(n, 2) == (n + 1) // 2
    assert n // 2 // 3 == n // 6
    assert (2 * n * m + m) // m == 2 * n + 1
    assert dm.exact_quotient(6 * n, 4) is None and dm.exact_quotient(6 * n, 3) == 2 * n
    assert dm.exact_quotient(n * m, n) == m and dm.exact_quotient(n, m) is None
    assert dm.maximum(n, 0) == n and dm.minimum(n, n + 3) == n and dm.maximum(n - 1, n) == n
    assert dm.maximum(n, m) != dm.maximum(n, m + 1)


@pytest.mark.parametrize(("a", "b", "wanted"), [(3, 3, 3), (1, 4, 4), (4, 1, 4), (0, 1, 0), (2, 3, None)])
def test_broadcast_of_integers(a, b, wanted):
    assert dm.broadcast(a, b) == wanted


@given(sizes)
def test_broadcast_of_unknown_sizes(feed):
    n, m = SYMBOLS["n"], SYMBOLS["m"]
    assert dm.broadcast(n, 1) is n and dm.broadcast(n, n) is n and dm.broadcast(n, 5) == 5
    if feed["n"] == feed["m"] or 1 in (feed["n"], feed["m"]):
        wanted = feed["m"] if feed["n"] == 1 else feed["n"]
        assert dm.evaluate(dm.broadcast(n, m), bound(feed)) == wanted


def test_what_a_size_is_at_least_settles_minima_and_maxima():
    n, m = dm.fresh(least=2), dm.fresh()
    assert dm.minimum(1, n) == 1 and dm.maximum(n - 1, 0) == n - 1 and dm.minimum(n * n, 4) == 4
    assert [dm.least(d) for d in (n - 1, n - 3, 3 * n + m, n - m, n // 2, dm.maximum(n - 5, 0), dm.minimum(n, m))] == [
        1, None, 6, None, 0, 0, 0]


def test_the_truth_of_an_unknown_size_is_not_known():
    with pytest.raises(TypeError, match="not known"):
        bool(SYMBOLS["n"])


def test_derived_symbols_last_as_long_as_what_they_are_computed_from():
    def alive():
        gc.collect()
        return sum(isinstance(o, dm.Atom) for o in gc.get_objects())

    def atom(dim):
        return next(iter(dim.terms))[0].id

    before = alive()
    n, m = dm.fresh(), dm.fresh()
    first = atom(dm.maximum(n // 7, m))
    assert alive() == before + 4
    assert atom(dm.maximum(n // 7, m)) == first  # of the same order, whenever garbage is collected
    del n, m
    assert alive() == before


def test_a_size_without_a_feed_is_an_error():
    with pytest.raises(KeyError):
        dm.evaluate(dm.fresh() + 1, {})


def test_names():
    n, m = SYMBOLS["n"], SYMBOLS["m"]
    assert repr(2 * n * m + 1) == "1 + 2*n*m" and repr(n // 2) == "(n // 2)"
    assert str(n) == "?"  # as TensorFlow prints a size that is not known
