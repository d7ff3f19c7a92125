"""Dimensions that may be unknown until a graph is fed: integers, or polynomials with integer coefficients over symbols.

A dimension is an `int` or a `Dim`. `Dim`s are canonical, so two that are equal for every feed compare equal:
`(n + 1) * 2 == 2 * n + 2`. Sums and products stay polynomials; floor division, minimum and maximum of what
cannot be simplified become opaque symbols of their own ("atoms"). Symbols stand for sizes, so they are not negative;
what each may be at least settles minima and maxima.
"""
from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Mapping
from typing import Any

_ids = itertools.count()


class Atom:
    """A symbol, `least` or more (None: may be negative). A fresh one stands for a fed size; one with `function` is
    computed from `arguments`. `derived` are those computed from it, by what they are: collected earlier and made anew,
    they would be of another order."""

    __slots__ = ("arguments", "derived", "function", "id", "least", "name", "symbol")

    def __init__(self, name: str, symbol: str = "", function: Callable[..., int] | None = None,
                 arguments: tuple[DimLike, ...] = (), least: int | None = 0):
        self.id = next(_ids)
        self.name = name
        self.symbol = symbol
        self.function = function
        self.arguments = arguments
        self.least = least
        self.derived: dict[tuple[str, DimLike, DimLike], Atom] = {}

    def evaluate(self, sizes: Mapping[Atom, int], known: dict[Atom, int]) -> int:
        """The value; `known` keeps those of atoms computed on the way, which may share arguments many times over."""
        if self.function is None or self in sizes:
            return sizes[self]
        if self not in known:
            known[self] = self.function(*(_evaluate(a, sizes, known) for a in self.arguments))
        return known[self]


Monomial = tuple[Atom, ...]  # a product of atoms, ordered by id; () is 1


