"""Dimensions that may be unknown until a graph is fed: integers, or polynomials with integer coefficients over symbols.

A dimension is an `int` or a `Dim`. `Dim`s are canonical, so two that are equal for every feed compare equal:
`(n + 1) * 2 == 2 * n + 2`. Sums and products stay polynomials; floor division, minimum and maximum of what
cannot be simplified become opaque symbols of their own ("atoms").
"""
from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

_ids = itertools.count()


class Atom:
    """A symbol. A fresh one stands for a fed size; one with `function` is computed from `arguments`."""

    __slots__ = ("arguments", "function", "id", "name", "symbol")

    def __init__(self, name: str, symbol: str = "", function: Callable[..., int] | None = None,
                 arguments: tuple[DimLike, ...] = ()):
        self.id = next(_ids)
        self.name = name
        self.symbol = symbol
        self.function = function
        self.arguments = arguments

    def evaluate(self, sizes: Mapping[Atom, int]) -> int:
        if self.function is None:
            return sizes[self]
        if self not in sizes:
            return self.function(*(evaluate(a, sizes) for a in self.arguments))
        return sizes[self]


Monomial = tuple[Atom, ...]  # a product of atoms, ordered by id; () is 1


class Dim:
    """An unknown dimension: a polynomial, as {monomial: coefficient}. Never constant: operations return int then."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[Monomial, int]):
        self.terms = dict(terms)
        self._hash = hash(frozenset(self.terms.items()))

    value = None  # as TensorFlow's Dimension(None).value

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Dim) and self._hash == other._hash and self.terms == other.terms)

    def __hash__(self) -> int:
        return self._hash

    def __bool__(self) -> bool:
        raise TypeError("The size of an unknown dimension is not known while the graph is built.")

    def __add__(self, other: DimLike) -> DimLike:
        terms = dict(self.terms)
        for monomial, coefficient in _terms(other).items():
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return _normal(terms)

    __radd__ = __add__

    def __neg__(self) -> DimLike:
        return _normal({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: DimLike) -> DimLike:
        return self + (-other)

    def __rsub__(self, other: DimLike) -> DimLike:
        return -self + other

    def __mul__(self, other: DimLike) -> DimLike:
        terms: dict[Monomial, int] = {}
        for left, a in self.terms.items():
            for right, b in _terms(other).items():
                monomial = tuple(sorted(left + right, key=lambda atom: atom.id))
                terms[monomial] = terms.get(monomial, 0) + a * b
        return _normal(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: DimLike) -> DimLike:
        quotient = exact_quotient(self, other)
        return quotient if quotient is not None else _derived("//", lambda a, b: a // b, self, other)

    def __rfloordiv__(self, other: DimLike) -> DimLike:
        return _derived("//", lambda a, b: a // b, other, self)

    def __mod__(self, other: DimLike) -> DimLike:
        return self - (self // other) * other

    def __rmod__(self, other: DimLike) -> DimLike:
        return other - (other // self) * self

    def __repr__(self) -> str:
        def product(monomial: Monomial, coefficient: int) -> str:
            names = [a.name for a in monomial]
            return "*".join(names if coefficient == 1 and names else [str(coefficient), *names])
        return " + ".join(product(m, c) for m, c in sorted(self.terms.items(), key=lambda t: [a.id for a in t[0]]))


DimLike = int | Dim


def fresh(name: str | None = None) -> Dim:
    """A new unknown dimension."""
    atom = Atom(name or "?")
    if name is None:
        atom.name = f"d{atom.id}"
    return Dim({(atom,): 1})


def _terms(value: Any) -> Mapping[Monomial, int]:
    return value.terms if isinstance(value, Dim) else {(): int(value)}


def _normal(terms: Mapping[Monomial, int]) -> DimLike:
    terms = {m: c for m, c in terms.items() if c}
    if not terms:
        return 0
    if len(terms) == 1 and () in terms:
        return terms[()]
    return Dim(terms)


_derived_atoms: dict[tuple[str, DimLike, DimLike], Dim] = {}


def _derived(symbol: str, function: Callable[[int, int], int], a: DimLike, b: DimLike) -> Dim:
    """The dimension `function(a, b)`, one atom for equal arguments."""
    key = (symbol, a, b)
    if key not in _derived_atoms:
        _derived_atoms[key] = Dim({(Atom(f"({a} {symbol} {b})", symbol, function, (a, b)),): 1})
    return _derived_atoms[key]


def exact_quotient(a: DimLike, b: DimLike) -> DimLike | None:
    """a / b where it divides exactly for every feed, else None."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b if b and a % b == 0 else None
    if a == b:
        return 1
    divisor = _terms(b)
    if len(divisor) != 1:
        # a polynomial times something: worth trying only the quotient that the leading terms suggest
        for monomial in _terms(a):
            rest = _remove(monomial, next(iter(divisor)))
            if rest is not None and (q := _normal({rest: 1})) is not None and q * b == a:
                return q
        return None
    (atoms, coefficient), = divisor.items()
    if not coefficient:
        return None
    quotient = {}
    for monomial, c in _terms(a).items():
        rest = _remove(monomial, atoms)
        if rest is None or c % coefficient:
            return None
        quotient[rest] = c // coefficient
    return _normal(quotient)