class Dim:
    """An unknown dimension: a polynomial, as {monomial: coefficient}. Never constant: operations return int then."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[Monomial, int]):
        self.terms = dict(terms)
        self._hash = hash(frozenset(self.terms.items()))

    value = None  # as TensorFlow's Dimension(None).value

    def is_compatible_with(self, other: Any) -> bool:
        """True: it may be of any size."""
        return True

    def assert_is_compatible_with(self, other: Any) -> None:
        """Nothing: it may be of any size."""

    def merge_with(self, other: Any) -> Any:
        """The other dimension where its size is known."""
        return self if getattr(other, "value", other) is None else other

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
        return floor_div(self, other)

    def __rfloordiv__(self, other: DimLike) -> DimLike:
        return floor_div(other, self)

    def __mod__(self, other: DimLike) -> DimLike:
        return self - (self // other) * other

    def __rmod__(self, other: DimLike) -> DimLike:
        return other - (other // self) * self

    def __str__(self) -> str:
        return "?"  # what TensorFlow prints

    def __repr__(self) -> str:
        def product(monomial: Monomial, coefficient: int) -> str:
            names = [a.name for a in monomial]
            return "*".join(names if coefficient == 1 and names else [str(coefficient), *names])
        return " + ".join(product(m, c) for m, c in sorted(self.terms.items(), key=lambda t: [a.id for a in t[0]]))


DimLike = int | Dim


def fresh(name: str | None = None, least: int = 0) -> Dim:
    """A new unknown dimension of `least` or more."""
    atom = Atom(name or "?", least=least)
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


def _derived(symbol: str, function: Callable[[int, int], int], a: DimLike, b: DimLike) -> Dim:
    """The dimension `function(a, b)`, one atom for equal arguments."""
    of = (atom for d in (a, b) if isinstance(d, Dim) for monomial in d.terms for atom in monomial)
    derived = max(of, key=lambda atom: atom.id).derived
    found = derived.get((symbol, a, b))
    if found is None:
        made = Atom(f"({a!r} {symbol} {b!r})", symbol, function, (a, b), _least_of(symbol, least(a), least(b)))
        found = derived.setdefault((symbol, a, b), made)
    return Dim({(found,): 1})


def _least_of(symbol: str, a: int | None, b: int | None) -> int | None:
    if symbol == "max":
        return max((n for n in (a, b) if n is not None), default=None)
    if a is None or b is None:
        return None
    return 0 if symbol == "//" else min(a, b)


def floor_div(a: DimLike, b: DimLike) -> DimLike:
    """a // b: whole multiples of a positive integer `b` are taken out, so that (n + 2) // 2 == n // 2 + 1."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    quotient = exact_quotient(a, b)
    if quotient is not None:
        return quotient
    if not isinstance(b, int) or b < 1:
        return _derived("//", operator.floordiv, a, b)
    whole = _normal({m: c // b for m, c in _terms(a).items()})
    rest = _normal({m: c % b for m, c in _terms(a).items()})
    if isinstance(rest, int):
        return whole + rest // b
    inner = _sole_atom(rest)
    if inner is not None and inner.symbol == "//" and isinstance(inner.arguments[1], int) and inner.arguments[1] > 0:
        return whole + floor_div(inner.arguments[0], inner.arguments[1] * b)
    return whole + _derived("//", operator.floordiv, rest, b)


def least(dim: DimLike) -> int | None:
    """What the dimension is at least for every feed, 0 or more; None where it is not known not to be negative."""
    total = 0
    for monomial, coefficient in _terms(dim).items():
        for atom in monomial:
            if coefficient < 0 or atom.least is None:
                return None
            coefficient *= atom.least
        total += coefficient
    return total if total >= 0 else None


def is_nonnegative(dim: DimLike) -> bool:
    """Known to be 0 or more for every feed? (False: not known.)"""
    return least(dim) is not None


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
    if a == b or is_nonnegative(a - b):
        return a
    return b if is_nonnegative(b - a) else _derived("max", max, a, b)


def minimum(a: DimLike, b: DimLike) -> DimLike:
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    if a == b or is_nonnegative(b - a):
        return a
    return b if is_nonnegative(a - b) else _derived("min", min, a, b)


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
    parts_a, parts_b = _broadcast_parts(a), _broadcast_parts(b)
    if parts_a >= parts_b or parts_b >= parts_a:  # one has been broadcast with the other already
        return a if parts_a >= parts_b else b
    return _derived("broadcast", lambda x, y: y if x == 1 else x, a, b)


def _broadcast_parts(dim: Dim) -> set[DimLike]:
    """What a dimension was broadcast from: itself, unless it is the atom of a broadcast."""
    atom = _sole_atom(dim)
    if atom is None or atom.symbol != "broadcast":
        return {dim}
    return {part for a in atom.arguments for part in (_broadcast_parts(a) if isinstance(a, Dim) else {a})}


def product(dims: Any) -> DimLike:
    result: DimLike = 1
    for dim in dims:
        result = result * dim
    return result


def evaluate(dim: DimLike, sizes: Mapping[Atom, int]) -> int:
    """The dimension as an integer, given the sizes of its symbols."""
    return _evaluate(dim, sizes, {})


def _evaluate(dim: DimLike, sizes: Mapping[Atom, int], known: dict[Atom, int]) -> int:
    if isinstance(dim, int):
        return dim
    total = 0
    for monomial, coefficient in dim.terms.items():
        for atom in monomial:
            coefficient *= atom.evaluate(sizes, known)
        total += coefficient
    return total


def atoms(dim: DimLike) -> set[Atom]:
    """The fed symbols that a dimension depends on."""
    found: set[Atom] = set()
    stack = [dim]
    while stack:
        current = stack.pop()
        for atom in {a for monomial in current.terms for a in monomial} - found if isinstance(current, Dim) else ():
            found.add(atom)
            stack += atom.arguments
    return {atom for atom in found if atom.function is None}


def size_atoms(value: Any) -> set[Atom]:
    """The fed symbols in an attribute or a shape."""
    if isinstance(value, Dim):
        return atoms(value)
    return {atom for v in value for atom in size_atoms(v)} if isinstance(value, tuple) else set()


def _sole_atom(dim: DimLike) -> Atom | None:
    """The atom of a dimension that is just that."""
    if isinstance(dim, Dim) and len(dim.terms) == 1:
        (monomial, coefficient), = dim.terms.items()
        if coefficient == 1 and len(monomial) == 1:
            return monomial[0]
    return None


def symbol(dim: DimLike) -> Atom | None:
    """The atom of a dimension that is just one fed symbol, else None."""
    atom = _sole_atom(dim)
    return atom if atom is not None and atom.function is None else None


def substitute(dim: DimLike, sizes: Mapping[Atom, DimLike]) -> DimLike:
    """The dimension with symbols replaced; derived atoms are computed anew from their replaced arguments."""
    return _substitute(dim, sizes, {})


def _substitute(dim: DimLike, sizes: Mapping[Atom, DimLike], known: dict[Atom, DimLike]) -> DimLike:
    if isinstance(dim, int):
        return dim
    total: DimLike = 0
    for monomial, coefficient in dim.terms.items():
        term: DimLike = coefficient
        for atom in monomial:
            if atom not in known:
                known[atom] = sizes[atom] if atom in sizes else _substitute_atom(atom, sizes, known)
            term = term * known[atom]
        total = total + term
    return total


def _substitute_atom(atom: Atom, sizes: Mapping[Atom, DimLike], known: dict[Atom, DimLike]) -> DimLike:
    if atom.function is None:
        return Dim({(atom,): 1})
    a, b = (_substitute(argument, sizes, known) for argument in atom.arguments)
    if atom.symbol == "//":
        return floor_div(a, b)
    if atom.symbol == "max":
        return maximum(a, b)
    if atom.symbol == "min":
        return minimum(a, b)
    merged = broadcast(a, b)
    return merged if merged is not None else _derived(atom.symbol, atom.function, a, b)