def _remove(monomial: Monomial, atoms: Monomial) -> Monomial | None:
    rest = list(monomial)
    for atom in atoms:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def ceil_div(a: DimLike, b: int) -> DimLike:
    return (a + b - 1) // b


def maximum(a: DimLike, b: DimLike) -> DimLike:
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    return a if a == b else _derived("max", max, a, b)


def minimum(a: DimLike, b: DimLike) -> DimLike:
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    return a if a == b else _derived("min", min, a, b)


def broadcast(a: DimLike, b: DimLike) -> DimLike | None:
    """One dimension of a broadcast (NumPy's rule), None when the sizes conflict."""
    if a == b or (isinstance(b, int) and b == 1):
        return a
    if isinstance(a, int) and a == 1:
        return b
    if isinstance(a, int):
        return a if isinstance(b, Dim) else None
    if isinstance(b, int):
        return b
    return _derived("broadcast", lambda x, y: y if x == 1 else x, a, b)


def product(dims: Any) -> DimLike:
    result: DimLike = 1
    for dim in dims:
        result = result * dim
    return result


def evaluate(dim: DimLike, sizes: Mapping[Atom, int]) -> int:
    """The dimension as an integer, given the sizes of its symbols."""
    if isinstance(dim, int):
        return dim
    total = 0
    for monomial, coefficient in dim.terms.items():
        for atom in monomial:
            coefficient *= atom.evaluate(sizes)
        total += coefficient
    return total


def symbol(dim: DimLike) -> Atom | None:
    """The atom of a dimension that is just one fed symbol, else None."""
    if isinstance(dim, Dim) and len(dim.terms) == 1:
        (monomial, coefficient), = dim.terms.items()
        if coefficient == 1 and len(monomial) == 1 and monomial[0].function is None:
            return monomial[0]
    return None


def substitute(dim: DimLike, sizes: Mapping[Atom, DimLike]) -> DimLike:
    """The dimension with symbols replaced; derived atoms are computed anew from their replaced arguments."""
    if isinstance(dim, int):
        return dim
    total: DimLike = 0
    for monomial, coefficient in dim.terms.items():
        term: DimLike = coefficient
        for atom in monomial:
            term = term * _substitute_atom(atom, sizes)
        total = total + term
    return total


def _substitute_atom(atom: Atom, sizes: Mapping[Atom, DimLike]) -> DimLike:
    if atom in sizes:
        return sizes[atom]
    if atom.function is None:
        return Dim({(atom,): 1})
    arguments = [substitute(a, sizes) for a in atom.arguments]
    a, b = arguments
    if atom.symbol == "//":
        return a // b
    if atom.symbol == "max":
        return maximum(a, b)
    if atom.symbol == "min":
        return minimum(a, b)
    merged = broadcast(a, b)
    return merged if merged is not None else _derived(atom.symbol, atom.function, a, b)
